"""Table checks through Great Expectations."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsysops import columns as c
from recsysops.quality import GreatExpectationsChecks
from recsysops.quality._great import Verdict, _verdict
from recsysops.quality.suite import run_suite
from recsysops.settings import MetadataSettings
from recsysops.testing.builders import frame_of

PLACEHOLDERS = MetadataSettings().placeholders


def _titles(fields, market="DE", surface="home"):
    n = len(next(iter(fields.values())))
    keys = {c.TITLE_ID: [f"t{i}" for i in range(n)], c.MARKET: market, c.SURFACE: surface, c.PROVIDER: "p"}
    return pd.DataFrame(keys | {name: pd.Series(values, dtype="object") for name, values in fields.items()})


def _required(*rows):
    values = [
        {c.FIELD: field, c.MARKET: market, c.SURFACE: surface, c.DUE_DAYS: 9, c.DAYS_TO_FIX: 5, c.OWNER: owner,
         c.MAX_SEVERITY: "critical"}
        for field, market, surface, owner in rows
    ]  # fmt: skip
    return frame_of(values, c.REQUIREMENT)


def _check(titles, requirements, **changes):
    return GreatExpectationsChecks(PLACEHOLDERS, **changes).check(titles, requirements)


def _outcomes(results):
    return {(row[c.TITLE_ID], row[c.FIELD]): row[c.OUTCOME] for row in results.to_dict("records")}


def test_a_missing_field_fails_and_says_what_was_found():
    results, broken = _check(_titles({"synopsis": ["TBA", "Good."]}), _required(("synopsis", "all", "all", "desk")))

    assert broken == {}
    assert list(results.columns) == list(c.CHECK_RESULT)
    first, second = results.to_dict("records")
    assert (first[c.OUTCOME], first[c.VALUE], first[c.DETAIL]) == ("failed", "TBA", 'placeholder "TBA"')
    assert (first[c.CHECK], first[c.SUITE]) == ("is_filled", "desk")
    assert (second[c.OUTCOME], second[c.VALUE], second[c.DETAIL]) == ("passed", "Good.", "")


def test_an_empty_table_passes_nothing():
    titles = _titles({"synopsis": ["x"]}).iloc[:0]

    results, broken = _check(titles, _required(("synopsis", "all", "all", "desk")))

    assert len(results) == 0
    assert list(results.columns) == list(c.CHECK_RESULT)
    assert broken == {}


def test_no_requirement_checks_nothing():
    results, broken = _check(_titles({"synopsis": [""]}), _required())

    assert len(results) == 0
    assert broken == {}


def test_a_column_that_is_gone_fails_for_all():
    results, broken = _check(_titles({"genres": [["a"], ["b"]]}), _required(("synopsis", "all", "all", "")))

    assert broken == {}
    assert set(results[c.OUTCOME]) == {"failed"}
    assert results[c.DETAIL].str.contains("column is gone").all()
    assert set(results[c.SUITE]) == {"metadata"}


def test_a_requirement_of_one_market_applies_only_there():
    titles = pd.concat([_titles({"dub": [""]}, market="DE"), _titles({"dub": [""]}, market="FR")], ignore_index=True)

    results, _ = _check(titles, _required(("dub", "DE", "all", "desk")))

    assert list(results[c.MARKET]) == ["DE"]


def test_fields_of_one_suite_may_apply_to_different_cells():
    titles = pd.concat(
        [_titles({"dub": [""], "art": [""]}, market="DE"), _titles({"dub": [""], "art": ["a"]}, market="FR")]
    )

    results, broken = _check(titles, _required(("dub", "FR", "all", "desk"), ("art", "all", "all", "desk")))

    assert broken == {}
    found = {(row[c.MARKET], row[c.FIELD]): row[c.OUTCOME] for row in results.to_dict("records")}
    assert found == {("DE", "art"): "failed", ("FR", "art"): "passed", ("FR", "dub"): "failed"}


def test_one_broken_suite_does_not_spoil_the_others():
    def run(suite, frame, fields):
        if suite == "art":
            raise RuntimeError("no \x1b such thing")
        return run_suite(suite, frame, fields)

    titles = _titles({"synopsis": ["", "x"], "artwork": ["", "x"]})
    wanted = _required(("synopsis", "all", "all", "desk"), ("artwork", "all", "all", "art"))

    results, broken = _check(titles, wanted, run=run)

    assert broken == {"art": "RuntimeError: no \\x1b such thing"}
    assert _outcomes(results) == {
        ("t0", "synopsis"): "failed", ("t1", "synopsis"): "passed",
        ("t0", "artwork"): "not_run", ("t1", "artwork"): "not_run",
    }  # fmt: skip
    assert results[results[c.SUITE] == "art"][c.DETAIL].str.startswith("RuntimeError").all()


def test_a_verdict_that_disagrees_with_the_mask_is_no_verdict():
    results, broken = _check(
        _titles({"synopsis": ["", "x"]}), _required(("synopsis", "all", "all", "desk")), run=lambda *_: {"synopsis": 0}
    )

    assert "counts 0 missing values" in broken["desk"]
    assert set(results[c.OUTCOME]) == {"not_run"}


def test_two_columns_of_one_name_break_their_suite_only():
    titles = _titles({"synopsis": ["x"], "artwork": ["y"]})
    titles.insert(4, "artwork", ["z"], allow_duplicates=True)
    wanted = _required(("synopsis", "all", "all", "desk"), ("artwork", "all", "all", "art"))

    results, broken = _check(titles, wanted)

    assert set(broken) == {"art"}
    assert _outcomes(results) == {("t0", "synopsis"): "passed", ("t0", "artwork"): "not_run"}


def test_great_expectations_own_failure_is_told():
    raised = {"id": {"raised_exception": True, "exception_message": "lost"}}

    assert _verdict(SimpleNamespace(exception_info=raised)).problem == "lost"


def test_a_field_great_expectations_cannot_count_breaks_the_suite(monkeypatch):
    monkeypatch.setattr("recsysops.quality.suite.validate", lambda *_, **__: [Verdict(problem="lost")])

    with pytest.raises(RuntimeError, match='could not check "synopsis": lost'):
        run_suite("desk", pd.DataFrame({"synopsis": [1.0]}), ["synopsis"])


@settings(max_examples=15, deadline=None)
@given(
    st.lists(
        st.one_of(st.none(), st.just(np.nan), st.text(max_size=6), st.sampled_from(["TBA", "lorem ipsum x", "-"]),
                  st.floats(), st.integers(), st.lists(st.text(max_size=2), max_size=2)),
        min_size=1, max_size=12,
    )
)  # fmt: skip
def test_great_expectations_and_the_mask_agree_on_any_column(values):
    seen = {}

    def run(suite, frame, fields):
        seen.update(run_suite(suite, frame, fields))
        return seen

    results, broken = _check(_titles({"field": values}), _required(("field", "all", "all", "desk")), run=run)

    assert broken == {}
    assert seen["field"] == int((results[c.OUTCOME] == "failed").sum())
