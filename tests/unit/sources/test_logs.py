import gzip
import json
from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from recsysops import columns as c
from recsysops.domain.reading import ReadLog
from recsysops.errors import SourceError
from recsysops.events import EngineLimits, IbisAggregator
from recsysops.settings import SourceSettings
from recsysops.sources import FileReader
from recsysops.sources._asking import in_this_process
from recsysops.sources.codes import ROW_CODES

HEADER = "ts,member_id,title_id,market,surface,position\n"
GOOD = "2026-01-01T10:00:00Z,m1,A,DE,home,3\n"
DAILY = r"(?P<day>\d{4}-\d{2}-\d{2})"


def check(folder: Path, content: str | bytes, name: str = "log.csv", **source) -> ReadLog:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return FileReader(folder, runner=in_this_process).check_log(
        "impressions", path, SourceSettings(path=name, **source), "hash", "batch"
    )


def counted(folder: Path, log: ReadLog) -> int:
    """Return how many rows the other reading of the file takes."""
    wanted = pd.DataFrame(
        {c.TITLE_ID: ["A"], c.MARKET: "all", c.SURFACE: "all", c.LAUNCH_AT: [pd.Timestamp("2026-01-01T00:00Z")]}
    )
    far = LogFileLike.far(log)
    limits = EngineLimits(memory_mb=300, threads=1, folder=folder / "spill")
    days, _ = IbisAggregator(limits).aggregate(
        [log.file, *far], wanted, "impressions", datetime(2030, 1, 1, tzinfo=UTC)
    )
    return int(days[c.EVENTS].sum())


class LogFileLike:
    """A second file that only stretches what is covered."""

    @staticmethod
    def far(log: ReadLog) -> list:
        from dataclasses import replace

        moment = datetime(2026, 2, 15, tzinfo=UTC)
        early = datetime(2025, 12, 1, tzinfo=UTC)
        return [
            replace(log.file, batch_id=f"far-{at}", path="/nowhere", first_at=at, last_at=at, declared_day=None, rows=0)
            for at in (early, moment)
        ]


def test_a_good_log_is_accepted_whole(tmp_path):
    log = check(tmp_path, HEADER + GOOD + "2026-01-01 23:00:00+01:00,m2,A,DE,home,\n")

    assert (log.rows_in, log.file.rows, dict(log.codes), log.samples) == (2, 2, {}, ())
    assert log.file.first_at == datetime(2026, 1, 1, 10, tzinfo=UTC)
    assert log.file.last_at == datetime(2026, 1, 1, 22, tzinfo=UTC)
    assert log.file.path == str(tmp_path / "log.csv")
    assert json.loads(json.dumps(log.file.mapping)) == log.file.mapping
    assert log.file.mapping["is_plain"]


@pytest.mark.parametrize(
    ("row", "code", "column"),
    [
        ("2026-01-01T10:00:00Z,m1,,DE,home,3", "missing-key", "title_id"),
        ("2026-01-01T10:00:00Z, ,A,DE,home,3", "missing-key", "member_id"),
        (",m1,A,DE,home,3", "missing-key", "ts"),
        ("2026-01-01T10:00:00,m1,A,DE,home,3", "naive-time", "ts"),
        ("2026-01-01,m1,A,DE,home,3", "naive-time", "ts"),
        ("2026-02-30T10:00:00Z,m1,A,DE,home,3", "impossible-date", "ts"),
        ("9999-01-01T10:00:00Z,m1,A,DE,home,3", "impossible-date", "ts"),
        ("1767261600,m1,A,DE,home,3", "impossible-date", "ts"),
        ("2026-01-02T10:00:00Z,m1,A,DE,home,3", "outside-day", "ts"),
        ("2026-01-01T10:00:00Z,m1,A,DE,home,top", "not-a-number", "position"),
        ("2026-01-01T10:00:00Z,m1,A,DE,home,inf", "not-a-number", "position"),
        ("2026-01-01T10:00:00Z,m1,A,DE,home,0", "out-of-range", "position"),
        ("2026-01-01T10:00:00Z,m1,A,DE,home,-2", "out-of-range", "position"),
    ],
)
def test_a_bad_row_is_counted_by_code_and_never_counted_as_treatment(tmp_path, row, code, column):
    log = check(tmp_path, HEADER + GOOD + row + "\n", name="log-2026-01-01.csv", day=DAILY)

    assert (log.rows_in, log.file.rows, dict(log.codes)) == (2, 1, {code: 1})
    assert [(sample.code, sample.column) for sample in log.samples] == [(code, column)]
    assert log.samples[0].rule == ROW_CODES[code].rule
    assert counted(tmp_path, log) == 1


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"2026-01-01T10:00:00Z,m1,A\n", "ragged-row"),
        (b"2026-01-01T10:00:00Z,m1,A,DE,home,3,more\n", "ragged-row"),
        (b"2026-01-01T10:00:00Z,m1,A,DE,\xff\xfe,3\n", "not-utf8"),
        (b"2026-01-01T10:00:00Z,m1,A,DE," + b"x" * 2_200_000 + b",3\n", "too-long"),
    ],
)
def test_a_line_that_is_no_row_is_counted_too(tmp_path, line, code):
    log = check(tmp_path, HEADER.encode() + GOOD.encode() * 3 + line + GOOD.encode() * 2)

    assert (log.rows_in, log.file.rows, dict(log.codes)) == (6, 5, {code: 1})
    assert [(sample.code, sample.row) for sample in log.samples] == [(code, 4)]
    assert counted(tmp_path, log) == 5


