"""The simulated recommender as it is asked: by the serving code, of any time, from nothing but what was known then."""

import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib import metadata
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from recsysops.contract.recommender import Ability, Adapter, AskedTitle, FieldValue, Place, Recommender
from recsysops.errors import RecommenderError
from recsysops.simulation import SimulationReport
from recsysops.simulation import _fields as f
from recsysops.simulation._ranking import SHOWN_ABOVE
from recsysops.simulation.adapter import ADAPTER, SimulatedSettings
from recsysops.simulation.asked import SimulatedRecommender
from recsysops.simulation.planning import PAST, UNANNOUNCED, UPCOMING
from recsysops.simulation.runner import World, market_world
from recsysops.simulation.serving import MarketService
from recsysops.simulation.state import TITLES_FILE, MarketState, TitleState
from recsysops.simulation.world import MARKETS, day_start
from recsysops.testing.recommenders import RECOMMENDER_CHECKS, Check, Questions, check_adapter

DAY = 40
LISTS = {f.GENRES, f.TAGS, f.CAST, f.DUBS, f.SUBTITLES, f.MARKETS_FIELD}


@pytest.fixture(scope="module")
def recommender(small_service: SimulationReport) -> SimulatedRecommender:
    return SimulatedRecommender(small_service.folder / "recommender")


@pytest.fixture(scope="module")
def served(small_world: World) -> MarketService:
    """The service of the first market as it stands when day `DAY` begins."""
    service = MarketService(market_world(small_world, 0))
    for day in range(DAY):
        service.serve(day)
    service._observe(DAY)
    service.popularity.fade()
    service.ranker = service._trained(DAY - DAY % 7)
    return service


def place(world: World, day: int, **changes: object) -> Place:
    return replace(Place(market="US", surface="home", at=day_start(world.config, MARKETS[0], day)), **changes)


def asked(*ids: str, fields: dict[str, FieldValue] | None = None) -> list[AskedTitle]:
    return [AskedTitle(title_id=title, fields=fields) for title in ids]


def healthy(world: World, role: int) -> np.ndarray:
    """Return titles of a role, licensed everywhere, neither moved nor cancelled nor faulty."""
    slate = world.slate
    fine = (slate.role == role) & np.isnan(slate.changed_lead) & world.titles.in_market.all(axis=1)
    fine[[fault.row for fault in world.faults]] = False
    return np.flatnonzero(fine)


def latest_fields(world: World, row: int, until: datetime) -> dict[str, FieldValue]:
    versions = world.versions[(world.versions[f.TITLE] == row) & (world.versions["observed_at"] <= until)]
    last = versions.iloc[-1]
    return {name: _value(name, last[name]) for name in f.FIELDS}


def _value(name: str, value: object) -> FieldValue:
    if value is None or value != value:
        return None
    if name in LISTS:
        return str(value).split("|")
    return float(value) if isinstance(value, float) else str(value)


def test_it_is_registered_and_connects_from_the_folder_of_the_settings(small_service: SimulationReport) -> None:
    connected: Recommender = ADAPTER.connect(SimulatedSettings(), small_service.folder)

    assert isinstance(ADAPTER, Adapter)
    assert connected.abilities == frozenset(Ability)
    assert connected.version.startswith("ranker-20")
    points = metadata.entry_points(group="recsysops.recommenders", name="simulated")
    assert [point.value for point in points] in ([], ["recsysops.simulation.adapter:ADAPTER"])


