"""Comparable titles: the nearest earlier titles of the same market and surface whose outcome was known at the cut.

Titles are compared as the recommender treated them: with their metadata as known one day before their own launch.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsysops.model._asof import Floats, Ints
from recsysops.model._past import Past, Rows

_CHUNK: Final = 4_000_000
_LATEST: Final = 3_000
"""Comparable titles are sought among so many outcomes of a market and surface, those known last at the cut."""
_SOFTENING: Final = 0.1
"""Added to a distance before it is turned into a weight, so that one twin does not outweigh all others."""
_STEPS: Final = 100_000
"""Steps of a similarity: finer differences are the last bits of a matrix product, which must not decide."""


@dataclass(frozen=True)
class Part:
    """A part of the vectors that may be left out of a comparison, such as one metadata field."""

    name: str
    begin: int
    end: int
    """Its columns in the vectors."""
    rest: float
    """Share of the weight that the other columns have, > 0."""


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
    """The past of one market and surface, in the order in which it became known."""

    place: Ints
    """Positions in the past."""
    vectors: Floats
    """Shape (n, d)."""
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
        pools: dict[str, _Pool] = {}
        for name, found in pd.Series(past.place).groupby(past.place).indices.items():
            at = np.asarray(found)[np.argsort(past.known[found], kind="stable")]
            pools[str(name)] = _Pool(at, vectors[at], past.known[at], codes[at])
        return cls(pools, titles)

    def nearest(self, rows: Rows, vectors: Floats, k: int, parts: Sequence[Part] = ()) -> list[Neighbours]:
        """Find the `k` nearest earlier titles of every row, among those known at its cut and other than itself.

        Args:
            rows: The cells asked for.
            vectors: Shape (n rows, d).
            k: How many.
            parts: What to leave out of the comparison, one after the other.

        Returns:
            The nearest by everything, then those by everything but each part.
        """
        shape = (len(rows), k)
        found = [Neighbours(np.full(shape, -1, dtype=np.int64), np.full(shape, np.nan)) for _ in (None, *parts)]
        code = self.titles.get_indexer(pd.Index(rows.title, dtype=object)).astype(np.int64)
        own_vectors = vectors
        for place in sorted(set(rows.place) & set(self.pools)):
            own, pool = np.flatnonzero(rows.place == place), self.pools[place]
            # Rows of about the same cut see about the same outcomes: one stretch of the pool serves them all.
            end = np.searchsorted(pool.known, rows.cut[own], side="right")
            order = np.argsort(end, kind="stable")
            width = min(len(pool.place), _LATEST)
            for part in np.array_split(order, len(own) * width // _CHUNK + 1):
                at = own[part]
                _find(found, at, own_vectors[at], pool, _Seen(end[part], code[at]), parts)
        return found


@dataclass(frozen=True)
class _Seen:
    """What each of n rows may choose from."""

    end: Ints
    """How many outcomes of the pool were known, ascending."""
    title: Ints
    """Its own title, which is not chosen; -1 where it is none of the past."""


def nearest(rows: Rows, vectors: Floats, past: Past, past_vectors: Floats, k: int) -> Neighbours:
    """Find the `k` nearest earlier titles of every row; see `Pools`."""
    return Pools.of(past, past_vectors).nearest(rows, vectors, k)[0]


def _find(
    found: Sequence[Neighbours], at: Ints, vectors: Floats, pool: _Pool, seen: _Seen,
    parts: Sequence[Part],
) -> None:  # fmt: skip
    begin, end = max(0, int(seen.end[0]) - _LATEST), int(seen.end[-1])
    stretch = slice(begin, end)
    if begin == end:
        return
    hidden = _hidden(seen, begin, pool.title[stretch])
    similarity = vectors @ pool.vectors[stretch].T
    _fill(found[0], at, pool.place[stretch], similarity, hidden)
    for part, near in zip(parts, found[1:], strict=True):
        columns = slice(part.begin, part.end)
        without = similarity - vectors[:, columns] @ pool.vectors[stretch, columns].T
        _fill(near, at, pool.place[stretch], without / part.rest, hidden)


def _hidden(seen: _Seen, begin: int, titles: Ints) -> npt.NDArray[np.bool_] | None:
    """Return what each row must not choose, shape (n rows, n of the stretch); None where everyone may choose all."""
    own = np.isin(seen.title, titles).any()
    n, last = begin + len(titles), int(seen.end[-1])
    if not own and seen.end[0] == last == n and n - begin <= _LATEST:
        return None
    place = np.arange(begin, n)[None, :]
    hidden = (place >= seen.end[:, None]) | (place < seen.end[:, None] - _LATEST)
    return np.asarray(hidden | (titles[None, :] == seen.title[:, None]) if own else hidden, dtype=np.bool_)


def _fill(near: Neighbours, at: Ints, pool: Ints, similarity: Floats, hidden: npt.NDArray[np.bool_] | None) -> None:
    n = len(pool)
    k = min(near.place.shape[1], n)
    # Whole numbers rank: of titles that are equally alike, the one whose outcome was known later is nearer.
    kind = np.int32 if n * _STEPS * 1.1 < np.iinfo(np.int32).max else np.int64
    step: npt.NDArray[Any] = np.rint(similarity * _STEPS).astype(kind)
    later: npt.NDArray[Any] = np.arange(n, dtype=kind)
    ranked = step * kind(-n) - later
    if hidden is not None:
        ranked[hidden] = np.iinfo(kind).max
    best = np.argpartition(ranked, k - 1, axis=1)[:, :k]
    values = np.take_along_axis(ranked, best, axis=1)
    order = np.argsort(values, axis=1, kind="stable")
    best, values = np.take_along_axis(best, order, axis=1), np.take_along_axis(values, order, axis=1)
    fine = values < np.iinfo(kind).max
    distance = 1.0 - np.take_along_axis(step, best, axis=1) / _STEPS
    near.place[at, :k] = np.where(fine, pool[best], -1)
    near.distance[at, :k] = np.where(fine, np.clip(distance, 0.0, 1.0), np.nan)
