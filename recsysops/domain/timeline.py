"""What happened around one title, told as one story.

Frozen, JSON-able values: times are aware UTC, order is the order to show.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from recsysops.domain.severity import Severity


class TimelineKind(StrEnum):
    """What an entry tells of."""

    METADATA = "metadata"
    """A field was filled, changed or emptied."""
    LAUNCH = "launch"
    """A launch was announced, moved, cancelled or planned again."""
    PLAN = "plan"
    """An expectation was added or changed."""
    ISSUE = "issue"
    """A finding was opened, got worse or better, or was resolved."""
    PREDICTION = "prediction"
    """What is predicted moved much between two runs."""
    CHANGE = "change"
    """Something was deployed, pushed or edited: for this title, or for all."""


@dataclass(frozen=True, kw_only=True)
class TimelinePlace:
    """Where it holds; `all` is everywhere."""

    market: str
    surface: str


@dataclass(frozen=True, kw_only=True)
class TimelineEntry:
    """One thing that happened, in every place where it happened alike."""

    at: datetime
    """When it happened or the source knew; for issues and predictions the time of the run."""
    known_at: datetime | None
    """When we knew, where that is another time; None where it is the same or not recorded."""
    kind: TimelineKind
    what: str
    """What it is about and what became of it, in few words; text of others is cut to 200 characters."""
    before: str = ""
    """What stood there before; empty where nothing did, or it makes no sense."""
    after: str = ""
    """What stands there now; empty where nothing does, or it makes no sense."""
    places: tuple[TimelinePlace, ...] = ()
    """Where, by market and surface; empty where it concerns the whole title."""
    severity: Severity | None = None
    """Of an issue, at that time."""
    is_service_wide: bool = False
    """Whether it concerns all titles, not this one alone."""


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """One page of what happened around a title, newest first."""

    title_id: str
    entries: tuple[TimelineEntry, ...]
    counts: Mapping[str, int]
    """Kind to its number of entries, over all kinds; every kind is a key."""
    is_cut: bool
    """Whether the oldest changes of the whole service, or predictions of old runs, were left out."""
    total: int
    """Entries of the kinds asked for."""
    offset: int
    limit: int
