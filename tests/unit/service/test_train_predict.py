from datetime import UTC, datetime, timedelta

from recsysops import columns as c
from recsysops.domain.verdict import StepOutcome
from recsysops.service.backtest import backtest
from recsysops.service.predict import predict
from recsysops.service.recording import Recorder
from recsysops.service.train import train, train_when_due

AS_OF = datetime(2026, 3, 2, tzinfo=UTC)
DAY = timedelta(days=1)


def forecaster(world, **told):
    return type(world.context().forecaster)(**told)


def outcome_of_training(context, as_of):
    recorder = Recorder(context, "run", as_of)
    train_when_due(context, recorder, as_of)
    return recorder.run.steps[-1].outcome


def test_every_measure_and_horizon_gets_a_model_and_it_is_active(world):
    context = world.context()

    report = train(context)

    assert {(card.measure, card.horizon) for card in report.cards} == {
        (measure, horizon) for measure in ("reach", "impression_share") for horizon in (1, 7, 28)
    }
    with world.store.read() as unit:
        assert {card.model_id for card in unit.models.active()} == {card.model_id for card in report.cards}


def test_a_measure_that_cannot_be_learned_is_said_and_stops_no_other(world):
    report = train(world.context(forecaster=forecaster(world, refuses=("reach",))))

    assert {card.measure for card in report.cards} == {"impression_share"}
    assert report.refused == ("No past launch has reach.",) * 3
    assert not report.run.has_failed


def test_nothing_to_learn_from_is_a_skipped_step_not_a_failed_run(world):
    context = world.context(forecaster=forecaster(world, refuses=("reach", "impression_share")))

    report = train(context)

    assert [step.outcome for step in report.run.steps] == [StepOutcome.SKIPPED]


def test_a_run_trains_only_when_the_models_are_old_or_from_the_future(world):
    context = world.context()
    train(context, as_of=AS_OF)

    assert outcome_of_training(context, AS_OF + 6 * DAY) is StepOutcome.SKIPPED
    assert outcome_of_training(context, AS_OF + 8 * DAY) is StepOutcome.RAN
    assert outcome_of_training(context, AS_OF) is StepOutcome.RAN


def test_predictions_name_their_model_and_are_stored(world):
    world.upcoming(t="good")
    context = world.context()
    train(context)

    report = predict(context)

    assert (report.n_cells, report.n_served, report.n_fallback, report.n_abstained) == (1, 6, 0, 0)
    assert len(report.run.models) == 6
    with world.store.read() as unit:
        assert len(unit.results.load(c.PREDICTIONS, AS_OF)) == 6


def test_a_model_from_the_future_is_not_used_in_a_replay(world):
    world.upcoming(t="good")
    context = world.context()
    train(context, as_of=AS_OF)

    report = predict(context, as_of=AS_OF - DAY)

    assert set(context.forecaster.asked[-1].values()) == {None}
    assert report.n_fallback == 6


def test_a_backtest_sees_only_what_was_known(world):
    context = world.context()

    report = backtest(context, measures=("reach",), horizons=(1,))

    assert [score.value for score in report.scores] == [0.0]
    with world.store.read() as unit:
        assert unit.results.scores() == report.scores


def test_a_backtest_without_history_is_skipped_with_the_reason(world):
    context = world.context(forecaster=forecaster(world, refuses=("reach", "impression_share")))

    report = backtest(context)

    assert report.scores == ()
    assert report.run.steps[0].outcome is StepOutcome.SKIPPED
    assert "No past launch has reach." in report.run.steps[0].reason
