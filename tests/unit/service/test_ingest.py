from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from recsysops import columns as c
from recsysops.clock import fixed_clock
from recsysops.domain.verdict import StepOutcome
from recsysops.events import EngineLimits, IbisAggregator
from recsysops.service.ingest import IngestReport, ingest
from recsysops.settings import Settings
from recsysops.sources import FileReader
from recsysops.store import open_store
from recsysops.testing.fake_store import FakeStore

NOW = datetime(2026, 6, 1, tzinfo=UTC)
START = datetime(2026, 1, 1, tzinfo=UTC)
SOURCES = {
    "titles": {"path": "titles.csv"},
    "launches": {"path": "launches*.csv"},
    "expectations": {"path": "expectations.csv"},
    "impressions": {"path": "log/*.parquet", "day": r"(?P<day>\d{4}-\d{2}-\d{2})"},
}


class CountingAggregator:
    """Counts as the real one does, and remembers which launches it was asked for."""

    def __init__(self, folder: Path) -> None:
        self._real = IbisAggregator(EngineLimits(memory_mb=300, threads=1, folder=folder / "spill"))
        self.asked: list[list[str]] = []

    def aggregate(self, files, launches, signal, until):
        self.asked.append(sorted(launches[c.TITLE_ID]))
        return self._real.aggregate(files, launches, signal, until)


class Service:
    """A folder of files, a store, and the verb."""

    def __init__(self, folder: Path, store) -> None:
        self.folder = folder
        self.store = store
        self.aggregator = CountingAggregator(folder)
        self.sources = {name: dict(source) for name, source in SOURCES.items()}
        self.markets: dict = {}
        (folder / "log").mkdir()
        self.write("titles.csv", "title_id,observed_at,name\nA,2025-12-01T00:00Z,First\nB,2025-12-01T00:00Z,Second\n")
        self.launches(A="2026-01-01T00:00Z", B="2026-01-31T00:00Z")
        self.write(
            "expectations.csv",
            "title_id,measure,horizon,observed_at,low,best,high,unit\nA,reach,7,2025-12-01T00:00Z,0.1,0.2,0.3,share\n",
        )
        for number in (0, 1):
            self.log(number)

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def launches(
        self, name: str = "launches.csv", seen: str = "2025-12-01T00:00Z", status: str = "planned", **at: str
    ) -> None:
        rows = "".join(f"{title},{when},{seen},{status}\n" for title, when in at.items())
        self.write(name, "title_id,launch_at,observed_at,launch_status\n" + rows)

    def log(self, number: int, members: tuple[str, ...] = ("m1", "m2")) -> Path:
        day = START + timedelta(days=number)
        table = pa.table(
            {
                c.TS: pa.array([day + timedelta(hours=1)] * len(members), pa.timestamp("us", tz="UTC")),
                c.MEMBER_ID: list(members),
                c.TITLE_ID: ["A"] * len(members),
                c.POSITION: [1] * len(members),
            }
        )
        path = self.folder / "log" / f"impressions-{day.date()}.parquet"
        pq.write_table(table, path)
        return path

    def ingest(self, **more) -> IngestReport:
        settings = Settings.model_validate(
            {"sources": self.sources, "markets": self.markets, "treatment": {"measures": ()}}
        )
        reader = FileReader(self.folder)
        return ingest(self.store, reader, self.aggregator, settings, clock=fixed_clock(NOW), **more)

    def days(self, title: str = "A") -> list[tuple[int, int, int]]:
        with self.store.read() as unit:
            days = unit.treatment.days(title)
        return [tuple(map(int, row)) for row in days[[c.DAY, c.EVENTS, c.NEW_MEMBERS]].to_numpy().tolist()]


@pytest.fixture(params=["fake", "sqlite"])
def service(request, tmp_path):
    store = FakeStore() if request.param == "fake" else open_store(f"sqlite:///{tmp_path / 'store.sqlite'}")
    yield Service(tmp_path, store)
    if request.param == "sqlite" and hasattr(store, "close"):
        store.close()


