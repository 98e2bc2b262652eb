"""Where models stand and who moves them: by training, by outcomes, by hand."""

from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from recsysops import columns as c
from recsysops.domain.model import ModelCard
from recsysops.domain.registry import ModelState, MoveKind
from recsysops.errors import ModelError, NotFoundError, UsageError
from recsysops.service._contest import contest, looks, pair, t_quantile
from recsysops.service._promotion import Reason, breach, on_outcomes, on_training
from recsysops.service.models import activate, compare, model, model_on_record, models, rollback
from recsysops.service.predict import predict
from recsysops.service.promoting import promote_into
from recsysops.service.recording import Recorder
from recsysops.service.settling import settle
from recsysops.settings import ModelSettings, ServiceSettings, Settings
from recsysops.store import open_store

AS_OF = datetime(2026, 3, 2, tzinfo=UTC)
DAY = timedelta(days=1)


def card(model_id: str = "m1", **changes: Any) -> ModelCard:
    values: dict[str, Any] = {
        "model_id": model_id, "measure": "reach", "horizon": 1, "trained_as_of": AS_OF - 30 * DAY, "n_titles": 1,
        "n_rows": 1, "folder": "x", "manifest_sha256": "0" * 64, "serves": "model", "recipe": "r1",
    }  # fmt: skip
    return ModelCard(**{**values, **changes})


def states(world) -> dict[str, ModelState]:
    return {known.card.model_id: known.state for known in models(world.store).models}


def kinds(world) -> list[MoveKind]:
    with world.store.read() as unit:
        return [move.kind for move in unit.models.moves()]


def scored(rng, n, first=0.3, second=0.3, *, per_week=20, narrow=False) -> pd.DataFrame:
    """Return LAUNCH_SCORE of the active model and its challenger for n titles, one lead each."""
    week = np.arange(n) // per_week
    launch = pd.Timestamp(AS_OF) + pd.to_timedelta(week * 7 + np.arange(n) % 5, unit="D")
    shared = rng.normal(0, 0.05, n)
    frames = []
    for predictor, level in ((c.MODEL, first), (c.CHALLENGER, second)):
        frame = pd.DataFrame(index=range(n), columns=list(c.LAUNCH_SCORE), dtype="float64")
        frame[c.TITLE_ID] = [f"t{at:04d}" for at in range(n)]
        frame[[c.MARKET, c.SURFACE, c.MEASURE, c.PREDICTOR, c.MODEL_ID]] = ["us", "home", "reach", predictor, predictor]
        frame[c.HORIZON], frame[c.LEAD], frame[c.IS_SERVED] = 1, 7, predictor == c.MODEL
        frame[c.LAUNCH_AT], frame[c.AS_OF], frame[c.KNOWN_AT] = launch, launch - 7 * DAY, launch + DAY
        frame[c.CRPS] = level + shared + rng.normal(0, 0.1, n)
        frame[c.ACTUAL] = rng.uniform(size=n)
        frame[list(c.QUANTILES)] = np.tile(np.linspace(0.05, 0.95, 19), (n, 1))
        if narrow and predictor == c.CHALLENGER:
            frame[list(c.QUANTILES)] = 0.5
        frames.append(frame)
    for frame in frames[1:]:
        frame[c.ACTUAL] = frames[0][c.ACTUAL]
    return pd.concat(frames, ignore_index=True)


def pairs_of(rows):
    return pair(rows[rows[c.PREDICTOR] == c.MODEL], rows[rows[c.PREDICTOR] == c.CHALLENGER])


class Scores:
    """Says what a test tells it to."""

    def __init__(self, rows):
        self.rows = rows

    def latest(self, **_):
        return self.rows


def test_students_quantiles_are_those_of_the_tables():
    assert [round(t_quantile(0.025, freedom), 2) for freedom in (4, 9, 30)] == [2.78, 2.26, 2.04]


def simulated(rng, gain, n=450, per_week=20):
    """Return pairs as `pair` returns them, whose weeks share their luck."""
    week = np.arange(n) // per_week
    gains = gain + rng.normal(0, 0.05, week.max() + 1)[week] + rng.standard_t(4, n) * 0.2
    return pd.DataFrame({
        c.TITLE_ID: [f"t{at}" for at in range(n)], c.MARKET: "us", c.KNOWN_AT: pd.Timestamp(AS_OF), "week": week,
        "gain": gains, "covered_first": 0.8, "covered_second": 0.8,
    })  # fmt: skip


def is_promoted(pairs) -> bool:
    """Say whether any look on the way promotes: a run looks again and again."""
    return any(
        on_outcomes(pairs.head(size), 100)[0].kind is MoveKind.PROMOTED for size, _ in looks(pairs, 100)
    )  # fmt: skip


