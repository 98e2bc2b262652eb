"""Metadata as the trained recommender reads them: one token per value, and one for a field that is missing."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse

from recsysops.contract.recommender import FieldValue
from recsysops.trained.adapter import TrainedSettings


@dataclass(frozen=True)
class Tokens:
    """Every token of the catalogue, and how metadata are read as such."""

    place: Mapping[str, int]
    """Column of each token."""
    settings: TrainedSettings

    @classmethod
    def of(cls, fields: pd.DataFrame, settings: TrainedSettings) -> "tuple[Tokens, sparse.csr_matrix]":
        """Read the metadata of all versions; return the tokens and the matrix versions x tokens."""
        columns = {str(name): fields[name].tolist() for name in fields}
        rows = [
            _tokens({name: values[row] for name, values in columns.items()}, settings) for row in range(len(fields))
        ]
        place: dict[str, int] = {}
        for row in rows:
            for token in row:
                place.setdefault(token, len(place))
        tokens = cls(place, settings)
        return tokens, tokens._matrix(rows)

    def read(self, titles: Sequence[Mapping[str, FieldValue]]) -> sparse.csr_matrix:
        """Read metadata given with a question, titles x tokens; values the catalogue has nowhere say nothing."""
        return self._matrix([_tokens(fields, self.settings) for fields in titles])

    def _matrix(self, rows: Sequence[Mapping[str, float]]) -> sparse.csr_matrix:
        known = [{self.place[token]: value for token, value in row.items() if token in self.place} for row in rows]
        ends = np.cumsum([0, *(len(row) for row in known)])
        columns = np.array([column for row in known for column in row], dtype=np.int64)
        values = np.array([value for row in known for value in row.values()], dtype=np.float64)
        return sparse.csr_matrix((values, columns, ends), shape=(len(rows), len(self.place)))


def _tokens(fields: Mapping[str, FieldValue], settings: TrainedSettings) -> dict[str, float]:
    """Return the tokens of one title with their weights: those of one field weigh 1 together, as squares."""
    found: dict[str, float] = {}
    for name, separator in settings.lists.items():
        parts = _parts(fields.get(name), separator) or ["missing:"]
        found |= dict.fromkeys((f"{name}={part}" for part in parts), 1 / math.sqrt(len(parts)))
    for name in settings.fields:
        parts = _parts(fields.get(name), None) or ["missing:"]
        found[f"{name}={parts[0]}"] = 1.0
    for name, width in settings.bins.items():
        found[f"{name}={_bin(fields.get(name), width)}"] = 1.0
    return found


def _parts(value: FieldValue, separator: str | None) -> list[str]:
    """Return the distinct values of a field; lists and text joined by the separator mean the same."""
    if isinstance(value, (list, tuple, np.ndarray)):
        texts = [str(part) for part in value]
    elif value is None or value != value:
        return []
    else:
        texts = str(value).split(separator) if separator else [str(value)]
    return list(dict.fromkeys(text.strip().lower() for text in texts if text.strip()))


def _bin(value: FieldValue, width: float) -> str:
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return "missing:"
    return str(math.floor(number / width)) if math.isfinite(number) else "missing:"
