"""Asking about launches without some of their metadata: whom, about what, and what becomes of the answers."""

from dataclasses import replace
from datetime import timedelta

import pandas as pd
import pytest

from recsysops import columns as c
from recsysops.contract.recommender import Ability
from recsysops.domain.verdict import StepOutcome
from recsysops.service.history import read_history
from recsysops.service.shadow import shadow
from recsysops.service.shadow_past import shadow_past
from recsysops.settings import RetentionSettings, ServiceSettings, Settings, ShadowSettings, SourceSettings
from recsysops.testing.fake_recommender import FakeRecommender, FakeSampler, lazy

FIELDS = {"level": 3.0, "synopsis": "of a heist", "empty": ""}
NO_PAST = frozenset({Ability.SCORE, Ability.CHANGED_METADATA})


class Noting(FakeRecommender):
    """Remembers the metadata it was given with titles, in turn."""

    @property
    def given(self):
        return self.__dict__.setdefault("_given", [])

    def score(self, members, titles, place):
        self.given.extend((title.title_id, dict(title.fields)) for title in titles if title.fields is not None)
        return super().score(members, titles, place)


@pytest.fixture
def context(world):
    """Return the maker of a context that asks this recommender about every title without some of its metadata."""
    now = world.context().clock()
    for i in range(12):
        at = now - timedelta(days=2000 + i)  # too long ago for what would be said to be kept
        world.launches((f"old{i}", "us", "home", at - timedelta(days=30), at, c.PLANNED))

    def make(recommender, retention=None, sources=None, **shadow_settings):
        settings = Settings(
            service=ServiceSettings(name="test"), folder=world.folder, retention=retention or RetentionSettings(),
            sources=sources or {}, shadow=ShadowSettings(**{"slots": 5, "dropped_share": 1} | shadow_settings),
        )  # fmt: skip
        recommender.levels = {"a": -9.0, "b": -9.0}
        return world.context(settings=settings, recommender=lazy(recommender, world.folder), sampler=FakeSampler())

    return make


def launch(world, *titles, in_days=5.0, fields=FIELDS, market=c.ALL):
    now = world.context().clock()
    for title in titles:
        seen = now + timedelta(days=min(in_days, 0) - 60)
        world.titles((title, market, seen, fields))
        world.launches((title, "us", "home", seen, now + timedelta(days=in_days), c.PLANNED))


def kept(world):
    with world.store.read() as unit:
        return unit.shadow.relabelled()


def test_a_launch_of_the_next_days_is_asked_about_without_each_of_two_fields(world, context):
    launch(world, "a")

    report = shadow(context(Noting(abilities=NO_PAST)))

    found = kept(world)
    assert report.n_without == 2
    assert [list(each) for each in found[c.DROPPED]] == [["level"], ["provider"]]
    assert (found[c.AS_OF] == report.run.as_of).all()
    lost = dict(zip(found[c.DROPPED].str[0], found[c.REACH_AS_IT_WAS] - found[c.REACH_JOINT], strict=True))
    assert lost["level"] > 0.3  # the level it falls back to is far too low
    assert lost["provider"] == 0
    with world.store.read() as unit:
        assert len(unit.shadow.all()) == 1


def test_what_is_asked_differs_by_the_field_alone_and_in_the_words_of_the_catalogue(world, context):
    launch(world, "a")
    words = {c.TITLES: SourceSettings(path="t.csv", columns={c.NAME: "item_name", c.PROVIDER: "studio"})}
    recommender = Noting(abilities=NO_PAST)

    shadow(context(recommender, sources=words))

    whole = {"item_name": "Name of a", "studio": "provider", "level": 3.0, "synopsis": "of a heist"}
    given = [fields for _, fields in recommender.given]
    assert given == [
        whole,
        {name: value for name, value in whole.items() if name != "level"},
        {name: value for name, value in whole.items() if name != "studio"},
    ]


def test_what_a_market_says_of_a_title_stands_over_what_all_say_and_what_came_later_is_not_known(world, context):
    now = world.context().clock()
    launch(world, "a")
    world.titles(("a", "us", now - timedelta(days=9), {"synopsis": "for us"}))
    world.titles(("a", c.ALL, now + timedelta(days=1), {"level": 99.0}))
    recommender = Noting(abilities=NO_PAST)

    shadow(context(recommender))

    assert recommender.given[0][1]["synopsis"] == "for us"
    assert recommender.given[0][1]["level"] == 3.0


def test_a_launch_is_asked_about_once_and_only_when_it_is_near(world, context):
    launch(world, "a")
    launch(world, "b", in_days=9)

    shadow(context(FakeRecommender(abilities=NO_PAST)))
    again = shadow(context(FakeRecommender(abilities=NO_PAST)))

    assert set(kept(world)[c.TITLE_ID]) == {"a"}
    assert again.n_without == 0


@pytest.mark.parametrize(
    "limits", [{"dropped_share": 0}, {"dropped_limit": 0}, {"total_seconds": 1e-9}], ids=["share", "limit", "time"]
)
def test_nothing_is_asked_beyond_the_limits(world, context, limits):
    launch(world, "a")

    report = shadow(context(FakeRecommender(abilities=NO_PAST), **limits))

    assert report.n_without == 0
    assert len(kept(world)) == 0


