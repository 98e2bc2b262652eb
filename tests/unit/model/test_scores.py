"""Scores on hand-made distributions."""

import numpy as np
import pytest
from scipy.stats import poisson, spearmanr

from recsysops.domain.distribution import PROBABILITIES, normal_quantile
from recsysops.model._scores import WeekBootstrap, is_covered, pinball, randomised_pit


def test_pinball_of_a_point_is_the_mean_of_its_tilted_errors():
    loss = pinball(np.array([2.0]), np.zeros((1, 19)))

    assert loss[0] == pytest.approx((PROBABILITIES * 2).mean())


def test_pinball_is_least_for_the_true_distribution():
    rng = np.random.default_rng(0)
    y = rng.normal(size=4000)
    true = np.tile(normal_quantile(PROBABILITIES), (4000, 1))

    assert pinball(y, true).mean() < pinball(y, true * 1.3).mean()
    assert pinball(y, true).mean() < pinball(y, true + 0.2).mean()


def test_the_pit_of_a_continuous_truth_is_uniform_between_the_outermost_quantiles():
    y = np.random.default_rng(0).normal(size=20000)

    pit = randomised_pit(y, np.tile(normal_quantile(PROBABILITIES), (20000, 1)), 1)

    assert ((pit > 0.2) & (pit < 0.6)).mean() == pytest.approx(0.4, abs=0.02)
    assert (pit <= 0.05).mean() == pytest.approx(0.05, abs=0.01)


@pytest.mark.parametrize("mean", [0.6, 3.0])
def test_coverage_of_a_discrete_truth_with_many_zeros_is_eighty_percent(mean):
    y = np.random.default_rng(0).poisson(mean, size=20000).astype(float)

    covered = is_covered(y, np.tile(poisson.ppf(PROBABILITIES, mean), (20000, 1)), 1)

    # Nineteen quantiles tell the ends of a step to half of 0.05 each.
    assert covered.mean() == pytest.approx(0.8, abs=0.05)


def test_too_narrow_distributions_cover_less():
    y = np.random.default_rng(0).normal(size=5000)

    covered = is_covered(y, np.tile(normal_quantile(PROBABILITIES) * 0.5, (5000, 1)), 1)

    assert covered.mean() < 0.6


def test_the_bootstrap_interval_holds_the_mean_and_widens_when_weeks_differ():
    rng = np.random.default_rng(0)
    weeks = np.repeat(np.arange(30), 10)
    noise = rng.normal(size=300)
    shocks = rng.normal(size=30)[weeks] * 2

    plain = WeekBootstrap(weeks, 1).mean(noise)
    shocked = WeekBootstrap(weeks, 1).mean(noise + shocks)

    assert plain.low < plain.value < plain.high
    assert shocked.high - shocked.low > 2 * (plain.high - plain.low)


def test_spearman_agrees_with_scipy_ties_included():
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 5, 200).astype(float), rng.integers(0, 5, 200) + rng.integers(0, 2, 200).astype(float)

    found = WeekBootstrap(np.arange(200) // 10, 1).spearman(a, b)

    assert found.value == pytest.approx(spearmanr(a, b)[0])
    assert found.low < found.value < found.high


def test_spearman_of_what_does_not_vary_is_missing():
    found = WeekBootstrap(np.arange(20), 1).spearman(np.zeros(20), np.arange(20.0))

    assert np.isnan(found.value)
    assert np.isnan(found.low)
