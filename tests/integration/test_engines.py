"""One golden table, two engines; and both read the same rows of the same files, however dirty."""

import gzip
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
from recsysops.errors import EngineError
from recsysops.events import EngineLimits, IbisAggregator
from recsysops.settings import SourceSettings
from recsysops.sources import FileReader
from recsysops.testing.builders import launch_cells

START = datetime(2026, 1, 1, tzinfo=UTC)
FAR = datetime(2030, 1, 1, tzinfo=UTC)
COLUMNS = [c.TS, c.MEMBER_ID, c.TITLE_ID, c.MARKET, c.SURFACE, c.POSITION]
DAY_PATTERN = r"(?P<day>\d{4}-\d{2}-\d{2})"


def at(days: float) -> datetime:
    return START + timedelta(days=days)


def registered(folder: Path, name: str, day: str | None = None, epoch_unit: str | None = None) -> LogFile:
    source = SourceSettings(path=name, day=day, epoch_unit=epoch_unit)
    return FileReader(folder).check_log("impressions", folder / name, source, f"hash-{name}", f"batch-{name}").file


def csv_log(folder: Path, text: str, name: str = "log.csv", **reading: str) -> LogFile:
    (folder / name).write_text(text, encoding="utf-8")
    return registered(folder, name, **reading)


def aggregate(engine: str, folder: Path, files: list[LogFile], wanted: pd.DataFrame):
    limits = EngineLimits(spark_master=engine, memory_mb=600, threads=1, folder=folder / "engine")
    return IbisAggregator(limits).aggregate(files, wanted, "impressions", FAR)


GOLDEN = f"""{",".join(COLUMNS)}
2026-01-01T00:00:00Z,m1,A,DE,home,9
2026-01-02T00:00:00Z,m1,A,DE,home,1
2026-01-02T12:00:00Z,m1,A,DE,home,3
2026-01-02T22:36:00+01:00,m2,A,DE,home,5
2026-01-02T23:59:59.999999Z,m2,A,DE,home,
2026-01-03T00:00:00Z,m2,A,DE,home,7
2026-01-03T02:24:00Z,m3,A,DE,home,
2026-01-03T04:48:00Z,m3,A,US,home,2
2026-01-03T07:12:00Z,m4,A,DE,search,2
2026-01-03T09:36:00Z,m1,B,US,search,4
2026-01-03T14:24:00Z,m5,B,DE,home,6
2026-01-05T00:00:00Z,m9,C,DE,home,1
"""


def test_the_golden_table(engine, tmp_path):
    file = csv_log(tmp_path, GOLDEN)

    days, activity = aggregate(
        engine, tmp_path, [file], launch_cells(("A", "DE", "home", at(1)), ("B", "all", "all", at(1.5)))
    )

    columns = [c.TITLE_ID, c.DAY, c.EVENTS, c.NEW_MEMBERS, c.POSITION_P10, c.POSITION_P50, c.POSITION_P90, c.IS_PARTIAL]
    expected = [
        ["A", 0, 4, 2, 1.4, 3.0, 4.6, False],
        ["A", 1, 2, 1, 7.0, 7.0, 7.0, False],
        ["A", 2, 0, 0, None, None, None, False],
        ["B", 0, 1, 1, 4.0, 4.0, 4.0, False],
        ["B", 1, 1, 1, 6.0, 6.0, 6.0, False],
    ]
    pd.testing.assert_frame_equal(
        days[columns], pd.DataFrame(expected, columns=columns), check_dtype=False, check_exact=True
    )
    windows = [c.MARKET, c.SURFACE, c.START_AT, c.HORIZON, c.N_ACTIVE, c.N_EVENTS, c.IS_PARTIAL]
    assert activity[windows].to_numpy().tolist() == [
        ["DE", "home", pd.Timestamp(at(1)), 1, 2, 4, False],
        ["all", "all", pd.Timestamp(at(1.5)), 1, 4, 8, False],
    ]


def test_times_as_numbers_are_counted_alike(engine, tmp_path):
    rows = "\n".join(f"{1767225600 + hours * 3600}.5,m{hours},A" for hours in (0, 1, 30, 60))
    file = csv_log(tmp_path, f"ts,member_id,title_id\n{rows}\n", epoch_unit="s")

    days, _ = aggregate(engine, tmp_path, [file], launch_cells(("A", "all", "all", at(0.1))))

    assert days[[c.DAY, c.EVENTS]].to_numpy().tolist() == [[0, 0], [1, 1]]


def test_parquet_of_every_type_is_counted_alike(engine, tmp_path):
    n = 40
    table = pa.table(
        {
            c.TS: pa.array([at(hour / 10) for hour in range(n)], pa.timestamp("ms", tz="Europe/Berlin")),
            c.MEMBER_ID: pa.array(range(n), pa.int64()),
            c.TITLE_ID: pa.array([f" A{'' if row % 2 else chr(160)}" for row in range(n)]),
            c.POSITION: pa.array([None if row % 3 else float(row + 1.5) for row in range(n)], pa.float64()),
        }
    )
    pq.write_table(table, tmp_path / "log.parquet")
    file = registered(tmp_path, "log.parquet")

    days, _ = aggregate(engine, tmp_path, [file], launch_cells(("A", "all", "all", at(0))))

    assert days[c.NEW_MEMBERS].tolist() == [10, 10, 10]
    assert days[c.POSITION_P50].tolist() == [6.0, 16.0, 26.0]


# --- dirt ---

