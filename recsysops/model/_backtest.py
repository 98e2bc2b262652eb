"""Rolling-origin backtest: each week retrain on what was known, predict the launches that follow, score everyone.

A launch week that begins at W is predicted at lead 7 by models trained on what was known at W - 7 days; every feature
is cut at its own launch minus 7 days. The feature recipe is learned anew every fourth week, and with more than 2,000
past outcomes so is the model.
For all predictors alike the point is the median of the distribution (MAE) or its mean (Spearman).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt

from recsysops.columns import COMPARABLE_TITLES, MODEL
from recsysops.domain.distribution import PROBABILITIES
from recsysops.domain.model import BacktestScore
from recsysops.errors import ModelError
from recsysops.model._asof import DAY, Floats, Ints, microsecond
from recsysops.model._baseline import HANDFUL, comparable_quantiles
from recsysops.model._cuts import taught
from recsysops.model._features import FeatureBuilder, Features
from recsysops.model._history import CellIndex
from recsysops.model._known import Frames, Known
from recsysops.model._neighbours import Neighbours
from recsysops.model._past import Past, Rows
from recsysops.model._relabelled import relabelled
from recsysops.model._scores import Interval, WeekBootstrap, is_covered, pinball
from recsysops.model._training import MIN_ROWS, Lesson, TrainedModel, counted, train
from recsysops.settings import ModelSettings

LEAD: Final = 7
GROUP_MEAN: Final = "group_mean"
GLOBAL_MEDIAN: Final = "global_median"
_WEEK: Final = 7 * DAY
_MANY: Final = 2_000
_EVERY_WEEKS: Final = 4
_RECENT: Final = 100_000

Progress = Callable[[str, float], None]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class _Stage:
    """Everything built once for all origins; every feature is cut at its own time."""

    known: Known
    past: Past
    rows: Rows
    """All launches at the lead that is scored."""
    taught: Rows
    """The same launches, each at the lead it is trained with."""
    cells: CellIndex
    measure: str


@dataclass
class _Fitted:
    builder: FeatureBuilder
    model: TrainedModel
    group_field: str | None
    group_residuals: Floats


def backtest(
    history: Frames, measure: str, horizon: int, settings: ModelSettings, *, first_origin: datetime | None,
    progress: Progress,
) -> tuple[BacktestScore, ...]:  # fmt: skip
    """Score model, comparable titles, group mean and global median over weekly origins.

    Launches that one of them cannot answer are left out for all, so that scores are paired.

    Raises:
        ModelError: There are too few launches to learn from and to score.
    """
    end = datetime(9999, 1, 1, tzinfo=UTC)
    known = Known(history, end, settings)
    past = known.past(measure, horizon)
    stage = _Stage(known, past, past.rows(LEAD), taught(past, known.answers), CellIndex.of(past), measure)
    origins = _origins(past, first_origin)
    quantiles = {name: np.full((len(past), len(PROBABILITIES)), np.nan) for name in _PREDICTORS}
    builder: FeatureBuilder | None = None
    fitted: _Fitted | None = None
    for number, origin in enumerate(origins):
        progress(f"backtest {measure} {horizon}d", number / len(origins))
        tested = np.flatnonzero((past.launch >= origin) & (past.launch < origin + _WEEK))
        seen = past.known <= origin - LEAD * DAY
        if builder is None or number % _EVERY_WEEKS == 0:
            builder = FeatureBuilder(known, known.recipe_at(origin - LEAD * DAY))
        if fitted is None or seen.sum() <= _MANY or number % _EVERY_WEEKS == 0:
            try:
                fitted = _fit(stage, builder, seen, origin)
            except ModelError:  # the first weeks may hold launches of one day only: they are scored for nobody
                continue
        for name, answer in _answers(stage, fitted, tested).items():
            quantiles[name][tested] = counted(measure, answer)
    progress(f"backtest {measure} {horizon}d", 1.0)
    return _scored(stage, quantiles, measure, horizon, settings.seed)


_PREDICTORS: Final = (MODEL, COMPARABLE_TITLES, GROUP_MEAN, GLOBAL_MEDIAN)


def _origins(past: Past, first: datetime | None) -> list[int]:
    """Return weekly origins that have enough to learn from and something to predict."""
    if len(past) < MIN_ROWS:
        raise _too_little(len(past))
    enough = int(np.sort(past.known)[MIN_ROWS - 1]) + LEAD * DAY
    start = _midnight_after(enough)
    if first is not None:
        asked = microsecond(first)
        start = asked + max(0, -(-(enough - asked) // _WEEK)) * _WEEK
    weeks = range(start, int(past.launch.max()) + 1, _WEEK)
    origins = [week for week in weeks if ((past.launch >= week) & (past.launch < week + _WEEK)).any()]
    if not origins:
        raise _too_little(len(past))
    return origins


def _too_little(n: int) -> ModelError:
    return ModelError(
        f"There is too little history to test on: {n} past launches with a known outcome (expected {MIN_ROWS} of them "
        "known before the first launch that is predicted). Ingest more history or choose an earlier horizon."
    )


def _midnight_after(at: int) -> int:
    day = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at) + timedelta(days=1)
    return microsecond(datetime.combine(day.date(), time(), UTC))


def _fit(stage: _Stage, builder: FeatureBuilder, seen: Mask, origin: int) -> _Fitted:
    """Fit everything that is learned, on the launches seen at the origin."""
    recipe = builder.recipe
    features = _taken(builder.build(stage.taught, stage.past), seen)
    past = stage.past.take(np.flatnonzero(seen))
    more = relabelled(builder, stage.known, stage.taught, stage.past, stage.measure)
    extra = None if more is None else more.within(seen, origin - LEAD * DAY)
    lesson = Lesson(features, past, stage.taught.cut[seen], extra)
    model, _ = train(recipe, lesson, stage.known.settings, lambda _: None)
    names = [field.name for field in recipe.fields if field.columns and f"{field.name}|history" in features.frame]
    residuals = {name: past.y - _group_point(features, name) for name in names} | {
        "": past.y - _group_point(features, None)
    }
    best = min(residuals, key=lambda name: (_typical(residuals[name]), name))
    group = residuals[best]
    return _Fitted(builder, model, best or None, group[np.isfinite(group)])


def _typical(residual: Floats) -> float:
    """Return the mean size of the residuals that are known; infinite where none is."""
    known = residual[np.isfinite(residual)]
    return float(np.abs(known).mean()) if len(known) else float("inf")


def _group_point(features: Features, name: str | None) -> Floats:
    """Return the shrunken mean of a row's group as known at its cut; the mean of its cell where it has none."""
    if name is None:
        return features.level
    deviation = np.nan_to_num(features.frame[f"{name}|history"].to_numpy(dtype=np.float64))
    return np.asarray(features.level + deviation, dtype=np.float64)


