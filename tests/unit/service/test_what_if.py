"""What would change: through the recommender and through the model, what is refused, and that nothing is stored."""

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as settings_of
from hypothesis import strategies as st

from recsysops import columns as c
from recsysops.clock import fixed_clock
from recsysops.contract.recommender import Ability, Adapter, RecommenderSettings
from recsysops.domain.measure import HORIZONS
from recsysops.domain.shadow import MemberSample
from recsysops.domain.what_if import AskedWhatIf, Through
from recsysops.errors import BusyError, EngineError, NotFoundError, RecommenderError, UsageError
from recsysops.service import what_if
from recsysops.service._what_if_words import UNCHANGED
from recsysops.service.shadow import shadow
from recsysops.service.what_if import WhatIfs, asked_in_words
from recsysops.settings import MarketSettings, ModelSettings, ServiceSettings, Settings, ShadowSettings, SourceSettings
from recsysops.shadow import LazyRecommender
from recsysops.testing.fake_recommender import FakeRecommender, FaultyRecommender, slow_by
from recsysops.testing.sample_what_if import UNLIKE, SampleForecaster

AS_OF = datetime(2026, 3, 2, tzinfo=UTC)
LAUNCH = datetime(2026, 3, 9, 8, tzinfo=UTC)
EVERYTHING = frozenset(Ability)
N = 20


@dataclass
class GenreRecommender(FakeRecommender):
    """Likes drama, and what launches early; keeps the titles it was asked about."""

    asked: list = field(default_factory=list)

    def _level(self, title):
        if title.title_id == "a":
            self.asked.append(title)
        launch = title.launch_at or LAUNCH
        likes = 3.0 * ("Drama" in ((title.fields or {}).get("genres") or ())) - 0.1 * (launch - LAUNCH).days
        return self.levels.get(title.title_id, 0.0) + likes


@dataclass
class FakeSampler:
    """Draws the same members everywhere but where nobody is active."""

    nobody: tuple[tuple[str, str], ...] = ()
    fails: bool = False

    def sample(self, files, places, until, *, n, active_days):
        if self.fails:
            raise EngineError("The log is gone.")
        one = MemberSample(
            members=tuple(f"m{i}" for i in range(N)), stratum=np.zeros(N, dtype=np.int64), shares=np.array([1.0]),
            sizes=np.array([1000]),
        )  # fmt: skip
        return {place: one for place in places if place not in self.nobody}


def lazy(recommender, folder):
    def connect(settings, where):
        if isinstance(recommender, Exception):
            raise recommender
        return recommender

    return LazyRecommender(
        Adapter(name="fake", summary="Fakes.", settings=RecommenderSettings, connect=connect), RecommenderSettings(),
        folder,
    )  # fmt: skip


FIELDS = {"genres": ["Comedy"], "synopsis": "Two sisters run a lighthouse.", "runtime_minutes": 90}


@pytest.fixture(scope="module")
def still(world_of, tmp_path_factory):
    """Return a world that no test changes, and what was read of it."""
    world = world_of(tmp_path_factory.mktemp("still"))
    fill(world)
    return world, {}


@pytest.fixture
def ask(still):
    """Return the maker of what answers what-ifs in a world that no test changes."""
    world, histories = still
    return partial(made, world, histories)


@pytest.fixture
def ask_here(world):
    """Return the maker of what answers what-ifs in this test's own world."""
    fill(world)
    return partial(made, world, None)


def fill(world):
    """Let title `a` launch in a week, after twelve others."""
    old = [(f"old{i}", AS_OF - timedelta(days=200 + i)) for i in range(12)]
    world.titles(
        *((name, c.ALL, at - timedelta(days=30), _old_fields(i)) for i, (name, at) in enumerate(old)),
        ("a", c.ALL, AS_OF - timedelta(days=30), FIELDS),
        ("stored", c.ALL, AS_OF - timedelta(days=9), {}),
    )
    world.launches(
        *((name, "us", "home", at - timedelta(days=30), at, c.PLANNED) for name, at in old),
        ("a", "us", "home", AS_OF - timedelta(days=30), LAUNCH, c.PLANNED),
    )
    _outcomes(world)


