"""The baseline: outcomes of comparable titles as a distribution, and a forecast of what a share is of."""

from typing import Final

import numpy as np
import pandas as pd

from recsysops.domain.distribution import PROBABILITIES
from recsysops.model._asof import Floats, Ints
from recsysops.model._history import CellIndex
from recsysops.model._neighbours import Neighbours
from recsysops.model._past import Past, Rows

HANDFUL: Final = 5
"""Comparable titles below which there is no baseline."""
_GROUP_TITLES: Final = 300
_GROUP_WEIGHT: Final = 5.0
"""Comparable titles' worth of weight on all recent titles of the market and surface."""
_CHUNK: Final = 4_000
"""Rows judged at once."""
_AT_ONCE: Final = 500
"""The same, where they share a group: so few stay in the processor's cache."""
_MANY: Final = 100
"""Rows of one group from which it is sorted once for all of them."""
_WINDOWS: Final = 20
"""Past windows behind the forecast of a denominator."""


def comparable_quantiles(rows: Rows, neighbours: Neighbours, past: Past, cells: CellIndex) -> Floats:
    """Return weighted quantiles of the comparable titles' outcomes, shrunken to those of their market and surface.

    Returns:
        Shape (n rows, 19) on the transformed scale, ascending; missing where there is less than a handful of titles.
    """
    result = np.full((len(rows), len(PROBABILITIES)), np.nan)
    enough = np.flatnonzero((neighbours.place >= 0).sum(axis=1) >= HANDFUL)
    for at, recent in _alike(rows, neighbours, past, cells):
        for part in np.array_split(at, len(at) // _AT_ONCE + 1):
            near = Neighbours(neighbours.place[part], neighbours.distance[part])
            result[part] = _quantiles(*_merged(near, past.y, recent))
        enough = np.setdiff1d(enough, at)
    for at in np.array_split(enough, len(enough) // _CHUNK + 1):
        near = Neighbours(neighbours.place[at], neighbours.distance[at])
        values, weights = _weighed(rows.take(at), near, past, cells)
        result[at] = smooth_quantiles(values, weights)
    return result


def _alike(rows: Rows, near: Neighbours, past: Past, cells: CellIndex) -> list[tuple[Ints, Floats]]:
    """Return many rows that share a group of recent titles, none of them in it, and the group's outcomes, ascending."""
    if len(rows) < _MANY or near.place.shape[1] < HANDFUL:
        return []
    begin, end = cells.latest_span(rows, _GROUP_TITLES)
    groups, of, count = np.unique(begin * (len(past) + 1) + end, return_inverse=True, return_counts=True)
    titles, codes = past.titles
    code = titles.get_indexer(pd.Index(rows.title, dtype=object))
    full, found = (near.place >= 0).all(axis=1), []
    for number in np.flatnonzero(count >= _MANY):
        group = cells.index.order[slice(*divmod(int(groups[number]), len(past) + 1))]
        at = np.flatnonzero((of == number) & full & ~np.isin(code, codes[group]))
        if len(group) and len(at):
            found.append((at.astype(np.int64), np.sort(past.y[group])))
    return found


def _merged(near: Neighbours, y: Floats, recent: Floats) -> tuple[Floats, Floats]:
    """Return what `_weighed` does, values ascending along each row, of rows that share one recent group."""
    order = np.argsort(y[near.place], axis=1, kind="stable")
    own = np.take_along_axis(y[near.place], order, axis=1)
    weights = near.weights
    weights = np.take_along_axis(weights * (weights.shape[1] / weights.sum(axis=1))[:, None], order, axis=1)
    # Of equal values the comparable titles' come first, as in `_weighed`.
    place = np.searchsorted(recent, own, "left") + np.arange(own.shape[1])
    is_own = np.zeros((len(own), own.shape[1] + len(recent)), dtype=np.bool_)
    np.put_along_axis(is_own, place, values=True, axis=1)
    value, weight = np.empty(is_own.shape), np.full(is_own.shape, _GROUP_WEIGHT / len(recent))
    value[~is_own] = np.broadcast_to(recent, (len(own), len(recent))).ravel()
    value[is_own], weight[is_own] = own.ravel(), weights.ravel()
    return value, weight


def _weighed(rows: Rows, near: Neighbours, past: Past, cells: CellIndex) -> tuple[Floats, Floats]:
    """Return outcomes and weights, shape (n rows, k + group): comparable titles first, then the recent group."""
    seen, weights = near.place >= 0, near.weights
    own = weights * (seen.sum(axis=1) / weights.sum(axis=1))[:, None]
    recent = cells.latest_places(rows, _GROUP_TITLES)
    titles, codes = past.titles
    code = titles.get_indexer(pd.Index(rows.title, dtype=object))
    in_group = (recent >= 0) & (codes[recent] != code[:, None])
    share = _GROUP_WEIGHT / np.maximum(in_group.sum(axis=1), 1)
    outcomes = np.concatenate([past.y[near.place], past.y[recent]], axis=1)
    return outcomes, np.concatenate([own, np.where(in_group, share[:, None], 0.0)], axis=1)


def smooth_quantiles(values: Floats, weights: Floats) -> Floats:
    """Return the nineteen quantiles of weighted values, linear between the middles of their steps.

    Args:
        values: Shape (n cases, m).
        weights: Shape (n cases, m), some of each case above 0; a value that weighs nothing does not count.

    Returns:
        Shape (n cases, 19), ascending.
    """
    counts = weights > 0
    order = np.argsort(np.where(counts, values, np.inf), axis=1, kind="stable")
    largest = np.where(counts, values, -np.inf).max(axis=1, keepdims=True)
    # What weighs nothing comes last and repeats the largest value: beyond the last step the line stays level.
    value = np.take_along_axis(np.where(counts, values, largest), order, axis=1)
    return _quantiles(value, np.take_along_axis(weights, order, axis=1))


def _quantiles(value: Floats, weight: Floats) -> Floats:
    """Do the work of `smooth_quantiles` for values that ascend along each row."""
    mass = np.cumsum(weight, axis=1)
    middle = (mass - weight / 2) / mass[:, -1:]
    last, shape = value.shape[1] - 1, (len(value), len(PROBABILITIES))
    place = np.array([row.searchsorted(PROBABILITIES, "right") for row in middle], dtype=np.int64).reshape(shape)
    left, right = np.maximum(place - 1, 0), np.minimum(place, last)
    from_at, from_value = np.take_along_axis(middle, left, axis=1), np.take_along_axis(value, left, axis=1)
    step = np.take_along_axis(middle, right, axis=1) - from_at
    rise = np.take_along_axis(value, right, axis=1) - from_value
    slope = np.where(step > 0, rise, 0.0) / np.where(step > 0, step, 1.0)
    return np.asarray(slope * np.maximum(PROBABILITIES - from_at, 0.0) + from_value, dtype=np.float64)


def forecast_denominator(rows: Rows, past: Past, cells: CellIndex) -> Floats:
    """Return the median denominator of the latest windows known at the cut in each row's cell."""
    recent = cells.latest_places(rows, _WINDOWS)
    unique, inverse = np.unique(recent, axis=0, return_inverse=True)
    medians = [np.median(past.denominator[at[at >= 0]]) if (at >= 0).any() else np.nan for at in unique]
    return np.asarray(medians, dtype=np.float64)[inverse.ravel()]
