"""The lock a writing verb holds at the store itself: for processes with other settings, and on other machines."""

import os
import re
import socket
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, create_engine
from sqlalchemy.pool import NullPool

from recsysops.store.engine import is_sqlite, store_url
from recsysops.store.lock import WaitedFor, holder_sentence
from recsysops.store.postgresql import WRITER_LOCK, connect_arguments, driver_url
from recsysops.store.refusals import DatabaseErrors, refusal
from recsysops.store.sqlite import store_file

_NAME_BYTES: Final = 63
"""PostgreSQL cuts the name of an application to this."""
_NAMED: Final = re.compile(r"recsysops (?P<verb>\S+) (?P<pid>\d+)@(?P<host>.+)")
_HOLDER: Final = """
    SELECT application_name, state_change FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE locktype = 'advisory' AND granted AND objsubid = 2 AND classid = 1920165747
    AND objid::bigint = hashtext(current_schema())::bigint & 4294967295
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


def lock_at_store(url: str, folder: Path, verb: str) -> Path | AbstractContextManager[WaitedFor] | None:
    """Return what to lock beside the data folder: another folder, the database, or nothing."""
    where = store_url(url)
    if not is_sqlite(where):
        return _database_lock(where, verb)
    home = store_file(where).parent.resolve()
    return None if home == folder.resolve() else home


@contextmanager
def _database_lock(url: URL, verb: str) -> Iterator[WaitedFor]:
    """Yield the database's lock: it is freed when its connection ends, however that ends."""
    name = f"recsysops {verb} {os.getpid()}@{socket.gethostname()}"[:_NAME_BYTES]
    arguments = connect_arguments(url) | {"application_name": name}
    # Outside transactions: one that stays open for as long as a verb runs would keep old rows from being cleaned up.
    engine = create_engine(
        driver_url(url), poolclass=NullPool, isolation_level="AUTOCOMMIT", connect_args=arguments
    )  # fmt: skip
    try:
        connection = engine.connect()
    except DatabaseErrors as error:
        raise refusal(error) from error
    try:
        yield _DatabaseLock(connection)
    finally:
        connection.invalidate()  # closes it for good: nothing else frees a lock more surely
        connection.close()


class _DatabaseLock:
    """An advisory lock of a session that does nothing else."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def take(self) -> bool:
        return bool(self._ask(f"SELECT pg_try_advisory_lock({WRITER_LOCK})")[0])

    def holder(self) -> str:
        name, since = self._ask(_HOLDER)
        named = _NAMED.fullmatch(name or "")
        if named is None or since is None:
            return "another process"  # it is just ending, or belongs to a user we may not look at
        when = since.astimezone(UTC).isoformat(timespec="seconds")
        return holder_sentence(named["verb"], named["pid"], named["host"], when)

    def _ask(self, sql: str) -> tuple[Any, Any]:
        """Return the first row, padded to two columns."""
        try:
            found = self._connection.exec_driver_sql(sql).first()
        except DatabaseErrors as error:
            raise refusal(error) from error
        row = [] if found is None else list(found)
        first, second, *_ = (*row, None, None)
        return first, second
