from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsysops.domain.distribution import PROBABILITIES, expectation_quantiles
from recsysops.domain.gap import DEFAULT_TOLERANCE, Gap, gap
from recsysops.domain.measure import Measure

N = [10_000.0]


def around(best: float, spread: float = 1.2, n: float = 10_000) -> np.ndarray:
    return expectation_quantiles("reach", [[best / spread, best, min(best * spread, 1)]], [0.8], [n])


def values(result: Gap) -> dict[str, float]:
    return {field.name: float(getattr(result, field.name)[0]) for field in fields(result)}


def test_a_prediction_that_equals_the_plan_has_no_gap_and_is_equally_likely_above_and_below() -> None:
    found = values(gap("reach", around(0.05), around(0.05), N))

    assert found["shown"] == pytest.approx(0)
    assert found["p_below"] == pytest.approx(found["p_above"])
    assert found["p_below"] < 0.3
    assert found["shortfall_low"] == pytest.approx(-found["shortfall_high"])


def test_a_title_predicted_at_half_of_its_plan_is_surely_below() -> None:
    found = values(gap("reach", around(0.02), around(0.04), N))

    assert found["shown"] == pytest.approx(0.5, abs=0.01)
    assert found["p_below"] > 0.95
    assert found["p_above"] < 0.01
    assert found["shortfall"] == pytest.approx(200, rel=0.05)
    assert found["shortfall_low"] < found["shortfall"] < found["shortfall_high"]


def test_a_title_predicted_at_twice_its_plan_is_surely_above_and_short_of_nothing() -> None:
    found = values(gap("reach", around(0.08), around(0.04), N))

    assert found["shown"] == pytest.approx(-1, abs=0.05)
    assert found["p_above"] > 0.95
    assert found["shortfall"] < 5
    assert found["shortfall_high"] < 0


def test_an_unsure_prediction_is_less_surely_below_than_a_sure_one() -> None:
    sure = values(gap("reach", around(0.03), around(0.05), N))
    unsure = values(gap("reach", around(0.03, spread=4), around(0.05), N))

    assert unsure["p_below"] < sure["p_below"]


def test_the_shown_gap_is_the_ratio_of_the_medians() -> None:
    predicted, expected = around(0.03), around(0.05)

    found = gap("reach", predicted, expected, N)

    assert found.shown[0] == pytest.approx(1 - predicted[0, 9] / expected[0, 9])


def test_the_expected_shortfall_agrees_with_a_simulation() -> None:
    random = np.random.default_rng(7)
    predicted, expected = around(0.045, spread=1.5), around(0.05, spread=1.3)
    draws = [np.interp(random.uniform(size=200_000), PROBABILITIES, q[0]) for q in (expected, predicted)]

    found = gap("reach", predicted, expected, N)

    assert found.shortfall[0] == pytest.approx(np.maximum(draws[0] - draws[1], 0).mean() * N[0], rel=0.03)


def test_a_wider_tolerance_never_makes_a_deviation_more_likely() -> None:
    tolerances = (0.0, DEFAULT_TOLERANCE, 0.5, 2.0)

    found = [values(gap("reach", around(0.04), around(0.05), N, tolerance=tolerance)) for tolerance in tolerances]

    assert sorted((f["p_below"] for f in found), reverse=True) == [f["p_below"] for f in found]
    assert sorted((f["p_above"] for f in found), reverse=True) == [f["p_above"] for f in found]


def test_cases_are_compared_each_for_itself() -> None:
    predicted = np.vstack([around(0.02), around(0.05)])
    expected = np.vstack([around(0.04), around(0.05)])

    both = gap("reach", predicted, expected, [10_000, 10_000])
    first = gap("reach", predicted[:1], expected[:1], [10_000])

    assert both.p_below[0] == pytest.approx(first.p_below[0])
    assert both.shortfall[0] == pytest.approx(first.shortfall[0])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("where", ["predicted", "expected", "denominator"])
@pytest.mark.parametrize("measure", tuple(Measure))
def test_what_is_missing_or_infinite_is_missing_in_the_answer_and_spoils_nothing_else(
    measure: str, where: str, bad: float
) -> None:
    arguments = {
        "predicted": np.vstack([around(0.02), around(0.02)]),
        "expected": np.vstack([around(0.04), around(0.04)]),
        "denominator": np.array([10_000.0, 10_000.0]),
    }
    arguments[where][1] = bad

    found = gap(measure, **arguments)

    for field in fields(found):
        assert np.isfinite(getattr(found, field.name)).tolist() == [True, False], field.name


def test_without_members_there_is_no_gap() -> None:
    found = gap("impression_share", around(0.02), around(0.04), [0.0])

    assert np.isnan(found.p_below).all()
    assert np.isnan(found.shortfall).all()


def test_a_plan_of_nothing_has_no_ratio_but_a_probability() -> None:
    found = gap("uptake", around(0.02), np.zeros((1, 19)), N)

    assert np.isnan(found.shown).all()
    assert found.p_above == pytest.approx(1)
    assert found.shortfall == pytest.approx(0)


def test_no_cases_give_empty_answers() -> None:
    found = gap("reach", np.empty((0, 19)), np.empty((0, 19)), [])

    assert all(getattr(found, field.name).shape == (0,) for field in fields(found))


@given(
    st.sampled_from(tuple(Measure)),
    st.floats(0.001, 0.5),
    st.floats(0.001, 0.5),
    st.floats(1.01, 5),
    st.floats(10, 1e6),
)
def test_probabilities_and_shortfall_keep_their_ranges(
    measure: str, predicted: float, expected: float, spread: float, n: float
) -> None:
    found = values(gap(measure, around(predicted, spread, n), around(expected, spread, n), [n]))

    assert 0 <= found["p_below"] <= 1 + 1e-9
    assert 0 <= found["p_above"] <= 1 + 1e-9
    assert found["p_below"] + found["p_above"] <= 1 + 1e-9
    assert found["shortfall"] >= 0
    assert found["shortfall_low"] <= found["shortfall_high"]


@given(st.floats(0.005, 0.4), st.floats(0.005, 0.4))
def test_below_and_above_change_places_when_the_arguments_do(first: float, second: float) -> None:
    there = values(gap("reach", around(first), around(second), N))
    back = values(gap("reach", around(second), around(first), N))

    assert there["p_below"] == pytest.approx(back["p_above"])
    assert there["p_above"] == pytest.approx(back["p_below"])
