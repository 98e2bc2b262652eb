"""What the conformal layer promises of any residuals: order, coverage, groups, weights, and no silent nonsense."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from recsysops.domain.distribution import PROBABILITIES
from recsysops.errors import ModelError
from recsysops.model._calibrating import Residuals, calibrated, mondrian
from recsysops.model._conformal import Calibration, weighted_quantiles
from recsysops.model._scores import randomised_pit

NUMBERS = st.floats(-1e6, 1e6).map(lambda x: round(x, 3))
DAY = 86_400_000_000


@st.composite
def calibrations(draw):
    """Return a calibration of 1 to 250 residuals: tied, weightless, in one group or several."""
    n = draw(st.integers(1, 250))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    digits = draw(st.sampled_from([0, 1, 6]))
    weight = draw(st.sampled_from([None, np.zeros(n), rng.uniform(size=n), 0.9 ** np.arange(n)[::-1]]))
    group = rng.integers(0, draw(st.integers(1, 3)), (n, draw(st.integers(1, 3))))
    return Calibration(
        rng.normal(size=n).round(digits), rng.standard_t(3, size=n).round(digits), group,
        draw(st.sampled_from([None, 0.05, 0.2])), weight,
    )  # fmt: skip


@given(calibrations(), st.lists(NUMBERS, min_size=1, max_size=20))
@settings(max_examples=80, deadline=None)
def test_quantiles_ascend_are_finite_and_lie_among_the_residuals(fitted, levels):
    level = np.array(levels)
    group = np.zeros((len(level), fitted.group.shape[1]), dtype=np.int64)

    found = fitted.quantiles(level, np.ones(len(level)), group)

    assert np.isfinite(found).all()
    assert (np.diff(found, axis=1) >= 0).all()
    assert (found - level[:, None] >= fitted.score.min() - 1e-6).all()
    assert (found - level[:, None] <= fitted.score.max() + 1e-6).all()


@given(hnp.arrays(np.float64, st.integers(1, 60), elements=NUMBERS), st.floats(0.5, 40), NUMBERS)
@settings(max_examples=60, deadline=None)
def test_shifting_and_stretching_a_case_shifts_and_stretches_its_quantiles(scores, scale, level):
    fitted = Calibration(np.zeros(len(scores)), scores, np.zeros(len(scores), dtype=np.int64), None)
    one = np.zeros(1, dtype=np.int64)
    plain = fitted.quantiles(np.zeros(1), np.ones(1), one)

    found = fitted.quantiles(np.array([level]), np.array([scale]), one)

    np.testing.assert_allclose(found, level + scale * plain, rtol=1e-9, atol=1e-6)


@given(hnp.arrays(np.float64, st.integers(2, 60), elements=NUMBERS), st.data())
@settings(max_examples=60, deadline=None)
def test_a_residual_that_weighs_nothing_is_as_good_as_absent(scores, data):
    scores = np.sort(scores)
    kept = np.array(data.draw(st.lists(st.booleans(), min_size=len(scores), max_size=len(scores))))
    kept[0] = True

    found = weighted_quantiles(scores, kept[None, :].astype(float))

    expected = weighted_quantiles(scores[kept], np.ones((1, kept.sum())))
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("n", [19, 60, 400])
def test_exchangeable_cases_are_covered_as_promised(n):
    """The last of n + 1 exchangeable cases: its interval covers at least 1 - 2p, and at most 2 / (n + 1) more."""
    rng = np.random.default_rng(n)
    y = rng.lognormal(size=(6000, n + 1))
    covered = []
    for row in y:
        found = weighted_quantiles(np.sort(row[:n]), np.ones((1, n)))[0]
        covered.append((found[[0, 1, 4]] <= row[n]) & (row[n] <= found[[18, 17, 14]]))
    share = np.mean(covered, axis=0)

    assert (share >= np.array([0.9, 0.8, 0.5]) - 0.02).all()
    assert (share <= np.array([0.9, 0.8, 0.5]) + 2 / (n + 1) + 0.02).all()


@pytest.mark.parametrize("mean", [0.4, 2.0])
def test_counts_with_many_zeros_are_calibrated_by_the_randomised_pit(mean):
    rng = np.random.default_rng(5)
    y = np.log1p(rng.poisson(mean, 4000).astype(float))
    fitted = Calibration(np.zeros(2000), y[:2000], np.zeros(2000, dtype=np.int64), None)

    found = fitted.quantiles(np.zeros(2000), np.ones(2000), np.zeros(2000, dtype=np.int64))
    pit = randomised_pit(y[2000:], found, 1)

    assert ((pit >= 0.1) & (pit <= 0.9)).mean() == pytest.approx(0.8, abs=0.03)
    assert pit.mean() == pytest.approx(0.5, abs=0.03)


def test_old_residuals_that_no_longer_hold_are_outweighed():
    rng = np.random.default_rng(1)
    score = np.concatenate([rng.normal(size=300), 3 * rng.normal(size=300)])
    weight = 0.99 ** np.repeat([200, 0], 300)
    aged = Calibration(np.zeros(600), score, np.zeros(600, dtype=np.int64), None, weight)
    one = np.zeros(1, dtype=np.int64)

    found = aged.quantiles(np.zeros(1), np.ones(1), one)[0]

    now = Calibration(np.zeros(300), score[300:], np.zeros(300, dtype=np.int64), None)
    np.testing.assert_allclose(found, now.quantiles(np.zeros(1), np.ones(1), one)[0], rtol=0.4, atol=0.3)


def parted(weight):
    """Return residuals of two groups of 400, the second in parts of 350 and 50, each part with a score of its own."""
    group = np.column_stack([np.repeat([0, 1], 400), np.concatenate([np.zeros(750), np.ones(50)])]).astype(np.int64)
    score = np.concatenate([np.full(400, -1.0), np.full(350, 1.0), np.full(50, 2.0)])
    return Calibration(np.zeros(800), score, group, None, np.full(800, weight))


def test_a_small_part_of_a_group_shares_with_the_group_not_with_all():
    found = parted(1.0).quantiles(np.zeros(4), np.ones(4), np.array([[1, 0], [1, 1], [0, 7], [9, 9]]))

    assert found[0].tolist() == [1.0] * 19
    assert found[1, [0, 18]].tolist() == [1.0, 2.0]
    assert found[2].max() == -1.0
    assert found[3, [0, 18]].tolist() == [-1.0, 2.0]


def test_a_part_whose_residuals_are_old_shares_with_its_group():
    found = parted(0.8).quantiles(np.zeros(1), np.ones(1), np.array([[1, 0]]))

    assert found[0, [0, 18]].tolist() == [1.0, 2.0]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("part", ["level", "score", "weight"])
def test_what_is_not_finite_is_refused(part, bad):
    parts = {"level": np.zeros(3), "score": np.zeros(3), "weight": np.ones(3)}
    parts[part][1] = bad

    with pytest.raises(ModelError, match="Train the model again"):
        Calibration(parts["level"], parts["score"], np.zeros(3, dtype=np.int64), None, parts["weight"])


@pytest.mark.parametrize("weight", [[-0.1, 1.0], [1.1, 1.0], [1.0]])
def test_weights_outside_their_range_or_of_another_length_are_refused(weight):
    with pytest.raises(ModelError):
        Calibration(np.zeros(2), np.zeros(2), np.zeros(2, dtype=np.int64), None, np.array(weight))


def test_no_residuals_are_refused():
    with pytest.raises(ModelError):
        Calibration(np.zeros(0), np.zeros(0), np.zeros(0, dtype=np.int64))


def test_no_cases_have_no_quantiles():
    fitted = Calibration(np.zeros(2), np.zeros(2), np.zeros(2, dtype=np.int64))

    assert fitted.quantiles(np.zeros(0), np.zeros(0), np.zeros(0, dtype=np.int64)).shape == (0, len(PROBABILITIES))


def test_weights_survive_json_and_a_calibration_of_before_has_none():
    fitted = Calibration(np.zeros(2), np.ones(2), np.zeros((2, 2), dtype=np.int64), None, np.array([0.1 + 0.2, 1.0]))

    again = Calibration.from_json(fitted.to_json())
    before = Calibration.from_json('{"level": [1.0], "score": [2.0], "group": [0], "bandwidth": 0.2}')

    assert again.weight.tolist() == [0.1 + 0.2, 1.0]
    assert again.group.tolist() == [[0, 0], [0, 0]]
    assert before.weight is None


def residuals(n, spread, *, seed=2):
    """Return `n` residuals, ten a week, each as wide as `spread` says of its number and level."""
    rng = np.random.default_rng(seed)
    level, number = rng.normal(size=n), np.arange(n)
    launch = (number // 10) * 7 * DAY
    residual = rng.normal(size=n) * spread(number / n, level)
    return Residuals(level, np.ones(n), residual, np.zeros(n, dtype=np.int64), launch)


def test_few_residuals_age_by_one_in_a_hundred_a_week():
    found = calibrated(residuals(120, lambda time, level: 1.0))

    np.testing.assert_allclose(found.weight[[0, -1]], [0.99**11, 1.0])
    assert found.bandwidth is not None


def test_the_level_counts_where_the_spread_differs_by_it():
    found = calibrated(residuals(3000, lambda time, level: np.exp(0.8 * level)))

    assert found.bandwidth is not None
    narrow, wide = found.quantiles(np.array([-1.5, 1.5]), np.ones(2), np.zeros(2, dtype=np.int64))
    assert wide[17] - wide[1] > 3 * (narrow[17] - narrow[1])


def test_the_past_decides_how_fast_residuals_age():
    found = calibrated(residuals(3000, lambda time, level: np.exp(3 * time)))

    assert found.weight[0] == pytest.approx(0.97**299)


def test_launches_of_a_market_and_with_a_missing_field_are_calibrated_apart():
    columns = {"|market|is|GB": np.array([1.0, 0, 0]), "|market|is|US": np.array([0.0, 1, 0]), "|lead": np.ones(3)}

    found = mondrian(columns, np.array([0, 1, 1]))

    assert found.tolist() == [[0, 1], [1, 2], [1, 0]]
