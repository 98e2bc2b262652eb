import gzip
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from recsysops import columns as c
from recsysops.domain.reading import ReadTable
from recsysops.errors import SourceError
from recsysops.settings import Settings
from recsysops.sources import FileReader
from recsysops.sources._asking import in_this_process
from recsysops.sources.codes import FILE_CODES, ROW_CODES

BERLIN = {"markets": {"all": {"launch_time": "09:00", "time_zone": "Europe/Berlin"}}}
LAUNCHES = "title_id,launch_at,observed_at\n"
SEEN = "2026-01-01T00:00:00Z"
PLANS = "title_id,measure,horizon,observed_at,low,best,high,unit\n"


def read(
    folder: Path, table: str, content: str | bytes, name: str = "", settings: dict | None = None, **source
) -> ReadTable:
    """Write a file, and read it as the source of `table`."""
    path = folder / (name or f"{table}.csv")
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    whole = Settings.model_validate(
        {"sources": {table: {"path": path.name, **source}}, "treatment": {"measures": ()}, **(settings or {})}
    )
    return FileReader(folder, runner=in_this_process).read_table(table, path, whole.sources[table], whole)


def codes(result: ReadTable) -> list[str]:
    return [row.code for row in result.quarantined]


def refusal(folder: Path, table: str, content: str | bytes, **more) -> SourceError:
    with pytest.raises(SourceError) as caught:
        read(folder, table, content, **more)
    assert caught.value.source_code in FILE_CODES
    return caught.value


# --- titles ---


def test_an_unknown_column_of_titles_becomes_a_metadata_field(tmp_path):
    text = f"title_id,observed_at,name,runtime,score,genres,code\n007,{SEEN},Bond,104,7.5,a| b |,01\n8,{SEEN},,,,,02\n"

    rows = read(tmp_path, "titles", text, lists={"genres": "|"}).rows

    assert list(rows.columns) == list(c.TITLE_VERSION)
    assert list(rows[c.TITLE_ID]) == ["007", "8"]
    assert rows[c.FIELDS][0] == {"runtime": 104, "score": 7.5, "genres": ["a", "b"], "code": "01"}
    assert rows[c.FIELDS][1] == {"code": "02"}
    assert rows[c.NAME].isna().tolist() == [False, True]
    assert rows[c.MARKET].tolist() == ["all", "all"]
    assert str(rows[c.OBSERVED_AT].dtype) == "datetime64[us, UTC]"


def test_a_column_with_one_word_among_numbers_stays_text(tmp_path):
    text = f"title_id,observed_at,runtime\n1,{SEEN},104\n2,{SEEN},tba\n"

    fields = read(tmp_path, "titles", text).rows[c.FIELDS]

    assert list(fields) == [{"runtime": "104"}, {"runtime": "tba"}]


def test_nan_among_numbers_is_missing_and_infinity_is_quarantined(tmp_path):
    text = f"title_id,observed_at,runtime\n1,{SEEN},104\n2,{SEEN},NaN\n3,{SEEN},inf\n4,{SEEN},1e999\n"

    result = read(tmp_path, "titles", text)

    assert list(result.rows[c.FIELDS]) == [{"runtime": 104}, {}] or result.rows[c.FIELDS][1] == {}
    assert codes(result) == ["not-a-number", "not-a-number"]
    assert [row.row for row in result.quarantined] == [3, 4]


def test_columns_are_mapped_defaulted_and_ignored(tmp_path):
    text = "item,seen,overview,secret,blurb\n1,2026-01-01T00:00:00Z,words,9,b\n"

    rows = read(
        tmp_path,
        "titles",
        text,
        columns={"title_id": "item", "observed_at": "seen", "synopsis": "overview"},
        defaults={"provider": "Acme", "language": "de"},
        ignore=["secret"],
    ).rows

    assert rows[c.FIELDS][0] == {"synopsis": "words", "blurb": "b", "language": "de"}
    assert rows[c.PROVIDER][0] == "Acme"


