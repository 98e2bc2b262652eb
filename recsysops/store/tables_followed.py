"""Tables of what is followed over time: issues and their history, runs, models, backtests."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from recsysops.columns import CLASS
from recsysops.store.column_types import AutoId
from recsysops.store.tables import Tables


class IssueRow(Tables):
    """One episode of a finding key, with the finding as last seen."""

    __tablename__ = "issue"
    __table_args__ = (
        UniqueConstraint("finding_key", "episode"),
        CheckConstraint("episode >= 1", name="episode_positive"),
        CheckConstraint("(resolved_at IS NULL) = (resolution IS NULL)", name="resolved_with_reason"),
        Index(None, "title_id"),
        Index(None, "resolved_at"),
    )

    issue_id: Mapped[str] = mapped_column(primary_key=True)
    episode: Mapped[int]
    opened_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    resolved_at: Mapped[datetime | None]
    resolution: Mapped[str | None]
    finding_key: Mapped[str]
    detector: Mapped[str]
    rule: Mapped[str]
    title_id: Mapped[str]
    market: Mapped[str]
    surface: Mapped[str]
    field: Mapped[str]
    measure: Mapped[str]
    severity: Mapped[str]
    class_: Mapped[str] = mapped_column(CLASS)
    why: Mapped[str]
    remedy: Mapped[str]
    worth: Mapped[float | None]
    worth_low: Mapped[float | None]
    worth_high: Mapped[float | None]
    worth_unit: Mapped[str]
    latest_safe_fix_at: Mapped[datetime | None]
    score: Mapped[float]
    evidence: Mapped[Mapping[str, object]]


class IssueEventRow(Tables):
    """One entry of an issue's history; the migration forbids changing or deleting it."""

    __tablename__ = "issue_event"

    sequence: Mapped[int] = mapped_column(AutoId, primary_key=True)
    issue_id: Mapped[str] = mapped_column(ForeignKey("issue.issue_id"), index=True)
    at: Mapped[datetime] = mapped_column(index=True)
    kind: Mapped[str]
    severity: Mapped[str]
    why: Mapped[str]
    resolution: Mapped[str | None]


class RunRow(Tables):
    """One verb, once."""

    __tablename__ = "run"
    __table_args__ = (Index(None, "started_at"), Index(None, "is_followed", "as_of"))

    run_id: Mapped[str] = mapped_column(primary_key=True)
    verb: Mapped[str]
    as_of: Mapped[datetime]
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    is_followed: Mapped[bool]
    inputs: Mapped[list[str]]
    models: Mapped[list[str]]
    counts: Mapped[Mapping[str, object]]
    settings_hash: Mapped[str]


class RunStepRow(Tables):
    """One step, check group or detector of a run."""

    __tablename__ = "run_step"

    run_id: Mapped[str] = mapped_column(ForeignKey("run.run_id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str]
    name: Mapped[str]
    outcome: Mapped[str]
    reason: Mapped[str]
    seconds: Mapped[float]
    n: Mapped[int]


class ModelRow(Tables):
    """What is known of a trained model."""

    __tablename__ = "model"
    __table_args__ = (UniqueConstraint("model_id", "measure", "horizon"),)

    model_id: Mapped[str] = mapped_column(primary_key=True)
    measure: Mapped[str]
    horizon: Mapped[int]
    trained_as_of: Mapped[datetime]
    n_titles: Mapped[int]
    n_rows: Mapped[int]
    folder: Mapped[str]
    manifest_sha256: Mapped[str]
    serves: Mapped[str]
    reason: Mapped[str]
    scores: Mapped[Mapping[str, object]]
    label: Mapped[str]


class ActiveModelRow(Tables):
    """Points at the one active model of a measure and horizon."""

    __tablename__ = "active_model"
    __table_args__ = (
        ForeignKeyConstraint(
            ["model_id", "measure", "horizon"], ["model.model_id", "model.measure", "model.horizon"]
        ),
    )  # fmt: skip

    measure: Mapped[str] = mapped_column(primary_key=True)
    horizon: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    model_id: Mapped[str]


class BacktestRow(Tables):
    """That a run backtested, also when it scored nothing."""

    __tablename__ = "backtest"

    sequence: Mapped[int] = mapped_column(AutoId, primary_key=True)
    run_id: Mapped[str] = mapped_column(unique=True)


class BacktestScoreRow(Tables):
    """One predictor's score of a backtest."""

    __tablename__ = "backtest_score"

    backtest: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("backtest.sequence", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    measure: Mapped[str]
    horizon: Mapped[int]
    lead: Mapped[int]
    predictor: Mapped[str]
    metric: Mapped[str]
    value: Mapped[float | None]
    low: Mapped[float | None]
    high: Mapped[float | None]
    n: Mapped[int]
