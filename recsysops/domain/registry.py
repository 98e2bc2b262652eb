"""Which models exist, which one answers, and how it came to that. Not for the models themselves."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from recsysops.domain.model import ModelCard

POLICY = "policy"
"""Who moved a model where no person did."""


class ModelState(StrEnum):
    """Where a model stands."""

    ACTIVE = "active"
    CHALLENGER = "challenger"
    """Predicts beside the active one and is not served."""
    RETIRED = "retired"


class MoveKind(StrEnum):
    """What happened to a model."""

    ACTIVATED = "activated"
    """Answers, where none did, by hand, or because the one before could not be trusted."""
    REFRESHED = "refreshed"
    """Took the place of an older model of the same recipe."""
    CHALLENGED = "challenged"
    """Predicts beside the active one."""
    PROMOTED = "promoted"
    """Took the place of the active one, which it beat."""
    PROPOSED = "proposed"
    """Beat the active one; a person decides."""
    RETURNED = "returned"
    """Answers again: the one promoted in its place did worse."""
    ROLLED_BACK = "rolled_back"
    """Answers again, because a person said so."""
    RETIRED = "retired"
    """Neither answers nor predicts beside."""
    KEPT_OUT = "kept_out"
    """Was trained and never answered: a check spoke against it."""
    REFUSED = "refused"
    """Its files cannot be trusted: the baseline answers."""


@dataclass(frozen=True, kw_only=True)
class ModelMove:
    """One thing that happened to a model. Kept for good."""

    measure: str
    horizon: int
    model_id: str
    kind: MoveKind
    previous_id: str | None
    """The model that answered before; None where there was none."""
    actor: str
    """A person, or `policy`."""
    reason: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class KnownModel:
    """A model and where it stands."""

    card: ModelCard
    state: ModelState
    since: datetime | None = None
    """A challenger: since when it predicts beside the active one."""


@dataclass(frozen=True, kw_only=True)
class ModelList:
    """Models, newest first."""

    models: tuple[KnownModel, ...]


@dataclass(frozen=True, kw_only=True)
class ModelDetail:
    """One model and what happened to it."""

    model: KnownModel
    moves: tuple[ModelMove, ...]
    """Oldest first."""
    refused: str = ""
    """Why its files cannot be trusted; empty where they can, or nobody looked."""


@dataclass(frozen=True, kw_only=True)
class ModelComparison:
    """Two models of one measure and horizon on the launches that both predicted."""

    first: KnownModel
    second: KnownModel
    n: int
    """Launches."""
    weeks: int
    gain: float | None
    """Mean CRPS of the first minus that of the second: above 0 where the second is better; None without launches."""
    low: float | None
    """Lower end of the 95 % interval, by launch week; None with too few weeks."""
    high: float | None
    coverage_first: float | None
    """Share of outcomes inside the 80 % interval."""
    coverage_second: float | None


@dataclass(frozen=True, kw_only=True)
class ModelAnswer:
    """What became of an activation or a rollback."""

    answer: str
    """One sentence for who asked."""
    model: KnownModel