def test_two_columns_for_one_name_are_refused(tmp_path):
    error = refusal(tmp_path, "titles", f"title_id,observed_at,name,title\n1,{SEEN},a,b\n", columns={"name": "title"})

    assert error.source_code == "ambiguous-column"


def test_a_mapped_column_that_is_absent_is_named_with_the_nearest_one(tmp_path):
    error = refusal(
        tmp_path, "titles", f"title_id,observed_at,overviews\n1,{SEEN},a\n", columns={"synopsis": "overview"}
    )

    assert error.source_code == "missing-column"
    assert '"overviews"' in str(error)


def test_a_missing_key_column_is_answered_with_the_line_to_write(tmp_path):
    error = refusal(tmp_path, "titles", f"titleid,observed_at\n1,{SEEN}\n")

    assert error.source_code == "missing-column"
    assert 'title_id = "titleid" under [sources.titles.columns]' in str(error)


def test_ids_lose_surrounding_space_and_nothing_else(tmp_path):
    rows = read(tmp_path, "titles", f"title_id,observed_at\n 00A ,{SEEN}\n00a,{SEEN}\n").rows

    assert list(rows[c.TITLE_ID]) == ["00A", "00a"]


# --- accounts ---


def test_rows_in_are_accepted_duplicate_or_quarantined(tmp_path):
    text = f"title_id,observed_at,x\n1,{SEEN},a\n1,{SEEN},a\n1,{SEEN},b\n,{SEEN},c\n2,{SEEN}\n3,{SEEN},d\n1,{SEEN},b\n"

    result = read(tmp_path, "titles", text)

    assert (result.rows_in, len(result.rows), result.duplicate) == (7, 2, 1)
    assert [(row.row, row.code) for row in result.quarantined] == [
        (3, "conflicting-duplicate"),
        (4, "missing-key"),
        (5, "ragged-row"),
        (7, "conflicting-duplicate"),
    ]


def test_a_quarantined_value_is_cut_and_escaped(tmp_path):
    result = read(tmp_path, "launches", LAUNCHES + f'1,"\x1b[31m{"x" * 900}",{SEEN}\n')

    value = result.quarantined[0].value
    assert len(value) == 200
    assert value.startswith("\\x1b[31mx")


def test_a_row_says_file_column_rule_and_fix(tmp_path):
    row = read(
        tmp_path, "launches", "title_id,released,observed_at\n1,never,x\n", columns={"launch_at": "released"}
    ).quarantined[0]

    assert row.file.endswith("launches.csv")
    assert (row.row, row.column, row.code, row.value) == (1, "released", "impossible-date", "never")
    assert row.rule == ROW_CODES["impossible-date"].rule
    assert row.fix


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("a\x00b", "control-character"),
        ("x" * (1024**2 + 1), "too-long"),
    ],
)
def test_a_cell_no_store_should_hold_is_quarantined(tmp_path, cell, code):
    result = read(tmp_path, "titles", f"title_id,observed_at,synopsis\n1,{SEEN},{cell}\n2,{SEEN},fine\n")

    assert codes(result) == [code]
    assert list(result.rows[c.TITLE_ID]) == ["2"]


def test_a_key_is_at_most_256_characters(tmp_path):
    assert codes(read(tmp_path, "titles", f"title_id,observed_at\n{'k' * 257},{SEEN}\n")) == ["too-long"]


# --- times ---


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-02T10:00:00Z", datetime(2026, 3, 2, 10, tzinfo=UTC)),
        ("2026-03-02 10:00+01:30", datetime(2026, 3, 2, 8, 30, tzinfo=UTC)),
        ("2026-03-02T10:00:00.1234567-0500", datetime(2026, 3, 2, 15, 0, 0, 123456, tzinfo=UTC)),
        ("2026-03-02", datetime(2026, 3, 2, 8, tzinfo=UTC)),
        ("2026-07-02T10:00", datetime(2026, 7, 2, 8, tzinfo=UTC)),
        ("2026-03-29T02:30", datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
        ("2026-10-25T02:30", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
    ],
)
def test_times_are_read_as_utc(tmp_path, text, expected):
    rows = read(tmp_path, "launches", LAUNCHES + f"1,{text},{SEEN}\n", settings=BERLIN).rows

    assert rows[c.LAUNCH_AT][0] == pd.Timestamp(expected)


