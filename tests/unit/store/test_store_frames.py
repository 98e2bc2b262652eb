"""Frames to plain values and back, and column types."""

import json
from datetime import UTC, date, datetime, timedelta, timezone
from enum import Enum
from types import MappingProxyType

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsysops import columns as c
from recsysops.domain.severity import Severity
from recsysops.errors import StoreError
from recsysops.store.column_types import UtcDateTime
from recsysops.store.frames import (
    RESULT_COLUMNS,
    VERSION_COLUMNS,
    from_json,
    micros,
    plain_columns,
    to_json,
    typed_frame,
)
from recsysops.store.results import RESULT_MODELS
from recsysops.store.versions import _MODELS as VERSION_MODELS


class Plain(Enum):
    RED = "red"


T0 = datetime(2026, 3, 2, 12, 0, 0, 1, tzinfo=UTC)


@pytest.mark.parametrize("table", sorted(RESULT_COLUMNS))
def test_result_tables_have_exactly_the_columns_of_their_frames(table: str) -> None:
    stored = {column.name for column in RESULT_MODELS[table].__table__.columns} - {"sequence", "run_id"}

    assert stored == set(RESULT_COLUMNS[table])


@pytest.mark.parametrize("table", sorted(VERSION_COLUMNS))
def test_version_tables_have_exactly_the_columns_of_their_frames(table: str) -> None:
    stored = {column.name for column in VERSION_MODELS[table].__table__.columns}

    assert stored - {"sequence", "row_hash", "batch_id", c.LOADED_AT} == set(VERSION_COLUMNS[table])


@given(st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30), timezones=st.just(UTC)))  # noqa: DTZ001
def test_a_time_survives_to_the_microsecond(at: datetime) -> None:
    kind = UtcDateTime()

    assert kind.process_result_value(kind.process_bind_param(at, None), None) == at


def test_a_time_of_another_zone_is_the_same_moment() -> None:
    here = T0.astimezone(timezone(timedelta(hours=5, minutes=30)))

    assert micros(here) == micros(T0)
    assert UtcDateTime().process_result_value(micros(here), None).tzinfo is UTC


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(StoreError, match="no zone"):
        micros(T0.replace(tzinfo=None))


@pytest.mark.parametrize(
    "series",
    [
        pd.Series([T0, None], dtype="datetime64[us, UTC]"),
        pd.Series([T0, pd.NaT], dtype="datetime64[ns, UTC]"),
        pd.Series([T0, None], dtype="datetime64[us, Asia/Kolkata]"),
        pd.Series([T0, None], dtype="object"),
        pd.Series([pd.Timestamp(T0), pd.NaT], dtype="object"),
    ],
    ids=["us", "ns", "other zone", "datetimes", "timestamps"],
)
def test_times_of_every_make_become_microseconds(series: pd.Series) -> None:
    lists = plain_columns(pd.DataFrame({c.LAUNCH_AT: series}), [c.LAUNCH_AT], "cells")

    assert lists == [[micros(T0), None]]


@pytest.mark.parametrize("missing", [None, np.nan, pd.NaT])
def test_a_column_of_missing_times_may_have_any_dtype(missing: object) -> None:
    frame = pd.DataFrame({c.LAUNCH_AT: [missing]})

    assert plain_columns(frame, [c.LAUNCH_AT], "cells") == [[None]]


def test_text_keeps_what_is_empty_apart_from_what_is_missing() -> None:
    given = pd.DataFrame({c.NAME: pd.Series(["", None, np.nan, Severity.INFO, 7], dtype="object")})

    lists = plain_columns(given, [c.NAME], "cells")

    assert lists == [["", None, None, "info", "7"]]
    assert list(typed_frame(lists, [c.NAME], "cells")[c.NAME].isna()) == [False, True, True, False, False]


@pytest.mark.parametrize(
    ("column", "values"),
    [
        (c.LAUNCH_AT, [T0.replace(tzinfo=None)]),
        (c.LAUNCH_AT, ["2026-03-02"]),
        (c.HORIZON, [np.nan]),
        (c.HORIZON, [1.5]),
        (c.IS_SERVED, [None]),
        (c.WORTH, ["much"]),
        (c.EVIDENCE, [object()]),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused_with_its_column(column: str, values: list[object]) -> None:
    frame = pd.DataFrame({column: values})

    with pytest.raises(StoreError, match=f'Table "x" cannot be stored: column "{column}"'):
        plain_columns(frame, [column], "x")


def test_the_value_a_check_saw_is_text_and_an_outcomes_is_a_number() -> None:
    frame = pd.DataFrame({c.VALUE: ["0.5"]})

    assert plain_columns(frame, [c.VALUE], "checks") == [["0.5"]]
    assert plain_columns(frame, [c.VALUE], "outcomes") == [[0.5]]


def test_json_says_the_same_in_the_same_words() -> None:
    assert to_json({"b": 1, "a": [2, "ü"]}) == to_json({"a": (2, "ü"), "b": 1}) == '{"a": [2, "ü"], "b": 1}'


def test_json_takes_what_frames_hold() -> None:
    value = {
        "n": np.int64(3), "x": np.float64(0.5), "flags": np.array([True, False]), "at": T0, "on": date(2026, 3, 2),
        "severity": Severity.INFO, "set": {"b", "a"}, "view": MappingProxyType({"k": None}), "no": pd.NaT, "na": pd.NA,
        "plain": Plain.RED,
    }  # fmt: skip

    assert from_json(to_json(value)) == {
        "n": 3, "x": 0.5, "flags": [True, False], "at": T0.isoformat(), "on": "2026-03-02", "severity": "info",
        "set": ["a", "b"], "view": {"k": None}, "no": None, "na": None, "plain": "red",
    }  # fmt: skip


def test_json_refuses_what_it_cannot_say() -> None:
    with pytest.raises(TypeError, match="JSON cannot hold a complex"):
        to_json({"a": 1j})


def test_json_has_null_for_what_is_no_number() -> None:
    value = {"a": np.nan, "b": [1.0, np.inf, {"c": -np.inf}], "d": np.array([np.nan, 2.0]), "e": "NaN", "f": None}

    assert json.loads(to_json(value)) == {
        "a": None,
        "b": [1.0, None, {"c": None}],
        "d": [None, 2.0],
        "e": "NaN",
        "f": None,
    }
