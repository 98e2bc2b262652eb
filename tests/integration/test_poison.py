"""The poison list (docs/reliability.md): every reader meets all of it, on both stores, and each case has one clear end.

`ok` all rows are published · `~code` the poisoned rows are kept out under that code, the others published · `!code` the
file is refused and the store is as before · `twice` a row repeats another. EXCEPTIONS says where a case cannot exist.
"""

import csv
import gzip
import io
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy

from recsysops.clock import fixed_clock
from recsysops.events import EngineLimits, IbisAggregator
from recsysops.service.ingest import IngestReport, ingest
from recsysops.settings import Settings
from recsysops.sources import FileReader
from recsysops.sources._asking import Asking
from recsysops.store import open_store

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SEEN = "2026-01-01T00:00:00Z"
FORMATS = ("csv", "jsonl", "parquet")
READERS = [(table, form) for table in ("titles", "impressions") for form in FORMATS]
GOOD = {
    "titles": [{"title_id": i, "observed_at": SEEN, "synopsis": "text", "score": "1"} for i in "ABC"],
    "impressions": [{"ts": SEEN, "member_id": f"m{i}", "title_id": i, "position": "1"} for i in "ABC"],
}
TIME = {"titles": "observed_at", "impressions": "ts"}
NUMBER = {"titles": "score", "impressions": "position"}
Row = dict[str, object]
Expected = str | Mapping[str, str]


@dataclass(frozen=True)
class Case:
    """A poison: rows for every format, or bytes for those that can carry it."""

    name: str
    expected: Expected
    """One end, or by table, format or `table format`; the closest counts."""
    rows: Callable[[str], list[Row]] | None = None
    """The poisoned rows of a table, put after the good ones."""
    files: Mapping[str, Callable[[str], bytes]] = field(default_factory=dict)
    """Whole files by format."""
    ending: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, object] = field(default_factory=dict)

    def end(self, table: str, form: str) -> str:
        if isinstance(self.expected, str):
            return self.expected
        return next(self.expected[key] for key in (f"{table} {form}", form, table, "else") if key in self.expected)


def keyed(title_id: str) -> Callable[[str], list[Row]]:
    return lambda table: [GOOD[table][0] | {"title_id": title_id}]


def timed(text: str) -> Callable[[str], list[Row]]:
    return lambda table: [GOOD[table][0] | {"title_id": "P", TIME[table]: text}]


def number(text: str) -> Callable[[str], list[Row]]:
    return lambda table: [GOOD[table][0] | {"title_id": "P", NUMBER[table]: text}]


def said(text: str) -> Callable[[str], list[Row]]:
    return lambda table: [GOOD[table][0] | {"title_id": "P", "synopsis" if table == "titles" else "row_id": text}]


def rendered(form: str, rows: list[Row], *, newline: str = "\n") -> bytes:
    names = list(dict.fromkeys(name for row in rows for name in row))
    if form == "csv":
        text = io.StringIO()
        writer = csv.DictWriter(text, names, lineterminator=newline)
        writer.writeheader()
        writer.writerows(rows)
        return text.getvalue().encode()
    if form == "jsonl":
        return "".join(json.dumps(row) + newline for row in rows).encode()
    sink = io.BytesIO()
    pq.write_table(pa.table({name: [row.get(name) for row in rows] for name in names}), sink)
    return sink.getvalue()


def whole(**by_form: Callable[[str], bytes]) -> Mapping[str, Callable[[str], bytes]]:
    return by_form


def good(form: str, **more: str) -> Callable[[str], bytes]:
    return lambda table: rendered(form, GOOD[table], **more)


def columns(n: int) -> Row:
    return {f"c{i}": "1" for i in range(n)}


def binary(table: str) -> bytes:
    """Return Parquet whose texts are none."""
    bad = pa.array([b"\xed\xa0\x80"]).cast(pa.binary()).view(pa.binary())
    text = pa.Array.from_buffers(pa.string(), 1, bad.buffers())
    sink = io.BytesIO()
    others = {name: [value] for name, value in GOOD[table][0].items() if name != "title_id"}
    pq.write_table(pa.table(others | {"title_id": text}), sink)
    return sink.getvalue()


