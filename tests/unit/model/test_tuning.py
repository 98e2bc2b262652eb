"""Tuning: a bounded search on past launches, judged on later ones than those it chose on."""

import numpy as np
import pytest

from recsysops.domain.tuning import Trial, Tuning
from recsysops.errors import ModelError
from recsysops.model import _tuning
from recsysops.model.forecaster import LaunchForecaster
from recsysops.settings import ModelSettings

SETTINGS = ModelSettings(seed=1, threads=1)


@pytest.fixture
def small(monkeypatch):
    """Let the search choose between two settings, one of them hopeless."""
    monkeypatch.setattr(_tuning, "SPACE", {"rounds": (10, 60), "n_comparables": (25,)})


def test_every_trial_is_told_and_the_best_is_judged_on_later_launches(small, history, as_of, make, quiet):
    targets = [("reach", 7), ("uptake", 7)]

    found = LaunchForecaster().tune(history, as_of, targets, SETTINGS, 2, quiet)

    assert [dict(trial.settings) for trial in found.trials[:1]] == [{}]
    assert {trial.settings["rounds"] for trial in found.trials[1:]} == {10, 60}
    assert [trial.loss for trial in found.trials[1:]] == sorted(trial.loss for trial in found.trials[1:])
    assert found.n_chosen + found.n_judged > 100
    assert abs(found.n_chosen - found.n_judged) < 20
    assert ["uptake" in reason for reason in found.refused] == [True]
    assert (found.gain is None) == (not found.best)


def test_a_setting_that_is_better_everywhere_is_found_and_one_that_is_not_is_not(small, history, as_of, make, quiet):
    hopeless = SETTINGS.model_copy(update={"rounds": 10})

    found = LaunchForecaster().tune(history, as_of, [("reach", 7)], hopeless, 2, quiet)

    # The bundled settings are what it is held against, whatever the present ones are.
    assert found.trials[0].loss == 1.0
    assert found.trials[-1].settings["rounds"] == 10
    assert found.trials[-1].loss > 1.05


def test_with_too_little_history_the_reason_is_told(make, as_of, quiet):
    with pytest.raises(ModelError, match="nothing to tune on"):
        LaunchForecaster().tune(make[0](n=30), as_of, [("reach", 7)], SETTINGS, 1, quiet)


@pytest.mark.parametrize(
    ("best", "low", "better"), [({"leaves": 7}, 0.01, True), ({"leaves": 7}, -0.01, False), ({}, None, False)]
)
def test_better_means_an_interval_above_zero(best, low, better):
    trials = (Trial(settings={}, loss=1.0),)
    found = Tuning(trials=trials, best=best, n_chosen=1, n_judged=1, gain=0.02, low=low, high=0.05)

    assert found.is_better is better


def test_the_same_seed_draws_the_same_different_choices():
    first, second = _tuning._choices(20, 1), _tuning._choices(20, 1)

    assert first == second
    assert len({tuple(choice.items()) for choice in first}) == 20
    assert all(np.isin(value, _tuning.SPACE[name]) for choice in first for name, value in choice.items())
