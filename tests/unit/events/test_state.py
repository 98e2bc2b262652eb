import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsysops import columns as c
from recsysops.domain.batch import LogFile
from recsysops.events import EngineLimits, IbisAggregator
from recsysops.events._state import State
from recsysops.settings import SourceSettings
from recsysops.sources import FileReader

START = datetime(2026, 1, 1, tzinfo=UTC)
FAR = datetime(2030, 1, 1, tzinfo=UTC)
N_DAYS = 33
COLUMNS = [c.TS, c.MEMBER_ID, c.TITLE_ID, c.MARKET, c.SURFACE, c.POSITION]
DAY = r"(?P<day>\d{4}-\d{2}-\d{2})"


def at(days: float) -> datetime:
    return START + timedelta(days=days)


def write_day(folder: Path, number: int, *, seed: int = 0) -> LogFile:
    """Write the log of a day: who is shown what follows from the numbers, every few members come back."""
    folder.mkdir(exist_ok=True)
    rows = [
        (
            at(number) + timedelta(minutes=(97 * k + 13 * number + seed) % 1440),
            f"m{(k * k + number * (1 + seed)) % 11}",
            "AB"[(k + number) % 2],
            ("DE", "US")[k % 2],
            ("home", "search")[(k + number + seed) % 3 == 0],
            None if k % 5 == 0 else 1 + (k * 7 + number) % 9,
        )
        for k in range(14)
    ]
    table = pa.Table.from_pandas(
        pd.DataFrame(rows, columns=COLUMNS).astype({c.POSITION: "Int32"}), preserve_index=False
    )
    path = folder / f"log-{at(number).date()}{'-again' * bool(seed)}.parquet"
    pq.write_table(table.set_column(0, c.TS, table[c.TS].cast(pa.timestamp("us", "UTC"))), path)
    source = SourceSettings(path=path.name, day=DAY)
    return FileReader(folder).check_log("impressions", path, source, f"hash-{path.name}", f"batch-{path.name}").file


@pytest.fixture(scope="module")
def delivered(tmp_path_factory) -> tuple[list[LogFile], list[LogFile]]:
    folder = tmp_path_factory.mktemp("days")
    return (
        [write_day(folder / "first", n) for n in range(N_DAYS)],
        [write_day(folder / "second", n, seed=1) for n in range(N_DAYS)],
    )


WANTED = pd.DataFrame(
    [
        ("A", "DE", "home", at(0)),
        ("A", "all", "all", at(2.25)),
        ("B", "US", "search", at(3)),
        ("B", "all", "home", at(29.5)),
        ("A", "US", "all", at(-1)),
    ],
    columns=[*c.CELL_KEY, c.LAUNCH_AT],
).astype({c.LAUNCH_AT: "datetime64[us, UTC]"})


def aggregator(folder: Path, *, keeps_state: bool, rows_per_pass: int = 10**6) -> IbisAggregator:
    return IbisAggregator(
        EngineLimits(memory_mb=500, threads=1, folder=folder, keeps_state=keeps_state, rows_per_pass=rows_per_pass)
    )


def assert_same(found, expected):
    for one, other in zip(found, expected, strict=True):
        pd.testing.assert_frame_equal(one, other, check_exact=True)


STEP = st.one_of(
    st.tuples(st.just("days"), st.lists(st.integers(0, N_DAYS - 1), min_size=1, max_size=12)),
    st.tuples(st.just("next"), st.integers(1, 6)),
    st.tuples(st.just("again"), st.integers(0, N_DAYS - 1)),
    st.tuples(st.just("lost"), st.integers(0, N_DAYS - 1)),
    st.tuples(st.just("forget"), st.just(0)),
    st.tuples(st.just("moved"), st.integers(0, 4)),
)


@settings(max_examples=8)
@given(steps=st.lists(STEP, min_size=2, max_size=5), rows_per_pass=st.sampled_from([60, 10**6]))
def test_whatever_comes_in_whatever_order_the_state_changes_no_result(
    tmp_path_factory, delivered, steps, rows_per_pass
):
    folder = tmp_path_factory.mktemp("engine")
    first, second = delivered
    files: dict[int, LogFile] = {}
    wanted = WANTED.copy()
    for what, value in steps:
        match what:
            case "days":
                files |= {n: first[n] for n in value}
            case "next":
                latest = max(files, default=-1)
                files |= {n: first[n] for n in range(latest + 1, min(latest + 1 + value, N_DAYS))}
            case "again":
                files[value] = second[value]
            case "lost":
                files.pop(value, None)
            case "forget":
                shutil.rmtree(folder / "state", ignore_errors=True)
            case "moved":
                wanted.loc[value, c.LAUNCH_AT] += timedelta(hours=31)

        found = aggregator(folder, keeps_state=True, rows_per_pass=rows_per_pass).aggregate(
            list(files.values()), wanted, "impressions", FAR
        )

        assert_same(
            found, aggregator(folder, keeps_state=False).aggregate(list(files.values()), wanted, "impressions", FAR)
        )


def test_days_one_by_one_end_where_all_at_once_does(tmp_path, delivered):
    files = delivered[0]
    remembering = aggregator(tmp_path, keeps_state=True)

    for n in (1, 2, *range(26, N_DAYS + 1)):  # launches end, and with them what is kept
        found = remembering.aggregate(files[:n], WANTED, "impressions", FAR)

    assert_same(found, aggregator(tmp_path, keeps_state=False).aggregate(files, WANTED, "impressions", FAR))


