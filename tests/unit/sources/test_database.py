import sqlite3
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from recsysops import columns as c
from recsysops.errors import SourceError
from recsysops.settings import Settings
from recsysops.sources import FileReader
from recsysops.sources._asking import in_this_process
from recsysops.sources._database import _text, expect_one_select

SEEN = "2026-01-01T00:00:00Z"


def settings(table: str, query: str, url: str = "sqlite:///catalogue.db", **more) -> Settings:
    return Settings.model_validate(
        {"sources": {table: {"url": url, "query": query, **more}}, "treatment": {"measures": ()}}
    )


def database(folder: Path, *statements: str) -> None:
    connection = sqlite3.connect(folder / "catalogue.db")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def reader(folder: Path) -> FileReader:
    return FileReader(folder, data=folder / "data", runner=in_this_process)


def refusal(folder: Path, whole: Settings) -> SourceError:
    (table,) = whole.sources
    with pytest.raises(SourceError) as caught:
        reader(folder).files(table, whole.sources[table])
    return caught.value


def test_the_rows_of_a_query_are_read_like_a_file(tmp_path):
    database(
        tmp_path,
        "CREATE TABLE film (id TEXT, seen TEXT, minutes INT, note TEXT)",
        f"INSERT INTO film VALUES ('007', '{SEEN}', 104, NULL), ('8', '{SEEN}', 90, 'a; b')",
    )
    query = "SELECT id AS title_id, seen AS observed_at, minutes, note FROM film WHERE note IS NOT 'x:y';"
    whole = settings("titles", query)
    source = whole.sources["titles"]

    (file,) = reader(tmp_path).files("titles", source)
    read = reader(tmp_path).read_table("titles", file, source, whole)

    assert file.parent == tmp_path / "data" / "extracts" / "titles"
    assert list(read.rows[c.TITLE_ID]) == ["007", "8"]
    assert list(read.rows[c.FIELDS]) == [{"minutes": 104}, {"minutes": 90, "note": "a; b"}]


def test_the_same_rows_are_the_same_delivery_in_whatever_order_they_come(tmp_path):
    database(tmp_path, "CREATE TABLE t (a TEXT)", "INSERT INTO t VALUES ('1'), ('2'), ('3')")
    ascending = settings("titles", "SELECT a FROM t ORDER BY a").sources["titles"]
    descending = settings("titles", "SELECT a FROM t ORDER BY a DESC").sources["titles"]

    first = reader(tmp_path).files("titles", ascending)

    assert reader(tmp_path).files("titles", descending) == first
    hashes = {reader(tmp_path).content_hash("titles", first[0], source) for source in (ascending, descending)}
    assert len(hashes) == 1


def test_a_process_of_its_own_writes_what_is_written_here(tmp_path):
    database(tmp_path, "CREATE TABLE t (a TEXT)", "INSERT INTO t VALUES ('1'), ('2')")
    source = settings("titles", "SELECT a FROM t").sources["titles"]

    assert FileReader(tmp_path, data=tmp_path / "data").files("titles", source) == reader(tmp_path).files(
        "titles", source
    )


def test_old_extracts_of_a_table_are_removed(tmp_path):
    database(tmp_path, "CREATE TABLE t (a TEXT)")
    source = settings("titles", "SELECT a FROM t").sources["titles"]
    for number in range(6):
        database(tmp_path, f"INSERT INTO t VALUES ('{number}')")
        (newest,) = reader(tmp_path).files("titles", source)

    kept = list((tmp_path / "data" / "extracts" / "titles").iterdir())

    assert newest in kept
    assert len(kept) == 4


def test_a_log_becomes_one_file_a_day_and_a_day_is_replaced(tmp_path):
    database(
        tmp_path,
        "CREATE TABLE log (ts TEXT, member_id TEXT, title_id TEXT)",
        "INSERT INTO log VALUES ('2026-01-01T23:00:00Z','m','A'), ('2026-01-02T01:00:00+02:00','m','A'), "
        "('2026-01-02T10:00:00Z','m','B'), ('never','m','B'), ('2026-01-01','m','B')",
    )
    whole = settings("impressions", "SELECT * FROM log")
    source = whole.sources["impressions"]
    files = reader(tmp_path).files("impressions", source)

    logs = [reader(tmp_path).check_log("impressions", file, source, "hash", "batch") for file in files]

    accounts = [(log.file.declared_day, log.rows_in, log.file.rows, dict(log.codes)) for log in logs]
    assert accounts == [
        (date(2026, 1, 1), 2, 2, {}),
        (date(2026, 1, 2), 1, 1, {}),
        (None, 2, 0, {"impossible-date": 1, "naive-time": 1}),
    ]
    database(tmp_path, "INSERT INTO log VALUES ('2026-01-02T11:00:00Z','m','C')")
    again = reader(tmp_path).files("impressions", source)
    assert (again[0], again[2]) == (files[0], files[2])
    assert again[1] != files[1]
    assert files[1].exists()