IDS = st.sampled_from(
    ["m1", " m2 ", "", " ", "\u00a0m3\u3000", "é", "m\tx", "x" * 257, "NULL", '"m,4"', "m''5", "m\\n6"]
)
TITLES = st.sampled_from(["A", "A ", " ", "", "B", "\ufeffA"])
TIMES = st.one_of(
    st.sampled_from(
        [
"", " ", "nan", "2026-01-02T10:00:00", "2026-01-02", "2026-02-30T10:00:00Z", "2026-01-02T24:00:00Z",
            "1767300000", "2026-01-02T24:00:01Z", "2026-01-02T23:59:60Z", "2026-01-02 10:00Z",
            "2026-01-02t10:00:00z", "1767300000.1234565", "2026-01-02T10:00:00+05:61",
            "2026-01-02T10:00:00+9959", "2026-01-02T10:00:00-05", "0000-01-01T00:00:00Z",
            "2026-01-02T10:00:00.1234567Z", " 2026-01-02T10:00:00Z ", "2026-13-01T00:00:00Z",
            "2026-01-03T00:00:00-00:30", "9999-12-31T00:00:00Z", "1799-12-31T23:59:59Z",
            "2026-01-01T23:59:59.999999Z", "-1.5", "99999999999999999999", "x",
        ]
    ),
    st.integers(0, 3 * 86_400).map(lambda second: (START + timedelta(seconds=second)).isoformat()),
)  # fmt: skip
POSITIONS = st.sampled_from(
    [
        "",
        "1",
        "2.5",
        "3.5",
        " 4 ",
        "0",
        "-1",
        "nan",
        "NaN",
        "inf",
        "1e3",
        "1e7",
        "x",
        "5.",
        ".5",
        "+6",
        "1000000",
        "7d",
        " ",
    ]
)
DIRTY = st.lists(st.tuples(TIMES, IDS, TITLES, POSITIONS), min_size=30, max_size=120)


@settings(max_examples=6)
@given(rows=DIRTY, epoch_unit=st.sampled_from([None, "s"]), is_daily=st.booleans(), is_parquet=st.booleans())
def test_both_engines_count_the_same_rows_of_dirty_files(
    tmp_path_factory, spark_master, rows, epoch_unit, is_daily, is_parquet
):
    folder = tmp_path_factory.mktemp("dirty")
    rows = [*rows, ("2026-01-02T12:00:00Z", "m0", "A", "1")]
    table = pa.table(dict(zip((c.TS, c.MEMBER_ID, c.TITLE_ID, c.POSITION), zip(*rows, strict=True), strict=True)))
    name = f"log-2026-01-02.{'parquet' if is_parquet else 'csv'}"
    if is_parquet:
        pq.write_table(table, folder / name)
    else:
        table.to_pandas().to_csv(folder / name, index=False)
    file = registered(folder, name, DAY_PATTERN if is_daily else None, epoch_unit)
    wanted = launch_cells(*((title, "all", "all", at(day)) for title in ("A", "B", "\ufeffA") for day in (0, 1, 1.25)))

    one, other = (aggregate(master, folder, [file], wanted) for master in ("", spark_master))

    for expected, found in zip(one, other, strict=True):
        pd.testing.assert_frame_equal(found, expected, check_exact=True)


# --- what Spark would read otherwise ---


def test_a_kind_of_file_spark_reads_otherwise_is_refused(spark_master, tmp_path):
    lines = [f'{{"ts": "2026-01-0{day}T00:00:00Z", "member_id": "m1", "title_id": "A"}}' for day in (1, 3)]
    (tmp_path / "log.jsonl").write_text("\n".join(lines))
    file = registered(tmp_path, "log.jsonl")

    with pytest.raises(EngineError, match="it is jsonl") as refused:
        aggregate(spark_master, tmp_path, [file], launch_cells(("A", "all", "all", at(0))))

    assert 'kind = "duckdb"' in str(refused.value)


def test_a_type_spark_writes_otherwise_is_refused(spark_master, tmp_path):
    table = pa.table(
        {
            c.TS: pa.array([at(0), at(1)], pa.timestamp("us", tz="UTC")),
            c.MEMBER_ID: [1.5e20, 2.0],
            c.TITLE_ID: ["A", "A"],
        }
    )
    pq.write_table(table, tmp_path / "log.parquet")

    with pytest.raises(EngineError, match='its column "member_id" is DOUBLE'):
        aggregate(
            spark_master, tmp_path, [registered(tmp_path, "log.parquet")], launch_cells(("A", "all", "all", at(0)))
        )


def test_rows_that_spark_mends_and_duckdb_refuses_are_noticed(spark_master, tmp_path):
    good = "2026-01-01T00:00:00Z,m1,A\n2026-01-03T00:00:00Z,m1,A\n"
    file = csv_log(tmp_path, f'ts,member_id,title_id\n{good}2026-01-02T00:00:00Z,"m"2,A\n')

    with pytest.raises(EngineError, match=r"3 in .*expected 2"):
        aggregate(spark_master, tmp_path, [file], launch_cells(("A", "all", "all", at(0))))


def test_compressed_text_and_lines_within_quotes_are_counted_alike(engine, tmp_path):
    rows = ['2026-01-01T00:00:00Z,"m\n1",A', "2026-01-02T00:00:00Z,m2,A,extra", "2026-01-03T00:00:00Z,m3,A"]
    text = "\n".join(["ts,member_id,title_id", *rows])
    (tmp_path / "log.csv.gz").write_bytes(gzip.compress(text.encode()))
    file = registered(tmp_path, "log.csv.gz")

    days, _ = aggregate(engine, tmp_path, [file], launch_cells(("A", "all", "all", at(0))))

    assert days[c.EVENTS].tolist() == [1, 0]
