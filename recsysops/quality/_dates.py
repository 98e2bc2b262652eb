"""Dates as metadata holds them - a year, a day, a moment - as spans of time, so that they can be compared."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

Span = tuple[float, float]
"""First and last moment it may mean, in days since 1970 UTC; NaN where it is no date."""
Day = tuple[int, int, int]
NO_DATE: Final[Span] = (float("nan"), float("nan"))
_DATE: Final = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?(?:[Tt ].*)?")
_YEAR: Final = re.compile(r"(\d{4})(?:\.0)?")
_WEST, _EAST = 12 / 24, 14 / 24
"""A day begins fourteen hours before UTC's in the east and ends twelve hours after it in the west."""
_SECONDS_A_DAY: Final = 86_400


def spans(values: Sequence[Any]) -> npt.NDArray[np.float64]:
    """Return the span of each value, one row each: first and last moment in days since 1970 UTC, NaN for no date."""
    return np.array([_span(value) for value in values], dtype=np.float64).reshape(-1, 2)


def moments(times: pd.Series) -> npt.NDArray[np.float64]:
    """Return exact times as spans of no length; NaN where missing."""
    days = (times - pd.Timestamp(0, tz=UTC)) / pd.Timedelta(days=1)
    return np.repeat(days.to_numpy(dtype=np.float64)[:, None], 2, axis=1)


def _span(value: Any) -> Span:  # noqa: ANN401 - a cell may hold anything
    if isinstance(value, datetime):
        return _moment(value)
    text = str(value).strip()
    year = _YEAR.fullmatch(text)
    if year:
        return _whole((int(year[1]), 1, 1), (int(year[1]) + 1, 1, 1))
    found = _DATE.fullmatch(text)
    if found is None:
        return NO_DATE
    try:
        if len(text) > len("2026-03-02"):
            return _moment(datetime.fromisoformat(text))
        if found[3]:
            day = _days(datetime(int(found[1]), int(found[2]), int(found[3]), tzinfo=UTC))
            return day - _EAST, day + 1 + _WEST
        month = int(found[2])
        return _whole((int(found[1]), month, 1), (int(found[1]) + month // 12, month % 12 + 1, 1))
    except ValueError:
        return NO_DATE


def _whole(first: Day, end: Day) -> Span:
    """Return the span from the beginning of one day to that of another, wherever on earth."""
    try:
        begins, ends = (datetime(year, month, day, tzinfo=UTC) for year, month, day in (first, end))
    except ValueError:
        return NO_DATE
    return _days(begins) - _EAST, _days(ends) + _WEST


def _moment(at: datetime) -> Span:
    """Return a moment; without an offset it may be anywhere on earth."""
    if at.tzinfo is None:
        local = _days(at.replace(tzinfo=UTC))
        return local - _EAST, local + _WEST
    return _days(at), _days(at)


def _days(at: datetime) -> float:
    return at.timestamp() / _SECONDS_A_DAY