@pytest.mark.parametrize(
    "text",
    [
        "2026-02-30",
        "0000-01-01T00:00Z",
        "9999-01-01T00:00Z",
        "2026-06-30T23:59:60Z",
        "2026-01-01T00:00+99:00",
        "soon",
        "1772409600",
    ],
)
def test_an_impossible_date_is_quarantined(tmp_path, text):
    assert codes(read(tmp_path, "launches", LAUNCHES + f"1,{text},{SEEN}\n", settings=BERLIN)) == ["impossible-date"]


@pytest.mark.parametrize(
    ("text", "markets"), [("2026-03-02", {}), ("2026-03-02T10:00", {}), ("2026-03-02", {"all": {"time_zone": "UTC"}})]
)
def test_a_time_nobody_can_place_is_quarantined(tmp_path, text, markets):
    result = read(tmp_path, "launches", LAUNCHES + f"1,{text},{SEEN}\n", settings={"markets": markets})

    assert codes(result) == ["naive-time"]


@pytest.mark.parametrize(("unit", "number"), [("s", "1772409600"), ("ms", "1772409600000"), ("us", "1772409600000000")])
def test_numbers_are_times_where_their_unit_is_known(tmp_path, unit, number):
    rows = read(tmp_path, "launches", LAUNCHES + f"1,{number},{SEEN}\n", epoch_unit=unit).rows

    assert rows[c.LAUNCH_AT][0] == pd.Timestamp("2026-03-02T00:00:00Z")


def test_milliseconds_taken_for_seconds_are_impossible(tmp_path):
    text = LAUNCHES + f"1,1772409600000,{SEEN}\n2,99999999999999999999,{SEEN}\n"

    assert codes(read(tmp_path, "launches", text, epoch_unit="s")) == ["impossible-date"] * 2


# --- launches ---


def test_a_launch_has_a_status_and_a_place(tmp_path):
    header = "title_id,launch_at,observed_at,market,surface,launch_status\n"
    text = header + f"1,{SEEN},{SEEN},DE,,\n2,{SEEN},{SEEN},,home,Cancelled\n3,{SEEN},{SEEN},,,perhaps\n"

    result = read(tmp_path, "launches", text)

    assert list(result.rows.columns) == list(c.LAUNCH_VERSION)
    assert result.rows[[c.MARKET, c.SURFACE, c.LAUNCH_STATUS]].to_numpy().tolist() == [
        ["DE", "all", "planned"],
        ["all", "home", "cancelled"],
    ]
    assert codes(result) == ["unknown-value"]


def test_launches_can_be_a_column_of_the_titles_file(tmp_path):
    text = "title_id,name,release_date\n1,A,2026-03-02T00:00Z\n2,B,\n"

    result = read(tmp_path, "launches", text, launches_from="release_date", observed_at="assume:launch-60d")

    assert (result.rows_in, len(result.rows), result.label) == (1, 1, "not point-in-time")
    assert result.rows[c.OBSERVED_AT][0] == pd.Timestamp("2026-01-01T00:00:00Z")


# --- assumed times ---


def test_assumed_times_come_from_the_launch_column_of_the_same_file(tmp_path):
    text = "title_id,release_date\n1,2026-03-02T00:00Z\n2,\n"

    result = read(tmp_path, "titles", text, launches_from="release_date", observed_at="assume:launch-60d")

    assert list(result.rows[c.OBSERVED_AT]) == [pd.Timestamp("2026-01-01T00:00Z"), pd.Timestamp("1970-01-01T00:00Z")]
    assert result.label == "not point-in-time"
    assert result.rows[c.FIELDS][0] == {"release_date": "2026-03-02T00:00Z"}


