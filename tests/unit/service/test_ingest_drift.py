"""Promise B6 end to end with real files: honest deliveries pass, broken ones are held, each for the right reason."""

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from recsysops.domain.drift import DriftKind
from recsysops.service.ingest import IngestReport, ingest
from recsysops.settings import Settings
from recsysops.sources import FileReader
from recsysops.testing.fake_store import FakeStore

START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
HEAD = "title_id,observed_at,name,genre,runtime,synopsis\n"
Row = dict[str, str]


class Source:
    """A catalogue that is delivered whole every day, to the same place."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.store, self.day = folder, FakeStore(), 0
        self.chance = random.Random(5)
        self.settings = Settings.model_validate({"sources": {"titles": {"path": "titles.csv"}}, "folder": folder})

    def rows(self) -> list[Row]:
        self.day += 1
        at = (START + self.day * DAY).isoformat()
        return [
            {
                "title_id": f"t{number}", "observed_at": at, "name": f"Title {number}",
                "genre": self.chance.choice(["drama", "comedy", "crime"]),
                "runtime": str(round(self.chance.gauss(100, 20))),
                "synopsis": "" if self.chance.random() < 0.3 else "A story.",
            }
            for number in range(150 + 2 * self.day)
        ]  # fmt: skip

    def deliver(self, rows: list[Row]) -> IngestReport:
        heads = list(rows[0])
        lines = [",".join(heads), *(",".join(row[head] for head in heads) for row in rows)]
        (self.folder / "titles.csv").write_text("\n".join(lines) + "\n")
        clock = START + (self.day + 1) * DAY
        return ingest(self.store, FileReader(self.folder), None, self.settings, clock=lambda: clock)


@pytest.fixture
def source(tmp_path) -> Source:
    return Source(tmp_path)


def without(rows: list[Row], name: str) -> list[Row]:
    return [{key: value for key, value in row.items() if key != name} for row in rows]


def changed(rows: list[Row], name: str, change) -> list[Row]:
    return [row | {name: change(row[name])} for row in rows]


def renamed(rows: list[Row], name: str, other: str) -> list[Row]:
    return [{other if key == name else key: value for key, value in row.items()} for row in rows]


def later(rows: list[Row], days: int) -> list[Row]:
    return changed(rows, "observed_at", lambda at: (datetime.fromisoformat(at) + days * DAY).isoformat())


FAULTS = {
    DriftKind.COLUMN_GONE: lambda rows: without(rows, "genre"),
    DriftKind.COLUMN_RENAMED: lambda rows: renamed(rows, "runtime", "minutes"),
    DriftKind.COLUMN_RETYPED: lambda rows: changed(rows, "runtime", lambda minutes: f"{minutes} min"),
    DriftKind.UNIT_JUMP: lambda rows: changed(rows, "runtime", lambda minutes: str(60 * int(minutes))),
    DriftKind.NULL_JUMP: lambda rows: changed(rows, "synopsis", lambda _: ""),
    DriftKind.ROW_DROP: lambda rows: rows[: len(rows) // 2],
    DriftKind.BAD_ROWS: lambda rows: [row | {"title_id": ""} if at < 6 else row for at, row in enumerate(rows)],
    DriftKind.OLDER: lambda rows: later(rows, -20),
    DriftKind.FUTURE: lambda rows: later(rows, 30),
}


def test_honest_deliveries_are_published_and_each_fault_is_held_for_its_reason(source):
    honest = [source.deliver(source.rows()) for _ in range(5)]
    found = {kind: source.deliver(fault(source.rows())) for kind, fault in FAULTS.items()}
    after = source.deliver(source.rows())

    assert [len(report.receipts) for report in (*honest, after)] == [1] * 6
    assert {kind: [drift.kind for held in report.held for drift in held.drifts] for kind, report in found.items()} == {
        kind: [kind] for kind in FAULTS
    }
    with source.store.read() as unit:
        assert len(unit.batches.all()) == 6
        assert {len(held.decisions) for held in unit.batches.held()} == {1}  # each gave way to the next delivery
