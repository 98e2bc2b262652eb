"""Writes a backup: one moment of the store, while others write, and the models it names."""

import os
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Boolean, Connection, Date, Table, select

from recsysops.errors import StoreError, UsageError
from recsysops.store.archive import ArchiveReport, ArchiveWriter, is_of_a_model, report_of
from recsysops.store.bulk import stored
from recsysops.store.opening import HEAD, open_sql_store
from recsysops.store.refusals import DatabaseErrors, refusal
from recsysops.store.tables import Tables
from recsysops.store.tables_followed import ModelRow

_ROWS_AT_ONCE: Final = 5_000


def write_backup(
    url: str, artifacts: Path, target: Path, *, now: datetime, made_by: str = "recsysops", force: bool = False
) -> ArchiveReport:
    """Write a backup of the store at `url` to `target`, readable by its owner only.

    Writers are not held up, and the backup shows one moment between two of their commits. The file appears whole or not
    at all.

    Args:
        url: The store.
        artifacts: The data folder, below which the models' folders are.
        target: The file to write.
        now: Aware UTC time, for the manifest.
        made_by: Name and version of the program.
        force: Whether a file that is there is replaced.

    Raises:
        UsageError: The file is there and `force` is not given.
        StoreError: The store cannot be read, or the file not be written.
    """
    if target.exists() and not force:
        raise UsageError(f'The backup "{target}" exists. Nothing was written; pass --force to replace it.')
    store = open_sql_store(url, read_only=True)
    try:
        with _fresh_file(target) as fresh:
            with store.reading.connect() as connection, _archive(fresh) as archive:
                writer = ArchiveWriter(archive)
                _write_tables(writer, connection)
                _write_models(writer, connection, artifacts)
                manifest = writer.finish(HEAD, now.isoformat(), made_by)
            _publish(fresh, target)
    except DatabaseErrors as error:
        raise refusal(error) from error
    except OSError as error:
        raise StoreError(
            f'The backup cannot be written: "{target}": {error.strerror or error}. Name a file on a disk with room.'
        ) from error
    finally:
        store.close()
    return report_of(manifest, target)


def table_rows(connection: Connection, table: Table) -> Iterator[list[Any]]:
    """Yield the rows of a table in the order of its key, the same values whatever database holds them."""
    change = [_PLAIN.get(type(column.type), _as_it_is) for column in table.columns]
    is_all_the_same = set(change) == {_as_it_is}
    wanted = select(*(stored(column) for column in table.columns)).order_by(*table.primary_key.columns)
    result = connection.execution_options(yield_per=_ROWS_AT_ONCE).execute(wanted)
    for rows in result.partitions():
        for row in rows:
            yield (
                list(row)
                if is_all_the_same
                else [value if value is None else make(value) for make, value in zip(change, row, strict=True)]
            )


def _as_it_is(value: object) -> object:
    return value


_PLAIN: Final[dict[type, Callable[[Any], object]]] = {Boolean: bool, Date: date.isoformat}


def _write_tables(writer: ArchiveWriter, connection: Connection) -> None:
    for table in Tables.metadata.sorted_tables:
        writer.add_table(table.name, [column.name for column in table.columns], table_rows(connection, table))


def _write_models(writer: ArchiveWriter, connection: Connection, artifacts: Path) -> None:
    """Write the folders of the models the store names: each was whole before it was named, and is never changed."""
    folders: Sequence[str] = connection.scalars(select(ModelRow.folder).distinct().order_by(ModelRow.folder)).all()
    for folder in folders:
        for file in sorted((artifacts / folder).rglob("*")):
            path = file.relative_to(artifacts).as_posix()
            if file.is_file() and not file.is_symlink() and is_of_a_model(path):
                writer.add_file(path, file)


def _archive(path: Path) -> zipfile.ZipFile:
    return zipfile.ZipFile(path, "w", compression=zipfile.ZIP_DEFLATED, compresslevel=3)


@contextmanager
def _fresh_file(target: Path) -> Iterator[Path]:
    """Yield a new file beside `target`, for its owner only; gone afterwards unless it was published."""
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    os.close(descriptor)
    try:
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def _publish(fresh: Path, target: Path) -> None:
    """Give the file its name once all of it is on the disk."""
    descriptor = os.open(fresh, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    fresh.replace(target)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
