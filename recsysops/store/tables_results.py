"""Tables of what runs computed: one set of rows per table and as_of, replaced as a whole."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from recsysops.columns import CLASS
from recsysops.store.column_types import AutoId
from recsysops.store.tables import Tables


class ResultSetRow(Tables):
    """That a run computed a table at an as_of, also when it came out empty."""

    __tablename__ = "result_set"

    table_name: Mapped[str] = mapped_column(primary_key=True)
    as_of: Mapped[datetime] = mapped_column(primary_key=True)
    run_id: Mapped[str]


class CellResult:
    """A row a run made about a title in a market on a surface."""

    sequence: Mapped[int] = mapped_column(AutoId, primary_key=True)
    run_id: Mapped[str]
    as_of: Mapped[datetime]
    title_id: Mapped[str]
    market: Mapped[str]
    surface: Mapped[str]


class Quantiles:
    """Nineteen columns, one per quantile."""

    q05: Mapped[float | None]
    q10: Mapped[float | None]
    q15: Mapped[float | None]
    q20: Mapped[float | None]
    q25: Mapped[float | None]
    q30: Mapped[float | None]
    q35: Mapped[float | None]
    q40: Mapped[float | None]
    q45: Mapped[float | None]
    q50: Mapped[float | None]
    q55: Mapped[float | None]
    q60: Mapped[float | None]
    q65: Mapped[float | None]
    q70: Mapped[float | None]
    q75: Mapped[float | None]
    q80: Mapped[float | None]
    q85: Mapped[float | None]
    q90: Mapped[float | None]
    q95: Mapped[float | None]


class _Worth:
    worth: Mapped[float | None]
    worth_low: Mapped[float | None]
    worth_high: Mapped[float | None]
    worth_unit: Mapped[str | None]
    latest_safe_fix_at: Mapped[datetime | None]


class PredictionRow(CellResult, Quantiles, Tables):
    """A predictor's answer for a cell, measure and horizon."""

    __tablename__ = "prediction"
    __table_args__ = (Index(None, "as_of", "title_id"),)

    measure: Mapped[str]
    horizon: Mapped[int]
    lead: Mapped[int]
    launch_at: Mapped[datetime | None]
    predictor: Mapped[str]
    is_served: Mapped[bool]
    abstains: Mapped[str | None]
    label: Mapped[str | None]
    denominator: Mapped[float | None]
    model_id: Mapped[str | None]


class ExpectationRow(CellResult, Quantiles, Tables):
    """An expectation read as a distribution of a share."""

    __tablename__ = "expectation"
    __table_args__ = (Index(None, "as_of", "title_id"),)

    measure: Mapped[str]
    horizon: Mapped[int]
    low: Mapped[float | None]
    best: Mapped[float | None]
    high: Mapped[float | None]
    confidence: Mapped[float | None]
    author: Mapped[str | None]
    observed_at: Mapped[datetime | None]
    denominator: Mapped[float | None]


class CheckResultRow(CellResult, Tables):
    """What a table check said of a field."""

    __tablename__ = "check_result"
    __table_args__ = (Index(None, "as_of", "title_id"),)

    field: Mapped[str]
    check: Mapped[str]
    outcome: Mapped[str]
    value: Mapped[str | None]
    detail: Mapped[str | None]
    suite: Mapped[str | None]


class VerdictRow(CellResult, Tables):
    """What a detector's rule said of a cell."""

    __tablename__ = "verdict"
    __table_args__ = (Index(None, "as_of", "title_id"),)

    detector: Mapped[str]
    rule: Mapped[str]
    outcome: Mapped[str]
    reason: Mapped[str | None]
    margin: Mapped[float | None]
    data: Mapped[str | None]


class FindingRow(CellResult, _Worth, Tables):
    """One thing found on a cell."""

    __tablename__ = "finding"
    __table_args__ = (Index(None, "as_of", "title_id"), Index(None, "as_of", "severity"))

    finding_key: Mapped[str]
    detector: Mapped[str]
    rule: Mapped[str]
    field: Mapped[str | None]
    measure: Mapped[str | None]
    severity: Mapped[str]
    class_: Mapped[str] = mapped_column(CLASS)
    why: Mapped[str]
    remedy: Mapped[str]
    score: Mapped[float | None]
    evidence: Mapped[Mapping[str, object]]


class CellRow(CellResult, _Worth, Tables):
    """A cell of the board as judged; indexed by what the board filters and sorts by."""

    __tablename__ = "cell"
    __table_args__ = (
        Index("uq_cell_as_of_title_id_market_surface", "as_of", "title_id", "market", "surface", unique=True),
        Index(None, "as_of", "market", "surface"),
        Index(None, "as_of", "status"),
        Index(None, "as_of", CLASS),
        Index(None, "as_of", "launch_at"),
    )

    launch_at: Mapped[datetime | None]
    previous_launch_at: Mapped[datetime | None]
    launch_status: Mapped[str]
    name: Mapped[str | None]
    series_id: Mapped[str | None]
    provider: Mapped[str | None]
    status: Mapped[str]
    class_: Mapped[str | None] = mapped_column(CLASS)
    why: Mapped[str | None]
    remedy: Mapped[str | None]
    severity: Mapped[str | None]
    n_findings: Mapped[int]
    has_expectation: Mapped[bool]