@pytest.mark.parametrize("surface", [0, 1])
def test_past_answers_are_those_of_the_serving_code_without_noise_and_shock(
    small_world: World, recommender: SimulatedRecommender, served: MarketService, surface: int
) -> None:
    offer = served._offer(DAY)
    members = np.arange(0, 1300, 7)
    real = np.arange(offer.n_real)
    found = served.ranker.candidates(offer, surface)
    by_title = served.ranker.scores_of_titles(offer, 0.0, surface)
    expected = served.ranker.scores(members, offer, real, by_title, found)
    ids = asked(*(small_world.slate.item_id[row] for row in offer.rows[real]))
    names = [served.members.pseudonym[m] for m in members]

    where = place(small_world, DAY, surface=("home", "browse")[surface])
    scores = recommender.score(names, ids, where)
    candidates = recommender.candidates(names, ids, where)

    is_shown = expected > SHOWN_ABOVE
    np.testing.assert_array_equal(np.isfinite(scores), is_shown)
    np.testing.assert_allclose(scores[is_shown], expected[is_shown], atol=2e-4)
    np.testing.assert_array_equal(candidates, found[:, real][served.ranker.cluster[members]])
    assert 0.05 < is_shown.mean() < 0.9


def test_eligible_is_what_is_served_or_planned(
    small_world: World, recommender: SimulatedRecommender, served: MarketService
) -> None:
    offer = served._offer(DAY)
    # Titles that a fault keeps out are in the offer as well, beside their shadows.
    rows = offer.rows[: offer.n_real][offer.readings.in_market[: offer.n_real, 0]]
    ids = asked(*(small_world.slate.item_id[row] for row in rows))

    assert all(
        answer.is_eligible and not answer.reason for answer in recommender.eligibility(ids, place(small_world, DAY))
    )


def test_scores_predict_who_is_shown_a_title_on_its_launch_day(
    small_world: World,
    recommender: SimulatedRecommender,
    small_treatment: pd.DataFrame,
    small_impressions: pd.DataFrame,
) -> None:
    launched = [row for row in healthy(small_world, PAST) if 20 < small_world.slate.launch_day[row] < 60]
    members = sorted(small_impressions.loc[small_impressions["market"] == "US", "member_id"].unique())[:400]
    on_offer = asked(
        *(t for t, r in zip(small_world.slate.item_id, small_world.slate.role, strict=True) if r != UNANNOUNCED)
    )
    said, done = [], []
    for row in launched[:60]:
        day, title = int(small_world.slate.launch_day[row]), small_world.slate.item_id[row]
        known = place(small_world, day, known_at=day_start(small_world.config, MARKETS[0], day - 1))
        scores = recommender.score(members, on_offer, known)
        own = recommender.score(members, asked(title), known)
        said.append((own > np.partition(scores, -9, axis=1)[:, [-9]]).mean())
        cell = small_treatment[(small_treatment["title_id"] == title) & (small_treatment["horizon"] == 1)]
        done.append(cell.loc[(cell["market"] == "US") & (cell["surface"] == "home"), "reach"].iloc[0])

    assert pd.Series(said).corr(pd.Series(done), method="spearman") > 0.75


