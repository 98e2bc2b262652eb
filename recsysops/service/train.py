"""Train one model per measure and horizon on what was known; what becomes of each is decided in `settling`."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from recsysops.domain.history import History
from recsysops.domain.model import ModelCard
from recsysops.domain.run import Run, StepReport
from recsysops.domain.verdict import StepOutcome
from recsysops.errors import ModelError
from recsysops.service.context import Context
from recsysops.service.history import read_history
from recsysops.service.recording import Recorder
from recsysops.service.settling import settle, target


@dataclass(frozen=True)
class TrainReport:
    """What was trained, and what could not be."""

    run: Run
    cards: tuple[ModelCard, ...]
    refused: tuple[str, ...]
    """Why a measure and horizon has no model, one sentence each; comparable titles answer there."""


def train(context: Context, *, as_of: datetime | None = None) -> TrainReport:
    """Train every measure and horizon of the settings on what was known at `as_of`."""
    at = context.as_of(as_of)
    recorder = Recorder(context, "train", at)
    cards, refused = train_into(context, recorder, at)
    return TrainReport(recorder.finish(models=tuple(card.model_id for card in cards)), cards, refused)


def train_into(context: Context, recorder: Recorder, as_of: datetime) -> tuple[tuple[ModelCard, ...], tuple[str, ...]]:
    """Do the work of `train` as a step of another run."""
    targets = [(m, h) for m in context.settings.treatment.measures for h in context.settings.treatment.horizons]
    cards: list[ModelCard] = []
    refused: list[str] = []
    with recorder.step("train") as step:
        with context.store.read() as unit:
            history = read_history(context, unit)
        for i, (measure, horizon) in enumerate(targets):
            context.progress(f"train {measure} {horizon} d", i / len(targets))
            card = _train_one(context, history, as_of, measure, horizon)
            if isinstance(card, ModelCard):
                cards.append(card)
            else:
                refused.append(card)
        context.progress("train", 1.0)
        step.n = len(cards)
        if not cards:
            step.outcome = StepOutcome.SKIPPED
        settled = settle(context, cards, as_of)
        step.reason = " ".join([*refused, *settled])
    return tuple(cards), tuple(refused)


def _train_one(context: Context, history: History, as_of: datetime, measure: str, horizon: int) -> ModelCard | str:
    try:
        return context.forecaster.train(
            history, as_of, measure, horizon, context.settings.model, context.artifacts_folder, context.progress
        )
    except ModelError as error:
        return str(error)


def train_when_due(context: Context, recorder: Recorder, as_of: datetime) -> None:
    """Train as a step of a run unless models are recent, whatever became of them, and none is from after `as_of`."""
    with context.store.read() as unit:
        trained, active = [known.card for known in unit.models.all()], unit.models.active()
    oldest = as_of - timedelta(days=context.settings.model.retrain_days)
    wanted = {(m, h) for m in context.settings.treatment.measures for h in context.settings.treatment.horizons}
    fresh = {target(card) for card in trained if oldest < card.trained_as_of <= as_of}
    fresh &= {target(card) for card in active if card.trained_as_of <= as_of}
    if wanted <= fresh:
        reason = f"The models are younger than {context.settings.model.retrain_days} days."
        recorder.add(StepReport(kind="step", name="train", outcome=StepOutcome.SKIPPED, reason=reason))
        return
    train_into(context, recorder, as_of)
