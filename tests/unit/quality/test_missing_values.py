"""What counts as missing, and why."""

import numpy as np
import pandas as pd
import pytest

from recsysops.quality.missing import SHOWN, missing_reasons, shown
from recsysops.settings import MetadataSettings

PLACEHOLDERS = MetadataSettings().placeholders


def _reason(value, field="synopsis"):
    return missing_reasons(pd.Series([value], dtype="object"), field, PLACEHOLDERS).iloc[0]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "empty"),
        (np.nan, "empty"),
        (pd.NaT, "empty"),
        ("", "empty"),
        ("   ", "blank"),
        ("\u00a0\t\n", "blank"),
        ("\u200b\ufeff", "blank"),
        ("TBA", 'placeholder "TBA"'),
        (" tbd ", 'placeholder "tbd"'),
        ("[TBA]", 'placeholder "[TBA]"'),
        ("N/A", 'placeholder "N/A"'),
        ("-", 'placeholder "-"'),
        ("?", 'placeholder "?"'),
        ("Lorem  Ipsum", 'placeholder "Lorem Ipsum"'),
        ("Lorem ipsum dolor sit amet.", 'placeholder "Lorem ipsum dolor sit amet."'),
        ("https://x.example/img/placeholder.PNG?v=2", 'placeholder picture "'),
        ("art_placeholder.jpg", 'placeholder picture "art_placeholder.jpg"'),
        ([], "an empty list"),
        ((), "an empty list"),
        (np.array([], dtype=object), "an empty list"),
        (["", None], "empty"),
        (["TBA"], 'placeholder "TBA"'),
        ({}, "empty"),
        (np.inf, "not a finite number"),
    ],
)
def test_what_holds_nothing_counts_as_missing(value, reason):
    assert _reason(value).startswith(reason)


@pytest.mark.parametrize(
    "value",
    ["Two sisters run a harbour inn.", "Unknown Pleasures", "TBA: the film", "loremipsum", "placeholder.jpg.html",
     "0", 0, 0.0, -(2**63) - 1, 10**400, False, ["TBA", "drama"], ["drama"], {"a": 1}, 7, pd.Timestamp("2026-01-01")],
)  # fmt: skip
def test_what_holds_something_does_not(value):
    assert _reason(value) == ""


@pytest.mark.parametrize("value", [0, 0.0, -5, -(10**400), "0", " 0.0 ", "nan"])
def test_a_runtime_of_nothing_counts_as_missing(value):
    assert _reason(value, "runtime_minutes") != ""
    assert _reason(value, "Duration") != ""


@pytest.mark.parametrize("value", [90, "90", "1 h 30", True])
def test_a_runtime_of_something_does_not(value):
    assert _reason(value, "runtime") == ""


def test_zero_is_a_value_in_other_fields():
    assert _reason(0, "maturity_rating") == ""
    assert _reason("0", "maturity_rating") == ""


def test_placeholders_come_from_the_settings():
    values = pd.Series(["TBA", "coming soon", "coming soon to cinemas"], dtype="str")

    found = missing_reasons(values, "synopsis", ["Coming Soon", " "])

    assert list(found != "") == [False, True, True]


def test_the_index_is_kept():
    found = missing_reasons(pd.Series(["a", ""], index=[7, 3]), "synopsis", ())

    assert list(found.index) == [7, 3]


def test_values_are_shown_cut_and_harmless():
    assert shown(None) == shown(np.nan) == shown(pd.NA) == shown(pd.NaT) == ""
    assert shown(["a", 2]) == "a, 2"
    assert shown("a\x1b[2J\nb") == "a\\x1b[2J b"
    assert len(shown("x" * 1000)) == SHOWN
