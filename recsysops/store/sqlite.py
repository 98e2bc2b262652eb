"""What only SQLite understands: its file, its pragmas, and a lock around every writing transaction."""

import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import URL, Connection, Engine, create_engine, event

from recsysops.errors import StoreError

GUARD_SUFFIX: Final = "-guard"

_CACHE: Final = "cache_size=-131072"
"""128 MB, taken as needed: with the usual 2 MB, a million rows into three indexes take three times as long."""
_LOOK_AGAIN_SECONDS: Final = 0.01


def store_file(url: URL) -> Path:
    """Return the file a SQLite URL names."""
    return Path(str(url.database))


def make_file(path: Path) -> None:
    """Create the store's file and folder, readable by their owner only; close an existing file to others.

    Raises:
        StoreError: The operating system refuses.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        # An existing file is not opened: closing it again would free the locks of connections this process has to it.
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
        if not os.access(path, os.W_OK):
            raise PermissionError(13, "Permission denied")
    except OSError as error:
        raise StoreError(
            f'The store cannot be written: "{path}": {error.strerror}. Name a folder you may write as service.data.'
        ) from error


@contextmanager
def write_guard(path: Path, wait_seconds: float) -> Iterator[None]:
    """Let nobody else write the store at `path` while the block runs, checkpoints after a commit included.

    SQLite's own lock ends with the commit, and before 3.51.3 a second process that writes while the first still moves
    pages from the log to the file can damage it. Every writing transaction of ours is inside this lock.

    Raises:
        StoreError: Another one kept it for longer than `wait_seconds`.
    """
    descriptor = os.open(path.with_name(path.name + GUARD_SUFFIX), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        until = time.monotonic() + wait_seconds
        while not _locked(descriptor):
            if time.monotonic() >= until:
                raise StoreError(
                    f"The store is busy: another process has been writing for {wait_seconds} s (one process writes at "
                    "a time). Try again when the other is done."
                )
            time.sleep(_LOOK_AGAIN_SECONDS)
        yield
    finally:
        os.close(descriptor)  # frees the lock


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def writing_engine(url: URL, busy_seconds: float, *, foreign_keys: bool) -> Engine:
    """Return an engine whose every transaction takes the write lock when it begins, not when it first writes."""
    pragmas = ("journal_mode=WAL", "synchronous=FULL", f"foreign_keys={'ON' if foreign_keys else 'OFF'}", _CACHE)
    return _engine(url, busy_seconds, pragmas, "BEGIN IMMEDIATE")


def reading_engine(url: URL, busy_seconds: float) -> Engine:
    """Return an engine that sees one snapshot per transaction and cannot write."""
    return _engine(url, busy_seconds, ("query_only=ON",), "BEGIN")


def _engine(url: URL, busy_seconds: float, pragmas: tuple[str, ...], begin: str) -> Engine:
    # No upper limit on connections: a waiting page would look like a broken store, and a SQLite connection is cheap.
    engine = create_engine(url, max_overflow=-1, connect_args={"timeout": busy_seconds})

    @event.listens_for(engine, "connect")
    def _set_up(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # the driver must not begin transactions by itself: it would begin them late
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine
