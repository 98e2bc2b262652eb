"""The best anybody could predict: right where it is known, and measured by serving launch days again."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from recsysops.simulation import WorldConfig, simulate
from recsysops.simulation.ceiling import load_ceiling, measure_ceiling

N_ACTIVE = 2_000_000


def repeats_with(signal: float, noise: float, n_repeats: int = 1, n: int = 4000, hidden: float = 0.0) -> pd.DataFrame:
    """Return first days whose logits have a known predictable and unpredictable variance."""
    rng = np.random.default_rng(5)
    level = rng.normal(-2.0, np.sqrt(signal), n)
    is_hidden = rng.random(n) < hidden
    fall = np.where(is_hidden, 2.0, 0.0)
    actual = level + rng.normal(0.0, np.sqrt(noise), n)
    table = pd.DataFrame({
        "title_id": [f"t{k}" for k in range(n)], "market": "US", "surface": "home", "n_active": N_ACTIVE,
        "reach": share(actual - fall), "reach_without_faults": share(actual), "is_hidden": is_hidden,
    })  # fmt: skip
    again = [share(level - fall + rng.normal(0.0, np.sqrt(noise), n)) for _ in range(n_repeats)]
    parts = [table.assign(repeat=k, repeated_reach=r, repeated_active=N_ACTIVE) for k, r in enumerate(again)]
    return pd.concat(parts, ignore_index=True)


def share(logit: np.ndarray) -> np.ndarray:
    return np.asarray(1.0 / (1.0 + np.exp(-logit)))


@pytest.mark.parametrize(("signal", "noise"), [(3.0, 1.0), (1.0, 1.0), (2.0, 0.1)])
@pytest.mark.parametrize("n_repeats", [1, 3])
def test_the_ceiling_is_the_share_of_the_signal(signal: float, noise: float, n_repeats: int) -> None:
    found = measure_ceiling(repeats_with(signal, noise, n_repeats))

    assert found.r2 == pytest.approx(signal / (signal + noise), abs=0.02)
    assert found.r2_before_launch == found.r2
    assert found.n_cells == 4000


def test_where_nothing_is_left_to_chance_the_ceiling_is_one() -> None:
    assert measure_ceiling(repeats_with(2.0, 0.0)).r2 == pytest.approx(1.0, abs=1e-9)


def test_where_all_is_chance_the_ceiling_is_zero() -> None:
    assert measure_ceiling(repeats_with(0.0, 1.0)).r2 == pytest.approx(0.0, abs=0.04)


def test_titles_missing_from_the_index_lower_what_can_be_known_before_launch() -> None:
    found = measure_ceiling(repeats_with(2.0, 0.5, hidden=0.1))

    by_chance = 0.1 * 0.9 * 2.0**2
    assert found.hidden == pytest.approx(by_chance, rel=0.15)
    assert found.r2_before_launch == pytest.approx(1 - (0.5 + by_chance) / (2.5 + by_chance), abs=0.03)


def test_the_ceiling_of_some_cells_looks_at_these_only() -> None:
    table = repeats_with(3.0, 1.0)
    narrow = table[(table["reach"] > 0.1) & (table["reach"] < 0.14)]

    found = measure_ceiling(table, narrow[["title_id", "market", "surface"]])

    assert found.n_cells == len(narrow)
    assert found.r2 < 0.5


def test_cells_that_do_not_differ_have_no_ceiling() -> None:
    with pytest.raises(ValueError, match="do not differ"):
        measure_ceiling(repeats_with(1.0, 1.0).head(1))


@pytest.fixture(scope="module")
def repeated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    config = replace(
        WorldConfig.small(), n_weeks=4, n_back_catalogue=80, members_per_market=500, active_per_cell=150, n_repeats=2
    )
    folder = tmp_path_factory.mktemp("repeated")
    simulate(config, folder)
    simulate(replace(config, n_repeats=0), folder / "once")
    return folder


def test_repeats_change_nothing_else(repeated: Path) -> None:
    pd.testing.assert_frame_equal(
        pd.read_parquet(repeated / "truth" / "treatment.parquet"),
        pd.read_parquet(repeated / "once" / "truth" / "treatment.parquet"),
    )
    assert not (repeated / "once" / "truth" / "repeats.parquet").exists()


def test_repeats_are_like_the_first_day_and_not_the_same(repeated: Path) -> None:
    table = pd.read_parquet(repeated / "truth" / "repeats.parquet")
    n_cells = len(table[["title_id", "market", "surface"]].drop_duplicates())

    found = load_ceiling(repeated)

    assert len(table) == 2 * n_cells
    assert set(table["repeat"]) == {0, 1}
    assert table["reach"].corr(table["repeated_reach"]) > 0.8
    assert (table["reach"] != table["repeated_reach"]).mean() > 0.5
    assert table["repeated_reach"].mean() == pytest.approx(table["reach"].mean(), rel=0.1)
    assert 0.5 < found.r2_before_launch <= found.r2 < 1.0


def test_chance_is_at_least_that_of_counting_members(repeated: Path) -> None:
    """A share of n members has a logit whose variance is about 1 / (n p (1 - p)); the shock comes on top of it."""
    table = pd.read_parquet(repeated / "truth" / "repeats.parquet")
    fair = table[table["reach"].between(0.1, 0.9)]
    counting = (1 / (fair["n_active"] * fair["reach"] * (1 - fair["reach"]))).mean()

    assert measure_ceiling(fair).unpredictable > counting
