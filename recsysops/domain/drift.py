"""How a batch differs from those before it, and a batch that is held because of that. The comparing is `comparison`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class DriftKind(StrEnum):
    """Ways in which a source goes wrong between two deliveries."""

    COLUMN_GONE = "column_gone"
    COLUMN_RENAMED = "column_renamed"
    COLUMN_RETYPED = "column_retyped"
    UNIT_JUMP = "unit_jump"
    NULL_JUMP = "null_jump"
    ROW_DROP = "row_drop"
    BAD_ROWS = "bad_rows"
    OLDER = "older"
    """Its newest row is older than what the batch before it already said."""
    FUTURE = "future"
    """Its rows speak of times that have not come."""


@dataclass(frozen=True, kw_only=True)
class Drift:
    """One difference, named."""

    kind: DriftKind
    column: str
    """Of the file; empty where it concerns the batch as a whole."""
    was: str
    """What was usual, as a reader wants it."""
    found: str
    why: str
    """One sentence with its numbers."""


@dataclass(frozen=True, kw_only=True)
class ColumnProfile:
    """What one column of a file looked like."""

    kind: str
    """`text`, `number`, `time`, `list` or `empty`: what nearly all of its filled cells are."""
    empty_ratio: float
    """Share of empty cells, 0 to 1."""
    typical: float | None = None
    """Median of the absolute values of a column of numbers that are not 0; None for other kinds."""
    values: tuple[str, ...] = ()
    """A few of the most frequent values, by which a renamed column is recognised."""


@dataclass(frozen=True, kw_only=True)
class Profile:
    """What a file looked like, before any of it was published."""

    rows: int
    quarantined: int
    columns: Mapping[str, ColumnProfile]
    """By the file's own column name."""
    first_at: datetime | None = None
    """Earliest and latest time its rows speak of: ts of logs and changes, observed_at of the others."""
    last_at: datetime | None = None
    file: str = ""
    """Where it lay; filled in by the ingest, as files of one series are compared with each other."""


class HeldState(StrEnum):
    """Where a held batch stands."""

    HELD = "held"
    RELEASED = "released"
    """A person let it through; the next ingest publishes it."""
    PUBLISHED = "published"
    DISCARDED = "discarded"
    """A person refused it, or a later delivery took its place."""


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What a person (or, for a replaced delivery, the ingest) decided on a held batch."""

    state: HeldState
    by: str
    reason: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class HeldBatch:
    """A batch that was read and not published."""

    batch_id: str
    """The id it gets when it is published."""
    table: str
    content_hash: str
    """Of the content and of all settings its rows depend on, as of a published batch."""
    files: tuple[str, ...]
    rows_in: int
    accepted: int
    """Rows that would be published."""
    quarantined: int
    held_at: datetime
    drifts: tuple[Drift, ...]
    profile: Profile
    state: HeldState = HeldState.HELD
    decisions: tuple[Decision, ...] = field(default=())
    """Oldest first; append-only."""


@dataclass(frozen=True, kw_only=True)
class SeenFile:
    """A file as an ingest last found it, so that the next one need not read it again."""

    table: str
    path: str
    """Absolute."""
    size: int
    mtime_ns: int
    content_hash: str
    """As of a batch; after a dot a fingerprint of the settings it was read with."""
    seen_at: datetime
