"""Predict the treatment of every upcoming cell from what was known."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from recsysops.columns import ABSTAINS, CHALLENGER, IS_SERVED, MODEL, PREDICTIONS, PREDICTOR, TARGET_KEY
from recsysops.domain.history import History
from recsysops.domain.model import ModelCard
from recsysops.domain.run import ANSWERED_BY_BASELINE, ANSWERED_BY_MODEL, ANSWERED_BY_NOBODY, Run
from recsysops.errors import RecSysOpsError
from recsysops.service.cells import upcoming_cells
from recsysops.service.context import Context
from recsysops.service.history import read_history
from recsysops.service.recording import Recorder
from recsysops.service.settling import record_refusals, refusals


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
            challengers = tuple(known.card for known in unit.models.challengers() if known.card.trained_as_of <= as_of)
        by_target = {(card.measure, card.horizon): card for card in cards}
        treatment = context.settings.treatment
        models: dict[tuple[str, int], ModelCard | None] = {
            (m, h): by_target.get((m, h)) for m in treatment.measures for h in treatment.horizons
        }
        context.progress(f"predict {len(cells)} cells", 0.0)
        predictions = context.forecaster.predict(
            history, cells, as_of, models, context.settings.model, context.artifacts_folder
        )
        beside = _beside(context, history, cells, as_of, challengers)
        kept = predictions if beside.empty else pd.concat([predictions, beside], ignore_index=True)
        refused = refusals(context, cards)
        with context.store.write() as write:
            write.results.save(PREDICTIONS, kept, recorder.run.run_id, as_of)
            record_refusals(write, refused, context.clock())
            write.commit()
        recorder.count(_answers(predictions))
        context.progress("predict", 1.0)
        step.n = len(cells)
        step.reason = " ".join([*refused.values(), *([] if has_trained else [_older_models(cards)])])
    return predictions, len(cells), tuple(card.model_id for card in cards)


def _beside(
    context: Context, history: History, cells: pd.DataFrame, as_of: datetime, cards: Sequence[ModelCard]
) -> pd.DataFrame:
    """Return what challengers say of the cells; a failure costs their rows, never the run."""
    if not cards:
        return pd.DataFrame()
    models = {(card.measure, card.horizon): card for card in cards}
    try:
        said = context.forecaster.predict(
            history, cells, as_of, models, context.settings.model, context.artifacts_folder
        )  # fmt: skip
    except (RecSysOpsError, ValueError, KeyError, TypeError):  # one of another recipe may not fit this code
        return pd.DataFrame()
    own = said[(said[PREDICTOR] == MODEL) & said[ABSTAINS].isna()].copy()
    own[PREDICTOR], own[IS_SERVED] = CHALLENGER, False
    return own


def _answers(predictions: pd.DataFrame) -> dict[str, int]:
    """Return how many targets each predictor answers, and how many nobody does."""
    served = predictions.loc[predictions[IS_SERVED].astype(bool), PREDICTOR]
    n_targets = len(predictions[list(TARGET_KEY)].drop_duplicates())
    by_model = int((served == MODEL).sum())
    return {
        ANSWERED_BY_MODEL: by_model,
        ANSWERED_BY_BASELINE: len(served) - by_model,
        ANSWERED_BY_NOBODY: n_targets - len(served),
    }


def _older_models(cards: Sequence[ModelCard]) -> str:
    if not cards:
        return "Training failed and there is no earlier model: comparable titles answered alone."
    oldest = min(card.trained_as_of for card in cards)
    return f"Training failed: predicted with earlier models, the oldest of them of {oldest:%Y-%m-%d}."
