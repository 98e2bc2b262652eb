"""Comparable titles: the nearest earlier titles of the same market and surface whose outcome was known at the cut.

Titles are compared as the recommender treated them: with their metadata as known one day before their own launch.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from recsysops.model._asof import Floats, Ints
from recsysops.model._past import Past, Rows

_CHUNK: Final = 4_000_000
_SOFTENING: Final = 0.1
"""Added to a distance before it is turned into a weight, so that one twin does not outweigh all others."""


@dataclass(frozen=True)
class Neighbours:
    """Nearest earlier titles of each row, nearest first."""

    place: Ints
    """Shape (n rows, k): positions in the past, -1 where there is none."""
    distance: Floats
    """Shape (n rows, k): 1 - similarity, in [0, 1]; missing where there is none."""

    @property
    def weights(self) -> Floats:
        """Shape (n rows, k): larger for nearer titles, 0 where there is none."""
        return np.where(self.place >= 0, 1.0 / (_SOFTENING + np.nan_to_num(self.distance)), 0.0)


def nearest(rows: Rows, vectors: Floats, past: Past, past_vectors: Floats, k: int) -> Neighbours:
    """Find the `k` nearest earlier titles of every row.

    Args:
        rows: The cells asked for.
        vectors: Shape (n rows, d); the inner product of two vectors is their similarity.
        past: Titles to choose from, of which each row sees those known at its cut and other than itself.
        past_vectors: Shape (n past, d).
        k: How many.
    """
    at = np.full((len(rows), k), -1, dtype=np.int64)
    distance = np.full((len(rows), k), np.nan)
    for market, surface in sorted(set(zip(rows.market, rows.surface, strict=True))):
        own = np.flatnonzero((rows.market == market) & (rows.surface == surface))
        pool = np.flatnonzero((past.market == market) & (past.surface == surface))
        if not len(pool):
            continue
        pool_vectors = past_vectors[pool].astype(np.float32)
        for part in np.array_split(own, len(own) * len(pool) // _CHUNK + 1):
            similarity = vectors[part].astype(np.float32) @ pool_vectors.T
            _fill(at, distance, part, pool, _masked(similarity, rows.take(part), past, pool))
    return Neighbours(at, distance)


def _masked(similarity: npt.NDArray[np.float32], rows: Rows, past: Past, pool: Ints) -> Floats:
    # Rounded, so that the last bits of a matrix product never decide; of equals, the later launch is taken.
    ranked = np.round(similarity.astype(np.float64), 5) + 1e-9 * np.arange(len(pool)) / len(pool)
    hidden = (past.known[pool][None, :] > rows.cut[:, None]) | (past.title[pool][None, :] == rows.title[:, None])
    return np.where(hidden, -np.inf, ranked)


def _fill(at: Ints, distance: Floats, part: Ints, pool: Ints, ranked: Floats) -> None:
    k = min(at.shape[1], len(pool))
    best = np.argpartition(-ranked, k - 1, axis=1)[:, :k]
    values = np.take_along_axis(ranked, best, axis=1)
    order = np.argsort(-values, axis=1, kind="stable")
    best, values = np.take_along_axis(best, order, axis=1), np.take_along_axis(values, order, axis=1)
    seen = np.isfinite(values)
    at[part, :k] = np.where(seen, pool[best], -1)
    distance[part, :k] = np.where(seen, np.clip(1.0 - values, 0.0, 1.0), np.nan)
