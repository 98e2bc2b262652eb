"""The trained recommender: it learns from events, maps metadata, and knows nothing of later days."""

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from recsysops.contract.recommender import Ability, AskedTitle, FieldValue, Place
from recsysops.errors import RecommenderError
from recsysops.testing.recommenders import RECOMMENDER_CHECKS, Check, Questions, check_adapter
from recsysops.trained.adapter import ADAPTER, TrainedSettings, connect
from recsysops.trained.asked import TrainedRecommender

from .conftest import DAY, START, catalogue, events, members, written

READ: dict[str, object] = {"lists": {"genres": "|"}, "fields": ("studio",), "bins": {"year": 10}, "factors": 8}


def settings(**more: object) -> TrainedSettings:
    return TrainedSettings.model_validate(READ | more)


def trained(folder: Path, **more: object) -> TrainedRecommender:
    found = connect(settings(**more), folder)
    assert isinstance(found, TrainedRecommender)
    return found


def place(day: float, known: float | None = None) -> Place:
    known_at = None if known is None else (START + DAY * known).to_pydatetime()
    return Place(market="all", surface="all", at=(START + DAY * day).to_pydatetime(), known_at=known_at)


def asked(*titles: str, fields: dict[str, FieldValue] | None = None) -> list[AskedTitle]:
    return [AskedTitle(title_id=title, fields=fields) for title in titles]


@pytest.fixture(scope="module")
def recommender(service: Path) -> TrainedRecommender:
    return trained(service)


@pytest.fixture(scope="module")
def new_row(service: Path) -> TrainedRecommender:
    """A row of titles no older than 20 days, of which a first stage finds 5."""
    return trained(service, new_days=20, candidates=5, new_bonus=0.5, new_bonus_days=4)


