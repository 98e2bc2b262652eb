"""What an engine is, and which one counts. The only module that knows all of them."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pandas as pd

from recsysops.domain.batch import LogFile

if TYPE_CHECKING:
    import ibis.expr.types as ir


@dataclass(frozen=True, kw_only=True)
class EngineLimits:
    """Which engine counts, and what it may use."""

    spark_master: str = ""
    """Spark's master; empty for DuckDB in this process."""
    memory_mb: int = 1500
    """Beyond it, groups are spilled to `folder`."""
    threads: int = 2
    rows_per_pass: int = 6_000_000
    """DuckDB counts in passes over the members, each of about so many rows: not all that is grouped can be spilled."""
    folder: Path
    """For what does not fit into memory, emptied by the engine; and for the state of `keeps_state`."""
    keeps_state: bool = False
    """Whether DuckDB keeps what it needs to add a day without reading the days before it."""


class Engine(Protocol):
    """Runs expressions over log files; open for one aggregation."""

    def events(self, files: Sequence[LogFile], part: int = 0, parts: int = 1) -> "ir.Table":
        """Return the rows of the files that count, columns READ, of one of `parts` parts of the members."""
        ...

    def lend(self, name: str, frame: pd.DataFrame) -> "ir.Table":
        """Lend a frame of whole numbers and text to the engine."""
        ...

    def compute(self, expression: "ir.Table") -> pd.DataFrame:
        """Run an expression whose result is small and of numbers."""
        ...


def open_engine(limits: EngineLimits) -> AbstractContextManager[Engine]:
    """Open the engine these limits name.

    Raises:
        EngineError: It cannot be started here.
    """
    return _spark(limits) if limits.spark_master else _duckdb(limits)


@contextmanager
def _spark(limits: EngineLimits) -> Iterator[Engine]:
    from recsysops.events._spark import spark_engine

    yield spark_engine(limits)


@contextmanager
def _duckdb(limits: EngineLimits) -> Iterator[Engine]:
    from recsysops.events._duckdb import duckdb_engine

    with duckdb_engine(limits) as engine:
        yield engine
