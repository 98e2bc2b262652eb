"""The forecaster: trains, predicts, finds comparable titles, tests itself on the past. Implements the port.

An instance remembers what it made ready for one history and time, so that measures and horizons share the work.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import pandas as pd

from recsysops.columns import (
    COMPARABLE_TITLES,
    FIELDS,
    LAUNCH_AT,
    MARKET,
    MODEL,
    NAME,
    SURFACE,
    TITLE_ID,
    VALUE,
)  # fmt: skip
from recsysops.domain.contribution import AnswerParts
from recsysops.domain.measure import inverse
from recsysops.domain.model import BacktestScore, ModelCard
from recsysops.domain.tuning import Tuning
from recsysops.errors import ModelError
from recsysops.model import _artifacts, _contributions
from recsysops.model._adaptive import NOTHING, adaptations
from recsysops.model._backtest import backtest
from recsysops.model._baseline import comparable_quantiles, forecast_denominator
from recsysops.model._behind import behind
from recsysops.model._cuts import taught
from recsysops.model._features import FeatureBuilder
from recsysops.model._given import ReadyForecast
from recsysops.model._known import Frames, Known
from recsysops.model._neighbours import Neighbours
from recsysops.model._past import Past, Rows
from recsysops.model._predicting import Aim, load, predict_cells, rows_at
from recsysops.model._recipe import Recipe
from recsysops.model._recipe_name import recipe_name
from recsysops.model._relabelled import relabelled
from recsysops.model._scores import is_covered, pinball
from recsysops.model._training import MIN_ROWS, HeldBack, Lesson, TrainedModel, counted, shares, train
from recsysops.model._tuning import tune
from recsysops.settings import ModelSettings

Progress = Callable[[str, float], None]
Target = tuple[str, int]
"""Measure and horizon."""
DISTANCE: Final = "distance"
"""Column of `comparables`: 0 for the same metadata, 1 for nothing in common."""


class LabelledFrames(Frames, Protocol):
    """A history with its label, and what came of predictions."""

    @property
    def scores(self) -> pd.DataFrame:
        """LAUNCH_SCORE."""
        ...

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
        rows = taught(past, known.answers)
        builder = self._builder(known, known.recipe)
        extra = relabelled(builder, known, rows, past, measure)
        lesson = Lesson(builder.build(rows, past), past, rows.cut, extra)
        model, held = train(known.recipe, lesson, settings, lambda done: progress(what, done))
        scores = self._scores(known, measure, past, rows, held) | model.stack.scores()
        scores["relabelled"] = float(len(extra or ()))
        serves, reason = _serves(scores, len(set(past.title)), settings)
        facts = {
            "measure": measure, "horizon": horizon, "trained_as_of": as_of.isoformat(), "n_rows": len(past),
            "n_titles": len(set(past.title)), "scores": scores, "stack": model.stack.reason,
            "settings": settings.model_dump(mode="json"),
        }  # fmt: skip
        model_id, manifest = _artifacts.write(model, f"{measure}-{horizon}d", facts, folder)
        return ModelCard(
            model_id=model_id, measure=measure, horizon=horizon, trained_as_of=as_of, n_titles=len(set(past.title)),
            n_rows=len(past), folder=f"{_artifacts.MODELS}/{model_id}", manifest_sha256=manifest, serves=serves,
            reason=reason, scores=scores, label=history.label, recipe=recipe_name(settings),
        )  # fmt: skip

    def predict(
        self, history: LabelledFrames, cells: pd.DataFrame, as_of: datetime,
        models: Mapping[tuple[str, int], ModelCard | None], settings: ModelSettings, folder: Path,
    ) -> pd.DataFrame:  # fmt: skip
        """Predict every cell for every target in `models`; see the port."""
        with ThreadPoolExecutor(1) as beside:  # another process examines the models; meanwhile the history is read
            loaded = {target: beside.submit(load, card, folder) for target, card in models.items()}
            known = self._known(history, as_of, settings)
        trained = {target: model.result() for target, model in loaded.items()}
        aims = _aims(known, models, trained, history.scores, as_of)
        builders = {
            aim.model.recipe.fingerprint: self._builder(known, aim.model.recipe)
            for aim in aims
            if aim.model is not None
        }
        # A model's recipe serves the comparable titles as well: learning another one would only cost time.
        return predict_cells(cells, aims, builders or {"": self._builder(known, known.recipe)}, known.at, history.label)

    def ready(
        self, history: LabelledFrames, as_of: datetime, models: Mapping[tuple[str, int], ModelCard | None],
        settings: ModelSettings, folder: Path,
    ) -> ReadyForecast:  # fmt: skip
        """Make everything ready to predict titles that are stored nowhere; see the port."""
        known = Known(history, as_of, settings)
        trained = {target: load(card, folder) for target, card in models.items()}
        return ReadyForecast(known, _aims(known, models, trained, history.scores, as_of), history.label)

    def why_refused(self, card: ModelCard, folder: Path) -> str:
        """Return why the files of a model cannot be trusted; empty where they can. See the port."""
        return _artifacts.why_refused(card, folder)

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

    def contributions(
        self, history: LabelledFrames, cell: pd.DataFrame, as_of: datetime, card: ModelCard, settings: ModelSettings,
        folder: Path,
    ) -> AnswerParts:  # fmt: skip
        """Take the model's answer for one cell apart; see the port."""
        known = self._known(history, as_of, settings)
        model = _artifacts.load(card, folder)
        past = known.past(card.measure, card.horizon)
        rows = rows_at(cell, known.at)
        builder = self._builder(known, model.recipe)
        features = builder.build(rows, past)
        columns, base = _contributions.amounts(model.heads.of(features.frame), features.frame)
        columns |= _contributions.beside(model, features.frame)
        state = known.catalogue.states[int(builder.states(rows)[0])]
        fields = [field.name for field in model.recipe.fields]
        values = _contributions.values_of(rows, state, features.frame, fields)
        denominator = forecast_denominator(rows, past, builder.cells(past))
        shift = adaptations(history.scores, as_of).get((card.measure, card.horizon), {}).get(MODEL, NOTHING)
        served = shares(card.measure, shift.apply(model.quantiles(features)), denominator)
        return AnswerParts(
            base=base,
            answer=float(model.level(features.frame)[0]),
            parts=_contributions.parts(columns, model.recipe, values),
            denominator=float(denominator[0]),
            median=float(served[0, served.shape[1] // 2]),
        )

    def backtest(
        self, history: LabelledFrames, measure: str, horizon: int, settings: ModelSettings, *,
        first_origin: datetime | None, progress: Progress,
    ) -> tuple[BacktestScore, ...]:  # fmt: skip
        """Roll the origin weekly through history and score every predictor; see the port and `_backtest`."""
        return backtest(history, measure, horizon, settings, first_origin=first_origin, progress=progress)

    def tune(
        self, history: LabelledFrames, as_of: datetime, targets: Sequence[tuple[str, int]], settings: ModelSettings,
        n_trials: int, progress: Progress,
    ) -> Tuning:  # fmt: skip
        """Try settings on the launches known at `as_of`; see the port and `_tuning`."""
        return tune(history, as_of, targets, settings, n_trials, progress)

    def _known(self, history: Frames, as_of: datetime, settings: ModelSettings) -> Known:
        ready = self._ready
        if ready is None or ready[0] is not history or ready[1:3] != (as_of, settings):
            elder = ready[3] if ready is not None and ready[2] == settings else None
            self._ready = ready = (history, as_of, settings, Known(history, as_of, settings, elder))
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


def _aims(
    known: Known, models: Mapping[Target, ModelCard | None], trained: Mapping[Target, TrainedModel | None],
    scores: pd.DataFrame, as_of: datetime,
) -> tuple[Aim, ...]:  # fmt: skip
    worse, adapted = behind(scores, as_of), adaptations(scores, as_of)
    return tuple(
        Aim(
            measure, horizon, card, trained[measure, horizon], known.past(measure, horizon),
            worse.get((measure, horizon), ""), adapted.get((measure, horizon), {}),
        )
        for (measure, horizon), card in sorted(models.items())
    )  # fmt: skip


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
