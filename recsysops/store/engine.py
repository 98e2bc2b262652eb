"""Engines: how a database is spoken to. What only one database understands is in `sqlite` and `postgresql`."""

import os
import re
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Final

from sqlalchemy import URL, Engine, make_url
from sqlalchemy.exc import ArgumentError

from recsysops.errors import StoreError
from recsysops.store import postgresql, sqlite

BUSY_SECONDS: Final = 10
"""How long a transaction that wants to write waits for another one."""

_NAMED: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_EXAMPLES: Final = "sqlite:////path/to/recsysops.sqlite or postgresql://user:${PASSWORD}@host/database"


def store_url(url: str) -> URL:
    """Read the URL of a store; `${NAME}` stands for an environment variable.

    Raises:
        StoreError: It is none, names a database this version cannot use, or a variable that is not set.
    """
    # Only an address we could read is shown again: what cannot be read may hold a password anywhere.
    try:
        parsed = _with_variables(url)
    except (ArgumentError, ValueError) as error:
        raise StoreError(f"The store's address is no URL (expected {_EXAMPLES}). Correct service.store.") from error
    if parsed.get_backend_name() == "postgresql" and parsed.drivername in {"postgresql", "postgresql+psycopg"}:
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() != "sqlite" or parsed.database in {None, "", ":memory:"}:
        raise StoreError(
            f'The store cannot be kept there: "{shown(parsed)}" (expected {_EXAMPLES}). Correct service.store.'
        )
    return parsed


def shown(url: URL) -> str:
    """Return the URL as it may be shown: without what follows from its query, and without its password."""
    return url.set(query={}).render_as_string(hide_password=True)


def is_sqlite(url: URL) -> bool:
    """Return whether a store is a SQLite file."""
    return url.get_backend_name() == "sqlite"


def writing_engine(url: URL, *, foreign_keys: bool = True) -> Engine:
    """Return an engine whose every transaction is the only writing one from when it begins, not from its first write.

    Args:
        url: From `store_url`.
        foreign_keys: SQLite: off only while migrating, where a table is rebuilt under its dependants.
    """
    if is_sqlite(url):
        return sqlite.writing_engine(url, BUSY_SECONDS, foreign_keys=foreign_keys)
    return postgresql.writing_engine(url, BUSY_SECONDS)


def reading_engine(url: URL) -> Engine:
    """Return an engine that sees one snapshot per transaction and cannot write."""
    return sqlite.reading_engine(url, BUSY_SECONDS) if is_sqlite(url) else postgresql.reading_engine(url)


def write_guard_of(url: URL) -> Callable[[], AbstractContextManager[None]]:
    """Return what every writing transaction on a store runs within; PostgreSQL needs nothing beside its own lock."""
    return partial(sqlite.write_guard, sqlite.store_file(url), BUSY_SECONDS) if is_sqlite(url) else nullcontext


def _with_variables(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        return make_url(_NAMED.sub(_variable, url))  # the address, or a port, is itself a variable
    # Part by part, so that a password may hold what means something in an address.
    parts = ("username", "password", "host", "database")
    return parsed.set(**{  # type: ignore[arg-type] # only texts
        name: _NAMED.sub(_variable, value) for name in parts if (value := getattr(parsed, name))
    })  # fmt: skip


def _variable(found: re.Match[str]) -> str:
    value = os.environ.get(found[1])
    if value is None:
        raise StoreError(
            f'service.store names an environment variable that is not set: "{found[1]}". Set it, or correct the name.'
        )
    return value
