"""A bounded search for model settings on past launches, judged on later ones. Changes nothing.

Every trial is scored by out-of-sample predictions in the order of time, as in training. The best of many trials looks
better than it is on the launches it was chosen on: it is held against the bundled settings on the launches after them.

Source:
    Cawley & Talbot, "On over-fitting in model selection", JMLR, 2010.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np

from recsysops.domain.resampling import WeekBootstrap
from recsysops.domain.tuning import Trial, Tuning
from recsysops.errors import ModelError
from recsysops.model._asof import DAY, Floats, Ints
from recsysops.model._cuts import taught
from recsysops.model._features import FeatureBuilder
from recsysops.model._known import Frames, Known
from recsysops.model._relabelled import relabelled
from recsysops.model._scores import pinball
from recsysops.model._training import MIN_ROWS, Lesson, counted, train
from recsysops.settings import ModelSettings

SPACE: Final[Mapping[str, tuple[float, ...]]] = {
    "leaves": (3, 5, 7, 15, 31),
    "learning_rate": (0.02, 0.04, 0.08, 0.12),
    "rounds": (80, 150, 300, 600),
    "feature_fraction": (0.3, 0.5, 0.7),
    "min_data_in_leaf": (5, 10, 20, 40, 80),
    "n_comparables": (10, 25, 50),
}
"""What may be chosen: 3,600 combinations."""

Progress = Callable[[str, float], None]
Target = tuple[str, int]


@dataclass(frozen=True)
class _Losses:
    """Loss of each launch held back, n of them over all targets, each as a share of the bundled settings' mean."""

    launch: Ints
    loss: Floats


def tune(
    history: Frames, as_of: datetime, targets: Sequence[Target], settings: ModelSettings, n_trials: int,
    progress: Progress,
) -> Tuning:  # fmt: skip
    """Try settings on the launches known at `as_of`; see the port."""
    bundled = settings.model_copy(update=dict.fromkeys(SPACE) | {"n_comparables": _bundled("n_comparables")})
    search = _Search(history, as_of, targets)
    reference = search.losses(bundled)
    if not len(reference.loss):
        raise ModelError("There is nothing to tune on. " + " ".join(search.refused))
    border = float(np.median(reference.launch))
    early = reference.launch < border
    trials: list[Trial] = []
    found: dict[int, _Losses] = {}
    for number, chosen in enumerate(_choices(n_trials, settings.seed)):
        progress("tune", number / n_trials)
        found[number] = search.losses(bundled.model_copy(update=chosen), reference)
        trials.append(Trial(settings=chosen, loss=_share(found[number].loss[early], reference.loss[early])))
    progress("tune", 1.0)
    order = sorted(range(len(trials)), key=lambda at: trials[at].loss)
    ranked = (Trial(settings={}, loss=1.0), *(trials[at] for at in order))
    if not order or trials[order[0]].loss >= 1.0:
        return _tuning(ranked, {}, reference, early, None, search, settings.seed)
    return _tuning(ranked, trials[order[0]].settings, reference, early, found[order[0]], search, settings.seed)


class _Search:
    """Past launches of every target, and what is made of them once."""

    def __init__(self, history: Frames, as_of: datetime, targets: Sequence[Target]) -> None:
        self._history, self._as_of = history, as_of
        self._targets = list(targets)
        self._lessons: dict[int, list[tuple[str, FeatureBuilder, Lesson]]] = {}
        self._scales: Floats = np.zeros(0)
        self.refused: list[str] = []

    def losses(self, settings: ModelSettings, reference: _Losses | None = None) -> _Losses:
        """Return the loss of every launch held back; `reference` is what the bundled settings gave."""
        launches, losses, begin = [], [], 0
        for measure, builder, lesson in self._taught(settings):
            _, held = train(builder.recipe, lesson, settings, lambda _: None)
            own = pinball(lesson.past.y[held.place], counted(measure, held.quantiles))
            part = slice(begin, begin + len(own))
            begin += len(own)
            scale = own.mean() if reference is None else self._scales[part]
            launches.append(lesson.past.launch[held.place])
            losses.append((own, scale))
        if reference is None:
            self._scales = np.concatenate([np.full(len(own), scale) for own, scale in losses] or [np.zeros(0)])
        return _Losses(
            np.concatenate(launches or [np.zeros(0, dtype=np.int64)]),
            np.concatenate([own / np.maximum(scale, 1e-12) for own, scale in losses] or [np.zeros(0)]),
        )

    def _taught(self, settings: ModelSettings) -> list[tuple[str, FeatureBuilder, Lesson]]:
        """Return what is learned from for each target; features depend on the number of comparable titles alone."""
        if settings.n_comparables not in self._lessons:
            known = Known(self._history, self._as_of, settings)
            builder = FeatureBuilder(known, known.recipe)
            found = [(target, self._lesson(known, builder, *target)) for target in self._targets]
            kept = [(target[0], builder, lesson) for target, lesson in found if lesson is not None]
            self._lessons[settings.n_comparables] = kept
        return self._lessons[settings.n_comparables]

    def _lesson(self, known: Known, builder: FeatureBuilder, measure: str, horizon: int) -> Lesson | None:
        past = known.past(measure, horizon)
        if len(past) < MIN_ROWS:
            why = f"There are {len(past)} past launches with a known outcome of {measure} over {horizon} days"
            self.refused.append(f"{why} (expected at least {MIN_ROWS}). Ingest more history.")
            self._targets = [target for target in self._targets if target != (measure, horizon)]
            return None
        rows = taught(past, known.answers)
        return Lesson(builder.build(rows, past), past, rows.cut, relabelled(builder, known, rows, past, measure))


def _bundled(name: str) -> object:
    return ModelSettings.model_fields[name].default


def _choices(n: int, seed: int) -> list[dict[str, float]]:
    """Draw different choices from the space."""
    rng = np.random.default_rng(seed)
    found: dict[tuple[float, ...], dict[str, float]] = {}
    while len(found) < min(n, int(np.prod([len(values) for values in SPACE.values()]))):
        drawn = {name: values[int(rng.integers(len(values)))] for name, values in SPACE.items()}
        found[tuple(drawn.values())] = drawn
    return list(found.values())


def _share(loss: Floats, reference: Floats) -> float:
    return float(loss.sum() / reference.sum()) if len(reference) else 1.0


def _tuning(
    trials: tuple[Trial, ...], best: Mapping[str, float], reference: _Losses, early: "np.typing.NDArray[np.bool_]",
    found: _Losses | None, search: _Search, seed: int,
) -> Tuning:  # fmt: skip
    gain: tuple[float | None, float | None, float | None] = (None, None, None)
    if found is not None and (~early).any():
        bootstrap = WeekBootstrap(reference.launch[~early] // (7 * DAY), seed)
        interval = bootstrap.skill(found.loss[~early], reference.loss[~early])
        gain = (interval.value, interval.low, interval.high)
    return Tuning(
        trials=trials, best=best, n_chosen=int(early.sum()), n_judged=int((~early).sum()), gain=gain[0], low=gain[1],
        high=gain[2], refused=tuple(search.refused),
    )  # fmt: skip
