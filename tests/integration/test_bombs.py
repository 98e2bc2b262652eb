"""Files made to hurt who reads them: each is refused in time, hurts nobody, and the next file is read as ever."""

import re
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from recsysops.errors import SourceError
from recsysops.settings import ReadingSettings, Settings
from recsysops.sources import FileReader, _workers
from recsysops.sources.codes import FILE_CODES

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux holds a process to its memory; run this on Linux"),
    pytest.mark.timeout(900),
]
SETTINGS = Settings.model_validate(
    {"sources": {"titles": {"path": "-"}, "impressions": {"path": "-"}}, "treatment": {"measures": ()}}
)
LIMITS = ReadingSettings(child_seconds=5)  # below the default of eight: what needs all of it is refused just the same
SECONDS = 10
PARENT_MB = 64
CHILD_MB = 512


def memory(pid: int | str, what: str) -> float:
    """Return a process's memory in MB; 0 when it is gone."""
    try:
        said = re.search(rf"^{what}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    except OSError:
        return 0.0
    return int(said[1]) / 1024 if said else 0.0


class Watch:
    """The largest memory of this process and of those that read, since it began."""

    def __init__(self) -> None:
        self.pids: set[int] = set()
        self.child = self.parent = 0.0
        self._spent: dict[int, float] = {}
        self._done = threading.Event()

    def look(self) -> None:
        while not self._done.wait(0.01):
            self.parent = max(self.parent, memory("self", "VmRSS"))
            for pid in list(self.pids):
                self.child = max(self.child, memory(pid, "VmHWM"))
                self._spent[pid] = _workers._processor_seconds(pid) or self._spent.get(pid, 0.0)

    @property
    def seconds(self) -> float:
        """What the processor has spent on the processes that read: on an idle machine, the time that has passed."""
        return sum(self._spent.values())

    def stop(self) -> None:
        self._done.set()


@contextmanager
def watching(monkeypatch):
    watch = Watch()
    start = _workers.Worker.start

    def noted(worker):
        watch.pids.add(worker.pid)
        start(worker)

    monkeypatch.setattr(_workers.Worker, "start", noted)
    thread = threading.Thread(target=watch.look)
    thread.start()
    try:
        yield watch
    finally:
        watch.stop()
        thread.join()


def read(reader: FileReader, file: Path) -> int:
    """Read a file as what its name says; return how many of its rows count."""
    table = file.name.split("-")[0]
    source = SETTINGS.sources[table]
    content_hash = reader.content_hash(table, file, source)
    if table == "titles":
        return len(reader.read_table(table, file, source, SETTINGS).rows)
    return reader.check_log(table, file, source, content_hash, "batch").file.rows


@pytest.fixture(scope="module")
def bombs(tmp_path_factory) -> list[Path]:
    folder = tmp_path_factory.mktemp("bombs")
    # By a program of its own: this process must not have had the memory that making them takes.
    subprocess.run([sys.executable, str(Path(__file__).with_name("_bombs.py")), str(folder)], check=True)
    return sorted(folder.iterdir())


@pytest.fixture
def good(tmp_path) -> tuple[Path, Path]:
    titles, log = tmp_path / "titles-good.csv", tmp_path / "impressions-good.csv"
    titles.write_text("title_id,observed_at\nA,2026-01-01T00:00:00Z\n")
    log.write_text("ts,member_id,title_id\n2026-01-01T00:00:00Z,m,A\n")
    return titles, log


def test_there_are_enough_bombs(bombs):
    assert len(bombs) >= 60
    assert {file.name.split("-")[0] for file in bombs} == {"titles", "impressions"}


def faults(reader: FileReader, bomb: Path, good: tuple[Path, Path], watch: Watch, before: float) -> list[str]:
    """Return what a bomb did that it must not."""
    wrong = []
    began, spent = time.monotonic(), watch.seconds
    try:
        wrong.append(f"{read(reader, bomb)} rows were accepted")
    except SourceError as error:
        if error.source_code not in FILE_CODES or error.source_code == "reader-crashed":
            wrong.append(str(error))
    # By the processor's time: tests that run beside this one must not make it fail.
    if (took := min(time.monotonic() - began, watch.seconds - spent)) > SECONDS:
        wrong.append(f"took {took:.1f} s")
    if (grown := watch.parent - before) > PARENT_MB:
        wrong.append(f"this process grew by {grown:.0f} MB")
    if [read(reader, file) for file in good] != [1, 1]:
        wrong.append("good files are no longer read")
    return [f"{bomb.name}: {each}" for each in wrong]


def test_every_bomb_is_refused_in_time_and_hurts_nobody(bombs, good, monkeypatch):
    reader = FileReader(good[0].parent, LIMITS)

    with watching(monkeypatch) as watch:
        assert [read(reader, file) for file in good] == [1, 1]
        before = watch.parent = memory("self", "VmRSS")
        wrong = [each for bomb in bombs for each in faults(reader, bomb, good, watch, before)]

    assert wrong == []
    assert 0 < watch.child <= CHILD_MB