def made(world, histories, recommender=None, sampler=None, clock=None, models=("m",), settings=None, **limits):
    """Return what answers what-ifs, whose recommender is this one."""
    values = {
        "service": ServiceSettings(name="test"), "folder": world.folder,
        "shadow": ShadowSettings(**{"slots": 5} | limits),
        "sources": {
            "titles": SourceSettings(path="t.csv", lists={"genres": "|"}),
            "impressions": SourceSettings(path="i.csv"),
        },
    }  # fmt: skip
    return WhatIfs(
        world.context(
            settings=Settings(**values | (settings or {})), forecaster=SampleForecaster(models),
            recommender=None if recommender is None else lazy(recommender, world.folder),
            sampler=sampler or FakeSampler(), clock=clock or fixed_clock(AS_OF),
            histories={} if histories is None else histories,
        )
    )  # fmt: skip


def _old_fields(i):
    genres = ["Comedy", "Crime"] if i else ["Drama"]
    own = {"genres": genres, "synopsis": f"Story number {i} of its own.", "runtime_minutes": 80 + i}
    return own | {"format": "film"}


def _outcomes(world):
    """Let every old title have an outcome."""
    with world.store.read() as unit:
        launches = unit.versions.known(c.LAUNCHES)
    past = launches[launches[c.LAUNCH_AT] <= AS_OF]
    keys = past[list(c.CELL_KEY)].assign(**{c.SIGNAL: "impressions", c.LAUNCH_AT: past[c.LAUNCH_AT]})
    days = keys.assign(
        **{c.DAY: 0, c.EVENTS: 9, c.NEW_MEMBERS: 5, c.POSITION_P10: 1.0, c.POSITION_P50: 2.0, c.POSITION_P90: 3.0,
           c.IS_PARTIAL: False}
    )  # fmt: skip
    activity = past[[c.MARKET, c.SURFACE]].assign(
        **{c.SIGNAL: "impressions", c.START_AT: past[c.LAUNCH_AT], c.HORIZON: 1, c.N_ACTIVE: 100, c.N_EVENTS: 900,
           c.IS_PARTIAL: False}
    )  # fmt: skip
    with world.store.write() as unit:
        unit.treatment.replace(
            "impressions", days[list(c.TREATMENT_DAY)], activity[list(c.ACTIVITY)], past[list(c.CELL_KEY)]
        )
        unit.commit()


def first(answer):
    return next(target for target in answer.targets if target.horizon == 1)


def asked(**what):
    return AskedWhatIf.model_validate(what)


# --- through the recommender ---------------------------------------------------------------------------------------


def test_a_genre_that_the_recommender_likes_raises_the_prediction_through_it(ask):
    recommender = GenreRecommender()

    answer = ask(recommender).answer("a", asked(fields={"genres": "Drama"}))

    assert (answer.through, answer.reason, answer.recommender) == (Through.RECOMMENDER, "", "fake-1")
    (cell,) = answer.cells
    assert cell.n_members == N
    assert cell.reach_after > cell.reach_before
    assert first(answer).change.median > 0
    assert first(answer).change.low <= first(answer).change.median <= first(answer).change.high
    before = first(answer).before
    assert before.low_90 < before.low_80 < before.median < before.high_80 < before.high_90
    assert before.median == before.quantiles[9]
    assert any("asked twice about the same members" in notice for notice in answer.notices)


def test_both_questions_give_the_metadata_and_ask_the_same_members_about_the_title_alone(world, ask_here):
    world.titles(("b", c.ALL, AS_OF - timedelta(days=9), {"genres": ["Drama"]}))
    world.launches(("b", "us", "home", AS_OF - timedelta(days=9), LAUNCH, c.PLANNED))
    recommender = GenreRecommender()

    ask_here(recommender).answer("a", asked(fields={"genres": ["Drama", "Crime"]}))

    given_genres = [title.fields["genres"] for title in recommender.asked]
    assert set(map(tuple, given_genres)) == {("Comedy",), ("Drama", "Crime")}
    assert all(title.fields["synopsis"] == FIELDS["synopsis"] for title in recommender.asked)
    assert all(title.fields["name"] == "Name of a" for title in recommender.asked)
    assert all(title.launch_at is None for title in recommender.asked)
    assert {members for ability, members, _ in recommender.calls if ability == "score"} == {N}


