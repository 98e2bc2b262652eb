"""Asking the recommender as a step of a run and as a verb, about what is upcoming and about the past."""

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from recsysops import columns as c
from recsysops.clock import fixed_clock
from recsysops.contract.recommender import Ability
from recsysops.domain.shadow import chosen_leads
from recsysops.domain.verdict import StepOutcome
from recsysops.errors import EngineError, RecommenderError
from recsysops.model._cuts import leads_of
from recsysops.service.history import read_history
from recsysops.service.queries.records import vitals
from recsysops.service.run import run_cycle
from recsysops.service.shadow import shadow
from recsysops.service.shadow_past import shadow_past
from recsysops.settings import ServiceSettings, Settings, ShadowSettings
from recsysops.shadow import AbsentRecommender
from recsysops.testing.fake_recommender import FakeRecommender, FakeSampler, FaultyRecommender, lazy


@pytest.fixture
def ask(world):
    """Return the maker of a context whose recommender is this one; 12 titles are on offer already."""
    now = world.context().clock()
    for i in range(12):
        at = now - timedelta(days=200 + i)
        world.launches((f"old{i}", "us", "home", at - timedelta(days=30), at, c.PLANNED))

    def make(recommender=None, sampler=None, clock=None, **limits):
        settings = Settings(
            service=ServiceSettings(name="test"), folder=world.folder, shadow=ShadowSettings(**{"slots": 5} | limits)
        )
        found = None if recommender is None else lazy(recommender, world.folder)
        return world.context(
            settings=settings, recommender=found, sampler=sampler or FakeSampler(), clock=clock or fixed_clock(now)
        )

    return make


def kept(world):
    with world.store.read() as unit:
        return unit.shadow.all()


def test_without_a_recommender_nobody_is_asked_and_the_step_says_so(world, ask):
    world.upcoming(a=None)

    report = shadow(ask())

    (step,) = report.run.steps
    assert (step.name, step.outcome) == ("shadow", StepOutcome.SKIPPED)
    assert "[recommender]" in step.reason
    assert len(kept(world)) == 0
    assert not report.run.has_failed


def test_every_upcoming_cell_is_asked_about_and_kept(world, ask):
    world.upcoming(a=None, b=None)
    sampler = FakeSampler()

    report = shadow(ask(FakeRecommender(), sampler))

    assert (report.n_cells, report.n_answered, report.version) == (2, 2, "fake-1")
    assert report.run.counts == {"asked": 2, "unanswered": 0}
    assert report.run.steps[0].reason == ""
    frame = kept(world)
    assert list(frame[c.TITLE_ID]) == ["a", "b"]
    assert frame[c.REACH_JOINT].notna().all()
    assert (frame[c.AS_OF] == report.run.as_of).all()
    assert sampler.asked == [((("us", "home"),), report.run.as_of, 2000, 14)]


def test_asking_twice_at_one_time_gives_one_answer(world, ask):
    world.upcoming(a=None)
    shadow(ask(FakeRecommender()))
    before = kept(world)

    shadow(ask(FakeRecommender()))

    pd.testing.assert_frame_equal(kept(world), before)


def test_launches_far_apart_are_asked_about_apart(world, ask):
    recommender = FakeRecommender(abilities=frozenset({Ability.SCORE}), levels={"a": 3.0, "b": 3.0, "x": 3.0})
    world.upcoming(a=None, b=None)
    now = world.context().clock()
    world.launches(("x", "us", "home", now - timedelta(days=1), now + timedelta(days=20), c.PLANNED))

    shadow(ask(recommender, window_days=3))

    frame = kept(world).set_index(c.TITLE_ID)
    assert {place.at for place in recommender.places} == {now + timedelta(days=5), now + timedelta(days=20)}
    assert frame.loc["a", c.REACH_JOINT] <= frame.loc["a", c.REACH_ALONE]
    assert frame.loc["x", c.REACH_JOINT] == frame.loc["x", c.REACH_ALONE]


@pytest.mark.parametrize(
    "recommender",
    [
        RecommenderError("The recommender is not there."),
        FaultyRecommender(fault=lambda ability, answer: None),
        FaultyRecommender(abilities=frozenset({Ability.SCORE}), fault=lambda ability, answer: answer * np.nan),
    ],
    ids=["absent", "nonsense", "nan"],
)
def test_a_recommender_that_does_not_answer_costs_the_numbers_not_the_run(world, ask, recommender):
    world.upcoming(a=None, b=None)

    report = shadow(ask(recommender))

    (step,) = report.run.steps
    assert step.outcome is StepOutcome.SKIPPED
    assert step.reason.startswith("2 of 2 cells were not answered. 2 x ")
    assert not report.run.has_failed
    assert report.run.counts == {"asked": 2, "unanswered": 2}
    assert kept(world)[c.REASON].notna().all()


