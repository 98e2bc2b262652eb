"""[engine]: what counts the logs, and what it may use."""

from typing import Annotated, Literal

from pydantic import Field

from recsysops.settings._section import Section


class EngineSettings(Section):
    """[engine]."""

    kind: Literal["duckdb", "spark"] = "duckdb"
    """What counts the logs: DuckDB in this process, or Spark (extra `spark`)."""
    memory_mb: Annotated[int, Field(ge=256)] = 1500
    """Memory of the engine; beyond it, work is spilled to the data folder or cut into passes."""
    rows_per_pass: Annotated[int, Field(ge=10_000)] = 6_000_000
    """DuckDB counts in passes over the members, each of about so many log rows of launched titles."""
    keeps_state: bool = True
    """DuckDB keeps hashes of members, keyed and for about 28 days, so that adding a day reads little but that day."""
    spark_master: str = "local[2]"
    """Spark's master: `local[2]` for this machine, or the URL of a cluster, such as spark://host:7077."""
