"""Opening the store: its file, its schema's revision, and the way up to the newest one."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import URL, Column, Connection, MetaData, Table, Text, inspect, select

from recsysops.errors import StoreError
from recsysops.store.engine import is_sqlite, shown, store_url, write_guard_of, writing_engine
from recsysops.store.postgresql import refuse_lost_durability
from recsysops.store.refusals import DatabaseErrors, refusal
from recsysops.store.sqlite import make_file, store_file
from recsysops.store.unit import SqlStore

if TYPE_CHECKING:
    from alembic.config import Config

HEAD: Final = "0004"
"""Newest revision of the schema; kept here so that opening a store that is up to date need not load the migrations."""

REVISION_TABLE: Final = "alembic_version"
_REVISION: Final = Table(REVISION_TABLE, MetaData(), Column("version_num", Text))


def open_sql_store(url: str, *, read_only: bool = False) -> SqlStore:
    """Open the store at `url`; see `recsysops.store.open_store`."""
    where = store_url(url)
    if is_sqlite(where):
        _look_at_file(store_file(where), read_only=read_only)
    store = SqlStore(where, read_only=read_only)
    with ExitStack() as failing:
        failing.callback(store.close)
        _bring_up_to_date(store, url, read_only=read_only)
        failing.pop_all()
    return store


def _bring_up_to_date(store: SqlStore, url: str, *, read_only: bool) -> None:
    found = _revision_in(store, read_only=read_only)
    if found != HEAD and read_only:
        was = "empty" if found is None else f"of revision {found}"
        raise StoreError(
            f'The store\'s schema does not fit: "{_place(store.url)}" is {was} (expected {HEAD}). '
            "Run a writing command, such as `recsysops ingest`, with this version of RecSysOps to bring it up to date."
        )
    if found != HEAD:
        migrate(url)


def migrate(url: str, revision: str = HEAD) -> None:
    """Bring the schema to `revision`, up or down, in one transaction.

    Args:
        url: The store.
        revision: A revision of `migrations/versions`, or `base` for nothing at all.

    Raises:
        StoreError: The schema has a revision this version does not know, or the database refuses.
    """
    with changing_schema(url) as connection:
        move_schema(connection, revision)


@contextmanager
def changing_schema(url: str) -> Iterator[Connection]:
    """Yield a connection in the one transaction that changes the schema, and what belongs to the change.

    Raises:
        StoreError: The schema has a revision this version does not know, rows would lose what they refer to, or the
            database refuses; then nothing was changed.
    """
    from alembic.script.revision import ResolutionError
    from alembic.util import CommandError

    where = store_url(url)
    engine = writing_engine(where, foreign_keys=False)
    try:
        with write_guard_of(where)(), engine.begin() as connection:
            yield connection
            refuse_orphans(connection)
    except (CommandError, ResolutionError) as error:
        raise StoreError(
            f"The store's schema is unknown: {error}. Use the version of RecSysOps that made it, or a newer one."
        ) from error
    except DatabaseErrors as error:
        raise refusal(error) from error
    finally:
        engine.dispose()


def move_schema(connection: Connection, revision: str) -> None:
    """Bring the schema to `revision`, up or down, within `changing_schema`."""
    from alembic import command
    from alembic.script import ScriptDirectory

    config = migrations(connection)
    found = revision_of(connection)
    if found is not None:
        ScriptDirectory.from_config(config).get_revision(found)
    move = command.downgrade if revision == "base" or (found or "") > revision else command.upgrade
    move(config, revision)


def migrations(connection: Connection) -> "Config":
    """Return Alembic's configuration for migrating over `connection`."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def revision_of(connection: Connection) -> str | None:
    """Return the revision of the schema; None where there is no schema."""
    if not inspect(connection).has_table(_REVISION.name):
        return None
    return connection.execute(select(_REVISION.c.version_num)).scalar()


def _look_at_file(path: Path, *, read_only: bool) -> None:
    if not read_only:
        make_file(path)
    elif not path.is_file():
        raise StoreError(f'There is no store: "{path}" does not exist. Run `recsysops ingest` to make one.')


def _place(url: URL) -> str:
    return str(store_file(url)) if is_sqlite(url) else shown(url)


def _revision_in(store: SqlStore, *, read_only: bool) -> str | None:
    try:
        with store.reading.connect() as connection:
            if not read_only and not is_sqlite(store.url):
                refuse_lost_durability(connection, store.url)
            return revision_of(connection)
    except DatabaseErrors as error:
        raise refusal(error) from error


def refuse_orphans(connection: Connection) -> None:
    """Refuse rows whose reference leads nowhere, before anything is committed."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")  # looks at everything that was put off
        return
    # Foreign keys were off while tables were rebuilt: whatever a migration cut loose must not be committed.
    if orphans := connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall():
        raise StoreError(
            f"The store cannot be migrated: {len(orphans)} rows would lose what they refer to (expected none). "
            "The store is unchanged; report it with the output of `recsysops doctor`."
        )
