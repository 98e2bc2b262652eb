"""What a file's name says: the day it is the whole delivery of."""

import re
from datetime import date
from pathlib import Path
from typing import Final

from recsysops.settings import SourceSettings
from recsysops.sources._refusal import refuse

EXTRACTS: Final = "extracts"
"""Folder, below the data folder, of rows that came from a database or a Delta table."""
_EXTRACTED_DAY: Final = r"^(?P<day>\d{4}-\d{2}-\d{2})-[0-9a-f]{64}\.parquet$"


def declared_day(file: Path, source: SourceSettings) -> date | None:
    """Return the UTC day a file is the whole delivery of, by its name; None where the settings name no pattern.

    Raises:
        SourceError: The name does not fit the pattern (wrong-format).
    """
    if source.url or source.format == "delta":
        match = re.search(_EXTRACTED_DAY, file.name)
        return date.fromisoformat(match["day"]) if match else None
    if source.day is None:
        return None
    match = re.search(source.day, file.name)
    try:
        return date.fromisoformat(match["day"]) if match else _no_day(file, source.day)
    except (ValueError, IndexError, TypeError):
        return _no_day(file, source.day)


def _no_day(file: Path, pattern: str) -> date:
    raise refuse(
        "wrong-format", str(file), f'its name has no day (YYYY-MM-DD) where "{pattern}" looks for it.',
        "Rename it, narrow the path, or correct day for this source.",
    )  # fmt: skip