def test_where_nobody_was_active_the_reason_is_told(world, ask):
    world.upcoming(a=None)

    report = shadow(ask(FakeRecommender(abilities=frozenset({Ability.SCORE})), FakeSampler(nobody=(("us", "home"),))))

    assert "No member was active" in next(iter(report.reasons))


def test_a_recommender_asked_about_titles_alone_needs_no_members(world, ask):
    world.upcoming(a=None)
    sampler = FakeSampler()

    report = shadow(ask(FakeRecommender(abilities=frozenset({Ability.ELIGIBILITY})), sampler))

    assert report.n_answered == 1
    assert sampler.asked == []


def test_an_adapter_that_could_not_be_loaded_says_so(world, ask):
    world.upcoming(a=None)
    context = ask()
    object.__setattr__(context, "recommender", AbsentRecommender("broken", "ImportError: no module"))

    report = shadow(context)

    assert context.recommender.name == "broken"
    assert "no module" in report.run.steps[0].reason


def test_an_engine_that_fails_fails_the_step(world, ask):
    world.upcoming(a=None)

    with pytest.raises(EngineError):
        shadow(ask(FakeRecommender(), FakeSampler(fails=True)))

    with world.store.read() as unit:
        assert unit.runs.list()[0].steps[0].outcome is StepOutcome.FAILED


def test_a_replay_asks_about_the_past_or_keeps_what_was_said(world, ask):
    world.upcoming(a=None)
    now = world.context().clock()
    shadow(ask(FakeRecommender()))
    before = kept(world)
    later = fixed_clock(now + timedelta(days=9))

    unable = shadow(ask(FakeRecommender(abilities=frozenset({Ability.SCORE})), clock=later), as_of=now)
    pd.testing.assert_frame_equal(kept(world), before)
    recommender = FakeRecommender()
    shadow(ask(recommender, clock=later), as_of=now)

    assert "stands in the past" in unable.run.steps[0].reason
    assert {place.known_at for place in recommender.places} == {now}


def test_what_was_said_is_in_the_history(world, ask):
    world.upcoming(a=None)
    context = ask(FakeRecommender())
    with world.store.read() as unit:
        before = read_history(context, unit)

    shadow(context)

    with world.store.read() as unit:
        after = read_history(context, unit)
        assert read_history(context, unit) is after
    assert (len(before.shadow), len(after.shadow)) == (0, 1)
    # What was delivered is still the same, and is not read again.
    assert after.titles is before.titles
    assert after.outcomes is before.outcomes


def test_monitoring_sees_how_many_cells_were_not_answered(world, ask):
    world.upcoming(a=None, b=None)
    context = ask(FakeRecommender(abilities=frozenset({Ability.ELIGIBILITY})))
    snapshot = SimpleNamespace(titles=(), runs=(), as_of=None)
    before = vitals(world.store, snapshot, context.settings, context.clock())

    shadow(context)

    assert before.shadow == {}
    assert vitals(world.store, snapshot, context.settings, context.clock()).shadow == {True: 2, False: 0}


def test_a_cycle_asks_before_it_predicts_and_a_failure_stops_nothing(world, ask):
    world.upcoming(a="good")
    seen = []

    class Watching(FakeRecommender):
        def score(self, members, titles, place):
            seen.append(place)
            return super().score(members, titles, place)

    for sampler in (FakeSampler(), FakeSampler(fails=True)):
        context = ask(Watching(abilities=frozenset({Ability.SCORE})), sampler)
        reader = SimpleNamespace(files=lambda table, source: ())
        report = run_cycle(replace(context, reader=reader))
        names = [step.name for step in report.run.steps if step.kind == "step"]
        assert names.index("ingest") < names.index("shadow") < names.index("predict")
        step = next(step for step in report.run.steps if step.name == "shadow")
        assert (step.outcome is StepOutcome.FAILED) is sampler.fails

    assert seen


# --- the past --------------------------------------------------------------------------------------------------------


def launched(world, *titles, days=40.0, known_days=100.0):
    now = world.context().clock()
    at = now - timedelta(days=days)
    world.launches(*((t, "us", "home", at - timedelta(days=known_days), at, c.PLANNED) for t in titles))
    return at


def test_past_launches_are_asked_about_as_of_one_lead_before(world, ask):
    at = launched(world, "p1", "p2", "p3", "p4")
    recommender = FakeRecommender()

    shadow_past(ask(recommender))

    frame = kept(world)
    mine = frame[frame[c.TITLE_ID].str.startswith("p")]
    leads = chosen_leads(*(list(mine[column]) for column in c.CELL_KEY))
    assert list(mine[c.TITLE_ID].sort_values()) == ["p1", "p2", "p3", "p4"]
    assert list(mine[c.AS_OF]) == [at - timedelta(days=int(lead)) for lead in leads]
    assert (mine[c.LAUNCH_AT] == at).all()
    assert all(place.known_at is not None and place.known_at < place.at for place in recommender.places)


