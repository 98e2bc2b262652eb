from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsysops import columns as c
from recsysops.domain.batch import LogFile
from recsysops.events import EngineLimits, IbisAggregator
from recsysops.events.coverage import span_of
from recsysops.settings import SourceSettings
from recsysops.sources import FileReader
from recsysops.testing.builders import launch_cells

START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
FAR = datetime(2030, 1, 1, tzinfo=UTC)
COLUMNS = [c.TS, c.MEMBER_ID, c.TITLE_ID, c.MARKET, c.SURFACE, c.POSITION]


def write_log(folder: Path, rows: list[tuple], name: str = "log.parquet", day: str | None = None) -> LogFile:
    """Write events (COLUMNS) and register them as the reader would."""
    frame = pd.DataFrame(rows, columns=COLUMNS)
    table = pa.table(
        {
            c.TS: pa.array(frame[c.TS].tolist(), pa.timestamp("us", tz="UTC")),
            **{name: pa.array(frame[name].astype(str)) for name in COLUMNS[1:5]},
            c.POSITION: pa.array([row[5] for row in rows], pa.int32()),
        }
    )
    pq.write_table(table, folder / name)
    source = SourceSettings(path=name, day=day)
    return FileReader(folder).check_log("impressions", folder / name, source, f"hash-{name}", f"batch-{name}").file


def aggregate(
    folder: Path, files: list[LogFile], wanted: pd.DataFrame, until: datetime = FAR, rows_per_pass: int = 10**6
):
    limits = EngineLimits(memory_mb=500, threads=1, folder=folder / "spill", rows_per_pass=rows_per_pass)
    return IbisAggregator(limits).aggregate(files, wanted, "impressions", until)


def at(days: float) -> datetime:
    return START + timedelta(days=days)


GOLDEN = [
    # title A launches at day 1 (00:00) in DE on home; B at day 1.5 anywhere.
    (at(0.0), "m1", "A", "DE", "home", 9),  # before A's launch; opens the log
    (at(1.0), "m1", "A", "DE", "home", 1),  # the first moment of day 0
    (at(1.5), "m1", "A", "DE", "home", 3),
    (at(1.9), "m2", "A", "DE", "home", 5),
    (at(2.0), "m2", "A", "DE", "home", 7),  # the first moment of day 1, no new member
    (at(2.1), "m3", "A", "DE", "home", None),
    (at(2.2), "m3", "A", "US", "home", 2),  # another market
    (at(2.3), "m4", "A", "DE", "search", 2),  # another surface
    (at(2.4), "m1", "B", "US", "search", 4),
    (at(2.6), "m5", "B", "DE", "home", 6),
    (at(4.0), "m9", "C", "DE", "home", 1),  # closes the log
]


def test_the_golden_table(tmp_path):
    file = write_log(tmp_path, GOLDEN)

    days, activity = aggregate(tmp_path, [file], launch_cells(("A", "DE", "home", at(1)), ("B", "all", "all", at(1.5))))

    assert list(days.columns) == list(c.TREATMENT_DAY)
    columns = [c.TITLE_ID, c.DAY, c.EVENTS, c.NEW_MEMBERS, c.POSITION_P10, c.POSITION_P50, c.POSITION_P90, c.IS_PARTIAL]
    expected = [
        ["A", 0, 3, 2, 1.4, 3.0, 4.6, False],
        ["A", 1, 2, 1, 7.0, 7.0, 7.0, False],
        ["A", 2, 0, 0, None, None, None, False],
        ["B", 0, 1, 1, 4.0, 4.0, 4.0, False],
        ["B", 1, 1, 1, 6.0, 6.0, 6.0, False],
    ]
    pd.testing.assert_frame_equal(days[columns], pd.DataFrame(expected, columns=columns), check_dtype=False)
    assert list(activity.columns) == list(c.ACTIVITY)
    assert activity[
        [c.MARKET, c.SURFACE, c.START_AT, c.HORIZON, c.N_ACTIVE, c.N_EVENTS, c.IS_PARTIAL]
    ].to_numpy().tolist() == [
        ["DE", "home", pd.Timestamp(at(1)), 1, 2, 3, False],
        ["all", "all", pd.Timestamp(at(1.5)), 1, 4, 7, False],
    ]