@pytest.mark.parametrize("check", RECOMMENDER_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("which", ["recommender", "new_row"])
def test_it_keeps_the_contract(check: Check, which: str, request: pytest.FixtureRequest) -> None:
    questions = Questions(members=["m00", "m01", "nobody"], titles=["t50", "t51", "t40"], place=place(52))

    check(request.getfixturevalue(which), questions)


def test_it_is_registered_and_documented() -> None:
    (entry,) = metadata.entry_points(group="recsysops.recommenders", name="trained")

    check_adapter(entry.load(), "trained")
    assert entry.load() is ADAPTER


def test_a_title_nobody_has_met_is_scored_by_its_metadata(recommender: TrainedRecommender) -> None:
    drama, comedy = members(0), members(1)
    cold = asked("t60", "t61")

    scores = recommender.score(drama + comedy, cold, place(60, 55))
    likes_first = scores[:, 0] > scores[:, 1]

    assert likes_first[: len(drama)].mean() > 0.9
    assert likes_first[len(drama) :].mean() < 0.1


def test_changed_metadata_are_mapped_anew(recommender: TrainedRecommender) -> None:
    who, where = members(0), place(60, 55)
    as_it_is = {"genres": ["Drama", "Film"], "studio": "Studio 0", "year": 1990.0}

    known = recommender.score(who, asked("t60"), where)
    same = recommender.score(who, asked("t60", fields=as_it_is), where)
    joined = recommender.score(who, asked("t60", fields=as_it_is | {"genres": "drama|film"}), where)
    other = recommender.score(who, asked("t60", fields=as_it_is | {"genres": ["Comedy", "Film"]}), where)
    missing = recommender.score(who, asked("t60", fields={}), where)
    odd = recommender.score(who, asked("t60", fields=as_it_is | {"genres": float("nan"), "year": "soon"}), where)

    assert np.allclose(known, same)
    assert np.allclose(known, joined)
    assert (known > other).mean() > 0.9
    assert not np.allclose(known, missing)
    assert np.isfinite(odd).all()


def test_a_title_that_was_met_often_keeps_some_of_its_own_factors(recommender: TrainedRecommender) -> None:
    wrong: dict[str, FieldValue] = {"genres": ["Comedy", "Film"], "studio": "Studio 0", "year": 1990.0}
    where = place(60, 55)

    cold = recommender.score(members(0), asked("t60", fields=wrong), where)
    warm = recommender.score(members(0), asked("t30", fields=wrong), where)

    assert (warm > cold).all()


def test_nothing_after_the_time_named_changes_an_answer(tmp_path: Path, service: Path) -> None:
    until = START + 40 * DAY
    met, titles = events(), catalogue()
    met.loc[met["ts"] >= until, "title_id"] = "t00"
    later = titles[titles["observed_at"] <= until].assign(
        observed_at=until + DAY, genres="Opera", launch_at=START + 500 * DAY
    )
    other = trained(written(tmp_path / "other", pd.concat([titles, later]), met), new_days=20, candidates=5)
    here = trained(service, new_days=20, candidates=5)
    titles_asked, who = asked("t41", "t42", "t38", "t02"), [*members(0), "nobody"]

    for where in (place(45, 40), place(40, 40)):
        assert np.array_equal(here.score(who, titles_asked, where), other.score(who, titles_asked, where))
        assert np.array_equal(here.candidates(who, titles_asked, where), other.candidates(who, titles_asked, where))
        assert here.eligibility(titles_asked, where) == other.eligibility(titles_asked, where)
    assert not np.array_equal(
        here.score(who, titles_asked, place(45, 44)), other.score(who, titles_asked, place(45, 44))
    )


def test_it_is_trained_every_so_many_days(recommender: TrainedRecommender) -> None:
    who, title = members(0), asked("t30")

    monday, sunday, next_monday = (recommender.score(who, title, place(60, day)) for day in (35, 41, 42))

    assert np.array_equal(monday, sunday)
    assert not np.array_equal(monday, next_monday)


def test_what_lies_ahead_is_answered_from_all_that_is_known(recommender: TrainedRecommender) -> None:
    who, titles = members(0), asked("t80", "t81")

    assert np.array_equal(recommender.score(who, titles, place(400)), recommender.score(who, titles, place(800)))


def test_before_any_event_nobody_is_known(recommender: TrainedRecommender) -> None:
    scores = recommender.score(["m00", "m01"], asked("t00"), place(0, 0))

    assert (scores == 0).all()


def test_only_new_titles_are_on_offer(new_row: TrainedRecommender) -> None:
    titles = asked("t50", "t30", "t88", "nothing")

    said = new_row.eligibility(titles, place(52))
    scores = new_row.score(["m00"], titles, place(52))

    assert [each.is_eligible for each in said] == [True, False, False, False]
    assert [each.reason for each in said] == [
        "", "Launched 22 days ago: no longer new.", "Not in the catalogue.", "Not in the catalogue.",
    ]  # fmt: skip
    assert np.isneginf(scores[0, 1:]).all()
    assert new_row.offered(place(52)) == [f"t{number}" for number in range(33, 53)]


def test_a_title_without_launch_is_not_new(tmp_path: Path) -> None:
    titles = catalogue()
    titles["launch_at"] = titles["launch_at"].where(titles["title_id"] != "t50")
    recommender = trained(written(tmp_path, titles, events()), new_days=20)

    (said,) = recommender.eligibility(asked("t50"), place(52))

    assert said.reason == "No launch is known."


def test_without_a_limit_everything_known_is_on_offer(recommender: TrainedRecommender) -> None:
    given = recommender.eligibility(asked("new", fields={"genres": ["Drama"]}), place(52))

    assert recommender.offered(place(52)) == [f"t{number:02d}" for number in range(67)]
    assert given[0].is_eligible
    assert Ability.CANDIDATES not in recommender.abilities


def test_the_first_stage_finds_so_many_titles(new_row: TrainedRecommender) -> None:
    offered = asked(*new_row.offered(place(52)))

    found = new_row.candidates(["m00", "m01", "nobody"], offered, place(52))
    everything = new_row.candidates(["m00"], asked("t00", "t01"), place(3))

    assert (found.sum(axis=1) == 5).all()
    assert everything.all()
    assert Ability.CANDIDATES in new_row.abilities


def test_the_bonus_of_a_new_title_halves(service: Path) -> None:
    with_bonus = trained(service, new_days=20, new_bonus=0.5, new_bonus_days=4)
    without = trained(service, new_days=20)

    titles = asked("t52", "t48", "t44")
    extra = with_bonus.score(["m00"], titles, place(52)) - without.score(["m00"], titles, place(52))

    assert extra == pytest.approx(np.array([[0.5, 0.25, 0.125]]))


def test_its_version_names_training_and_settings(service: Path, recommender: TrainedRecommender) -> None:
    other = trained(service, factors=4)

    assert recommender.version.startswith("als-2026-04-06-")
    assert other.version.startswith("als-2026-04-06-")
    assert other.version != recommender.version


def test_parquet_and_other_names_are_read(tmp_path: Path, recommender: TrainedRecommender) -> None:
    theirs = catalogue().rename(columns={"title_id": "item", "genres": "labels"})
    theirs = theirs.assign(labels=theirs["labels"].str.split("|"), year=theirs["year"].astype("int64"))
    theirs.to_parquet(tmp_path / "items.parquet")
    met = events().rename(columns={"title_id": "item", "member_id": "user"})
    met.assign(ts=met["ts"].astype("int64") // 1_000_000).to_csv(tmp_path / "log.csv", index=False)
    names = {"title_id": "item", "member_id": "user", "genres": "labels"}

    other = trained(tmp_path, events="log.csv", titles="items.parquet", columns=names, epoch_unit="s")

    where, who, titles = place(60, 55), members(0), asked("t60", "t61")
    assert np.allclose(other.score(who, titles, where), recommender.score(who, titles, where))


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"events": "nothing.csv"}, "cannot read .*nothing.csv"),
        ({"lists": {"tags": "|"}}, "lacks the column tags"),
        ({"columns": {"ts": "member_id"}}, "cannot read the times of"),
        ({"columns": {"ts": "member_id"}, "epoch_unit": "s"}, "cannot read the times of"),
        ({"columns": {"title_id": "studio"}}, "lacks the column studio"),
    ],
)
def test_what_it_cannot_use_is_said(service: Path, more: dict[str, object], said: str) -> None:
    with pytest.raises(RecommenderError, match=said):
        trained(service, **more)