def test_a_launch_is_asked_about_at_its_new_time_without_other_metadata(ask):
    recommender = GenreRecommender()

    answer = ask(recommender).answer("a", asked(launch="2026-03-20"))

    later = LAUNCH + timedelta(days=11)
    assert {title.launch_at for title in recommender.asked} == {LAUNCH, later}
    assert all(title.fields is None for title in recommender.asked)
    assert {place.at for place in recommender.places} == {LAUNCH, later}
    assert {t.before.launch_at for t in answer.targets} == {LAUNCH}
    assert {t.after.launch_at for t in answer.targets} == {later}
    assert answer.cells[0].reach_after < answer.cells[0].reach_before


def test_titles_of_the_new_launch_window_compete(world, ask_here):
    later = LAUNCH + timedelta(days=11)
    world.launches(*((f"hit{i}", "us", "home", AS_OF - timedelta(days=9), later, c.PLANNED) for i in range(8)))
    recommender = GenreRecommender(levels={f"hit{i}": 9.0 for i in range(8)} | {"a": 3.0})

    answer = ask_here(recommender).answer("a", asked(launch="2026-03-20"))

    (cell,) = answer.cells
    assert cell.reach_before == cell.alone_before
    assert cell.reach_after < cell.alone_after


def test_what_comparable_titles_answer_is_not_called_through_the_recommender(ask):
    answer = ask(GenreRecommender()).answer("a", asked(fields={"genres": "Drama"}))

    ways = {target.horizon: target.through for target in answer.targets}
    assert ways == {1: Through.RECOMMENDER, 7: Through.RECOMMENDER, 28: Through.MODEL}
    assert "Comparable titles answer for reach over 28 d" in answer.notices[-1]


# --- through the model alone ---------------------------------------------------------------------------------------

PAST_CLOCK = fixed_clock(AS_OF + timedelta(days=400))
LATE = {"timeout_seconds": 0.05}


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ({}, "no [recommender]"),
        ({"recommender": FakeRecommender(abilities=EVERYTHING - {Ability.SCORE})}, "lacks the ability score"),
        ({"recommender": FakeRecommender(abilities=frozenset({Ability.SCORE}))}, "lacks the ability changed_metadata"),
        ({"recommender": RecommenderError("The recommender is not there.")}, "is not there"),
        ({"recommender": FakeRecommender(), "sampler": FakeSampler(fails=True)}, "The log is gone."),
        ({"recommender": FakeRecommender(), "sampler": FakeSampler(nobody=(("us", "home"),))}, "No member was active"),
        ({"recommender": FaultyRecommender(fault=lambda _, answer: None)}, "cannot be used: "),
        ({"recommender": FaultyRecommender(fault=slow_by(0.3)), **LATE}, "too_slow"),
    ],
    ids=["nobody", "no score", "no change", "absent", "no log", "nobody active", "nonsense", "slow"],
)
def test_where_it_cannot_be_asked_the_model_answers_alone_and_says_why(ask, made, said):
    answer = ask(**made).answer("a", asked(fields={"synopsis": ""}))

    assert answer.through is Through.MODEL
    assert said in answer.reason
    assert (answer.recommender, answer.cells[0].n_members, answer.cells[0].reach_after) == ("", 0, None)
    assert first(answer).change.median < 0
    assert any("an association" in notice for notice in answer.notices)