def with_line(line: bytes) -> Callable[[str], bytes]:
    return lambda table: rendered("csv", GOOD[table]) + line + b"\n"


def with_json(line: bytes) -> Callable[[str], bytes]:
    return lambda table: rendered("jsonl", GOOD[table]) + line + b"\n"


def twice_named(table: str) -> bytes:
    names = list(GOOD[table][0])
    arrays = [pa.array([row[name] for row in GOOD[table]]) for name in names]
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_arrays([*arrays, arrays[0]], names=[*names, names[0]]), sink)
    return sink.getvalue()


def without_rows(table: str) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table({name: pa.array([], pa.string()) for name in GOOD[table][0]}), sink)
    return sink.getvalue()


CASES = [
    Case("empty file", "!empty-file", files=dict.fromkeys(FORMATS, lambda _: b"")),
    Case("header only", {"else": "!no-rows"}, files=whole(
        csv=lambda table: rendered("csv", GOOD[table]).split(b"\n")[0],
        parquet=without_rows,
    )),
    Case("blank lines only", {"titles": "!no-rows", "impressions": "!missing-column"}, files=whole(
        jsonl=lambda _: b"\n\n \n")),
    Case("byte order mark", "ok", files=whole(
        csv=lambda table: b"\xef\xbb\xbf" + good("csv")(table),
        jsonl=lambda table: b"\xef\xbb\xbf" + good("jsonl")(table))),
    Case("UTF-16", "!not-utf8", files=whole(
        csv=lambda table: good("csv")(table).decode().encode("utf-16"),
        jsonl=lambda table: good("jsonl")(table).decode().encode("utf-16"))),
    Case("UTF-16 without a mark", "!not-utf8", files=whole(
        csv=lambda table: good("csv")(table).decode().encode("utf-16-le"),
        jsonl=lambda table: good("jsonl")(table).decode().encode("utf-16-le"))),
    Case("CR LF", "ok", files=whole(csv=good("csv", newline="\r\n"), jsonl=good("jsonl", newline="\r\n"))),
    Case("lone CR", "ok", files=whole(csv=good("csv", newline="\r"), jsonl=good("jsonl", newline="\r"))),
    Case("mixed newlines", {"impressions csv": "!mixed-newlines", "else": "ok"}, files=whole(
        csv=lambda table: good("csv")(table).replace(b"\n", b"\r\n", 2),
        jsonl=lambda table: good("jsonl")(table).replace(b"\n", b"\r\n", 2))),
    Case("NUL", "~control-character", rows=keyed("P\x00")),
    Case("lone surrogate", {"titles csv": "!not-utf8", "impressions csv": "~not-utf8", "jsonl": "~bad-json",
        "parquet titles": "!corrupt", "parquet": "!corrupt"}, files=whole(
        csv=lambda table: (text := good("csv")(table)) + text.split(b"\n")[1].replace(b"A", b"\xed\xa0\x80") + b"\n",
        jsonl=with_json(rb'{"title_id": "\ud800"}'), parquet=binary)),
    Case("bytes that are no text", "~bad-json", files=whole(jsonl=with_json(b'{"title_id": "\xff\xfe"}'))),
    Case("bidi and zero-width", "ok", rows=keyed("P\u202e\u200b")),
    Case("NFC and NFD twins", "ok", rows=lambda table: [*keyed("\u00e9")(table), *keyed("e\u0301")(table)]),
    Case("a cell of a million characters", "ok", rows=said("x" * 1_000_000)),
    Case("a cell too long", {"titles": "~too-long", "impressions parquet": "ok", "else": "~too-long"},
        rows=said("x" * 2_200_000)),
    Case("a key too long", "~too-long", rows=keyed("k" * 257)),
    Case("a hundred thousand columns", "!too-many-columns",
        files=whole(
            csv=lambda table: rendered("csv", [GOOD[table][0] | columns(100_000)]),
            jsonl=lambda table: rendered("jsonl", [GOOD[table][0] | columns(100_000)]),
            parquet=lambda table: rendered("parquet", [GOOD[table][0] | columns(11_000)]))),
    Case("a name twice", {"csv": "!duplicate-header", "titles parquet": "!duplicate-header", "else": "ok"}, files=whole(
        csv=lambda table: b"".join(line + b"," + line.split(b",")[0] + b"\n" for line in good("csv")(table).split()),
        parquet=twice_named)),
    Case("a key of an object twice", {"titles": "~bad-json", "impressions": "~missing-key"}, files=whole(
        jsonl=with_json(b'{"title_id": "P", "title_id": "Q"}'))),
    Case("ragged, short", "~ragged-row", files=whole(csv=with_line(b"P"))),
    Case("ragged, long", "~ragged-row", files=whole(csv=with_line(b"a,b,c,d,e,f,g"))),
    Case("quote never closed", "!unclosed-quote", files=whole(csv=with_line(b'"P,x,y,z\nA,b,c,d'))),
    Case("text after a quote", {"titles": "!bad-quote", "impressions": "~bad-quote"},
        files=whole(csv=with_line(b'"P"x,y,z,1'))),
    Case("formula", "ok", rows=keyed("=cmd|'/c calc'!A1")),
    Case("NaN", "ok", rows=number("NaN")),
    Case("infinity", "~not-a-number", rows=number("inf")),
    Case("minus zero", {"titles": "ok", "impressions": "~out-of-range"}, rows=number("-0")),
    Case("1e999", "~not-a-number", rows=number("1e999")),
    Case("a huge whole number", {"titles": "ok", "impressions": "~not-a-number"}, rows=number("9" * 40)),
    Case("a decimal comma", {"titles": "ok", "impressions": "~not-a-number"}, rows=number("1,5")),
    Case("a unit change", "ok", rows=number("100")),
    Case("year 0", "~impossible-date", rows=timed("0000-01-01T00:00:00Z")),
    Case("year 9999", "~impossible-date", rows=timed("9999-12-31T00:00:00Z")),
    Case("30 February", "~impossible-date", rows=timed("2026-02-30T00:00:00Z")),
    Case("a leap second", "~impossible-date", rows=timed("2016-12-31T23:59:60Z")),
    Case("a naive time", "~naive-time", rows=timed("2026-01-01T00:00:00")),
    Case("an hour skipped", {"titles": "ok", "impressions": "~naive-time"}, rows=timed("2026-03-29T02:30:00"),
        more={"markets": {"all": {"time_zone": "Europe/Berlin"}}}),
    Case("an hour that comes twice", {"titles": "ok", "impressions": "~naive-time"}, rows=timed("2025-10-26T02:30:00"),
        more={"markets": {"all": {"time_zone": "Europe/Berlin"}}}),
    Case("a number as time", "~impossible-date", rows=timed("1767261600000")),
    Case("milliseconds called seconds", "~impossible-date", rows=timed("1767261600000"), more={"epoch_unit": "s"}),
    Case("seconds called milliseconds", "ok", rows=timed("1767261600"), more={"epoch_unit": "ms"}),
    Case("the same row twice", {"titles": "twice", "impressions": "ok"}, rows=lambda table: [GOOD[table][0]]),
    Case("the same key with other content", {"titles": "~conflicting-duplicate", "impressions": "ok"},
        rows=lambda table: [GOOD[table][0] | {NUMBER[table]: "7"}]),
    Case("ids that differ in case", "ok", rows=keyed("a")),
    Case("ids that differ in space", {"titles": "twice", "impressions": "ok"}, rows=keyed(" A ")),
    Case("an orphan", "ok", rows=lambda table: [GOOD[table][0] | {"title_id": "nobody", "series_id": "none"}]),
    Case("no key", "~missing-key", rows=keyed("")),
    Case("a key of space", "~missing-key", rows=keyed("   ")),
    Case("a key of another space", {"titles": "~missing-key", "impressions": "~control-character"}, rows=keyed(" \t")),
    Case("a needed column renamed", "!missing-column", files={
        form: lambda table, form=form: rendered(form, [{f"{k}_new": v for k, v in row.items()} for row in GOOD[table]])
        for form in FORMATS}),
    Case("columns in another order", "ok", files={
        form: lambda table, form=form: rendered(form, [dict(reversed(row.items())) for row in GOOD[table]])
        for form in FORMATS}),
    Case("a column added", "ok", files={
        form: lambda table, form=form: rendered(form, [row | {"extra": "1"} for row in GOOD[table]])
        for form in FORMATS}),
    Case("a constant column", "ok", files={
        form: lambda table, form=form: rendered(form, [row | {NUMBER[table]: "5"} for row in GOOD[table]])
        for form in FORMATS}),
    Case("a value in an object", {"titles": "ok", "impressions": "~nested-value"}, files=whole(
        jsonl=lambda table: rendered("jsonl", [*GOOD[table], GOOD[table][0] | {
            "title_id": "P", ("more" if table == "titles" else "member_id"): {"a": {"b": 1}}}]))),
    Case("a list of objects", {"titles": "~nested-value", "impressions": "~nested-value"}, files=whole(
        jsonl=lambda table: rendered("jsonl", [*GOOD[table], GOOD[table][0] | {
            "title_id": "P", ("more" if table == "titles" else "member_id"): [{"a": 1}]}]))),
    Case("deep JSON", "~bad-json", files=whole(jsonl=with_json(b'{"title_id": ' + b"[" * 100_000))),
    Case("a giant number", {"titles": "~too-long", "impressions": "~too-long"}, files=whole(
        jsonl=with_json(b'{"title_id": ' + b"9" * 1_100_000 + b', "ts": "' + SEEN.encode() + b'", "member_id": "m", '
            b'"observed_at": "' + SEEN.encode() + b'"}'))),
    Case("a last line cut", "~bad-json", files=whole(jsonl=with_json(b'{"title_id": "P", "obs'))),
    Case("an archive cut", "!truncated", files=whole(
        csv=lambda table: gzip.compress(good("csv")(table))[:-9],
        jsonl=lambda table: gzip.compress(good("jsonl")(table))[:-9]),
        ending={"csv": "csv.gz", "jsonl": "jsonl.gz"}),
    Case("an archive damaged", "!corrupt", files=whole(
        csv=lambda table: gzip.compress(good("csv")(table))[:-8] + b"\x00" * 8,
        jsonl=lambda table: gzip.compress(good("jsonl")(table))[:-8] + b"\x00" * 8),
        ending={"csv": "csv.gz", "jsonl": "jsonl.gz"}),
    Case("Parquet cut", "!truncated", files=whole(parquet=lambda table: good("parquet")(table)[:-20])),
    Case("Parquet damaged", "!corrupt", files=whole(
        parquet=lambda table: (text := good("parquet")(table))[:4] + b"\xff" * 60 + text[64:])),
    Case("another format than the name says", {"csv": "!wrong-format", "parquet": "!wrong-format",
        "jsonl": "!missing-column"}, files=whole(
        csv=good("parquet"), jsonl=good("csv"), parquet=good("csv"))),
    Case("JSON called CSV", "!wrong-format", files=whole(csv=good("jsonl"))),
]  # fmt: skip
EXCEPTIONS = {
    ("csv", "blank lines only"): "the header is missing: that is the empty file",
    ("csv", "bytes that are no text"): "same as the lone surrogate",
    ("csv", "a key of an object twice"): "has no objects",
    ("csv", "a value in an object"): "has no objects",
    ("csv", "a list of objects"): "has no objects",
    ("csv", "deep JSON"): "is no JSON",
    ("csv", "a giant number"): "a cell too long",
    ("csv", "a last line cut"): "a short row, or a quote never closed",
    ("csv", "Parquet cut"): "is no Parquet",
    ("csv", "Parquet damaged"): "is no Parquet",
    ("jsonl", "header only"): "has no header",
    ("jsonl", "a name twice"): "a key of an object twice",
    ("jsonl", "ragged, short"): "rows have no fixed width",
    ("jsonl", "ragged, long"): "rows have no fixed width",
    ("jsonl", "quote never closed"): "a last line cut",
    ("jsonl", "text after a quote"): "no JSON: deep JSON and a last line cut",
    ("jsonl", "JSON called CSV"): "is JSON",
    ("jsonl", "Parquet cut"): "is no Parquet",
    ("jsonl", "Parquet damaged"): "is no Parquet",
} | {
    ("parquet", name): "Parquet has no lines, marks, quotes or archives around it"
    for name in (
        "blank lines only", "byte order mark", "UTF-16", "UTF-16 without a mark", "CR LF", "lone CR", "mixed newlines",
        "bytes that are no text", "a key of an object twice", "ragged, short", "ragged, long", "quote never closed",
        "text after a quote", "a value in an object", "a list of objects", "deep JSON", "a giant number",
        "a last line cut", "an archive cut", "an archive damaged", "JSON called CSV",
    )
}  # fmt: skip


