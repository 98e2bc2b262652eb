"""What a file of a table looked like, so that a later one can be compared with it. Not for comparing."""

from typing import Final

import numpy as np
import pandas as pd

from recsysops.domain.drift import ColumnProfile, Profile
from recsysops.settings import SourceSettings
from recsysops.sources._parse import numbers
from recsysops.sources._raw import RawTable

MAX_COLUMNS: Final = 200
N_VALUES: Final = 8
MAX_VALUE: Final = 40
_SAMPLE: Final = 5_000
"""Rows looked at, evenly spread; how many cells are empty is counted over all."""
_NEARLY_ALL: Final = 0.95
_TIME: Final = r"\d{4}-\d{2}-\d{2}(?:[Tt ]\d{2}:\d{2}.*)?"


def profile_of(
    raw: RawTable, quarantined: int, source: SourceSettings, said_at: "pd.Series[pd.Timestamp] | None"
) -> Profile:
    """Return what a file looked like.

    Args:
        raw: The file as text.
        quarantined: Rows that were kept out.
        source: Says which columns hold lists, and which must never be read.
        said_at: Times the accepted rows speak of; None where they are assumed.
    """
    lists = {source.columns.get(name, name) for name in source.lists} | set(raw.lists)
    names = [name for name in raw.frame.columns if name and name not in source.ignore][:MAX_COLUMNS]
    step = max(1, len(raw.frame) // _SAMPLE)
    times = None if said_at is None or said_at.empty else (said_at.min(), said_at.max())
    return Profile(
        rows=raw.rows_in,
        quarantined=quarantined,
        columns={name: _column(raw.frame[name], step, is_list=name in lists) for name in names},
        first_at=None if times is None else times[0].to_pydatetime(),
        last_at=None if times is None else times[1].to_pydatetime(),
    )


def _column(cells: "pd.Series[str]", step: int, *, is_list: bool) -> ColumnProfile:
    is_empty = float((cells == "").mean()) if len(cells) else 0.0
    sample = cells.iloc[::step].str.slice(0, 400).str.strip()
    sample = sample[sample != ""]
    if sample.empty:
        return ColumnProfile(kind="empty", empty_ratio=is_empty)
    values = numbers(sample)
    kind = "list" if is_list else _kind(sample, values)
    frequent = sample.value_counts(sort=True).index[:N_VALUES]
    return ColumnProfile(
        kind=kind,
        empty_ratio=is_empty,
        typical=typical_of(values) if kind == "number" else None,
        values=tuple(str(value)[:MAX_VALUE] for value in frequent),
    )


def _kind(sample: "pd.Series[str]", values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> str:
    if np.isfinite(values).mean() >= _NEARLY_ALL:
        return "number"
    return "time" if sample.str.fullmatch(_TIME).mean() >= _NEARLY_ALL else "text"


def typical_of(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float | None:
    """Return the median of the absolute values that are finite and not 0; None where there are none."""
    sizes = np.abs(values[np.isfinite(values) & (values != 0)])
    return float(np.median(sizes)) if len(sizes) else None
