"""What only PostgreSQL understands: snapshots, advisory locks, and settings under which commits can be lost."""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import URL, Connection, Engine, create_engine, event

from recsysops.errors import StoreError

if TYPE_CHECKING:
    import psycopg

UNSAFE_DURABILITY: Final = "unsafe_durability"
"""Part of a store's URL: `accept` where a lost commit does not matter, as in tests."""

TRANSACTION_LOCK: Final = "pg_advisory_xact_lock(1920165746, hashtext(current_schema()))"
"""Held by every writing transaction: one at a time in a database and schema."""
WRITER_LOCK: Final = "1920165747, hashtext(current_schema())"
"""Key of the lock a writing verb holds from its beginning to its end."""

_SAFE: Final = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on, remote_apply, remote_write, local"}
_CONNECT_SECONDS: Final = 10
_KEEP_ALIVE_SECONDS: Final = 60
_IDLE_CONNECTIONS: Final = 5
_MORE_CONNECTIONS: Final = 15


def reading_engine(url: URL) -> Engine:
    """Return an engine that sees one snapshot per transaction and cannot write."""
    engine = _engine(url)

    @event.listens_for(engine, "connect")
    def _set_up(connection: "psycopg.Connection[Any]", _record: object) -> None:
        from psycopg import IsolationLevel

        # Part of each BEGIN from now on: no statement of its own, and right behind a pool of connections, too.
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        connection.read_only = True

    return engine


def writing_engine(url: URL, busy_seconds: float) -> Engine:
    """Return an engine whose every transaction waits for the others to end when it begins.

    READ COMMITTED: a snapshot from before the wait would not show what the others wrote.
    """
    engine = _engine(url)
    begin = f"SET LOCAL lock_timeout = '{max(1, round(busy_seconds * 1000))}ms'; SELECT {TRANSACTION_LOCK}"

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def lost_durability(connection: Connection) -> Mapping[str, str]:
    """Return the settings of the server under which an acknowledged commit can be lost, with what they should be."""
    names = ", ".join(f"'{name}'" for name in _SAFE)
    asked = f"SELECT name, setting FROM pg_settings WHERE name IN ({names})"  # noqa: S608 - our own names
    found = connection.exec_driver_sql(asked)
    return {f"{name}={value}": _SAFE[name] for name, value in found if value not in _SAFE[name].split(", ")}


def refuse_lost_durability(connection: Connection, url: URL) -> None:
    """Refuse a server that may lose what it acknowledged, unless the URL accepts that.

    Raises:
        StoreError: It may, and the URL does not.
    """
    lost = lost_durability(connection)
    if lost and url.query.get(UNSAFE_DURABILITY) != "accept":
        found = ", ".join(lost)
        raise StoreError(
            f"The PostgreSQL server may lose what it has acknowledged: {found}. Set it to on, or, where that does not "
            f"matter, add {UNSAFE_DURABILITY}=accept to the query of service.store."
        )


def connect_arguments(url: URL) -> dict[str, object]:
    """Return what a connection is made with, beside the URL: what the URL says itself wins."""
    given = {"connect_timeout": _CONNECT_SECONDS, "client_encoding": "utf8", "application_name": "recsysops"}
    given["keepalives_idle"] = _KEEP_ALIVE_SECONDS  # a lock is held over hours in which nothing is said
    return {name: value for name, value in given.items() if name not in url.query}


def driver_url(url: URL) -> URL:
    """Return the URL without what only we understand.

    Raises:
        StoreError: The driver is not installed.
    """
    if find_spec("psycopg") is None:
        raise StoreError(
            "The store is in PostgreSQL, and its driver is not installed. Install it: "
            'pip install "recsysops[postgresql]".'
        )
    return url.difference_update_query([UNSAFE_DURABILITY])


def _engine(url: URL) -> Engine:
    # Pinged before use: a server that was started anew costs a moment, not an error.
    return create_engine(
        driver_url(url), pool_pre_ping=True, pool_size=_IDLE_CONNECTIONS, max_overflow=_MORE_CONNECTIONS,
        connect_args=connect_arguments(url),
    )  # fmt: skip
