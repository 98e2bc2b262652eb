"""One writing process at a time."""

import json
import os
import signal
import stat
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from recsysops.clock import fixed_clock
from recsysops.errors import StoreError, StoreLockedError
from recsysops.store.lock import LOCK_FILE, writer_lock

T0 = datetime(2026, 3, 2, tzinfo=UTC)

HOLDER = """
import sys
from pathlib import Path
from recsysops.store.lock import writer_lock
with writer_lock(Path(sys.argv[1]), wait_seconds=0, verb="train"):
    print("held", flush=True)
    sys.stdin.read()
"""


def start_holder(folder: Path) -> "subprocess.Popen[str]":
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    return holder


def test_the_lock_file_says_who_holds_it(tmp_path: Path) -> None:
    folder = tmp_path / "data"

    with writer_lock(folder, wait_seconds=0, verb="ingest", clock=fixed_clock(T0)):
        held = json.loads((folder / LOCK_FILE).read_text())

    assert held["pid"] == os.getpid()
    assert held["verb"] == "ingest"
    assert held["started_at"] == "2026-03-02T00:00:00+00:00"
    assert held["host"]
    assert (folder / LOCK_FILE).read_text() == ""
    assert stat.S_IMODE((folder / LOCK_FILE).stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_second_writer_is_told_who_the_first_is(tmp_path: Path) -> None:
    told: list[tuple[str, float]] = []
    with start_holder(tmp_path) as holder:
        with (
            pytest.raises(StoreLockedError, match=f"`recsysops train` .process {holder.pid} on"),
            writer_lock(tmp_path, wait_seconds=0.3, verb="ingest", progress=lambda *said: told.append(said)),
        ):
            pass
        holder.kill()

    assert len(told) >= 2
    assert all("recsysops train" in what and 0 <= part <= 1 for what, part in told)


def test_a_second_writer_gets_the_lock_when_the_first_ends(tmp_path: Path) -> None:
    with start_holder(tmp_path) as holder:
        assert holder.stdin is not None

        def end_it(_what: str, _part: float) -> None:
            if not holder.stdin.closed:
                holder.stdin.close()

        with writer_lock(tmp_path, wait_seconds=20, verb="ingest", progress=end_it):
            held = json.loads((tmp_path / LOCK_FILE).read_text())

    assert held["verb"] == "ingest"


def test_a_killed_holder_frees_the_lock(tmp_path: Path) -> None:
    with start_holder(tmp_path) as holder:
        holder.send_signal(signal.SIGKILL)
        holder.wait(timeout=30)

    start = time.monotonic()
    with writer_lock(tmp_path, wait_seconds=20, verb="ingest"):
        waited = time.monotonic() - start

    assert holder.returncode == -signal.SIGKILL
    assert waited < 5


def test_waiting_needs_nobody_to_be_told(tmp_path: Path) -> None:
    with (
        writer_lock(tmp_path, wait_seconds=0, verb="ingest"),
        pytest.raises(StoreLockedError, match="waited 0 s"),
        writer_lock(tmp_path, wait_seconds=0.05, verb="train"),
    ):
        pass


def test_an_error_inside_frees_the_lock(tmp_path: Path) -> None:
    with pytest.raises(KeyError), writer_lock(tmp_path, wait_seconds=0, verb="ingest"):
        raise KeyError("anything")

    with writer_lock(tmp_path, wait_seconds=0, verb="ingest"):
        assert (tmp_path / LOCK_FILE).read_text() != ""


def test_a_lock_whose_file_says_nothing_is_still_held(tmp_path: Path) -> None:
    with writer_lock(tmp_path, wait_seconds=0, verb="ingest"):
        (tmp_path / LOCK_FILE).write_text("")

        with (
            pytest.raises(StoreLockedError, match="written by another process"),
            writer_lock(tmp_path, wait_seconds=0, verb="train"),
        ):
            pass


def test_a_lock_file_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with (
        pytest.raises(StoreError, match=r"service\.data"),
        writer_lock(tmp_path / "file", wait_seconds=0, verb="ingest"),
    ):
        pass


def test_a_store_outside_the_data_folder_is_locked_where_it_is(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'shared' / 'store.sqlite'}"

    with (
        writer_lock(tmp_path / "one", wait_seconds=0, verb="ingest", store_url=url),
        pytest.raises(StoreLockedError, match="recsysops ingest"),
        writer_lock(tmp_path / "two", wait_seconds=0.05, verb="train", store_url=url),
    ):
        pass

    with writer_lock(tmp_path / "two", wait_seconds=0, verb="train", store_url=url):
        assert json.loads((tmp_path / "shared" / LOCK_FILE).read_text())["verb"] == "train"


def test_a_store_in_the_data_folder_is_locked_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'data' / 'store.sqlite'}"

    with writer_lock(tmp_path / "data", wait_seconds=0, verb="ingest", store_url=url):
        assert [path.name for path in (tmp_path / "data").iterdir()] == [LOCK_FILE]
