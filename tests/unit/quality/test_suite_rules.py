"""Rules of suites on titles: what they find, what they pass over, and what a broken one does."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsysops import columns as c
from recsysops.quality import Suite, SuiteChecks, SuiteRule, read_suites
from recsysops.quality._great import Asked, Verdict, validate
from recsysops.quality._masks import MASKS
from recsysops.settings import MetadataSettings
from recsysops.testing.builders import frame_of

AS_OF = datetime(2026, 3, 2, tzinfo=UTC)
IN_SET = "expect_column_values_to_be_in_set"
PLACEHOLDERS = MetadataSettings().placeholders


def tables_of(fields, ids=None, markets=None, launch_in=6):
    """Return CELLS and TITLES of one title per value."""
    n = len(next(iter(fields.values())))
    rows = [
        {c.TITLE_ID: (ids or [f"t{k}" for k in range(n)])[k], c.MARKET: (markets or ["DE"] * n)[k], c.SURFACE: "home",
         c.LAUNCH_AT: AS_OF + timedelta(days=launch_in), c.LAUNCH_STATUS: c.PLANNED}
        for k in range(n)
    ]  # fmt: skip
    cells = frame_of(rows, c.CELL)
    columns = {name: pd.Series(values, dtype="object") for name, values in fields.items()}
    return {c.CELLS: cells, c.TITLES: cells[[*c.CELL_KEY, c.PROVIDER]].assign(**columns)}


def rule(**entries):
    return SuiteRule.model_validate({"name": "a_rule", "says": "must be right"} | entries)


def judged(tables, *rules, **changes):
    checks = SuiteChecks([Suite(name="own", rule=rules)], PLACEHOLDERS, **changes)
    return checks.check(tables, AS_OF)


def broken_titles(tables, *rules, **changes):
    found, failed = judged(tables, *rules, **changes)

    assert failed == {}
    return list(found[c.RULE_FAILURES][c.TITLE_ID])


def in_set(*values, **entries):
    return rule(expectation=IN_SET, kwargs={"value_set": list(values)}, **entries)


def test_a_value_outside_its_list_is_found_and_a_missing_one_is_not():
    found, failed = judged(tables_of({"genre": ["drama", "dramma", None, "TBA"]}), in_set("drama", field="genre"))

    assert failed == {}
    (row,) = found[c.RULE_FAILURES].to_dict("records")
    assert (row[c.TITLE_ID], row[c.CHECK], row[c.FIELD], row[c.VALUE]) == ("t1", "a_rule", "genre", "dramma")
    assert list(found[c.RULED][c.INVALID_VALUE]) == [1, 1, 0, 0]
    (state,) = found[c.RULES].to_dict("records")
    assert (state[c.OUTCOME], state[c.KIND], state[c.SUITE]) == ("passed", c.INVALID_VALUE, "own")


def test_of_a_list_every_element_is_judged_and_the_wrong_ones_are_shown():
    tables = tables_of({"genres": [["drama", "noir", "pulp"], ["drama"], []]})

    found, _ = judged(tables, in_set("drama", field="genres"))

    assert list(found[c.RULE_FAILURES][c.VALUE]) == ["noir, pulp"]


def test_a_rule_holds_in_its_market_only():
    tables = tables_of({"rating": ["x", "x"]}, markets=["DE", "FR"])

    assert broken_titles(tables, in_set("12", field="rating", markets=["FR"])) == ["t1"]


def test_a_rule_that_is_off_is_not_judged():
    found, _ = judged(tables_of({"rating": ["x"]}), in_set("12", field="rating", enabled=False))

    assert len(found[c.RULES]) == len(found[c.RULE_FAILURES]) == 0


def test_mostly_lets_a_share_of_the_titles_break_the_rule():
    tables = tables_of({"genre": ["a", "a", "a", "b"]})
    kwargs = {"value_set": ["a"], "mostly": 0.7}

    assert (
        broken_titles(tables, rule(expectation="expect_column_values_to_be_in_set", kwargs=kwargs, field="genre")) == []
    )


def test_numbers_in_texts_are_compared_as_numbers_and_a_text_is_out_of_range():
    tables = tables_of({"runtime": ["90", "1000.5", "two hours", "9"]})
    between = rule(expectation="expect_column_values_to_be_between", kwargs={"max_value": 100}, field="runtime")

    assert broken_titles(tables, between) == ["t1", "t2"]


def test_bounds_that_are_no_numbers_are_left_to_great_expectations():
    tables = tables_of({"day": ["2026-01-01", "1999-12-31"]})
    kwargs = {"min_value": "2000-01-01"}

    found, failed = judged(tables, rule(expectation="expect_column_values_to_be_between", kwargs=kwargs, field="day"))

    assert "same type" in failed["own"]
    assert list(found[c.RULES][c.OUTCOME]) == ["not_run"]


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        ({"expectation": "expect_nothing_at_all", "field": "genre"}, "has no expectation"),
        (
            {"expectation": "expect_column_values_to_be_in_set", "field": "genre", "kwargs": {"valueset": []}},
            "value_set",
        ),
        ({"expectation": "expect_column_values_to_match_regex", "field": "genre", "kwargs": {"regex": "("}}, "regular"),
        (
            {"expectation": "expect_column_values_to_be_in_set", "field": "gone", "kwargs": {"value_set": []}},
            "No title has",
        ),
        ({"expectation": "expect_column_mean_to_be_between", "field": "genre", "kwargs": {"max_value": 1}}, ""),
        ({"relation": "includes", "field": "genre", "other": "gone"}, 'No title has the field "gone"'),
    ],
)
def test_a_broken_rule_is_not_run_with_its_reason_and_spoils_no_other(entries, reason):
    broken, sound = rule(**entries), in_set("drama", field="genre", name="sound")

    found, failed = judged(tables_of({"genre": ["drama", "noir"]}), broken, sound)

    states = found[c.RULES].set_index(c.CHECK)
    assert states.loc["a_rule", c.OUTCOME] == "not_run"
    assert reason in states.loc["a_rule", c.DETAIL]
    assert states.loc["sound", c.OUTCOME] == "passed"
    assert list(found[c.RULE_FAILURES][c.CHECK]) == ["sound"]
    assert failed["own"].startswith("a_rule: ")


def test_an_optional_rule_is_passed_over_where_no_title_has_the_field():
    found, failed = judged(tables_of({"genre": ["a"]}), in_set("a", field="gone", optional=True))

    assert failed == {}
    assert list(found[c.RULES][c.OUTCOME]) == ["not_applicable"]


def test_a_verdict_that_disagrees_with_our_mask_is_no_verdict():
    found, failed = judged(
        tables_of({"genre": ["noir"]}), in_set("drama", field="genre"), validate=lambda *_, **__: [Verdict(is_met=True)]
    )

    assert "our mask 1" in failed["own"]
    assert len(found[c.RULE_FAILURES]) == 0


def test_an_expectation_without_a_mask_names_the_rows_itself():
    tables = tables_of({"code": ["a1", "b2", None]})
    like = rule(expectation="expect_column_values_to_be_json_parseable", field="code")

    assert broken_titles(tables, like) == ["t0", "t1"]


def test_a_table_that_breaks_a_rule_as_a_whole_says_nothing_of_any_title():
    tables = tables_of({"runtime": [90, 110]})
    mean = rule(expectation="expect_column_mean_to_be_between", kwargs={"max_value": 50}, field="runtime")

    found, failed = judged(tables, mean)

    assert "as a whole" in failed["own"]
    assert "observed: 100" in failed["own"]
    assert len(found[c.RULE_FAILURES]) == 0


def test_a_table_that_keeps_a_rule_as_a_whole_is_judged():
    tables = tables_of({"runtime": [90, 110]})
    mean = rule(expectation="expect_column_mean_to_be_between", kwargs={"max_value": 500}, field="runtime")

    found, failed = judged(tables, mean)

    assert failed == {}
    assert list(found[c.RULED][c.INVALID_VALUE]) == [1, 1]


def test_an_expectation_on_two_columns_names_its_own():
    tables = tables_of({"a": ["x", "y"], "b": ["x", "z"]})
    kwargs = {"column_A": "a", "column_B": "b"}

    pair = rule(expectation="expect_column_pair_values_to_be_equal", kwargs=kwargs, field="a")

    assert broken_titles(tables, pair) == ["t1"]


@pytest.mark.parametrize(
    ("entries", "fields", "expected"),
    [
        ({"relation": "filled_together", "field": "season", "other": "series_id"},
         {"season": [1, 1, None], "series_id": ["s", None, None]}, ["t1"]),
        ({"relation": "filled_together", "field": "season", "other": "never"}, {"season": [1, None]}, ["t0"]),
        ({"relation": "filled_together", "field": "kind", "when": ["episode"], "other": "season"},
         {"kind": ["Episode", "film"], "season": [None, None]}, ["t0"]),
        ({"relation": "in_set_when", "field": "kids", "when": [True], "other": "rating", "allowed": ["0+", 6]},
         {"kids": [True, "true", False, "TRUE", True], "rating": ["18", "0+", "18", 6.0, None]}, ["t0"]),
        ({"relation": "includes", "field": "audio", "other": "language"},
         {"audio": [["en", "de"], ["de"], None], "language": ["EN", "en", "en"]}, ["t1"]),
        ({"relation": "not_after", "field": "available_from", "other": "launch_at"},
         {"available_from": ["2026-03-08", "2026-04-01", "2026", "soon", None]}, ["t1"]),
        ({"relation": "not_after", "field": "available_from", "other": "launch_at", "slack_days": 60},
         {"available_from": ["2026-04-01"]}, []),
        ({"relation": "not_after", "field": "launch_at", "other": "available_until"},
         {"available_until": ["2025-12-31", "2026-12", "2026-03-08T00:00:00Z"]}, ["t0"]),
        ({"relation": "not_after", "field": "made", "other": "launch_at"},
         {"made": [2026, 2027.0, "2027-01"]}, ["t1", "t2"]),
        ({"relation": "not_after", "field": "a", "other": "b", "when": ["2027-01-01"]},
         {"a": ["2027-01-01", "2028-01-01"], "b": ["2026-01-01", "2026-01-01"]}, ["t0"]),
    ],
)  # fmt: skip
def test_two_fields_that_contradict_each_other_are_found(entries, fields, expected):
    assert broken_titles(tables_of(fields), rule(**entries)) == expected


def test_a_contradiction_shows_both_values():
    tables = tables_of({"available_from": ["2026-04-01"]})

    found, _ = judged(tables, rule(relation="not_after", field="available_from", other="launch_at"))

    (row,) = found[c.RULE_FAILURES].to_dict("records")
    assert (row[c.VALUE], row[c.DETAIL]) == ("2026-04-01", "launch: 2026-03-08 00:00 UTC")


def test_one_title_under_two_ids_is_found_once_for_each():
    tables = tables_of({"name": ["Low Tide!", "low  tide", "Low Tide", ""], "year": [2026.0, "2026", 2025, 2026]})
    same = rule(relation="same_title", fields=["name", "year", "unknown"])

    found, failed = judged(tables, same)

    assert failed == {}
    assert list(found[c.RULE_FAILURES][c.TITLE_ID]) == ["t0", "t1"]
    assert list(found[c.RULE_FAILURES][c.DETAIL]) == ["also 't1'", "also 't0'"]
    assert set(found[c.RULES][c.KIND]) == {c.MISTAKEN_IDENTITY}


def test_one_title_in_two_markets_is_one_title():
    tables = tables_of({"name": ["Low Tide", "Low Tide"]}, ids=["t", "t"], markets=["DE", "FR"])

    assert broken_titles(tables, rule(relation="same_title", fields=["name"])) == []


def test_titles_of_other_groups_are_not_compared():
    tables = tables_of({"name": ["Low Tide", "Low Tide"]})
    tables[c.GROUPS] = pd.DataFrame({c.TITLE_ID: ["t0", "t1"], c.GROUP: ["a", "b"]})

    assert broken_titles(tables, rule(relation="same_title", fields=["name"])) == []


def test_ids_that_differ_in_spelling_alone_are_twins():
    ids = ["Caf\u00e9", "cafe\u0301", "a b", "ab\u200b", "other"]
    tables = tables_of({"name": list("abcde")}, ids=ids)

    found, _ = judged(tables, rule(relation="twin_id"))

    assert set(found[c.RULE_FAILURES][c.TITLE_ID]) == set(ids[:4])
    assert found[c.RULE_FAILURES][c.DETAIL].iloc[0] == "also 'cafe\\u0301'"


@pytest.mark.parametrize(
    ("was", "expected"),
    [
        (("Completely Different", None, "old house"), ["t0"]),
        (("Low tide", None, "old house"), []),
        (("Completely Different", None, "provider"), []),
        (("Completely Different", None, None), []),
        ((None, None, "old house"), []),
    ],
)
def test_an_id_that_stood_for_another_title_is_found(was, expected):
    tables = tables_of({"name": ["Low Tide"]})
    tables[c.TITLES][c.PROVIDER] = "provider"
    tables[c.EARLIER] = pd.DataFrame([("t0", *was)], columns=[c.TITLE_ID, c.NAME, c.SERIES_ID, c.PROVIDER])

    assert broken_titles(tables, rule(relation="reused_id")) == expected


def test_without_earlier_versions_nobody_can_say_that_an_id_is_reused():
    found, failed = judged(tables_of({"name": ["x"]}), rule(relation="reused_id"))

    assert failed == {}
    assert list(found[c.RULES][c.OUTCOME]) == ["not_applicable"]


def test_no_cells_break_nothing():
    tables = {name: frame.iloc[:0] for name, frame in tables_of({"genre": ["x"]}).items()}

    found, failed = judged(tables, in_set("drama", field="genre"))

    assert failed == {}
    assert len(found[c.RULE_FAILURES]) == len(found[c.RULED]) == 0


def test_the_bundled_suites_run_on_a_catalogue_with_unknown_fields():
    checks = SuiteChecks(read_suites(None), PLACEHOLDERS)

    found, failed = checks.check(tables_of({"my_own_field": ["x", None], "other": [["a"], 3]}), AS_OF)

    assert failed == {}
    assert len(found[c.RULE_FAILURES]) == 0
    assert {"passed", "not_applicable"} == set(found[c.RULES][c.OUTCOME])


def test_the_bundled_suites_find_what_cannot_be_right():
    fields = {
        "original_language": ["English"], "runtime_minutes": ["90000"], "artwork_url": ["art.jpg"], "season": [2],
        "is_kids": ["yes"], "maturity_rating": ["18+"], "available_from": ["2027-01-01"], "name": ["<b>Tide</b>"],
        "country": ["Germany"], "production_year": [1492], "artwork_width": [320],
    }  # fmt: skip

    found, failed = SuiteChecks(read_suites(None), PLACEHOLDERS).check(tables_of(fields), AS_OF)

    assert failed == {}
    assert set(found[c.RULE_FAILURES][c.CHECK]) == {
        "language_is_a_code", "runtime_is_possible", "link_is_a_link", "season_has_a_series", "kids_have_a_mild_rating",
        "licence_begins_before_launch", "text_is_readable", "country_is_a_code", "year_is_possible",
        "artwork_is_large_enough", "artwork_has_its_size",
    }  # fmt: skip


VALUES = st.lists(
    st.one_of(
        st.text(max_size=6), st.sampled_from(["en", "2026-03-02", "12", "a1"]), st.integers(-200, 200),
        st.floats(-1e6, 1e6, allow_nan=False), st.booleans(),
    ),
    min_size=1, max_size=10,
)  # fmt: skip
KWARGS = {
    "expect_column_values_to_be_in_set": {"value_set": ["en", 12, "a1"]},
    "expect_column_values_to_not_be_in_set": {"value_set": ["en", 12, "a1"]},
    "expect_column_values_to_match_regex": {"regex": "^[a-z0-9]+$"},
    "expect_column_values_to_not_match_regex": {"regex": "[0-9]"},
    "expect_column_values_to_match_regex_list": {"regex_list": ["^a", "[0-9]"], "match_on": "all"},
    "expect_column_values_to_not_match_regex_list": {"regex_list": ["^a", "[0-9]"]},
    "expect_column_values_to_be_between": {"min_value": -5, "max_value": 100, "strict_max": True},
    "expect_column_value_lengths_to_be_between": {"min_value": 2, "max_value": 5},
    "expect_column_value_lengths_to_equal": {"value": 2},
    "expect_column_values_to_be_of_type": {"type_": "str"},
    "expect_column_values_to_be_in_type_list": {"type_list": ["int", "float"]},
    "expect_column_values_to_match_strftime_format": {"strftime_format": "%Y-%m-%d"},
}


def test_every_mask_is_tried_against_great_expectations():
    assert set(KWARGS) == set(MASKS)


@settings(max_examples=6, deadline=None)
@given(VALUES)
def test_every_mask_agrees_with_great_expectations_on_any_column(values):
    columns, asked, counted = {}, [], []
    for number, (name, kwargs) in enumerate(KWARGS.items()):
        seen, is_met = MASKS[name](values, kwargs)
        dtype = "float64" if isinstance(seen, np.ndarray) else "object"
        columns[str(number)] = pd.Series(seen, dtype=dtype)
        asked.append(Asked(name, {**kwargs, "column": str(number)}))
        counted.append(int((~np.asarray(is_met)).sum()))

    verdicts = validate(pd.DataFrame(columns), asked, name="all")

    assert [verdict.problem for verdict in verdicts] == [""] * len(asked)
    assert [verdict.n_unexpected for verdict in verdicts] == counted
    assert [verdict.is_met for verdict in verdicts] == [count == 0 for count in counted]
