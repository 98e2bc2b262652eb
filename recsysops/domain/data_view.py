"""What the faces show of the data that came in: batches, held batches, kept-out rows, feeds and changes.

Frozen, JSON-able values: numbers are finite or None, times are aware UTC, order is the order to show.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from recsysops.domain.batch import QuarantinedRow
from recsysops.domain.drift import Decision, Drift, HeldState


class FeedCondition(StrEnum):
    """How a source delivers."""

    FRESH = "fresh"
    LATE = "late"
    """Nothing new for longer than it takes between two deliveries."""
    SHORT = "short"
    """Its last batch had far fewer rows than is usual."""
    ABSENT = "absent"
    """Nothing of it was ever published, or an ingest no longer finds it."""
    FROZEN = "frozen"
    """It is found, and what it says has stood still for several deliveries."""
    UNKNOWN = "unknown"
    """The settings do not say how often it delivers: nobody can say that it is late."""

    @property
    def rank(self) -> int:
        """0 for absent, then frozen, late, short, unknown, fresh: ascending is worst first."""
        return ("absent", "frozen", "late", "short", "unknown", "fresh").index(self.value)


@dataclass(frozen=True, kw_only=True)
class BatchRow:
    """The account of one published batch: rows in = accepted + duplicate + quarantined."""

    batch_id: str
    table: str
    files: tuple[str, ...]
    rows_in: int
    accepted: int
    duplicate: int
    quarantined: int
    loaded_at: datetime
    label: str
    """`not point-in-time` where its times are assumed; empty otherwise."""
    codes: Mapping[str, int]
    """Quarantined rows by code, complete."""
    released_by: str
    """Who let it through after it was held; empty where it was never held."""


@dataclass(frozen=True, kw_only=True)
class BatchList:
    """One page of batches, newest first."""

    rows: tuple[BatchRow, ...]
    tables: Mapping[str, int]
    """Table to its number of batches, over all tables; by name."""
    total: int
    """Batches that pass the filter."""
    offset: int
    limit: int


@dataclass(frozen=True, kw_only=True)
class HeldRow:
    """A batch that was read and not published, why, and what was decided."""

    batch_id: str
    table: str
    files: tuple[str, ...]
    rows_in: int
    accepted: int
    """Rows that would be published."""
    quarantined: int
    held_at: datetime
    state: HeldState
    is_undecided: bool
    """Whether it waits for a person: it can be released or discarded."""
    why: str
    """Sentences of all its drifts, one after the other."""
    drifts: tuple[Drift, ...]
    decisions: tuple[Decision, ...]
    """Oldest first."""


@dataclass(frozen=True, kw_only=True)
class HeldList:
    """One page of held batches: those that wait for a person first, then newest first."""

    rows: tuple[HeldRow, ...]
    n_undecided: int
    """Batches that wait for a person, over all tables."""
    total: int
    offset: int
    limit: int


@dataclass(frozen=True, kw_only=True)
class QuarantineLine:
    """One row that was kept out, and the batch it came in."""

    batch_id: str
    table: str
    loaded_at: datetime
    row: QuarantinedRow


@dataclass(frozen=True, kw_only=True)
class QuarantinePage:
    """One page of kept-out rows, by batch (newest first) and row."""

    rows: tuple[QuarantineLine, ...]
    codes: Mapping[str, int]
    """Code to rows kept out, complete, over the batches asked for; most frequent first."""
    n_kept_out: int
    """Rows kept out of the batches asked for; of logs, and of old batches, not all of them can be listed."""
    total: int
    """Rows that can be listed."""
    offset: int
    limit: int


@dataclass(frozen=True, kw_only=True)
class FeedRow:
    """One source of the settings, and whether it delivers."""

    feed: str
    """Name of the table it delivers."""
    state: FeedCondition
    why: str
    """One sentence with its numbers."""
    every_hours: float | None
    """How often it should deliver; None where the settings do not say."""
    last_seen_at: datetime | None
    """When anything of it, new or not, was last found by an ingest."""
    last_new_at: datetime | None
    """When a batch with new content was last published."""
    last_data_at: datetime | None
    """The latest time its rows speak of."""
    n_batches: int
    last_rows: int | None
    """Rows of the batch published last."""
    usual_rows: float | None
    """Median rows of the batches before it; None with fewer than three."""
    n_held: int
    """Batches that wait for a person."""
    held_why: str
    """Sentence of the oldest of these; empty without one."""


@dataclass(frozen=True, kw_only=True)
class FeedList:
    """Every source of the settings, worst first."""

    as_of: datetime
    """The time they are judged at."""
    rows: tuple[FeedRow, ...]


@dataclass(frozen=True, kw_only=True)
class ChangeRow:
    """Something that was deployed, pushed or edited."""

    at: datetime
    kind: str
    what: str
    title_id: str | None
    """None where it concerns all titles."""
    market: str | None
    """None where it concerns all markets."""


@dataclass(frozen=True, kw_only=True)
class ChangeList:
    """One page of changes, latest first."""

    rows: tuple[ChangeRow, ...]
    limit: int
    offset: int = 0
    has_more: bool = False
    """Whether there are older ones."""


@dataclass(frozen=True, kw_only=True)
class BatchView:
    """One batch as far as it came: published, held, or both one after the other."""

    batch_id: str
    published: BatchRow | None
    held: HeldRow | None


@dataclass(frozen=True, kw_only=True)
class DecisionAnswer:
    """What a person's decision on a held batch led to."""

    answer: str
    """One sentence for who decided."""
    held: HeldRow
    """As it stands now."""


class BatchOrder(StrEnum):
    """How batches can be ordered."""

    NEWEST = "newest"
    OLDEST = "oldest"
    ROWS = "rows"
    """Most rows first."""
    QUARANTINED = "quarantined"
    """Most rows kept out first."""
