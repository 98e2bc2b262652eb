"""How good distributions were: pinball, randomised PIT, rank correlation, week-block intervals.

All on the transformed scale.
"""

import numpy as np

from recsysops.domain.resampling import Interval
from recsysops.domain.resampling import WeekBootstrap as _WeekBootstrap
from recsysops.domain.scoring import pinball
from recsysops.domain.scoring import randomised_pit as _randomised_pit
from recsysops.model._asof import Floats

__all__ = ["Interval", "WeekBootstrap", "is_covered", "pinball", "randomised_pit"]


def randomised_pit(y: Floats, quantiles: Floats, seed: int) -> Floats:
    """Return the randomised probability integral transform, drawn by a seed: see `recsysops.domain.scoring`."""
    return _randomised_pit(y, quantiles, np.random.default_rng(seed).uniform(size=len(y)))


def is_covered(y: Floats, quantiles: Floats, seed: int) -> Floats:
    """Return 1 where the randomised PIT lies in the middle 80 %, else 0."""
    pit = randomised_pit(y, quantiles, seed)
    return ((pit >= 0.1) & (pit <= 0.9)).astype(np.float64)


class WeekBootstrap(_WeekBootstrap):
    """Resamples whole weeks of launches, rank correlations too."""

    def spearman(self, a: Floats, b: Floats) -> Interval:
        """Return the rank correlation; resamples keep the ranks of the whole sample. NaN where either does not vary."""
        x, y = _ranks(a), _ranks(b)
        moments = [self._sum(part) for part in (np.ones(len(x)), x, y, x * x, y * y, x * y)]
        drawn = [self._times @ moment for moment in moments]
        value = _correlation([np.array([moment.sum()]) for moment in moments])[0]
        return self._interval(float(value), _correlation(drawn))


def _correlation(moments: list[Floats]) -> Floats:
    n, x, y, xx, yy, xy = moments
    spread = (xx / n - (x / n) ** 2) * (yy / n - (y / n) ** 2)
    return np.where(spread > 0, (xy / n - x * y / n**2) / np.sqrt(np.where(spread > 0, spread, 1.0)), np.nan)


def _ranks(values: Floats) -> Floats:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return ((ends - (counts - 1) / 2)[inverse]).astype(np.float64)