def _answers(stage: _Stage, fitted: _Fitted, tested: Ints) -> dict[str, Floats]:
    features = _taken(fitted.builder.build(stage.rows, stage.past), tested)
    rows = stage.rows.take(tested)
    group = np.full((len(tested), len(PROBABILITIES)), np.nan)
    if len(fitted.group_residuals) >= HANDFUL:
        spread = np.quantile(fitted.group_residuals, PROBABILITIES)
        group = _group_point(features, fitted.group_field)[:, None] + spread[None, :]
    return {
        MODEL: fitted.model.quantiles(features),
        COMPARABLE_TITLES: comparable_quantiles(rows, features.neighbours, stage.past, stage.cells),
        GROUP_MEAN: group,
        GLOBAL_MEDIAN: _global(stage, rows),
    }


def _global(stage: _Stage, rows: Rows) -> Floats:
    """Return quantiles of all outcomes known at each row's cut in its market and surface."""
    found = stage.cells.latest(rows, _RECENT)
    nothing = np.full(len(PROBABILITIES), np.nan)
    return np.array([np.quantile(stage.past.y[at], PROBABILITIES) if len(at) >= HANDFUL else nothing for at in found])


def _scored(
    stage: _Stage, quantiles: dict[str, Floats], measure: str, horizon: int, seed: int
) -> tuple[BacktestScore, ...]:
    fine = np.all([np.isfinite(values).all(axis=1) for values in quantiles.values()], axis=0)
    if not fine.any():
        raise _too_little(len(stage.past))
    y, kept = stage.past.y[fine], {name: values[fine] for name, values in quantiles.items()}
    bootstrap = WeekBootstrap(stage.past.launch[fine] // _WEEK, seed)
    error = {name: np.abs(y - values[:, len(PROBABILITIES) // 2]) for name, values in kept.items()}
    scores: list[tuple[str, str, Interval]] = []
    for name, values in kept.items():
        scores += [
            (name, "mae", bootstrap.mean(error[name])),
            (name, "pinball", bootstrap.mean(pinball(y, values))),
            (name, "spearman", bootstrap.spearman(values.mean(axis=1), y)),
            (name, "coverage_80", bootstrap.mean(is_covered(y, values, seed))),
        ]
        if name != MODEL:
            scores.append((name, "mae_minus_model", bootstrap.mean(error[name] - error[MODEL])))
    return tuple(
        BacktestScore(
            measure=measure,
            horizon=horizon,
            lead=LEAD,
            predictor=name,
            metric=metric,
            value=found.value,
            low=found.low,
            high=found.high,
            n=int(fine.sum()),
        )
        for name, metric, found in scores
    )


def _taken(features: Features, at: Ints | Mask) -> Features:
    near = Neighbours(features.neighbours.place[at], features.neighbours.distance[at])
    return Features(
        features.frame[at] if at.dtype == bool else features.frame.iloc[at],
        features.level[at],
        features.is_missing[at],
        near,
    )
