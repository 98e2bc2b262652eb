"""The forecaster: trains, predicts, finds comparable titles, tests itself on the past. Implements the port.

An instance remembers what it made ready for one history and time, so that measures and horizons share the work.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import pandas as pd

from recsysops.columns import (
    CANCELLED,
    CELL_KEY,
    COMPARABLE_TITLES,
    FIELDS,
    LAUNCH_AT,
    LAUNCH_STATUS,
    MARKET,
    MODEL,
    NAME,
    PREDICTION,
    SURFACE,
    TITLE_ID,
    VALUE,
)  # fmt: skip
from recsysops.domain.measure import inverse
from recsysops.domain.model import BacktestScore, ModelCard
from recsysops.errors import ModelError
from recsysops.model import _artifacts, _served
from recsysops.model._asof import Floats, Ints, microseconds
from recsysops.model._backtest import backtest
from recsysops.model._baseline import comparable_quantiles, forecast_denominator
from recsysops.model._features import FeatureBuilder
from recsysops.model._known import Frames, Known
from recsysops.model._neighbours import Neighbours
from recsysops.model._past import NO_TIME, Past, Rows
from recsysops.model._recipe import Recipe
from recsysops.model._scores import is_covered, pinball
from recsysops.model._served import Answer, Context
from recsysops.model._training import MIN_ROWS, HeldBack, TrainedModel, counted, leads_of, train
from recsysops.settings import ModelSettings

Progress = Callable[[str, float], None]
DISTANCE: Final = "distance"
"""Column of `comparables`: 0 for the same metadata, 1 for nothing in common."""


class LabelledFrames(Frames, Protocol):
    """A history with its label."""

    @property
    def label(self) -> str:
        """`not point-in-time`, or empty."""
        ...


class LaunchForecaster:
    """Predicts treatment with LightGBM and, beside it, comparable titles."""

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._ready: tuple[object, datetime, ModelSettings, Known] | None = None
        self._builders: dict[str, FeatureBuilder] = {}

    def train(
        self, history: LabelledFrames, as_of: datetime, measure: str, horizon: int, settings: ModelSettings,
        folder: Path, progress: Progress,
    ) -> ModelCard:  # fmt: skip
        """Train one model on what was known at `as_of` and write it below `folder`; see the port."""
        known = self._known(history, as_of, settings)
        past = known.past(measure, horizon)
        if len(past) < MIN_ROWS:
            raise ModelError(
                f"There is too little to learn {measure} over {horizon} days from: {len(past)} past launches with a "
                f"known outcome (expected at least {MIN_ROWS}). Ingest more; comparable titles answer until then."
            )
        what = f"train {measure} {horizon}d"
        progress(what, 0.0)
        rows = past.rows(leads_of(past))
        features = self._builder(known, known.recipe).build(rows, past)
        model, held = train(known.recipe, features, past, rows.cut, settings, lambda done: progress(what, done))
        scores = self._scores(known, measure, past, rows, held)
        serves, reason = _serves(scores, len(set(past.title)), settings)
        facts = {
            "measure": measure, "horizon": horizon, "trained_as_of": as_of.isoformat(), "n_rows": len(past),
            "n_titles": len(set(past.title)), "scores": scores, "settings": settings.model_dump(mode="json"),
        }  # fmt: skip
        model_id, manifest = _artifacts.write(model, f"{measure}-{horizon}d", facts, folder)
        return ModelCard(
            model_id=model_id, measure=measure, horizon=horizon, trained_as_of=as_of, n_titles=len(set(past.title)),
            n_rows=len(past), folder=f"{_artifacts.MODELS}/{model_id}", manifest_sha256=manifest, serves=serves,
            reason=reason, scores=scores, label=history.label,
        )  # fmt: skip

    def predict(
        self, history: LabelledFrames, cells: pd.DataFrame, as_of: datetime,
        models: Mapping[tuple[str, int], ModelCard | None], settings: ModelSettings, folder: Path,
    ) -> pd.DataFrame:  # fmt: skip
        """Predict every cell for every target in `models`; see the port."""
        known = self._known(history, as_of, settings)
        ordered = cells.sort_values(list(CELL_KEY), kind="stable", ignore_index=True)
        cards = dict(sorted(models.items()))
        loaded = {target: _loaded(card, folder) for target, card in cards.items()}
        recipes = [model.recipe for model in loaded.values() if model is not None]
        # A model's recipe serves the comparable titles as well: learning another one would only cost time.
        builder = self._builder(known, recipes[0] if recipes else known.recipe)
        frames = [
            self._predict_one(builder, ordered, target, card, loaded[target], history.label)
            for target, card in cards.items()
        ]
        if not frames or not len(cells):
            return pd.DataFrame(columns=list(PREDICTION))
        return pd.concat(frames, ignore_index=True)

    def comparables(
        self, history: LabelledFrames, cell: tuple[str, str, str], as_of: datetime, measure: str, horizon: int,
        settings: ModelSettings,
    ) -> pd.DataFrame:  # fmt: skip
        """Return the comparable titles of one cell, nearest first; see the port."""
        known = self._known(history, as_of, settings)
        past = known.past(measure, horizon)
        at = np.array([known.at], dtype=np.int64)
        title, market, surface = (np.array([part], dtype=object) for part in cell)
        builder = self._builder(known, known.recipe)
        found = builder.neighbours(Rows(title, market, surface, at, at, np.zeros(1)), past)
        near = found.place[0][found.place[0] >= 0]
        states = builder.states(past.launched)[near] if len(past) else near
        shown = [known.catalogue.states[number] for number in states]
        return pd.DataFrame(
            {
                TITLE_ID: past.title[near],
                NAME: [state.name for state in shown],
                MARKET: past.market[near],
                SURFACE: past.surface[near],
                LAUNCH_AT: pd.to_datetime(past.launch[near], unit="us", utc=True).as_unit("us"),
                DISTANCE: found.distance[0][: len(near)],
                VALUE: inverse(measure, past.y[near], past.denominator[near]),
                FIELDS: [dict(state.fields) for state in shown],
            }
        )

    def backtest(
        self, history: LabelledFrames, measure: str, horizon: int, settings: ModelSettings, *,
        first_origin: datetime | None, progress: Progress,
    ) -> tuple[BacktestScore, ...]:  # fmt: skip
        """Roll the origin weekly through history and score every predictor; see the port and `_backtest`."""
        return backtest(history, measure, horizon, settings, first_origin=first_origin, progress=progress)

    def _known(self, history: Frames, as_of: datetime, settings: ModelSettings) -> Known:
        ready = self._ready
        if ready is None or ready[0] is not history or ready[1:3] != (as_of, settings):
            self._ready = ready = (history, as_of, settings, Known(history, as_of, settings))
            self._builders = {}
        return ready[3]

    def _builder(self, known: Known, recipe: Recipe) -> FeatureBuilder:
        key = recipe.fingerprint
        if key not in self._builders:
            self._builders[key] = FeatureBuilder(known, recipe)
        return self._builders[key]

    def _scores(self, known: Known, measure: str, past: Past, rows: Rows, held: HeldBack) -> dict[str, float]:
        """Score model and comparable titles on the held-back launches that both can answer."""
        builder = self._builder(known, known.recipe)
        found = builder.neighbours(rows, past)
        own = rows.take(held.place)
        near = Neighbours(found.place[held.place], found.distance[held.place])
        baseline = comparable_quantiles(own, near, past, builder.cells(past))
        both = np.isfinite(baseline[:, 0])
        y = past.y[held.place]
        model = counted(measure, held.quantiles)
        scores = {"held_back": float(len(y)), "model_pinball": float(pinball(y, model).mean())}
        scores["coverage_80"] = float(is_covered(y, model, known.settings.seed).mean())
        if both.any():
            scores["model_pinball"] = float(pinball(y[both], model[both]).mean())
            scores["comparable_titles_pinball"] = float(pinball(y[both], counted(measure, baseline[both])).mean())
        return scores

    def _predict_one(
        self, builder: FeatureBuilder, cells: pd.DataFrame, target: tuple[str, int], card: ModelCard | None,
        model: TrainedModel | None, label: str,
    ) -> pd.DataFrame:  # fmt: skip
        known = builder.known
        past = known.past(*target)
        rows = _rows_at(cells, known.at)
        index = builder.cells(past)
        denominator = forecast_denominator(rows, past, index)
        context = Context(
            cells[[*CELL_KEY, LAUNCH_AT]], *target, pd.Timestamp(known.at, unit="us", tz="UTC").as_unit("us"),
            _served.days_until(microseconds(cells[LAUNCH_AT]), known.at), rows.lead.astype(np.int64), denominator,
            _blocked(cells, denominator), label, card.reason if card and card.serves == COMPARABLE_TITLES else "",
        )  # fmt: skip
        quantiles = comparable_quantiles(rows, builder.neighbours(rows, past), past, index)
        reasons = [None if fine else _served.NO_BASELINE for fine in np.isfinite(quantiles[:, 0])]
        baseline = Answer(COMPARABLE_TITLES, quantiles, reasons)
        return _served.prediction_rows(context, self._model_answer(known, rows, past, card, model), baseline)

    def _model_answer(
        self, known: Known, rows: Rows, past: Past, card: ModelCard | None, model: TrainedModel | None
    ) -> Answer:  # fmt: skip
        if card is None:
            return Answer.silent(MODEL, len(rows), _served.NO_MODEL)
        if model is None:
            return Answer.silent(MODEL, len(rows), _served.DAMAGED, card.model_id)
        features = self._builder(known, model.recipe).build(rows, past)
        return Answer(MODEL, model.quantiles(features), [None] * len(rows), card.model_id)


def _loaded(card: ModelCard | None, folder: Path) -> TrainedModel | None:
    try:
        return None if card is None else _artifacts.load(card, folder)
    except ModelError:
        return None


def _rows_at(cells: pd.DataFrame, at: int) -> Rows:
    """Return cells as rows that see what is known now; a launched title sees what was known at its launch."""
    launch = microseconds(cells[LAUNCH_AT])
    cut: Ints = np.where(launch > NO_TIME, np.minimum(launch, at), at).astype(np.int64)
    return Rows.of(cells.assign(**{LAUNCH_AT: cells[LAUNCH_AT].fillna(pd.Timestamp(at, unit="us", tz="UTC"))}), cut)


def _blocked(cells: pd.DataFrame, denominator: Floats) -> list[str | None]:
    reasons: list[str | None] = []
    for launch, status, n in zip(cells[LAUNCH_AT], cells[LAUNCH_STATUS], denominator, strict=True):
        if pd.isna(launch):
            reasons.append(_served.NO_LAUNCH)
        elif status == CANCELLED:
            reasons.append(_served.CANCELLED_LAUNCH)
        else:
            reasons.append(None if np.isfinite(n) else _served.NO_DENOMINATOR)
    return reasons


def _serves(scores: dict[str, float], n_titles: int, settings: ModelSettings) -> tuple[str, str]:
    if n_titles < settings.min_titles:
        return COMPARABLE_TITLES, f"{n_titles} past launches are fewer than the {settings.min_titles} the model needs"
    ours, theirs = scores["model_pinball"], scores.get("comparable_titles_pinball", np.inf)
    if theirs < ours:
        return (
            COMPARABLE_TITLES,
            f"comparable titles were better on past launches (pinball loss {theirs:.3f} against {ours:.3f})",
        )
    return MODEL, ""