def test_what_is_known_later_changes_no_answer_about_the_past(
    small_world: World, small_service: SimulationReport, recommender: SimulatedRecommender, tmp_path: Path
) -> None:
    """Everything dated after the moment is replaced; the answer stays, and a later moment's does not."""
    known = int(day_start(small_world.config, MARKETS[0], DAY).timestamp() * 1e6)
    folder = tmp_path / "recommender"
    shutil.copytree(small_service.folder / "recommender", folder)
    titles, market = TitleState.load(folder), MarketState.load(folder, 0)
    is_late, is_news = titles.version_at > known, titles.launch_announced_at > known
    titles.readings.content[is_late] = 0.0
    titles.readings.in_market[is_late] = False
    titles.is_cancelled[is_news] = True
    market.shown[DAY:] = 999
    market.played[DAY:] = 999
    market.seen_groups[DAY + 1 :] *= 3
    market.drift[DAY // 7 + 1 :] += np.linspace(-3, 3, market.drift.shape[1])
    market.index_day[market.index_day > DAY] = -1
    titles.save(folder)
    market.save(folder, 0)
    changed = SimulatedRecommender(folder)
    members = [str(name) for name in market.pseudonym[:200]]
    titles_asked = asked(*small_world.slate.item_id)

    for at in (DAY, DAY + 12):
        where = place(small_world, at, known_at=day_start(small_world.config, MARKETS[0], DAY))
        np.testing.assert_array_equal(
            changed.score(members, titles_asked, where), recommender.score(members, titles_asked, where)
        )
        assert changed.eligibility(titles_asked, where) == recommender.eligibility(titles_asked, where)
    later = place(small_world, DAY + 20)
    assert (changed.score(members, titles_asked, later) != recommender.score(members, titles_asked, later)).any()


def test_the_state_holds_no_truth_and_nothing_after_as_of(small_world: World, small_service: SimulationReport) -> None:
    folder = small_service.folder / "recommender"
    titles, market = TitleState.load(folder), MarketState.load(folder, 0)
    as_of = int(small_service.as_of.timestamp() * 1e6)
    unannounced = {
        t for t, r in zip(small_world.slate.item_id, small_world.slate.role, strict=True) if r == UNANNOUNCED
    }

    assert max(titles.version_at.max(), titles.launch_announced_at.max()) <= as_of
    assert not unannounced & set(titles.title_id)
    assert market.index_day.max() <= market.last_day
    assert market.starts[market.last_day] <= as_of < market.starts[market.last_day + 1]
    assert len(market.shown) == market.last_day
    assert market.first_plays[small_world.slate.role[: len(market.first_plays)] != 0].sum() == 0.0
    assert sum(path.stat().st_size for path in folder.iterdir()) < 2_000_000


def test_a_future_day_is_answered_with_the_last_state_and_the_launches_known(
    small_world: World, recommender: SimulatedRecommender, small_service: SimulationReport
) -> None:
    row = int(healthy(small_world, UPCOMING)[0])
    launch = day_start(small_world.config, MARKETS[0], int(small_world.slate.launch_day[row]))
    ids = asked(
        small_world.slate.item_id[row], *(small_world.slate.item_id[k] for k in healthy(small_world, PAST)[:40])
    )
    members = [f"us-{k}" for k in range(3)] + list(recommender._markets[0].pseudonym[:200])

    on_launch = recommender.score(members, ids, Place(market="US", surface="home", at=launch))
    weeks_later = recommender.score(members, ids, Place(market="US", surface="home", at=launch + timedelta(days=10)))
    with_known_at = recommender.score(
        members, ids, Place(market="US", surface="home", at=launch, known_at=small_service.as_of)
    )

    np.testing.assert_array_equal(on_launch, with_known_at)
    both = np.isfinite(on_launch[:, 0]) & np.isfinite(weeks_later[:, 0])
    assert both.any()
    assert (on_launch[both, 0] > weeks_later[both, 0] + 1.0).all()
    long_after = recommender.score(members, ids, Place(market="US", surface="home", at=launch + timedelta(days=400)))
    assert long_after.shape == on_launch.shape


def test_a_member_it_does_not_know_is_a_newcomer(small_world: World, recommender: SimulatedRecommender) -> None:
    ids = asked(*(small_world.slate.item_id[row] for row in healthy(small_world, PAST)))

    scores = recommender.score(["stranger", "another"], ids, place(small_world, DAY))

    np.testing.assert_array_equal(scores[0], scores[1])
    assert np.isfinite(scores).any()


def test_its_own_metadata_given_back_change_nothing(small_world: World, recommender: SimulatedRecommender) -> None:
    until = day_start(small_world.config, MARKETS[0], DAY)
    upcoming = [row for row in healthy(small_world, PAST) if DAY < small_world.slate.launch_day[row] < DAY + 14]
    members = list(recommender._markets[0].pseudonym[:100])
    where = place(small_world, DAY)
    as_is = recommender.score(members, asked(*(small_world.slate.item_id[row] for row in upcoming)), where)

    given = [
        AskedTitle(title_id=small_world.slate.item_id[row], fields=latest_fields(small_world, row, until))
        for row in upcoming
    ]

    np.testing.assert_allclose(recommender.score(members, given, where), as_is, atol=1e-4)


@pytest.mark.parametrize(
    "lost", [f.SYNOPSIS, f.GENRES, f.CAST, f.ARTWORK, f.TRAILER, f.RATING, f.ARTWORK_QUALITY, f.MARKETS_FIELD]
)
def test_a_field_left_out_is_missed(small_world: World, recommender: SimulatedRecommender, lost: str) -> None:
    until, members = small_world.config.as_of, list(recommender._markets[0].pseudonym[:300])
    rows = healthy(small_world, PAST)[-60:]
    where = Place(market="US", surface="home", at=until)
    fields = [latest_fields(small_world, int(row), until) for row in rows]
    ids = [small_world.slate.item_id[row] for row in rows]
    whole = [AskedTitle(title_id=t, fields=own) for t, own in zip(ids, fields, strict=True)]
    lacking = [
        AskedTitle(title_id=t, fields={k: v for k, v in own.items() if k != lost})
        for t, own in zip(ids, fields, strict=True)
    ]

    before, after = recommender.score(members, whole, where), recommender.score(members, lacking, where)

    assert (before != after).any()
    if lost != f.ARTWORK_QUALITY:
        assert np.where(np.isfinite(after), after, -50).mean() < np.where(np.isfinite(before), before, -50).mean()


def test_numbers_given_as_text_or_nonsense_are_read_as_numbers_or_missing(
    small_world: World, recommender: SimulatedRecommender
) -> None:
    row = int(healthy(small_world, PAST)[-1])
    own = latest_fields(small_world, row, small_world.config.as_of)
    where = Place(market="US", surface="home", at=small_world.config.as_of)
    members = list(recommender._markets[0].pseudonym[:50])
    views = [
        {f.ARTWORK_QUALITY: 0.9},
        {f.ARTWORK_QUALITY: "0.9"},
        {f.ARTWORK_QUALITY: "good"},
        {f.ARTWORK_QUALITY: None},
    ]

    titles = [AskedTitle(title_id=small_world.slate.item_id[row], fields=own | view) for view in views]
    scores = recommender.score(members, titles, where)

    np.testing.assert_array_equal(scores[:, 0], scores[:, 1])
    np.testing.assert_array_equal(scores[:, 2], scores[:, 3])
    assert np.where(np.isfinite(scores[:, 0]), scores[:, 0] > scores[:, 2], True).all()


def test_reasons_say_why_a_title_may_not_be_shown(small_world: World, recommender: SimulatedRecommender) -> None:
    slate, licensed = small_world.slate, small_world.titles.in_market
    cancelled = next(r for r in np.flatnonzero(slate.cancelled & (slate.role == UPCOMING)) if licensed[r, 0])
    elsewhere = int(np.flatnonzero((slate.role == PAST) & ~licensed[:, 0] & licensed[:, 1])[0])
    own = latest_fields(small_world, int(healthy(small_world, PAST)[0]), small_world.config.as_of)
    titles = [
        *asked("nobody", slate.item_id[cancelled], slate.item_id[elsewhere]),
        AskedTitle(title_id="new", fields=own),
        AskedTitle(title_id="new", fields=own | {f.MARKETS_FIELD: ["DE"]}),
    ]
    where = Place(market="US", surface="home", at=small_world.config.as_of)

    answers = recommender.eligibility(titles, where)
    scores = recommender.score(list(recommender._markets[0].pseudonym[:200]), titles, where)

    assert [answer.is_eligible for answer in answers] == [False, False, False, True, False]
    assert "no metadata" in answers[0].reason
    assert "cancelled" in answers[1].reason
    assert "market" in answers[2].reason or "planned" in answers[2].reason
    assert np.isneginf(scores[:, [0, 1, 2, 4]]).all()
    assert np.isfinite(scores[:, 3]).any()


def test_a_title_late_in_the_index_is_no_candidate_once_that_shows(
    small_world: World, recommender: SimulatedRecommender
) -> None:
    faults = [fault for fault in small_world.faults if fault.kind.name == "not_indexed" and fault.severity == 3]
    fault = next(
        x for x in faults if 10 < small_world.slate.launch_day[x.row] < 60 and small_world.titles.in_market[x.row, 0]
    )
    launch, title = int(small_world.slate.launch_day[fault.row]), small_world.slate.item_id[fault.row]
    members = list(recommender._markets[0].pseudonym)

    def share(day: int, known: int) -> float:
        where = place(small_world, day, known_at=day_start(small_world.config, MARKETS[0], known))
        return float(recommender.candidates(members, asked(title), where).mean())

    assert share(launch, launch - 1) > 0.0
    assert share(launch, launch) == 0.0
    assert share(launch + 8, launch + 8) > 0.0
    assert recommender.eligibility(asked(title), place(small_world, launch))[0].is_eligible


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"market": "FR"}, 'no market "FR"'),
        ({"surface": "search"}, 'no surface "search"'),
        ({"at": datetime(2019, 1, 1, tzinfo=UTC)}, "remembers nothing before"),
    ],
)
def test_what_it_cannot_know_is_refused_with_words(
    small_world: World, recommender: SimulatedRecommender, changes: dict[str, object], words: str
) -> None:
    with pytest.raises(RecommenderError, match=words):
        recommender.score(["a"], asked(small_world.slate.item_id[0]), place(small_world, DAY, **changes))


