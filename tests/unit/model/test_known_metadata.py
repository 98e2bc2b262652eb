"""Values, their kinds, and metadata as known at a time."""

import math

import numpy as np
import pandas as pd
import pytest

from recsysops.model._asof import AsOfIndex, microseconds
from recsysops.model._catalogue import NOTHING, Catalogue
from recsysops.model._past import known_titles
from recsysops.model._values import Kind, as_number, clean, clean_fields, kind_of

T0 = pd.Timestamp("2026-01-01", tz="UTC")


@pytest.mark.parametrize("value", [None, "", "  ", math.nan, math.inf, -math.inf, [], ["", None], {}, object(), pd.NaT])
def test_what_says_nothing_is_missing(value):
    assert clean(value) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (" a ", "a"), (3, 3.0), (np.int64(3), 3.0), (True, 1.0), (["b", "a", "a", 2], ("2", "a", "b")),
        (np.array(["x"]), ("x",)), (pd.Timestamp("2026-01-02"), "2026-01-02T00:00:00"), ([["nested"], "a"], ("a",)),
    ],
)  # fmt: skip
def test_values_become_text_number_or_a_sorted_tuple(value, expected):
    assert clean(value) == expected


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1.0, 2.0, None], Kind.NUMBER), (["90", "120"], Kind.NUMBER), (["2026-01-01", "2025-02-03T10:00"], Kind.DATE),
        ([("a", "b"), ("a",)], Kind.LIST), (["drama", "comedy"], Kind.CATEGORY), ([None], Kind.CATEGORY),
        (["a story of a man and his dog"], Kind.TEXT),
    ],
)  # fmt: skip
def test_the_kind_of_a_field_is_what_most_of_its_values_are(values, kind):
    assert kind_of(values, is_text=False) is kind


def test_settings_make_a_field_text():
    assert kind_of(["short"], is_text=True) is Kind.TEXT


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        ("90", Kind.NUMBER, 90.0), (90.5, Kind.NUMBER, 90.5), ("1970-01-11", Kind.DATE, 10.0),
        ("2026-13-45", Kind.DATE, math.nan),
        ("x", Kind.NUMBER, math.nan), (("a",), Kind.NUMBER, math.nan), (None, Kind.DATE, math.nan),
    ],
)  # fmt: skip
def test_a_number_is_read_or_missing(value, kind, expected):
    assert as_number(value, kind) == pytest.approx(expected, nan_ok=True)


def test_fields_that_are_no_mapping_are_empty():
    assert clean_fields(None, frozenset()) == {}


def versions(*rows):
    """Return title versions of (title, market, day, name, fields)."""
    columns = ["title_id", "market", "observed_at", "name", "series_id", "provider", "fields"]
    full = [(t, m, T0 + pd.Timedelta(days=d), n, None, None, f) for t, m, d, n, f in rows]
    frame = pd.DataFrame(full, columns=columns)
    return frame.assign(observed_at=frame["observed_at"].astype("datetime64[us, UTC]"))


def at(day):
    return microseconds(pd.Series([T0 + pd.Timedelta(days=day)]))


def test_the_latest_version_by_the_cut_counts_and_keeps_since_when_each_value_stands():
    catalogue = Catalogue(
        versions(("a", "all", 0, "A", {"x": "1", "y": "2"}), ("a", "all", 5, "A2", {"x": "1", "y": "3"})), frozenset()
    )

    numbers = catalogue.states_at(["a", "a", "a"], ["US"] * 3, np.concatenate([at(-1), at(4), at(6)]))
    before, first, second = (catalogue.states[number] for number in numbers)

    assert numbers[0] == NOTHING
    assert before.fields == {}
    assert first.fields == {"x": "1", "y": "2"}
    assert (second.name, second.fields["y"]) == ("A2", "3")
    assert second.since == {"x": at(0)[0], "y": at(5)[0]}


def test_a_market_overrides_what_it_fills_and_only_there():
    catalogue = Catalogue(
        versions(("a", "all", 0, "A", {"rating": "16", "x": "1"}), ("a", "DE", 1, None, {"rating": "18", "x": ""})),
        frozenset(),
    )

    us, de = (
        catalogue.states[n] for n in catalogue.states_at(["a", "a"], ["US", "DE"], np.concatenate([at(2), at(2)]))
    )

    assert us.fields == {"rating": "16", "x": "1"}
    assert (de.name, de.fields) == ("A", {"rating": "18", "x": "1"})


def test_of_two_versions_of_one_time_the_same_one_wins_whatever_the_order():
    frame = versions(("a", "all", 0, "A", {"x": "1"}), ("a", "all", 0, "A", {"x": "2"}))
    as_of = (T0 + pd.Timedelta(days=1)).to_pydatetime()

    one, other = known_titles(frame, as_of), known_titles(frame.iloc[::-1], as_of)

    assert one["fields"].tolist() == other["fields"].tolist() == [{"x": "2"}]


def test_an_empty_index_finds_nothing():
    empty = np.zeros(0, dtype=np.int64)
    index = AsOfIndex.of(empty, empty, 0)

    assert index.latest(np.array([-1, -1]), np.array([5, 6])).tolist() == [-1, -1]
