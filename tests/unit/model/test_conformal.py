"""Conformal quantiles: exact order statistics, equal to MAPIE's, with the coverage they promise."""

import numpy as np
import pytest

from recsysops.domain.distribution import PROBABILITIES
from recsysops.model._conformal import Calibration, weighted_quantiles


def calibration(scores, level=None, group=None, bandwidth=None):
    n = len(scores)
    level = np.zeros(n) if level is None else level
    return Calibration(level, scores, np.zeros(n, dtype=np.int64) if group is None else group, bandwidth)


def test_equal_weights_give_the_order_statistics_of_split_conformal():
    scores = np.arange(1.0, 100.0)

    found = weighted_quantiles(scores, np.ones((1, 99)))[0]

    np.testing.assert_allclose(found, 100 * PROBABILITIES)


def test_too_few_residuals_for_a_level_give_the_outermost():
    found = weighted_quantiles(np.array([-1.0, 2.0, 5.0]), np.ones((1, 3)))[0]

    assert found[0] == -1.0
    assert found[-1] == 5.0


def test_quantiles_equal_those_of_mapie():
    from mapie.conformity_scores import AbsoluteConformityScore
    from mapie.regression import SplitConformalRegressor

    class Zero:
        """A fitted regressor that always says 0."""

        is_fitted = True

        def fit(self, features, target):
            return self

        def predict(self, features):
            return np.zeros(len(features))

    rng = np.random.default_rng(5)
    y = rng.gamma(2.0, size=137)
    score = AbsoluteConformityScore(sym=False)
    oracle = SplitConformalRegressor(Zero(), confidence_level=0.8, conformity_score=score, prefit=True)
    oracle.conformalize(np.zeros((137, 1)), y)
    _, interval = oracle.predict_interval(np.zeros((3, 1)))

    found = calibration(y).quantiles(np.zeros(3), np.ones(3), np.zeros(3, dtype=np.int64))

    np.testing.assert_allclose(found[:, 1], interval[:, 0, 0])
    np.testing.assert_allclose(found[:, 17], interval[:, 1, 0])


def covered(bandwidth):
    """Return levels and whether each of 1,500 new cases is covered, where the spread grows with the level."""
    rng = np.random.default_rng(7)
    level = rng.normal(size=3000)
    residual = rng.normal(size=3000) * np.exp(0.5 * level)
    fitted = calibration(residual[:1500], level[:1500], bandwidth=bandwidth)
    found = fitted.quantiles(level[1500:], np.ones(1500), np.zeros(1500, dtype=np.int64))
    y = (level + residual)[1500:]
    return level[1500:], (y >= found[:, 1]) & (y <= found[:, 17])


def test_the_middle_eighty_percent_covers_eighty_percent():
    _, plain = covered(None)
    _, local = covered(0.2)

    assert plain.mean() == pytest.approx(0.8, abs=0.03)
    assert local.mean() == pytest.approx(0.8, abs=0.03)


def test_weights_by_level_bring_coverage_nearer_where_the_spread_differs():
    level, plain = covered(None)
    _, local = covered(0.2)
    high = level > 0.5

    assert abs(local[high].mean() - 0.8) < abs(plain[high].mean() - 0.8)
    assert abs(local[~high].mean() - 0.8) < abs(plain[~high].mean() - 0.8)


def test_quantiles_ascend_and_scale_with_difficulty():
    rng = np.random.default_rng(1)
    fitted = Calibration(rng.normal(size=300), rng.normal(size=300), rng.integers(0, 2, 300))

    found = fitted.quantiles(np.zeros(2), np.array([1.0, 2.0]), np.zeros(2, dtype=np.int64))

    assert (np.diff(found, axis=1) >= 0).all()
    np.testing.assert_allclose(found[1], 2 * found[0])


def test_a_large_group_is_calibrated_apart_and_a_small_one_with_all():
    scores = np.concatenate([np.full(150, -1.0), np.full(150, 1.0), np.full(20, 9.0)])
    group = np.repeat([0, 1, 2], [150, 150, 20])

    found = calibration(scores, group=group).quantiles(np.zeros(3), np.ones(3), np.array([0, 1, 2]))

    assert found[0].max() == -1.0
    assert found[1].min() == 1.0
    assert found[2].min() == -1.0
    assert found[2].max() == 9.0


def test_leaving_out_residuals_leaves_the_others():
    fitted = calibration(np.array([1.0, 2.0, 3.0]))

    assert fitted.without(np.array([False, True, False])).score.tolist() == [1.0, 3.0]


def test_json_keeps_every_bit():
    rng = np.random.default_rng(2)
    fitted = Calibration(rng.normal(size=50), rng.normal(size=50), rng.integers(0, 2, 50), 0.2)

    again = Calibration.from_json(fitted.to_json())

    assert (again.level == fitted.level).all()
    assert (again.score == fitted.score).all()
    assert (again.group == fitted.group).all()
    assert again.bandwidth == 0.2