def content_of(case: Case, table: str, form: str) -> bytes | None:
    if case.rows is not None:
        return rendered(form, [*GOOD[table], *case.rows(table)])
    return case.files[form](table) if form in case.files else None


def opened_sqlite(request: pytest.FixtureRequest) -> str:
    return f"sqlite:///{request.getfixturevalue('tmp_path_factory').mktemp('store') / 'store.sqlite'}"


def opened_postgresql(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue("postgres").make_database())


@pytest.fixture(scope="module", params=[opened_sqlite, opened_postgresql], ids=["sqlite", "postgresql"])
def service(request, tmp_path_factory) -> Iterator[SimpleNamespace]:
    """Return one store for all cases: each brings content of its own."""
    url = request.param(request)
    store = open_store(url)
    engine = sqlalchemy.create_engine(url.split("&unsafe")[0].replace("postgresql://", "postgresql+psycopg://"))
    limits = EngineLimits(folder=tmp_path_factory.mktemp("engine"), threads=1)
    yield SimpleNamespace(store=store, engine=engine, aggregator=IbisAggregator(limits))
    engine.dispose()
    store.close()


def dump(service: SimpleNamespace) -> dict[str, list[str]]:
    """Return every row of every table."""
    metadata = sqlalchemy.MetaData()
    with service.engine.connect() as connection:
        metadata.reflect(connection)
        return {
            name: sorted(repr(tuple(row)) for row in connection.execute(sqlalchemy.select(table)))
            for name, table in metadata.tables.items()
            if name != "seen_file"  # says when a file was looked at, whatever became of it
        }


