"""The tune verb: asks for every target, suggests only what is better, writes nothing itself."""

from types import SimpleNamespace

import pytest
from rich.console import Console

from recsysops.domain.tuning import Trial, Tuning
from recsysops.errors import UsageError
from recsysops.service.tune import tune
from recsysops.settings import with_model_settings
from recsysops.terminal import tuned


def tuning(low):
    trials = (Trial(settings={}, loss=1.0), Trial(settings={"leaves": 7, "learning_rate": 0.08}, loss=0.97))
    return Tuning(
        trials=trials, best=trials[1].settings, n_chosen=100, n_judged=90, gain=0.03, low=low, high=0.06,
        refused=("There are 3 past launches.",),
    )  # fmt: skip


def shown(report):
    console = Console(record=True, width=120)
    tuned(report, console)
    return console.export_text()


@pytest.fixture
def tuned_world(world):
    """Return a context whose forecaster answers with a tuning, and what it was asked."""
    asked = []

    def answer(low):
        def run(history, at, targets, settings, n_trials, progress):
            asked.append((targets, n_trials, history.label))
            return tuning(low)

        return world.context(forecaster=SimpleNamespace(tune=run)), asked

    return answer


def test_settings_that_are_better_are_suggested(tuned_world):
    context, asked = tuned_world(0.01)

    report = tune(context, n_trials=2, measures=("reach",), horizons=(1, 7))

    assert asked[0][:2] == ((("reach", 1), ("reach", 7)), 2)
    assert report.suggestion == {"leaves": 7, "learning_rate": 0.08}
    text = shown(report)
    assert "[model]" in text
    assert "leaves = 7" in text
    assert "There are 3 past launches." in text


def test_where_the_interval_holds_zero_nothing_is_suggested_and_it_is_said(tuned_world):
    context, _ = tuned_world(-0.01)

    report = tune(context, n_trials=2)

    assert report.suggestion == {}
    assert "The bundled settings are not beaten" in shown(report)


@pytest.mark.parametrize("n_trials", [0, 201])
def test_the_number_of_trials_is_bounded(tuned_world, n_trials):
    context, _ = tuned_world(0.01)

    with pytest.raises(UsageError, match="trials"):
        tune(context, n_trials=n_trials)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a = 1\n[model]\nleaves = 3 # old\nseed = 2\n\n[api]\nport = 1\n",
         "a = 1\n[model]\nleaves = 7\nrounds = 80\nseed = 2\n\n[api]\nport = 1\n"),
        ("# mine\n[api]\nport = 1\n", "# mine\n[api]\nport = 1\n\n[model]\nleaves = 7\nrounds = 80\n"),
        ("", "[model]\nleaves = 7\nrounds = 80\n"),
    ],
)  # fmt: skip
def test_values_are_written_into_the_section_and_all_else_stays(before, after):
    assert with_model_settings(before, {"leaves": 7, "rounds": 80}) == after


@pytest.mark.parametrize("text", ["model = { leaves = 3 }\n", "model.leaves = 3\n", 'a = """\n[model]\n"""\n', "a =\n"])
def test_a_file_that_cannot_be_changed_safely_is_left_to_people(text):
    with pytest.raises(UsageError, match="by hand"):
        with_model_settings(text, {"leaves": 7})
