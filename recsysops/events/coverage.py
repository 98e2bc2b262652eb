"""Which time the registered log files cover, and where they have holes. Not for what is in them."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from recsysops.domain.batch import LogFile
from recsysops.domain.measure import HORIZONS

Ints = npt.NDArray[np.int64]
DAY_US: Final = 86_400_000_000
N_DAYS: Final = max(HORIZONS)
"""Days after launch that are counted."""
_NEVER: Final = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Span:
    """A stretch of time, in microseconds since 1970 UTC; the end is outside."""

    start: int
    end: int
    is_daily: bool
    """Whether it is a declared day: those touch each other, other files may leave a silence of up to a day."""


@dataclass(frozen=True)
class Coverage:
    """What a set of log files covers: from start to end, but for the holes."""

    start: int
    end: int
    holes: Ints
    """Disjoint and sorted, two columns: start and end."""

    def is_covered(self, start: Ints, end: Ints) -> npt.NDArray[np.bool_]:
        """Say of each stretch whether it lies between the first and the last moment covered."""
        return (start >= self.start) & (end <= self.end)

    def has_hole(self, start: Ints, end: Ints) -> npt.NDArray[np.bool_]:
        """Say of each stretch whether some of it is not covered."""
        before = start < self.start
        if not len(self.holes):
            return np.asarray(before)
        first = np.searchsorted(self.holes[:, 1], start, side="right")
        next_hole = np.append(self.holes[:, 0], _NEVER)[first]
        return np.asarray(before | (next_hole < end))


def microseconds(at: datetime) -> int:
    """Return whole microseconds since 1970 UTC of an aware time."""
    since = at - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def span_of(file: LogFile) -> Span | None:
    """Return the time a file accounts for: its declared day, else its first to its last row; None without either."""
    if file.declared_day is not None:
        start = microseconds(datetime.combine(file.declared_day, time(), tzinfo=UTC))
        return Span(start, start + DAY_US, is_daily=True)
    if file.first_at is None or file.last_at is None:
        return None
    return Span(microseconds(file.first_at), microseconds(file.last_at) + 1, is_daily=False)


def files_between(files: Sequence[LogFile], start: int, end: int) -> list[LogFile]:
    """Return the files with rows from `start` to before `end`."""
    return [
        file
        for file in files
        if file.first_at is not None
        and file.last_at is not None
        and microseconds(file.last_at) >= start
        and microseconds(file.first_at) < end
    ]


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


def coverage_of(present: Sequence[LogFile], lost: Sequence[LogFile]) -> Coverage | None:
    """Return what the files cover: holes are what no present file accounts for, and all that the lost ones did.

    Args:
        present: Registered files that are as they were when they were registered.
        lost: Registered files that are gone or changed.

    Returns:
        None when no file accounts for any time.
    """
    kept = sorted((span for file in present if (span := span_of(file))), key=lambda span: span.start)
    gone = [span for file in lost if (span := span_of(file))]
    if not kept and not gone:
        return None
    start = min(span.start for span in (*kept, *gone))
    end = max(span.end for span in (*kept, *gone))
    holes = [(span.start, span.end) for span in gone] + _silences(kept)
    return Coverage(start, end, _merged(holes))


def _silences(spans: Sequence[Span]) -> list[tuple[int, int]]:
    silences = []
    last: Span | None = None
    for span in spans:
        if last is not None:
            allowed = 0 if last.is_daily and span.is_daily else DAY_US
            if span.start - last.end > allowed:
                silences.append((last.end, span.start))
        if last is None or span.end > last.end:
            last = span
    return silences


def _merged(holes: Sequence[tuple[int, int]]) -> Ints:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(holes):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return np.asarray(merged, dtype=np.int64).reshape(-1, 2)