def test_everything_new_is_published_and_accounted_for(service):
    report = service.ingest()

    assert [receipt.table for receipt in report.receipts] == [
        "titles",
        "launches",
        "expectations",
        "impressions",
        "impressions",
    ]
    assert (report.rows_in, report.accepted, report.duplicate, report.quarantined) == (9, 9, 0, 0)
    assert report.errors == ()
    assert [(step.name, step.outcome, step.n) for step in report.steps] == [
        ("ingest titles", StepOutcome.RAN, 2),
        ("ingest launches", StepOutcome.RAN, 2),
        ("ingest expectations", StepOutcome.RAN, 1),
        ("ingest impressions", StepOutcome.RAN, 4),
    ]
    assert service.days() == [(0, 2, 2), (1, 2, 0)]


def test_the_same_files_twice_have_one_effect(service):
    first = service.ingest()

    again = service.ingest()

    assert again.receipts == ()
    assert {(loaded.table, loaded.batch_id) for loaded in again.already_loaded} == {
        (receipt.table, receipt.batch_id) for receipt in first.receipts
    }
    assert len(service.aggregator.asked) == 1
    with service.store.read() as unit:
        assert len(unit.batches.all()) == 5


def test_a_copy_under_another_name_is_already_loaded(service):
    service.ingest()
    (service.folder / "launches-copy.csv").write_bytes((service.folder / "launches.csv").read_bytes())

    report = service.ingest(tables=["launches"])

    assert report.receipts == ()
    assert len(report.already_loaded) == 2


def test_a_bad_file_leaves_the_others_in_place(service):
    service.write("titles.csv", "")
    (service.folder / "log" / "impressions-2026-01-02.parquet").write_bytes(b"PAR1 cut off")

    report = service.ingest()

    assert [(error.table, error.code) for error in report.errors] == [
        ("titles", "empty-file"),
        ("impressions", "truncated"),
    ]
    assert [receipt.table for receipt in report.receipts] == ["launches", "expectations", "impressions"]
    assert [step.outcome for step in report.steps].count(StepOutcome.FAILED) == 2
    assert service.days() == [(0, 2, 2)]


def test_a_source_without_files_is_an_error(service):
    service.sources["titles"]["path"] = "tiltes.csv"

    report = service.ingest(tables=["titles"])

    assert [(error.code, error.file) for error in report.errors] == [("not-found", "tiltes.csv")]
    assert "under [sources.titles]" in report.errors[0].message


def test_quarantined_rows_are_kept_with_their_batch(service):
    service.launches(A="2026-01-01T00:00Z", C="2026-02-30T00:00Z")

    report = service.ingest(tables=["launches"])

    assert report.quarantined == 1
    assert report.receipts[0].codes == {"impossible-date": 1}
    with service.store.read() as unit:
        ((batch_id, row),) = unit.batches.quarantine()
    assert (batch_id, row.code, row.row) == (report.receipts[0].batch_id, "impossible-date", 2)


def test_a_file_is_read_anew_when_the_settings_say_how_to_read_its_dates(service):
    service.launches(A="2026-01-01")
    assert service.ingest(tables=["launches"]).quarantined == 1
    service.markets = {"all": {"launch_time": "00:00", "time_zone": "UTC"}}

    report = service.ingest(tables=["launches"])

    assert (report.accepted, report.quarantined) == (1, 0)


def test_assumed_times_are_labelled(service):
    service.sources["titles"]["observed_at"] = "assume:launch-60d"
    service.write("titles.csv", "title_id,name\nA,First\n")

    report = service.ingest(tables=["titles"])

    assert report.label == "not point-in-time"
    assert report.receipts[0].as_of_label == "not point-in-time"


