"""The different values of a column, and dates as spans."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsysops.quality._dates import spans
from recsysops.quality._distinct import distinct
from recsysops.quality.missing import _text_reason, missing_reasons, shown, shown_of
from recsysops.settings import MetadataSettings

PLACEHOLDERS = MetadataSettings().placeholders


def _column(values):
    return pd.Series(values, dtype="object")


def test_equal_values_are_one_and_nothing_is_none():
    found = distinct(_column(["a", None, "b", "a", np.nan]))

    assert list(found.codes) == [0, -1, 1, 0, -1]
    assert list(found.each) == ["a", "b"]
    assert found.is_text


def test_values_that_only_look_alike_stay_apart():
    found = distinct(_column([1, True, 1.0, "1", [1], [True], pd.NA]))

    assert len(found.each) == 6
    assert not found.is_text


def test_what_is_said_of_a_value_is_said_of_every_row():
    found = distinct(_column(["a", None, "b", "a"]))

    assert list(found.spread(["first", "second"], "none")) == ["first", "none", "second", "first"]
    assert list(found.flags(np.array([True, False]), of_nothing=True)) == [True, True, False, True]


@settings(max_examples=200, deadline=None)
@given(
    st.one_of(
        st.text(max_size=80),
        st.builds(
            lambda pad, word, end: f"{pad}{word}{end}",
            st.text(alphabet=" \t\u00a0\u200b[](){}.:*\u3000", max_size=40),
            st.sampled_from(["tba", "Lorem  Ipsum", "n/a", "unknown", "LOREM IPSUM dolor", "a/placeholder.png"]),
            st.text(alphabet=" \t\u00a0\u200b[](){}.:*\u3000", max_size=40),
        ),
    )
)
def test_looking_at_doubtful_texts_only_changes_no_answer(text):
    known = set(PLACEHOLDERS)

    expected = _text_reason(text, "synopsis", known, ("lorem ipsum ",))

    assert missing_reasons(_column([text]), "synopsis", PLACEHOLDERS).iloc[0] == expected


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(max_size=100), max_size=4))
def test_texts_are_shown_as_one_by_one(texts):
    found = distinct(_column(texts))

    assert shown_of(found) == [shown(text) for text in found.each]


@pytest.mark.parametrize(
    ("value", "first", "last"),
    [
        ("1970-01-02", 1 - 14 / 24, 2.5),
        (1970, -14 / 24, 365.5),
        ("1970.0", -14 / 24, 365.5),
        ("1970-12", 334 - 14 / 24, 365.5),
        ("1970-01-02T12:00:00Z", 1.5, 1.5),
        ("1970-01-02T12:00:00", 1.5 - 14 / 24, 2.0),
        (datetime(1970, 1, 2, tzinfo=UTC), 1.0, 1.0),
    ],
)
def test_a_date_is_the_span_it_may_mean(value, first, last):
    assert spans([value])[0] == pytest.approx([first, last])


@pytest.mark.parametrize("value", ["soon", "", "1970-13", "1970-02-30", "0000", "9999", "1970-01-01Tnoon"])
def test_what_is_no_date_has_no_span(value):
    assert np.isnan(spans([value])).all()
