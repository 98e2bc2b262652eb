"""Tables of what a batch looked like, of batches that are held, of files seen, and of changes."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from recsysops.store.column_types import AutoId, JsonText
from recsysops.store.tables import Tables
from recsysops.store.tables_input import batch_reference


class BatchProfileRow(Tables):
    """What a published batch looked like."""

    __tablename__ = "batch_profile"

    batch_id: Mapped[str] = mapped_column(batch_reference(), primary_key=True)
    profile: Mapped[Mapping[str, object]]


class HeldBatchRow(Tables):
    """A batch that was read and not published."""

    __tablename__ = "held_batch"
    __table_args__ = (Index(None, "table_name", "state"),)

    sequence: Mapped[int] = mapped_column(AutoId, primary_key=True)
    batch_id: Mapped[str] = mapped_column(unique=True)
    table_name: Mapped[str]
    content_hash: Mapped[str]
    files: Mapped[list[str]]
    rows_in: Mapped[int]
    accepted: Mapped[int]
    quarantined: Mapped[int]
    held_at: Mapped[datetime]
    drifts: Mapped[list[object]] = mapped_column(JsonText)
    profile: Mapped[Mapping[str, object]]
    state: Mapped[str]
    """Where it stands; the last decision, while nothing was held anew."""


class HeldDecisionRow(Tables):
    """One decision on a held batch; the migration forbids changing or deleting it."""

    __tablename__ = "held_decision"

    sequence: Mapped[int] = mapped_column(AutoId, primary_key=True)
    batch_id: Mapped[str] = mapped_column(ForeignKey("held_batch.batch_id"), index=True)
    state: Mapped[str]
    decided_by: Mapped[str]
    reason: Mapped[str]
    at: Mapped[datetime]


class SeenFileRow(Tables):
    """A file as an ingest last found it."""

    __tablename__ = "seen_file"

    table_name: Mapped[str] = mapped_column(primary_key=True)
    path: Mapped[str] = mapped_column(primary_key=True)
    size: Mapped[int]
    mtime_ns: Mapped[int]
    content_hash: Mapped[str]
    seen_at: Mapped[datetime]


class ChangeRow(Tables):
    """A deploy, a model push, an edit of the catalogue."""

    __tablename__ = "change"
    __table_args__ = (Index(None, "title_id", "ts"), Index(None, "ts"))

    sequence: Mapped[int] = mapped_column(AutoId, primary_key=True)
    row_hash: Mapped[str] = mapped_column(unique=True)
    """Of everything but loaded_at: the same change is kept once."""
    batch_id: Mapped[str] = mapped_column(batch_reference())
    loaded_at: Mapped[datetime]
    ts: Mapped[datetime]
    kind: Mapped[str]
    what: Mapped[str]
    title_id: Mapped[str | None]
    market: Mapped[str | None]
