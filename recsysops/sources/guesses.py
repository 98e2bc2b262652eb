"""What `recsysops init` guessed, why, and how sure it is. Values only: the guessing is in `guess`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

SURE: Final = 0.6
"""From here on a guess stands as a live entry; below it is commented out."""


@dataclass(frozen=True, kw_only=True)
class ColumnGuess:
    """One of our columns and the file's column that seems to be it; or an entry about a column of theirs."""

    ours: str
    theirs: str
    confidence: float
    """0 to 1."""
    reason: str

    @property
    def is_sure(self) -> bool:
        """Whether it stands as a live entry."""
        return self.confidence >= SURE


@dataclass(frozen=True, kw_only=True)
class TableGuess:
    """A source: where one of our tables seems to come from, and how it is read."""

    table: str
    path: str
    """As the settings name it: a file or a pattern, relative to the settings where it lies below them."""
    format: str
    n_files: int
    n_rows: int
    """Rows looked at."""
    is_whole: bool
    """Whether these are all rows."""
    confidence: float
    reason: str
    columns: tuple[ColumnGuess, ...]
    """Our columns in our order; those the file calls as we do included."""
    defaults: Mapping[str, str | float]
    lists: tuple[ColumnGuess, ...]
    """Fields that hold several values: `ours` is the separator."""
    ignore: tuple[ColumnGuess, ...]
    """Columns that must not be read, with the reason."""
    observed_at: str
    """`assume:launch-60d`, or empty."""
    day: str
    """Pattern of the day in the files' names, or empty."""
    epoch_unit: str
    launches_from: str
    missing: tuple[str, ...]
    """Needed columns nothing was found for; with any, the source cannot be read and is written as a comment."""
    candidates: Mapping[str, tuple[str, ...]]
    """Per missing column, what of the file it could be."""

    @property
    def is_live(self) -> bool:
        """Whether the source stands as a live section."""
        return not self.missing and self.confidence >= SURE


@dataclass(frozen=True, kw_only=True)
class LeftFiles:
    """Files that are no source: why not."""

    path: str
    n_files: int
    reason: str
    is_broken: bool = False
    """Whether they could not be read, rather than not be recognised."""


@dataclass(frozen=True, kw_only=True)
class FieldGuess:
    """A metadata field of the titles, as the requirements would name it."""

    field: str
    filled: float
    """Share of the titles that have it."""
    is_required: bool
    """Whether it is filled so often that a title without it is worth a finding."""


@dataclass(frozen=True, kw_only=True)
class Guesses:
    """All that was guessed from a user's files."""

    looked_in: tuple[str, ...]
    """Files, folders and patterns that were looked into."""
    tables: tuple[TableGuess, ...] = ()
    left: tuple[LeftFiles, ...] = ()
    fields: tuple[FieldGuess, ...] = ()
    markets: tuple[str, ...] = ()
    """Markets whose launches are dates, or times without an offset: their time zone must be known."""
    to_check: tuple[str, ...] = ()
    """Sentences: what a person should look at before the first ingest."""

    def table(self, name: str) -> TableGuess | None:
        """Return the source guessed for one of our tables."""
        return next((guess for guess in self.tables if guess.table == name), None)


@dataclass(frozen=True, kw_only=True)
class Starter:
    """What `recsysops init` wrote, and what it rests on."""

    written: tuple[str, ...]
    guesses: Guesses
