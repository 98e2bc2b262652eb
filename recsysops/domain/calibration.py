"""Whether predictions still hold what they promise: evidence gathered week by week from randomised PITs.

A mixture of betting games, each against uniform PITs: too low or too high by so much, too wide or too narrow by so
much. Summed over all weeks in which the change may have begun (Shiryaev-Roberts), the evidence of calibrated
predictions grows by one a week in the mean, so a threshold of 100 is passed about once in 100 weeks or more rarely. It
tests outcomes against predictions, never features: these may change without harm. Not for repairing: see
`recsysops.model._adaptive`.

Source:
    Shin, Ramdas & Rinaldo, "E-detectors: a nonparametric framework for sequential change detection", NEJSDS, 2024;
    Vovk, "Testing randomness online", Statistical Science, 2021.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from recsysops.domain.distribution import normal_quantile
from recsysops.domain.measure import Array

THRESHOLD: Final = 100.0
"""Evidence, in weeks, from which calibration counts as broken."""
_CEILING: Final = 10.0
"""Times the threshold at which evidence stops growing: what was repaired is not told as broken for months."""
_BINS: Final = 20
_SHIFTS: Final = (-1.0, -0.7, -0.4, -0.25, 0.25, 0.4, 0.7, 1.0)
"""Of the mean, in standard deviations."""
_STRETCHES: Final = (0.5, 0.7, 1.4, 2.0)
"""Of the spread."""
_GUESS: Final = 1.3
"""How much more weeks vary than independent outcomes would make them, before there are weeks to learn it from."""
_GUESS_WEEKS: Final = 6.0
"""Weeks the guess is worth."""
_YEAR: Final = 52
_QUARTER: Final = 13
_KEPT: Final = 0.15
"""Share of a stake that is not bet: one odd outcome does not ruin a player."""


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Whether the predictions of one kind are calibrated, as of the last week with an outcome."""

    measure: str
    horizon: int
    predictor: str
    evidence: float
    """Against calibration, 0 to 1000; 0 before the first outcome."""
    is_broken: bool
    """Whether the evidence is above `THRESHOLD`."""
    weeks_broken: int
    """Weeks with outcomes since it went above it, that one included; 0 where it is not broken."""
    n: int
    """Outcomes it rests on."""
    n_weeks: int
    bias: float
    """Mean of the outcomes' normal scores in the last 13 weeks; 0 where predictions are right in the mean, above it
    where titles do better than predicted. Missing before the first outcome."""
    coverage_80: float
    """Share of outcomes inside their 80 % interval in the last 13 weeks; missing before the first outcome."""


@dataclass(frozen=True)
class Evidence:
    """What gathered, week by week; arrays of shape (n weeks,)."""

    week: npt.NDArray[np.int64]
    """Weeks since 1970 in which outcomes became known, ascending."""
    value: Array
    """Evidence at the end of each."""


def evidence(pit: npt.ArrayLike, week: npt.ArrayLike, title: npt.ArrayLike | None = None) -> Evidence:
    """Gather evidence against uniform PITs.

    Args:
        pit: Shape (n,), in [0, 1]; 0 and 1 for outcomes beyond the outermost quantiles.
        week: Shape (n,), whole numbers: when each became known.
        title: Shape (n,): outcomes of one title in one week (markets, surfaces) share one bet; None: all differ.
    """
    values = np.asarray(pit, dtype=np.float64)
    weeks, of_week = np.unique(np.asarray(week, dtype=np.int64), return_inverse=True)
    of_week = of_week.ravel()
    weight = _weights(of_week, title)
    bins = np.clip((values * _BINS).astype(np.int64), 0, _BINS - 1)
    counts = np.zeros((len(weeks), _BINS))
    np.add.at(counts, (of_week, bins), weight)
    # A likelihood ratio to a power below one is a fair bet still, only a more careful one.
    stakes = counts @ np.log(_bets()).T / _togetherness(counts)[:, None]
    gathered, value = np.zeros(stakes.shape[1]), np.zeros(len(weeks))
    for at, stake in enumerate(stakes):
        gathered = np.minimum((gathered + 1) * np.exp(np.minimum(stake, 50.0)), _CEILING * THRESHOLD)
        value[at] = gathered.mean()
    return Evidence(weeks, value)


