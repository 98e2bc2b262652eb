"""Frames to plain columns and back: which kind each column is of, and the one dtype it has. Knows no database."""

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from typing import Any, Final, Literal

import numpy as np
import pandas as pd

from recsysops import columns as c
from recsysops.errors import MissingColumnError, StoreError

Kind = Literal["text", "time", "number", "integer", "flag", "json"]

_KINDS: Final[dict[str, Kind]] = {
    **dict.fromkeys(
        (
            c.OBSERVED_AT, c.LOADED_AT, c.LAUNCH_AT, c.PREVIOUS_LAUNCH_AT, c.KNOWN_AT, c.AS_OF, c.START_AT,
            c.LATEST_SAFE_FIX_AT, c.TS,
        ),
        "time",
    ),
    **dict.fromkeys(
        (
            c.HORIZON, c.LEAD, c.DAY, c.EVENTS, c.NEW_MEMBERS, c.N_ACTIVE, c.N_EVENTS, c.N_FINDINGS, c.N_MEMBERS,
        ),
        "integer",
    ),
    **dict.fromkeys(
        (
            c.LOW, c.BEST, c.HIGH, c.CONFIDENCE, c.POSITION_P10, c.POSITION_P50, c.POSITION_P90, c.VALUE, c.NUMERATOR,
            c.DENOMINATOR, c.MARGIN, c.WORTH, c.WORTH_LOW, c.WORTH_HIGH, c.SCORE, *c.QUANTILES,
            c.ACTUAL, c.PIT, c.CRPS, c.PINBALL, c.ABSOLUTE_ERROR, c.ELIGIBLE_SHARE, c.CANDIDATE_SHARE, c.REACH_JOINT,
            c.REACH_ALONE, c.STANDARD_ERROR, c.RANK_PERCENTILE, c.MARGIN_P10, c.MARGIN_P50, c.MARGIN_P90,
            c.REACH_AS_IT_WAS,
        ),
        "number",
    ),
    **dict.fromkeys((c.IS_PARTIAL, c.IS_SERVED, c.HAS_EXPECTATION), "flag"),
    **dict.fromkeys((c.FIELDS, c.EVIDENCE, c.DROPPED), "json"),
}  # fmt: skip

VERSION_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    c.TITLES: c.TITLE_VERSION,
    c.LAUNCHES: c.LAUNCH_VERSION,
    c.EXPECTATIONS: c.EXPECTATION_VERSION,
}
VERSION_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    c.TITLES: (c.TITLE_ID, c.MARKET),
    c.LAUNCHES: c.CELL_KEY,
    c.EXPECTATIONS: c.TARGET_KEY,
}
RESULT_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "predictions": c.PREDICTION,
    "expectations": (*c.EXPECTATION, c.AS_OF),
    "checks": (*c.CHECK_RESULT, c.AS_OF),
    "verdicts": (*c.VERDICT, c.AS_OF),
    "findings": (*c.FINDING, c.AS_OF),
    "cells": (*c.BOARD_CELL, c.AS_OF),
}
"""Result table to the columns of its loaded frame."""
LAUNCH_SCORES: Final = "launch_scores"
RELABELLED_SCORES: Final = "relabelled_scores"
SCORE_KEY: Final = (*c.TARGET_KEY, c.LEAD, c.PREDICTOR, c.MODEL_ID)
"""Of LAUNCH_SCORE: of each key one row counts."""

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_MISSING_TIME: Final = np.iinfo(np.int64).min


def kind_of(column: str, table: str = "") -> Kind:
    """Return the kind of a column; the value a table check saw is text, every other value is a number."""
    return "text" if table == c.CHECKS and column == c.VALUE else _KINDS.get(column, "text")


def micros(at: datetime) -> int:
    """Return an aware time as microseconds since 1970 UTC.

    Raises:
        StoreError: It has no zone.
    """
    if at.tzinfo is None:
        raise StoreError(
            f"A time has no zone: {at.isoformat()} (expected aware UTC). Attach the zone where it is read."
        )
    return (at - EPOCH) // _MICROSECOND


def is_storable(text: str) -> bool:
    """Return whether every store can keep a text: none with a NUL character or half of a character (a surrogate)."""
    if text.isascii():
        return "\0" not in text
    try:
        return b"\0" not in text.encode()
    except UnicodeEncodeError:
        return False


def unstorable(text: str) -> StoreError:
    """Return the error for a text that is not storable; it does not quote the text."""
    what = "a NUL character" if "\0" in text else "half of a character (a lone surrogate)"
    return StoreError(f"Text cannot be stored: it holds {what}. Correct it where it comes from.")


def to_json(value: object) -> str:
    """Return JSON with sorted keys; what JSON cannot say (NaN, infinities) becomes null.

    Raises:
        StoreError: A text in it is half of a character; a NUL is written as an escape.
    """
    try:
        text = json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False, default=_plain)
    except ValueError:
        text = json.dumps(_finite(value), sort_keys=True, ensure_ascii=False, allow_nan=False)
    if not is_storable(text):
        raise unstorable(text)
    return text


