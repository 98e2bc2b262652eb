"""Intervals of means by resampling whole weeks of launches: titles of one week share its shocks."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from recsysops.domain.measure import Array

RESAMPLES: Final = 2000


@dataclass(frozen=True)
class Interval:
    """A value and its 95 % interval; NaN where it cannot be computed."""

    value: float
    low: float
    high: float


class WeekBootstrap:
    """Resamples whole weeks of launches."""

    def __init__(self, weeks: npt.NDArray[np.int64], seed: int) -> None:
        """Draw the resamples once, so that every metric sees the same ones (paired)."""
        unique, self._week = np.unique(weeks, return_inverse=True)
        draws = np.random.default_rng(seed).integers(0, len(unique), size=(RESAMPLES, len(unique)))
        cells = draws + len(unique) * np.arange(RESAMPLES)[:, None]
        times = np.bincount(cells.ravel(), minlength=RESAMPLES * len(unique))
        self._times = times.reshape(RESAMPLES, len(unique)).astype(np.float64)

    def mean(self, values: Array) -> Interval:
        """Return the mean of one value per launch."""
        sums = self._times @ self._sum(values)
        counts = self._times @ self._sum(np.ones(len(values)))
        return self._interval(float(values.mean()), sums / counts)

    def skill(self, loss: Array, reference: Array) -> Interval:
        """Return 1 - mean loss / mean reference loss, both of the same launches; NaN where the reference has none."""
        mine, theirs = self._times @ self._sum(loss), self._times @ self._sum(reference)
        whole = float(reference.sum())
        drawn = 1 - mine / np.where(theirs > 0, theirs, np.nan)
        return self._interval(1 - float(loss.sum()) / whole if whole > 0 else float("nan"), drawn)

    def _sum(self, values: Array) -> Array:
        return np.bincount(self._week, weights=values).astype(np.float64)

    @staticmethod
    def _interval(value: float, draws: Array) -> Interval:
        fine = draws[np.isfinite(draws)]
        low, high = np.quantile(fine, [0.025, 0.975]) if len(fine) else (np.nan, np.nan)
        return Interval(value, float(low), float(high))
