"""Promise B7: thirty daily batches in any order, with duplicates, end in the same state.

A hundred orders run on the store in memory with reading and counting written plainly here; a few run on real files,
the real reader and engine and SQLite. Titles and launches come in any order, too: there the gates are off, as a table
that is older than the last is otherwise held until a person decides.
"""

import hashlib
import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from recsysops import columns as c
from recsysops.clock import fixed_clock
from recsysops.domain.batch import LogFile
from recsysops.domain.drift import ColumnProfile, Profile
from recsysops.domain.reading import ReadLog, ReadTable
from recsysops.service.ingest import ingest
from recsysops.settings import Settings
from recsysops.sources import FileReader
from recsysops.store import open_store
from recsysops.testing.fake_store import FakeStore

START = datetime(2026, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)
N_DAYS = 30
N_ORDERS = 100
TITLES = "abcdef"
SETTINGS = Settings.model_validate({
    "sources": {
        "titles": {"path": "*/titles*.csv", "gates": {"is_on": False}},
        "launches": {"path": "*/launches*.csv", "gates": {"is_on": False}},
        "impressions": {"path": "*/log*.csv", "day": r"(?P<day>\d{4}-\d{2}-\d{2})"},
    },
    "treatment": {"measures": ("reach", "impression_share")},
})  # fmt: skip


def write_deliveries(folder: Path) -> list[Path]:
    """Write 30 days of impressions, six of them twice, and what was known of titles and launches over time."""
    chance = random.Random(7)
    folder.mkdir()
    made = []
    for number in range(N_DAYS):
        day = START + number * DAY
        rows = [
            f"{(day + chance.random() * DAY).isoformat()},m{chance.randrange(12)},{chance.choice(TITLES)},1"
            for _ in range(chance.randrange(18, 24))
        ]
        text = "\n".join(["ts,member_id,title_id,position", *rows]) + "\n"
        names = [f"log-{day:%Y-%m-%d}.csv"] + [f"log-copy-{day:%Y-%m-%d}.csv"] * (number % 5 == 0)
        made += [written(folder / name, text) for name in names]
    for number in range(3):
        seen = f"{START - (20 - 8 * number) * DAY:%Y-%m-%dT%H:%M:%SZ}"
        named = "".join(f"{title},{seen},{title.upper()} {number}\n" for title in TITLES)
        made.append(written(folder / f"titles-{number}.csv", f"title_id,observed_at,name\n{named}"))
        planned = "".join(
            f"{title},{START + (3 * at + number * (at == 1)) * DAY:%Y-%m-%dT%H:%M:%SZ},{seen},"
            f"{'cancelled' if at == 2 and number == 2 else 'planned'}\n"
            for at, title in enumerate(TITLES)
        )
        head = "title_id,launch_at,observed_at,launch_status\n"
        made.append(written(folder / f"launches-{number}.csv", head + planned))
    return made


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def ordered(deliveries: Sequence[Path], seed: int) -> list[list[Path]]:
    """Return the deliveries in some order, cut into some ingests; some are delivered again later."""
    chance = random.Random(seed)
    order = chance.sample(list(deliveries), len(deliveries))
    cuts = sorted(chance.sample(range(1, len(order)), 2))
    return [order[a:b] for a, b in zip([0, *cuts], [*cuts, len(order)], strict=True)]


def state_of(store, activity: pd.DataFrame | None = None) -> str:
    """Return a hash of all that is known: versions, treatment, activity or what follows from it; not when or how."""
    with store.read() as unit:
        frames = [
            *(unit.versions.history(table).drop(columns=c.LOADED_AT) for table in ("titles", "launches")),
            *(unit.versions.known(table) for table in ("titles", "launches")),
            *(unit.treatment.days(title) for title in TITLES),
            unit.treatment.outcomes(("reach", "impression_share"), (1, 7, 28)) if activity is None else activity,
        ]
        held = unit.batches.held()
    assert held == ()
    assert all(len(frame) for frame in frames[:4])
    assert len(frames[-1]) > 10
    return hashlib.sha256("".join(frame.to_csv(index=False) for frame in frames).encode()).hexdigest()


class PlainReader:
    """Reads the deliveries made so far, as plainly as can be."""

    def __init__(self) -> None:
        self.delivered: list[Path] = []
        self._frames: dict[Path, pd.DataFrame] = {}
        self._members: dict[Path, dict[str, list[str]]] = {}

    def files(self, table, source):
        name = {"titles": "titles", "launches": "launches", "impressions": "log"}[table]
        return tuple(sorted(file for file in self.delivered if file.name.startswith(name)))

    def content_hash(self, table, file, source):
        # As the real one: a daily file's name says which day it is of.
        return hashlib.sha256(f"{file.name if source.day else ''}\n{file.read_text()}".encode()).hexdigest()

    def frame(self, file):
        if file not in self._frames:
            frame = pd.read_csv(file)
            for name in {"ts", "observed_at", "launch_at"} & set(frame):
                frame[name] = pd.to_datetime(frame[name], utc=True, format="ISO8601").astype("datetime64[us, UTC]")
            self._frames[file] = frame
        return self._frames[file]

    def members(self, file):
        """Return who was shown each title, in a file of one day."""
        if file not in self._members:
            shown: dict[str, list[str]] = {}
            for title_id, member_id in zip(
                *(self.frame(file)[name] for name in ("title_id", "member_id")), strict=True
            ):
                shown.setdefault(title_id, []).append(member_id)
            self._members[file] = shown
        return self._members[file]

    def read_table(self, table, file, source, settings):
        frame = self.frame(file).assign(**{c.MARKET: "all", c.SURFACE: "all"})
        if table == "titles":
            frame = frame.assign(series_id=None, provider=None, fields=[{}] * len(frame))
        profile = Profile(rows=len(frame), quarantined=0, columns={})
        return ReadTable(rows=frame, rows_in=len(frame), duplicate=0, quarantined=(), profile=profile)

    def check_log(self, table, file, source, content_hash, batch_id):
        frame = self.frame(file)
        first, last = frame["ts"].min().to_pydatetime(), frame["ts"].max().to_pydatetime()
        log = LogFile(
            batch_id=batch_id, table=table, path=str(file.absolute()), content_hash=content_hash,
            declared_day=date.fromisoformat(file.stem[-10:]), first_at=first, last_at=last, rows=len(frame),
        )  # fmt: skip
        columns = {"position": ColumnProfile(kind="number", empty_ratio=0.0, typical=1.0)}
        profile = Profile(rows=len(frame), quarantined=0, columns=columns, first_at=first, last_at=last)
        return ReadLog(file=log, rows_in=len(frame), codes={}, samples=(), profile=profile)


