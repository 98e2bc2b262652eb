"""Tables of what rests on asking the recommender, of models in use, and of predictions held against outcomes."""

from datetime import datetime

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from recsysops.store.column_types import AutoId
from recsysops.store.tables import Tables
from recsysops.store.tables_results import CellResult, Quantiles


class _Answer(CellResult):
    launch_at: Mapped[datetime]
    n_members: Mapped[int]
    eligible_share: Mapped[float | None]
    candidate_share: Mapped[float | None]
    reach_joint: Mapped[float | None]
    reach_alone: Mapped[float | None]
    standard_error: Mapped[float | None]
    rank_percentile: Mapped[float | None]
    margin_p10: Mapped[float | None]
    margin_p50: Mapped[float | None]
    margin_p90: Mapped[float | None]
    model_version: Mapped[str | None]
    reason: Mapped[str | None]


class ShadowScoreRow(_Answer, Tables):
    """What the recommender said it would do with a cell; a row stays, as later models learn from it."""

    __tablename__ = "shadow_score"
    __table_args__ = (UniqueConstraint("as_of", "title_id", "market", "surface"), Index(None, "title_id"))


class RelabelledScoreRow(_Answer, Tables):
    """What it said of a cell without some of its metadata."""

    __tablename__ = "relabelled_score"
    __table_args__ = (UniqueConstraint("as_of", "title_id", "market", "surface", "dropped"),)

    dropped: Mapped[list[str]]
    reach_as_it_was: Mapped[float | None]


class ModelRecipeRow(Tables):
    """What a model was trained with: models of one recipe differ in data only."""

    __tablename__ = "model_recipe"

    model_id: Mapped[str] = mapped_column(ForeignKey("model.model_id"), primary_key=True)
    recipe: Mapped[str]


class ChallengerRow(Tables):
    """Points at the one model of a measure and horizon that predicts beside the active one, and is not served."""

    __tablename__ = "challenger"
    __table_args__ = (
        ForeignKeyConstraint(
            ["model_id", "measure", "horizon"], ["model.model_id", "model.measure", "model.horizon"]
        ),
    )  # fmt: skip

    measure: Mapped[str] = mapped_column(primary_key=True)
    horizon: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    model_id: Mapped[str]
    since: Mapped[datetime]


class ModelMoveRow(Tables):
    """That a model was made active, challenger, or neither: by whom and why. Append-only."""

    __tablename__ = "model_move"
    __table_args__ = (Index(None, "measure", "horizon"),)

    sequence: Mapped[int] = mapped_column(AutoId, primary_key=True)
    measure: Mapped[str]
    horizon: Mapped[int]
    model_id: Mapped[str]
    kind: Mapped[str]
    previous_id: Mapped[str | None]
    actor: Mapped[str]
    reason: Mapped[str]
    at: Mapped[datetime]


class LaunchScoreRow(Quantiles, Tables):
    """A prediction held against what happened."""

    __tablename__ = "launch_score"
    __table_args__ = (UniqueConstraint("row_hash"), Index(None, "title_id"), Index(None, "measure", "horizon", "lead"))

    sequence: Mapped[int] = mapped_column(AutoId, primary_key=True)
    row_hash: Mapped[str]
    title_id: Mapped[str]
    market: Mapped[str]
    surface: Mapped[str]
    measure: Mapped[str]
    horizon: Mapped[int]
    lead: Mapped[int]
    as_of: Mapped[datetime]
    launch_at: Mapped[datetime]
    predictor: Mapped[str]
    model_id: Mapped[str | None]
    is_served: Mapped[bool]
    actual: Mapped[float | None]
    denominator: Mapped[float | None]
    pit: Mapped[float | None]
    crps: Mapped[float | None]
    pinball: Mapped[float | None]
    absolute_error: Mapped[float | None]
    known_at: Mapped[datetime]