def test_samples_are_few_and_without_members(tmp_path):
    log = check(tmp_path, HEADER + GOOD + "never,secret-member,A,DE,home,3\n" * 50)

    assert log.codes == {"impossible-date": 50}
    assert len(log.samples) == 20
    assert "secret-member" not in repr(log.samples)
    assert {sample.value for sample in log.samples} == {"never"}


def test_untidy_ids_are_tidied_in_both_readings(tmp_path):
    log = check(tmp_path, HEADER + GOOD + "2026-01-01T10:00:00Z,m1, A ,,,3\n")

    assert not log.file.mapping["is_plain"]
    assert counted(tmp_path, log) == 2


def test_columns_are_mapped_and_places_default(tmp_path):
    log = check(
        tmp_path,
        "when,who,what\n1767261600000,m1,A\n",
        columns={"ts": "when", "member_id": "who", "title_id": "what"},
        defaults={"market": "DE"},
        epoch_unit="ms",
    )

    assert log.file.first_at == datetime(2026, 1, 1, 10, tzinfo=UTC)
    assert log.file.mapping["defaults"] == {"market": "DE", "surface": "all"}
    assert counted(tmp_path, log) == 1


def parquet(folder: Path, ts: pa.Array, **more) -> bytes:
    n = len(ts)
    columns = {"ts": ts, "member_id": ["m"] * n, "title_id": ["A"] * n} | more
    pq.write_table(pa.table(columns), folder / "made.parquet")
    return (folder / "made.parquet").read_bytes()


def test_parquet_rows_are_numbered_in_samples(tmp_path):
    content = parquet(
        tmp_path,
        pa.array([datetime(2026, 1, 1, tzinfo=UTC), None], pa.timestamp("ms", tz="UTC")),
        position=pa.array([1.0, 2.0]),
    )

    log = check(tmp_path, content, "log.parquet")

    assert [(sample.row, sample.code) for sample in log.samples] == [(2, "missing-key")]


def test_what_lies_in_lists_and_records_a_few_deep_is_no_concern(tmp_path):
    ts = pa.array([datetime(2026, 1, 1, tzinfo=UTC)], pa.timestamp("us", tz="UTC"))
    wide = pa.array([{f"f{k}": {"tags": [["x"]]} for k in range(40)}])

    assert check(tmp_path, parquet(tmp_path, ts, context=wide), "log.parquet").file.rows == 1


@pytest.mark.parametrize("wrap", [lambda at: [at], lambda at: {"a": at}], ids=["lists", "records"])
def test_what_the_engine_would_take_for_ever_to_read_is_refused(tmp_path, wrap):
    value = 1
    for _ in range(40):
        value = wrap(value)
    ts = pa.array([datetime(2026, 1, 1, tzinfo=UTC)], pa.timestamp("us", tz="UTC"))

    with pytest.raises(SourceError, match='the column "deep" holds') as caught:
        check(tmp_path, parquet(tmp_path, ts, deep=pa.array([value])), "log.parquet")

    assert caught.value.source_code == "wrong-type"


def test_parquet_position_nan_is_missing(tmp_path):
    content = parquet(
        tmp_path,
        pa.array([datetime(2026, 1, 1, tzinfo=UTC)] * 2, pa.timestamp("us", tz="UTC")),
        position=pa.array([1.0, float("nan")]),
    )

    log = check(tmp_path, content, "log.parquet")

    assert log.file.rows == 2
    assert counted(tmp_path, log) == 2


def test_parquet_times_without_a_zone_are_naive(tmp_path):
    log = check(tmp_path, parquet(tmp_path, pa.array([0], pa.timestamp("us"))), "log.parquet")

    assert log.codes == {"naive-time": 1}
    assert (log.file.first_at, log.file.last_at) == (None, None)


@pytest.mark.parametrize(("unit", "rows"), [("s", 1), (None, 0)])
def test_parquet_numbers_are_times_where_their_unit_is_known(tmp_path, unit, rows):
    log = check(tmp_path, parquet(tmp_path, pa.array([1767261600])), "log.parquet", epoch_unit=unit)

    assert log.file.rows == rows


