"""Batches held before they are published, and what people and later deliveries make of them. Reading is faked."""

import hashlib
import os
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from recsysops import columns as c
from recsysops.domain.batch import LogFile, QuarantinedRow
from recsysops.domain.drift import ColumnProfile, DriftKind, HeldState, Profile
from recsysops.domain.reading import ReadLog, ReadTable
from recsysops.domain.verdict import StepOutcome
from recsysops.errors import NotFoundError, SourceError, UsageError
from recsysops.service.context import Context
from recsysops.service.ingest import IngestReport, ingest
from recsysops.service.queries import data
from recsysops.service.recording import Recorder
from recsysops.service.release import discard, release, release_and_publish
from recsysops.service.run import ingest_into
from recsysops.settings import Settings
from recsysops.store import open_store
from recsysops.testing.fake_store import FakeStore

START = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)


class FakeReader:
    """Reads files that hold `rows bad days`: how many rows, how many of them bad, how many days after START."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.opened: Counter[str] = Counter()
        self.columns = {"title_id": ColumnProfile(kind="text", empty_ratio=0.0)}

    def files(self, table, source):
        return tuple(sorted(self.folder.glob(source.path)))

    def content_hash(self, table, file, source):
        self.opened[file.name] += 1
        mapping = source.model_dump_json(exclude={"path", "gates", "every_hours"})
        return hashlib.sha256(f"{table} {mapping} {file.read_text()}".encode()).hexdigest()

    def read_table(self, table, file, source, settings):
        rows, bad, at = self._said(file)
        frames = {
            "titles": pd.DataFrame({
                c.TITLE_ID: [f"t{at:%d}-{n}" for n in range(rows)], c.MARKET: "all", c.OBSERVED_AT: at, c.NAME: "N",
                c.SERIES_ID: None, c.PROVIDER: None, c.FIELDS: [{}] * rows,
            }),
            "changes": pd.DataFrame({
                c.TS: at, c.KIND: "deploy", c.WHAT: [f"build {n}" for n in range(rows)], c.TITLE_ID: None,
                c.MARKET: None,
            }),
        }  # fmt: skip
        profile = self._profile(rows, bad, at)
        return ReadTable(
            rows=frames[table], rows_in=rows + bad, duplicate=0, quarantined=tuple(self._bad(file, bad)),
            profile=profile,
        )  # fmt: skip

    def check_log(self, table, file, source, content_hash, batch_id):
        rows, bad, at = self._said(file)
        day = date.fromisoformat(file.stem[-10:]) if source.day else None
        log = LogFile(
            batch_id=batch_id, table=table, path=str(file.absolute()), content_hash=content_hash, declared_day=day,
            first_at=at, last_at=at + DAY / 2, rows=rows,
        )  # fmt: skip
        codes = {"no-member": bad} if bad else {}
        return ReadLog(file=log, rows_in=rows + bad, codes=codes, samples=(), profile=self._profile(rows, bad, at))

    def _said(self, file):
        self.opened[f"read {file.name}"] += 1
        if file.read_text() == "broken":
            raise SourceError(f"{file.name} is broken.", code="corrupt", file=str(file))
        rows, bad, day = map(int, file.read_text().split())
        return rows, bad, START + day * DAY

    def _profile(self, rows, bad, at):
        return Profile(rows=rows + bad, quarantined=bad, columns=self.columns, first_at=at, last_at=at + DAY / 2)

    def _bad(self, file, n):
        return [
            QuarantinedRow(file=str(file), row=row + 1, column="title_id", code="no-key", value="", rule="R.", fix="F.")
            for row in range(n)
        ]


class FakeAggregator:
    """Counts nothing."""

    def aggregate(self, files, launches, signal, until):
        raise AssertionError("no launch is known")


class Clock:
    def __init__(self) -> None:
        self.at = START + 40 * DAY

    def __call__(self) -> datetime:
        self.at += timedelta(seconds=1)
        return self.at


class Service:
    """A folder, a store and the verbs."""

    def __init__(self, folder: Path, store) -> None:
        self.folder, self.store, self.clock = folder, store, Clock()
        self.reader = FakeReader(folder)
        self.sources: dict[str, dict] = {
            "titles": {"path": "titles*.csv"},
            "impressions": {"path": "log-*.csv", "day": r"(?P<day>\d{4}-\d{2}-\d{2})"},
        }
        for day in range(4):
            self.log(day)
        self.write("titles.csv", "100 0 0")

    @property
    def context(self) -> Context:
        settings = Settings.model_validate({"sources": self.sources, "treatment": {"measures": ()}})
        return Context(
            settings=replaced(settings, self.folder), clock=self.clock, store=self.store, reader=self.reader,
            aggregator=FakeAggregator(), forecaster=None, checks=None, requirements=pd.DataFrame(), detectors=(),
            channels=(),
        )  # fmt: skip

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text)
        os.utime(path, ns=(self.tick(), self.tick()))
        return path

    def tick(self) -> int:
        self._ticks = getattr(self, "_ticks", 10**18) + 10**9
        return self._ticks

    def log(self, day: int, rows: int = 1000, bad: int = 0) -> Path:
        return self.write(f"log-{START + day * DAY:%Y-%m-%d}.csv", f"{rows} {bad} {day}")

    def ingest(self) -> IngestReport:
        context = self.context
        return ingest(self.store, self.reader, context.aggregator, context.settings, clock=self.clock)

    def batches(self, table: str) -> list[int]:
        with self.store.read() as unit:
            return [batch.rows_in for batch in unit.batches.all() if batch.table == table]

    def held(self) -> list[tuple[str, HeldState]]:
        with self.store.read() as unit:
            return [(held.table, held.state) for held in unit.batches.held()]


def replaced(settings: Settings, folder: Path) -> Settings:
    return settings.model_copy(update={"folder": folder})


@pytest.fixture(params=["fake", "sqlite"])
def service(request, tmp_path):
    store = FakeStore() if request.param == "fake" else open_store(f"sqlite:///{tmp_path / 'store.sqlite'}")
    made = Service(tmp_path, store)
    made.ingest()
    yield made
    if request.param == "sqlite":
        store.close()


def hold_titles(service: Service) -> str:
    service.write("titles.csv", "40 0 1")
    (held,) = service.ingest().held
    return held.batch_id


def test_a_batch_with_a_drift_is_held_and_nothing_of_it_is_published(service):
    service.write("titles.csv", "40 0 1")

    report = service.ingest()

    assert [drift.kind for held in report.held for drift in held.drifts] == [DriftKind.ROW_DROP]
    assert report.receipts == ()
    assert service.batches("titles") == [100]
    assert service.held() == [("titles", HeldState.HELD)]
    step = next(step for step in report.steps if step.name == "ingest titles")
    assert step.outcome is StepOutcome.RAN
    assert "40 rows, 60% fewer than the usual 100" in step.reason


def test_a_run_says_what_is_held_and_has_not_failed(service):
    service.write("titles.csv", "40 0 1")
    recorder = Recorder(service.context, "ingest", START)

    ingest_into(service.context, recorder)
    ingest_into(service.context, recorder)

    run = recorder.finish()
    assert not run.has_failed
    assert [step.reason for step in run.steps if step.name == "ingest"] == [
        "1 batches are held and wait for a person: `recsysops batches --held`."
    ] * 2


def test_a_held_file_is_not_opened_again_and_stays_named(service):
    hold_titles(service)
    service.reader.opened.clear()

    report = service.ingest()

    assert service.reader.opened == {}
    assert len(report.still_held) == 1
    assert report.held == ()
    assert "Held: titles from titles.csv" in report.steps[0].reason


def test_only_new_files_are_opened(service):
    service.reader.opened.clear()
    service.log(4)

    service.ingest()

    assert service.reader.opened == {"log-2026-03-05.csv": 1, "read log-2026-03-05.csv": 1}


def test_another_mapping_reads_every_file_of_its_source_again(service):
    service.reader.opened.clear()
    service.sources["titles"]["defaults"] = {"provider": "North"}

    report = service.ingest()

    assert service.reader.opened == {"titles.csv": 1, "read titles.csv": 1}
    assert [receipt.table for receipt in report.receipts] == ["titles"]


def test_other_gates_or_another_rhythm_read_nothing_again(service):
    service.reader.opened.clear()
    service.sources["titles"] |= {"gates": {"row_drop": 0.9}, "every_hours": 6}

    service.ingest()

    assert service.reader.opened == {}


def test_a_file_that_was_only_touched_is_hashed_once_and_not_read(service):
    service.reader.opened.clear()
    service.write("titles.csv", "100 0 0")

    first, second = service.ingest(), service.ingest()

    assert service.reader.opened == {"titles.csv": 1}
    assert len(first.already_loaded) == len(second.already_loaded) == 5


def test_an_unchanged_source_is_seen_each_time(service):
    with service.store.read() as unit:
        before = max(file.seen_at for file in unit.batches.seen("titles").values())

    service.ingest()

    with service.store.read() as unit:
        assert max(file.seen_at for file in unit.batches.seen("titles").values()) > before


def test_a_held_log_does_not_count(service):
    service.log(4, rows=500)

    report = service.ingest()

    assert [held.table for held in report.held] == ["impressions"]
    with service.store.read() as unit:
        assert len(unit.batches.log_files("impressions")) == 4
    assert service.batches("impressions") == [1000] * 4


def test_the_good_files_of_a_log_are_published_beside_the_held_one(service):
    service.log(4, rows=500)
    service.log(5)

    report = service.ingest()

    assert (len(report.held), [receipt.rows_in for receipt in report.receipts]) == (1, [1000])


def test_bad_rows_hold_the_very_first_batch_of_a_source(service):
    service.sources["changes"] = {"path": "changes.csv"}
    service.write("changes.csv", "90 10 0")

    (held,) = service.ingest().held

    assert [drift.kind for drift in held.drifts] == [DriftKind.BAD_ROWS]


def test_without_gates_nothing_is_held(service):
    service.sources["titles"]["gates"] = {"is_on": False}
    service.write("titles.csv", "40 0 1")

    report = service.ingest()

    assert (report.held, service.batches("titles")) == ((), [40, 100])


def test_switching_the_gates_off_publishes_what_they_held(service):
    hold_titles(service)
    service.sources["titles"]["gates"] = {"is_on": False}

    service.ingest()

    assert service.batches("titles") == [40, 100]
    assert service.held() == [("titles", HeldState.PUBLISHED)]


def test_a_corrected_delivery_takes_the_place_of_the_held_one(service):
    hold_titles(service)
    service.write("titles.csv", "101 0 1")

    report = service.ingest()

    assert [receipt.rows_in for receipt in report.receipts] == [101]
    (row,) = data.held_batches(service.store).rows
    assert row.state is HeldState.DISCARDED
    assert (row.decisions[-1].by, row.decisions[-1].reason) == (
        "ingest", f"A later delivery took its place: {report.receipts[0].batch_id}.",
    )  # fmt: skip


def test_a_correction_that_is_wrong_too_is_held_in_its_place(service):
    first = hold_titles(service)
    service.write("titles.csv", "41 0 1")

    (second,) = service.ingest().held

    assert second.batch_id != first
    assert service.held() == [("titles", HeldState.HELD), ("titles", HeldState.DISCARDED)]


def test_a_day_delivered_elsewhere_takes_the_place_of_the_held_one(service):
    service.log(4, rows=500)
    service.ingest()
    service.write("log-again-2026-03-05.csv", "1003 0 4")

    report = service.ingest()
    again = service.ingest()

    assert [receipt.rows_in for receipt in report.receipts] == [1003]
    assert service.held() == [("impressions", HeldState.DISCARDED)]
    assert (again.held, again.still_held, again.receipts) == ((), (), ())


@pytest.mark.parametrize("good", ["100 0 0"])
def test_the_old_content_come_back_ends_what_was_held_from_its_path(service, good):
    hold_titles(service)
    log = service.log(3, rows=500)
    service.ingest()
    service.write("titles.csv", good)
    service.write(log.name, "1000 0 3")

    report = service.ingest()

    assert report.receipts == ()
    assert [state for _, state in service.held()] == [HeldState.DISCARDED] * 2


def test_held_content_delivered_again_after_a_correction_is_judged_anew(service):
    batch_id = hold_titles(service)
    service.write("titles.csv", "101 0 1")
    service.ingest()

    again = hold_titles(service)

    assert again == batch_id
    (row,) = data.held_batches(service.store, state=HeldState.HELD).rows
    assert [decision.state for decision in row.decisions] == [HeldState.DISCARDED]


def test_a_recorded_release_is_published_by_the_next_ingest(service):
    batch_id = hold_titles(service)

    report = release(service.context, batch_id, "Ann", "Really so few.")
    assert (report.is_published, service.batches("titles")) == (False, [100])
    ingested = service.ingest()

    assert [receipt.batch_id for receipt in ingested.receipts] == [batch_id]
    (row,) = data.held_batches(service.store).rows
    assert row.state is HeldState.PUBLISHED
    assert [(decision.by, decision.state.value) for decision in row.decisions] == [
        ("Ann", "released"), ("ingest", "published"),
    ]  # fmt: skip
    assert data.batches(service.store, table="titles").rows[0].released_by == "Ann"


def test_a_released_log_counts(service):
    service.log(4, rows=500)
    (held,) = service.ingest().held
    release(service.context, held.batch_id, "Ann", "A holiday.")

    service.ingest()

    with service.store.read() as unit:
        assert len(unit.batches.log_files("impressions")) == 5


def test_what_was_let_through_counts_as_usual_afterwards(service):
    release_and_publish(service.context, hold_titles(service), "Ann", "Cut.")
    service.write("titles.csv", "39 0 2")

    assert service.ingest().held == ()


@pytest.mark.parametrize("table", ["titles", "impressions"])
def test_the_command_line_publishes_at_once(service, table):
    service.write("titles.csv", "40 0 1")
    service.log(4, rows=500)
    held = {each.table: each.batch_id for each in service.ingest().held}
    service.log(5)

    report = release_and_publish(service.context, held[table], "Ann", "Cut.")

    assert report.is_published
    assert report.held.state is HeldState.PUBLISHED
    assert [receipt.batch_id for receipt in report.ingested.receipts] == [held[table]]
    with service.store.read() as unit:
        assert unit.runs.list()[0].inputs == (held[table],)


def test_a_file_that_says_something_else_cannot_be_released(service):
    batch_id = hold_titles(service)
    service.write("titles.csv", "39 0 1")

    with pytest.raises(UsageError, match="Deliver it again"):
        release_and_publish(service.context, batch_id, "Ann", "Cut.")

    assert service.held() == [("titles", HeldState.HELD)]


@pytest.mark.parametrize("how", ["gone", "no source", "changed log", "unreadable"])
def test_a_file_that_cannot_be_read_as_it_was_cannot_be_released(service, how):
    log = service.log(4, rows=500)
    (held,) = service.ingest().held
    if how == "gone":
        log.unlink()
    elif how == "no source":
        del service.sources["impressions"]
    elif how == "changed log":
        service.log(4, rows=501)
    else:

        def refuse(*_):
            raise SourceError("Not now.", code="not-readable", file=str(log))

        service.reader.content_hash = refuse

    with pytest.raises(UsageError, match="Deliver it again"):
        release_and_publish(service.context, held.batch_id, "Ann", "Cut.")


def test_a_release_that_fails_while_reading_says_so(service):
    batch_id = hold_titles(service)
    whole = service.reader.read_table

    def broken(*_):
        raise SourceError("titles.csv is broken.", code="corrupt", file="titles.csv")

    service.reader.read_table = broken
    with pytest.raises(UsageError, match=r"titles.csv is broken"):
        release_and_publish(service.context, batch_id, "Ann", "Cut.")
    service.reader.read_table = whole

    assert len(service.ingest().receipts) == 1


def test_a_discarded_batch_stays_out_however_often_it_is_delivered(service):
    batch_id = hold_titles(service)

    report = discard(service.context, batch_id, "Ann", "Wrong file.")
    service.write("titles.csv", "40 0 1")
    again = service.ingest()

    assert report.held.state is HeldState.DISCARDED
    assert (again.receipts, again.held, again.still_held) == ((), (), ())
    assert again.notes == ("titles.csv was discarded by Ann and is not read.",)
    assert service.batches("titles") == [100]


def test_decisions_need_a_person_a_reason_and_a_batch(service):
    batch_id = hold_titles(service)

    for by, reason in (("", "x"), ("Ann", " "), ("Ann", "x" * 501), ("ingest", "x")):
        with pytest.raises(UsageError):
            release(service.context, batch_id, by, reason)
    with pytest.raises(NotFoundError, match="batches --held"):
        discard(service.context, "titles-nothing", "Ann", "x")

    assert service.held() == [("titles", HeldState.HELD)]


def test_a_second_release_changes_nothing_and_a_discarded_batch_cannot_be_released(service):
    batch_id = hold_titles(service)
    release(service.context, batch_id, "Ann", "x")

    twice = release(service.context, batch_id, "Ben", "y")
    discard(service.context, batch_id, "Ben", "After all not.")

    assert [decision.by for decision in twice.held.decisions] == ["Ann"]
    with pytest.raises(UsageError):
        release(service.context, batch_id, "Ann", "x")


def test_a_broken_file_is_told_each_time_and_never_remembered_as_fine(service):
    service.write("titles.csv", "broken")

    first, second = service.ingest(), service.ingest()

    assert [error.code for error in (*first.errors, *second.errors)] == ["corrupt", "corrupt"]


def test_new_columns_are_noted_and_hold_nothing(service):
    service.reader.columns |= {"colour": ColumnProfile(kind="text", empty_ratio=0.0)}
    service.write("titles.csv", "101 0 1")

    report = service.ingest()

    assert report.notes == ("titles.csv has new columns: colour.",)
    assert len(report.receipts) == 1


def test_columns_that_must_not_be_read_are_not_compared(service):
    service.reader.columns |= {"outcome": ColumnProfile(kind="text", empty_ratio=0.0)}
    service.sources["titles"]["ignore"] = ("outcome",)
    service.write("titles.csv", "101 0 1")

    assert service.ingest().notes == ()


def test_changes_are_published_once_whatever_file_they_come_in(service):
    service.sources["changes"] = {"path": "changes*.csv"}
    service.write("changes-1.csv", "3 0 0")
    service.ingest()
    service.write("changes-2.csv", "4 0 0")

    service.ingest()

    said = data.changes(service.store)
    assert [row.what for row in said.rows].count("build 0") == 1
    assert (len(said.rows), said.rows[0].title_id, said.rows[0].kind) == (4, None, "deploy")


def test_batches_and_what_is_held_come_in_pages(service):
    hold_titles(service)
    service.log(4, rows=500)
    service.ingest()

    first = data.batches(service.store, limit=2)
    held = data.held_batches(service.store, limit=1)

    assert (first.total, len(first.rows), dict(first.tables)) == (5, 2, {"impressions": 4, "titles": 1})
    assert (held.total, held.n_undecided, len(held.rows)) == (2, 2, 1)
    assert data.held_batch(service.store, held.rows[0].batch_id) == held.rows[0]
    assert "fewer than the usual" in held.rows[0].why
    with pytest.raises(NotFoundError):
        data.held_batch(service.store, "titles-nothing")


def test_kept_out_rows_come_in_pages_with_complete_counts(service):
    service.write("titles-more.csv", "200 3 0")
    receipt = service.ingest().receipts[0]

    page = data.quarantine(service.store, limit=2)
    one = data.quarantine(service.store, batch_id=receipt.batch_id, offset=2)

    assert (page.total, page.n_kept_out, len(page.rows), dict(page.codes)) == (3, 3, 2, {"no-key": 3})
    assert [(line.table, line.row.row) for line in one.rows] == [("titles", 3)]
    with pytest.raises(NotFoundError):
        data.quarantine(service.store, batch_id="titles-nothing")