def test_of_200_replays_of_a_model_against_itself_at_most_5_percent_promote():
    # A thousand are replayed by `make nightly`.
    promoted = sum(is_promoted(simulated(np.random.default_rng(seed), 0.0)) for seed in range(200))

    assert promoted <= 10


def test_a_planted_worse_model_is_never_promoted_and_a_better_one_is():
    assert not any(is_promoted(simulated(np.random.default_rng(seed), -0.05)) for seed in range(50))
    assert all(is_promoted(simulated(np.random.default_rng(seed), 0.12)) for seed in range(20))


def test_before_enough_titles_and_weeks_nothing_is_decided():
    ruling, found = on_outcomes(pairs_of(scored(np.random.default_rng(1), 90, second=0.1)), 100)

    assert (ruling.kind, ruling.reason, found.n) == (None, Reason.TOO_FEW_LAUNCHES, 90)


def test_a_better_model_that_covers_less_is_not_promoted():
    ruling, _ = on_outcomes(pairs_of(scored(np.random.default_rng(1), 200, second=0.1, narrow=True)), 100)

    assert (ruling.kind, ruling.reason) == (None, Reason.COVERAGE_WORSE)


def test_a_better_model_that_is_worse_in_one_market_is_not_promoted():
    rows = scored(np.random.default_rng(1), 200, second=0.1)
    is_br = rows[c.TITLE_ID].str.endswith(("0", "5"))
    rows.loc[is_br, c.MARKET] = "br"
    rows.loc[is_br & (rows[c.PREDICTOR] == c.CHALLENGER), c.CRPS] += 0.4

    ruling, _ = on_outcomes(pairs_of(rows), 100)

    assert (ruling.kind, ruling.reason) == (None, Reason.MARKET_WORSE)
    assert '"br"' in ruling.text


def test_a_surely_worse_challenger_retires_and_so_does_one_without_a_difference_in_the_end():
    worse, _ = on_outcomes(pairs_of(scored(np.random.default_rng(1), 200, second=0.5)), 100)
    same, _ = on_outcomes(pairs_of(scored(np.random.default_rng(2), 1700)), 100)

    assert (worse.kind, worse.reason) == (MoveKind.RETIRED, Reason.WORSE)
    assert (same.kind, same.reason) == (MoveKind.RETIRED, Reason.NO_DIFFERENCE)


def test_coverage_that_breaks_takes_a_promotion_back():
    rows = scored(np.random.default_rng(1), 80, narrow=True)
    swapped = rows.assign(**{c.PREDICTOR: rows[c.PREDICTOR].map({c.MODEL: c.CHALLENGER, c.CHALLENGER: c.MODEL})})

    back = breach(contest(pairs_of(swapped)), 100)

    assert back is not None
    assert (back.kind, back.reason) == (MoveKind.RETURNED, Reason.COVERAGE_BREACH)
    assert breach(contest(pairs_of(rows)), 100) is None


@pytest.mark.parametrize(
    ("new", "active", "arguments", "kind", "reason"),
    [
        (card("n"), None, {}, MoveKind.ACTIVATED, Reason.FIRST_MODEL),
        (card("n"), card(), {}, MoveKind.REFRESHED, Reason.SAME_RECIPE),
        (card("n"), card(recipe=""), {}, MoveKind.REFRESHED, Reason.SAME_RECIPE),
        (card("n", recipe="r2"), card(), {}, MoveKind.CHALLENGED, Reason.OTHER_RECIPE),
        (card("n", recipe="r2"), card(), {"retired": ["r2"]}, MoveKind.KEPT_OUT, Reason.RECIPE_RETIRED),
        (card("n"), card(), {"refused": "broken"}, MoveKind.KEPT_OUT, Reason.FILES_REFUSED),
        (card("n", recipe="r2"), card(), {"active_refused": "gone"}, MoveKind.ACTIVATED, Reason.ACTIVE_REFUSED),
        (
            card("n", scores={"model_pinball": 0.3, "comparable_titles_pinball": 0.2}),
            card(scores={"model_pinball": 0.1, "comparable_titles_pinball": 0.2}),
            {}, MoveKind.KEPT_OUT, Reason.HELD_BACK_WORSE,
        ),
        (
            card("n", scores={"model_pinball": 0.3, "comparable_titles_pinball": 0.6}),
            card(scores={"model_pinball": 0.1, "comparable_titles_pinball": 0.2}),
            {}, MoveKind.REFRESHED, Reason.SAME_RECIPE,
        ),
    ],
)  # fmt: skip
def test_what_a_fresh_model_becomes(new, active, arguments, kind, reason):
    given = {"refused": "", "active_refused": "", "retired": (), **arguments}

    ruling = on_training(new, active, **given)

    assert (ruling.kind, ruling.reason) == (kind, reason)
    assert ruling.text.startswith(f"{reason.value}: ")


