"""The conformal layer, in its plain configuration, gives the numbers of two libraries that know nothing of ours.

Where definitions agree the numbers are equal. They differ in two places, by design: for a level that takes more
residuals than there are, MAPIE and crepes answer infinity (or the bound they were given) and we the outermost residual;
and our median is the mean of the two order statistics that surround it, which crepes returns apart.
"""

import numpy as np
import pytest
from crepes import ConformalPredictiveSystem
from mapie.conformity_scores import AbsoluteConformityScore, ResidualNormalisedScore
from mapie.regression import ConformalizedQuantileRegressor, SplitConformalRegressor

from recsysops.domain.distribution import PROBABILITIES
from recsysops.model._conformal import Calibration

LOW, HIGH = PROBABILITIES < 0.49, PROBABILITIES > 0.51


class Column:
    """A fitted regressor that answers with one of its columns."""

    is_fitted = True

    def __init__(self, at=0):
        self.at = at

    def __sklearn_is_fitted__(self):
        return True

    def fit(self, features, target):
        return self

    def predict(self, features):
        return np.asarray(features)[:, self.at]


def sample(n, seed=4):
    """Return level, scale, outcome and group of `n` cases whose spread differs by case and group."""
    rng = np.random.default_rng(seed)
    level, scale, group = rng.normal(size=n), rng.uniform(0.3, 3.0, n), rng.integers(0, 3, n)
    return level, scale, level + scale * (rng.gamma(2.0, size=n) - 2) * (1 + group), group


def plain(level, score, group=None):
    """Return a calibration without age, without level, and with all in one group unless told otherwise."""
    return Calibration(level, score, np.zeros(len(level), dtype=np.int64) if group is None else group, None)


def percentiles(system, level, scale=None, bins=None):
    """Return what crepes calls lower percentiles below the median and higher percentiles above it."""
    return system.predict_percentiles(
        level, scale, bins, lower_percentiles=list(100 * PROBABILITIES[LOW]),
        higher_percentiles=list(100 * PROBABILITIES[HIGH]),
    )  # fmt: skip


@pytest.mark.parametrize("n", [37, 137, 503])
def test_all_quantiles_equal_the_percentiles_of_crepes(n):
    level, scale, y, _ = sample(n)
    new_level, new_scale, _, _ = sample(50, seed=9)
    system = ConformalPredictiveSystem().fit(residuals=y - level, sigmas=scale)

    found = plain(level, (y - level) / scale).quantiles(new_level, new_scale, np.zeros(50, dtype=np.int64))

    expected = percentiles(system, new_level, new_scale)
    np.testing.assert_allclose(found[:, LOW | HIGH], expected, rtol=1e-12, atol=1e-12)


def test_the_median_is_the_mean_of_what_crepes_gives_from_below_and_above():
    level, _, y, _ = sample(138)
    system = ConformalPredictiveSystem().fit(residuals=y - level)
    both = system.predict_percentiles(np.zeros(1), lower_percentiles=50, higher_percentiles=50)

    found = plain(level, y - level).quantiles(np.zeros(1), np.ones(1), np.zeros(1, dtype=np.int64))

    assert found[0, 9] == pytest.approx(both.mean(), abs=1e-12)


def test_groups_calibrated_apart_equal_the_mondrian_system_of_crepes():
    level, _, y, group = sample(900)
    new_level, _, _, new_group = sample(80, seed=9)
    system = ConformalPredictiveSystem().fit(residuals=y - level, bins=group)

    found = plain(level, y - level, group).quantiles(new_level, np.ones(80), new_group)

    expected = percentiles(system, new_level, bins=new_group)
    np.testing.assert_allclose(found[:, LOW | HIGH], expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("confidence", "at"), [(0.8, 1), (0.9, 0), (0.5, 4)])
def test_intervals_equal_those_of_mapies_split_conformal_regressor(confidence, at):
    level, _, y, _ = sample(251)
    score = AbsoluteConformityScore(sym=False)
    oracle = SplitConformalRegressor(Column(), confidence_level=confidence, conformity_score=score, prefit=True)
    oracle.conformalize(level[:, None], y)
    _, expected = oracle.predict_interval(np.linspace(-2, 2, 7)[:, None])

    found = plain(level, y - level).quantiles(np.linspace(-2, 2, 7), np.ones(7), np.zeros(7, dtype=np.int64))

    np.testing.assert_allclose(found[:, [at, 18 - at]], expected[:, :, 0], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("confidence", "at"), [(0.8, 1), (0.9, 0)])
def test_scores_of_a_quantile_regression_give_the_bounds_of_mapies_cqr(confidence, at):
    rng = np.random.default_rng(3)
    level, scale, y, _ = sample(301)
    low, high = level - scale * rng.uniform(0.5, 1, 301), level + scale * rng.uniform(0.5, 1, 301)
    features = np.column_stack([low, high, level])
    oracle = ConformalizedQuantileRegressor([Column(0), Column(1), Column(2)], confidence_level=confidence, prefit=True)
    oracle.conformalize(features, y)
    _, expected = oracle.predict_interval(features[:20], symmetric_correction=False)

    one = np.zeros(20, dtype=np.int64)
    lower = plain(low, y - low).quantiles(low[:20], np.ones(20), one)[:, at]
    upper = plain(high, y - high).quantiles(high[:20], np.ones(20), one)[:, 18 - at]

    np.testing.assert_allclose(np.column_stack([lower, upper]), expected[:, :, 0], rtol=1e-12, atol=1e-12)


def test_difficulty_scaling_equals_mapies_normalised_score():
    level, scale, y, _ = sample(400)
    score = ResidualNormalisedScore(residual_estimator=Column(1), prefit=True, sym=False)
    oracle = SplitConformalRegressor(Column(0), confidence_level=0.8, conformity_score=score, prefit=True)
    features = np.column_stack([level, scale])
    oracle.conformalize(features, y)
    _, expected = oracle.predict_interval(features[:30])

    found = plain(level, (y - level) / scale).quantiles(level[:30], scale[:30], np.zeros(30, dtype=np.int64))

    np.testing.assert_allclose(found[:, [1, 17]], expected[:, :, 0], rtol=1e-9, atol=1e-9)


def test_where_there_are_too_few_residuals_crepes_gives_up_and_we_give_the_outermost():
    system = ConformalPredictiveSystem().fit(residuals=np.array([-1.0, 2.0, 5.0]))
    with pytest.warns(UserWarning, match="too small"):
        expected = system.predict_percentiles(np.zeros(1), lower_percentiles=5, higher_percentiles=95)

    found = plain(np.zeros(3), np.array([-1.0, 2.0, 5.0])).quantiles(np.zeros(1), np.ones(1), np.zeros(1, dtype=int))

    assert expected.tolist() == [[-np.inf, np.inf]]
    assert found[0, [0, 18]].tolist() == [-1.0, 5.0]
