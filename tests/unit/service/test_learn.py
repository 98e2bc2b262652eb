"""Predictions made before launch, held against what happened since."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from recsysops import columns as c
from recsysops.clock import fixed_clock
from recsysops.domain.distribution import PROBABILITIES, normal_quantile
from recsysops.domain.measure import inverse, transform
from recsysops.domain.verdict import StepOutcome
from recsysops.service.learn import learn
from recsysops.service.run import run_cycle
from recsysops.testing.builders import frame_of

AS_OF = datetime(2026, 3, 2, tzinfo=UTC)
DAY = timedelta(days=1)
LAUNCH = AS_OF - 10 * DAY
CELL = {c.TITLE_ID: "t1", c.MARKET: "us", c.SURFACE: "home"}


def predict(world, days_before, median=0.1, **changes):
    """Store a prediction of t1's reach in seven days, made so many days before launch."""
    y = transform("reach", [median], [1000.0]) + 0.3 * normal_quantile(PROBABILITIES)
    quantiles = dict(zip(c.QUANTILES, inverse("reach", y, [1000.0]), strict=True))
    row = {
        **CELL, c.MEASURE: "reach", c.HORIZON: 7, c.LEAD: 7, c.AS_OF: LAUNCH - days_before * DAY, c.LAUNCH_AT: LAUNCH,
        c.PREDICTOR: c.MODEL, c.IS_SERVED: True, c.LABEL: "", c.DENOMINATOR: 1000.0, c.MODEL_ID: "m1", **quantiles,
    } | changes  # fmt: skip
    with world.store.write() as unit:
        unit.results.save("predictions", frame_of([row], c.PREDICTION), "r1", LAUNCH - days_before * DAY)
        unit.commit()


def happened(world, reach=0.2, launch=LAUNCH, **changes):
    """Store what became of t1: 1,000 active members, so many of them reached within seven days."""
    days = pd.DataFrame(
        {
            **CELL, c.SIGNAL: "impressions", c.LAUNCH_AT: launch, c.DAY: np.arange(7), c.EVENTS: 10,
            c.NEW_MEMBERS: [round(1000 * reach), *[0] * 6], c.POSITION_P10: 1.0, c.POSITION_P50: 1.0,
            c.POSITION_P90: 1.0, c.IS_PARTIAL: False,
        }
    ).assign(**changes)  # fmt: skip
    active = pd.DataFrame(
        {
            c.MARKET: "us", c.SURFACE: "home", c.SIGNAL: "impressions", c.START_AT: [launch], c.HORIZON: 7,
            c.N_ACTIVE: 1000, c.N_EVENTS: 9000, c.IS_PARTIAL: False,
        }
    )  # fmt: skip
    with world.store.write() as unit:
        unit.treatment.replace("impressions", days, active, days[list(c.CELL_KEY)].drop_duplicates())
        unit.commit()


def scores(world):
    with world.store.read() as unit:
        return unit.scores.latest()


@pytest.fixture
def launched(world):
    """A world in which t1 launched ten days ago."""
    world.launches(("t1", "us", "home", LAUNCH - 30 * DAY, LAUNCH, c.PLANNED))
    return world


def test_a_prediction_is_held_against_its_outcome(launched):
    predict(launched, 8, median=0.1)
    happened(launched, reach=0.2)

    report = learn(launched.context())

    found = scores(launched).iloc[0]
    error = transform("reach", [0.2], [1000.0])[0] - transform("reach", [0.1], [1000.0])[0]
    assert (report.n_new, report.n_launches) == (1, 1)
    assert (found[c.ACTUAL], found[c.DENOMINATOR], found[c.LEAD]) == (0.2, 1000, 7)
    assert found[c.ABSOLUTE_ERROR] == pytest.approx(error)
    assert found[c.PIT] == 1.0  # beyond 0.95
    assert found[c.KNOWN_AT] == LAUNCH + 7 * DAY
    assert found[c.CRPS] > found[c.PINBALL] > 0


def test_learning_twice_adds_nothing(launched):
    predict(launched, 8)
    happened(launched)
    first = learn(launched.context())

    again = learn(launched.context())

    assert (first.n_new, again.n_new, again.n_corrected, again.n_withdrawn) == (1, 0, 0, 0)
    assert len(launched.store.frames.launch_scores) == 1


def test_each_lead_and_predictor_is_scored(launched):
    for days in (20, 10, 4, 2):
        predict(launched, days)
    predict(launched, 1, **{c.PREDICTOR: c.COMPARABLE_TITLES, c.MODEL_ID: None, c.IS_SERVED: False})
    happened(launched)

    learn(launched.context())

    found = scores(launched)
    kept = sorted(zip(found[c.PREDICTOR], found[c.LEAD].tolist(), strict=True))
    assert kept == [("comparable_titles", 1), ("model", 1), ("model", 3), ("model", 7), ("model", 14)]


def test_an_outcome_whose_window_has_not_ended_is_not_scored(launched):
    predict(launched, 8)
    happened(launched)

    early = learn(launched.context(), as_of=LAUNCH + 6.9 * DAY)

    assert early.n_new == 0
    assert learn(launched.context(), as_of=LAUNCH + 7 * DAY).n_new == 1