def test_a_state_that_is_absent_or_broken_is_refused(small_service: SimulationReport, tmp_path: Path) -> None:
    with pytest.raises(RecommenderError, match="no folder"):
        ADAPTER.connect(SimulatedSettings(), tmp_path)

    folder = tmp_path / "recommender"
    shutil.copytree(small_service.folder / "recommender", folder)
    whole = (folder / TITLES_FILE).read_bytes()
    (folder / TITLES_FILE).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(RecommenderError, match="cannot be read"):
        ADAPTER.connect(SimulatedSettings(), tmp_path)

    np.savez(folder / TITLES_FILE, as_of=np.array([1]))
    with pytest.raises(RecommenderError, match="lacks"):
        ADAPTER.connect(SimulatedSettings(), tmp_path)

    np.savez(folder / TITLES_FILE, as_of=np.array([{"a": 1}], dtype=object))
    with pytest.raises(RecommenderError, match="cannot be read"):
        ADAPTER.connect(SimulatedSettings(), tmp_path)


@pytest.mark.parametrize("check", RECOMMENDER_CHECKS, ids=lambda check: check.__name__)
def test_it_keeps_the_contract_of_recommenders(
    check: Check, small_world: World, recommender: SimulatedRecommender
) -> None:
    titles = [small_world.slate.item_id[row] for row in (*healthy(small_world, PAST)[:40], small_world.faults[0].row)]
    members = [str(name) for name in recommender._markets[0].pseudonym[:25]]

    for where in (
        place(small_world, DAY),
        Place(market="US", surface="browse", at=small_world.config.as_of + timedelta(days=5)),
        place(small_world, DAY + 3, known_at=day_start(small_world.config, MARKETS[0], DAY)),
    ):
        check(recommender, Questions(members=members, titles=titles, place=where))


def test_the_adapter_describes_itself() -> None:
    check_adapter(ADAPTER, "simulated")


def test_no_members_or_no_titles_give_empty_answers(small_world: World, recommender: SimulatedRecommender) -> None:
    where = place(small_world, DAY)

    assert recommender.score([], asked("a", "b"), where).shape == (0, 2)
    assert recommender.score(["a"], [], where).shape == (1, 0)
    assert recommender.candidates(["a"], [], where).shape == (1, 0)
    assert list(recommender.eligibility([], where)) == []


def test_the_package_loads_the_simulation_only_when_it_is_used() -> None:
    import recsysops.simulation as package

    assert {name for name in package.__all__ if getattr(package, name, None) is None} == set()
    with pytest.raises(AttributeError, match="nothing_like_it"):
        _ = package.nothing_like_it
    assert not {"pandas", "pyarrow"} & set(_loaded_by("import recsysops.simulation.adapter"))


def _loaded_by(statement: str) -> list[str]:
    code = f"{statement}\nimport sys\nprint('\\n'.join(sys.modules))"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
