"""Spark, on this machine or on a cluster (extra `spark`). Not for what is counted, nor for which rows count."""

import os
import shutil
import warnings
from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

import pandas as pd

from recsysops.domain.batch import LogFile
from recsysops.errors import EngineError
from recsysops.events._alike import alike
from recsysops.events._ibis import LOG_SCHEMA, named, schema_of, sql_of
from recsysops.events.coverage import DAY_US, microseconds
from recsysops.events.engine import EngineLimits

if TYPE_CHECKING:
    import ibis.expr.types as ir
    from pyspark.sql import DataFrame, SparkSession

_EVENTS: Final = "log_rows"
_HOW: Final = (
    'Install it with pip install "recsysops[spark]" and Java 17 or later, or set kind = "duckdb" under [engine].'
)
_SQL: Final = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "false",
    "spark.sql.caseSensitive": "true",
    # With pruned columns a row with too many or too few values would pass for a good one.
    "spark.sql.csv.parser.columnPruning.enabled": "false",
}
_HERE: Final = {
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.sql.shuffle.partitions": "2",
}
"""For a Spark on this machine only: a cluster knows its own."""


class SparkEngine:
    """A session of its own on the Spark of this process, which stays until the process ends: it is slow to start."""

    def __init__(self, session: "SparkSession") -> None:
        self._session = session
        self._checked: set[str] = set()

    def events(self, files: Sequence[LogFile], part: int = 0, parts: int = 1) -> "ir.Table":
        """See `Engine`.

        Raises:
            EngineError: A file cannot be read as it was checked.
        """
        from pyspark.sql import functions as f

        rows: DataFrame | None = None
        for view, start, group in alike(files):
            found = self._read(group, start)
            rows = found if rows is None else rows.unionByName(found)
            if not (view.is_plain and view.format == "parquet"):
                self._check(group, found)
        assert rows is not None  # callers have files
        if parts > 1:
            rows = rows.where(f.pmod(f.xxhash64("member_id"), f.lit(parts)) == part)
        rows.createOrReplaceTempView(_EVENTS)
        return named(_EVENTS, LOG_SCHEMA)

    def lend(self, name: str, frame: pd.DataFrame) -> "ir.Table":
        """See `Engine`."""
        import pyarrow as pa

        table = pa.Table.from_pandas(frame, preserve_index=False)
        self._session.createDataFrame(table).createOrReplaceTempView(name)
        return named(name, schema_of(frame))

    def compute(self, expression: "ir.Table") -> pd.DataFrame:
        """See `Engine`; through Arrow, as Spark's own way to pandas does not know pandas 3 yet."""
        frame: pd.DataFrame = self._session.sql(sql_of(expression, "pyspark")).toArrow().to_pandas()
        return frame

    def _read(self, files: Sequence[LogFile], start: int | None) -> "DataFrame":
        from recsysops.events._spark_rows import rows_that_count

        limits = () if start is None else (start, start + DAY_US)
        return rows_that_count(self._session, files, *limits)

    def _check(self, files: Sequence[LogFile], rows: "DataFrame") -> None:
        """Compare number and times of the rows with what was found when the files were checked.

        Two readers of text agree on all that is well formed; what one of them mends and the other does not is refused.
        """
        from pyspark.sql import functions as f

        if {file.batch_id for file in files} <= self._checked:
            return
        n, first, last = rows.agg(f.count("*"), f.min("ts"), f.max("ts")).collect()[0]
        expected = (
            sum(file.rows for file in files),
            min((microseconds(file.first_at) for file in files if file.first_at), default=None),
            max((microseconds(file.last_at) for file in files if file.last_at), default=None),
        )
        if (n, first, last) != expected:
            raise EngineError.differs(files[0].path, n, expected[0])
        self._checked |= {file.batch_id for file in files}


def spark_engine(limits: EngineLimits) -> SparkEngine:
    """Open an engine; see `spark_session`."""
    return SparkEngine(spark_session(limits))


def spark_session(limits: EngineLimits) -> "SparkSession":
    """Open a session whose times are UTC.

    Raises:
        EngineError: Spark or Java is not installed, or Spark does not start.
    """
    if find_spec("pyspark") is None:
        raise EngineError(f"Spark is not installed: there is no package pyspark. {_HOW}")
    if not os.environ.get("JAVA_HOME") and shutil.which("java") is None:
        raise EngineError(f"Spark cannot start: there is no Java (neither java on the PATH nor JAVA_HOME). {_HOW}")
    options = {"spark.ui.showConsoleProgress": "false", "spark.driver.memory": f"{limits.memory_mb}m"}
    options |= _HERE if limits.spark_master.startswith("local") else {}
    try:
        session = _session(limits.spark_master, options)
    except Exception as error:  # whatever a Java process may end with
        raise EngineError(f'Spark does not start with master "{limits.spark_master}": {error}. {_HOW}') from error
    for name, value in _SQL.items():
        session.conf.set(name, value)
    return session


def _session(master: str, options: dict[str, str]) -> "SparkSession":
    """Return a session of its own on the Spark of this process, which is started where there is none yet."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # about pandas 3, which nothing here hands to Spark
        from pyspark.sql import SparkSession

        builder = SparkSession.builder.appName("recsysops").master(master)
        for name, value in options.items():
            builder = builder.config(name, value)
        return builder.getOrCreate().newSession()
