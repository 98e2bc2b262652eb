"""Turns stored frames into values: missing becomes None or an empty text, times become aware datetimes."""

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pandas as pd

from recsysops.columns import AS_OF, CELL_KEY
from recsysops.service.ports import ResultTable, UnitOfWork

MAX_VALUE = 200
"""Characters of a metadata value that are shown."""

Row = Mapping[str, Any]


def load_at(
    unit: UnitOfWork, table: ResultTable, as_of: datetime, title_ids: tuple[str, ...] | None = None
) -> pd.DataFrame:
    """Return the results of exactly `as_of`: where that run found nothing, nothing, not an older run's."""
    frame = unit.results.load(table, as_of, title_ids=title_ids)
    return frame[frame[AS_OF] == as_of] if len(frame) else frame


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows as mappings, in order."""
    names = list(frame.columns)
    return [dict(zip(names, row, strict=True)) for row in zip(*(frame[name].tolist() for name in names), strict=True)]


def text(value: object) -> str:
    """Return a text, empty where it is missing."""
    return value if isinstance(value, str) else "" if is_missing(value) else str(value)


def number(value: object) -> float | None:
    """Return a finite number, None where it is missing or infinite."""
    if is_missing(value):
        return None
    found = float(value)  # type: ignore[arg-type]  # a cell of a numeric column
    return found if math.isfinite(found) else None


def time(value: object) -> datetime | None:
    """Return an aware datetime, None where it is missing."""
    if isinstance(value, pd.Timestamp):
        return value.to_pydatetime()
    return value if isinstance(value, datetime) and not is_missing(value) else None


def is_missing(value: object) -> bool:
    """Return whether a cell of a frame holds nothing."""
    return value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and math.isnan(value))


def cut(value: object) -> str:
    """Return a metadata value as one line of at most `MAX_VALUE` characters."""
    if isinstance(value, (list, tuple)):
        return cut(", ".join(text(part) for part in value))
    line = " ".join(text(value).split())
    return line if len(line) <= MAX_VALUE else line[: MAX_VALUE - 1] + "…"


def cell_of(row: Row) -> tuple[str, str, str]:
    """Return title, market and surface of a row."""
    title_id, market, surface = (row[column] for column in CELL_KEY)
    return title_id, market, surface
