"""What came in and what became of each row of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

NOT_POINT_IN_TIME: Final = "not point-in-time"
"""Label of what rests on assumed times of observation."""


@dataclass(frozen=True, kw_only=True)
class QuarantinedRow:
    """One row that was kept out, and what would let it in."""

    file: str
    row: int
    """1-based data row in its file (the header is row 0); -1 where the reader cannot know it."""
    column: str
    code: str
    value: str
    """Cut to 200 characters, control characters escaped; empty for members' data."""
    rule: str
    """What was expected, in one sentence."""
    fix: str
    """What to do, in one sentence."""


@dataclass(frozen=True, kw_only=True)
class BatchReceipt:
    """The account of one batch: rows in = accepted + duplicate + quarantined."""

    batch_id: str
    table: str
    content_hash: str
    files: tuple[str, ...]
    rows_in: int
    accepted: int
    duplicate: int
    quarantined: int
    loaded_at: datetime
    as_of_label: str = ""
    """`not point-in-time` when observed_at was assumed; empty otherwise."""
    codes: Mapping[str, int] = field(default_factory=dict)
    """Quarantined rows by code; sums to `quarantined`, also where only samples of the rows are kept."""

    def __post_init__(self) -> None:
        """Refuse an account that does not add up."""
        if self.rows_in != self.accepted + self.duplicate + self.quarantined:
            raise ValueError(
                f"Batch {self.batch_id} does not add up: {self.rows_in} rows in, {self.accepted} accepted, "
                f"{self.duplicate} duplicate, {self.quarantined} quarantined."
            )


@dataclass(frozen=True, kw_only=True)
class LogFile:
    """One registered file of impressions or interactions: the record that treatment is computed from."""

    batch_id: str
    table: str
    path: str
    """Absolute."""
    content_hash: str
    declared_day: date | None
    """The UTC day the file is the whole delivery of; None for a file that is no daily delivery."""
    first_at: datetime | None
    last_at: datetime | None
    """Times of its first and last accepted row; None when it has none."""
    rows: int
    """Accepted rows."""
    mapping: Mapping[str, object] = field(default_factory=dict)
    """The source settings it was read with (JSON), so that it can be read again."""