def test_text_epochs_with_a_fraction_are_exact(tmp_path):
    log = check(tmp_path, HEADER + "1767261600.25,m1,A,DE,home,3\n", epoch_unit="s")

    assert log.file.first_at == datetime(2026, 1, 1, 10, 0, 0, 250_000, tzinfo=UTC)


def test_a_day_is_declared_by_the_name(tmp_path):
    assert check(tmp_path, HEADER + GOOD, "log-2026-01-01.csv", day=DAILY).file.declared_day == date(2026, 1, 1)


@pytest.mark.parametrize("pattern", [DAILY, r"(?P<day>l)og"])
def test_a_name_without_the_day_it_should_have_is_refused(tmp_path, pattern):
    with pytest.raises(SourceError) as caught:
        check(tmp_path, HEADER + GOOD, day=pattern)
    assert caught.value.source_code == "wrong-format"


@pytest.mark.parametrize(
    ("content", "name", "code"),
    [
        (b"", "log.csv", "empty-file"),
        (HEADER.encode(), "log.csv", "no-rows"),
        (b"ts,member_id,title\nx,y,z\n", "log.csv", "missing-column"),
        (b"ts,ts\nx,y\n", "log.csv", "duplicate-header"),
        (b"PAR1 cut", "log.parquet", "truncated"),
        (b"PAR1 no footer but the magicPAR1", "log.parquet", "corrupt"),
        (gzip.compress((HEADER + GOOD * 90_000).encode())[:-300], "log.csv.gz", "truncated"),
    ],
)
def test_a_log_that_cannot_be_read_is_refused_with_its_code(tmp_path, content, name, code):
    with pytest.raises(SourceError) as caught:
        check(tmp_path, content, name)
    assert caught.value.source_code == code
    assert "\n" not in str(caught.value)


def test_a_quote_never_closed_refuses_the_file_as_nobody_knows_what_it_swallowed(tmp_path):
    with pytest.raises(SourceError) as caught:
        check(tmp_path, HEADER + GOOD * 3 + '2026-01-01T10:00:00Z,m1,"A,DE,home,3\n' + GOOD)
    assert caught.value.source_code == "unclosed-quote"


def test_text_after_a_closed_quote_costs_one_row(tmp_path):
    log = check(tmp_path, HEADER + GOOD + '2026-01-01T10:00:00Z,m1,"A"x,DE,home,3\n' + GOOD)

    assert (log.rows_in, log.file.rows, dict(log.codes)) == (3, 2, {"bad-quote": 1})
    assert counted(tmp_path, log) == 2


@pytest.mark.parametrize("newline", ["\r\n", "\r", "\n"])
def test_line_ends_of_one_kind_do_not_matter(tmp_path, newline):
    log = check(tmp_path, (HEADER + GOOD * 3).replace("\n", newline))

    assert (log.rows_in, log.file.rows) == (3, 3)
    assert counted(tmp_path, log) == 3


def test_line_ends_of_several_kinds_are_refused(tmp_path):
    with pytest.raises(SourceError) as caught:
        check(tmp_path, HEADER + GOOD.replace("\n", "\r\n") + GOOD * 3)
    assert caught.value.source_code == "mixed-newlines"


def test_a_line_the_engine_would_drop_in_silence_is_refused(tmp_path):
    with pytest.raises(SourceError) as caught:
        check(tmp_path, HEADER + GOOD + "x" * 40_000_000 + "\n" + GOOD)
    assert caught.value.source_code == "too-large"


@pytest.mark.parametrize(
    ("row", "code", "column"),
    [
        ("2026-01-01T10:00:00Z,m1,A\x00,DE,home,3", "control-character", "title_id"),
        ("2026-01-01T10:00:00Z,m\x001,A,DE,home,3", "control-character", "member_id"),
        ("2026-01-01T10:00:00Z,m1," + "A" * 257 + ",DE,home,3", "too-long", "title_id"),
        ("2026-01-01T10:00:00Z," + "m" * 257 + ",A,DE,home,3", "too-long", "member_id"),
    ],
)
def test_an_id_no_store_could_hold_is_kept_out(tmp_path, row, code, column):
    log = check(tmp_path, HEADER + GOOD + row + "\n")

    assert (log.rows_in, log.file.rows, dict(log.codes)) == (2, 1, {code: 1})
    assert [sample.column for sample in log.samples] == [column]


# --- JSON Lines ---


def lines(*rows: dict | str) -> str:
    return "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows)


ROW = {"ts": "2026-01-01T10:00:00Z", "member_id": "m1", "title_id": "A", "position": 3}


