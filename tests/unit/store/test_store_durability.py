"""What doctor says of a store's durability, and that writers take turns."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from recsysops.doctor import _durability
from recsysops.errors import StoreError
from recsysops.settings import read_settings
from recsysops.store import open_store
from recsysops.store.durability import look_at_durability, network_filesystem
from recsysops.store.engine import store_url, write_guard_of
from recsysops.testing.postgres import PostgresServer, database_name

MOUNTS = """
22 1 259:1 / / rw,relatime shared:1 - ext4 /dev/vda rw
40 22 0:40 / /mnt/team rw,relatime shared:5 - nfs4 host:/export rw
41 40 0:41 / /mnt/team/fast rw - xfs /dev/vdb rw
42 22 0:42 / /mnt/two\\040words rw shared:6 master:1 - fuse.sshfs host: rw
nonsense
43 22 0:43 / /cut rw -
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lib/store.sqlite", None),
        ("/mnt/team/store.sqlite", "nfs4"),
        ("/mnt/team/fast/store.sqlite", None),
        ("/mnt/teamwork/store.sqlite", None),
        ("/mnt/two words/store.sqlite", "fuse.sshfs"),
    ],
)
def test_a_network_file_system_is_recognised_by_its_mount(path: str, kind: str | None) -> None:
    assert network_filesystem(Path(path), MOUNTS) == kind


def test_where_nobody_can_tell_nothing_is_said() -> None:
    assert network_filesystem(Path("/x"), "") is None


@pytest.fixture
def url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'store.sqlite'}"
    open_store(url).close()
    return url


def test_a_sound_sqlite_store_is_fine(url: str, tmp_path: Path) -> None:
    looked = look_at_durability(url)

    assert looked is not None
    assert looked.problems == ()
    assert "journal wal, synchronous FULL" in looked.found
    assert look_at_durability(f"sqlite:///{tmp_path / 'absent.sqlite'}") is None
    assert not (tmp_path / "absent.sqlite").exists()


@pytest.mark.parametrize(("version", "says_so"), [((3, 51, 2), True), ((3, 51, 3), False)])
def test_an_old_library_is_named_as_the_reason_for_taking_turns(
    url: str, monkeypatch: pytest.MonkeyPatch, version: tuple[int, int, int], says_so: bool
) -> None:
    monkeypatch.setattr("recsysops.store.durability.sqlite3.sqlite_version_info", version)

    looked = look_at_durability(url)

    assert looked is not None
    assert ("writers take turns" in looked.found) is says_so


def test_a_store_on_a_network_file_system_and_with_careless_settings_is_refused(
    url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text("22 1 0:1 / / rw - nfs host:/ rw\n")
    monkeypatch.setattr("recsysops.store.durability._MOUNTS", mounts)
    monkeypatch.setattr("recsysops.store.durability._FULL", 3)
    monkeypatch.setattr("recsysops.store.durability._JOURNALS", frozenset())

    looked = look_at_durability(url)

    assert looked is not None
    assert looked.problems == (
        "its journal is wal", "synchronous is 2, below FULL", "it is on a network file system (nfs)",
    )  # fmt: skip


def test_doctor_says_what_the_store_is_and_refuses_what_loses_commits(
    postgres: PostgresServer, postgres_store_url: str, tmp_path: Path, url: str
) -> None:
    found = {}
    unsafe = postgres.url(database_name(postgres_store_url), accept_unsafe=False)
    unreachable = "postgresql://ada:geheim@127.0.0.1:1/x"
    for name, store in {"file": url, "accepted": postgres_store_url, "unsafe": unsafe, "gone": unreachable}.items():
        file = tmp_path / f"{name}.toml"
        file.write_text(f'[service]\nstore = "{store}"\n')
        (found[name],) = _durability(read_settings(file))

    assert {name: each.is_fine for name, each in found.items()} == {
        "file": True, "accepted": True, "unsafe": False, "gone": False,
    }  # fmt: skip
    assert "accepted by service.store" in found["accepted"].found
    assert "fsync=off loses acknowledged commits" in found["unsafe"].found
    assert "postgresql.conf" in found["unsafe"].remedy
    assert "geheim" not in found["gone"].found
    nothing = tmp_path / "nothing.toml"
    nothing.write_text("")
    assert _durability(read_settings(nothing)) == ()


# --- taking turns ----------------------------------------------------------------------------------------------------

WRITER = """
import os, sys, time
from datetime import UTC, datetime
from pathlib import Path
from recsysops.domain.run import Run
from recsysops.store import open_store
T0, marks = datetime(2026, 3, 2, tzinfo=UTC), Path(sys.argv[2])
store, me = open_store(sys.argv[1]), sys.argv[3]
for n in range(20):
    with store.write() as work:
        marks.joinpath(f"in-{me}").touch()
        others = [m.name for m in marks.iterdir() if m.name != f"in-{me}"]
        work.runs.save(Run(run_id=f"{me}-{n}", verb="run", as_of=T0, started_at=T0))
        work.commit()
        others += [m.name for m in marks.iterdir() if m.name != f"in-{me}"]
        marks.joinpath(f"in-{me}").unlink()
    if others:
        sys.exit(f"not alone: {others}")
"""


def test_processes_without_the_verbs_lock_still_write_one_at_a_time(url: str, tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    marks.mkdir()

    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, url, str(marks), str(at)], stderr=subprocess.PIPE, text=True)
        for at in range(3)
    ]
    said = [writer.communicate(timeout=200)[1] for writer in writers]

    assert said == [""] * 3
    store = open_store(url, read_only=True)
    with store.read() as work:
        assert len(work.runs.list(limit=100)) == 60
    store.close()


def test_the_guard_is_held_to_the_end_of_the_unit_of_work_and_freed_then(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recsysops.store.engine.BUSY_SECONDS", 0.05)
    store, guard = open_store(url), write_guard_of(store_url(url))

    with store.write() as work:
        work.commit()
        start = time.monotonic()
        with pytest.raises(StoreError, match="busy"), guard():
            pass
        waited = time.monotonic() - start
    with guard():
        pass
    store.close()

    assert waited >= 0.05
