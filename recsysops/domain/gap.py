"""The gap: a prediction's distribution against an expectation's.

Compared on the transformed scale; shown as 1 - median predicted / median expected: 0 as planned, 1 nobody reached,
below 0 more than planned. Prediction and expectation are taken as independent until their correlation has a record.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from recsysops.domain.distribution import PROBABILITIES
from recsysops.domain.measure import Array, transform

DEFAULT_TOLERANCE: Final = float(np.log(1.25))
"""Difference on the transformed scale that does not matter: a quarter more or less."""


@dataclass(frozen=True)
class Gap:
    """Gaps of n cases; every array has shape (n,)."""

    shown: Array
    """1 - median predicted / median expected; missing where the plan's median is 0."""
    p_below: Array
    """Probability that expected - predicted exceeds the tolerance, in [0, 1]."""
    p_above: Array
    """Probability that predicted - expected exceeds the tolerance, in [0, 1]."""
    shortfall: Array
    """Expected shortfall, the mean of planned minus predicted where positive, in members or impressions, >= 0."""
    shortfall_low: Array
    """Tenth percentile of planned minus predicted, in the same unit; may be negative."""
    shortfall_high: Array
    """Ninetieth percentile of planned minus predicted."""


def _joint_weights() -> Array:
    """Return the probability of each pair of quantiles, shape (19 * 19,)."""
    # Quantile k stands for the probability nearer to it than to its neighbours; the tails go to the outermost.
    edges = np.concatenate([[0.0], (PROBABILITIES[1:] + PROBABILITIES[:-1]) / 2, [1.0]])
    weight = np.diff(edges)
    return np.asarray(np.outer(weight, weight).ravel(), dtype=np.float64)


def gap(
    measure: str,
    predicted: npt.ArrayLike,
    expected: npt.ArrayLike,
    denominator: npt.ArrayLike,
    *,
    tolerance: float = DEFAULT_TOLERANCE,
) -> Gap:
    """Compare predictions with expectations.

    Args:
        measure: A `Measure`.
        predicted: Shape (n, 19), quantiles of the share.
        expected: Shape (n, 19), quantiles of the share.
        denominator: Shape (n,), what the shares are of.
        tolerance: Difference on the transformed scale below which nothing is wrong, >= 0.

    Returns:
        The gaps; missing where an argument is missing.
    """
    p = np.asarray(predicted, dtype=np.float64).reshape(-1, len(PROBABILITIES))
    e = np.asarray(expected, dtype=np.float64).reshape(-1, len(PROBABILITIES))
    n = np.asarray(denominator, dtype=np.float64).reshape(-1)
    joint = _joint_weights()
    known = np.isfinite(p).all(axis=1) & np.isfinite(e).all(axis=1) & np.isfinite(n) & (n > 0)
    p, e, n = np.where(known[:, None], p, np.nan), np.where(known[:, None], e, np.nan), np.where(known, n, np.nan)

    difference = _pairs(transform(measure, e, n[:, None]), transform(measure, p, n[:, None]))
    units = _pairs(e, p) * n[:, None]
    order = np.argsort(units, axis=1)
    cumulative = np.cumsum(joint[order], axis=1)
    ordered = np.take_along_axis(units, order, axis=1)
    middle = len(PROBABILITIES) // 2
    with np.errstate(divide="ignore", invalid="ignore"):
        shown = np.where(e[:, middle] > 0, 1 - p[:, middle] / e[:, middle], np.nan)
    return Gap(
        shown=np.where(known, shown, np.nan),
        p_below=np.where(known, (difference > tolerance) @ joint, np.nan),
        p_above=np.where(known, (difference < -tolerance) @ joint, np.nan),
        shortfall=np.where(known, np.maximum(units, 0) @ joint, np.nan),
        shortfall_low=np.where(known, _percentile(ordered, cumulative, 0.1), np.nan),
        shortfall_high=np.where(known, _percentile(ordered, cumulative, 0.9), np.nan),
    )


def _pairs(first: Array, second: Array) -> Array:
    """Return first - second over every pair of quantiles, shape (n, 19 * 19)."""
    return (first[:, :, None] - second[:, None, :]).reshape(len(first), first.shape[1] * second.shape[1])


def _percentile(ordered: Array, cumulative: Array, p: float) -> Array:
    at = np.argmax(cumulative >= p, axis=1)
    return np.asarray(np.take_along_axis(ordered, at[:, None], axis=1)[:, 0], dtype=np.float64)
