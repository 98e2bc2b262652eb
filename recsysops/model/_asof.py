"""The latest entry of a group at a time: the one look-up that keeps features point in time."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

DAY: Final = 86_400_000_000
"""Microseconds: times are int64 microseconds since 1970 UTC inside this package."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(times: pd.Series) -> Ints:
    """Return aware times as int64 microseconds UTC; a missing time becomes the smallest integer."""
    return pd.to_datetime(times, utc=True).dt.as_unit("us").to_numpy("datetime64[us]").astype(np.int64)


def microsecond(at: datetime) -> int:
    """Return one aware time as microseconds UTC."""
    return (at - _EPOCH) // timedelta(microseconds=1)


@dataclass(frozen=True)
class AsOfIndex:
    """Entries sorted by group, then time; of equal times the one given last counts as the latest."""

    order: Ints
    """Position in the caller's order of each sorted entry."""
    _keys: Ints
    _times: Ints
    _starts: Ints

    @classmethod
    def of(cls, groups: Ints, times: Ints, n_groups: int) -> "AsOfIndex":
        """Index entries by `groups` (0 to n_groups - 1) and `times`."""
        order = np.lexsort((np.arange(len(times)), times, groups)).astype(np.int64)
        unique = np.unique(times)
        keys = groups[order] * (len(unique) + 1) + np.searchsorted(unique, times[order], side="right")
        starts = np.searchsorted(groups[order], np.arange(n_groups + 1)).astype(np.int64)
        return cls(order, keys.astype(np.int64), unique, starts)

    def latest(self, groups: Ints, times: Ints) -> Ints:
        """Return the caller's position of the latest entry of each group at or before each time, -1 for none."""
        first, end = self.span(groups, times)
        if not len(self.order):
            return np.full(len(groups), -1, dtype=np.int64)
        return np.where(end > first, self.order[np.maximum(end - 1, 0)], -1)

    def span(self, groups: Ints, times: Ints) -> tuple[Ints, Ints]:
        """Return begin and end, in sorted order, of the entries at or before each time; a group of -1 has none."""
        known = groups >= 0
        safe = np.where(known, groups, 0)
        rank = np.searchsorted(self._times, times, side="right")
        end = np.searchsorted(self._keys, safe * (len(self._times) + 1) + rank, side="right").astype(np.int64)
        begin = self._starts[safe] if len(self._starts) > 1 else np.zeros(len(groups), dtype=np.int64)
        return np.where(known, begin, 0), np.where(known, np.maximum(end, begin), 0)
