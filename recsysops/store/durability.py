"""Whether what the store acknowledges is still there after a power cut. Changes nothing."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import URL

from recsysops.store.engine import is_sqlite, reading_engine, store_url, writing_engine
from recsysops.store.postgresql import UNSAFE_DURABILITY, lost_durability
from recsysops.store.refusals import DatabaseErrors, refusal
from recsysops.store.sqlite import store_file

SAFE_FOR_SEVERAL_WRITERS: Final = (3, 51, 3)
"""Before this one, two processes that write at once can damage a store; ours take turns, see `sqlite.write_guard`."""

NETWORK_FILESYSTEMS: Final = frozenset({
    "afs", "beegfs", "ceph", "cifs", "davfs", "fuse.ceph", "fuse.davfs", "fuse.gcsfuse", "fuse.glusterfs",
    "fuse.rclone", "fuse.s3fs", "fuse.sshfs", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "smb3", "smbfs",
})  # fmt: skip
"""Where locks and syncs of files are promises nobody keeps."""

_MOUNTS: Final = Path("/proc/self/mountinfo")
_FULL: Final = 2
_JOURNALS: Final = frozenset({"wal", "delete", "truncate", "persist"})


@dataclass(frozen=True, kw_only=True)
class Durability:
    """What was found about a store."""

    found: str
    problems: tuple[str, ...] = ()
    """Why what it acknowledges may be lost; empty where it may not."""
    remedy: str = ""


def look_at_durability(url: str) -> Durability | None:
    """Examine the store at `url`; None where there is none yet.

    Raises:
        StoreError: It cannot be reached.
    """
    where = store_url(url)
    try:
        if not is_sqlite(where):
            return _of_server(where)
        return _of_file(where) if store_file(where).is_file() else None
    except DatabaseErrors as error:
        raise refusal(error) from error


def network_filesystem(path: Path, mounts: str) -> str | None:
    """Return the kind of network file system `path` is on; None where it is on none, or nobody can tell.

    Args:
        path: Absolute.
        mounts: What Linux says in /proc/self/mountinfo.
    """
    best, kind = "", ""
    for line in mounts.splitlines():
        place, _, rest = line.partition(" - ")
        fields = place.split()
        if len(fields) < 5 or not rest.split():
            continue
        point = fields[4].replace("\\040", " ")
        if path.is_relative_to(point) and len(point) >= len(best):
            best, kind = point, rest.split()[0]
    return kind if kind in NETWORK_FILESYSTEMS else None


def _of_file(url: URL) -> Durability:
    path = store_file(url).resolve()
    with closing(writing_engine(url).raw_connection()) as connection:
        cursor = connection.cursor()
        journal, synchronous = (
            cursor.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")
        )
    problems = []
    if journal not in _JOURNALS:
        problems.append(f"its journal is {journal}")
    if synchronous < _FULL:
        problems.append(f"synchronous is {synchronous}, below FULL")
    mounts = _MOUNTS.read_text(errors="replace") if _MOUNTS.exists() else ""
    if kind := network_filesystem(path, mounts):
        problems.append(f"it is on a network file system ({kind})")
    turns = (
        "" if sqlite3.sqlite_version_info >= SAFE_FOR_SEVERAL_WRITERS else ", writers take turns (older than 3.51.3)"
    )
    return Durability(
        found=f"SQLite {sqlite3.sqlite_version} at {path}, journal {journal}, synchronous {_words(synchronous)}{turns}",
        problems=tuple(problems),
        remedy="Keep the store on a disk of this machine (service.data), or use PostgreSQL (service.store).",
    )


def _words(synchronous: int) -> str:
    return {0: "OFF", 1: "NORMAL", 2: "FULL", 3: "EXTRA"}.get(synchronous, str(synchronous))


def _of_server(url: URL) -> Durability:
    engine = reading_engine(url)
    try:
        with engine.connect() as connection:
            version = connection.exec_driver_sql("SHOW server_version").scalar()
            lost = lost_durability(connection)
    finally:
        engine.dispose()
    found = f"PostgreSQL {version}, " + (
        ", ".join(lost) if lost else "fsync, full_page_writes and synchronous_commit on"
    )
    if lost and url.query.get(UNSAFE_DURABILITY) == "accept":
        return Durability(found=f"{found}: it may lose commits, accepted by service.store")
    return Durability(
        found=found,
        problems=tuple(f"{setting} loses acknowledged commits" for setting in lost),
        remedy="Set them to on in postgresql.conf and reload the server.",
    )
