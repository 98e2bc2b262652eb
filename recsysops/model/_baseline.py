"""The baseline: outcomes of comparable titles as a distribution, and a forecast of what a share is of."""

from typing import Final

import numpy as np

from recsysops.domain.distribution import PROBABILITIES
from recsysops.model._asof import Floats
from recsysops.model._history import CellIndex
from recsysops.model._neighbours import Neighbours
from recsysops.model._past import Past, Rows

HANDFUL: Final = 5
"""Comparable titles below which there is no baseline."""
_GROUP_TITLES: Final = 300
_GROUP_WEIGHT: Final = 5.0
"""Comparable titles' worth of weight on all recent titles of the market and surface."""
_WINDOWS: Final = 20
"""Past windows behind the forecast of a denominator."""


def comparable_quantiles(rows: Rows, neighbours: Neighbours, past: Past, cells: CellIndex) -> Floats:
    """Return weighted quantiles of the comparable titles' outcomes, shrunken to those of their market and surface.

    Returns:
        Shape (n rows, 19) on the transformed scale, ascending; missing where there is less than a handful of titles.
    """
    result = np.full((len(rows), len(PROBABILITIES)), np.nan)
    weights = neighbours.weights
    recent = cells.latest(rows, _GROUP_TITLES)
    for at in range(len(rows)):
        near = neighbours.place[at] >= 0
        n = int(near.sum())
        if n < HANDFUL:
            continue
        own = weights[at, near]
        group = recent[at][past.title[recent[at]] != rows.title[at]]
        values = np.concatenate([past.y[neighbours.place[at, near]], past.y[group]])
        shares = np.concatenate([own * n / own.sum(), np.full(len(group), _GROUP_WEIGHT / max(len(group), 1))])
        result[at] = smooth_quantiles(values, shares)
    return result


def smooth_quantiles(values: Floats, weights: Floats) -> Floats:
    """Return the nineteen quantiles of weighted values, linear between the middles of their steps."""
    order = np.argsort(values, kind="stable")
    mass = np.cumsum(weights[order])
    middle = (mass - weights[order] / 2) / mass[-1]
    return np.interp(PROBABILITIES, middle, values[order])


def forecast_denominator(rows: Rows, past: Past, cells: CellIndex) -> Floats:
    """Return the median denominator of the latest windows known at the cut in each row's cell."""
    found = cells.latest(rows, _WINDOWS)
    return np.array([np.median(past.denominator[at]) if len(at) else np.nan for at in found], dtype=np.float64)
