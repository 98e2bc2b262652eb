"""Engines: how a database is spoken to. The only place with SQLite's own language."""

import os
import sqlite3
from pathlib import Path
from typing import Final

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from recsysops.errors import StoreError

BUSY_SECONDS: Final = 10
"""How long SQLite waits for another connection's transaction."""


def store_url(url: str) -> URL:
    """Read the URL of a store.

    Raises:
        StoreError: It is none, or names a database this version cannot use.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise StoreError(
            f'The store\'s address is no URL: "{url}" (expected sqlite:////path/to/recsysops.sqlite). '
            "Correct service.store."
        ) from error
    if parsed.get_backend_name() != "sqlite" or parsed.database in {None, "", ":memory:"}:
        raise StoreError(
            f'The store cannot be kept there: "{parsed.render_as_string()}" (expected a SQLite file, '
            "sqlite:////path/to/recsysops.sqlite). Correct service.store."
        )
    return parsed


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
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
    except OSError as error:
        raise StoreError(
            f'The store cannot be written: "{path}": {error.strerror}. Name a folder you may write as service.data.'
        ) from error


def writing_engine(url: URL, *, foreign_keys: bool = True) -> Engine:
    """Return an engine whose every transaction takes the write lock when it begins, not when it first writes.

    Args:
        url: A SQLite file.
        foreign_keys: Off only while migrating, where a table is rebuilt under its dependants.
    """
    pragmas = ("journal_mode=WAL", "synchronous=FULL", f"foreign_keys={'ON' if foreign_keys else 'OFF'}")
    return _engine(url, pragmas, "BEGIN IMMEDIATE")


def reading_engine(url: URL) -> Engine:
    """Return an engine that sees one snapshot per transaction and cannot write."""
    return _engine(url, ("query_only=ON",), "BEGIN")


def _engine(url: URL, pragmas: tuple[str, ...], begin: str) -> Engine:
    # No upper limit on connections: a waiting page would look like a broken store, and a SQLite connection is cheap.
    engine = create_engine(url, max_overflow=-1, connect_args={"timeout": BUSY_SECONDS})

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
