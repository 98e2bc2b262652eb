"""The truth on record: treatment with and without faults, and what faults cost."""

import numpy as np
import pandas as pd
import pytest

from recsysops.simulation import SimulationReport
from recsysops.simulation.runner import World
from recsysops.simulation.truth import Treatment, logit

HIDDEN = {"embedding", "candidate_index"}


def first_day(small_treatment: pd.DataFrame, small_service: SimulationReport) -> pd.DataFrame:
    faults = pd.read_csv(small_service.truth_faults)
    return small_treatment[small_treatment["horizon"] == 1].merge(faults, on=["title_id", "market", "surface"])


def test_material_faults_cost_reach(small_treatment: pd.DataFrame, small_service: SimulationReport) -> None:
    faulty = first_day(small_treatment, small_service)
    material = faulty[faulty["material"]]

    assert len(material) > 20
    assert (material["reach_without_faults"] > material["reach"]).all()
    assert 0.2 < faulty["material"].mean() < 0.95


@pytest.mark.parametrize("kind", ["synopsis_missing", "artwork_placeholder", "rating_missing", "not_indexed"])
def test_what_is_dropped_is_missed(small_treatment: pd.DataFrame, small_service: SimulationReport, kind: str) -> None:
    faulty = first_day(small_treatment, small_service)
    severe = faulty[(faulty["kind"] == kind) & (faulty["severity"] >= 2)]

    assert len(severe) > 0
    assert severe["reach"].mean() < 0.9 * severe["reach_without_faults"].mean()


def test_a_title_without_fault_has_one_truth(small_treatment: pd.DataFrame, small_service: SimulationReport) -> None:
    faulty = pd.read_csv(small_service.truth_faults)["title_id"]
    healthy = small_treatment[~small_treatment["title_id"].isin(faulty)]

    assert len(healthy) > 1000
    assert (healthy["reach"] == healthy["reach_without_faults"]).all()


def test_first_day_reach_is_what_the_log_says(
    small_treatment: pd.DataFrame, small_impressions: pd.DataFrame, small_service: SimulationReport
) -> None:
    cells = small_treatment[
        (small_treatment["horizon"] == 1) & (small_treatment["launch_at"] < pd.Timestamp("2026-02-20", tz="UTC"))
    ]

    for cell in cells.sample(25, random_state=1).itertuples():
        window = small_impressions[
            (small_impressions["market"] == cell.market)
            & (small_impressions["surface"] == cell.surface)
            & (small_impressions["ts"] >= cell.launch_at)
            & (small_impressions["ts"] < cell.launch_at + pd.Timedelta(days=1))
        ]
        shown = window.loc[window["item_id"] == cell.title_id, "member_id"].nunique()
        assert window["member_id"].nunique() == cell.n_active
        assert shown / cell.n_active == pytest.approx(cell.reach)


def test_a_week_of_reach_is_close_to_the_log_though_a_clock_change_may_move_an_hour(
    small_treatment: pd.DataFrame, small_impressions: pd.DataFrame
) -> None:
    cells = small_treatment[
        (small_treatment["horizon"] == 7) & (small_treatment["launch_at"] < pd.Timestamp("2026-02-10", tz="UTC"))
    ]

    for cell in cells.sample(10, random_state=2).itertuples():
        window = small_impressions[
            (small_impressions["market"] == cell.market)
            & (small_impressions["surface"] == cell.surface)
            & (small_impressions["ts"] >= cell.launch_at)
            & (small_impressions["ts"] < cell.launch_at + pd.Timedelta(days=7))
        ]
        shown = window.loc[window["item_id"] == cell.title_id, "member_id"].nunique()
        assert shown / window["member_id"].nunique() == pytest.approx(cell.reach, abs=0.002)


def test_upcoming_titles_have_a_truth_for_every_horizon(
    small_treatment: pd.DataFrame, small_service: SimulationReport
) -> None:
    upcoming = small_treatment[small_treatment["launch_at"] >= small_service.as_of]

    assert upcoming["title_id"].nunique() == small_service.n_upcoming
    assert set(upcoming["horizon"]) == {1, 7, 28}
    assert upcoming.groupby(["title_id", "market", "surface"])["horizon"].nunique().eq(3).all()


def test_the_planted_faults_are_told_in_words_with_their_cost(small_service: SimulationReport) -> None:
    planted = small_service.planted

    assert len(planted) == 8
    assert len({fault.title_id for fault in planted}) == 8
    assert any(fault.field in HIDDEN for fault in planted)
    assert np.mean([fault.material for fault in planted]) > 0.6
    assert all(fault.launch_at > small_service.as_of and fault.words and fault.title for fault in planted)
    assert [fault.launch_at for fault in planted] == sorted(fault.launch_at for fault in planted)


def test_the_recommender_reads_the_faulty_catalogue(small_world: World, small_service: SimulationReport) -> None:
    catalogue = pd.read_csv(small_service.catalogue)
    catalogue = catalogue[catalogue["market"].isna()]

    for fault in small_service.planted:
        if fault.kind == "synopsis_missing" and fault.severity == 3:
            assert catalogue.loc[catalogue["item_id"] == fault.title_id, "synopsis"].isna().all()
    kinds = {fault.kind.name for fault in small_world.faults}
    assert len(kinds) >= 8


def test_first_sights_are_counted_once_per_member_within_28_days() -> None:
    record = Treatment.empty(n_rows=2, n_days=40, n_members=5)
    members = np.array([0, 1])

    record.record(0, 3, members, (np.array([1, 1]), members, np.array([0, 0])))
    record.record(0, 4, members, (np.array([1, 1]), np.array([1, 2]), np.array([1, 1])))
    record.record(0, 35, members, (np.array([1]), np.array([4]), np.array([32])))

    assert record.new_members[0, 1, :3].tolist() == [2, 1, 0]
    assert record.new_members.sum() == 3
    assert record.n_active(0, np.array([3, 35, 3]), 1).tolist() == [2, 2, 2]
    assert record.counted().seen.size == 0


def test_the_logit_is_finite_at_nothing_and_everything() -> None:
    values = logit(np.array([0.0, 0.5, 1.0]), np.array([100, 100, 100]))

    assert np.isfinite(values).all()
    assert values[1] == pytest.approx(0.0)
    assert values[0] == pytest.approx(-values[2])
