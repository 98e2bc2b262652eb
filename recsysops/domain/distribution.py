"""Distributions of a share, as nineteen quantiles, and the expectation read as a two-piece normal.

Rows are cases, columns the quantiles `PROBABILITIES`. Not for fitting: see `recsysops.model`.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from recsysops.domain.measure import Array, inverse, transform

PROBABILITIES: Final = np.round(np.arange(0.05, 0.96, 0.05), 2)
"""Shape (19,)."""

EXPECTATION_WIDENING: Final = 1.29
"""Human 80 % intervals hit 68 % of the time (Speirs-Bridge et al., 2010): their scale is widened by this."""


def normal_quantile(p: npt.ArrayLike) -> Array:
    """Return the standard normal quantile of probabilities in (0, 1)."""
    from scipy.special import ndtri

    return np.asarray(ndtri(np.asarray(p, dtype=np.float64)), dtype=np.float64)


def two_piece_normal(
    low: npt.ArrayLike,
    best: npt.ArrayLike,
    high: npt.ArrayLike,
    confidence: npt.ArrayLike,
    *,
    widening: float = 1.0,
) -> Array:
    """Return the quantiles of two-piece normals on the scale the arguments are on.

    The mode is `best`; the pieces' scales are proportional to `best - low` and `high - best` and such that
    [low, high] holds `confidence` of the mass before widening.

    Args:
        low: Shape (n,), <= best.
        best: Shape (n,).
        high: Shape (n,), >= best.
        confidence: Shape (n,), in (0, 1): probability that the truth lies between low and high.
        widening: Factor on both scales.

    Returns:
        Shape (n, 19), ascending along each row; missing where any argument is missing.

    Source:
        Wallis, "The two-piece normal, binormal, or double Gaussian distribution", Statistical Science, 2014.
    """
    mode = np.atleast_1d(np.asarray(best, dtype=np.float64))
    left = np.maximum(mode - np.asarray(low, dtype=np.float64), 1e-9)
    right = np.maximum(np.asarray(high, dtype=np.float64) - mode, 1e-9)
    # With sigma = (k * left, k * right), each piece holds a mass of sigma / (sum of sigmas), and the part of a piece
    # inside its bound is 2 * Phi(1 / k) - 1 of it, for both: so k follows from the confidence alone.
    k = widening / normal_quantile((1 + np.asarray(confidence, dtype=np.float64)) / 2)
    below = (left / (left + right))[:, None]
    p = PROBABILITIES[None, :]
    z = np.where(
        p <= below,
        normal_quantile(np.clip(p / (2 * below), 1e-12, 1 - 1e-12)),
        normal_quantile(np.clip(1 - (1 - p) / (2 * (1 - below)), 1e-12, 1 - 1e-12)),
    )
    scale = np.where(p <= below, left[:, None], right[:, None])
    return mode[:, None] + np.atleast_1d(k)[:, None] * scale * z


def expectation_quantiles(
    measure: str, shares: npt.ArrayLike, confidence: npt.ArrayLike, denominator: npt.ArrayLike,
    *, widening: float = EXPECTATION_WIDENING,
) -> Array:  # fmt: skip
    """Read plans as distributions of a share.

    Args:
        measure: A `Measure`.
        shares: Shape (n, 3): low, best, high, as shares.
        confidence: Shape (n,), in (0, 1).
        denominator: Shape (n,), what the shares are of.
        widening: Factor on the scale of each plan.

    Returns:
        Shape (n, 19), shares.
    """
    n = np.asarray(denominator, dtype=np.float64)
    y = transform(measure, np.asarray(shares, dtype=np.float64), n[:, None])
    quantiles = two_piece_normal(y[:, 0], y[:, 1], y[:, 2], confidence, widening=widening)
    return inverse(measure, quantiles, n[:, None])
