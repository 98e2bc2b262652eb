"""Members drawn from logs: who is drawn, how they are weighed, and that nothing of them is kept."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from recsysops import columns as c
from recsysops.events import EngineLimits, IbisMemberSampler
from recsysops.settings import SourceSettings
from recsysops.sources import FileReader

START = datetime(2026, 1, 1, tzinfo=UTC)
UNTIL = START + timedelta(days=14)


def registered(folder: Path, rows: list[tuple[float, str, str, str]], name: str = "log.parquet"):
    """Day, member, market, surface."""
    table = pa.table(
        {
            c.TS: pa.array([START + timedelta(days=row[0]) for row in rows], pa.timestamp("us", tz="UTC")),
            c.MEMBER_ID: pa.array([row[1] for row in rows]),
            c.TITLE_ID: pa.array(["t"] * len(rows)),
            c.MARKET: pa.array([row[2] for row in rows]),
            c.SURFACE: pa.array([row[3] for row in rows]),
        }
    )
    pq.write_table(table, folder / name)
    source = SourceSettings(path=name)
    return FileReader(folder).check_log("impressions", folder / name, source, f"h-{name}", f"b-{name}").file


def draw(folder: Path, files, places, n=100, until=UNTIL, days=14, rows_per_pass=10**6, **changes):
    limits = EngineLimits(memory_mb=400, threads=1, folder=folder / "engine", rows_per_pass=rows_per_pass, **changes)
    return IbisMemberSampler(limits).sample(files, places, until, n=n, active_days=days)


def crowd(n_daily=20, n_rare=200) -> list[tuple[float, str, str, str]]:
    """Members who come every day, and others on one day each."""
    daily = [(day + 0.5, f"daily{m}", "us", "home") for m in range(n_daily) for day in range(14)]
    return daily + [(m % 14 + 0.25, f"rare{m}", "us", "home") for m in range(n_rare)]


def test_a_stratum_counts_as_much_as_its_members_are_of_a_days_active_members(tmp_path):
    sample = draw(tmp_path, [registered(tmp_path, crowd())], [("us", "home")])["us", "home"]

    assert sample.sizes.tolist() == [200, 20]
    assert sample.shares == pytest.approx([200 / 480, 280 / 480])
    assert sum(member.startswith("daily") for member in sample.members) == 20
    assert np.bincount(sample.stratum).tolist() == [80, 20]


def test_all_are_drawn_where_there_are_fewer_than_wanted(tmp_path):
    sample = draw(tmp_path, [registered(tmp_path, crowd(3, 5))], [("us", "home")])["us", "home"]

    assert len(sample.members) == 8


def test_a_whole_market_has_its_members_once(tmp_path):
    rows = [
        (1.0, "m1", "us", "home"),
        (1.5, "m1", "us", "search"),
        (2.0, "m1", "de", "home"),
        (3.0, "m2", "de", "home"),
    ]
    file = registered(tmp_path, rows)

    found = draw(tmp_path, [file], [(c.ALL, c.ALL), ("us", c.ALL), ("fr", "home")])

    assert sorted(found[c.ALL, c.ALL].members) == ["m1", "m2"]
    assert found[c.ALL, c.ALL].shares.tolist() == [1 / 3, 2 / 3]
    assert found["us", c.ALL].members == ("m1",)
    assert ("fr", "home") not in found


def test_days_outside_are_not_looked_at(tmp_path):
    rows = [
        (0.0, "early", "us", "home"),
        (7.0, "first", "us", "home"),
        (13.99, "last", "us", "home"),
        (14.0, "late", "us", "home"),
    ]
    file = registered(tmp_path, rows)

    found = draw(tmp_path, [file], [("us", "home")], days=7)

    assert sorted(found["us", "home"].members) == ["first", "last"]


def test_neither_the_order_of_rows_nor_the_number_of_passes_changes_who_is_drawn(tmp_path):
    rows = crowd()
    shuffled = [rows[at] for at in np.random.default_rng(1).permutation(len(rows))]

    one = draw(tmp_path, [registered(tmp_path, rows, "a.parquet")], [("us", "home")], n=50)
    other = draw(tmp_path, [registered(tmp_path, shuffled, "b.parquet")], [("us", "home")], n=50, rows_per_pass=20)

    assert one["us", "home"].members == other["us", "home"].members
    assert one["us", "home"].stratum.tolist() == other["us", "home"].stratum.tolist()


def test_most_members_are_drawn_again_a_day_later(tmp_path):
    rows = [(day + 0.5, f"m{m}", "us", "home") for m in range(300) for day in range(20)]
    file = registered(tmp_path, rows)

    today = draw(tmp_path, [file], [("us", "home")], n=50)["us", "home"]
    tomorrow = draw(tmp_path, [file], [("us", "home")], n=50, until=UNTIL + timedelta(days=1))["us", "home"]

    assert set(today.members) == set(tomorrow.members)


def test_the_weighted_mean_estimates_the_share_of_a_days_active_members(tmp_path):
    rng = np.random.default_rng(5)
    often = rng.beta(0.6, 1.4, 3000)
    rows = [
        (day + 0.5, f"m{m}", "us", "home") for m in range(3000) for day in np.flatnonzero(rng.random(14) < often[m])
    ]
    likes = {f"m{m}": float(often[m] > 0.5) for m in range(3000)}
    frame = pd.DataFrame(rows)
    truth = frame[1].map(likes).mean()  # over member-days: the mean over days of the share of the day's active members

    sample = draw(tmp_path, [registered(tmp_path, rows)], [("us", "home")], n=600)["us", "home"]

    value = np.array([likes[member] for member in sample.members])
    counts = np.bincount(sample.stratum, minlength=len(sample.shares))
    estimate = float((sample.shares * np.bincount(sample.stratum, value, len(counts)) / counts).sum())
    assert estimate == pytest.approx(truth, abs=0.03)
    assert abs(np.mean([likes[f"m{m}"] for m in range(3000)]) - truth) > 0.1  # a plain mean over members would not do


def test_without_a_file_nobody_is_drawn(tmp_path):
    file = registered(tmp_path, crowd(1, 1))
    Path(file.path).unlink()

    assert draw(tmp_path, [file], [("us", "home")]) == {}
    assert draw(tmp_path, [], [("us", "home")]) == {}


def test_nothing_of_the_members_stays_on_disk(tmp_path):
    draw(tmp_path, [registered(tmp_path, crowd())], [("us", "home")])

    assert [path for path in (tmp_path / "engine").rglob("*") if path.is_file()] == []
