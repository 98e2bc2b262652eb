"""A guarded recommender asked by itself, and the connection behind it."""

from datetime import UTC, datetime
from types import SimpleNamespace

import numpy as np
import pytest

from recsysops.contract.recommender import Ability, Adapter, AskedTitle, RecommenderSettings
from recsysops.settings import ShadowSettings
from recsysops.shadow import AbsentRecommender, Fault, GuardedRecommender, LazyRecommender, Unanswered, askable
from recsysops.shadow._calls import MAX_FAILURES, Calls
from recsysops.testing.fake_recommender import FakeRecommender, FaultyRecommender, a_place

PLACE = a_place(datetime(2026, 3, 7, tzinfo=UTC))
TITLES = [AskedTitle(title_id=f"t{i}") for i in range(7)]
MEMBERS = [f"m{i}" for i in range(11)]


def test_questions_are_cut_into_calls_and_put_together_again():
    recommender = FakeRecommender()
    guarded = GuardedRecommender(recommender, ShadowSettings(members_per_call=4, titles_per_call=3))

    scores, flags = guarded.score(MEMBERS, TITLES, PLACE), guarded.candidates(MEMBERS, TITLES, PLACE)
    listed = guarded.eligibility(TITLES, PLACE)

    assert [call for call in recommender.calls if call[0] == "score"] == [
        ("score", m, t) for m in (4, 4, 3) for t in (3, 3, 1)
    ]
    assert np.allclose(scores, recommender.score(MEMBERS, TITLES, PLACE))
    assert np.array_equal(flags, recommender.candidates(MEMBERS, TITLES, PLACE))
    assert [each.title_id for each in listed] == [title.title_id for title in TITLES]


@pytest.mark.parametrize(
    ("answer", "fault"),
    [(np.ones((11, 7), dtype=int), Fault.WRONG_TYPE), (np.ones((7, 11), dtype=bool), Fault.WRONG_SHAPE)],
)
def test_flags_of_the_wrong_kind_or_shape_are_refused(answer, fault):
    guarded = GuardedRecommender(FaultyRecommender(fault=lambda *_: answer), ShadowSettings())

    found = guarded.candidates(MEMBERS, TITLES, PLACE)

    assert isinstance(found, Unanswered)
    assert found.fault is fault


@pytest.mark.parametrize("answer", [None, "abc", ["t0"], {}, 7])
def test_a_list_that_is_none_is_refused(answer):
    guarded = GuardedRecommender(FaultyRecommender(fault=lambda *_: answer), ShadowSettings())

    found = guarded.eligibility(TITLES, PLACE)

    assert isinstance(found, Unanswered)
    assert found.fault is Fault.BAD_LIST


def test_what_it_cannot_do_is_not_asked():
    recommender = FakeRecommender(abilities=frozenset({Ability.SCORE}))
    guarded = GuardedRecommender(recommender, ShadowSettings())

    found = guarded.candidates(MEMBERS, TITLES, PLACE)

    assert isinstance(found, Unanswered)
    assert found.fault is Fault.UNABLE
    assert recommender.calls == []


def test_scores_of_half_precision_become_whole_ones():
    half = FaultyRecommender(fault=lambda ability, answer: answer.astype("float32"))

    scores = GuardedRecommender(half, ShadowSettings()).score(MEMBERS, TITLES, PLACE)

    assert scores.dtype == np.float64


def adapter(connect):
    return Adapter(name="own", summary="Own.", settings=RecommenderSettings, connect=connect)


def test_it_is_connected_once_and_only_when_asked(tmp_path):
    joined = []

    def connect(settings, folder):
        joined.append(folder)
        return FakeRecommender()

    lazy = LazyRecommender(adapter(connect), RecommenderSettings(), tmp_path)
    assert joined == []

    lazy.session(ShadowSettings())
    lazy.session(ShadowSettings())

    assert lazy.name == "own"
    assert joined == [tmp_path]


def test_who_is_asked_follows_from_the_settings(tmp_path):
    loaded = SimpleNamespace(adapter=adapter(lambda *_: FakeRecommender()), settings=RecommenderSettings())

    assert isinstance(askable(loaded, tmp_path, ""), LazyRecommender)
    assert askable(None, tmp_path, "") is None
    refused = askable(None, tmp_path, "ImportError: x")
    assert isinstance(refused, AbsentRecommender)
    assert "ImportError: x" in refused.session(ShadowSettings()).reason


def test_failures_apart_do_not_end_the_others_but_the_time_is_one():
    calls = Calls(1, 10)
    other = calls.apart()

    for _ in range(MAX_FAILURES):
        other.make(lambda: 1 / 0)

    assert other.is_over
    assert not calls.is_over
    assert calls.make(lambda: "fine") == "fine"


def test_time_used_apart_is_used_up_for_all():
    now = [0.0]
    calls = Calls(5, 10, lambda: now[0])

    def slow():
        now[0] += 11

    calls.apart().make(slow)

    assert calls.is_over
    assert calls.make(lambda: 1).fault is Fault.OUT_OF_TIME
    assert calls.apart().make(lambda: 1).fault is Fault.OUT_OF_TIME
