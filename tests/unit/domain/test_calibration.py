"""The alarm on calibration: silent where predictions hold, heard within weeks where they do not."""

import numpy as np
import pytest
from scipy.special import ndtr

from recsysops.domain.calibration import THRESHOLD, evidence, judge

KIND = ("reach", 7, "model")


def pits(weeks, n=20, *, mean=0.0, spread=1.0, begins=0, seed=0, shock=0.0):
    """Return PITs and weeks of normal outcomes that move at a week; beyond the outermost quantiles 0 and 1."""
    rng = np.random.default_rng(seed)
    week = np.repeat(np.arange(weeks), n)
    z = rng.normal(size=len(week)) * np.sqrt(1 - shock) + np.repeat(rng.normal(size=weeks), n) * np.sqrt(shock)
    pit = ndtr(np.where(week >= begins, mean + spread * z, z))
    return np.where(pit < 0.05, 0.0, np.where(pit > 0.95, 1.0, pit)), week


def first_alarm(**given):
    """Return weeks from the change to the first alarm; infinite without one."""
    value = evidence(*pits(**given)).value[given.get("begins", 0) :]
    (over,) = np.nonzero(value > THRESHOLD)
    return over[0] + 1 if len(over) else np.inf


@pytest.mark.parametrize(("n", "shock", "most"), [(20, 0.0, 0.15), (5, 0.0, 0.22), (20, 0.03, 0.22)])
def test_calibrated_predictions_hardly_ever_raise_an_alarm_in_a_year(n, shock, most):
    false = [np.isfinite(first_alarm(weeks=52, n=n, shock=shock, seed=seed)) for seed in range(200)]

    assert np.mean(false) <= most


@pytest.mark.parametrize(
    ("change", "within"),
    [({"mean": 0.5}, 3), ({"mean": -0.5}, 3), ({"mean": 1.0}, 2), ({"spread": 1.6}, 3), ({"spread": 0.6}, 3)],
)
def test_a_change_is_found_within_weeks(change, within):
    after = [first_alarm(weeks=60, begins=30, seed=seed, **change) for seed in range(41)]

    assert np.median(after) <= within


def test_evidence_of_fair_predictions_grows_by_a_week_a_week_at_most():
    value = np.array([evidence(*pits(30, seed=seed)).value for seed in range(400)])

    assert 0.3 < value[:, 0].mean() < 1.1
    assert value[:, -1].mean() < 35


def test_markets_of_one_title_are_one_witness():
    pit, week = pits(52, 5)
    title = np.arange(len(pit))
    copies = [np.tile(part, 6) for part in (pit, week, title)]

    assert evidence(*copies).value == pytest.approx(evidence(pit, week, title).value)
    assert evidence(copies[0], copies[1]).value.max() > evidence(pit, week).value.max()


def test_the_order_of_outcomes_within_a_week_does_not_matter():
    pit, week = pits(20)
    order = np.random.default_rng(1).permutation(len(pit))

    assert evidence(pit[order], week[order]).value == pytest.approx(evidence(pit, week).value)


def test_a_broken_calibration_says_since_when_and_how_it_is_off():
    found = judge(KIND, *pits(40, mean=1.0, begins=30))

    assert found.is_broken
    assert 8 <= found.weeks_broken <= 10
    assert found.bias == pytest.approx(0.7, abs=0.3)
    assert found.coverage_80 < 0.7
    assert (found.n, found.n_weeks) == (800, 40)
    assert found.evidence <= 10 * THRESHOLD


def test_a_calibration_that_was_repaired_is_fine_again_within_weeks():
    bad, week = pits(20, mean=1.0)
    good, after = pits(25, seed=5)

    found = judge(KIND, np.append(bad, good), np.append(week, after + 20))

    assert not found.is_broken
    assert found.weeks_broken == 0
    assert judge(KIND, bad, week).weeks_broken >= 17


def test_before_the_first_outcome_nothing_is_broken():
    found = judge(KIND, [], [])

    assert not found.is_broken
    assert found.evidence == 0
    assert np.isnan(found.coverage_80)
    assert evidence([], []).value.shape == (0,)


def test_every_week_broken_from_the_first_on_is_counted():
    found = judge(KIND, np.ones(60), np.repeat([7, 8, 9], 20))

    assert found.weeks_broken == 3
