"""Opening the store: its file, its schema's revision, and the way up to the newest one."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import URL, Column, Connection, MetaData, Table, Text, inspect, select
from sqlalchemy.exc import DBAPIError

from recsysops.errors import StoreError
from recsysops.store.engine import make_file, reading_engine, store_file, store_url, writing_engine
from recsysops.store.unit import SqlStore, refusal

if TYPE_CHECKING:
    from alembic.config import Config

HEAD: Final = "0001"
"""Newest revision of the schema; kept here so that opening a store that is up to date need not load the migrations."""

_REVISION: Final = Table("alembic_version", MetaData(), Column("version_num", Text))


def open_sql_store(url: str, *, read_only: bool = False) -> SqlStore:
    """Open the store at `url`; see `recsysops.store.open_store`."""
    where = store_url(url)
    path = store_file(where)
    if read_only and not path.is_file():
        raise StoreError(f'There is no store: "{path}" does not exist. Run `recsysops ingest` to make one.')
    if not read_only:
        make_file(path)
    found = _revision_at(where)
    if found != HEAD and read_only:
        was = "empty" if found is None else f"of revision {found}"
        raise StoreError(
            f'The store\'s schema does not fit: "{path}" is {was} (expected {HEAD}). '
            "Run a writing command, such as `recsysops ingest`, with this version of RecSysOps to bring it up to date."
        )
    if found != HEAD:
        migrate(url)
    return SqlStore(where, read_only=read_only)


def migrate(url: str, revision: str = HEAD) -> None:
    """Bring the schema to `revision`, up or down, in one transaction.

    Args:
        url: The store.
        revision: A revision of `migrations/versions`, or `base` for nothing at all.

    Raises:
        StoreError: The schema has a revision this version does not know, or the database refuses.
    """
    from alembic import command
    from alembic.script import ScriptDirectory
    from alembic.script.revision import ResolutionError
    from alembic.util import CommandError

    engine = writing_engine(store_url(url), foreign_keys=False)
    try:
        with engine.begin() as connection:
            config = migrations(connection)
            found = revision_of(connection)
            if found is not None:
                ScriptDirectory.from_config(config).get_revision(found)
            move = command.downgrade if revision == "base" or (found or "") > revision else command.upgrade
            move(config, revision)
            _refuse_orphans(connection)
    except (CommandError, ResolutionError) as error:
        raise StoreError(
            f"The store's schema is unknown: {error}. Use the version of RecSysOps that made it, or a newer one."
        ) from error
    except DBAPIError as error:
        raise refusal(error) from error
    finally:
        engine.dispose()


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


def _revision_at(url: URL) -> str | None:
    engine = reading_engine(url)
    try:
        with engine.connect() as connection:
            return revision_of(connection)
    except DBAPIError as error:
        raise refusal(error) from error
    finally:
        engine.dispose()


def _refuse_orphans(connection: Connection) -> None:
    # Foreign keys were off while tables were rebuilt: whatever a migration cut loose must not be committed.
    if orphans := connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall():
        raise StoreError(
            f"The store cannot be migrated: {len(orphans)} rows would lose what they refer to (expected none). "
            "The store is unchanged; report it with the output of `recsysops doctor`."
        )
