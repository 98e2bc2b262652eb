"""Paired comparison by whole launch weeks: titles of one week share its shocks, so weeks are drawn, not launches."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
RESAMPLES = 10_000
_CHUNK = 500


@dataclass(frozen=True)
class Interval:
    """A mean with its 95 % interval and the chance of a difference as large where there is none."""

    value: float
    low: float
    high: float
    p: float

    def __str__(self) -> str:
        return f"{self.value:.4f} [{self.low:.4f}, {self.high:.4f}]"


def drawn_means(values: Array, blocks: npt.NDArray[np.int64], seed: int = 1, resamples: int = RESAMPLES) -> Array:
    """Return the means of resamples of whole blocks; the same seed draws the same blocks (paired).

    Args:
        values: Shape (n,) or (n, k), one row per launch.
        blocks: Shape (n,), the week of each launch.
        seed: Of the draws.
        resamples: How many.

    Returns:
        Shape (resamples, k).
    """
    columns = values.reshape(len(values), -1)
    unique, code = np.unique(blocks, return_inverse=True)
    sums = np.column_stack([np.bincount(code, weights=column) for column in columns.T])
    counts = np.bincount(code).astype(np.float64)
    rng = np.random.default_rng(seed)
    means = []
    for start in range(0, resamples, _CHUNK):
        draws = rng.integers(0, len(unique), size=(min(_CHUNK, resamples - start), len(unique)))
        means.append(sums[draws].sum(axis=1) / counts[draws].sum(axis=1)[:, None])
    return np.concatenate(means)


def difference(theirs: Array, ours: Array, blocks: npt.NDArray[np.int64]) -> Interval:
    """Return how much larger their loss is: above 0 we are better."""
    values = theirs - ours
    means = drawn_means(values, blocks)[:, 0]
    low, high = np.quantile(means, [0.025, 0.975])
    tail = min((means <= 0).sum(), (means >= 0).sum())
    return Interval(float(values.mean()), float(low), float(high), min(1.0, 2 * (tail + 1) / (len(means) + 1)))


def holm(p: Sequence[float]) -> list[float]:
    """Return p-values adjusted for being many (Holm), in the order given."""
    order = np.argsort(p, kind="stable")
    adjusted, least = np.empty(len(p)), 0.0
    for rank, at in enumerate(order):
        least = max(least, min(1.0, (len(p) - rank) * p[at]))
        adjusted[at] = least
    return adjusted.tolist()
