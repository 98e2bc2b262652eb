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
from recsysops.model._parallel import each
from recsysops.model._past import Past, Rows

_CHUNK: Final = 400_000
"""Similarities judged at once: so few stay in the processor's cache."""
_THREADED: Final = 20_000_000
"""With fewer similarities one thread does all."""
_SETS: Final = 20
"""Values from which one stands for all when the largest are sought."""
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

    def nearest(
        self, rows: Rows, vectors: Floats, k: int, parts: Sequence[Part] = (), threads: int = 1
    ) -> list[Neighbours]:
        """Find the `k` nearest earlier titles of every row, among those known at its cut and other than itself.

        Args:
            rows: The cells asked for.
            vectors: Shape (n rows, d).
            k: How many.
            parts: What to leave out of the comparison, one after the other.
            threads: How many to use where there is much to do.

        Returns:
            The nearest by everything, then those by everything but each part.
        """
        shape = (len(rows), k)
        found = [Neighbours(np.full(shape, -1, dtype=np.int64), np.full(shape, np.nan)) for _ in (None, *parts)]
        code = self.titles.get_indexer(pd.Index(rows.title, dtype=object)).astype(np.int64)
        tasks = [
            (at, self.pools[place], _Seen(end, code[at]))
            for place in sorted(set(rows.place) & set(self.pools))
            for at, end in self._together(rows, place)
        ]

        def find(task: tuple[Ints, _Pool, _Seen]) -> None:
            _find(found, task[0], vectors[task[0]], *task[1:], parts)

        n_similarities = sum(len(at) * min(len(pool.place), _LATEST) for at, pool, _ in tasks)
        each(find, tasks, threads if n_similarities >= _THREADED else 1)  # each fills rows of its own
        return found

    def _together(self, rows: Rows, place: str) -> list[tuple[Ints, Ints]]:
        """Return rows of a place that are judged together, and how many outcomes of its pool each could know."""
        own, pool = np.flatnonzero(rows.place == place), self.pools[place]
        # Rows of about the same cut see about the same outcomes: one stretch of the pool serves them all.
        end = np.searchsorted(pool.known, rows.cut[own], side="right")
        order = np.argsort(end, kind="stable")
        n_parts = len(own) * min(len(pool.place), _LATEST) // _CHUNK + 1
        return [(own[part], end[part]) for part in np.array_split(order, n_parts)]


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
    own = [vectors[:, part.begin : part.end] @ pool.vectors[stretch, part.begin : part.end].T for part in parts]
    rest = np.ones(vectors.shape[1], dtype=np.bool_)
    for part in parts:
        rest[part.begin : part.end] = False
    similarity = vectors[:, rest] @ pool.vectors[stretch][:, rest].T
    for product in own:
        similarity += product
    _fill(found[0], at, pool.place[stretch], similarity * _STEPS, hidden)
    for part, product, near in zip(parts, own, found[1:], strict=True):
        without = np.subtract(similarity, product, out=product)
        without *= _STEPS / part.rest
        _fill(near, at, pool.place[stretch], without, hidden)


def _hidden(seen: _Seen, begin: int, titles: Ints) -> npt.NDArray[np.bool_] | None:
    """Return what each row must not choose, shape (n rows, n of the stretch); None where everyone may choose all."""
    own = np.isin(seen.title, titles).any()
    n, last = begin + len(titles), int(seen.end[-1])
    if not own and seen.end[0] == last == n and n - begin <= _LATEST:
        return None
    place = np.arange(begin, n)[None, :]
    hidden = (place >= seen.end[:, None]) | (place < seen.end[:, None] - _LATEST)
    return np.asarray(hidden | (titles[None, :] == seen.title[:, None]) if own else hidden, dtype=np.bool_)


def _fill(near: Neighbours, at: Ints, pool: Ints, steps: Floats, hidden: npt.NDArray[np.bool_] | None) -> None:
    """Write the nearest of a stretch of the pool into rows `at`; of `steps`, their similarities, nothing is left."""
    n = len(pool)
    k = min(near.place.shape[1], n)
    # Whole numbers rank: of titles that are equally alike, the one whose outcome was known later is nearer.
    kind = np.int32 if n * _STEPS * 1.1 < np.iinfo(np.int32).max else np.int64
    ranked: npt.NDArray[Any] = np.rint(steps, out=steps).astype(kind)
    ranked *= kind(n)
    ranked += np.arange(n, dtype=kind)
    if hidden is not None:
        ranked[hidden] = np.iinfo(kind).min
    best = largest(ranked, k)
    fine = best > np.iinfo(kind).min
    step, place = np.divmod(best, kind(n))
    near.place[at, :k] = np.where(fine, pool[place], -1)
    near.distance[at, :k] = np.where(fine, np.clip(1.0 - step / _STEPS, 0.0, 1.0), np.nan)


def largest(values: npt.NDArray[Any], k: int) -> npt.NDArray[Any]:
    """Return the `k` largest whole numbers of each row, largest first; the smallest of their type is none.

    Each row is dealt into sets. The largest of a set is one of its row, so that at least `k` numbers of a row are no
    smaller than the k-th largest of these: only such numbers are sorted.

    Args:
        values: Shape (n rows, n), no number twice in a row but the smallest of their type.
        k: At most n.
    """
    n_rows, n = values.shape
    nothing, n_sets = np.iinfo(values.dtype).min, n // _SETS
    if n_sets < 2 * k:
        return np.sort(values, axis=1)[:, : n - k - 1 if k < n else None : -1]
    tops = values[:, :n_sets].copy()
    for begin in range(n_sets, n, n_sets):
        dealt = values[:, begin : begin + n_sets]
        np.maximum(tops[:, : dealt.shape[1]], dealt, out=tops[:, : dealt.shape[1]])
    least = np.partition(tops, n_sets - k, axis=1)[:, n_sets - k]
    hits = np.flatnonzero(values >= np.maximum(least, nothing + 1)[:, None])
    row = hits // n
    count = np.bincount(row, minlength=n_rows)
    chosen = np.full((n_rows, max(int(count.max(initial=0)), k)), nothing, dtype=values.dtype)
    chosen[row, np.arange(len(hits)) - (np.cumsum(count) - count)[row]] = values.ravel()[hits]
    chosen.sort(axis=1)
    return chosen[:, : -k - 1 : -1]
