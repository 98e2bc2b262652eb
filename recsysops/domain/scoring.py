"""How good distributions of a share were, once the outcome is known: PIT, CRPS, pinball, error of the median.

All on the transformed scale. Between two of its nineteen quantiles a distribution is read as linear; what lies beyond
the outermost ones is taken to stand on them. Not for intervals of means: see `resampling`.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from recsysops.domain.distribution import PROBABILITIES
from recsysops.domain.measure import Array, Measure, transform

_SAME: Final = 1e-9
_MIDDLE: Final = len(PROBABILITIES) // 2


@dataclass(frozen=True)
class HeldAgainst:
    """Distributions held against their outcomes; each of shape (n,)."""

    pit: Array
    """Randomised, in [0, 1]."""
    crps: Array
    pinball: Array
    absolute_error: Array
    """Of the median."""


def hold_against(
    measure: str, quantiles: npt.ArrayLike, actual: npt.ArrayLike, denominator: npt.ArrayLike, draws: npt.ArrayLike
) -> HeldAgainst:
    """Hold distributions of a share against what happened.

    Args:
        measure: A `Measure`.
        quantiles: Shape (n, 19), shares, ascending along each row.
        actual: Shape (n,), shares.
        denominator: Shape (n,), > 0: what the outcomes are shares of. Both sides are put on the transformed scale with
            it, and predicted members who interact are rounded to whole ones, as the outcome is whole.
        draws: Shape (n,), in [0, 1): spread the mass of an outcome that equals quantiles.
    """
    n = np.asarray(denominator, dtype=np.float64)
    shares = np.asarray(quantiles, dtype=np.float64)
    if Measure(measure) is Measure.UPTAKE:
        shares = np.rint(shares * n[:, None]) / n[:, None]
    predicted = transform(measure, shares, n[:, None])
    y = transform(measure, actual, n)
    return HeldAgainst(
        pit=randomised_pit(y, predicted, np.asarray(draws, dtype=np.float64)),
        crps=crps(y, predicted),
        pinball=pinball(y, predicted),
        absolute_error=np.abs(y - predicted[:, _MIDDLE]),
    )


def pinball(y: Array, quantiles: Array) -> Array:
    """Return the pinball loss of each row, the mean over nineteen quantiles (about half the CRPS).

    Args:
        y: Shape (n,).
        quantiles: Shape (n, 19).
    """
    error = y[:, None] - quantiles
    return np.asarray(np.maximum(PROBABILITIES * error, (PROBABILITIES - 1) * error).mean(axis=1), dtype=np.float64)


def crps(y: Array, quantiles: Array) -> Array:
    """Return the continuous ranked probability score of each row, exact for the distribution as it is read here.

    Args:
        y: Shape (n,).
        quantiles: Shape (n, 19), ascending along each row.

    Source:
        Gneiting & Raftery, "Strictly proper scoring rules, prediction, and estimation", JASA, 2007.
    """
    left, right = quantiles[:, :-1], quantiles[:, 1:]
    width = right - left
    share = np.clip((y[:, None] - left) / np.where(width > 0, width, 1.0), 0.0, 1.0)
    before, after = PROBABILITIES[:-1], PROBABILITIES[1:]
    at = before + share * (after - before)
    below = share * (before**2 + before * at + at**2)
    above = (1 - share) * ((1 - at) ** 2 + (1 - at) * (1 - after) + (1 - after) ** 2)
    outside = np.maximum(quantiles[:, 0] - y, 0.0) + np.maximum(y - quantiles[:, -1], 0.0)
    return np.asarray((width * (below + above) / 3).sum(axis=1) + outside, dtype=np.float64)


def randomised_pit(y: Array, quantiles: Array, draws: Array) -> Array:
    """Return the randomised probability integral transform: uniform for honest distributions, discrete ones too.

    Where the outcome equals quantiles, the mass there is spread by `draws`; its ends lie half a step outside the
    quantiles that are equal. Beyond the outermost quantile it is 0 or 1.

    Args:
        y: Shape (n,).
        quantiles: Shape (n, 19), ascending along each row.
        draws: Shape (n,), in [0, 1).
    """
    step = PROBABILITIES[0] / 2
    below, upto = quantiles < y[:, None] - _SAME, quantiles <= y[:, None] + _SAME
    n_below, n_upto = below.sum(axis=1), upto.sum(axis=1)
    edges = np.concatenate([[step], PROBABILITIES + step])
    # Nothing lies below a count of zero, which is zero on the transformed scale too.
    low, high = np.where((n_below == 0) & (np.abs(y) <= _SAME), 0.0, edges[n_below]), edges[n_upto]
    tied = n_upto > n_below
    return np.where(tied, low + draws * (high - low), _linear(y, quantiles, n_below))


def draws_of(keys: Iterable[str]) -> Array:
    """Return a number in [0, 1) for each key, always the same for the same key."""
    digests = (hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).digest() for key in keys)
    return np.array([int.from_bytes(digest, "big") >> 11 for digest in digests], dtype=np.float64) / 2.0**53


def _linear(y: Array, quantiles: Array, n_below: npt.NDArray[np.int64]) -> Array:
    last = quantiles.shape[1] - 1
    left, right = np.clip(n_below - 1, 0, last), np.clip(n_below, 0, last)
    at = np.arange(len(y))
    a, b = quantiles[at, left], quantiles[at, right]
    part = np.where(b > a, (y - a) / np.where(b > a, b - a, 1.0), 0.0)
    inside = PROBABILITIES[left] + part * (PROBABILITIES[right] - PROBABILITIES[left])
    return np.where(n_below == 0, 0.0, np.where(n_below > last, 1.0, inside))
