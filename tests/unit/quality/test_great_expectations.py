"""Expectations in, verdicts out: a broken one spoils no other."""

import pandas as pd

from recsysops.quality import _great
from recsysops.quality._great import Asked, validate

FRAME = pd.DataFrame({"a": ["x", "y", None], "n": [1.0, 2.0, 3.0]})
SOUND = Asked("expect_column_values_to_be_in_set", {"column": "a", "value_set": ["x"]})


def test_a_broken_expectation_spoils_no_other():
    gone = Asked("expect_column_values_to_be_in_set", {"column": "gone", "value_set": ["x"]})
    unknown, wrong = Asked("expect_nothing", {}), Asked("expect_column_values_to_be_in_set", {"column": "a", "set": 1})

    first, second, third, fourth = validate(FRAME, [gone, SOUND, unknown, wrong], name="mixed")

    assert '"gone"' in first.problem
    assert (second.problem, second.is_met, second.n_unexpected) == ("", False, 1)
    assert third.problem == 'Great Expectations has no expectation "expect_nothing".'
    assert "value_set" in fourth.problem


def test_what_breaks_the_call_is_asked_again_one_by_one(monkeypatch):
    together = _great._asked_together

    def only_alone(batch, built, name, form):
        if len(built) > 1:
            raise RuntimeError("all at once is too much")
        return together(batch, built, name, form)

    monkeypatch.setattr(_great, "_asked_together", only_alone)

    verdicts = validate(FRAME, [SOUND, SOUND], name="twice")

    assert [verdict.n_unexpected for verdict in verdicts] == [1, 1]


def test_what_breaks_alone_is_a_problem(monkeypatch):
    def broken(*_):
        raise RuntimeError("lost")

    monkeypatch.setattr(_great, "_asked_together", broken)

    assert validate(FRAME, [SOUND], name="one")[0].problem == "RuntimeError: lost"


def test_rows_are_named_on_request_and_tables_say_what_was_observed():
    mean = Asked("expect_column_mean_to_be_between", {"column": "n", "max_value": 1})

    rows, observed = validate(FRAME, [SOUND, mean], name="rows", with_rows=True)

    assert rows.rows == (1,)
    assert (observed.observed, observed.rows, observed.n_unexpected) == ("2.0", None, None)


def test_nothing_asked_is_nothing_said():
    assert validate(FRAME, [], name="none") == []
