"""Rows of a database or a Delta table to files in a fixed order: runs in the process that reads."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from recsysops.columns import MEMBER_ID, TITLE_ID, TS
from recsysops.domain.log_view import FIRST_US, LAST_US, LogView, identifier
from recsysops.sources._refusal import no_rows, refuse

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_DAY: Final = " day"
"""A name no column can have."""
_DAY_US: Final = 86_400_000_000
_BATCH: Final = 32_768
_UNDATED: Final = "undated"


def extract(job: Mapping[str, Any]) -> int:
    """Write the rows of `from` into the folder `to`, sorted; return how many there are.

    One file `all.parquet`; for a log one a UTC day, and `undated.parquet` for rows without a time.

    Raises:
        SourceError: They cannot be read.
        MemoryError: The engine needs more than it may have.
    """
    import duckdb
    import pyarrow as pa

    try:
        with _engine(job) as engine:
            columns = _opened(engine, job)
            return _write(engine, job, columns)
    except (duckdb.Error, pa.ArrowException) as error:
        if "memory" in str(error).lower() or "alloc" in str(error):
            raise MemoryError(str(error)[:200]) from error
        raise refuse("corrupt", job["from"], "its content is damaged.", "Deliver it again.") from error


def _engine(job: Mapping[str, Any]) -> "duckdb.DuckDBPyConnection":
    import duckdb

    spill = Path(job["to"]) / "spill"
    config: dict[str, str | bool | int | float | list[str]] = {
        "threads": 1,
        "autoinstall_known_extensions": False,
        "temp_directory": str(spill),
        "memory_limit": f"{job['engine_mb']}MB",
    }
    engine = duckdb.connect(config=config)
    engine.execute("SET TimeZone = 'UTC'")
    return engine


def _opened(engine: "duckdb.DuckDBPyConnection", job: Mapping[str, Any]) -> dict[str, str]:
    """Make the view `found` of the rows; return its columns and the engine's type of each."""
    if job["kind"] == "delta":
        engine.register("found", _delta(job["from"]))
    else:
        engine.register("found", engine.from_parquet(job["from"]))
    described = engine.execute("DESCRIBE SELECT * FROM found").fetchall()
    return {row[0]: row[1] for row in described if row[0] not in job["ignore"]}


def _delta(folder: str) -> "pa.dataset.Dataset":
    try:
        from deltalake import DeltaTable
        from deltalake.exceptions import DeltaError
    except ImportError as error:
        raise refuse(
            "missing-library", folder, "a Delta table needs the library deltalake.",
            'Run pip install "recsysops[delta]".',
        ) from error  # fmt: skip
    try:
        return DeltaTable(folder).to_pyarrow_dataset()
    except (DeltaError, OSError, ValueError) as error:
        raise refuse(
            "wrong-format", folder, "it is no Delta table that can be read.", "Correct the path of this source."
        ) from error


def _write(engine: "duckdb.DuckDBPyConnection", job: Mapping[str, Any], columns: Mapping[str, str]) -> int:
    chosen = ", ".join(_split(name) if name in job["lists"] else identifier(name) for name in columns)
    day = _day(job, columns) if job["is_log"] else "0"
    query = f"SELECT {day} AS {identifier(_DAY)}, {chosen} FROM found ORDER BY ALL"  # noqa: S608  # names are quoted
    return _write_days(job, engine.sql(query).to_arrow_reader(_BATCH))


def _write_days(job: Mapping[str, Any], reader: "pa.RecordBatchReader") -> int:
    import pyarrow.parquet as pq

    names = [name for name in reader.schema.names if name != _DAY]
    schema = reader.schema.remove(reader.schema.get_field_index(_DAY))
    n = 0
    for day, parts in groupby(_by_day(reader), key=lambda each: each[0]):
        with pq.ParquetWriter(Path(job["to"]) / _name(job, day), schema, compression="zstd") as writer:
            for _, part in parts:
                writer.write_batch(part.select(names))
                n += part.num_rows
    if n == 0:
        raise no_rows(job["from"])
    return n


def _by_day(reader: "pa.RecordBatchReader") -> Iterator[tuple[int | None, "pa.RecordBatch"]]:
    """Yield runs of rows of one day; the rows come sorted by it."""
    for batch in reader:
        days = batch.column(_DAY).to_pylist()
        start = 0
        for at in range(1, len(days) + 1):
            if at == len(days) or days[at] != days[start]:
                yield days[start], batch.slice(start, at - start)
                start = at


def _day(job: Mapping[str, Any], columns: Mapping[str, str]) -> str:
    """Return the expression of a row's UTC day, counted from 1970; missing where it has no possible time."""
    ts = job["ts"]
    if ts not in columns:
        return "NULL::BIGINT"
    view = LogView(
        format="parquet",
        columns={TS: ts, TITLE_ID: ts, MEMBER_ID: ts},
        types={TS: columns[ts]},
        epoch_unit=job["epoch_unit"],
    )
    at = view.time_of_row()
    return f"CASE WHEN {at} >= {FIRST_US} AND {at} < {LAST_US} THEN CAST(floor({at} / {_DAY_US}.0) AS BIGINT) END"


def _name(job: Mapping[str, Any], day: int | None) -> str:
    if not job["is_log"]:
        return "all.parquet"
    if day is None:
        return f"{_UNDATED}.parquet"
    return f"{(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day)).date().isoformat()}.parquet"


def _split(name: str) -> str:
    return f"string_split({identifier(name)}, chr(31)) AS {identifier(name)}"
