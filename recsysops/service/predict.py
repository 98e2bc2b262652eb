"""Predict the treatment of every upcoming cell from what was known."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from recsysops.columns import IS_SERVED, MODEL, PREDICTIONS, PREDICTOR
from recsysops.domain.model import ModelCard
from recsysops.domain.run import Run
from recsysops.service.cells import upcoming_cells
from recsysops.service.context import Context
from recsysops.service.history import read_history
from recsysops.service.recording import Recorder


@dataclass(frozen=True)
class PredictReport:
    """What was predicted."""

    run: Run
    n_cells: int
    n_served: int
    """Targets (cell, measure, horizon) with a number."""
    n_fallback: int
    """Of these, answered by comparable titles."""
    n_abstained: int
    """Targets without a number."""


def predict(context: Context, *, as_of: datetime | None = None) -> PredictReport:
    """Predict every cell that launches within `model.upcoming_days`, and store the predictions of `as_of`."""
    at = context.as_of(as_of)
    recorder = Recorder(context, "predict", at)
    predictions, n_cells, models = predict_into(context, recorder, at)
    served = predictions[predictions[IS_SERVED]]
    n_targets = n_cells * len(context.settings.treatment.measures) * len(context.settings.treatment.horizons)
    return PredictReport(
        run=recorder.finish(models=models),
        n_cells=n_cells,
        n_served=len(served),
        n_fallback=int((served[PREDICTOR] != MODEL).sum()),
        n_abstained=n_targets - len(served),
    )


def predict_into(
    context: Context, recorder: Recorder, as_of: datetime, *, has_trained: bool = True
) -> tuple[pd.DataFrame, int, tuple[str, ...]]:
    """Do the work of `predict` as a step of another run; return predictions, number of cells and model ids.

    Where training failed (not `has_trained`), the step says which older models answered in place of new ones.
    """
    with recorder.step("predict") as step:
        with context.store.read() as unit:
            cells = upcoming_cells(unit, as_of, context.settings.model.upcoming_days)
            history = read_history(context, unit)
            # A model that saw what was not yet known at as_of would flatter a replay.
            cards = tuple(card for card in unit.models.active() if card.trained_as_of <= as_of)
        by_target = {(card.measure, card.horizon): card for card in cards}
        treatment = context.settings.treatment
        models: dict[tuple[str, int], ModelCard | None] = {
            (m, h): by_target.get((m, h)) for m in treatment.measures for h in treatment.horizons
        }
        context.progress(f"predict {len(cells)} cells", 0.0)
        predictions = context.forecaster.predict(
            history, cells, as_of, models, context.settings.model, context.artifacts_folder
        )
        with context.store.write() as write:
            write.results.save(PREDICTIONS, predictions, recorder.run.run_id, as_of)
            write.commit()
        context.progress("predict", 1.0)
        step.n = len(cells)
        step.reason = "" if has_trained else _older_models(cards)
    return predictions, len(cells), tuple(card.model_id for card in cards)


def _older_models(cards: Sequence[ModelCard]) -> str:
    if not cards:
        return "Training failed and there is no earlier model: comparable titles answered alone."
    oldest = min(card.trained_as_of for card in cards)
    return f"Training failed: predicted with earlier models, the oldest of them of {oldest:%Y-%m-%d}."