def _weights(of_week: npt.NDArray[np.int64], title: npt.ArrayLike | None) -> Array:
    if title is None:
        return np.ones(len(of_week))
    _, codes = np.unique(np.asarray(title, dtype=object).astype(str), return_inverse=True)
    _, pair, times = np.unique(of_week * (len(of_week) + 1) + codes.ravel(), return_inverse=True, return_counts=True)
    return np.asarray(1.0 / times[pair.ravel()], dtype=np.float64)


def _togetherness(counts: Array) -> Array:
    """Return how much more the means of weeks varied than independent outcomes would make them, >= 1, shape (n weeks,).

    For each week it is learned from the weeks before it alone, so that the bets stay fair; few weeks are shrunk towards
    a guess.
    """
    n, middle = counts.sum(axis=1), normal_quantile((np.arange(_BINS) + 0.5) / _BINS)
    mean = counts @ middle / n
    result = np.full(len(n), _GUESS)
    for at in range(2, len(n)):
        part = slice(max(0, at - _YEAR), at)
        center = np.average(mean[part], weights=n[part])
        within = max(float((counts[part] @ middle**2).sum() / n[part].sum()) - center**2, 0.1)
        found, m = float((n[part] * (mean[part] - center) ** 2).sum()) / within, at - part.start - 1
        result[at] = max(1.0, (_GUESS * _GUESS_WEEKS + found) / (_GUESS_WEEKS + m))
    return result


def judge(
    kind: tuple[str, int, str], pit: npt.ArrayLike, week: npt.ArrayLike, title: npt.ArrayLike | None = None
) -> Calibration:
    """Judge the predictions of one kind (measure, horizon, predictor) by their PITs; the others as of `evidence`."""
    measure, horizon, predictor = kind
    values, weeks = np.asarray(pit, dtype=np.float64), np.asarray(week, dtype=np.int64)
    if not len(values):
        return Calibration(
            measure=measure, horizon=horizon, predictor=predictor, evidence=0.0, is_broken=False, weeks_broken=0, n=0,
            n_weeks=0, bias=float("nan"), coverage_80=float("nan"),
        )  # fmt: skip
    found = evidence(values, weeks, title)
    fine = np.flatnonzero(found.value <= THRESHOLD)
    weeks_broken = len(found.value) - 1 - int(fine[-1]) if len(fine) else len(found.value)
    late = values[weeks > weeks.max() - _QUARTER]
    inside = np.clip(late, 1 / (2 * _BINS), 1 - 1 / (2 * _BINS))
    return Calibration(
        measure=measure, horizon=horizon, predictor=predictor, evidence=float(found.value[-1]),
        is_broken=weeks_broken > 0, weeks_broken=weeks_broken, n=len(values), n_weeks=len(found.week),
        bias=float(normal_quantile(inside).mean()), coverage_80=float(((late >= 0.1) & (late <= 0.9)).mean()),
    )  # fmt: skip


def _bets() -> Array:
    """Return what each player is paid per bin, shape (players, 20); mean 1 along each row."""
    from scipy.special import ndtr

    edges = normal_quantile(np.linspace(0, 1, _BINS + 1)[1:-1])
    rows = []
    for shift, stretch in [(shift, 1.0) for shift in _SHIFTS] + [(0.0, stretch) for stretch in _STRETCHES]:
        upto = np.concatenate([[0.0], ndtr((edges - shift) / stretch), [1.0]])
        rows.append((1 - _KEPT) * _BINS * np.diff(upto) + _KEPT)
    return np.array(rows)
