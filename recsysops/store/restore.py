"""Restores a backup: into a store that holds nothing, or, on demand, in place of what it holds. Whole or not at all."""

import tempfile
import zipfile
import zlib
from collections.abc import Sequence
from functools import partial
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Date,
    Double,
    Float,
    Integer,
    MetaData,
    Table,
    Text,
    func,
    inspect,
    select,
)

from recsysops.errors import StoreError, UsageError
from recsysops.store.archive import ArchiveReader, ArchiveReport, report_of
from recsysops.store.copying import copy_columns
from recsysops.store.engine import is_sqlite, reading_engine, store_url
from recsysops.store.frames import is_storable
from recsysops.store.opening import HEAD, REVISION_TABLE, changing_schema, move_schema, open_sql_store, refuse_orphans
from recsysops.store.refusals import DatabaseErrors, refusal
from recsysops.store.sqlite import store_file

_ROWS_AT_ONCE: Final = 20_000
_KINDS: Final[dict[type, set[type]]] = {
    BigInteger: {int}, Integer: {int}, Double: {float, int}, Float: {float, int}, Text: {str}, Boolean: {bool},
    Date: {str},
}  # fmt: skip


def restore_backup(url: str, artifacts: Path, source: Path, *, force: bool = False) -> ArchiveReport:
    """Restore a backup into the store at `url`, and its models below `artifacts`.

    Everything is read and compared with the backup's own hashes first. Then the store's tables are made anew and filled
    in one transaction: whoever reads meanwhile sees what was there before, or what is there after.

    Args:
        url: The store; made when absent.
        artifacts: The data folder.
        source: The backup.
        force: Whether what the store holds is replaced.

    Raises:
        UsageError: The store holds something and `force` is not given, or there is no such file.
        StoreError: The backup is damaged, or of a newer version; the store was not changed.
    """
    if not source.is_file():
        raise UsageError(f'There is no backup: "{source}" does not exist. Name the file `recsysops backup` wrote.')
    try:
        with zipfile.ZipFile(source) as archive:
            reader = ArchiveReader(source, archive)
            _refuse_newer(reader)
            reader.verify()
            if not force:
                _refuse_full(url)
            _restore(reader, url, artifacts)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, EOFError) as error:
        raise StoreError(
            f'The backup cannot be restored: "{source.name}" is damaged or no backup: {error}. Nothing was changed; '
            "take another one."
        ) from error
    except DatabaseErrors as error:
        raise refusal(error) from error
    except OSError as error:
        raise StoreError(
            f'The backup cannot be restored: {error.strerror or error}. See "{error.filename or source}".'
        ) from error
    return report_of(reader.manifest, source)


def _refuse_newer(reader: ArchiveReader) -> None:
    revision = reader.manifest.revision
    if revision > HEAD:
        raise StoreError(
            f"The backup cannot be restored: it is of schema {revision} (this version knows up to {HEAD}). "
            "Use the version of RecSysOps that made it, or a newer one."
        )


def _refuse_full(url: str) -> None:
    """Refuse a store that holds a row."""
    where = store_url(url)
    if is_sqlite(where) and not store_file(where).is_file():
        return
    engine = reading_engine(where)
    try:
        with engine.connect() as connection:
            full = next(filter(partial(_has_rows, connection), inspect(connection).get_table_names()), None)
    finally:
        engine.dispose()
    if full is not None:
        raise UsageError(
            f'The store holds something already: table "{full}" has rows (expected an empty store). Nothing was '
            "changed; pass --force to put the backup in its place."
        )


def _has_rows(connection: Connection, table: str) -> bool:
    first = f"SELECT 1 FROM {connection.dialect.identifier_preparer.quote(table)} LIMIT 1"  # noqa: S608 - its own name
    return table != REVISION_TABLE and connection.exec_driver_sql(first).first() is not None