def test_a_model_of_another_recipe_predicts_beside_the_active_one_and_is_not_served(world):
    world.upcoming(one="good")
    context = world.context()
    settle(context, [card("m1")], AS_OF)

    settle(context, [card("m2", recipe="r2")], AS_OF)
    predict(context)

    assert states(world) == {"m1": ModelState.ACTIVE, "m2": ModelState.CHALLENGER}
    with world.store.read() as unit:
        rows = unit.results.load(c.PREDICTIONS).set_index(c.PREDICTOR)
    assert rows.loc[c.CHALLENGER, c.MODEL_ID] == "m2"
    assert not rows.loc[c.CHALLENGER, c.IS_SERVED]
    assert (rows[c.IS_SERVED]).sum() == 6


def test_a_challenger_that_is_trained_anew_keeps_what_it_predicted(world):
    context = world.context()
    settle(context, [card("m1")], AS_OF)
    settle(context, [card("m2", recipe="r2")], AS_OF)
    settle(context, [card("m3", recipe="r2")], AS_OF + 7 * DAY)

    with world.store.read() as unit:
        (known,) = unit.models.challengers()
    assert (known.card.model_id, known.since) == ("m3", AS_OF)


def outcome(world, context, rows, *, monkeypatch):
    real = type(world.store).write

    def with_scores(store):
        unit = real(store)
        unit.scores = Scores(rows)
        begin = unit._begin

        def again():
            begin()
            unit.scores = Scores(rows)

        unit._begin = again
        return unit

    monkeypatch.setattr(type(world.store), "write", with_scores)
    recorder = Recorder(context, "run", AS_OF)
    promote_into(context, recorder, AS_OF + 100 * DAY)
    monkeypatch.setattr(type(world.store), "write", real)
    return recorder.run.steps[-1].reason if recorder.run.steps else ""


@pytest.fixture
def contested(world):
    context = world.context()
    settle(context, [card("m1")], AS_OF - 40 * DAY)
    settle(context, [card("m2", recipe="r2")], AS_OF - 40 * DAY)
    return context


def test_a_better_challenger_is_promoted_and_the_one_before_predicts_beside_it(world, contested, monkeypatch):
    said = outcome(world, contested, scored(np.random.default_rng(1), 200, second=0.1), monkeypatch=monkeypatch)

    assert states(world) == {"m1": ModelState.CHALLENGER, "m2": ModelState.ACTIVE}
    assert "m2 promoted (better: CRPS" in said
    assert kinds(world)[-1] is MoveKind.PROMOTED


@pytest.fixture(params=["fake", "sqlite"])
def kept_world(request, world, tmp_path):
    """Return the world, its scores kept in memory or in a database."""
    if request.param == "fake":
        yield world
        return
    with closing(open_store(f"sqlite:///{tmp_path / 'store.sqlite'}")) as world.store:
        yield world


def test_a_promotion_rests_on_the_scores_that_were_kept_of_both_since_the_challenge(kept_world):
    context = kept_world.context()
    settle(context, [card("m1")], AS_OF - 40 * DAY)
    settle(context, [card("m2", recipe="r2")], AS_OF - 40 * DAY)
    rows = scored(np.random.default_rng(1), 200, second=0.1)
    rows[c.MODEL_ID] = rows[c.PREDICTOR].map({c.MODEL: "m1", c.CHALLENGER: "m2"})
    early = rows.assign(**{c.TITLE_ID: "early-" + rows[c.TITLE_ID], c.AS_OF: rows[c.AS_OF] - 200 * DAY})
    early[c.CRPS] = early[c.PREDICTOR].map({c.MODEL: 0.1, c.CHALLENGER: 0.9})  # before it was a challenger
    with kept_world.store.write() as unit:
        unit.scores.add(pd.concat([rows, early]))
        unit.commit()
    recorder = Recorder(context, "run", AS_OF)

    promote_into(context, recorder, AS_OF + 100 * DAY)

    assert states(kept_world) == {"m1": ModelState.CHALLENGER, "m2": ModelState.ACTIVE}
    assert "200 launched titles" in recorder.run.steps[-1].reason
    (compared,) = compare(kept_world.store, "m1", "m2")
    assert compared.n == 400


def test_what_was_promoted_and_does_worse_gives_its_place_back(world, contested, monkeypatch):
    outcome(world, contested, scored(np.random.default_rng(1), 200, second=0.1), monkeypatch=monkeypatch)
    later = scored(np.random.default_rng(2), 200, second=0.1)
    later[[c.AS_OF, c.LAUNCH_AT, c.KNOWN_AT]] += 200 * DAY

    outcome(world, contested, later, monkeypatch=monkeypatch)

    assert states(world)["m1"] is ModelState.ACTIVE
    assert kinds(world)[-1] is MoveKind.RETURNED
    assert settle(contested, [card("m5", recipe="r2")], AS_OF)[0].startswith("m5 does not answer (recipe_retired")


