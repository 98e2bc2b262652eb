"""[sources.<table>]: where a table comes from, how it is read, and what must hold before it is published."""

import re
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from recsysops.settings._section import Section


class ReadingSettings(Section):
    """[reading]: limits of the process in which a file is read, so that a hostile one hurts nothing else."""

    child_memory_mb: Annotated[int, Field(ge=256)] = 512
    """Memory of the process that reads one file; raise it for larger honest files."""
    child_seconds: Annotated[float, Field(gt=0)] = 8
    """The processor's time for one file (and six times as much by the clock); `seconds_per_mb` is added."""
    seconds_per_mb: Annotated[float, Field(ge=0)] = 0.5
    """Time added for each megabyte of a file as it is on disk."""


class GateSettings(Section):
    """[sources.<table>.gates]: what a batch must not show, against the batches before it; else it is held."""

    is_on: bool = True
    """Whether batches of this source can be held at all; switched off, what was held is published."""
    row_drop: Annotated[float, Field(gt=0, le=1)] = 0.3
    """Hold where a batch has this share fewer rows than usual (or more), where batches are usually of one size."""
    bad_rows: Annotated[float, Field(gt=0, le=1)] = 0.02
    """Hold where more than this share of the rows, and at least three, is quarantined."""
    null_jump: Annotated[float, Field(gt=0, le=1)] = 0.2
    """Hold where the share of empty cells of a column rises or falls by this."""
    unit_factor: Annotated[float, Field(gt=1)] = 8.0
    """Hold where the typical size of a column of numbers changes by this factor: another unit."""


class SourceSettings(Section):
    """[sources.<table>]."""

    path: str = ""
    """File, folder or glob, relative to the settings file; .csv, .csv.gz, .tsv, .jsonl, .jsonl.gz or .parquet."""
    format: Literal["csv", "parquet", "jsonl", "delta"] | None = None
    """Format, where the name does not say it; `delta` reads the folder as a Delta table (extra `delta`)."""
    url: str = ""
    """Instead of path: SQLAlchemy URL of a database; `${NAME}` stands for an environment variable."""
    query: str = ""
    """With url: the SELECT whose rows are the table."""
    every_hours: Annotated[float | None, Field(gt=0)] = None
    """How often this source delivers; without it, nobody can say that it is late."""
    gates: GateSettings = GateSettings()
    """What must hold before a delivery is published."""
    columns: dict[str, str] = Field(default={})
    """Our column to the file's column, where the names differ."""
    defaults: dict[str, str | float | int] = Field(default={})
    """Values for our columns the file does not have."""
    ignore: tuple[str, ...] = ()
    """Columns of the file that must not be read, for example because they leak the outcome."""
    lists: dict[str, str] = Field(default={})
    """Separator of fields that hold lists, for example genres = "|"."""
    observed_at: str | None = None
    """`assume:launch-60d` where the file does not say when it knew; results are labelled not point-in-time."""
    day: str | None = None
    """Logs: regular expression with a group `day` that finds the declared UTC day (YYYY-MM-DD) in a file's name."""
    epoch_unit: Literal["s", "ms", "us"] | None = None
    """Unit of numeric times."""
    launches_from: str | None = None
    """Launches: read them from the titles' file, this column being the launch date."""

    @field_validator("observed_at")
    @classmethod
    def _assumption(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"assume:launch-[0-9]{1,4}d", value):
            raise ValueError('must look like "assume:launch-60d"; to read a column map observed_at under columns')
        return value

    @field_validator("day")
    @classmethod
    def _finds_a_day(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                groups = re.compile(value).groupindex
            except re.error as error:
                raise ValueError(f"is no regular expression: {error}") from error
            if "day" not in groups:
                raise ValueError("has no group named day; write for example (?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})")
        return value

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if bool(self.path) == bool(self.url):
            raise ValueError("needs either path (files) or url and query (a database)")
        if bool(self.url) != bool(self.query):
            raise ValueError("needs url and query together")
        return self
