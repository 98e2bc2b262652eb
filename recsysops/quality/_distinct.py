"""The different values of a column, each once: what is said of a value is said once, however many rows hold it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

_ALIKE: Final = frozenset({"string", "floating", "integer", "boolean", "datetime", "datetime64", "empty"})
"""Kinds of columns whose equal values are the same value; in others 1, 1.0 and True must stay apart."""


@dataclass(frozen=True)
class Distinct:
    """A column as positions in its different values."""

    codes: npt.NDArray[np.int64]
    """Per row the position in `each`; -1 where the row holds nothing."""
    each: Sequence[Any]
    """In the order of their first row."""
    is_text: bool
    """Whether every value is a text."""

    def spread(self, said: Sequence[str], of_nothing: str) -> pd.Series:
        """Return what is said of each value for every row, and `of_nothing` where a row holds none; texts as `str`."""
        answers = pd.Series([*said, of_nothing], dtype="str").array
        return pd.Series(answers.take(self.codes))  # -1 is the last one: what is said of nothing

    def flags(self, said: npt.NDArray[np.bool_], *, of_nothing: bool) -> npt.NDArray[np.bool_]:
        """Return what is true of each value for every row."""
        return np.append(said, of_nothing)[self.codes]


def distinct(column: pd.Series) -> Distinct:
    """Return the different values of a column: texts, numbers, truths, times, lists or anything else."""
    kind = pd.api.types.infer_dtype(column, skipna=True)
    if kind in _ALIKE:
        found, each = pd.factorize(column)
        return Distinct(found.astype(np.int64), list(each), kind == "string")
    seen: dict[object, int] = {}
    values: list[Any] = []
    codes = np.empty(len(column), dtype=np.int64)
    for row, value in enumerate(column.to_numpy(dtype=object)):
        key = _key(value)
        if key is None:
            codes[row] = -1
            continue
        at = codes[row] = seen.setdefault(key, len(values))
        if at == len(values):
            values.append(value)
    return Distinct(codes, values, is_text=False)


def _key(value: Any) -> object:  # noqa: ANN401 - a cell may hold anything
    """Return what two equal values share; None for a value that is none."""
    if isinstance(value, str):
        return value
    if isinstance(value, (list, tuple, np.ndarray)):
        return list, repr(list(value))
    if value is None or value is pd.NaT or value is pd.NA or value != value:
        return None
    return type(value), repr(value)