def test_with_manual_promotion_a_person_is_asked_once(world, monkeypatch):
    settings = Settings(
        service=ServiceSettings(name="test"), folder=world.folder, model=ModelSettings(promotion="manual")
    )
    context = world.context(settings=settings)
    settle(context, [card("m1")], AS_OF - 40 * DAY)
    settle(context, [card("m2", recipe="r2")], AS_OF - 40 * DAY)
    rows = scored(np.random.default_rng(1), 200, second=0.1)

    outcome(world, context, rows, monkeypatch=monkeypatch)
    said = outcome(world, context, rows, monkeypatch=monkeypatch)

    assert states(world)["m1"] is ModelState.ACTIVE
    assert kinds(world).count(MoveKind.PROPOSED) == 1
    assert "waits for a person" in said


def test_a_challenger_whose_files_are_refused_retires(world, contested, monkeypatch):
    contested.forecaster.untrusted["m2"] = "It is broken."

    outcome(world, contested, scored(np.random.default_rng(1), 200, second=0.1), monkeypatch=monkeypatch)

    assert states(world) == {"m1": ModelState.ACTIVE, "m2": ModelState.RETIRED}


def test_without_a_challenger_there_is_no_step(world, monkeypatch):
    assert outcome(world, world.context(), pd.DataFrame(), monkeypatch=monkeypatch) == ""


def test_a_model_is_activated_by_hand_with_name_and_reason(world, contested):
    answer = activate(contested, "m2", "Ada", "Looks better.")

    assert "m2 answers for reach over 1 days" in answer.answer
    assert states(world) == {"m1": ModelState.RETIRED, "m2": ModelState.ACTIVE}
    last = model_on_record(world.store, "m2").moves[-1]
    assert (last.kind, last.actor, last.reason, last.previous_id) == (MoveKind.ACTIVATED, "Ada", "Looks better.", "m1")
    assert "already" in activate(contested, "m2", "Ada", "Again.").answer


def test_a_model_that_is_refused_is_not_activated(world, contested):
    contested.forecaster.untrusted["m2"] = "It is broken."

    with pytest.raises(ModelError, match="broken"):
        activate(contested, "m2", "Ada", "x")
    assert states(world)["m1"] is ModelState.ACTIVE
    assert model(contested, "m2").refused == "It is broken."


def test_rollbacks_walk_back_through_the_models_that_answered(world):
    context = world.context()
    for at, name in enumerate(("m1", "m2", "m3")):
        settle(context, [card(name, trained_as_of=AS_OF + at * DAY)], AS_OF)

    rollback(context, "Ada", "Off in Brazil.")
    assert states(world)["m2"] is ModelState.ACTIVE
    (answer,) = rollback(context, "Ada", "Still off.", measure="reach", horizon=1)

    assert answer.answer == "m1 answers again in place of m2."
    with pytest.raises(UsageError, match="nothing to go back to"):
        rollback(context, "Ada", "Further.")
    with pytest.raises(UsageError, match="nothing to go back to"):
        rollback(context, "Ada", "Other.", measure="uptake")


@pytest.mark.parametrize(("by", "reason"), [("", "x"), ("Ada", " "), ("Ada", "x" * 501), ("policy", "x")])
def test_who_and_why_must_be_said(contested, by, reason):
    with pytest.raises(UsageError):
        activate(contested, "m2", by, reason)


def test_an_unknown_model_is_told(contested, world):
    for ask in (lambda: activate(contested, "no", "Ada", "x"), lambda: model_on_record(world.store, "no")):
        with pytest.raises(NotFoundError, match="There is no model"):
            ask()


def test_refused_files_of_the_active_model_are_on_record_once_and_a_new_model_takes_over(world, contested):
    world.upcoming(one="good")
    contested.forecaster.untrusted["m1"] = "It is broken."

    predict(contested)
    predict(contested)
    assert kinds(world).count(MoveKind.REFUSED) == 1
    settle(contested, [card("m9", recipe="r9")], AS_OF)

    assert states(world)["m9"] is ModelState.ACTIVE


def test_models_are_compared_only_for_the_same_target_and_in_twos(world, contested):
    settle(contested, [card("other", horizon=7)], AS_OF)

    with pytest.raises(UsageError, match="no comparison"):
        compare(world.store, "m1")
    with pytest.raises(UsageError, match="different things"):
        compare(world.store, "m1", "other")
    (found,) = compare(world.store)
    assert (found.n, found.gain, found.first.card.model_id) == (0, None, "m1")
    assert replace(found, n=1).n == 1