def test_days_after_until_are_left_out(tmp_path):
    file = write_log(tmp_path, GOLDEN)

    days, activity = aggregate(tmp_path, [file], launch_cells(("A", "DE", "home", at(1))), until=at(2.99))

    assert days[c.DAY].tolist() == [0]
    assert activity[c.HORIZON].tolist() == [1]


def test_a_launch_before_the_first_file_is_partial_from_there_on(tmp_path):
    file = write_log(tmp_path, GOLDEN)

    days, activity = aggregate(tmp_path, [file], launch_cells(("A", "DE", "home", at(-1))))

    assert days[c.DAY].tolist() == [1, 2, 3, 4]
    assert days[c.IS_PARTIAL].all()
    assert activity.empty


def test_a_launch_nothing_covers_has_no_days(tmp_path):
    file = write_log(tmp_path, GOLDEN)

    for wanted in (launch_cells(("A", "DE", "home", at(100))), launch_cells()):
        days, activity = aggregate(tmp_path, [file], wanted)

        assert days.empty
        assert list(days.columns) == list(c.TREATMENT_DAY)
        assert list(activity.columns) == list(c.ACTIVITY)


def test_no_files_no_treatment(tmp_path):
    days, activity = aggregate(tmp_path, [], launch_cells(("A", "DE", "home", at(1))))

    assert days.empty
    assert activity.empty


# --- holes ---


def daily(folder: Path, number: int, *rows: tuple) -> LogFile:
    name = f"log-{(START + number * DAY).date()}.parquet"
    events = [(START + number * DAY + timedelta(hours=1), "m0", "A", "DE", "home", 1), *rows]
    return write_log(folder, events, name, day=r"(?P<day>\d{4}-\d{2}-\d{2})")


def test_a_missing_daily_file_makes_what_follows_it_partial(tmp_path):
    files = [daily(tmp_path, n) for n in (0, 1, 3, 4)]

    days, activity = aggregate(tmp_path, files, launch_cells(("A", "DE", "home", at(0)), ("A", "all", "all", at(3))))

    first = days[days[c.MARKET] == "DE"]
    assert first[c.DAY].tolist() == [0, 1, 2, 3, 4]
    assert first[c.EVENTS].tolist() == [1, 1, 0, 1, 1]
    assert first[c.IS_PARTIAL].tolist() == [False, False, True, True, True]
    assert not days.loc[days[c.MARKET] == "all", c.IS_PARTIAL].any()
    assert activity[c.IS_PARTIAL].tolist() == [False, False]


@pytest.mark.parametrize("fate", ["gone", "changed", "grown"])
def test_a_registered_file_that_is_no_longer_the_same_is_a_hole(tmp_path, fate):
    files = [daily(tmp_path, n) for n in range(4)]
    path = Path(files[2].path)
    match fate:
        case "gone":
            path.unlink()
        case "changed":
            data = bytearray(path.read_bytes())
            data[10] ^= 0xFF
            path.write_bytes(bytes(data))
        case "grown":
            path.write_bytes(path.read_bytes() + b"x")

    days, activity = aggregate(tmp_path, files, launch_cells(("A", "DE", "home", at(0)), ("A", "DE", "home", at(2))))

    assert days[days[c.LAUNCH_AT] == at(0)][c.IS_PARTIAL].tolist() == [False, False, True, True]
    assert days[days[c.LAUNCH_AT] == at(2)][c.EVENTS].tolist() == [0, 1]
    assert activity.set_index(c.START_AT)[c.IS_PARTIAL].to_dict() == {
        pd.Timestamp(at(0)): False,
        pd.Timestamp(at(2)): True,
    }


def test_a_touched_file_with_the_same_content_still_counts(tmp_path):
    file = daily(tmp_path, 0)
    path = Path(file.path)
    path.write_bytes(path.read_bytes())

    days, _ = aggregate(tmp_path, [file], launch_cells(("A", "DE", "home", at(0))))

    assert days[c.IS_PARTIAL].tolist() == [False]


def test_when_all_files_are_gone_the_days_are_zero_and_partial(tmp_path):
    file = daily(tmp_path, 0)
    Path(file.path).unlink()

    days, _ = aggregate(tmp_path, [file], launch_cells(("A", "DE", "home", at(0))))

    assert days[[c.EVENTS, c.IS_PARTIAL]].to_numpy().tolist() == [[0, True]]