def ingested(service: SimpleNamespace, folder: Path, table: str, path: str, **more) -> IngestReport:
    markets = more.pop("markets", {})
    source = {"path": path, "gates": {"is_on": False}} | more
    settings = Settings.model_validate({"sources": {table: source}, "markets": markets, "treatment": {"measures": ()}})
    reader = FileReader(folder)
    return ingest(service.store, reader, service.aggregator, settings, clock=fixed_clock(NOW))


@pytest.mark.parametrize(("table", "form"), READERS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_reader_meets_every_poison(service, tmp_path, case, table, form):
    content = content_of(case, table, form)
    if content is None:
        assert (form, case.name) in EXCEPTIONS
        return
    name = f"{table}.{case.ending.get(form, form)}"
    (tmp_path / name).write_bytes(content)
    expected = case.end(table, form)
    before = dump(service) if expected.startswith("!") else {}

    report = ingested(service, tmp_path, table, name, **case.more)

    if expected.startswith("!"):
        assert [error.code for error in report.errors] == [expected[1:]]
        assert report.receipts == ()
        assert dump(service) == before
        again = ingested(service, tmp_path, table, name, **case.more)
        assert [error.code for error in again.errors] == [expected[1:]]  # a refusal is not forgotten
        return
    assert report.errors == ()
    (receipt,) = report.receipts
    assert receipt.rows_in == receipt.accepted + receipt.duplicate + receipt.quarantined
    assert receipt.accepted >= 3
    assert set(receipt.codes) == ({expected[1:]} if expected.startswith("~") else set())
    assert receipt.duplicate == (1 if expected == "twice" else 0)


# --- where files lie, and what is there instead of them ---


def titles(*ids: str) -> bytes:
    return rendered("csv", [GOOD["titles"][0] | {"title_id": title_id} for title_id in ids])


def test_a_link_that_is_named_is_read_and_one_that_leads_out_of_a_pattern_is_not(service, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "outside.csv").write_bytes(titles("link-1"))
    (tmp_path / "in" / "real.csv").write_bytes(titles("link-2"))
    (tmp_path / "in" / "out.csv").symlink_to(tmp_path / "outside.csv")
    (tmp_path / "in" / "within.csv").symlink_to(tmp_path / "in" / "real.csv")
    (tmp_path / "in" / "broken.csv").symlink_to(tmp_path / "nowhere.csv")

    by_pattern = ingested(service, tmp_path, "titles", "in/*.csv")
    by_folder = ingested(service, tmp_path, "titles", "in")
    by_name = ingested(service, tmp_path, "titles", "in/out.csv")

    assert [Path(receipt.files[0]).name for receipt in by_pattern.receipts] == ["real.csv"]
    assert [Path(each.file).name for each in by_pattern.already_loaded] == ["within.csv"]
    assert (by_folder.receipts, by_folder.errors) == ((), ())
    assert [receipt.accepted for receipt in by_name.receipts] == [1]


def test_a_path_upwards_is_the_users_own(service, tmp_path):
    (tmp_path / "settings").mkdir()
    (tmp_path / "up.csv").write_bytes(titles("up"))

    report = ingested(service, tmp_path / "settings", "titles", "../up.csv")

    assert (report.errors, report.accepted) == ((), 1)


@pytest.mark.parametrize("table", ["titles", "impressions"])
def test_a_pipe_is_no_file_and_nobody_waits_for_it(service, tmp_path, table):
    os.mkfifo(tmp_path / "pipe.csv")
    before = dump(service)

    report = ingested(service, tmp_path, table, "pipe.csv")

    assert [error.code for error in report.errors] == ["not-found"]
    assert dump(service) == before


def test_a_folder_of_the_files_name_is_looked_into(service, tmp_path):
    (tmp_path / "titles.csv").mkdir()
    empty = ingested(service, tmp_path, "titles", "titles.csv")
    (tmp_path / "titles.csv" / "part-0.csv").write_bytes(titles("part"))

    report = ingested(service, tmp_path, "titles", "titles.csv")

    assert [error.code for error in empty.errors] == ["not-found"]
    assert report.accepted == 1


def test_hidden_and_unfinished_files_of_a_folder_wait(service, tmp_path):
    folder = tmp_path / "lake" / "day"
    folder.mkdir(parents=True)
    for name in (".hidden.csv", "_SUCCESS.csv", "a.csv.tmp", "a.csv.part", ".a.csv.crc", "notes.txt"):
        (folder / name).write_bytes(titles("hidden"))
    (tmp_path / "lake" / "_temporary").mkdir()
    (tmp_path / "lake" / "_temporary" / "b.csv").write_bytes(titles("temporary"))
    (folder / "ready.jsonl").write_bytes(rendered("jsonl", [GOOD["titles"][0] | {"title_id": "ready"}]))

    report = ingested(service, tmp_path, "titles", "lake")

    assert [Path(receipt.files[0]).name for receipt in report.receipts] == ["ready.jsonl"]


@pytest.mark.parametrize("table", ["titles", "impressions"])
def test_a_file_that_changes_while_it_is_read_is_refused(service, tmp_path, table, monkeypatch):
    file = tmp_path / "moving.csv"
    file.write_bytes(rendered("csv", [row | {"title_id": "moving"} for row in GOOD[table]]))
    ask = Asking.ask

    def slowly(self, *given, **more):
        answer = ask(self, *given, **more)
        file.write_bytes(file.read_bytes() + b"more\n")
        return answer

    monkeypatch.setattr(Asking, "ask", slowly)
    before = dump(service)

    report = ingested(service, tmp_path, table, "moving.csv")

    assert [error.code for error in report.errors] == ["changed-while-read"]
    assert dump(service) == before


def test_a_file_nobody_may_read_is_refused(service, tmp_path, monkeypatch):
    file = tmp_path / "closed.csv"
    file.write_bytes(titles("closed"))
    opened = os.open

    def closed(path, *flags, **more):
        if Path(path) == file:
            raise PermissionError(13, "Permission denied")
        return opened(path, *flags, **more)

    monkeypatch.setattr(os, "open", closed)  # root may read everything

    assert [error.code for error in ingested(service, tmp_path, "titles", "closed.csv").errors] == ["not-readable"]


# --- what comes after what: whole, refused or held, never half ---


def series(service, folder: Path, table: str, *files: bytes, **more) -> list[IngestReport]:
    """Deliver one file after the other at the same path, with the gates as they are by default."""
    reports = []
    for number, content in enumerate(files):
        (folder / "feed.csv").write_bytes(content)
        gates = {"is_on": number > 0}  # the store has seen other things
        reports.append(ingested(service, folder, table, "feed.csv", gates=gates, **more))
    return reports


def catalogue(name: str, n: int = 100, seen: str = SEEN, **more: object) -> list[Row]:
    return [
        {"title_id": f"{name}-{i}", "observed_at": seen, "synopsis": f"text {i}", "score": f"{i + 10}"} | more
        for i in range(n)
    ]


def test_the_same_batch_under_another_name_does_nothing(service, tmp_path):
    for name in ("first.csv", "second.csv"):
        (tmp_path / name).write_bytes(titles("same-1", "same-2"))
        before = dump(service)
        report = ingested(service, tmp_path, "titles", name)

    assert (report.receipts, report.errors, report.held) == ((), (), ())
    assert len(report.already_loaded) == 1
    assert dump(service) == before


@pytest.mark.parametrize(
    ("name", "second"),
    [
        ("older", catalogue("older", seen="2025-06-01T00:00:00Z")),
        ("future", catalogue("future", seen="2027-06-01T00:00:00Z")),
        ("half", catalogue("half", 50, "2026-01-02T00:00:00Z")),
        (
            "unit",
            [row | {"score": f"{int(row['score']) * 100}"} for row in catalogue("unit", 100, "2026-01-02T00:00:00Z")],
        ),
        ("retyped", catalogue("retyped", 100, "2026-01-02T00:00:00Z", score="many")),
        ("empty", catalogue("empty", 100, "2026-01-02T00:00:00Z", synopsis="")),
        ("constant", catalogue("constant", 100, "2026-01-02T00:00:00Z", synopsis="same")),
        ("bad", catalogue("bad", 60, "2026-01-02T00:00:00Z") + catalogue("bad-", 40, "never")),
    ],
)
def test_a_strange_batch_is_published_whole_or_held(service, tmp_path, name, second):
    first, report = series(service, tmp_path, "titles", rendered("csv", catalogue(name)), rendered("csv", second))

    assert first.accepted == 100
    assert report.errors == ()
    assert len(report.receipts) + len(report.held) == 1
    for held in report.held:
        assert held.rows_in == len(second)
        assert [drift.why for drift in held.drifts] != []
    for receipt in report.receipts:
        assert receipt.rows_in == receipt.accepted + receipt.duplicate + receipt.quarantined == len(second)


@pytest.mark.parametrize("column", ["title_id", "synopsis"])
def test_a_renamed_column_is_refused_or_held(service, tmp_path, column):
    renamed = [
        {("new_" + key if key == column else key): value for key, value in row.items()}
        for row in catalogue(f"renamed-{column}", seen="2026-01-02T00:00:00Z")
    ]

    _, report = series(
        service, tmp_path, "titles", rendered("csv", catalogue(f"renamed-{column}")), rendered("csv", renamed)
    )

    assert report.receipts == ()
    assert len(report.errors) + len(report.held) == 1


def test_a_launch_may_move_and_may_have_been(service, tmp_path):
    def launch(at: str, seen: str) -> bytes:
        return rendered("csv", [{"title_id": "moved", "launch_at": at, "observed_at": seen}])

    files = (launch("2026-04-01T00:00:00Z", SEEN), launch("2025-02-01T00:00:00Z", "2026-02-01T00:00:00Z"))
    reports = series(service, tmp_path, "launches", *files)

    assert [(report.accepted, report.errors) for report in reports] == [(1, ()), (1, ())]