def test_a_new_day_recounts_only_the_launches_it_touches(service):
    service.ingest()
    service.log(2, ("m3",))

    report = service.ingest()

    assert [receipt.accepted for receipt in report.receipts] == [1]
    assert service.aggregator.asked == [["A"], ["A"]]
    assert service.days() == [(0, 2, 2), (1, 2, 0), (2, 1, 1)]


def test_a_day_delivered_again_replaces_it(service):
    service.ingest()
    service.log(1, ("m8", "m9", "m9"))

    service.ingest()

    assert service.days() == [(0, 2, 2), (1, 3, 2)]


def test_the_first_delivery_can_come_back(service):
    service.ingest()
    path = service.log(1, ("m9",))
    service.ingest()
    service.log(1)

    back = service.ingest()
    again = service.ingest()

    assert len(back.receipts) == 1
    assert again.receipts == ()
    assert service.days() == [(0, 2, 2), (1, 2, 0)]
    with service.store.read() as unit:
        counting = [file for file in unit.batches.log_files("impressions") if file.path == str(path)]
    assert [file.batch_id for file in counting] == [back.receipts[0].batch_id]


def test_a_daily_file_that_moved_is_registered_where_it_is_now(service):
    service.ingest()
    old = service.folder / "log" / "impressions-2026-01-02.parquet"
    (service.folder / "log" / "archive").mkdir()
    old.rename(service.folder / "log" / "archive" / old.name)
    service.sources["impressions"]["path"] = "log/**/*.parquet"

    report = service.ingest(tables=["impressions"])

    assert len(report.receipts) == 1
    assert service.days() == [(0, 2, 2), (1, 2, 0)]
    with service.store.read() as unit:
        assert all(Path(file.path).is_file() for file in unit.batches.log_files("impressions"))


def test_a_moved_launch_is_counted_anew_from_the_files_already_there(service):
    service.ingest()
    service.launches("launches-2.csv", seen="2025-12-20T00:00Z", A="2026-01-02T00:00Z")

    service.ingest()

    assert service.aggregator.asked[-1] == ["A"]
    assert service.days() == [(0, 2, 2)]


def test_a_cancelled_launch_loses_its_days(service):
    service.ingest()
    service.launches("launches-2.csv", seen="2025-12-20T00:00Z", status="cancelled", A="2026-01-01T00:00Z")

    service.ingest()

    assert service.days() == []


def test_a_kill_while_counting_leaves_nothing_of_the_log_and_the_next_ingest_does_it_all(service):
    counting = service.aggregator.aggregate
    service.aggregator.aggregate = lambda *args: (_ for _ in ()).throw(KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        service.ingest()
    service.aggregator.aggregate = counting
    with service.store.read() as unit:
        assert unit.batches.log_files("impressions") == ()
        assert {receipt.table for receipt in unit.batches.all()} == {"titles", "launches", "expectations"}

    report = service.ingest()

    assert [receipt.table for receipt in report.receipts] == ["impressions", "impressions"]
    assert service.days() == [(0, 2, 2), (1, 2, 0)]


def test_a_log_that_is_no_daily_delivery_counts_too(service):
    del service.sources["impressions"]["day"]
    service.ingest()
    service.log(40, ("m1",))

    report = service.ingest()

    assert [receipt.accepted for receipt in report.receipts] == [1]
    assert service.days()[0][0] == 1  # the first whole day after the first row


def test_progress_tells_how_many_titles_are_counted(service):
    said: list[str] = []

    service.ingest(progress=lambda what, done: said.append(f"{what} {done:.1f}"))

    assert "Checking impressions 0.5" in said
    assert "Counting impressions of 1 titles 1.0" in said


def test_days_between_two_deliveries_begin_to_count_as_partial(service):
    service.launches(A="2026-01-01T00:00Z", B="2026-01-04T00:00Z")
    service.ingest()
    service.log(5)

    service.ingest()

    with service.store.read() as unit:
        late = unit.treatment.days("B")
    assert late[[c.EVENTS, c.IS_PARTIAL]].to_numpy().tolist() == [[0, True], [0, True], [0, True]]
