"""Every registered adapter keeps the contract, and every check of the contract can fail."""

import tomllib
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import distribution
from pathlib import Path

import numpy as np
import pytest

from recsysops.contract.recommender import Ability, Adapter, Eligibility, RecommenderSettings
from recsysops.plugins import RECOMMENDERS, installed
from recsysops.shadow.http import HttpSettings, connect
from recsysops.testing import recommenders as checks
from recsysops.testing.fake_recommender import FakeRecommender, FaultyRecommender, a_place
from recsysops.testing.recommender_server import RecommenderServer

QUESTIONS = checks.Questions(
    members=["m1", "m2", "m3", "m4"], titles=["a", "b", "x", "y"], place=a_place(datetime(2026, 3, 7, tzinfo=UTC))
)
ADAPTERS = {point.name: point.load() for point in installed(RECOMMENDERS)}


def test_what_is_installed_is_what_is_declared():
    root = Path(__file__).parents[2]
    declared = tomllib.loads((root / "pyproject.toml").read_text())["project"]["entry-points"][RECOMMENDERS]
    ours = {point.name for point in distribution("recsysops").entry_points.select(group=RECOMMENDERS)}

    assert ours == set(declared), "run make setup: entry points changed"


@pytest.mark.parametrize("name", ADAPTERS)
def test_every_registered_adapter_is_described(name):
    checks.check_adapter(ADAPTERS[name], name)


@pytest.mark.parametrize("check", checks.RECOMMENDER_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize(
    "abilities",
    [frozenset(Ability), {Ability.CANDIDATES}, {Ability.ELIGIBILITY}],
    ids=["all", "candidates alone", "eligibility alone"],
)
def test_the_http_adapter_keeps_the_contract(check, abilities, tmp_path):
    behind = FakeRecommender(abilities=frozenset(abilities), never=frozenset({"b"}), excluded={"a": "no licence"})
    with RecommenderServer(behind) as server:
        check(connect(HttpSettings(url=server.url), tmp_path), QUESTIONS)


@pytest.mark.parametrize("check", checks.RECOMMENDER_CHECKS, ids=lambda check: check.__name__)
def test_the_fake_recommender_keeps_the_contract(check):
    check(FakeRecommender(excluded={"a": "no licence"}), QUESTIONS)


class Counting(FakeRecommender):
    """Answers otherwise each time."""

    def score(self, members, titles, place):
        return super().score(members, titles, place) + len(self.calls)


class Changing(FakeRecommender):
    """Has another version after each question."""

    def score(self, members, titles, place):
        self.version += "'"
        return super().score(members, titles, place)


def spoiled(ability, change):
    return FaultyRecommender(fault=lambda asked, answer: change(answer) if asked == ability else answer)


BROKEN = {
    checks.check_it_can_answer_something: FakeRecommender(abilities=frozenset({Ability.PAST})),
    checks.check_its_version_is_text: Changing(),
    checks.check_scores_have_the_right_shape_and_are_numbers: spoiled("score", lambda s: np.where(s > 0, np.nan, s)),
    checks.check_candidates_have_the_right_shape_and_are_flags: spoiled("candidates", lambda s: s.astype(int)),
    checks.check_eligibility_is_told_in_the_order_asked: spoiled("eligibility", lambda told: sorted(told, key=str)),
    checks.check_the_same_question_has_the_same_answer: Counting(),
    checks.check_some_members_have_the_same_rows: spoiled("score", lambda s: s - s.mean(axis=0)),
    checks.check_the_order_of_titles_does_not_matter: spoiled("score", lambda s: s + np.arange(s.shape[1])),
    checks.check_some_titles_have_the_same_columns: spoiled("score", lambda s: s - s.max(axis=1, keepdims=True)),
    checks.check_no_question_is_no_answer: spoiled("score", lambda s: s if s.size else np.zeros((1, 1))),
    checks.check_changed_metadata_is_used: spoiled("score", lambda s: s * np.nan),
    checks.check_a_changed_launch_is_taken: spoiled("score", lambda s: s * np.nan),
}


def test_every_check_has_an_adapter_that_fails_it():
    assert set(BROKEN) == set(checks.RECOMMENDER_CHECKS)


@pytest.mark.parametrize("check", BROKEN, ids=lambda check: check.__name__)
def test_every_check_can_fail(check):
    with pytest.raises(AssertionError):
        check(BROKEN[check], QUESTIONS)


def test_an_exclusion_without_a_reason_fails():
    silent = spoiled("eligibility", lambda told: [Eligibility(title_id=t.title_id, is_eligible=False) for t in told])

    with pytest.raises(AssertionError, match="without a reason"):
        checks.check_eligibility_is_told_in_the_order_asked(silent, QUESTIONS)


def test_an_adapter_that_says_too_little_fails():
    class Bare(RecommenderSettings):
        limit: int = 1

    good = Adapter(name="x", summary="Does.", settings=RecommenderSettings, connect=lambda settings, folder: None)

    checks.check_adapter(good, "x")
    for wrong, name in ((good, "y"), (replace(good, summary="does"), "x"), (replace(good, settings=Bare), "x")):
        with pytest.raises(AssertionError):
            checks.check_adapter(wrong, name)
