"""The benchmark's figures against closed forms."""

import numpy as np
import pytest
from _compare import difference, drawn_means, holm
from _scores import covered, crps, pinball, presentable, r2, spearman, width, width_at_coverage
from scipy.stats import norm

from recsysops.domain.distribution import PROBABILITIES


def test_the_crps_of_a_point_is_the_absolute_error():
    quantiles = np.full((3, 19), 2.0)

    assert crps(np.array([2.0, 0.5, 5.0]), quantiles) == pytest.approx([0.0, 1.5, 3.0])


def test_the_crps_of_a_uniform_between_its_quantiles_is_its_integral():
    # Uniform on [0, 1], 5 % at each end moved onto the outer quantiles; the outcome lies in the middle.
    quantiles = PROBABILITIES[None, :]

    expected = 2 * (0.5**3 - 0.05**3) / 3

    assert crps(np.array([0.5]), quantiles)[0] == pytest.approx(expected)


@pytest.mark.parametrize("y", [-1.5, 0.0, 0.7])
def test_the_crps_of_a_normal_is_near_its_closed_form(y):
    quantiles = norm.ppf(PROBABILITIES)[None, :]

    expected = y * (2 * norm.cdf(y) - 1) + 2 * norm.pdf(y) - 1 / np.sqrt(np.pi)

    assert crps(np.array([y]), quantiles)[0] == pytest.approx(expected, abs=0.015)


def test_the_pinball_loss_of_a_point_is_half_the_absolute_error_on_average():
    assert pinball(np.array([3.0]), np.full((1, 19), 1.0)) == pytest.approx([1.0])


def test_r2_is_one_for_the_truth_and_zero_for_the_mean():
    y = np.array([0.0, 1.0, 2.0])

    assert r2(y, np.repeat(y[:, None], 19, axis=1)) == pytest.approx(1.0)
    assert r2(y, np.full((3, 19), 1.0)) == pytest.approx(0.0)
    assert np.isnan(r2(np.ones(3), np.ones((3, 19))))


def test_rank_correlation_sees_order_only():
    y = np.array([0.0, 1.0, 2.0])

    assert spearman(y, np.repeat(np.exp(y)[:, None], 19, axis=1)) == pytest.approx(1.0)
    assert np.isnan(spearman(y, np.ones((3, 19))))


def test_counts_are_presented_as_whole_members_and_shares_as_they_are():
    quantiles = np.linspace(-0.5, np.log1p(2.4), 19)[None, ::-1]

    counts = np.expm1(presentable("uptake", quantiles))

    np.testing.assert_allclose(counts, np.rint(counts), atol=1e-12)
    assert counts.min() == 0
    assert counts.max() == pytest.approx(2)
    np.testing.assert_array_equal(presentable("reach", quantiles), np.sort(quantiles))


def test_intervals_of_the_truth_cover_what_they_promise():
    rng = np.random.default_rng(0)
    y, quantiles = rng.normal(size=20_000), np.repeat(norm.ppf(PROBABILITIES)[None, :], 20_000, axis=0)

    assert covered(y, quantiles, 0.8, 1).mean() == pytest.approx(0.8, abs=0.01)
    assert covered(y, quantiles, 0.9, 1).mean() == pytest.approx(0.9, abs=0.01)
    assert width(quantiles, 0.8)[0] == pytest.approx(2 * norm.ppf(0.9))


def test_at_equal_coverage_a_distribution_twice_as_wide_is_no_wider():
    rng = np.random.default_rng(0)
    y, quantiles = rng.normal(size=5_000), np.repeat(norm.ppf(PROBABILITIES)[None, :], 5_000, axis=0)

    own, doubled = (width_at_coverage("reach", y, factor * quantiles, 0.8, 1) for factor in (1.0, 2.0))

    assert doubled == pytest.approx(own, rel=0.04)
    assert own == pytest.approx(2 * norm.ppf(0.9), rel=0.04)
    assert np.isnan(width_at_coverage("reach", y + 1_000, quantiles, 0.8, 1))


def test_the_bootstrap_of_independent_weeks_has_the_width_theory_gives_it():
    rng = np.random.default_rng(5)
    week_effect = rng.normal(0.3, 1.0, size=200)
    blocks = np.repeat(np.arange(200), 3)

    found = difference(week_effect[blocks], np.zeros(600), blocks)

    half = 1.96 * week_effect.std() / np.sqrt(200)
    assert found.value == pytest.approx(week_effect.mean())
    assert found.low == pytest.approx(week_effect.mean() - half, abs=0.02)
    assert found.high == pytest.approx(week_effect.mean() + half, abs=0.02)
    assert found.p < 0.01
    assert str(found).startswith(f"{found.value:.4f} [")


def test_resamples_are_the_same_for_all_so_that_comparisons_are_paired():
    values, blocks = np.arange(12.0), np.repeat(np.arange(4), 3)

    both = drawn_means(np.column_stack([values, values + 1]), blocks, resamples=700)

    assert both.shape == (700, 2)
    np.testing.assert_allclose(both[:, 1] - both[:, 0], 1.0)


def test_a_difference_that_is_none_has_a_high_p():
    rng = np.random.default_rng(2)
    noise = rng.normal(size=100)
    noise -= noise.mean()

    assert difference(noise, np.zeros(100), np.arange(100)).p > 0.5


def test_holm_adjusts_each_p_for_those_that_are_not_smaller():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []
