"""What the cells of a column look like: times, numbers, ids, codes, lists. Not for what a column is called."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import pandas as pd

from recsysops.sources._guess_sample import Sample

_NEARLY: Final = 0.9
_SHAPES: Final[Mapping[str, str]] = {
    "whole": r"-?\d{1,18}",
    "number": r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?",
    "date": r"[12]\d{3}-\d{2}-\d{2}",
    "aware": r"[12]\d{3}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?\s?(?:[Zz]|[+-]\d{2}(?::?\d{2})?)",
    "naive": r"[12]\d{3}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?",
    "other_date": r"\d{1,2}[./]\d{1,2}[./]\d{2,4}(?:[ T]\d{2}:\d{2}.*)?|[12]\d{3}/\d{2}/\d{2}.*|[12]\d{7}",
    "url": r"https?://\S+",
    "token": r"\S{1,128}",
}
_EPOCHS: Final = {"s": 1, "ms": 1_000, "us": 1_000_000}
_YEAR_1990: Final = 631_152_000
_YEAR_2060: Final = 2_840_140_800
_JOINEDS: Final = ("|", ";", ",")


@dataclass(frozen=True)
class Column:
    """A column of a sample."""

    name: str
    texts: "pd.Series[str]"
    """Cells, empty where missing."""
    is_list: bool
    is_nested: bool
    is_naive: bool
    """A Parquet column of times without a zone."""

    @cached_property
    def counts(self) -> "pd.Series[int]":
        """Return each filled value and how often it occurs, most frequent first."""
        return self.texts[self.texts != ""].value_counts()

    @cached_property
    def distinct(self) -> "pd.Series[str]":
        """Return the values themselves."""
        return pd.Series(self.counts.index.to_numpy(dtype=object), dtype=object)

    @cached_property
    def n_filled(self) -> int:
        """Return the number of filled cells."""
        return int(self.counts.sum())

    @property
    def filled(self) -> float:
        """Return the share of filled cells."""
        return self.n_filled / max(len(self.texts), 1)

    @property
    def n_distinct(self) -> int:
        """Return the number of different values."""
        return len(self.counts)

    @property
    def uniqueness(self) -> float:
        """Return distinct values over filled cells: 1 where none repeats."""
        return self.n_distinct / max(self.n_filled, 1)

    @property
    def is_constant(self) -> bool:
        """Say whether there is at most one value."""
        return self.n_distinct <= 1

    @cached_property
    def _shares(self) -> dict[str, float]:
        texts = self.distinct
        if not len(texts):
            return dict.fromkeys(_SHAPES, 0.0)
        return {name: float(texts.str.fullmatch(pattern).mean()) for name, pattern in _SHAPES.items()}

    def is_all(self, shape: str) -> bool:
        """Say whether nearly every value has a shape: `whole`, `number`, `date`, `url`, `token`, ..."""
        return self.n_distinct > 0 and self._shares[shape] >= _NEARLY

    @cached_property
    def numbers(self) -> "pd.Series[float]":
        """Return the numbers among the values."""
        found = self.distinct[self.distinct.str.fullmatch(_SHAPES["number"])].astype("float64")
        return found[np.isfinite(found)]

    @cached_property
    def epoch_unit(self) -> str:
        """Return `s`, `ms` or `us` where the values are plausible times since 1970, else an empty text."""
        if not self.is_all("number") or self.numbers.empty:
            return ""
        for unit, per_second in _EPOCHS.items():
            seconds = self.numbers / per_second
            if ((seconds >= _YEAR_1990) & (seconds <= _YEAR_2060)).mean() >= _NEARLY:
                return unit
        return ""

    @cached_property
    def time_kind(self) -> str:
        """Return `aware`, `naive`, `date`, `epoch`, `other_date`, or an empty text for what are no times."""
        if self.is_naive:
            return "naive"
        if self.epoch_unit:
            return "epoch"
        shares = self._shares
        kinds = [kind for kind in ("aware", "naive", "date") if shares[kind] >= _NEARLY]
        if kinds:
            return kinds[0]
        if self.n_distinct and shares["aware"] + shares["naive"] + shares["date"] >= _NEARLY:
            return max(("naive", "date"), key=lambda kind: shares[kind])
        return "other_date" if self.n_distinct and shares["other_date"] >= _NEARLY else ""

    @cached_property
    def is_text(self) -> bool:
        """Say whether the values are words: no numbers, times, addresses or lists."""
        kinds = ("number", "url")
        return self.n_distinct > 0 and not self.time_kind and not any(self._shares[kind] >= 0.5 for kind in kinds)

    @cached_property
    def is_prose(self) -> bool:
        """Say whether the values are sentences."""
        return self.is_text and not self.separator and float(self.distinct.str.count(" ").median()) >= 6

    @cached_property
    def is_id_like(self) -> bool:
        """Say whether the values could name things: short, in one piece, and neither times nor fractions."""
        if self.is_list or self.is_nested or not self.is_all("token") or self.is_all("url"):
            return False
        if self.time_kind not in ("", "epoch", "other_date"):
            return False
        return self.is_all("whole") or not self.is_all("number")

    @cached_property
    def separator(self) -> str:
        """Return what stands between the elements of a field that holds several; empty where it holds one."""
        if self.is_list or self.is_nested or self.time_kind or self.is_all("number") or self.is_all("url"):
            return ""
        return next((sign for sign in _JOINEDS if _is_list_of(self.distinct, self.counts, sign)), "")

    @property
    def low(self) -> float:
        """Return the least number; NaN without any."""
        return float(self.numbers.min()) if len(self.numbers) else float("nan")

    @property
    def high(self) -> float:
        """Return the largest number; NaN without any."""
        return float(self.numbers.max()) if len(self.numbers) else float("nan")


def _is_list_of(values: "pd.Series[str]", counts: "pd.Series[int]", sign: str) -> bool:
    with_sign = values[values.str.contains(sign, regex=False)]
    share = counts.to_numpy()[values.str.contains(sign, regex=False).to_numpy(dtype=bool)].sum() / max(counts.sum(), 1)
    least = 1 if sign == "|" else 3
    if share < (0.02 if sign == "|" else 0.1) or len(with_sign) < least or counts.sum() < 3:
        return False
    parts = values.iloc[:5_000].str.split(sign, regex=False).explode().str.strip()
    if float(parts.str.len().quantile(0.9)) > 60:
        return False
    # Commas and semicolons stand in sentences too: there the parts hardly ever repeat.
    return sign == "|" or (float(parts.str.count(" ").mean()) <= 2 and parts.nunique() <= 0.5 * len(parts))


def columns_of(sample: Sample) -> dict[str, Column]:
    """Return the columns of a sample, by name."""
    return {
        name: Column(
            name=name,
            texts=sample.frame[name],
            is_list=name in sample.lists,
            is_nested=name in sample.nested,
            is_naive=name in sample.naive,
        )
        for name in sample.frame.columns
    }
