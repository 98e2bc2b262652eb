"""Comparable titles: the nearest earlier titles of the same market and surface whose outcome was known at the cut.

Titles are compared as the recommender treated them: with their metadata as known one day before their own launch.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

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


@dataclass(frozen=True)
class _Pool:
    """The past of one market and surface."""

    place: Ints
    """Positions in the past."""
    vectors: npt.NDArray[np.float32]
    """Shape (d, n)."""
    known: Ints
    title: Ints
    """Number of each title among those of the past."""


@dataclass(frozen=True)
class Pools:
    """A past to choose comparable titles from, by market and surface; made ready once, asked often."""

    pools: Mapping[str, _Pool]
    titles: "pd.Index[str]"

    @classmethod
    def of(cls, past: Past, vectors: Floats) -> "Pools":
        """Index a past.

        Args:
            past: Titles to choose from.
            vectors: Shape (n past, d); the inner product of two vectors is their similarity.
        """
        titles, codes = past.titles
        place = pd.Series(past.place)
        pools = {
            str(name): _Pool(at, np.ascontiguousarray(vectors[at].astype(np.float32).T), past.known[at], codes[at])
            for name, at in ((name, np.asarray(at)) for name, at in place.groupby(place).indices.items())
        }
        return cls(pools, titles)

    def nearest(self, rows: Rows, vectors: Floats, k: int) -> Neighbours:
        """Find the `k` nearest earlier titles of every row, among those known at its cut and other than itself.

        Args:
            rows: The cells asked for.
            vectors: Shape (n rows, d).
            k: How many.
        """
        at = np.full((len(rows), k), -1, dtype=np.int64)
        distance = np.full((len(rows), k), np.nan)
        code = self.titles.get_indexer(pd.Index(rows.title, dtype=object)).astype(np.int64)
        for place in sorted(set(rows.place) & set(self.pools)):
            own, pool = np.flatnonzero(rows.place == place), self.pools[place]
            for part in np.array_split(own, len(own) * len(pool.place) // _CHUNK + 1):
                similarity = vectors[part].astype(np.float32) @ pool.vectors
                _fill(at, distance, part, pool.place, _masked(similarity, rows.cut[part], code[part], pool))
        return Neighbours(at, distance)


def nearest(rows: Rows, vectors: Floats, past: Past, past_vectors: Floats, k: int) -> Neighbours:
    """Find the `k` nearest earlier titles of every row; see `Pools`."""
    return Pools.of(past, past_vectors).nearest(rows, vectors, k)


def _masked(similarity: npt.NDArray[np.float32], cut: Ints, title: Ints, pool: _Pool) -> Floats:
    # Rounded, so that the last bits of a matrix product hardly ever decide; of equals, the later launch is taken.
    n = len(pool.place)
    ranked = np.round(similarity.astype(np.float64), 5) + 1e-9 * np.arange(n) / n
    hidden = (pool.known[None, :] > cut[:, None]) | (pool.title[None, :] == title[:, None])
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