def test_a_replay_does_not_ask_a_recommender_that_forgets(ask):
    settings = {"service": ServiceSettings(name="test", as_of=AS_OF)}
    forgets = FakeRecommender(abilities=EVERYTHING - {Ability.PAST})

    answer = ask(forgets, clock=PAST_CLOCK, settings=settings).answer("a", asked(fields={"synopsis": ""}))

    assert answer.through is Through.MODEL
    assert "lacks the ability past" in answer.reason


def test_a_replay_asks_from_what_was_known_then(ask):
    recommender = GenreRecommender()
    settings = {"service": ServiceSettings(name="test", as_of=AS_OF)}

    answer = ask(recommender, clock=PAST_CLOCK, settings=settings).answer("a", asked(fields={"genres": "Drama"}))

    assert answer.through is Through.RECOMMENDER
    assert {place.known_at for place in recommender.places} == {AS_OF}


def test_answers_about_some_of_the_members_are_not_compared(ask):
    calls = []

    def every_other(ability, answer):
        calls.append(ability)
        if ability == "score" and len(calls) % 5 == 0:
            raise RuntimeError("not now")
        return answer

    recommender = FaultyRecommender(abilities=EVERYTHING - {Ability.CANDIDATES}, fault=every_other)
    answer = ask(recommender, members_per_call=5).answer("a", asked(fields={"genres": "Drama"}))

    assert answer.through is Through.MODEL
    assert "not now" in answer.reason


def test_one_place_without_members_leaves_the_others_to_the_recommender(world, ask_here):
    world.launches(("a", "de", "home", AS_OF - timedelta(days=30), LAUNCH, c.PLANNED))
    old = [(f"old{i}", AS_OF - timedelta(days=200 + i)) for i in range(12)]
    world.launches(*((name, "de", "home", at - timedelta(days=30), at, c.PLANNED) for name, at in old))
    what_ifs = ask_here(GenreRecommender(), FakeSampler(nobody=(("de", "home"),)))

    answer = what_ifs.answer("a", asked(fields={"genres": "Drama"}))

    assert answer.through is Through.BOTH
    assert {cell.market: cell.through for cell in answer.cells} == {"us": Through.RECOMMENDER, "de": Through.MODEL}
    assert any("alone (for de home)" in notice for notice in answer.notices)
    assert any("members (for us home)" in notice for notice in answer.notices)


def test_what_was_said_of_the_title_before_counts_on_neither_side(world, ask_here):
    what_ifs = ask_here(GenreRecommender(levels={"a": 9.0}))
    shadow(what_ifs._context)

    answer = ask_here().answer("a", asked(fields={"synopsis": None}))
    unchanged = ask_here().answer("a", asked())

    assert any("would hide the change" in notice for notice in answer.notices)
    assert first(answer).before == first(unchanged).before  # the sample's forecast knows given answers alone


# --- changing nothing ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", [{}, {"fields": {"genres": "Comedy"}}, {"launch": "2026-03-09"}, {"market": "us"}])
def test_changing_nothing_gives_the_same_on_both_sides_and_asks_nobody(ask, what):
    recommender = GenreRecommender()

    answer = ask(recommender).answer("a", asked(**what))

    assert recommender.calls == []
    assert all(target.before == target.after for target in answer.targets)
    assert {(t.change.median, t.change.low, t.change.high) for t in answer.targets} == {(0.0, 0.0, 0.0)}
    assert answer.notices == (UNCHANGED,)
    assert not any(change.is_different for change in answer.changes)


value = st.one_of(
    st.none(), st.integers(-1000, 1000), st.floats(-1e6, 1e6, allow_nan=False),
    st.text(st.characters(codec="ascii", exclude_characters=",|"), min_size=1, max_size=12),
    st.lists(st.sampled_from(["Drama", "Crime, true", "Sci-Fi"]), min_size=1, max_size=3, unique=True),
)  # fmt: skip