def test_an_outcome_that_rests_on_part_of_the_logs_is_not_scored(launched):
    predict(launched, 8)
    happened(launched, **{c.IS_PARTIAL: True})

    assert learn(launched.context()).n_new == 0


def test_a_launch_that_moved_after_the_prediction_is_not_scored(launched):
    predict(launched, 8, **{c.LAUNCH_AT: LAUNCH - DAY})
    happened(launched)

    assert learn(launched.context()).n_new == 0


def test_a_corrected_outcome_is_added_and_counts_and_the_first_stays(launched):
    predict(launched, 8)
    happened(launched, reach=0.2)
    learn(launched.context())
    happened(launched, reach=0.15)

    report = learn(launched.context())

    kept = launched.store.frames.launch_scores
    assert (report.n_new, report.n_corrected) == (0, 1)
    assert report.sentence == "1 scores were corrected."
    assert [row[c.ACTUAL] for row in kept] == [0.2, 0.15]
    assert kept[1][c.KNOWN_AT] == AS_OF
    assert scores(launched)[c.ACTUAL].tolist() == [0.15]


def test_an_outcome_that_goes_back_to_what_it_was_counts_again(launched):
    predict(launched, 8)
    for reach in (0.2, 0.15, 0.2):
        happened(launched, reach=reach)
        learn(launched.context())

    assert scores(launched)[c.ACTUAL].tolist() == [0.2]
    assert len(launched.store.frames.launch_scores) == 3


def test_the_score_of_a_launch_that_turns_out_to_have_moved_is_taken_back(launched):
    predict(launched, 8)
    happened(launched)
    learn(launched.context())
    launched.launches(("t1", "us", "home", AS_OF - DAY, LAUNCH + DAY, c.PLANNED))

    report = learn(launched.context())
    again = learn(launched.context())

    assert (report.n_withdrawn, again.n_withdrawn) == (1, 0)
    assert "1 scores were taken back" in report.sentence
    assert scores(launched)[c.ACTUAL].isna().all()
    assert launched.store.frames.launch_scores[0][c.ACTUAL] == 0.2


def test_a_launch_that_moved_and_was_predicted_anew_is_corrected_not_taken_back(launched):
    predict(launched, 8)
    happened(launched)
    learn(launched.context())
    moved = LAUNCH + DAY
    launched.launches(("t1", "us", "home", AS_OF - DAY, moved, c.PLANNED))
    predict(launched, 7, median=0.3, **{c.LAUNCH_AT: moved})
    happened(launched, launch=moved)

    report = learn(launched.context())

    found = scores(launched)
    assert (report.n_corrected, report.n_withdrawn) == (1, 0)
    assert found[c.LAUNCH_AT].tolist() == [moved]


def test_a_replay_in_the_past_takes_nothing_back_that_was_learned_later(launched):
    predict(launched, 8)
    happened(launched)
    learn(launched.context())
    launched.launches(("t1", "us", "home", LAUNCH - 20 * DAY, LAUNCH + DAY, c.PLANNED))

    assert learn(launched.context(), as_of=LAUNCH).n_withdrawn == 0


def test_the_same_launch_draws_the_same_number_every_time(launched):
    zero = dict.fromkeys(c.QUANTILES, 0.0)
    predict(launched, 8, **zero)
    happened(launched, reach=0.0)
    learn(launched.context())
    first = scores(launched)[c.PIT].tolist()
    launched.store.frames.launch_scores.clear()

    learn(launched.context())

    assert scores(launched)[c.PIT].tolist() == first
    assert 0 < first[0] < 1


def test_a_cycle_learns_only_what_is_new_or_corrected(launched):
    predict(launched, 8)
    happened(launched)
    learn(launched.context())
    predict(launched, 7.5, median=0.3)  # a replay: the same lead, made later

    step = next(step for step in run_cycle(launched.context()).run.steps if step.name == "learn")
    everything = learn(launched.context())

    assert (step.outcome, step.n) == (StepOutcome.RAN, 0)
    assert everything.n_corrected == 1


def test_a_cycle_holds_predictions_of_earlier_cycles_against_what_happened(launched):
    predict(launched, 8)
    happened(launched)

    step = next(step for step in run_cycle(launched.context()).run.steps if step.name == "learn")

    assert step.n == 1
    assert len(scores(launched)) == 1


def test_a_failure_to_learn_stops_no_cycle(launched):
    predict(launched, 8)
    happened(launched)
    context = launched.context()
    broken = replace(context, store=_Broken(launched.store))

    report = run_cycle(broken)

    step = next(step for step in report.run.steps if step.name == "learn")
    assert step.outcome is StepOutcome.FAILED
    assert report.run.is_followed


def test_before_the_first_prediction_there_is_nothing_to_learn(world):
    report = learn(world.context(clock=fixed_clock(AS_OF)))

    assert (report.n_new, report.run.has_failed) == (0, False)


class _Broken:
    """A store whose scores cannot be read."""

    def __init__(self, store):
        self._store = store

    def write(self):
        return self._store.write()

    def read(self):
        unit = self._store.read()
        begin = unit._begin

        def begin_without():
            begin()
            unit.scores = None

        unit._begin = begin_without
        return unit
