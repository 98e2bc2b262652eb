"""Predictions of cells for many measures and horizons: one way from features to rows, for stored and given titles."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from recsysops.columns import (
    CANCELLED,
    CELL_KEY,
    COMPARABLE_TITLES,
    LAUNCH_AT,
    LAUNCH_STATUS,
    MODEL,
)
from recsysops.domain.model import ModelCard
from recsysops.errors import ModelError
from recsysops.model import _artifacts, _served, _unlike
from recsysops.model._adaptive import NOTHING, Adaptation
from recsysops.model._asof import Floats, Ints, microseconds
from recsysops.model._baseline import comparable_quantiles, forecast_denominator
from recsysops.model._features import FeatureBuilder
from recsysops.model._past import NO_TIME, Past, Rows
from recsysops.model._served import Answer, Context, prediction_rows
from recsysops.model._shadow import JOINT
from recsysops.model._training import TrainedModel

PER_CELL: Final = (*CELL_KEY, LAUNCH_AT)


@dataclass(frozen=True)
class Aim:
    """A measure and horizon, and what predicts it."""

    measure: str
    horizon: int
    card: ModelCard | None
    model: TrainedModel | None
    """None where there is no card, or where its files are damaged."""
    past: Past
    behind: str = ""
    """That comparable titles were better on launches since training, and how clearly; empty where they were not."""
    adapted: Mapping[str, Adaptation] = field(default_factory=dict)
    """By predictor, how its distributions are changed by what launches since training showed."""

    @property
    def fallback(self) -> str:
        """Why comparable titles are served although the model answers; empty where the model is."""
        return self.card.reason if self.card and self.card.serves == COMPARABLE_TITLES else self.behind


def load(card: ModelCard | None, folder: Path) -> TrainedModel | None:
    """Return the model of a card; None where there is none, or it cannot be trusted."""
    try:
        return None if card is None else _artifacts.load(card, folder)
    except ModelError:
        return None


def predict_cells(
    cells: pd.DataFrame, aims: Sequence[Aim], builders: Mapping[str, FeatureBuilder], at: int, label: str
) -> pd.DataFrame:
    """Predict every cell for every aim.

    Args:
        cells: CELL_KEY, LAUNCH_AT, LAUNCH_STATUS.
        aims: What to predict.
        builders: By the fingerprint of a model's recipe; that of the first aim with a model, or else the one under an
            empty text, finds the comparable titles.
        at: The time to stand at, microseconds.
        label: Of the history.

    Returns:
        PREDICTION, by aim, predictor and cell.
    """
    ordered = cells.sort_values(list(CELL_KEY), kind="stable", ignore_index=True)
    rows = rows_at(ordered, at)
    first = next((aim.model.recipe.fingerprint for aim in aims if aim.model is not None), "")
    days, keys = _served.days_until(microseconds(ordered[LAUNCH_AT]), at), ordered[list(PER_CELL)]
    stands, blocked = pd.Timestamp(at, unit="us", tz="UTC").as_unit("us"), _blocked(ordered)
    strange = _strange(rows, aims, builders[first]) if aims else []
    parts = []
    for aim in aims:
        near = builders[first]
        index = near.cells(aim.past)
        denominator = forecast_denominator(rows, aim.past, index)
        context = Context(
            keys, aim.measure, aim.horizon, stands, days, rows.lead.astype(np.int64), denominator,
            _measurable(blocked, denominator), strange, label, aim.fallback,
        )  # fmt: skip
        quantiles = comparable_quantiles(rows, near.neighbours(rows, aim.past), aim.past, index)
        reasons = [None if fine else _served.NO_BASELINE for fine in np.isfinite(quantiles[:, 0])]
        baseline = Answer(COMPARABLE_TITLES, _adapted(aim, COMPARABLE_TITLES, quantiles), reasons)
        parts.append((context, _answer(aim, rows, builders), baseline))
    return prediction_rows(parts)


def rows_at(cells: pd.DataFrame, at: int) -> Rows:
    """Return cells as rows that see what is known now; a launched title sees what was known at its launch."""
    launch = microseconds(cells[LAUNCH_AT])
    cut: Ints = np.where(launch > NO_TIME, np.minimum(launch, at), at).astype(np.int64)
    return Rows.of(cells.assign(**{LAUNCH_AT: cells[LAUNCH_AT].fillna(pd.Timestamp(at, unit="us", tz="UTC"))}), cut)


def _answer(aim: Aim, rows: Rows, builders: Mapping[str, FeatureBuilder]) -> Answer:
    if aim.card is None:
        return Answer.silent(MODEL, len(rows), _served.NO_MODEL)
    if aim.model is None:
        return Answer.silent(MODEL, len(rows), _served.DAMAGED, aim.card.model_id)
    found = builders[aim.model.recipe.fingerprint].gather(rows, aim.past)
    columns = dict(zip(found.columns.names, found.columns.values, strict=True))
    quantiles = _adapted(aim, MODEL, aim.model.quantiles_of(columns, found.is_missing))
    # Only who learned from answers of the recommender knows what to make of one.
    heard = np.isfinite(columns[JOINT]) & (aim.model.informed is not None)
    return Answer(MODEL, quantiles, [None] * len(rows), aim.card.model_id, heard)


def _adapted(aim: Aim, predictor: str, quantiles: Floats) -> Floats:
    return aim.adapted.get(predictor, NOTHING).apply(quantiles)


def _strange(rows: Rows, aims: Sequence[Aim], near: FeatureBuilder) -> list[str | None]:
    """Return why each row is too unlike the past to be predicted, judged once, by the longest past there is."""
    past = max((aim.past for aim in aims), key=len)
    return _unlike.reasons(near, rows, past, _unlike.Usual.of(near, past))


def _blocked(cells: pd.DataFrame) -> list[str | None]:
    is_undated = cells[LAUNCH_AT].isna().to_numpy()
    is_cancelled = (cells[LAUNCH_STATUS] == CANCELLED).to_numpy()
    return [
        _served.NO_LAUNCH if undated else _served.CANCELLED_LAUNCH if cancelled else None
        for undated, cancelled in zip(is_undated, is_cancelled, strict=True)
    ]


def _measurable(blocked: Sequence[str | None], denominator: Floats) -> list[str | None]:
    known = np.isfinite(denominator)
    return [reason or (None if fine else _served.NO_DENOMINATOR) for reason, fine in zip(blocked, known, strict=True)]
