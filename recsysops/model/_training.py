"""Training: out-of-sample predictions in the order of time, their calibration, and the final fit on all.

Each launch enters with one lead, chosen by a hash of its cell, so that leads are pooled without repeating a label: four
near-copies of a launch would cost four times as much and make small leaves look supported.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsysops.domain.measure import Measure, inverse
from recsysops.errors import ModelError
from recsysops.model._asof import DAY, Floats, Ints
from recsysops.model._boosting import SMALL, Ensemble, fit, side_by_side
from recsysops.model._calendar import YEARLY
from recsysops.model._calibrating import Residuals, calibrated, mondrian
from recsysops.model._conformal import Calibration
from recsysops.model._features import WITHOUT, Features, comparables_column
from recsysops.model._heads import Heads, fit_heads
from recsysops.model._past import Past
from recsysops.model._recipe import Recipe
from recsysops.model._relabelled import Relabelled
from recsysops.model._shadow import NEAR
from recsysops.model._stack import SHADOW, Line, Stack, fit_stack, opinions
from recsysops.settings import ModelSettings

MIN_ROWS: Final = 40
"""With fewer past launches nothing is learned."""
_MIN_TAUGHT: Final = 20
"""A block of launches with fewer before it is not predicted."""
_MIN_DIFFICULTY: Final = 1_000
"""With fewer residuals, how hard a case is cannot be learned."""
_YEAR_DAYS: Final = 400
_MANY: Final = 1_000
"""With fewer launches, what comparable titles say without a field is left out."""

Step = Callable[[float], None]


@dataclass(frozen=True)
class TrainedModel:
    """All that predicts one measure and horizon."""

    recipe: Recipe
    point: Ensemble
    difficulty: Ensemble | None
    calibration: Calibration
    stack: Stack = field(default_factory=Stack)
    informed: Ensemble | None = None
    """For launches the recommender was asked about; None where these were too few."""

    @property
    def heads(self) -> Heads:
        """What answers before the stack."""
        return Heads(self.point, self.informed)

    def level(self, frame: pd.DataFrame) -> Floats:
        """Return the point prediction of each row, on the transformed scale."""
        return self.stack.level(self.heads.predict(frame), _columns(frame))

    def quantiles(self, features: Features) -> Floats:
        """Return quantiles on the transformed scale, shape (n, 19)."""
        level = self.level(features.frame)
        return self.calibration.quantiles(level, self.scale(features.frame), groups_of(features))

    def quantiles_of(self, columns: Mapping[str, Floats], is_missing: Ints) -> Floats:
        """Return what `quantiles` does for features that are in no frame."""
        level = self.stack.level(self.heads.predict_columns(columns), columns)
        scale = np.ones(len(level)) if self.difficulty is None else _positive(self.difficulty.predict_columns(columns))
        return self.calibration.quantiles(level, scale, mondrian(columns, is_missing))

    def scale(self, frame: pd.DataFrame) -> Floats:
        """Return how hard each row is to predict, relative to the others; 1 where that was not learned."""
        return np.ones(len(frame)) if self.difficulty is None else _positive(self.difficulty.predict(frame))


@dataclass(frozen=True)
class HeldBack:
    """Quantiles of past launches predicted by models that had not seen them, for scoring."""

    place: Ints
    """Positions in the past."""
    quantiles: Floats


def groups_of(features: Features) -> Ints:
    """Return the groups the rows are calibrated in; see `mondrian`."""
    frame = features.frame
    markets = {str(name): frame[name].to_numpy() for name in frame.columns if str(name).startswith("|market|")}
    return mondrian(markets, features.is_missing)


@dataclass(frozen=True)
class Lesson:
    """What is learned from: past launches, ordered by launch."""

    features: Features
    """One row per past launch, as known at `cut`."""
    past: Past
    """The launches and their outcomes, all of them already known."""
    cut: Ints
    """When each row's features were known."""
    extra: Relabelled | None = None
    """The same launches as they would have been without some fields, where that is known."""


def train(recipe: Recipe, lesson: Lesson, settings: ModelSettings, step: Step) -> tuple[TrainedModel, HeldBack]:
    """Train on past launches.

    Args:
        recipe: What the features were built with.
        lesson: What is learned from.
        settings: Seed, threads and the size of trees.
        step: Told how much is done, 0 to 1.

    Raises:
        ModelError: No launch could be predicted from earlier ones, so nothing can be calibrated.
    """
    features, past, cut = lesson.features, lesson.past, lesson.cut
    frame = _usable(features.frame, past)
    blocks = _teachable(time_blocks(past.launch), past, cut)
    with ThreadPoolExecutor(side_by_side(len(frame), settings)) as pool:
        everything = np.ones(len(past), dtype=np.bool_)
        final = pool.submit(_fitted, frame, lesson, everything, settings)
        level, said = _out_of_sample(frame, lesson, blocks, settings, pool)
        step(0.6)
        held = np.flatnonzero(blocks >= 0)
        stack = _stacked(frame, past.y, held, level, said)
        level[held] = stack.level(level[held], _columns(frame.iloc[held]))
        residual = past.y[held] - level[held]
        scale, difficulty = _difficulty(frame.iloc[held], residual, blocks[held], settings, pool)
        step(0.8)
        group = groups_of(features)[held]
        calibration = calibrated(Residuals(level[held], scale, residual, group, past.launch[held]))
        heads = final.result()
        model = TrainedModel(recipe, heads.point, difficulty, calibration, stack, heads.informed)
    quantiles = np.zeros((len(held), 19))
    for block in np.unique(blocks[held]):
        own = blocks[held] == block
        # With a single block its own residuals must do: its scores flatter a little, its predictions do not.
        others = calibration.without(own) if not own.all() else calibration
        quantiles[own] = others.quantiles(level[held][own], scale[own], group[own])
    step(1.0)
    return model, HeldBack(held, quantiles)


