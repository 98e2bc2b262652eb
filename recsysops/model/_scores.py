"""How good distributions were: pinball, randomised PIT, rank correlation, week-block intervals.

All on the transformed scale.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from recsysops.domain.distribution import PROBABILITIES
from recsysops.model._asof import Floats, Ints

_RESAMPLES: Final = 2000
_SAME: Final = 1e-9


def pinball(y: Floats, quantiles: Floats) -> Floats:
    """Return the pinball loss of each row, the mean over nineteen quantiles (about half the CRPS).

    Args:
        y: Shape (n,).
        quantiles: Shape (n, 19).
    """
    error = y[:, None] - quantiles
    return np.asarray(np.maximum(PROBABILITIES * error, (PROBABILITIES - 1) * error).mean(axis=1), dtype=np.float64)


def randomised_pit(y: Floats, quantiles: Floats, seed: int) -> Floats:
    """Return the randomised probability integral transform: uniform for honest distributions, discrete ones too.

    Between two different quantiles the distribution is read as linear. Where the outcome equals quantiles, the mass
    there is spread at random; its ends lie half a step outside the quantiles that are equal. Beyond the outermost
    quantile it is 0 or 1.
    """
    step = PROBABILITIES[0] / 2
    below, upto = quantiles < y[:, None] - _SAME, quantiles <= y[:, None] + _SAME
    n_below, n_upto = below.sum(axis=1), upto.sum(axis=1)
    edges = np.concatenate([[step], PROBABILITIES + step])
    # Nothing lies below a count of zero, which is zero on the transformed scale too.
    low, high = np.where((n_below == 0) & (np.abs(y) <= _SAME), 0.0, edges[n_below]), edges[n_upto]
    tied = n_upto > n_below
    between = _linear(y, quantiles, n_below)
    share = np.random.default_rng(seed).uniform(size=len(y))
    return np.where(tied, low + share * (high - low), between)


def _linear(y: Floats, quantiles: Floats, n_below: Ints) -> Floats:
    last = quantiles.shape[1] - 1
    left, right = np.clip(n_below - 1, 0, last), np.clip(n_below, 0, last)
    at = np.arange(len(y))
    a, b = quantiles[at, left], quantiles[at, right]
    part = np.where(b > a, (y - a) / np.where(b > a, b - a, 1.0), 0.0)
    inside = PROBABILITIES[left] + part * (PROBABILITIES[right] - PROBABILITIES[left])
    return np.where(n_below == 0, 0.0, np.where(n_below > last, 1.0, inside))


def is_covered(y: Floats, quantiles: Floats, seed: int) -> Floats:
    """Return 1 where the randomised PIT lies in the middle 80 %, else 0."""
    pit = randomised_pit(y, quantiles, seed)
    return ((pit >= 0.1) & (pit <= 0.9)).astype(np.float64)


@dataclass(frozen=True)
class Interval:
    """A value and its 95 % interval."""

    value: float
    low: float
    high: float


class WeekBootstrap:
    """Resamples whole weeks of launches: titles of one week share its shocks."""

    def __init__(self, weeks: Ints, seed: int) -> None:
        """Draw the resamples once, so that every metric sees the same ones (paired)."""
        unique, self._week = np.unique(weeks, return_inverse=True)
        draws = np.random.default_rng(seed).integers(0, len(unique), size=(_RESAMPLES, len(unique)))
        self._times = np.apply_along_axis(np.bincount, 1, draws, minlength=len(unique)).astype(np.float64)

    def mean(self, values: Floats) -> Interval:
        """Return the mean of one value per launch."""
        sums = self._times @ self._sum(values)
        counts = self._times @ self._sum(np.ones(len(values)))
        return self._interval(float(values.mean()), sums / counts)

    def spearman(self, a: Floats, b: Floats) -> Interval:
        """Return the rank correlation; resamples keep the ranks of the whole sample. NaN where either does not vary."""
        x, y = _ranks(a), _ranks(b)
        moments = [self._sum(part) for part in (np.ones(len(x)), x, y, x * x, y * y, x * y)]
        drawn = [self._times @ moment for moment in moments]
        value = _correlation([np.array([moment.sum()]) for moment in moments])[0]
        return self._interval(float(value), _correlation(drawn))

    def _sum(self, values: Floats) -> Floats:
        return np.bincount(self._week, weights=values).astype(np.float64)

    @staticmethod
    def _interval(value: float, draws: Floats) -> Interval:
        fine = draws[np.isfinite(draws)]
        low, high = np.quantile(fine, [0.025, 0.975]) if len(fine) else (np.nan, np.nan)
        return Interval(value, float(low), float(high))


def _correlation(moments: list[Floats]) -> Floats:
    n, x, y, xx, yy, xy = moments
    spread = (xx / n - (x / n) ** 2) * (yy / n - (y / n) ** 2)
    return np.where(spread > 0, (xy / n - x * y / n**2) / np.sqrt(np.where(spread > 0, spread, 1.0)), np.nan)


def _ranks(values: Floats) -> Floats:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return ((ends - (counts - 1) / 2)[inverse]).astype(np.float64)