def test_files_without_a_declared_day_may_be_silent_for_a_day(tmp_path):
    def bulk(name: str, *times: float) -> LogFile:
        return write_log(tmp_path, [(at(t), "m", "A", "DE", "home", 1) for t in times], f"{name}.parquet")

    files = [bulk("a", 0, 1), bulk("b", 1.9, 3), bulk("c", 5, 6)]

    days, _ = aggregate(tmp_path, files, launch_cells(("A", "DE", "home", at(0))))

    assert days[c.IS_PARTIAL].tolist() == [False, False, False, True, True, True]


def test_a_file_without_rows_or_day_covers_nothing():
    file = LogFile(
        batch_id="b",
        table="impressions",
        path="/x",
        content_hash="h",
        declared_day=None,
        first_at=None,
        last_at=None,
        rows=0,
    )

    assert span_of(file) is None


def test_rows_outside_a_declared_day_are_not_counted(tmp_path):
    outside = (START + timedelta(days=1, hours=2), "m7", "A", "DE", "home", 1)
    files = [daily(tmp_path, 0, outside), daily(tmp_path, 1)]

    days, activity = aggregate(tmp_path, files, launch_cells(("A", "DE", "home", at(0))))

    assert files[0].rows == 1
    assert days[c.EVENTS].tolist() == [1, 1]
    assert activity[c.N_ACTIVE].tolist() == [1]


# --- against counting by hand ---

MOMENTS = st.integers(min_value=0, max_value=40 * 24).map(lambda hours: START + timedelta(hours=hours))
EVENT = st.tuples(
    MOMENTS,
    st.sampled_from(["m1", "m2", "m3"]),
    st.sampled_from(["A", "B"]),
    st.sampled_from(["DE", "US"]),
    st.sampled_from(["home", "search"]),
    st.none() | st.integers(1, 40),
)
LAUNCH = st.tuples(
    st.sampled_from(["A", "B"]), st.sampled_from(["DE", "US", "all"]), st.sampled_from(["home", "all"]), MOMENTS
)


@settings(max_examples=20)
@given(
    events=st.lists(EVENT, min_size=1, max_size=40),
    wanted=st.lists(LAUNCH, min_size=1, max_size=4, unique_by=lambda row: row[:3]),
    rows_per_pass=st.sampled_from([1, 10**6]),
)
def test_treatment_is_what_one_counts_by_hand(tmp_path_factory, events, wanted, rows_per_pass):
    folder = tmp_path_factory.mktemp("log")
    # A first and a last event far out make every window covered.
    outer = [(START - DAY, "m0", "Z", "XX", "x", 1), (START + 90 * DAY, "m0", "Z", "XX", "x", 1)]

    days, activity = aggregate(
        folder, [write_log(folder, events + outer)], launch_cells(*wanted), rows_per_pass=rows_per_pass
    )

    got = days.set_index([*c.CELL_KEY, c.DAY])
    assert len(got) == 28 * len(wanted)
    for title, market, surface, launch_at in wanted:
        first_day: dict[str, int] = {}
        here = [e for e in events if market in {"all", e[3]} and surface in {"all", e[4]}]
        for day in range(28):
            shown = sorted((e for e in here if e[2] == title and (e[0] - launch_at) // DAY == day), key=lambda e: e[0])
            new = {e[1] for e in shown} - set(first_day)
            first_day |= dict.fromkeys(new, day)
            row = got.loc[(title, market, surface, day)]
            assert (row[c.EVENTS], row[c.NEW_MEMBERS]) == (len(shown), len(new))
            positions = [e[5] for e in shown if e[5] is not None]
            quantiles = row[[c.POSITION_P10, c.POSITION_P50, c.POSITION_P90]].astype(float).tolist()
            by_hand = np.quantile(positions, [0.1, 0.5, 0.9]) if positions else [np.nan] * 3
            assert quantiles == pytest.approx(list(by_hand), nan_ok=True)
        for horizon in (1, 7, 28):
            window = [e for e in here if 0 <= (e[0] - launch_at) // DAY < horizon]
            same = (activity[c.MARKET] == market) & (activity[c.SURFACE] == surface)
            found = activity[same & (activity[c.START_AT] == launch_at) & (activity[c.HORIZON] == horizon)]
            counted = found[[c.N_ACTIVE, c.N_EVENTS]].to_numpy().tolist()
            # The two outer events lie in windows of `all` only when those reach them, which none does.
            assert counted == [[len({e[1] for e in window}), len(window)]]


def test_declared_days_are_read_from_names(tmp_path):
    assert daily(tmp_path, 2).declared_day == date(2026, 1, 3)