def test_rows_without_a_column_of_times_are_refused_when_they_are_read(tmp_path):
    database(tmp_path, "CREATE TABLE log (member_id TEXT)", "INSERT INTO log VALUES ('m')")
    source = settings("impressions", "SELECT * FROM log").sources["impressions"]
    (file,) = reader(tmp_path).files("impressions", source)

    with pytest.raises(SourceError) as caught:
        reader(tmp_path).check_log("impressions", file, source, "hash", "batch")
    assert caught.value.source_code == "missing-column"


def test_a_query_without_rows_is_refused(tmp_path):
    database(tmp_path, "CREATE TABLE t (a TEXT)")

    assert refusal(tmp_path, settings("titles", "SELECT a FROM t")).source_code == "no-rows"


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM t",
        "SELECT 1; DROP TABLE t",
        "WITH gone AS (DELETE FROM t RETURNING a) SELECT a FROM gone",
        "SELECT a INTO u FROM t",
        "/* SELECT */ UPDATE t SET a = 1",
        "-- SELECT\nPRAGMA writable_schema = 1",
    ],
)
def test_a_query_that_is_no_single_select_is_refused(tmp_path, query):
    database(tmp_path, "CREATE TABLE t (a TEXT)", "INSERT INTO t VALUES ('1')")

    assert refusal(tmp_path, settings("titles", query)).source_code == "bad-query"


@pytest.mark.parametrize(
    "query",
    ["select 'a; drop table t' as x", "WITH x AS (SELECT 1) SELECT * FROM x;", "SELECT updated_at -- delete\nFROM t"],
)
def test_words_inside_texts_and_comments_do_not_matter(query):
    expect_one_select("titles", query)


def test_what_the_database_refuses_is_said(tmp_path):
    database(tmp_path, "CREATE TABLE t (a TEXT)")

    error = refusal(tmp_path, settings("titles", "SELECT b FROM t"))

    assert error.source_code == "bad-query"
    assert "no such column: b" in str(error)


def test_two_columns_of_one_name_are_refused(tmp_path):
    assert refusal(tmp_path, settings("titles", "SELECT 1 AS a, 2 AS a", "sqlite://")).source_code == "duplicate-header"


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("sqlite:///absent.db", "not-found"),
        ("no url at all hunter2", "not-reachable"),
        ("sqlite:///${RECSYSOPS_TEST_UNSET}", "not-reachable"),
        ("nosuchdatabase://user:hunter2@host/db", "missing-library"),
        ("postgresql+psycopg://user:hunter2@127.0.0.1:1/db?connect_timeout=2", "not-reachable"),
        ("postgresql+psycopg://user:${RECSYSOPS_TEST_PASSWORD}@127.0.0.1:1/db?options=hunter2", "not-reachable"),
    ],
)
def test_a_database_out_of_reach_is_refused_without_its_password(tmp_path, monkeypatch, url, code):
    monkeypatch.setenv("RECSYSOPS_TEST_PASSWORD", "hunter2")

    error = refusal(tmp_path, settings("titles", "SELECT 1", url))

    assert error.source_code == code
    assert "hunter2" not in str(error) + repr(error.__cause__)


def test_a_database_is_looked_at_without_reading_it(tmp_path, monkeypatch):
    database(tmp_path, "CREATE TABLE t (a TEXT)")
    monkeypatch.setenv("RECSYSOPS_TEST_FILE", "catalogue.db")
    whole = settings("titles", "SELECT nothing FROM nowhere", "sqlite:///${RECSYSOPS_TEST_FILE}")

    found = reader(tmp_path).look("titles", whole.sources["titles"])

    assert found == f"a database at sqlite:///{tmp_path / 'catalogue.db'}"
    assert not (tmp_path / "data").exists()