def test_members_of_the_past_are_drawn_from_before(world, ask):
    launched(world, "p1")
    sampler = FakeSampler()

    shadow_past(ask(FakeRecommender(), sampler))

    frame = kept(world)
    asked = frame[frame[c.TITLE_ID] == "p1"][c.AS_OF].iloc[0]
    drawn = [until for _, until, _, _ in sampler.asked]
    assert any(timedelta(0) <= asked - until < timedelta(days=7) for until in drawn)


def test_what_was_answered_is_not_asked_again(world, ask):
    launched(world, "p1", "p2")
    shadow_past(ask(FakeRecommender()))
    again = FakeRecommender()

    report = shadow_past(ask(again))

    assert report.n_cells < 12  # those of which nothing could be known
    assert not {"p1", "p2"} & {t for _, _, t in again.calls if isinstance(t, str)}
    assert kept(world)[c.TITLE_ID].isin(["p1", "p2"]).sum() == 2


def test_what_was_not_answered_is_not_kept_and_asked_the_next_time(world, ask):
    launched(world, "p1")
    shadow_past(ask(FaultyRecommender(fault=lambda ability, answer: None)))
    assert len(kept(world)) == 0

    shadow_past(ask(FakeRecommender()))

    assert "p1" in set(kept(world)[c.TITLE_ID])


def test_a_past_launch_the_recommender_chokes_on_costs_itself_alone(world, ask):
    launched(world, "early", days=80)
    launched(world, "late", days=40)

    class Tiring(FakeRecommender):
        def score(self, members, titles, place):
            if any(t.title_id in {"early"} for t in titles):
                raise OSError("tired")
            return super().score(members, titles, place)

    report = shadow_past(ask(Tiring(abilities=frozenset({Ability.SCORE, Ability.PAST})), members_per_call=2))

    assert "late" in set(kept(world)[c.TITLE_ID])
    assert "early" not in set(kept(world)[c.TITLE_ID])
    assert "not answered" in report.run.steps[0].reason


def test_a_launch_nobody_knew_of_then_is_not_on_offer_then(world, ask):
    launched(world, "p1")
    launched(world, "secret", days=60, known_days=-59)  # told a day ago
    recommender = FakeRecommender(
        abilities=frozenset({Ability.SCORE, Ability.PAST}), levels={"secret": 99.0, "p1": 4.0}
    )

    shadow_past(ask(recommender, slots=1))

    frame = kept(world).set_index(c.TITLE_ID)
    assert frame.loc["p1", c.REACH_ALONE] > 0


def test_what_launches_elsewhere_or_was_cancelled_is_not_on_offer_then(world, ask):
    at = launched(world, "p1")
    far = at - timedelta(days=20)
    for title, market, status in (("else", "de", c.PLANNED), ("gone", "us", c.CANCELLED), ("wide", c.ALL, c.PLANNED)):
        world.launches((title, market, "home", far - timedelta(days=90), far, status))
    world.titles(("back", c.ALL, far - timedelta(days=500), {}), ("later", c.ALL, at + timedelta(days=1), {}))
    asked = []

    class Watching(FakeRecommender):
        def score(self, members, titles, place):
            if any(title.title_id == "old1" for title in titles) and place.at == at:
                asked.append({title.title_id for title in titles})
            return super().score(members, titles, place)

    shadow_past(ask(Watching()))

    assert asked
    for titles in asked:
        assert {"wide", "back"} <= titles
        assert not {"else", "gone", "later", "p1"} & titles


@pytest.mark.parametrize(
    ("recommender", "said"),
    [
        (FakeRecommender(abilities=frozenset({Ability.SCORE})), "lacks the ability past"),
        (RecommenderError("The recommender is not there."), "not there"),
        (None, "[recommender]"),
    ],
)
def test_a_recommender_that_knows_no_past_is_not_asked_about_it(world, ask, recommender, said):
    launched(world, "p1")

    report = shadow_past(ask(recommender))

    assert report.run.steps[0].outcome is StepOutcome.SKIPPED
    assert said in report.run.steps[0].reason
    assert report.n_cells == 0


def test_without_past_launches_there_is_nothing_to_ask(world):
    context = world.context(recommender=lazy(FakeRecommender(), world.folder), sampler=FakeSampler())

    assert shadow_past(context).n_cells == 0
    assert shadow(context).n_cells == 0


def test_many_windows_are_stored_as_they_come(world, ask):
    for n in range(14):
        launched(world, f"p{n}", days=20 + 4 * n)

    report = shadow_past(ask(FakeRecommender()))

    assert {f"p{n}" for n in range(14)} <= set(kept(world)[c.TITLE_ID])
    assert report.n_answered == len(kept(world))


def test_the_lead_of_a_past_launch_is_the_one_models_learn_it_at():
    from types import SimpleNamespace

    title, market, surface = ["a", "b", "片"], ["us", "de", "all"], ["home"] * 3

    found = chosen_leads(title, market, surface)

    past = SimpleNamespace(title=title, market=market, surface=surface)
    assert found.tolist() == leads_of(past).tolist()
    assert chosen_leads([], [], []).tolist() == []