def from_json(text: str) -> Any:  # noqa: ANN401 - JSON may be anything
    """Read what `to_json` wrote."""
    return json.loads(text)


def _plain(value: object) -> object:
    """Give `json` something it knows in place of a NumPy value, a time, an enum or a set."""
    if value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise TypeError(f'JSON cannot hold a {type(value).__name__}: "{value}" (expected text, numbers, lists, mappings).')


def _finite(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    if value is None or isinstance(value, (str, int, float)):
        return value
    return _finite(_plain(value))


def plain_columns(frame: pd.DataFrame, names: Sequence[str], table: str) -> list[list[Any]]:
    """Return the named columns as lists of plain values: times as microseconds, JSON as text, missing as None.

    Args:
        frame: Has at least the columns `names`; further ones are left out.
        names: Which columns, in which order.
        table: Name of the table, for kinds and messages.

    Raises:
        MissingColumnError: A column is absent.
        StoreError: A column holds what it must not: times without a zone, a missing integer or flag.
    """
    lists = []
    for name in names:
        if name not in frame.columns:
            raise MissingColumnError.of(
                table, name, [str(n) for n in frame.columns], "The part that made it broke its contract: report it."
            )
        try:
            lists.append(_TO_PLAIN[kind_of(name, table)](frame[name]))
        except (ValueError, TypeError) as error:
            raise StoreError(
                f'Table "{table}" cannot be stored: column "{name}" holds what it must not: {error} '
                f"(expected {_MEANING[kind_of(name, table)]}). The part that made it broke its contract: report it."
            ) from error
    return lists


def typed_frame(lists: Iterable[Sequence[Any]], names: Sequence[str], table: str) -> pd.DataFrame:
    """Undo `plain_columns`.

    Returns:
        Columns `names`: times `datetime64[us, UTC]`, numbers float64 with NaN, integers int64, flags bool, text `str`
        with NaN, JSON as objects; the same dtypes when there is no row.
    """
    series = {name: _FROM_PLAIN[kind_of(name, table)](values) for name, values in zip(names, lists, strict=True)}
    return pd.DataFrame(series, columns=list(names))


def empty_frame(names: Sequence[str], table: str) -> pd.DataFrame:
    """Return a frame without rows, its columns of the right dtypes."""
    return typed_frame([[] for _ in names], names, table)


def _text(series: "pd.Series[Any]") -> list[Any]:
    values = series.astype("str").to_numpy(dtype=object, copy=True)
    values[series.isna().to_numpy()] = ""
    if not is_storable("".join(values)):
        raise ValueError("text with a NUL character or half of a character (a lone surrogate)")
    values[series.isna().to_numpy()] = None
    return list(values)


def _time(series: "pd.Series[Any]") -> list[Any]:
    if not isinstance(series.dtype, pd.DatetimeTZDtype):
        if series.isna().all():
            return [None] * len(series)
        if any(getattr(value, "tzinfo", None) is None for value in series.dropna()):
            raise ValueError("times without a zone")
        series = pd.to_datetime(series, utc=True)
    stamps = series.dt.tz_convert("UTC").dt.as_unit("us").astype("int64").to_numpy()
    values = stamps.astype(object)
    values[stamps == _MISSING_TIME] = None
    return list(values)


def _number(series: "pd.Series[Any]") -> list[Any]:
    numbers = series.astype("float64").to_numpy()
    values = numbers.astype(object)
    values[np.isnan(numbers)] = None
    return list(values)


def _integer(series: "pd.Series[Any]") -> list[Any]:
    whole = series.astype("int64")
    if not (whole == series).all():
        raise ValueError("numbers that are not whole")
    return whole.tolist()


def _flag(series: "pd.Series[Any]") -> list[Any]:
    if series.isna().any():
        raise ValueError("missing flags")
    return series.astype("bool").tolist()


def _json(series: "pd.Series[Any]") -> list[Any]:
    return [to_json(value) for value in series]


def _as_time(values: Sequence[Any]) -> "pd.Series[Any]":
    stamps = np.array([_MISSING_TIME if value is None else value for value in values], dtype=np.int64)
    return pd.Series(stamps.view("datetime64[us]")).dt.tz_localize("UTC")


_TO_PLAIN: Final = {
    "text": _text, "time": _time, "number": _number, "integer": _integer, "flag": _flag, "json": _json,
}  # fmt: skip
_FROM_PLAIN: Final[Mapping[Kind, Callable[[Sequence[Any]], "pd.Series[Any]"]]] = {
    "text": lambda values: pd.Series(list(values), dtype="str"),
    "time": _as_time,
    "number": lambda values: pd.Series(np.array(list(values), dtype=np.float64)),
    "integer": lambda values: pd.Series(np.array(list(values), dtype=np.int64)),
    "flag": lambda values: pd.Series(np.array(list(values), dtype=np.bool_)),
    "json": lambda values: pd.Series([from_json(value) for value in values], dtype="object"),
}
_MEANING: Final = {
    "text": "text", "time": "aware UTC times", "number": "numbers", "integer": "whole numbers, none missing",
    "flag": "true or false, none missing", "json": "JSON values",
}  # fmt: skip