def time_blocks(launch: Ints) -> Ints:
    """Number the blocks of launches predicted out of sample, by time; -1 for the earliest, which only teach.

    Launches of one time are never parted.
    """
    n = len(launch)
    share, count = (0.3, 2) if n >= SMALL else (0.5, 3) if n >= 1_000 else (0.65, 5)
    borders = np.unique(launch[[min(int(n * (1 - share + share * k / count)), n - 1) for k in range(count)]])
    return np.searchsorted(borders, launch, side="right").astype(np.int64) - 1


def _teachable(blocks: Ints, past: Past, cut: Ints) -> Ints:
    """Let blocks that too few launches precede teach only."""
    result = blocks.copy()
    for block in np.unique(blocks[blocks >= 0]):
        own = blocks == block
        if _taught(past, cut, own).sum() < _MIN_TAUGHT:
            result[own] = -1
    if (result < 0).all():
        raise ModelError(
            f"There is too little to calibrate on: {len(past)} past launches, all at about the same time (expected "
            f"{_MIN_TAUGHT} before the others). Ingest more history; comparable titles answer until then."
        )
    return result


def counted(measure: str, quantiles: Floats) -> Floats:
    """Return quantiles a count can take: members who interact are whole and not below zero; other measures stay."""
    if Measure(measure) is not Measure.UPTAKE:
        return quantiles
    return np.log1p(np.maximum(np.rint(np.expm1(np.maximum(quantiles, 0.0))), 0.0))


def shares(measure: str, quantiles: Floats, denominator: Floats) -> Floats:
    """Return quantiles of the share from those on the transformed scale."""
    return np.maximum.accumulate(inverse(measure, counted(measure, quantiles), denominator[:, None]), axis=1)


def _usable(frame: pd.DataFrame, past: Past) -> pd.DataFrame:
    # Less than a year of launches cannot tell a season from a trend.
    span = (past.launch.max() - past.launch.min()) / DAY
    unused = [] if span >= _YEAR_DAYS else [YEARLY]
    # With few launches, several means of nearly the same titles cost more in variance than they tell.
    unused += [str(name) for name in frame.columns if str(name).startswith(WITHOUT)] if len(past) < _MANY else []
    return frame.drop(columns=unused)


def _fitted(frame: pd.DataFrame, lesson: Lesson, seen: npt.NDArray[np.bool_], settings: ModelSettings) -> Heads:
    """Fit to the launches that were seen, and to what is known of them without some of their fields."""
    extra = None if lesson.extra is None else lesson.extra.of(seen)
    return fit_heads(frame[seen], lesson.past.y[seen], extra, settings)


def _out_of_sample(
    frame: pd.DataFrame, lesson: Lesson, blocks: Ints, settings: ModelSettings, pool: Executor
) -> tuple[Floats, Floats]:
    """Return what the model and the recommender said of each launch before it was seen; missing where it only teaches.

    The recommender's answers are put on the scale of outcomes by launches seen before.
    """
    past = lesson.past

    def predicted(block: int) -> tuple[Floats, Floats]:
        own = blocks == block
        seen = _taught(past, lesson.cut, own)
        line = Line.fit(frame[NEAR].to_numpy()[seen], past.y[seen])
        said = np.full(own.sum(), np.nan) if line is None else line(frame[NEAR].to_numpy()[own])
        return _fitted(frame, lesson, seen, settings).predict(frame[own]), said

    level, shadow = np.full((2, len(past)), np.nan)
    numbers = np.unique(blocks[blocks >= 0])
    for block, (answer, said) in zip(numbers, pool.map(predicted, numbers), strict=True):
        level[blocks == block], shadow[blocks == block] = answer, said
    return level, shadow


def _stacked(frame: pd.DataFrame, y: Floats, held: Ints, level: Floats, shadow: Floats) -> Stack:
    """Choose how the model, the recommender and comparable titles are joined, by the launches held back."""
    column = comparables_column(frame.columns)
    said = opinions(_columns(frame.iloc[held]), None, column) | {SHADOW: shadow[held]}
    return fit_stack(level[held], said, y[held], Line.fit(frame[NEAR].to_numpy(), y), column)


def _columns(frame: pd.DataFrame) -> dict[str, Floats]:
    return {str(name): frame[name].to_numpy() for name in frame.columns}


def _taught(past: Past, cut: Ints, own: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Return what a block's model learns from: outcomes known when its first row was cut.

    Where these are too few, all launches before the block: their outcomes are known by now, only not yet then.
    """
    known = past.known <= cut[own].min()
    return np.asarray(known if known.sum() >= MIN_ROWS else past.launch < past.launch[own].min(), dtype=np.bool_)


def _difficulty(
    frame: pd.DataFrame, residual: Floats, blocks: Ints, settings: ModelSettings, pool: Executor
) -> tuple[Floats, Ensemble | None]:
    """Learn the size of the residuals; each block's scale comes from the other blocks."""
    if len(residual) < _MIN_DIFFICULTY:
        return np.ones(len(residual)), None
    size = np.abs(residual)
    whole = pool.submit(fit, frame, size, settings, is_rough=True)

    def predicted(block: int) -> Floats:
        own = blocks == block
        return _positive(fit(frame[~own], size[~own], settings, is_rough=True).predict(frame[own]))

    scale = np.ones(len(residual))
    numbers = np.unique(blocks)
    for block, answer in zip(numbers, pool.map(predicted, numbers), strict=True):
        scale[blocks == block] = answer
    return scale, whole.result()


def _positive(size: Floats) -> Floats:
    return np.maximum(size, 1e-3)
