"""How good distributions were, as losses of single launches and as R2, coverage and width over many."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsysops.domain.measure import Measure
from recsysops.domain.scoring import crps, pinball
from recsysops.model._scores import randomised_pit

Array = npt.NDArray[np.float64]
__all__ = ["covered", "crps", "pinball", "presentable", "r2", "spearman", "width", "width_at_coverage"]
MEDIAN = 9
INTERVALS = {0.8: (1, 17), 0.9: (0, 18)}
"""Positions of the outer quantiles of each interval."""


def presentable(measure: str, quantiles: Array) -> Array:
    """Return what anybody's quantiles are scored as: ascending and, for uptake, whole members not below zero."""
    ordered = np.sort(quantiles, axis=1)
    if Measure(measure) is not Measure.UPTAKE:
        return ordered
    return np.asarray(np.log1p(np.maximum(np.rint(np.expm1(np.maximum(ordered, 0.0))), 0.0)), dtype=np.float64)


def r2(y: Array, quantiles: Array) -> float:
    """Return the share of the outcomes' variance that the means of the distributions explain."""
    spread = float(((y - y.mean()) ** 2).sum())
    return 1 - float(((y - quantiles.mean(axis=1)) ** 2).sum()) / spread if spread > 0 else float("nan")


def spearman(y: Array, quantiles: Array) -> float:
    """Return the rank correlation of the outcomes with the means of the distributions; NaN where either is constant."""
    ranks = [pd.Series(values).rank().to_numpy() for values in (y, quantiles.mean(axis=1))]
    return float(np.corrcoef(ranks)[0, 1]) if min(np.ptp(rank) for rank in ranks) > 0 else float("nan")


def covered(y: Array, quantiles: Array, nominal: float, seed: int) -> Array:
    """Return 1 where the randomised PIT lies in the middle `nominal`, else 0: honest for counts too."""
    pit = randomised_pit(y, quantiles, seed)
    tail = (1 - nominal) / 2
    return ((pit >= tail) & (pit <= 1 - tail)).astype(np.float64)


def width(quantiles: Array, nominal: float) -> Array:
    """Return the width of each interval on the transformed scale."""
    low, high = INTERVALS[nominal]
    return np.asarray(quantiles[:, high] - quantiles[:, low], dtype=np.float64)


def width_at_coverage(measure: str, y: Array, quantiles: Array, nominal: float, seed: int) -> float:
    """Return the mean width once each distribution is stretched about its median until it covers `nominal`.

    Everybody is stretched alike on the launches scored, so widths are compared at equal coverage, not at the one
    that happened; NaN where no stretch up to tenfold covers.
    """
    middle = quantiles[:, [MEDIAN]]

    def stretched(factor: float) -> Array:
        return presentable(measure, middle + factor * (quantiles - middle))

    for factor in np.geomspace(0.1, 10.0, 232):  # steps of two per cent
        wide = stretched(float(factor))
        if covered(y, wide, nominal, seed).mean() >= nominal:
            return float(width(wide, nominal).mean())
    return float("nan")
