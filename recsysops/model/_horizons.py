"""Horizons that agree: whoever was reached in a day was reached in a week. Not for single horizons.

Members reached are counted in windows that hold each other, so their number never falls from one horizon to a longer
one. Each quantile is moved as little as that needs (isotonic regression), which keeps every distribution ascending: the
projection of larger numbers is nowhere smaller.

Source:
    Barlow & Brunk, "The isotonic regression problem and its dual", JASA, 1972 (projections do not move further apart).
"""

from collections.abc import Sequence

import numpy as np

from recsysops.domain.measure import Measure
from recsysops.model._asof import Floats


def agree(measure: str) -> bool:
    """Return whether horizons of a measure must agree: where it counts members."""
    return Measure(measure).worth_unit == "members"


def coherent(shares: Sequence[Floats], denominators: Sequence[Floats], *, is_whole: bool = False) -> list[Floats]:
    """Return shares whose members never fall from one horizon to the next.

    Args:
        shares: Per horizon, ascending, shape (n, q) each; a horizon without an answer is missing in the whole row.
        denominators: Members each is a share of, shape (n,) each, > 0 or missing.
        is_whole: Whether members are whole numbers, and shall stay so.

    Returns:
        Shares in [0, 1] in the same shape; what agreed already is returned as it was, bit for bit.
    """
    given = np.array(shares, dtype=np.float64)
    of = np.array(denominators, dtype=np.float64)[:, :, None]
    members = np.where(np.isfinite(given), given * of, np.nan)
    scale = np.log(members + 0.5)
    known = np.isfinite(members).all(axis=2)
    result = given.copy()
    for pattern in np.unique(known, axis=1).T:
        own = (known == pattern[:, None]).all(axis=0)
        present = np.flatnonzero(pattern)
        if len(present) < 2 or not own.any():
            continue
        at = np.ix_(present, np.flatnonzero(own))
        moved = np.exp(_ascending(scale[at])) - 0.5
        moved = np.clip((np.rint(moved) if is_whole else moved) / of[at], 0.0, 1.0)
        falls = (np.diff(members[at], axis=0) < 0).any(axis=(0, 2), keepdims=True)
        result[at] = np.where(falls, moved, given[at])
    return list(result)


def _ascending(x: Floats) -> Floats:
    """Return the nearest values that ascend along the first axis: the largest of the least means of runs."""
    n = len(x)
    total = np.concatenate([np.zeros_like(x[:1]), np.cumsum(x, axis=0)])
    result = np.empty_like(x)
    for at in range(n):
        least = [
            np.min([(total[end] - total[begin]) / (end - begin) for end in range(at + 1, n + 1)], axis=0)
            for begin in range(at + 1)
        ]
        result[at] = np.max(least, axis=0)
    return result