def test_assumed_times_come_from_the_first_launch_known_otherwise(tmp_path):
    (tmp_path / "l.csv").write_text(LAUNCHES + f"1,2026-03-03T00:00Z,{SEEN}\n1,2026-03-02T00:00Z,2026-01-02T00:00Z\n")
    settings = {
        "sources": {"titles": {"path": "titles.csv", "observed_at": "assume:launch-1d"}, "launches": {"path": "*l.csv"}}
    }

    rows = read(tmp_path, "titles", "title_id\n1\n2\n", settings=settings).rows

    assert list(rows[c.OBSERVED_AT]) == [pd.Timestamp("2026-03-01T00:00Z"), pd.Timestamp("1970-01-01T00:00Z")]


# --- expectations ---


def test_an_expectation_has_defaults(tmp_path):
    rows = read(tmp_path, "expectations", PLANS + f"1,Reach,7,{SEEN},0.1,0.2,0.3,share\n").rows

    assert list(rows.columns) == list(c.EXPECTATION_VERSION)
    assert rows.iloc[0][[c.MEASURE, c.CONFIDENCE, c.AUTHOR, c.MARKET]].tolist() == ["reach", 0.8, "unknown", "all"]
    assert rows[c.HORIZON].dtype == "int64"


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("fame,7,{t},0.1,0.2,0.3,share", "unknown-value"),
        ("reach,8,{t},0.1,0.2,0.3,share", "unknown-value"),
        ("reach,7,{t},0.1,0.2,0.3,percent", "unknown-value"),
        ("reach,7,{t},1,2,3,impressions", "unknown-value"),
        ("reach,7,{t},,0.2,0.3,share", "missing-value"),
        ("reach,7,{t},0.1,NaN,0.3,share", "not-a-number"),
        ("reach,7,{t},0.1,0.2,inf,share", "not-a-number"),
        ('reach,7,{t},"0,1",0.2,0.3,share', "not-a-number"),
        ("reach,7,{t},0.3,0.2,0.4,share", "out-of-range"),
        ("reach,7,{t},0.1,0.5,0.4,share", "out-of-range"),
        ("reach,7,{t},-0.1,0.2,0.3,share", "out-of-range"),
        ("reach,7,{t},0.1,0.2,30,share", "out-of-range"),
        ("reach,7,,0.1,0.2,0.3,share", "missing-key"),
    ],
)
def test_an_expectation_that_makes_no_sense_is_quarantined(tmp_path, row, code):
    assert codes(read(tmp_path, "expectations", PLANS + "1," + row.format(t=SEEN) + "\n")) == [code]


@pytest.mark.parametrize("confidence", [0, 1, -1])
def test_a_confidence_is_no_certainty(tmp_path, confidence):
    text = PLANS + f"1,uptake,28,{SEEN},10,20,30,members\n"

    assert codes(read(tmp_path, "expectations", text, defaults={"confidence": confidence})) == ["out-of-range"]


# --- files ---