def test_a_recommender_that_cannot_be_asked_about_changed_metadata_is_not(world, context):
    launch(world, "a")
    recommender = Noting(abilities=frozenset({Ability.SCORE}))

    report = shadow(context(recommender))

    assert recommender.given == []
    assert report.n_answered == 1


def test_titles_launching_beside_those_asked_about_compete_as_they_are(world, context):
    launch(world, "a")
    launch(world, "b", fields={})
    world.titles(("b", c.ALL, world.context().clock() - timedelta(days=1), {}))
    seen = []

    class Watching(FakeRecommender):
        def score(self, members, titles, place):
            seen.append([(title.title_id, title.fields is not None) for title in titles])
            return super().score(members, titles, place)

    settings = context(Watching(abilities=NO_PAST))
    ignoring = settings.settings.model_copy(
        update={"model": settings.settings.model.model_copy(update={"ignore_fields": ("provider", "synopsis")})}
    )
    shadow(replace(settings, settings=ignoring))

    assert [("a", True), ("b", False)] in seen
    assert set(kept(world)[c.TITLE_ID]) == {"a"}


def test_faults_of_such_questions_cost_them_alone_and_are_told(world, context):
    class Choking(FakeRecommender):
        def score(self, members, titles, place):
            if any(title.fields is not None and "level" not in title.fields for title in titles):
                raise OSError("no level")
            return super().score(members, titles, place)

    launch(world, "a")

    report = shadow(context(Choking(abilities=NO_PAST)))

    assert (report.n_answered, report.n_without) == (1, 1)
    assert "1 questions without some metadata were not answered. 1 x raised: " in report.run.steps[0].reason
    assert report.run.steps[0].outcome is StepOutcome.RAN
    assert [list(each) for each in kept(world)[c.DROPPED]] == [["provider"]]


def test_where_even_the_metadata_as_it_was_is_refused_no_field_is_dropped(world, context):
    class Refusing(Noting):
        def score(self, members, titles, place):
            found = super().score(members, titles, place)
            if any(title.fields is not None for title in titles):
                raise OSError("no fields, please")
            return found

    launch(world, "a")
    recommender = Refusing(abilities=NO_PAST)

    report = shadow(context(recommender))

    assert (report.n_answered, report.n_without) == (1, 0)
    assert all("level" in fields for _, fields in recommender.given)
    assert len(kept(world)) == 0


def test_past_launches_are_asked_about_as_they_stood_one_lead_before(world, context):
    launch(world, "a", "b", in_days=-40)
    recommender = Noting()

    report = shadow_past(context(recommender, window_days=3))

    found = kept(world)
    assert set(found[c.TITLE_ID]) == {"a", "b"}
    assert report.n_without == len(found) == 4
    with world.store.read() as unit:
        plain = unit.shadow.all()
    asked = found.merge(plain, on=[*c.CELL_KEY, c.AS_OF], suffixes=("", "_plain"))
    assert len(asked) == len(found)
    assert (found[c.AS_OF] < found[c.LAUNCH_AT]).all()
    assert shadow_past(context(FakeRecommender())).n_without == 0


def test_of_past_launches_only_as_many_are_asked_about_as_one_run_allows_the_latest_first(world, context):
    for n in range(6):
        launch(world, f"p{n}", in_days=-40.0 - 30 * n)

    first = shadow_past(context(FakeRecommender(), dropped_limit=4))
    asked = set(kept(world)[c.TITLE_ID])
    second = shadow_past(context(FakeRecommender(), dropped_limit=4))

    assert (first.n_without, second.n_without) == (4, 4)
    assert asked == {"p0", "p1"}
    assert set(kept(world)[c.TITLE_ID]) == {"p0", "p1", "p2", "p3"}


def test_launches_of_which_nothing_would_be_kept_are_not_asked_about(world, context):
    launch(world, "a", in_days=-40)
    launch(world, "b", in_days=-20)

    shadow_past(context(FakeRecommender(), retention=RetentionSettings(relabelled_days=30)))

    assert set(kept(world)[c.TITLE_ID]) == {"b"}


def test_a_title_nothing_was_known_of_then_is_left_out(world, context):
    now = world.context().clock()
    launch(world, "a", in_days=-40)
    world.launches(("b", "us", "home", now - timedelta(days=200), now - timedelta(days=40), c.PLANNED))
    world.titles(("b", c.ALL, now - timedelta(days=1), FIELDS))

    shadow_past(context(FakeRecommender()))

    assert set(kept(world)[c.TITLE_ID]) == {"a"}


def test_models_learn_from_what_was_said(world, context):
    launch(world, "a")
    ports = context(FakeRecommender(abilities=NO_PAST))
    with world.store.read() as unit:
        assert len(read_history(ports, unit).relabelled) == 0

    shadow(ports)

    with world.store.read() as unit:
        pd.testing.assert_frame_equal(read_history(ports, unit).relabelled, kept(world))
