"""Files that cannot be read as a whole: one place that builds the sentences."""

import difflib
from collections.abc import Sequence
from typing import Final

from recsysops.errors import SourceError

MAX_BAD_ROWS: Final = 100_000


def refuse(code: str, file: str, found: str, fix: str) -> SourceError:
    """Build the error: `found` says what was found and what was expected, `fix` what to do."""
    return SourceError(f'File "{file}" cannot be read: {found} {fix}', code=code, file=file)


def missing_column(file: str, table: str, column: str, header: Sequence[str]) -> SourceError:
    """Build the error for a needed column, with the nearest name and the line to write in the settings."""
    shown = ", ".join(name[:60] for name in header[:20]) + (", ..." if len(header) > 20 else "")
    near = difflib.get_close_matches(column, header, n=1, cutoff=0.4)
    guess = near[0] if near else "<your column>"
    return refuse(
        "missing-column",
        file,
        f'there is no column "{column}" (it has: {shown}).',
        f'Write {column} = "{guess}" under [sources.{table}.columns], or a value under [sources.{table}.defaults].',
    )


def no_rows(file: str) -> SourceError:
    """Build the error for a file with nothing below its header."""
    return refuse(
        "no-rows", file, "it has a header and no row.", "Deliver it with its rows, or take it out of the source."
    )


def expect_few_bad_rows(file: str, n: int) -> None:
    """Refuse a table of which so many rows cannot be used that listing them helps nobody.

    Raises:
        SourceError: too-many-bad-rows.
    """
    if n > MAX_BAD_ROWS:
        raise refuse(
            "too-many-bad-rows", file, f"more than {MAX_BAD_ROWS:,} of its rows cannot be used.",
            "Correct the columns or the units under its source, or deliver it again.",
        )  # fmt: skip