class PlainAggregator:
    """Counts whole days of launches at midnight, as plainly as can be."""

    def __init__(self, reader: PlainReader) -> None:
        self._reader = reader

    def aggregate(self, files, launches, signal, until):
        shown = {file.declared_day: self._reader.members(Path(file.path)) for file in files}
        first, end = min(shown), max(shown) + DAY
        days, windows = [], {}
        for row in launches.itertuples():
            launch = row.launch_at.date()
            seen: set[str] = set()
            is_partial = False
            for number in range(28):
                day = launch + number * DAY
                is_partial |= day not in shown
                members = shown.get(day, {}).get(row.title_id, [])
                if first <= day < end:
                    days.append((row.title_id, row.market, row.surface, signal, row.launch_at, number, len(members),
                                 len(set(members) - seen), 1.0, 1.0, 1.0, is_partial))  # fmt: skip
                seen |= set(members)
            for horizon in (1, 7, 28):
                if first <= launch and launch + horizon * DAY <= end:
                    within = [launch + n * DAY for n in range(horizon)]
                    everyone = [m for day in within for those in shown.get(day, {}).values() for m in those]
                    windows[row.launch_at, horizon] = (
                        row.market, row.surface, signal, row.launch_at, horizon, len(set(everyone)), len(everyone),
                        any(day not in shown for day in within),
                    )  # fmt: skip
        activity = pd.DataFrame(windows.values(), columns=list(c.ACTIVITY))
        return pd.DataFrame(days, columns=list(c.TREATMENT_DAY)), activity


@pytest.fixture(scope="module")
def deliveries(tmp_path_factory) -> list[Path]:
    return write_deliveries(tmp_path_factory.mktemp("late") / "in")


@pytest.fixture(scope="module")
def plain_reader() -> PlainReader:
    return PlainReader()


def plain_state(reader: PlainReader, ingests: Sequence[Sequence[Path]]) -> str:
    store, reader.delivered = FakeStore(), []
    for files in ingests:
        reader.delivered = [*reader.delivered, *files]
        report = ingest(store, reader, PlainAggregator(reader), SETTINGS, clock=fixed_clock(NOW))
        assert {error.code for error in report.errors} <= {"not-found"}  # nothing of a table yet
    # Windows of launch times that no launch has any more may stay: nothing refers to them.
    kept, launched = store.frames.activity, set(store.frames.days[c.LAUNCH_AT])
    activity = kept[kept[c.START_AT].isin(launched)].sort_values([c.START_AT, c.HORIZON])
    return state_of(store, activity)


def test_a_hundred_orders_end_in_the_same_state(deliveries, plain_reader):
    whole = plain_state(plain_reader, [deliveries])

    states = {plain_state(plain_reader, ordered(deliveries, seed)) for seed in range(N_ORDERS)}

    assert states == {whole}


def test_a_day_left_out_is_another_state(deliveries, plain_reader):
    some = [file for file in deliveries if "2026-01-04" not in file.name]

    assert plain_state(plain_reader, [some]) != plain_state(plain_reader, [deliveries])


def test_real_files_engine_and_store_end_in_the_same_state_too(deliveries, tmp_path):
    states = [real_state(tmp_path / "whole", [deliveries])]

    states += [real_state(tmp_path / f"order{seed}", ordered(deliveries, seed)) for seed in range(2)]

    assert len(set(states)) == 1


def real_state(folder: Path, ingests: Sequence[Sequence[Path]]) -> str:
    from recsysops.events import EngineLimits, IbisAggregator

    folder.mkdir()
    aggregator = IbisAggregator(EngineLimits(memory_mb=300, threads=1, folder=folder / "spill"))
    store = open_store(f"sqlite:///{folder / 'store.sqlite'}")
    for number, files in enumerate(ingests):
        (folder / f"in{number}").mkdir()
        for file in files:
            (folder / f"in{number}" / file.name).write_bytes(file.read_bytes())
        report = ingest(store, FileReader(folder), aggregator, SETTINGS, clock=fixed_clock(NOW))
        assert {error.code for error in report.errors} <= {"not-found"}  # nothing of a table yet
    state = state_of(store)
    store.close()
    return state
