"""World W2 on a made-up MovieTweetings, a hundred launches in two weeks."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import w2
from _w2_catalogue import FAULTS, make_plan
from _w2_run import ceiling_of
from _w2_service import GENRE_CAP, Offer, serve
from _world import World, labels, origins

from recsysops.columns import (
    DENOMINATOR,
    FIELD,
    HORIZON,
    IS_PARTIAL,
    LAUNCH_AT,
    OBSERVED_AT,
    RANK_PERCENTILE,
    REACH_JOINT,
    TITLE_ID,
    VALUE,
)

CONFIG = w2.Config(
    seed=1, first=datetime(2013, 4, 22, tzinfo=UTC), n_weeks=2, n_launches=100, n_repeats=1, warm_up=20, horizons=(1,)
)  # fmt: skip
GENRES = ("Action", "Comedy", "Crime", "Drama", "Horror", "Music", "Sport", "War")


def movietweetings(folder: Path) -> Path:
    """Write 250 titles, seven a day, and members who like some genres better than others."""
    rng = np.random.default_rng(4)
    start = int(pd.Timestamp("2013-04-10", tz="UTC").timestamp())
    genre = rng.integers(0, 8, 250)
    rows = []
    for member in range(150):
        for title in np.flatnonzero(rng.random(250) < genre / 20 + np.where((genre + member) % 2 == 0, 0.1, 0.0)):
            at = start + int(title * 12_000 + rng.exponential(3) * 86_400)
            rows.append((f"{member}", f"{title:07d}", 8, at))
    names = rng.permutation([f"Person {number}" for number in range(25)])
    titles = pd.DataFrame(
        {
            "title_id": [f"{title:07d}" for title in range(250)], "title": [f"Film {title}" for title in range(250)],
            "year": [str(1980 + title % 34) for title in range(250)],
            "genres": [f"{GENRES[kind]}|Feature" for kind in genre], "tmdb_id": "1", "release_date": "2013-05-01",
            "runtime": "90", "overview": "A story.", "keywords": [f"word {title % 5}|film" for title in range(250)],
            "cast": ["|".join(rng.choice(names, 3, replace=False)) for _ in range(250)],
            "director": rng.choice(names, 250), "production_companies": [f"Studio {title % 4}" for title in range(250)],
        }
    )  # fmt: skip
    folder.mkdir()
    titles.to_csv(folder / "titles.csv.gz", index=False)
    pd.DataFrame(rows, columns=["user_id", "title_id", "rating", "ts"]).to_csv(folder / "events.csv.gz", index=False)
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return movietweetings(tmp_path_factory.mktemp("w2") / "data")


@pytest.fixture(scope="module")
def made(data: Path) -> tuple[Path, World]:
    folder = data.parent / "world"
    return folder, w2.loaded(folder, CONFIG, data)


def test_reach_as_ingested_is_that_of_the_pages_served(made: tuple[Path, World]) -> None:
    folder, world = made
    truth = pd.read_parquet(folder / "truth" / "repeats.parquet").drop_duplicates(TITLE_ID)
    outcomes = world.history.outcomes
    known = outcomes[(outcomes[HORIZON] == 1) & ~outcomes[IS_PARTIAL].astype(bool)].merge(truth, on=TITLE_ID)

    assert len(known) >= 80
    assert known[VALUE].to_numpy() == pytest.approx(known["reach"].to_numpy())
    assert known[DENOMINATOR].to_numpy() == pytest.approx(known["n_active"].to_numpy())
    assert known[VALUE].std() > 0.02


def test_the_recommender_was_asked_before_each_launch_and_knows_something(made: tuple[Path, World]) -> None:
    _, world = made
    said = world.history.shadow.dropna(subset=[REACH_JOINT]).sort_values("as_of").drop_duplicates(TITLE_ID, keep="last")
    both = labels(world, 1).merge(said, on=TITLE_ID)

    assert (both["as_of"] <= both["launch_at_x"]).all()
    assert len(both) >= 40
    assert both["y"].corr(both[RANK_PERCENTILE], method="spearman") > 0.3


def test_the_ceiling_is_that_of_chance_over_the_launches_that_are_asked(made: tuple[Path, World]) -> None:
    folder, world = made
    known = labels(world, 1)
    best = ceiling_of(folder, known[known["week"].isin(origins(world, known))])

    assert (world.ceiling, world.hindsight) == ({1: best.r2_before_launch}, {1: best.r2})
    assert 0 < best.r2_before_launch <= best.r2 < 1
    assert best.n_cells < len(known)


def test_the_response_to_a_fault_is_recomputed(made: tuple[Path, World]) -> None:
    folder, world = made
    truth = pd.read_parquet(folder / "truth" / "repeats.parquet").drop_duplicates(TITLE_ID)
    is_faulty = truth[TITLE_ID].isin(world.planted[TITLE_ID])
    changed = (truth["reach"] - truth["reach_without_faults"]).abs()

    assert is_faulty.any()
    assert changed[is_faulty].mean() > 3 * changed[~is_faulty].mean()


def test_a_world_is_made_once(made: tuple[Path, World], data: Path) -> None:
    folder, world = made
    before = (folder / "catalogue.csv").stat().st_mtime_ns

    again = w2.loaded(folder, CONFIG, data)

    assert (folder / "catalogue.csv").stat().st_mtime_ns == before
    assert again.ceiling == world.ceiling


def test_a_world_says_what_it_holds(made: tuple[Path, World], capsys: pytest.CaptureFixture[str]) -> None:
    w2.describe(*made)

    said = capsys.readouterr().out
    assert "launches with a first day" in said
    assert "ceiling of R2" in said


def test_seeds_are_different_worlds_of_the_same_titles(data: Path) -> None:
    one, same, other = (make_plan(data, seed, CONFIG.days, 80) for seed in (1, 1, 2))

    pd.testing.assert_frame_equal(one.catalogue, same.catalogue)
    assert set(one.faults[TITLE_ID]) != set(other.faults[TITLE_ID])
    assert {FAULTS[kind][0] for kind in one.faults["kind"]} == set(one.faults[FIELD])


def test_metadata_are_known_before_launch_and_some_come_late(data: Path) -> None:
    plan = make_plan(data, 1, CONFIG.days, 80)
    launched = plan.catalogue[plan.catalogue[LAUNCH_AT] >= CONFIG.days[0]]
    n_versions = launched.groupby(TITLE_ID).size()

    assert (launched[OBSERVED_AT] < launched[LAUNCH_AT]).all()
    assert len(n_versions) == 80
    assert set(n_versions) == {1, 2}


def test_a_page_holds_so_many_titles_of_a_genre_and_each_once() -> None:
    scores = np.random.default_rng(1).normal(size=(50, 80)).astype(np.float32)
    offer = Offer([f"t{at}" for at in range(80)], scores, np.arange(80) % 5)

    pages = serve(offer, np.zeros(80, dtype=np.float32), (1, 2))

    frame = pd.DataFrame({"visitor": pages.visitor, "title": pages.title, "genre": offer.genre[pages.title]})
    assert not frame.duplicated(["visitor", "title"]).any()
    assert frame.groupby(["visitor", "genre"]).size().max() == GENRE_CAP
    assert pages.reach(range(80)).sum() == pytest.approx(len(frame) / 50)


def test_a_title_that_is_no_candidate_is_not_shown() -> None:
    scores = np.zeros((20, 30), dtype=np.float32)
    scores[:, 7] = -np.inf
    scores[:, :5] = np.arange(5)

    pages = serve(Offer([f"t{at}" for at in range(30)], scores, np.arange(30)), np.zeros(30, dtype=np.float32), (3,))

    assert pages.reach([7]) == 0
    assert pages.reach([4]) > pages.reach([20])
