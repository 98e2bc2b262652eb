"""Embeddings delivered as metadata: a few principal directions, stored as plain numbers. Not for text: see `_text`."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np

from recsysops.model._asof import Floats
from recsysops.model._values import Value, is_vector

_MAX_DIRECTIONS: Final = 32
_TITLES_PER_DIRECTION: Final = 20
_EXPLAINED: Final = 0.99
"""Share of the variance that is enough."""
_DIGITS: Final = 7

Numbers = tuple[float, ...]


def principal(values: Sequence[Value]) -> tuple[Numbers, tuple[Numbers, ...]]:
    """Learn mean and principal directions of embeddings.

    Args:
        values: One value per title; what is no embedding, or not as long as most, teaches nothing.

    Returns:
        The mean, and at most 32 directions of length one, the one of most variance first; both empty where there are
        too few embeddings.
    """
    known = [value for value in values if is_vector(value)]
    if not known:
        return (), ()
    length = Counter(map(len, known)).most_common(1)[0][0]
    x = np.array([value for value in known if len(value) == length], dtype=np.float64)
    most = min(_MAX_DIRECTIONS, length, len(x) // _TITLES_PER_DIRECTION)
    if most < 1:
        return (), ()
    center = x.mean(axis=0)
    variance, directions = np.linalg.eigh(np.cov(x.T, bias=True).reshape(length, length))
    variance, directions = np.maximum(variance[::-1], 0.0), directions[:, ::-1].T
    if variance[0] <= 0:
        return (), ()
    enough = int(np.searchsorted(np.cumsum(variance) / variance.sum(), _EXPLAINED)) + 1
    kept = directions[: min(most, enough)]
    # The sign of a direction is arbitrary: its largest part is made positive.
    largest = np.take_along_axis(kept, np.abs(kept).argmax(axis=1)[:, None], axis=1)
    return _plain(center), tuple(map(_plain, kept * np.sign(largest)))


def projected(values: Sequence[Value], center: Numbers, directions: Sequence[Numbers]) -> Floats:
    """Return where each embedding lies, shape (n values, n directions); missing where there is none of that length."""
    result = np.full((len(values), len(directions)), np.nan)
    fine = [at for at, value in enumerate(values) if is_vector(value) and len(value) == len(center)]
    if fine and directions:
        x = np.array([values[at] for at in fine], dtype=np.float64)
        result[fine] = (x - np.array(center)) @ np.array(directions).T
    return result


def _plain(numbers: Floats) -> Numbers:
    return tuple(np.round(numbers, _DIGITS).tolist())
