"""Predictions held against outcomes: CRPS against numerical integration, PIT against what an honest predictor gives."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from recsysops.domain.distribution import PROBABILITIES, normal_quantile
from recsysops.domain.measure import inverse, transform
from recsysops.domain.resampling import WeekBootstrap
from recsysops.domain.scoring import crps, draws_of, hold_against, pinball, randomised_pit


def cdf(at, quantiles):
    """The distribution as it is read: linear between quantiles, the tails standing on the outermost ones."""
    inside = np.interp(at, quantiles, PROBABILITIES)
    return np.where(at < quantiles[0], 0.0, np.where(at >= quantiles[-1], 1.0, inside))


@given(
    steps=arrays(np.float64, 19, elements=st.floats(0.01, 2.0)),
    y=st.floats(-5.0, 45.0),
)
def test_crps_is_the_integral_of_the_squared_distance_to_the_outcome(steps, y):
    quantiles = np.cumsum(steps)
    grid = np.linspace(-6.0, 46.0, 400_001)

    found = crps(np.array([y]), quantiles[None, :])[0]

    expected = np.trapezoid((cdf(grid, quantiles) - (grid >= y)) ** 2, grid)
    assert found == pytest.approx(expected, abs=2e-3)


def test_of_a_point_prediction_crps_and_pinball_are_the_error():
    quantiles = np.full((2, 19), 3.0)
    y = np.array([5.0, 2.0])

    np.testing.assert_allclose(crps(y, quantiles), [2.0, 1.0])
    np.testing.assert_allclose(pinball(y, quantiles), [1.0, 0.5])


def test_a_distribution_that_says_more_scores_better_where_it_is_right():
    y = np.zeros(1)
    sharp, wide, wrong = (0.1 * normal_quantile(PROBABILITIES) + 0.0, normal_quantile(PROBABILITIES),
                          0.1 * normal_quantile(PROBABILITIES) + 3.0)  # fmt: skip

    scores = [float(crps(y, quantiles[None, :])[0]) for quantiles in (sharp, wide, wrong)]

    assert scores == sorted(scores)


@pytest.mark.parametrize("members", [200.0, 5.0, 0.8])
def test_randomised_pit_of_an_honest_prediction_of_counts_is_uniform(members):
    random = np.random.default_rng(3)
    counts = random.poisson(members, size=20_000)
    quantiles = np.quantile(random.poisson(members, size=200_000), PROBABILITIES, method="inverted_cdf")
    n = np.full(len(counts), 1000.0)

    held = hold_against(
        "uptake", np.tile(quantiles / 1000.0, (len(counts), 1)), counts / n, n, random.uniform(size=len(counts))
    )

    inside = np.histogram(held.pit, bins=[0, 0.1, 0.5, 0.9, 1.0])[0] / len(counts)
    np.testing.assert_allclose(inside, [0.1, 0.4, 0.4, 0.1], atol=0.04)


def test_the_scale_is_that_of_the_measure_with_the_denominator_of_the_outcome():
    n = np.array([2000.0])
    y = transform("reach", [0.05], n)
    quantiles = inverse("reach", y[:, None] + normal_quantile(PROBABILITIES)[None, :], n[:, None])

    held = hold_against("reach", quantiles, inverse("reach", y + 0.25, n), n, [0.5])

    assert held.absolute_error[0] == pytest.approx(0.25)
    assert held.pit[0] == pytest.approx(0.5987, abs=0.002)


def test_predicted_members_are_whole_as_the_outcome_is():
    shares = np.linspace(0.9, 1.1, 19)[None, :] / 1000

    held = hold_against("uptake", shares, [0.001], [1000.0], [0.25])

    assert held.absolute_error[0] == 0
    assert held.crps[0] == 0
    assert held.pit[0] == pytest.approx(0.025 + 0.25 * 0.95)


def test_a_draw_is_the_same_for_the_same_key_and_spreads_over_keys():
    keys = [f"key {at}" for at in range(4000)]

    first, again = draws_of(keys), draws_of(reversed(keys))

    np.testing.assert_array_equal(first, again[::-1])
    assert (first >= 0).all() and (first < 1).all()  # noqa: PT018
    np.testing.assert_allclose(np.histogram(first, bins=4)[0], 1000, atol=120)
    assert len(draws_of(["\ud800"])) == 1


def test_an_outcome_beyond_the_outermost_quantile_has_pit_0_or_1():
    quantiles = np.arange(1.0, 20.0)[None, :].repeat(2, axis=0)

    np.testing.assert_array_equal(randomised_pit(np.array([0.5, 30.0]), quantiles, np.array([0.3, 0.3])), [0.0, 1.0])


def test_skill_compares_the_same_launches_week_by_week():
    weeks = np.repeat(np.arange(12), 5)
    reference = np.random.default_rng(1).uniform(0.5, 1.5, size=60)

    found = WeekBootstrap(weeks, 0).skill(0.8 * reference, reference)
    nothing = WeekBootstrap(weeks, 0).skill(reference, np.zeros(60))

    np.testing.assert_allclose([found.value, found.low, found.high], 0.2)
    assert np.isnan([nothing.value, nothing.low, nothing.high]).all()