@settings_of(max_examples=15)
@given(fields=st.dictionaries(st.sampled_from(["x", "y", "genres"]), value, max_size=3), data=st.data())
def test_a_field_given_as_it_stands_changes_nothing(tmp_path_factory, world_of, fields, data):
    world = world_of(tmp_path_factory.mktemp("same"))
    world.titles(("a", c.ALL, AS_OF - timedelta(days=30), fields))
    world.launches(("a", "us", "home", AS_OF - timedelta(days=30), LAUNCH, c.PLANNED))
    what_ifs = WhatIfs(world.context(forecaster=SampleForecaster()))
    given_again = {name: fields[name] for name in data.draw(st.sets(st.sampled_from(sorted(fields) or [""]))) if name}

    answer = what_ifs.answer("a", AskedWhatIf(fields=given_again))

    assert all(target.before == target.after for target in answer.targets)


def test_nothing_is_stored(world, ask_here):
    what_ifs = ask_here(GenreRecommender())
    before = everything(world.store)

    what_ifs.answer("a", asked(fields={"genres": "Drama", "synopsis": ""}, launch="2026-03-20"))
    what_ifs.form("a")

    assert everything(world.store) == before


def everything(store):
    """Return all that a store holds, as text."""
    said = {**written("records", vars(store.records)), **written("frames", vars(store.frames))}
    assert any("old11" in text for text in said.values())
    return said


def written(name, held):
    if isinstance(held, pd.DataFrame):
        return {name: held.to_csv()}
    if isinstance(held, dict):
        return {k: v for key, part in held.items() for k, v in written(f"{name}.{key}", part).items()}
    return {name: repr(held)}


# --- values --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_value", "after"),
    [
        ({"genres": "Drama|Crime"}, "Drama, Crime"),
        ({"genres": "Drama, Crime,"}, "Drama, Crime"),
        ({"genres": ["Drama", " Crime ", None, ""]}, "Drama, Crime"),
        ({"genres": "  "}, ""),
        ({"genres": []}, ""),
        ({"genres": 7}, "7"),
        ({"runtime_minutes": " 104 "}, "104"),
        ({"runtime_minutes": "1.5"}, "1.5"),
        ({"runtime_minutes": 104}, "104"),
        ({"runtime_minutes": None}, ""),
        ({"synopsis": 1984}, "1984"),
        ({"synopsis": True}, "true"),
        ({"synopsis": [0.5, 1]}, "0.5 1"),
        ({"provider": "Other"}, "Other"),
    ],
)
def test_values_are_read_as_the_field_holds_them(ask, given_value, after):
    (change,) = ask().answer("a", asked(fields=given_value)).changes

    assert (change.after, change.market, change.is_different) == (after, c.ALL, True)


def test_a_text_with_a_comma_that_is_known_as_one_value_stays_one(world, ask_here):
    world.titles(("b", c.ALL, AS_OF - timedelta(days=9), {"genres": ["Crime, true"]}))

    (change,) = ask_here().answer("a", asked(fields={"genres": "Crime, true"})).changes

    assert change.after == "Crime, true"
    assert change.is_different


def test_a_value_holds_also_where_a_market_has_its_own(world, ask_here):
    world.titles(("a", "us", AS_OF - timedelta(days=9), {"genres": ["Romance"]}))
    recommender = GenreRecommender()

    answer = ask_here(recommender).answer("a", asked(fields={"genres": "Drama"}))

    assert [(change.before, change.after) for change in answer.changes] == [("Romance", "Drama")]
    assert {tuple(title.fields["genres"]) for title in recommender.asked} == {("Romance",), ("Drama",)}
    assert answer.cells[0].reach_after > answer.cells[0].reach_before


