"""Rows of a database's query, streamed to a file as text. The only reader that opens a connection."""

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from recsysops.errors import SourceError
from recsysops.settings import SourceSettings
from recsysops.sources._raw import JOINED
from recsysops.sources._refusal import refuse
from recsysops.sources._text import checked_header

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection

_CHUNK: Final = 5_000
_VARIABLE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_NOT_CODE: Final = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`[^`]*`|--[^\n]*|/\*.*?\*/", re.DOTALL)
_WRITES: Final = re.compile(
    r"\b(insert|update|delete|merge|drop|alter|create|truncate|grant|revoke|call|copy|attach|pragma|into)\b",
    re.IGNORECASE,
)
_PACKAGES: Final = {"postgresql": 'pip install "recsysops[postgresql]"'}


def write_rows(table: str, source: SourceSettings, folder: Path, to: Path) -> list[str]:
    """Write the rows of a source's query to a Parquet file, every column as text.

    Times with a zone are written in UTC with it, times without one without; a list as its elements, joined.

    Args:
        table: Whose source it is.
        source: With `url` and `query`.
        folder: Where the path of a SQLite file begins.
        to: The file to write.

    Returns:
        The columns that hold lists.

    Raises:
        SourceError: not-reachable, bad-query, missing-library or no-rows; never with a password.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    expect_one_select(table, source.query)
    lists: set[str] = set()
    with _rows(table, source, folder) as (names, chunks):
        schema = pa.schema([(name, pa.large_string()) for name in names])
        with pq.ParquetWriter(to, schema) as writer:
            for chunk in chunks:
                cells = zip(*chunk, strict=True)
                texts = [
                    [_text(value, name, lists) for value in column] for name, column in zip(names, cells, strict=True)
                ]
                writer.write_batch(
                    pa.record_batch([pa.array(each, pa.large_string()) for each in texts], schema=schema)
                )
    return sorted(lists)


def expect_one_select(table: str, query: str) -> None:
    """Refuse a query that is not one SELECT.

    Raises:
        SourceError: bad-query.
    """
    code = _NOT_CODE.sub(" ", query).strip().rstrip(";").strip()
    is_select = re.match(r"(select|with|values|\()", code, re.IGNORECASE) is not None
    if not is_select or ";" in code or _WRITES.search(code):
        raise refuse(
            "bad-query", f"sources.{table}", "its query is not one SELECT.", "Write a single SELECT without INTO."
        )


def expect_reachable(table: str, source: SourceSettings, folder: Path) -> str:
    """Connect and part again; return the address without its password.

    Raises:
        SourceError: not-reachable, bad-query or missing-library.
    """
    expect_one_select(table, source.query)
    url, secrets = _url(table, source, folder)
    with _connection(table, url, secrets):
        return url.render_as_string(hide_password=True)


@contextmanager
def _rows(
    table: str, source: SourceSettings, folder: Path
) -> Iterator[tuple[list[str], Iterator[Sequence[Sequence[Any]]]]]:
    from sqlalchemy import text
    from sqlalchemy.exc import SQLAlchemyError

    url, secrets = _url(table, source, folder)
    with _connection(table, url, secrets) as connection:
        try:
            found = connection.execution_options(yield_per=_CHUNK).execute(text(source.query.replace(":", r"\:")))
            names = checked_header(_place(table), [str(name) for name in found.keys()])  # noqa: SIM118 - no mapping
            yield names, found.partitions(_CHUNK)
        except SQLAlchemyError as error:
            raise refuse(
                "bad-query",
                _place(table),
                f"the database refuses its query: {_said(error, secrets)}.",
                "Correct query.",
            ) from None  # the driver's error quotes the address


@contextmanager
def _connection(table: str, url: "URL", secrets: Sequence[str]) -> Iterator["Connection"]:
    """Open a connection that only reads."""
    from sqlalchemy import create_engine, event
    from sqlalchemy.exc import NoSuchModuleError, SQLAlchemyError

    name = url.get_backend_name()
    try:
        engine = create_engine(url)
    except (ImportError, NoSuchModuleError):
        hint = _PACKAGES.get(name, f"the driver of {name}")
        raise refuse(
            "missing-library", _place(table), f'no driver for "{name}" is installed.', f"Install it: {hint}."
        ) from None
    try:
        if name == "sqlite":
            event.listen(engine, "connect", _only_reads)
        options = {"postgresql_readonly": True} if name == "postgresql" else {}
        with engine.connect().execution_options(stream_results=True, **options) as connection:
            yield connection
    except SourceError:
        raise
    except SQLAlchemyError as error:
        raise refuse(
            "not-reachable", _place(table), f"its database does not answer: {_said(error, secrets)}.",
            f"Correct url under [sources.{table}], or start the database.",
        ) from None  # fmt: skip
    finally:
        engine.dispose()


def _only_reads(connection: Any, _: object) -> None:  # noqa: ANN401 - the driver's own
    connection.execute("PRAGMA query_only = ON")


def _url(table: str, source: SourceSettings, folder: Path) -> tuple["URL", list[str]]:
    """Return the address with its variables filled in, and what of it must never be shown."""
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    names = _VARIABLE.findall(source.url)
    unset = [name for name in names if name not in os.environ]
    if unset:
        found = f"the environment has no variable {unset[0]}, which its url names."
        raise refuse("not-reachable", _place(table), found, "Set it.")
    try:
        url = make_url(_VARIABLE.sub(lambda match: os.environ[match[1]], source.url))
    except (ArgumentError, ValueError):
        raise refuse(
            "not-reachable", _place(table), "its url is no SQLAlchemy URL.", "Write for example sqlite:///catalogue.db."
        ) from None
    if url.get_backend_name() == "sqlite" and url.database and url.database != ":memory:":
        file = (folder / url.database).resolve()
        if not file.is_file():
            raise refuse("not-found", str(file), "there is no such database file.", "Correct url of this source.")
        url = url.set(database=str(file))
    query = [part for value in url.query.values() for part in ([value] if isinstance(value, str) else value)]
    secrets = [str(url.password or ""), *(os.environ[name] for name in names), *query]
    return url, sorted({each for each in secrets if each}, key=len, reverse=True)


def _said(error: Exception, secrets: Sequence[str]) -> str:
    """Return the first line of what a driver says, without what must not be shown."""
    lines = str(getattr(error, "orig", None) or error).strip().splitlines() or [type(error).__name__]
    line = lines[0][:300].rstrip(".")
    for secret in secrets:
        line = line.replace(secret, "***")
    return line


def _place(table: str) -> str:
    return f"sources.{table}"


def _text(value: Any, name: str, lists: set[str]) -> str | None:  # noqa: ANN401 - what drivers give
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat(" ") if value.tzinfo is None else f"{value.astimezone(UTC).replace(tzinfo=None)}Z"
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, list | tuple):
        lists.add(name)
        return JOINED.join(_text(each, name, lists) or "" for each in value)
    if isinstance(value, Mapping):
        return json.dumps(value, sort_keys=True, default=str)
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    return str(value)
