"""Given titles as the tables that are judged, column by column like stored ones. Judges nothing."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

import numpy as np
import pandas as pd

from recsysops.columns import (
    ALL,
    BEST,
    CELL,
    CELL_KEY,
    CONFIDENCE,
    EXPECTATION_VERSION,
    FIELDS,
    HIGH,
    HORIZON,
    LAUNCH_AT,
    LOW,
    OBSERVED_AT,
    PLANNED,
    PREVIOUS_LAUNCH_AT,
    TITLE_VERSION,
)
from recsysops.domain.given import GivenTitle

_TIMES: Final = frozenset({LAUNCH_AT, PREVIOUS_LAUNCH_AT, OBSERVED_AT})
_NUMBERS: Final = {
    HORIZON: np.int64, LOW: np.float64, BEST: np.float64, HIGH: np.float64, CONFIDENCE: np.float64, FIELDS: object,
}  # fmt: skip


def given_cells(titles: Iterable[GivenTitle]) -> pd.DataFrame:
    """Return CELL, by launch time and cell, as stored cells come."""
    rows = [
        (
            title.title_id, launch.market, launch.surface, launch.launch_at, None, PLANNED, title.name or None,
            title.series_id, title.provider,
        )
        for title in titles
        for launch in title.launches
    ]  # fmt: skip
    return _frame(rows, CELL).sort_values([LAUNCH_AT, *CELL_KEY], ignore_index=True)


def given_versions(titles: Iterable[GivenTitle], at: datetime) -> pd.DataFrame:
    """Return TITLE_VERSION: per title its general row, then one for each market with overrides, observed at `at`."""
    rows: list[tuple[object, ...]] = []
    for title in titles:
        own = (title.name or None, title.series_id, title.provider)
        rows.append((title.title_id, ALL, at, *own, dict(title.fields)))
        rows += [(title.title_id, market, at, None, None, None, dict(own)) for market, own in title.overrides.items()]
    return _frame(rows, TITLE_VERSION)


def given_plans(titles: Iterable[GivenTitle], at: datetime) -> pd.DataFrame:
    """Return EXPECTATION_VERSION: each plan once for every launch it is for."""
    rows = [
        (
            title.title_id, launch.market, launch.surface, plan.measure.value, plan.horizon, at, plan.low, plan.best,
            plan.high, plan.confidence, plan.unit, plan.author,
        )
        for title in titles
        for plan in title.expectations
        for launch in title.launches
        if plan.concerns(launch)
    ]  # fmt: skip
    return _frame(rows, EXPECTATION_VERSION)


def _frame(rows: Sequence[tuple[Any, ...]], names: Sequence[str]) -> pd.DataFrame:
    """Return a frame whose columns have the types of stored ones, also without a row."""
    lists = zip(*rows, strict=True) if rows else ((),) * len(names)
    return pd.DataFrame({name: _column(name, list(values)) for name, values in zip(names, lists, strict=True)})


def _column(name: str, values: list[Any]) -> object:
    if name in _TIMES:
        return pd.DatetimeIndex(pd.to_datetime(values, utc=True)).as_unit("us")
    if name in _NUMBERS:
        column = np.empty(len(values), dtype=_NUMBERS[name])
        column[:] = values
        return column
    return pd.array(values, dtype="str")