@pytest.mark.parametrize("keeps_state", [False, True])
def test_a_launch_between_files_has_days_of_zeros(tmp_path, keeps_state):
    files = [write_day(tmp_path / "own", n) for n in (0, 75)]
    wanted = WANTED.iloc[[0]].assign(**{c.LAUNCH_AT: pd.Timestamp(at(20))})

    days, activity = aggregator(tmp_path, keeps_state=keeps_state).aggregate(files, wanted, "impressions", FAR)

    assert days[c.EVENTS].tolist() == [0] * 28
    assert days[c.IS_PARTIAL].all()
    assert activity[c.N_ACTIVE].tolist() == [0, 0, 0]


def test_no_window_of_a_launch_before_the_log_counts(tmp_path, delivered):
    days, activity = aggregator(tmp_path, keeps_state=False).aggregate(
        delivered[0][:2], WANTED.iloc[[4]], "impressions", FAR
    )

    assert days[c.DAY].tolist() == [1, 2]
    assert activity.empty


def test_a_history_longer_than_a_stretch_is_counted_as_one(tmp_path, delivered):
    late = [write_day(tmp_path / "own", n) for n in range(33, 75)]
    wanted = pd.concat(
        [WANTED.assign(**{c.LAUNCH_AT: WANTED[c.LAUNCH_AT] + shift}) for shift in pd.to_timedelta([0, 40], "D")]
    )
    files = [*delivered[0], *late]

    found = aggregator(tmp_path, keeps_state=True, rows_per_pass=90).aggregate(files, wanted, "impressions", FAR)

    one_by_one = [
        aggregator(tmp_path, keeps_state=False).aggregate(files, wanted.iloc[[n]], "impressions", FAR)
        for n in range(len(wanted))
    ]
    assert_same(found[:1], [pd.concat([days for days, _ in one_by_one], ignore_index=True)])
    activity = pd.concat([windows for _, windows in one_by_one], ignore_index=True).drop_duplicates(ignore_index=True)
    assert_same(found[1:], [activity])


def test_adding_a_day_does_not_read_the_days_before(tmp_path, delivered):
    files = [write_day(tmp_path / "own", n) for n in range(6)]
    wanted = WANTED.iloc[[0]]
    remembering = aggregator(tmp_path, keeps_state=True)
    remembering.aggregate(files[:5], wanted, "impressions", FAR)
    expected = aggregator(tmp_path, keeps_state=False).aggregate(files, wanted, "impressions", FAR)
    for file in files[:5]:
        damage(Path(file.path))

    found = remembering.aggregate(files, wanted, "impressions", FAR)

    assert_same(found, expected)


def damage(path: Path) -> None:
    """Make a file unreadable without changing its size and time."""
    facts = path.stat()
    path.write_bytes(b"x" * facts.st_size)
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))


def test_no_member_id_is_kept_and_hashes_go_with_their_window(tmp_path, delivered):
    files = delivered[0]
    remembering = aggregator(tmp_path, keeps_state=True)
    folder = tmp_path / "state" / "impressions"
    remembering.aggregate(files[:3], WANTED.iloc[[0]], "impressions", FAR)
    early = set(folder.glob("seen-*")) | set(folder.glob("last-*"))

    remembering.aggregate(files, WANTED.iloc[[3]], "impressions", FAR)
    State.load(folder).save({}, 40 * 86_400_000_000 + int(START.timestamp()) * 1_000_000)

    assert early
    for path in early:
        assert not path.exists()
    assert folder.stat().st_mode & 0o077 == 0
    assert not any(b"m10" in path.read_bytes() for path in folder.iterdir())


def test_two_folders_hash_the_same_member_differently(tmp_path, delivered):
    hashes = []
    for name in ("one", "other"):
        aggregator(tmp_path / name, keeps_state=True).aggregate(delivered[0][:3], WANTED, "impressions", FAR)
        (seen,) = (tmp_path / name / "state" / "impressions").glob("seen-*")
        hashes.append(set(pd.read_parquet(seen)[c.MEMBER_ID].astype(str)))

    assert hashes[0]
    assert not hashes[0] & hashes[1]


@pytest.mark.parametrize("fate", ["no index", "half an index", "a lost file", "half a file"])
def test_a_state_that_is_not_whole_is_forgotten(tmp_path, delivered, fate):
    files = delivered[0]
    remembering = aggregator(tmp_path, keeps_state=True)
    remembering.aggregate(files[:4], WANTED, "impressions", FAR)
    folder = tmp_path / "state" / "impressions"
    match fate:
        case "no index":
            (folder / "index.json").unlink()
        case "half an index":
            (folder / "index.json").write_text((folder / "index.json").read_text()[:80])
        case "a lost file":
            next(folder.glob("seen-*")).unlink()
        case "half a file":
            half = next(folder.glob("last-*"))
            half.write_bytes(half.read_bytes()[:100])

    found = remembering.aggregate(files[:6], WANTED, "impressions", FAR)

    assert_same(found, aggregator(tmp_path, keeps_state=False).aggregate(files[:6], WANTED, "impressions", FAR))
