"""What earlier titles tell: levels of a market and surface, and histories of people, providers and franchises.

Every number rests on outcomes known at the row's cut; a mean over few titles is shrunk towards its cell's level.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from recsysops.model._asof import AsOfIndex, Floats, Ints
from recsysops.model._past import Past, Rows

_RECENT: Final = 300
"""Outcomes behind the level of a cell: the latest ones."""
_STEPS: Final = 2.0**32
"""Steps of an outcome in one unit of the transformed scale."""
_PRIOR: Final = 3.0
"""Titles' worth of weight on the cell's level in a shrunken mean."""


@dataclass(frozen=True)
class CellIndex:
    """The past by market and surface, ordered by when it was known."""

    cells: "pd.Index[str]"
    """Market and surface as one text."""
    index: AsOfIndex
    known: Ints

    @classmethod
    def of(cls, past: Past) -> "CellIndex":
        """Index the past."""
        cells = past.place.unique()
        groups = cells.get_indexer(past.place).astype(np.int64)
        return cls(cells, AsOfIndex.of(groups, past.known, len(cells)), past.known)

    def cell_of(self, rows: Rows | Past) -> Ints:
        """Return the number of each row's cell, -1 where it has no past."""
        return self.cells.get_indexer(rows.place).astype(np.int64)

    def level(self, rows: Rows, y: Floats) -> Floats:
        """Return the mean of the latest outcomes of each row's cell; missing where nothing was known."""
        begin, end = self.index.span(self.cell_of(rows), rows.cut)
        begin = np.maximum(begin, end - _RECENT)
        total = _running(y[self.index.order])
        n = (end - begin).astype(np.float64)
        return np.where(n > 0, _sum(total, begin, end) / np.maximum(n, 1), np.nan)

    def counts(self, rows: Rows) -> Floats:
        """Return how many outcomes of each row's cell were known."""
        begin, end = self.index.span(self.cell_of(rows), rows.cut)
        return (end - begin).astype(np.float64)

    def latest_places(self, rows: Rows, count: int) -> Ints:
        """Return the positions in the past of the latest known outcomes of each row's cell, oldest first.

        Returns:
            Shape (n rows, count), -1 first where there are fewer.
        """
        begin, end = self.latest_span(rows, count)
        place = end[:, None] + np.arange(-count, 0)[None, :]
        known = place >= begin[:, None]
        order = self.index.order if len(self.index.order) else np.full(1, -1, dtype=np.int64)
        return np.where(known, order[np.where(known, place, 0)], -1)

    def latest_span(self, rows: Rows, count: int) -> tuple[Ints, Ints]:
        """Return where in the order of the index the latest known outcomes of each row's cell begin and end."""
        begin, end = self.index.span(self.cell_of(rows), rows.cut)
        return np.maximum(begin, end - count), end

    def latest(self, rows: Rows, count: int) -> list[Ints]:
        """Return, per row, the positions in the past of the latest known outcomes of its cell."""
        return [self.index.order[b:e] for b, e in zip(*self.latest_span(rows, count), strict=True)]


@dataclass(frozen=True)
class Values:
    """The values of one field in n rows, one entry per row and value."""

    owner: Ints
    """Row of each entry."""
    text: "pd.Index[str]"
    n_rows: int

    @classmethod
    def of(cls, lists: Sequence[Sequence[str]]) -> "Values":
        """Spread lists of values, one list per row."""
        counts = np.array([len(items) for items in lists], dtype=np.int64)
        owner = np.repeat(np.arange(len(lists), dtype=np.int64), counts)
        return cls(owner, pd.Index([text for items in lists for text in items], dtype=object), len(lists))


class ValueHistory:
    """Earlier outcomes of titles that share a value of one field, in the same market and surface."""

    def __init__(self, past: Past, values: Values, cells: CellIndex) -> None:
        """Index the past by value; `values` are those of each past title."""
        self._n_cells = max(len(cells.cells), 1)
        self._known_values = values.text.unique()
        groups = _places(self._known_values, values) * self._n_cells + cells.cell_of(past)[values.owner]
        self._index = AsOfIndex.of(groups, past.known[values.owner], len(self._known_values) * self._n_cells)
        self._owner = values.owner[self._index.order]
        self._cells = cells

    def means(self, rows: Rows, values: Values, above: Floats) -> tuple[Floats, Floats, Floats]:
        """Return mean and maximum of the values' shrunken means, and the number of titles behind them.

        All are missing where no value of a row has a history.

        Args:
            rows: What is asked about.
            values: Their values.
            above: Outcomes of the past as deviations from what was usual then; a mean over few is shrunk towards 0.
        """
        owner = values.owner
        cell = self._cells.cell_of(rows)[owner]
        code = _places(self._known_values, values)
        groups = np.where((code >= 0) & (cell >= 0), code * self._n_cells + cell, -1).astype(np.int64)
        begin, end = self._index.span(groups, rows.cut[owner])
        n = (end - begin).astype(np.float64)
        deviation = _sum(_running(above[self._owner]), begin, end) / (n + _PRIOR)
        return _gathered(owner[n > 0], deviation[n > 0], n[n > 0], len(rows))


class EarlierTitles:
    """How many titles with a value had launched before, anywhere: fame, as far as no outcome is needed for it."""

    def __init__(self, values: Values, launched: Ints) -> None:
        """Index titles by the values they had when they `launched`."""
        self._known_values = values.text.unique()
        groups = _places(self._known_values, values)
        self._index = AsOfIndex.of(groups, launched[values.owner], len(self._known_values))

    def counts(self, rows: Rows, values: Values) -> tuple[Floats, Floats]:
        """Return mean and maximum, over each row's values, of the titles launched by its cut; missing without."""
        begin, end = self._index.span(_places(self._known_values, values), rows.cut[values.owner])
        mean, most, _ = _gathered(values.owner, (end - begin).astype(np.float64), np.ones(len(values.owner)), len(rows))
        return mean, most


def _running(y: Floats) -> Ints:
    # In whole steps, sums over some entries are exact: what stands before or after them, even later outcomes, cannot
    # reach the last bits.
    return np.concatenate([[0], np.cumsum(np.rint(y * _STEPS).astype(np.int64))])


def _sum(running: Ints, begin: Ints, end: Ints) -> Floats:
    return (running[end] - running[begin]) / _STEPS


def _places(index: "pd.Index[str]", values: Values) -> Ints:
    return index.get_indexer(values.text).astype(np.int64)


def _gathered(owner: Ints, deviation: Floats, n: Floats, n_rows: int) -> tuple[Floats, Floats, Floats]:
    count = np.bincount(owner, minlength=n_rows).astype(np.float64)
    some = count > 0
    mean = np.bincount(owner, weights=deviation, minlength=n_rows) / np.maximum(count, 1)
    most = np.full(n_rows, -np.inf)
    np.maximum.at(most, owner, deviation)
    titles = np.bincount(owner, weights=n, minlength=n_rows)
    nothing = np.full(n_rows, np.nan)
    return np.where(some, mean, nothing), np.where(some, most, nothing), np.where(some, titles, nothing)