def test_values_become_text_and_aware_times_stay_aware():
    lists: set[str] = set()
    berlin = timezone(timedelta(hours=2))

    texts = {
        name: _text(value, name, lists)
        for name, value in {
            "none": None,
            "bool": True,
            "aware": datetime(2026, 7, 1, 12, tzinfo=berlin),
            "naive": datetime(2026, 7, 1, 12),  # noqa: DTZ001 - that is the point
            "date": date(2026, 7, 1),
            "exact": Decimal("1.50"),
            "list": ["a", None, 2],
            "object": {"b": 1, "a": datetime(2026, 1, 1, tzinfo=UTC)},
            "bytes": b"\x00\xff",
        }.items()
    }

    assert texts == {
        "none": None,
        "bool": "true",
        "aware": "2026-07-01 10:00:00Z",
        "naive": "2026-07-01 12:00:00",
        "date": "2026-07-01",
        "exact": "1.50",
        "list": "a\x1f\x1f2",
        "object": '{"a": "2026-01-01 00:00:00+00:00", "b": 1}',
        "bytes": "00ff",
    }
    assert lists == {"list"}


def test_postgresql_gives_its_types(tmp_path, postgres_url):
    url = postgres_url.replace("postgresql://", "postgresql+psycopg://").split("&unsafe")[0]
    query = (
        "SELECT 'A' AS title_id, timestamptz '2026-07-01 12:00+02' AS observed_at, ARRAY['x','y'] AS genres, "
        "1.50::numeric AS score, timestamp '2026-07-01 12:00' AS naive, '{\"a\": 1}'::jsonb AS more, true AS kids"
    )
    whole = settings("titles", query, url)
    source = whole.sources["titles"]

    (file,) = reader(tmp_path).files("titles", source)
    read = reader(tmp_path).read_table("titles", file, source, whole)

    assert read.rows[c.OBSERVED_AT][0] == datetime(2026, 7, 1, 10, tzinfo=UTC)
    assert read.rows[c.FIELDS][0] == {
        "genres": ["x", "y"], "score": 1.5, "naive": "2026-07-01 12:00:00", "more": '{"a": 1}', "kids": "true",
    }  # fmt: skip


def test_a_query_cannot_write_to_postgresql(tmp_path, postgres_url):
    url = postgres_url.replace("postgresql://", "postgresql+psycopg://").split("&unsafe")[0]

    psycopg = pytest.importorskip("psycopg", reason='no driver: pip install "recsysops[postgresql]"')
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        connection.execute("CREATE SEQUENCE counter")

    error = refusal(tmp_path, settings("titles", "SELECT nextval('counter')", url))

    assert error.source_code == "bad-query"
    assert "read-only" in str(error)


# --- Delta ---


def delta(folder: Path, *parts: dict) -> None:
    deltalake = pytest.importorskip("deltalake", reason='no Delta here: pip install "recsysops[delta]"')
    import pyarrow as pa

    for part in parts:
        deltalake.write_deltalake(str(folder), pa.table(part), mode="append")


def delta_settings(table: str, **more) -> Settings:
    return Settings.model_validate(
        {"sources": {table: {"path": "lake", "format": "delta", **more}}, "treatment": {"measures": ()}}
    )


def test_a_delta_table_is_read_whole_and_its_times_stay_aware(tmp_path):
    import pyarrow as pa

    at = pa.array([datetime(2026, 1, 1, tzinfo=UTC)], pa.timestamp("us", tz="UTC"))
    part = {"title_id": ["A"], "observed_at": at, "genres": [["x", "y"]], "secret": ["s"]}
    delta(tmp_path / "lake", part, part | {"title_id": ["B"]})
    whole = delta_settings("titles", ignore=["secret"])
    source = whole.sources["titles"]

    (file,) = reader(tmp_path).files("titles", source)
    read = reader(tmp_path).read_table("titles", file, source, whole)

    assert list(read.rows[c.TITLE_ID]) == ["A", "B"]
    assert read.rows[c.FIELDS][0] == {"genres": ["x", "y"]}
    assert str(pq.read_schema(file).field("observed_at").type) == "timestamp[us, tz=UTC]"
    assert reader(tmp_path).files("titles", source) == (file,)
    assert reader(tmp_path).look("titles", source) == "a Delta table at lake"


def test_a_folder_that_is_no_delta_table_is_refused(tmp_path):
    source = delta_settings("titles")
    assert refusal(tmp_path, source).source_code == "not-found"
    (tmp_path / "lake").mkdir()

    assert reader(tmp_path).look("titles", source.sources["titles"]) == ""
    assert refusal(tmp_path, source).source_code == "wrong-format"


def test_a_missing_library_is_named_with_what_to_install(tmp_path, monkeypatch):
    import sys

    from recsysops.sources._extracting import _delta

    monkeypatch.setitem(sys.modules, "deltalake", None)
    with pytest.raises(SourceError) as caught:
        _delta(str(tmp_path))
    assert caught.value.source_code == "missing-library"
    assert 'pip install "recsysops[delta]"' in str(caught.value)
