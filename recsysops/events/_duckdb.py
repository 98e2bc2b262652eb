"""DuckDB in this process, with its limits set. Not for what is counted."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pandas as pd

from recsysops.columns import MEMBER_ID
from recsysops.domain.batch import LogFile
from recsysops.events._alike import alike
from recsysops.events._ibis import LOG_SCHEMA, named, schema_of, sql_of
from recsysops.events.coverage import DAY_US
from recsysops.events.engine import EngineLimits

if TYPE_CHECKING:
    import duckdb
    import ibis.expr.types as ir

_EVENTS: Final = "log_rows"


class DuckDBEngine:
    """One connection, open for one aggregation."""

    def __init__(self, connection: "duckdb.DuckDBPyConnection") -> None:
        self._connection = connection

    def events(self, files: Sequence[LogFile], part: int = 0, parts: int = 1) -> "ir.Table":
        """See `Engine`; the rows are read when asked for."""
        rows = " UNION ALL ".join(_groups(files))
        if parts > 1:
            rows = f"SELECT * FROM ({rows}) WHERE hash({MEMBER_ID}) % {parts} = {part}"  # noqa: S608  # a name of ours
        self._connection.execute(f"CREATE OR REPLACE TEMP VIEW {_EVENTS} AS {rows}")
        return named(_EVENTS, LOG_SCHEMA)

    def lend(self, name: str, frame: pd.DataFrame) -> "ir.Table":
        """See `Engine`."""
        import pyarrow as pa

        self._connection.register(name, pa.Table.from_pandas(frame, preserve_index=False))
        return named(name, schema_of(frame))

    def compute(self, expression: "ir.Table") -> pd.DataFrame:
        """See `Engine`."""
        frame: pd.DataFrame = self._connection.sql(sql_of(expression, "duckdb")).to_arrow_table().to_pandas()
        return frame

    def keep(self, name: str, expression: "ir.Table") -> "ir.Table":
        """Run an expression and keep what it gives under `name`, until the engine is closed."""
        self._connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {sql_of(expression, 'duckdb')}")
        return named(name, {column: str(kind).lower() for column, kind in expression.schema().items()})

    def keep_keyed(self, name: str, table: "ir.Table", secret: str) -> "ir.Table":
        """Keep a kept table under `name` with a keyed 128-bit hash of each member in place of its id."""
        source, keyed = table.get_name(), f"CAST(substr(sha256('{secret}' || {MEMBER_ID}), 1, 32) AS UUID)"
        members = f"SELECT {MEMBER_ID}, {keyed} AS keyed FROM (SELECT DISTINCT {MEMBER_ID} FROM {source})"  # noqa: S608
        rows = f"SELECT {source}.* REPLACE (keyed AS {MEMBER_ID}) FROM {source} JOIN ({members}) USING ({MEMBER_ID})"  # noqa: S608
        self._connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {rows}")
        return named(name, {column: str(kind).lower() for column, kind in table.schema().items()} | {MEMBER_ID: "uuid"})

    def write(self, rows: str, path: Path) -> None:
        """Write what a query gives to a Parquet file."""
        self._connection.execute(f"COPY ({rows}) TO '{_escaped(path)}' (FORMAT parquet, COMPRESSION zstd)")

    def view(self, name: str, paths: Sequence[Path], schema: dict[str, str]) -> "ir.Table":
        """Show Parquet files under `name`; without any, no rows."""
        files = ", ".join(f"'{_escaped(path)}'" for path in paths)
        rows = f"read_parquet([{files}])" if paths else _nothing(schema)
        self._connection.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS SELECT * FROM {rows}")  # noqa: S608
        return named(name, schema)


@contextmanager
def duckdb_engine(limits: EngineLimits) -> Iterator[DuckDBEngine]:
    """Open an engine, and close it."""
    import duckdb

    spill = limits.folder / "spill"
    spill.mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect(
        config={
            "threads": limits.threads,
            "memory_limit": f"{limits.memory_mb}MB",
            "temp_directory": str(spill),
            "preserve_insertion_order": False,
        }
    )
    try:
        connection.execute("SET TimeZone = 'UTC'")
        yield DuckDBEngine(connection)
    finally:
        connection.close()


def _groups(files: Sequence[LogFile]) -> Iterator[str]:
    """Put files that are read alike into one query; a declared day with faulty rows is a query of its own."""
    for view, day, group in alike(files):
        scan = view.scan([file.path for file in group])
        yield view.rows(scan) if day is None else view.rows(scan, day, day + DAY_US)


def _nothing(schema: dict[str, str]) -> str:
    kinds = {"int32": "INTEGER", "uuid": "UUID"}
    columns = ", ".join(f"CAST(NULL AS {kinds[kind]}) AS {name}" for name, kind in schema.items())
    return f"(SELECT {columns} WHERE false)"


def _escaped(path: Path) -> str:
    return str(path).replace("'", "''")
