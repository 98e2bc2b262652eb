"""Text to numbers, times and metadata values, whole columns at once. Decides nothing about rows."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsysops.columns import MARKET
from recsysops.settings import MarketSettings, Settings

MISSING_TIME: Final = np.iinfo(np.int64).min
_NUMBER: Final = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_PLAIN_NUMBER: Final = r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?"
"""A number that is no identifier: without leading zeros."""
_WHOLE: Final = r"-?\d{1,15}"
_NOT_FINITE: Final = r"(?i:[+-]?(?:nan|inf|infinity))"
_ISO: Final = re.compile(
    r"(\d{4}-\d{2}-\d{2})(?:[Tt ](\d{2}:\d{2}(?::\d{2})?)(?:\.(\d{1,9}))?\s?([Zz]|[+-]\d{2}(?::?\d{2})?)?)?"
)
_EPOCH: Final = re.compile(r"-?\d{1,20}(?:\.\d{1,9})?")
_PER_UNIT: Final = {"s": 1_000_000, "ms": 1_000, "us": 1}
_START: Final = datetime(1970, 1, 1, tzinfo=UTC)
_YEARS: Final = (1800, 2199)


def numbers(texts: "pd.Series[str]") -> npt.NDArray[np.float64]:
    """Return finite numbers; NaN for every other text, the empty one included."""
    is_number = texts.str.fullmatch(_NUMBER).to_numpy(dtype=bool)
    values = np.full(len(texts), np.nan)
    values[is_number] = texts[is_number].astype("float64")
    values[~np.isfinite(values)] = np.nan
    return values


def times(
    texts: "pd.Series[str]", markets: "pd.Series[str]", settings: Settings, epoch_unit: str | None
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.object_]]:
    """Read times.

    Args:
        texts: ISO 8601 with offset, without (read in the market's time zone), dates (read at the market's launch time),
            or numbers where there is an `epoch_unit`.
        markets: Each row's market.
        settings: For the markets.
        epoch_unit: Unit of numbers since 1970 UTC.

    Returns:
        Microseconds since 1970 UTC (MISSING_TIME where there is none), and the code of what is wrong (empty if right;
        an empty text is missing and right).
    """
    pairs = pd.DataFrame({"text": texts.to_numpy(), MARKET: markets.to_numpy()}, dtype=object)
    group = pairs.groupby(["text", MARKET], sort=False).ngroup().to_numpy()
    read = [
        _time(text, settings.market(market), epoch_unit)
        for text, market in pairs.drop_duplicates().itertuples(index=False, name=None)
    ]
    at = np.asarray([MISSING_TIME if isinstance(each, str) else each for each in read], dtype=np.int64)
    code = np.asarray([each if isinstance(each, str) else "" for each in read], dtype=object)
    return (at[group], code[group]) if len(group) else (at, code)


def _time(text: str, market: MarketSettings, epoch_unit: str | None) -> int | str:
    """Return microseconds, or the code of what is wrong; an empty code for an empty text."""
    if not text:
        return ""
    if epoch_unit is not None and _EPOCH.fullmatch(text):
        return _within_years(int(Decimal(text) * _PER_UNIT[epoch_unit]))
    match = _ISO.fullmatch(text)
    if match is None:
        return "impossible-date"
    day, clock, fraction, offset = match.groups()
    try:
        local = datetime.fromisoformat(f"{day}T{clock or '00:00'}")
        local += timedelta(microseconds=int((fraction or "0").ljust(6, "0")[:6]))
        if offset:
            return _microseconds(local.replace(tzinfo=_offset(offset)))
    except (ValueError, OverflowError):
        return "impossible-date"
    if market.time_zone is None or (clock is None and market.launch_time is None):
        return "naive-time"
    if clock is None and market.launch_time is not None:
        local = datetime.combine(local.date(), market.launch_time.replace(tzinfo=None))
    # In the hour that a change to summer time skips, the zone's offset before the change holds (02:30 is 03:30); of an
    # hour that comes twice, the first is meant: what fold=0 says.
    return _microseconds(local.replace(tzinfo=ZoneInfo(market.time_zone), fold=0))


def _offset(text: str) -> timezone:
    if text in "Zz":
        return UTC
    digits = text[1:].replace(":", "").ljust(4, "0")
    minutes = int(digits[:2]) * 60 + int(digits[2:])
    return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))


def _microseconds(at: datetime) -> int | str:
    if not _YEARS[0] < at.year <= _YEARS[1]:
        return "impossible-date"
    since = at.astimezone(UTC) - _START
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def _within_years(microseconds: int) -> int | str:
    try:
        return _microseconds(_START + timedelta(microseconds=microseconds))
    except OverflowError:
        return "impossible-date"


def to_utc(microseconds: npt.NDArray[np.int64]) -> "pd.Series[pd.Timestamp]":
    """Return times as datetime64[us, UTC]; MISSING_TIME becomes NaT."""
    return pd.Series(microseconds.astype("datetime64[us]")).dt.tz_localize("UTC")


def field_values(texts: "pd.Series[str]", separator: str | None) -> tuple[Sequence[Any], npt.NDArray[np.bool_]]:
    """Read a metadata field.

    Args:
        texts: The cells, without surrounding space.
        separator: Between the elements, where the field holds lists.

    Returns:
        One value per row: list of text, or number where every filled cell of the column is one, else text; None where
        there is none. And a flag on rows with an infinite number.
    """
    nothing = np.zeros(len(texts), dtype=bool)
    if separator is not None:
        split = (([part for each in text.split(separator) if (part := each.strip())] or None) for text in texts)
        return list(split), nothing
    filled = (texts != "").to_numpy(dtype=bool)
    is_number = texts.str.fullmatch(_PLAIN_NUMBER).to_numpy(dtype=bool)
    is_odd = texts.str.fullmatch(_NOT_FINITE).to_numpy(dtype=bool)
    if not is_number.any() or (filled & ~is_number & ~is_odd).any():
        return [text or None for text in texts], nothing
    values = numbers(texts)
    infinite = (is_number & np.isnan(values)) | (is_odd & ~texts.str.lower().str.contains("nan").to_numpy(dtype=bool))
    if texts[is_number].str.fullmatch(_WHOLE).all():
        return [None if np.isnan(value) else int(value) for value in values], infinite
    return [None if np.isnan(value) else float(value) for value in values], infinite