def test_events_of_nothing_known_are_refused(tmp_path: Path) -> None:
    folder = written(tmp_path, catalogue(), events().assign(title_id="other"))

    with pytest.raises(RecommenderError, match="has no event of a title in the catalogue"):
        trained(folder)


def test_unknown_settings_are_refused() -> None:
    with pytest.raises(ValidationError, match="extra_forbidden"):
        settings(layers=3)


def test_a_missing_library_is_named_with_its_extra(service: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recsysops.trained.adapter.find_spec", lambda _name: None)

    with pytest.raises(RecommenderError, match=r'Install "recsysops\[trained\]"'):
        connect(settings(), service)


def test_the_adapter_is_light_until_it_connects() -> None:
    code = "import sys, recsysops.trained.adapter; print(*({'implicit', 'pandas', 'scipy'} & set(sys.modules)))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.split() == []


def test_metadata_arrive_in_versions(tmp_path: Path) -> None:
    first = catalogue()
    first["genres"] = first["genres"].where(first["title_id"] != "t60")
    second = catalogue().query("title_id == 't60'").assign(observed_at=START + 57 * DAY)
    recommender = trained(written(tmp_path, pd.concat([first, second]), events()))
    who = members(0)

    before, after = (recommender.score(who, asked("t60"), place(60, day)) for day in (56.9, 57.1))

    assert (after > before).mean() > 0.9
