"""Tables of what came in: batches, quarantine, log files, versions, treatment, activity."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Final

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from recsysops.store.column_types import AutoId
from recsysops.store.tables import Tables

_CURRENT: Final = text("superseded_by IS NULL")


def batch_reference() -> ForeignKey:
    """Return a reference to the batch a row came with."""
    # Deferred: how many versions were new is known only after they were added, and the batch's account needs it.
    return ForeignKey("batch.batch_id", deferrable=True, initially="DEFERRED")


class BatchRow(Tables):
    """A batch and its account."""

    __tablename__ = "batch"
    __table_args__ = (
        UniqueConstraint("table_name", "content_hash"),
        CheckConstraint("rows_in = accepted + duplicate + quarantined", name="adds_up"),
        CheckConstraint("accepted >= 0 AND duplicate >= 0 AND quarantined >= 0", name="not_negative"),
    )

    sequence: Mapped[int] = mapped_column(AutoId, primary_key=True)
    batch_id: Mapped[str] = mapped_column(unique=True)
    table_name: Mapped[str]
    content_hash: Mapped[str]
    files: Mapped[list[str]]
    rows_in: Mapped[int]
    accepted: Mapped[int]
    duplicate: Mapped[int]
    quarantined: Mapped[int]
    loaded_at: Mapped[datetime]
    as_of_label: Mapped[str]
    codes: Mapped[Mapping[str, object]]


class QuarantinedRowRow(Tables):
    """One row that was kept out."""

    __tablename__ = "quarantined_row"

    sequence: Mapped[int] = mapped_column(AutoId, primary_key=True)
    batch_id: Mapped[str] = mapped_column(batch_reference(), index=True)
    file: Mapped[str]
    row: Mapped[int]
    column_name: Mapped[str]
    code: Mapped[str]
    value: Mapped[str]
    rule: Mapped[str]
    fix: Mapped[str]


class LogFileRow(Tables):
    """A registered log file; superseded ones stay as history."""

    __tablename__ = "log_file"
    __table_args__ = (
        Index(
            "uq_log_file_current_path", "table_name", "path",
            unique=True, sqlite_where=_CURRENT, postgresql_where=_CURRENT,
        ),
        Index(
            "uq_log_file_current_day", "table_name", "declared_day",
            unique=True, sqlite_where=_CURRENT, postgresql_where=_CURRENT,
        ),
    )  # fmt: skip

    sequence: Mapped[int] = mapped_column(AutoId, primary_key=True)
    batch_id: Mapped[str] = mapped_column(batch_reference())
    table_name: Mapped[str]
    path: Mapped[str]
    content_hash: Mapped[str]
    declared_day: Mapped[date | None]
    first_at: Mapped[datetime | None]
    last_at: Mapped[datetime | None]
    rows: Mapped[int]
    mapping: Mapped[Mapping[str, object]]
    superseded_by: Mapped[str | None]
    """Batch of the file that took its place; None while it counts."""


class _Version:
    sequence: Mapped[int] = mapped_column(AutoId, primary_key=True)
    row_hash: Mapped[str] = mapped_column(unique=True)
    """Of everything but loaded_at: the same version is kept once."""
    batch_id: Mapped[str] = mapped_column(batch_reference())
    loaded_at: Mapped[datetime]
    observed_at: Mapped[datetime]
    title_id: Mapped[str]
    market: Mapped[str]


class TitleVersionRow(_Version, Tables):
    """A title's metadata as known at a time."""

    __tablename__ = "title_version"
    __table_args__ = (Index(None, "title_id", "market", "observed_at"),)

    name: Mapped[str | None]
    series_id: Mapped[str | None]
    provider: Mapped[str | None]
    fields: Mapped[Mapping[str, object]]


class LaunchVersionRow(_Version, Tables):
    """A launch as known at a time."""

    __tablename__ = "launch_version"
    __table_args__ = (Index(None, "title_id", "market", "surface", "observed_at"),)

    surface: Mapped[str]
    launch_at: Mapped[datetime | None]
    launch_status: Mapped[str]


class ExpectationVersionRow(_Version, Tables):
    """A plan as known at a time."""

    __tablename__ = "expectation_version"
    __table_args__ = (
        Index("ix_expectation_version_key", "title_id", "market", "surface", "measure", "horizon", "observed_at"),
    )

    surface: Mapped[str]
    measure: Mapped[str]
    horizon: Mapped[int]
    low: Mapped[float | None]
    best: Mapped[float | None]
    high: Mapped[float | None]
    confidence: Mapped[float | None]
    unit: Mapped[str | None]
    author: Mapped[str | None]


class TreatmentDayRow(Tables):
    """What a title got on one 24-hour day since launch."""

    __tablename__ = "treatment_day"

    title_id: Mapped[str] = mapped_column(primary_key=True)
    market: Mapped[str] = mapped_column(primary_key=True)
    surface: Mapped[str] = mapped_column(primary_key=True)
    signal: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    launch_at: Mapped[datetime]
    events: Mapped[int]
    new_members: Mapped[int]
    position_p10: Mapped[float | None]
    position_p50: Mapped[float | None]
    position_p90: Mapped[float | None]
    is_partial: Mapped[bool]


class ActivityRow(Tables):
    """How active members were in one launch window, whatever they were shown."""

    __tablename__ = "activity"
    __table_args__ = (CheckConstraint("horizon > 0", name="horizon_positive"),)

    signal: Mapped[str] = mapped_column(primary_key=True)
    market: Mapped[str] = mapped_column(primary_key=True)
    surface: Mapped[str] = mapped_column(primary_key=True)
    start_at: Mapped[datetime] = mapped_column(primary_key=True)
    horizon: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    n_active: Mapped[int]
    n_events: Mapped[int]
    is_partial: Mapped[bool]