def test_markets_that_differ_are_told_apart_and_one_can_be_asked_about_alone(world, ask_here):
    world.titles(("a", "de", AS_OF - timedelta(days=9), {"genres": ["Romance"]}))
    world.launches(("a", "de", "home", AS_OF - timedelta(days=30), LAUNCH, c.PLANNED))

    both = ask_here().answer("a", asked(fields={"genres": "Drama"}))
    one = ask_here().answer("a", asked(fields={"genres": "Drama"}, market="de"))

    assert [(x.market, x.before) for x in both.changes] == [("de", "Romance"), ("us", "Comedy")]
    assert {target.market for target in one.targets} == {"de"}
    assert [(x.market, x.before) for x in one.changes] == [(c.ALL, "Romance")]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"genres": "Horror"}, 'No past launch had "Horror" as "genres"'),
        ({"genres": "drama"}, '"drama" (there is "Drama")'),
        ({"genres": ",".join("abcdefg")}, "and 2 more"),
        ({"runtime_minutes": 900}, "as large as 900"),
        ({"runtime_minutes": 1}, "as small as 1"),
        ({"synopsis": ""}, 'No past launch lacked "synopsis"'),
        ({"format": "series"}, 'No past launch had "series" as "format"'),
    ],
)  # fmt: skip
def test_what_no_past_launch_had_is_told_first(ask, fields, said):
    assert said in ask().answer("a", asked(fields=fields)).notices[0]


@pytest.mark.parametrize("fields", [{"genres": "Drama"}, {"runtime_minutes": 85}, {"synopsis": "Quite another text."}])
def test_what_was_seen_before_and_free_text_are_not_told(ask, fields):
    assert not any("No past launch" in notice for notice in ask().answer("a", asked(fields=fields)).notices)


def test_a_field_that_the_model_ignores_is_told(ask):
    settings = {"model": ModelSettings(ignore_fields=("synopsis",))}

    answer = ask(settings=settings).answer("a", asked(fields={"synopsis": "Other words."}))

    assert 'The model does not look at "synopsis"' in answer.notices[-1]


def test_a_title_that_becomes_unlike_anything_is_unknown(ask):
    answer = ask().answer("a", asked(fields={"synopsis": UNLIKE}))

    target = first(answer)
    assert (target.after.quantiles, target.after.median, target.change) == ((), None, None)
    assert "unlike anything launched here before" in target.after.abstains
    assert target.before.quantiles


def test_a_title_without_metadata_can_be_given_some(world, ask_here):
    world.launches(("bare", "us", "home", AS_OF - timedelta(days=3), LAUNCH, c.PLANNED))

    answer = ask_here().answer("bare", asked(fields={"synopsis": "Now there is one.", "name": "Bare"}))

    assert answer.name == ""
    assert first(answer).change.median > 0


# --- launches ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("launch", "means"),
    [
        ("2026-03-20", "2026-03-20T08:00+00:00"),  # 04:00 in New York before, 04:00 summer time after
        ("2026-03-20T08:00", "2026-03-20T12:00+00:00"),
        ("2026-03-20T08:00Z", "2026-03-20T08:00+00:00"),
        ("2026-03-20 08:00:30+01:00", "2026-03-20T07:00:30+00:00"),
        ("2026-03-05", "2026-03-05T09:00+00:00"),
    ],
)
def test_a_launch_means_a_moment_by_the_clocks_of_its_market(ask, launch, means):
    settings = {"markets": {"us": MarketSettings(time_zone="America/New_York")}}

    answer = ask(settings=settings).answer("a", asked(launch=launch))

    assert first(answer).after.launch_at == datetime.fromisoformat(means)
    assert answer.changes[0].what == "launch"


@pytest.mark.parametrize(
    "launch", ["2026-13-01", "2026-02-30", "soon, perhaps", "2026-03-20T25:00", "0026-03-20", "2026-03-20T08:00+99:00"]
)
def test_a_launch_that_means_nothing_is_refused(launch):
    with pytest.raises(ValueError, match="launch"):
        asked(launch=launch)