def _restore(reader: ArchiveReader, url: str, artifacts: Path) -> None:
    open_sql_store(url).close()  # makes it, and refuses what could lose the rows again
    artifacts.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".restore-", dir=artifacts) as name:
        fresh = Path(name)
        _unpack_models(reader, fresh)
        with changing_schema(url) as connection:
            move_schema(connection, "base")
            move_schema(connection, reader.manifest.revision)
            _fill(connection, reader)
            move_schema(connection, HEAD)
            refuse_orphans(connection)
            # Before the rows that name them are there to be read; an unnamed model hurts nobody.
            _publish_models(reader, fresh, artifacts)


def _fill(connection: Connection, reader: ArchiveReader) -> None:
    found = MetaData()
    found.reflect(connection)
    tables = {table.name: table for table in found.sorted_tables if table.name != REVISION_TABLE}
    if set(tables) != set(reader.manifest.tables):
        raise reader.damaged("it does not have the tables of its schema")
    for name, table in tables.items():
        columns = reader.manifest.tables[name].columns
        if set(columns) != {column.name for column in table.columns} or len(set(columns)) != len(columns):
            raise reader.damaged(f"table {name} does not have the columns of its schema")
        rows, n = reader.rows(name), 0
        while block := list(islice(rows, _ROWS_AT_ONCE)):
            _check(reader, [table.c[column] for column in columns], block)
            _insert(connection, name, columns, block)
            n += len(block)
        if n != reader.manifest.tables[name].rows:
            raise reader.damaged(f"table {name} has {n} rows")
        _continue_numbers(connection, table)


def _check(reader: ArchiveReader, columns: Sequence[Column[Any]], block: Sequence[Sequence[Any]]) -> None:
    """Refuse values that are not of their column's kind: SQLite would keep anything anywhere."""
    for column, values in zip(columns, zip(*block, strict=True), strict=True):
        allowed = _KINDS[column.type.as_generic().__class__] | ({type(None)} if column.nullable else set())
        if set(map(type, values)) - allowed or not all(map(_fits, values)):
            raise reader.damaged(f"column {column} holds what it must not")


def _fits(value: object) -> bool:
    """Return whether every database can keep a value of the right kind."""
    if isinstance(value, str):
        return is_storable(value)
    return not isinstance(value, int) or abs(value) < 2**63


def _insert(connection: Connection, table: str, columns: Sequence[str], block: Sequence[Sequence[Any]]) -> None:
    if connection.dialect.name == "postgresql":
        copy_columns(connection, table, columns, list(zip(*block, strict=True)))
        return
    quote = connection.dialect.identifier_preparer.quote
    names, places = ", ".join(map(quote, columns)), ", ".join("?" * len(columns))
    rows: Any = [tuple(row) for row in block]
    connection.exec_driver_sql(f"INSERT INTO {quote(table)} ({names}) VALUES ({places})", rows)  # noqa: S608 - our own names


def _continue_numbers(connection: Connection, table: Table) -> None:
    """Let rows be numbered on from the last one; SQLite does so by itself."""
    if connection.dialect.name != "postgresql" or "sequence" not in table.c:
        return
    last = connection.scalar(select(func.max(table.c.sequence)))
    if last is not None:
        name = connection.dialect.identifier_preparer.quote(table.name)
        connection.execute(select(func.setval(func.pg_get_serial_sequence(name, "sequence"), last)))


def _unpack_models(reader: ArchiveReader, fresh: Path) -> None:
    for path in reader.manifest.files:
        target = fresh / path
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        reader.unpack(path, target)


def _publish_models(reader: ArchiveReader, fresh: Path, artifacts: Path) -> None:
    """Move each model's folder to its place; one that is there has the same content, or is a damaged copy of it."""
    for folder in sorted({Path(*PurePosixPath(path).parts[:2]) for path in reader.manifest.files}):
        place, old = artifacts / folder, fresh / "old" / folder
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if place.exists():
            old.parent.mkdir(parents=True, exist_ok=True)
            place.rename(old)
        (fresh / folder).rename(place)
