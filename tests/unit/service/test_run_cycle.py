"""What a whole cycle does when a part of it fails, or is killed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from recsysops import columns as c
from recsysops.domain.verdict import StepOutcome
from recsysops.errors import RunFailedError, StoreError
from recsysops.service.detect import detect, detect_into
from recsysops.service.prune import prune
from recsysops.service.recording import Recorder
from recsysops.service.run import run_cycle
from recsysops.service.train import train

AS_OF = datetime(2026, 3, 2, tzinfo=UTC)
DAY = timedelta(days=1)


def step(run, name):
    return next(step for step in run.steps if step.name == name and step.kind == "step")


def broken_trainer(context):
    def explode(*_):
        raise MemoryError("no room")

    context.forecaster.train = explode
    return context


def test_a_failed_training_leaves_the_earlier_models_to_predict(world):
    world.upcoming(fine="good")
    train(world.context(), as_of=AS_OF - 30 * DAY)

    report = run_cycle(broken_trainer(world.context()))

    assert step(report.run, "train").outcome is StepOutcome.FAILED
    predicted = step(report.run, "predict")
    assert predicted.outcome is StepOutcome.RAN
    assert predicted.reason == "Training failed: predicted with earlier models, the oldest of them of 2026-01-31."
    assert len(report.run.models) == 6
    assert report.run.has_failed
    with world.store.read() as unit:
        assert len(unit.results.load(c.PREDICTIONS, AS_OF)) == 6


def test_without_any_model_a_failed_training_leaves_comparable_titles(world):
    world.upcoming(fine="good")

    report = run_cycle(broken_trainer(world.context()))

    assert "comparable titles answered alone" in step(report.run, "predict").reason


def test_a_failed_prediction_stops_no_cycle(world):
    world.upcoming(fine="good")
    context = world.context()

    def explode(*_):
        raise MemoryError("no room")

    context.forecaster.predict = explode
    report = run_cycle(context)

    assert step(report.run, "predict").outcome is StepOutcome.FAILED
    assert report.run.models == ()
    assert report.run.is_followed


def test_a_run_whose_training_is_not_due_says_nothing_of_it(world):
    world.upcoming(fine="good")
    train(world.context())

    report = run_cycle(world.context())

    assert step(report.run, "predict").reason == ""


def test_a_run_that_is_killed_after_it_published_findings_counts_as_followed(world):
    world.upcoming(wrong="bad")
    context = world.context()

    detect_into(context, Recorder(context, "detect", AS_OF), AS_OF)  # and never finished

    with world.store.read() as unit:
        last = unit.runs.last_followed()
    assert last is not None
    assert (last.as_of, last.finished_at) == (AS_OF, None)
    older = detect(context, as_of=AS_OF - DAY)
    assert not older.is_followed
    assert not older.run.is_followed


def test_findings_that_could_not_be_stored_are_not_followed(world):
    world.upcoming(wrong="bad")
    context = world.context()
    recorder = Recorder(context, "detect", AS_OF)

    class Full:
        """A store in which nothing can be made permanent any more."""

        def read(self):
            return world.store.read()

        def write(self):
            unit = world.store.write()

            def commit():
                raise StoreError("The disk is full.")

            unit.commit = commit
            return unit

    with pytest.raises((StoreError, RunFailedError)):
        detect_into(replace(context, store=Full()), recorder, AS_OF)

    assert not recorder.run.is_followed
    with world.store.read() as unit:
        assert unit.runs.last_followed() is None


def test_a_cycle_prunes_at_its_end(world):
    world.upcoming(fine="good")

    detect(world.context(), as_of=AS_OF - 200 * DAY)
    report = run_cycle(world.context())

    assert step(report.run, "prune").outcome is StepOutcome.RAN


def test_pruning_removes_old_results_and_is_on_record(world):
    world.upcoming(fine="good")
    detect(world.context(), as_of=AS_OF - 200 * DAY)
    world.launches(("fine", "us", "home", AS_OF - 300 * DAY, AS_OF - 198 * DAY, c.PLANNED))
    detect(world.context(), as_of=AS_OF - 200 * DAY)
    detect(world.context())

    report = prune(world.context())

    assert report.run.verb == "prune"
    assert not report.run.has_failed
    assert report.n_removed == sum(report.removed.values()) > 0


def test_a_pruning_that_fails_is_told_and_stops_nothing(world):
    world.upcoming(fine="good")
    context = world.context()

    class NoHousekeeping:
        def read(self):
            return world.store.read()

        def write(self):
            unit = world.store.write()
            begin = unit.__enter__

            class Unit:
                def __enter__(self):
                    begin()
                    return self

                def __exit__(self, *error):
                    return unit.__exit__(*error)

                def __getattr__(self, name):
                    if name == "housekeeping":
                        raise StoreError("The disk is full.")
                    return getattr(unit, name)

            return Unit()

    report = run_cycle(replace(context, store=NoHousekeeping()))

    assert step(report.run, "prune").reason == "The disk is full."
    assert report.run.finished_at is not None
