import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from recsysops.domain.distribution import (
    EXPECTATION_WIDENING,
    PROBABILITIES,
    expectation_quantiles,
    normal_quantile,
    two_piece_normal,
)
from recsysops.domain.measure import Measure, transform


def mass_between(quantiles: np.ndarray, low: float, high: float) -> float:
    at = np.interp([low, high], quantiles, PROBABILITIES)
    return float(at[1] - at[0])


def test_there_are_nineteen_probabilities_from_five_to_ninety_five_percent() -> None:
    assert PROBABILITIES.tolist() == [round(0.05 * k, 2) for k in range(1, 20)]


def test_the_normal_quantile_is_scipys() -> None:
    p = np.array([0.001, 0.5, 0.9])

    assert normal_quantile(p) == pytest.approx(norm.ppf(p))


def test_a_symmetric_plan_is_a_normal_distribution() -> None:
    (quantiles,) = two_piece_normal([-1.0], [0.0], [1.0], [0.8])

    assert quantiles == pytest.approx(norm.ppf(PROBABILITIES) / norm.ppf(0.9), abs=1e-9)


@pytest.mark.parametrize(("low", "best", "high"), [(-1, 0, 1), (-3, 0, 1), (-1, 0, 2)])
@pytest.mark.parametrize("confidence", [0.5, 0.8])
def test_low_to_high_holds_the_confidence(low: float, best: float, high: float, confidence: float) -> None:
    (quantiles,) = two_piece_normal([low], [best], [high], [confidence])

    assert mass_between(quantiles, low, high) == pytest.approx(confidence, abs=0.01)


def test_a_lopsided_plan_has_its_mass_on_the_wide_side() -> None:
    (quantiles,) = two_piece_normal([-1.0], [0.0], [3.0], [0.8])

    assert np.interp(0.0, quantiles, PROBABILITIES) == pytest.approx(1 / 4, abs=0.01)


def test_widening_stretches_both_sides_from_the_mode() -> None:
    (plain,) = two_piece_normal([-1.0], [0.5], [3.0], [0.8])
    (wide,) = two_piece_normal([-1.0], [0.5], [3.0], [0.8], widening=2)

    assert wide - 0.5 == pytest.approx(2 * (plain - 0.5))


def test_a_plan_without_a_range_is_a_point() -> None:
    (quantiles,) = two_piece_normal([2.0], [2.0], [2.0], [0.8])

    assert quantiles == pytest.approx(np.full(19, 2.0), abs=1e-6)


@given(st.floats(-20, 20), st.floats(0, 10), st.floats(0, 10), st.floats(0.05, 0.99), st.floats(0.1, 3))
def test_quantiles_ascend_and_are_finite_whatever_the_plan(
    best: float, down: float, up: float, confidence: float, widening: float
) -> None:
    (quantiles,) = two_piece_normal([best - down], [best], [best + up], [confidence], widening=widening)

    assert np.isfinite(quantiles).all()
    assert (np.diff(quantiles) >= -1e-9).all()


@pytest.mark.parametrize("missing", range(4))
def test_a_plan_with_a_missing_part_is_missing_and_others_are_not(missing: int) -> None:
    arguments = [np.array([-1.0, -1.0]), np.array([0.0, 0.0]), np.array([1.0, 1.0]), np.array([0.8, 0.8])]
    arguments[missing][1] = np.nan

    quantiles = two_piece_normal(*arguments)

    assert np.isnan(quantiles).all(axis=1).tolist() == [False, True]
    assert np.isfinite(quantiles[0]).all()


@pytest.mark.parametrize("measure", tuple(Measure))
def test_an_expectation_is_a_two_piece_normal_on_the_transformed_scale(measure: str) -> None:
    plan = np.array([[0.02, 0.05, 0.08]])

    shares = expectation_quantiles(measure, plan, [0.8], [10_000], widening=1)

    low, best, high = transform(measure, plan, np.array([[10_000]]))[0]
    (scaled,) = two_piece_normal([low], [best], [high], [0.8])
    assert shares.shape == (1, 19)
    assert transform(measure, shares, np.array([[10_000]]))[0] == pytest.approx(scaled)


def test_plans_are_widened_since_people_are_too_sure() -> None:
    plan = [[0.02, 0.05, 0.08]]

    usual = expectation_quantiles("reach", plan, [0.8], [10_000])
    same = expectation_quantiles("reach", plan, [0.8], [10_000], widening=EXPECTATION_WIDENING)
    narrow = expectation_quantiles("reach", plan, [0.8], [10_000], widening=1)

    assert usual.tolist() == same.tolist()
    assert usual[0, 0] < narrow[0, 0]
    assert usual[0, -1] > narrow[0, -1]


def test_an_expectation_stays_a_share() -> None:
    shares = expectation_quantiles("impression_share", [[0.5, 0.9, 1.0]], [0.5], [1000])

    assert shares.min() >= 0
    assert shares.max() <= 1
