"""What the simulated service writes: complete, in time, deterministic, dirty where it says so."""

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from recsysops.errors import UsageError
from recsysops.simulation import SimulationReport, WorldConfig, simulate
from recsysops.simulation._fields import CATALOGUE
from recsysops.simulation.runner import World, market_world
from recsysops.simulation.serving import MarketService


def tiny_config(**changes: object) -> WorldConfig:
    tiny = replace(
        WorldConfig.small(),
        n_weeks=1,
        launches_per_week=12,
        n_upcoming=12,
        n_back_catalogue=60,
        members_per_market=300,
        active_per_cell=80,
    )
    return replace(tiny, **changes)


def digests(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def read_dates(table: pd.DataFrame, column: str) -> pd.Series:
    return pd.to_datetime(table[column], errors="coerce", utc=True, format="ISO8601")


@dataclass(frozen=True)
class Made:
    """One small service, and what its making told of its progress."""

    digests: dict[str, str]
    told: list[tuple[str, float]]


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("once")
    told: list[tuple[str, float]] = []
    simulate(tiny_config(), folder, lambda step, done: told.append((step, done)))
    return Made(digests(folder), told)


def test_the_same_settings_give_the_same_bytes_whatever_the_number_of_workers(once: Made, tmp_path: Path) -> None:
    simulate(tiny_config(workers=2), tmp_path)

    assert digests(tmp_path) == once.digests


def test_another_seed_gives_other_files(once: Made, tmp_path: Path) -> None:
    simulate(tiny_config(seed=8), tmp_path)

    one, other = once.digests, digests(tmp_path)
    assert one.keys() == other.keys()
    assert all(one[name] != other[name] for name in one)


def test_a_second_simulation_into_the_same_folder_leaves_nothing_of_the_first(tmp_path: Path) -> None:
    simulate(tiny_config(n_weeks=2), tmp_path)
    report = simulate(tiny_config(), tmp_path)

    assert len(list(report.impressions.iterdir())) == 7
    assert not (tmp_path / ".parts").exists()


def test_progress_is_told_step_by_step_and_ends_at_one(once: Made) -> None:
    steps = list(dict.fromkeys(step for step, _ in once.told))
    assert len(steps) == 3
    for step in steps:
        done = [share for name, share in once.told if name == step]
        assert done[0] == 0.0
        assert done[-1] == 1.0
        assert done == sorted(done)


def test_the_report_counts_what_is_in_the_files(
    small_service: SimulationReport, small_impressions: pd.DataFrame
) -> None:
    catalogue = pd.read_csv(small_service.catalogue)

    assert small_service.n_impressions == len(small_impressions)
    assert small_service.n_interactions == len(pd.read_parquet(small_service.interactions))
    assert small_service.n_titles == catalogue["item_id"].nunique()
    assert len(list(small_service.impressions.iterdir())) == small_service.n_days == 70


def test_each_file_of_impressions_holds_one_utc_day(small_service: SimulationReport) -> None:
    for path in sorted(small_service.impressions.iterdir())[:3]:
        day = pd.read_parquet(path)

        assert set(day["ts"].dt.strftime("%Y-%m-%d")) == {path.stem.removeprefix("impressions-")}
        assert set(day.columns) == {"ts", "member_id", "item_id", "market", "surface", "position"}


def test_nothing_is_logged_at_or_after_as_of(small_service: SimulationReport, small_impressions: pd.DataFrame) -> None:
    interactions = pd.read_parquet(small_service.interactions)

    assert small_impressions["ts"].max() < small_service.as_of
    assert interactions["ts"].max() < small_service.as_of
    assert set(interactions["kind"]) == {"play", "rating", "reminder", "search"}


def test_every_cell_and_day_has_members_enough(
    small_service: SimulationReport, small_impressions: pd.DataFrame
) -> None:
    date = small_impressions["ts"].dt.date
    active = small_impressions.groupby(["market", "surface", date], observed=True)["member_id"].nunique()

    assert len(active) == 2 * 2 * 70
    assert active.min() == small_service.min_active
    assert active.min() > 0.75 * WorldConfig.small().active_per_cell


def test_the_default_world_has_two_thousand_active_members_in_each_cell_of_a_utc_day() -> None:
    world = market_world(build_thin_default_world(), 0)
    service = MarketService(world)
    midnight = int(np.datetime64("2025-08-05", "us").astype(np.int64))

    rows = np.concatenate([service.serve(day)[0] for day in range(3)])
    rows = rows[(rows["ts"] >= midnight) & (rows["ts"] < midnight + 86_400_000_000)]

    for surface in (0, 1):
        on_surface = rows[rows["surface"] == surface]
        assert len(np.unique(on_surface["member"])) >= 2000
        assert 8.5 < len(on_surface) / len(np.unique(on_surface["member"])) < 10.5


def build_thin_default_world() -> World:
    from recsysops.simulation.runner import build_world

    return build_world(replace(WorldConfig(), launches_per_week=10, n_upcoming=10, n_back_catalogue=150))


def test_no_title_is_shown_before_it_launches(small_service: SimulationReport, small_impressions: pd.DataFrame) -> None:
    plan = pd.read_csv(small_service.launch_plan).iloc[
        : -len([d for d in small_service.dirty if d.file == "launch_plan.csv"])
    ]
    plan["launch_at"] = read_dates(plan, "launch_at")
    last = plan.sort_values("observed_at", kind="stable").groupby(["item_id", "market", "surface"]).last()

    first = small_impressions.groupby(["item_id", "market", "surface"], observed=True)["ts"].min()
    both = last.join(first.rename("first"), how="inner")

    assert len(both) > 500
    assert (both["first"] >= both["launch_at"]).all()
    assert set(both["status"]) == {"planned"}


def test_launches_are_at_nine_local_time_and_some_are_moved_or_cancelled(small_service: SimulationReport) -> None:
    plan = pd.read_csv(small_service.launch_plan).iloc[:-4]
    local = {market: rows["launch_at"].str[11:19] for market, rows in plan.groupby("market")}
    times = plan.groupby(["item_id", "market", "surface"])["launch_at"].nunique()
    upcoming = read_dates(plan, "launch_at") >= small_service.as_of

    assert set(local["US"]) == set(local["DE"]) == {"09:00:00"}
    assert (times > 1).any()
    assert {"planned", "cancelled"} == set(plan["status"])
    assert "cancelled" in set(plan.loc[upcoming, "status"])


def test_upcoming_titles_launch_within_four_weeks_most_within_two(small_service: SimulationReport) -> None:
    plan = pd.read_csv(small_service.launch_plan).iloc[:-4]
    plan["launch_at"] = read_dates(plan, "launch_at")
    last = plan.sort_values("observed_at", kind="stable").groupby("item_id").last()

    ahead = (
        last.loc[(last["launch_at"] >= small_service.as_of) & (last["status"] == "planned"), "launch_at"]
        - small_service.as_of
    ).dt.days

    assert len(ahead) == small_service.n_upcoming == 30
    assert ahead.max() < 28
    assert (ahead < 14).mean() > 0.5


def test_metadata_is_known_in_several_versions_and_only_until_as_of(small_service: SimulationReport) -> None:
    catalogue = pd.read_csv(small_service.catalogue)
    catalogue["observed_at"] = read_dates(catalogue, "observed_at")
    general = catalogue[catalogue["market"].isna() & catalogue["item_id"].notna()].dropna(subset="observed_at")
    by_title = general.sort_values("observed_at", kind="stable").groupby("item_id")

    assert tuple(catalogue.columns) == CATALOGUE
    assert general["observed_at"].max() <= small_service.as_of
    assert by_title["observed_at"].nunique().median() >= 4
    assert by_title["artwork_url"].nth(0).isna().mean() > by_title["artwork_url"].nth(-1).isna().mean() + 0.3
    assert set(catalogue["market"].dropna()) == {"DE"}


def test_synopses_are_text_and_differ(small_service: SimulationReport) -> None:
    catalogue = pd.read_csv(small_service.catalogue)
    synopses = catalogue["synopsis"].dropna().drop_duplicates()

    assert synopses.str.len().median() > 300
    assert len(synopses) > 300


def test_expectations_are_ordered_and_their_intervals_too_narrow(
    small_service: SimulationReport, small_treatment: pd.DataFrame
) -> None:
    expectations = pd.read_csv(small_service.expectations).iloc[:-4]
    for column in ("low", "best", "high"):
        expectations[column] = expectations[column].astype("float64")
    shares = expectations[expectations["unit"] == "share"]
    truth = shares.merge(
        small_treatment,
        left_on=["item_id", "market", "surface", "horizon"],
        right_on=["title_id", "market", "surface", "horizon"],
    )
    hit = truth["reach_without_faults"].between(truth["low"], truth["high"]).mean()

    assert (expectations["low"] <= expectations["best"]).all()
    assert (expectations["best"] <= expectations["high"]).all()
    assert set(expectations["unit"]) == {"share", "members"}
    assert set(expectations["horizon"]) == {1, 7, 28}
    assert 0.58 < hit < 0.78
    assert read_dates(expectations, "observed_at").max() <= small_service.as_of


def test_dirty_rows_stand_where_the_report_says(small_service: SimulationReport) -> None:
    for dirty in small_service.dirty:
        lines = (small_service.folder / dirty.file).read_text(encoding="utf-8").splitlines()

        if dirty.words.startswith("exact duplicate"):
            assert lines[dirty.line - 1] in lines[: dirty.line - 1]
        else:
            assert lines[dirty.line - 1] not in lines[: dirty.line - 1]
    assert {dirty.file for dirty in small_service.dirty} == {"catalogue.csv", "launch_plan.csv", "expectations.csv"}


@pytest.mark.parametrize(
    "changes",
    [
        {"n_weeks": 0},
        {"workers": 0},
        {"active_per_cell": 40},
        {"active_per_cell": 5000},
        {"as_of": datetime(2026, 3, 2, tzinfo=UTC).replace(tzinfo=None)},
        {"as_of": datetime(2026, 3, 2, 5, tzinfo=UTC)},
    ],
)
def test_a_world_that_cannot_be_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="\\."):
        replace(WorldConfig(), **changes)


def test_synopses_say_an_before_a_vowel(small_service: SimulationReport) -> None:
    text = " ".join(pd.read_csv(small_service.catalogue)["synopsis"].dropna())

    assert " an animated " in text
    assert " a animated " not in text