def test_lines_of_json_are_judged_by_the_same_rules(tmp_path):
    content = lines(ROW, "", ROW | {"title_id": None}, ROW | {"ts": "2026-02-30T00:00:00Z"}, ROW | {"position": 0})

    log = check(tmp_path, content, "log.jsonl")

    assert (log.rows_in, log.file.rows) == (4, 1)
    assert dict(log.codes) == {"missing-key": 1, "impossible-date": 1, "out-of-range": 1}
    assert counted(tmp_path, log) == 1


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("no json", "bad-json"),
        ("[1]", "bad-json"),
        ('{"ts": "2026', "bad-json"),
        ('{"title_id": NaN, "member_id": "m"}', "missing-key"),
        (ROW | {"title_id": ["A"]}, "nested-value"),
        (ROW | {"member_id": {"a": 1}}, "nested-value"),
        (ROW | {"title_id": "A\x00"}, "control-character"),
    ],
)
def test_a_line_that_is_no_row_of_json_is_counted(tmp_path, line, code):
    log = check(tmp_path, lines(ROW, line, ROW), "log.ndjson")

    assert (log.rows_in, log.file.rows, dict(log.codes)) == (3, 2, {code: 1})
    assert counted(tmp_path, log) == 2


@pytest.mark.parametrize(
    ("line", "code"),
    [(ROW | {"x": "y" * 3_000_000}, "too-long"), ('{"title_id": "\x1f", "member_id": "m"}', "bad-json")],
)
def test_a_line_of_json_that_the_engine_cannot_take_is_counted(tmp_path, line, code):
    log = check(tmp_path, lines(ROW, line, ROW), "log.jsonl")

    assert (log.rows_in, log.file.rows, dict(log.codes)) == (3, 2, {code: 1})
    assert counted(tmp_path, log) == 2


def test_values_inside_objects_are_named_with_a_dot(tmp_path):
    row = {"when": {"served": 1767261600.5}, "who/what": {"id~": "m1"}, "item": "A"}
    columns = {"ts": "when.served", "member_id": "who/what.id~", "title_id": "item"}

    log = check(tmp_path, gzip.compress(lines(row).encode()), "log.jsonl.gz", columns=columns, epoch_unit="s")

    assert log.file.first_at == datetime(2026, 1, 1, 10, 0, 0, 500_000, tzinfo=UTC)
    assert counted(tmp_path, log) == 1


def test_a_text_that_only_looks_nested_is_text(tmp_path):
    assert check(tmp_path, lines(ROW | {"title_id": "[REC]"}), "log.jsonl").file.rows == 1


@pytest.mark.parametrize(
    ("content", "code"),
    [("\n\n", "missing-column"), ("no\njson\n", "missing-column"), ('{"ts": 1}\n', "missing-column")],
)
def test_a_file_of_json_without_the_needed_columns_is_refused(tmp_path, content, code):
    with pytest.raises(SourceError) as caught:
        check(tmp_path, content, "log.jsonl")
    assert caught.value.source_code == code


# --- what it looked like ---


def test_a_log_is_profiled_without_any_member(tmp_path):
    rows = "".join(f"2026-01-01T{hour:02}:00:00Z,member-{hour},T{hour % 3},DE,,{hour + 1}\n" for hour in range(24))

    log = check(tmp_path, HEADER + rows + "never,member-x,A,DE,home,3\n")

    assert (log.profile.rows, log.profile.quarantined) == (25, 1)
    assert (log.profile.first_at, log.profile.last_at) == (log.file.first_at, log.file.last_at)
    kinds = {name: (each.kind, round(each.empty_ratio, 2)) for name, each in log.profile.columns.items()}
    assert kinds == {
        "ts": ("time", 0.0),
        "member_id": ("text", 0.0),
        "title_id": ("text", 0.0),
        "market": ("text", 0.0),
        "surface": ("text", 0.96),
        "position": ("number", 0.0),
    }
    assert log.profile.columns["market"].values == ("DE",)  # noqa: PD011 - no frame
    assert log.profile.columns["position"].typical == 12.0
    assert "member-" not in repr(log.profile)


def test_a_profile_of_parquet_knows_its_types(tmp_path):
    ts = pa.array([datetime(2026, 1, 1, tzinfo=UTC)] * 2, pa.timestamp("us", tz="UTC"))
    more = {"tags": pa.array([["a"], None]), "kids": pa.array([True, False]), "none": pa.nulls(2), "n": [0, -4]}

    log = check(tmp_path, parquet(tmp_path, ts, **more), "log.parquet", ignore=["secret"])

    columns = log.profile.columns
    kinds = {name: columns[name].kind for name in ("ts", "tags", "kids", "none", "n")}
    assert kinds == {"ts": "time", "tags": "list", "kids": "text", "none": "empty", "n": "number"}
    assert columns["n"].typical == 4.0