# --- what is refused -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("title", "what", "kind", "said"),
    [
        ("nobody", {}, NotFoundError, 'Title "nobody" is not known'),
        ("a", {"fields": {"genre": "x"}}, UsageError, 'There is no metadata field "genre" (there are: "genres"'),
        ("a", {"fields": {"runtime_minutes": "long"}}, UsageError, '"runtime_minutes" holds numbers: "long" is none'),
        ("a", {"fields": {"runtime_minutes": "1e999"}}, UsageError, "holds numbers"),
        ("a", {"fields": {"runtime_minutes": True}}, UsageError, "holds numbers"),
        ("a", {"fields": {"synopsis": ["a", "b"]}}, UsageError, "holds one text, no list"),
        ("a", {"launch": "2026-03-01"}, UsageError, "A launch at 2026-03-01 08:00 UTC is not ahead"),
        ("a", {"market": "fr"}, UsageError, 'is not to launch in market "fr" (but in: us)'),
        ("old1", {}, UsageError, 'Title "old1" launched at 2025-08-13'),
        ("stored", {}, UsageError, 'No launch of title "stored" is planned'),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(ask, title, what, kind, said):
    with pytest.raises(kind) as refused:
        ask(GenreRecommender()).answer(title, asked(**what))

    assert said in str(refused.value)


def test_without_a_model_there_is_nothing_to_move(ask):
    with pytest.raises(UsageError, match="There is no model"):
        ask(models=()).answer("a", asked(fields={"synopsis": ""}))


def test_a_what_if_behind_another_that_takes_too_long_is_turned_away(ask, monkeypatch):
    monkeypatch.setattr(what_if, "WAIT_SECONDS", 0.01)
    what_ifs = ask()
    with what_ifs._turn, pytest.raises(BusyError, match="Another what-if"):
        what_ifs.answer("a", asked())

    assert what_ifs.answer("a", asked()).title_id == "a"


def test_what_is_shared_with_others_is_used_by_one_at_a_time(world, ask_here):
    lock = threading.Lock()
    what_ifs = WhatIfs(ask_here()._context, predicting=lock)

    what_ifs.answer("a", asked(fields={"synopsis": ""}))

    assert not lock.locked()


@pytest.mark.parametrize("text", ["genres", "=x", " = x"])
def test_a_change_in_words_needs_a_field_and_a_value(text):
    with pytest.raises(UsageError, match="FIELD=VALUE"):
        asked_in_words([text])


def test_changes_in_words_are_told_apart():
    found = asked_in_words(["genres=Drama,Crime", "synopsis=", "tagline=a=b"], "2026-03-20", "us")

    assert found.fields == {"genres": "Drama,Crime", "synopsis": "", "tagline": "a=b"}
    assert (found.launch, found.market) == ("2026-03-20", "us")
    with pytest.raises(UsageError, match="stands once"):
        asked_in_words(["a=1", "a=2"])
    with pytest.raises(UsageError, match=r"What is asked makes no sense at launch: .* correct it"):
        asked_in_words([], "2026-02-30")


# --- the form ------------------------------------------------------------------------------------------------------


def test_the_form_has_every_field_with_its_whole_value_and_every_launch(world, ask_here):
    world.titles(("long", c.ALL, AS_OF - timedelta(days=9), {"synopsis": "word " * 200, "genres": ["a", "b"]}))
    world.launches(("long", "us", "home", AS_OF - timedelta(days=9), LAUNCH, c.PLANNED))
    settings = {"markets": {"us": MarketSettings(time_zone="America/New_York")}}

    form = ask_here(settings=settings).form("long")

    values = {now.field: (now.kind.value, now.separator, now.value) for now in form.fields}
    assert values["synopsis"] == ("text", "", "word " * 200)
    assert values["genres"] == ("list", "|", "a|b")
    assert values["runtime_minutes"] == ("number", "", "")
    assert values["name"] == ("text", "", "Name of long")
    assert [bool(now.value) for now in form.fields] == sorted((bool(now.value) for now in form.fields), reverse=True)
    assert [(now.market, now.local) for now in form.launches] == [("us", "2026-03-09T04:00")]
    assert form.problem == ""


def test_the_form_of_a_launched_title_says_why_nothing_can_be_asked(ask):
    form = ask().form("old3")

    assert "launched at" in form.problem
    assert form.launches == ()
    with pytest.raises(NotFoundError):
        ask().form("nobody")


def test_every_horizon_is_answered(ask):
    assert [target.horizon for target in ask().answer("a", asked()).targets] == list(HORIZONS)
