"""The embedded engine: DuckDB behind Ibis, with its limits set. The only module that knows which engine counts."""

import hashlib
import json
import warnings
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pandas as pd

from recsysops.domain.batch import LogFile
from recsysops.domain.log_view import LogView
from recsysops.events.coverage import DAY_US, span_of

if TYPE_CHECKING:
    import ibis.expr.types as ir
    from ibis.backends.duckdb import Backend

_EVENTS: Final = "log_rows"


@dataclass(frozen=True, kw_only=True)
class EngineLimits:
    """What the engine may use."""

    memory_mb: int = 1500
    """Beyond it, groups are spilled to `folder`."""
    threads: int = 2
    rows_per_pass: int = 6_000_000
    """Launches are counted in passes over about so many log rows: not everything that is grouped can be spilled."""
    folder: Path
    """For what does not fit into memory; emptied by the engine."""


class DuckDBEngine:
    """One connection, open for one aggregation."""

    def __init__(self, backend: "Backend") -> None:
        self._backend = backend

    def events(self, files: Sequence[LogFile]) -> "ir.Table":
        """Return the rows of the files that count, columns READ; they are read when asked for."""
        self._backend.raw_sql(f"CREATE OR REPLACE TEMP VIEW {_EVENTS} AS {' UNION ALL '.join(_groups(files))}")
        return self._known(_EVENTS)

    def table(self, name: str, frame: pd.DataFrame) -> "ir.Table":
        """Lend a frame to the engine."""
        self._backend.con.register(name, frame)
        return self._known(name)

    def _known(self, name: str) -> "ir.Table":
        with _without_deprecations():
            return self._backend.table(name)

    def compute(self, expression: "ir.Table") -> pd.DataFrame:
        """Run an expression."""
        with _without_deprecations():
            frame: pd.DataFrame = self._backend.to_pandas(expression)
        return frame


@contextmanager
def _without_deprecations() -> Iterator[None]:
    """Ibis 12 still calls DuckDB 2 and pandas 3 by deprecated names."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


@contextmanager
def duckdb_engine(limits: EngineLimits) -> Iterator[DuckDBEngine]:
    """Open an engine, and close it."""
    import ibis  # half a second that only an aggregation should cost

    limits.folder.mkdir(parents=True, exist_ok=True)
    backend = ibis.duckdb.connect(
        threads=limits.threads, memory_limit=f"{limits.memory_mb}MB", temp_directory=str(limits.folder)
    )
    try:
        backend.raw_sql("SET TimeZone = 'UTC'")
        backend.raw_sql("SET preserve_insertion_order = false")
        yield DuckDBEngine(backend)
    finally:
        backend.disconnect()


def is_unchanged(file: LogFile) -> bool:
    """Say whether a registered file is still what was checked: by size and time, by its hash where the time differs."""
    path = Path(file.path)
    if not path.is_file():
        return False
    facts = path.stat()
    if facts.st_size != file.mapping.get("size"):
        return False
    if facts.st_mtime_ns == file.mapping.get("mtime_ns"):
        return True
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest() == file.mapping.get("sha256")


def _groups(files: Sequence[LogFile]) -> Iterator[str]:
    """Put files that are read alike into one query; a declared day with faulty rows is a query of its own."""
    alike: dict[tuple[str, int | None], list[LogFile]] = defaultdict(list)
    for file in files:
        span = None if file.declared_day is None or LogView.of(file.mapping).is_plain else span_of(file)
        reading = json.dumps(LogView.of(file.mapping).as_mapping(), sort_keys=True)
        alike[reading, None if span is None else span.start].append(file)
    for (reading, day), group in alike.items():
        view = LogView.of(json.loads(reading))
        scan = view.scan([file.path for file in group])
        yield view.rows(scan) if day is None else view.rows(scan, day, day + DAY_US)
