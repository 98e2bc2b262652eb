"""Frames into tables and out of selects by the ten thousand, past the object mapper. Not for single rows."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import pandas as pd
from sqlalchemy import BigInteger, ColumnElement, FromClause, Select, Text, type_coerce
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.orm import Session

from recsysops.store.column_types import JsonText, UtcDateTime
from recsysops.store.copying import copy_columns
from recsysops.store.frames import is_storable, typed_frame
from recsysops.store.tables import Tables

AnySelect = Select[*tuple[Any, ...]]

_ROWS_AT_ONCE: Final = 20_000
_VALUES_AT_ONCE: Final = 5_000
"""SQLite takes at most 32,766 parameters in one statement."""


def stored(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the column as the database keeps it: times as microseconds, JSON as text; frames convert as a whole."""
    if isinstance(column.type, UtcDateTime):
        return type_coerce(column, BigInteger)
    return type_coerce(column, Text) if isinstance(column.type, JsonText) else column


def stored_columns(table: FromClause, names: Sequence[str]) -> list[ColumnElement[Any]]:
    """Return the named columns of a table as the database keeps them."""
    return [stored(table.c[name]).label(name) for name in names]


def insert_columns(
    session: Session,
    model: type[Tables],
    names: Sequence[str],
    lists: Sequence[Sequence[Any]],
    *,
    once_by: str | None = None,
) -> int:
    """Insert rows given as one list of stored values per column; return how many went in.

    Args:
        session: Inside a transaction.
        model: The table.
        names: Its columns.
        lists: One list per name, all of the same length, as `plain_columns` makes them.
        once_by: A unique column: a row whose value is there already, or stood earlier in the lists, is left out.
    """
    if not len(lists[0]):
        return 0
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        return copy_columns(connection, model.__tablename__, names, lists, once_by=once_by)
    statement = insert(model).inline()
    if once_by is not None:
        statement = statement.on_conflict_do_nothing(index_elements=[once_by])
    compiled = statement.compile(dialect=connection.dialect, column_keys=list(names))
    order = [list(names).index(name) for name in compiled.positiontup or names]
    total = len(lists[0])
    inserted = 0
    for start in range(0, total, _ROWS_AT_ONCE):
        rows = list(zip(*(lists[at][start : start + _ROWS_AT_ONCE] for at in order), strict=True))
        # Straight to the driver: the statement is compiled once and no row passes through Python again.
        given: Any = rows if compiled.positional else [dict(zip(names, row, strict=True)) for row in rows]
        inserted += connection.exec_driver_sql(str(compiled), given).rowcount
    return inserted


def read_frame(session: Session, statement: AnySelect, names: Sequence[str], table: str) -> pd.DataFrame:
    """Return what `statement` selects (`stored_columns`, in the order of `names`), as `typed_frame` makes it."""
    result: Any = session.connection().execute(statement)
    # The driver's own rows: `stored_columns` leaves nothing to convert, and a Row object per row costs as much again.
    rows = result.cursor.fetchall()
    result.close()
    return typed_frame(zip(*rows, strict=True) if rows else [[] for _ in names], names, table)


def wanted_text(value: str) -> str | None:
    """Return a text as it can be looked for; None, which equals nothing, where no store can keep it."""
    return value if is_storable(value) else None


def pieces(values: Sequence[str]) -> Iterator[Sequence[str]]:
    """Cut distinct values into pieces that fit one statement; a value no store can keep is found nowhere."""
    distinct = list(dict.fromkeys(value for value in values if is_storable(value)))
    for start in range(0, len(distinct), _VALUES_AT_ONCE):
        yield distinct[start : start + _VALUES_AT_ONCE]