@pytest.mark.parametrize(
    ("content", "name", "code"),
    [
        (b"", "titles.csv", "empty-file"),
        (b"\xef\xbb\xbf\n", "titles.csv", "empty-file"),
        (b"title_id,observed_at\n", "titles.csv", "no-rows"),
        (b"title_id,title_id\n1,2\n", "titles.csv", "duplicate-header"),
        (b"a," * 10_001 + b"b\n1\n", "titles.csv", "too-many-columns"),
        ("title_id,observed_at\n1,é\n".encode("latin-1"), "titles.csv", "not-utf8"),
        ("title_id\n1\n".encode("utf-16"), "titles.csv", "not-utf8"),
        (b"title_id\n\xed\xa0\x80\n", "titles.csv", "not-utf8"),
        (b'title_id,observed_at\n1,"never closed\n2,x\n', "titles.csv", "unclosed-quote"),
        (b'title_id,observed_at\n1,"a"b\n', "titles.csv", "bad-quote"),
        (b"<!DOCTYPE html><html></html>", "titles.csv", "wrong-format"),
        (b"PAR1 and more", "titles.csv", "wrong-format"),
        (b"PK\x03\x04 a workbook", "titles.csv", "wrong-format"),
        (b"\x1f\x8b packed", "titles.csv", "wrong-format"),
        (b'{"title_id": 1}', "titles.csv", "wrong-format"),
        (b"title_id\n1\n", "titles.csv.gz", "wrong-format"),
        (b"title_id\n1\n", "titles.txt", "wrong-format"),
        (b"title_id\n1\n", "titles.parquet", "wrong-format"),
        (b"PAR1 cut off before the footer", "titles.parquet", "truncated"),
        (b"PAR1 no footer but the magicPAR1", "titles.parquet", "corrupt"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_refused_with_its_code(tmp_path, content, name, code):
    error = refusal(tmp_path, "titles", content, name=name)

    assert error.source_code == code
    assert error.file.endswith(name)
    assert str(error).startswith(f'File "{tmp_path / name}" cannot be read: ')


def test_a_cut_archive_is_truncated_and_a_damaged_one_corrupt(tmp_path):
    packed = gzip.compress(("title_id,observed_at\n" + "".join(f"{n},{SEEN}\n" for n in range(5000))).encode())
    damaged = bytearray(packed)
    damaged[len(damaged) // 2] ^= 0xFF

    assert refusal(tmp_path, "titles", packed[:-200], name="titles.csv.gz").source_code == "truncated"
    assert refusal(tmp_path, "titles", bytes(damaged), name="titles.csv.gz").source_code == "corrupt"


def test_a_bomb_is_refused_before_it_fills_the_memory(tmp_path):
    from recsysops.sources._csv import read_csv

    bomb = tmp_path / "bomb.csv.gz"
    bomb.write_bytes(gzip.compress(b"title_id\n" + b"1\n" * 3_000_000))

    with pytest.raises(SourceError) as caught:
        read_csv(bomb, limit=1_000_000)
    assert caught.value.source_code == "too-large"


def test_a_missing_file_is_not_found(tmp_path):
    settings = Settings.model_validate({"sources": {"titles": {"path": "titles.csv"}}, "treatment": {"measures": ()}})
    reader = FileReader(tmp_path, runner=in_this_process)

    assert reader.files("titles", settings.sources["titles"]) == ()
    with pytest.raises(SourceError) as caught:
        reader.content_hash("titles", tmp_path / "titles.csv", settings.sources["titles"])
    assert caught.value.source_code == "not-found"


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path):
    path = tmp_path / "titles.csv"
    path.write_text(f"title_id,observed_at\n1,{SEEN}\n")
    settings = Settings.model_validate(
        {
            "sources": {
                "titles": {"path": "titles.csv", "observed_at": "assume:launch-1d"},
                "launches": {"path": "l.csv"},
            },
            "treatment": {"measures": ()},
        }
    )
    reader = FileReader(tmp_path, runner=in_this_process)
    reader._launch_times = lambda settings: (path.write_text("title_id\n1\n2\n"), {})[1]

    with pytest.raises(SourceError) as caught:
        reader.read_table("titles", path, settings.sources["titles"], settings)
    assert caught.value.source_code == "changed-while-read"


@pytest.mark.parametrize("newline", ["\r\n", "\r", "\n"])
def test_line_ends_and_byte_order_marks_do_not_matter(tmp_path, newline):
    text = "\ufefftitle_id,observed_at\n1," + SEEN + "\n\n2," + SEEN

    rows = read(tmp_path, "titles", text.replace("\n", newline)).rows

    assert list(rows[c.TITLE_ID]) == ["1", "2"]


def test_tabs_and_quoted_line_breaks_are_read(tmp_path):
    rows = read(
        tmp_path, "titles", f'title_id\tobserved_at\tsynopsis\n1\t{SEEN}\t"two\nlines, ""quoted"""\n', name="t.tsv"
    ).rows

    assert rows[c.FIELDS][0] == {"synopsis": 'two\nlines, "quoted"'}


# --- parquet ---


def parquet(folder: Path, **columns) -> bytes:
    pq.write_table(pa.table(columns), folder / "made.parquet")
    return (folder / "made.parquet").read_bytes()


def test_parquet_meets_the_same_rules(tmp_path):
    at = pa.array([datetime(2026, 1, 1, tzinfo=UTC)] * 3, pa.timestamp("us", tz="UTC"))
    content = parquet(
        tmp_path,
        title_id=pa.array(["1", "2", None]),
        observed_at=at,
        runtime=pa.array([104.5, float("nan"), 1.0]),
        year=pa.array([2026, None, 1]),
        genres=pa.array([["a", "b"], [], None], pa.list_(pa.string())),
        kids=pa.array([True, None, False]),
    )

    result = read(tmp_path, "titles", content, name="titles.parquet")

    assert list(result.rows[c.FIELDS]) == [{"runtime": 104.5, "year": 2026, "genres": ["a", "b"], "kids": "true"}, {}]
    assert codes(result) == ["missing-key"]


def test_parquet_times_without_a_zone_are_naive(tmp_path):
    content = parquet(tmp_path, title_id=["1"], launch_at=pa.array([0], pa.timestamp("us")), observed_at=[SEEN])

    assert codes(read(tmp_path, "launches", content, name="launches.parquet")) == ["naive-time"]


def test_a_parquet_column_of_records_is_refused_unless_ignored(tmp_path):
    content = parquet(tmp_path, title_id=["1"], observed_at=[SEEN], people=pa.array([{"name": "x"}]))

    assert refusal(tmp_path, "titles", content, name="t.parquet").source_code == "wrong-type"
    assert len(read(tmp_path, "titles", content, name="t.parquet", ignore=["people"]).rows) == 1


def test_a_parquet_file_without_rows_is_refused(tmp_path):
    content = parquet(tmp_path, title_id=pa.array([], pa.string()), observed_at=pa.array([], pa.string()))

    assert refusal(tmp_path, "titles", content, name="t.parquet").source_code == "no-rows"


# --- finding and hashing ---


def test_files_are_found_by_pattern_in_order_and_only_regular_ones(tmp_path):
    (tmp_path / "in").mkdir()
    for name in ("b.csv", "a.csv", "c.txt"):
        (tmp_path / "in" / name).write_text("x")
    (tmp_path / "in" / "folder.csv").mkdir()
    source = Settings.model_validate(
        {"sources": {"titles": {"path": "in/*.csv"}}, "treatment": {"measures": ()}}
    ).sources["titles"]

    files = FileReader(tmp_path, runner=in_this_process).files("titles", source)

    assert [file.name for file in files] == ["a.csv", "b.csv"]
    assert FileReader(tmp_path / "nowhere").files("titles", source) == ()


def test_the_hash_follows_content_and_mapping_but_not_the_name(tmp_path):
    for name in ("a.csv", "b.csv", "c.csv"):
        (tmp_path / name).write_text("other" if name == "c.csv" else "same")
    whole = Settings.model_validate(
        {
            "sources": {
                "titles": {"path": "x"},
                "launches": {"path": "y"},
                "expectations": {"path": "x", "ignore": ["z"]},
            },
            "treatment": {"measures": ()},
        }
    )
    plain, elsewhere, mapped = (whole.sources[name] for name in ("titles", "launches", "expectations"))
    reader = FileReader(tmp_path, runner=in_this_process)

    first = reader.content_hash("titles", tmp_path / "a.csv", plain)

    assert first == reader.content_hash("titles", tmp_path / "b.csv", elsewhere)
    assert first != reader.content_hash("titles", tmp_path / "c.csv", plain)
    assert first != reader.content_hash("titles", tmp_path / "a.csv", mapped)
    assert first != reader.content_hash("launches", tmp_path / "a.csv", plain)
