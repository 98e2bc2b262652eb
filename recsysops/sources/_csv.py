"""CSV and TSV as text, row by row accounted. Not for logs, whose rows stay in the file."""

import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

import numpy as np
import pandas as pd

from recsysops.domain.batch import QuarantinedRow
from recsysops.errors import SourceError
from recsysops.sources._account import quarantined
from recsysops.sources._files import delimiter_of, is_packed, opened
from recsysops.sources._raw import RawTable
from recsysops.sources._refusal import refuse

MAX_BYTES: Final = 2 * 1024**3
MAX_COLUMNS: Final = 10_000
_MAX_FIELD: Final = 256 * 1024**2
"""Where the parser itself gives up; longer than any cell that is then quarantined as too long."""


class _Bounded(io.RawIOBase):
    """Counts what it passes on: a small archive may hold more than the memory."""

    def __init__(self, stream: IO[bytes] | gzip.GzipFile, file: str, limit: int) -> None:
        self._stream, self._file, self._left = stream, file, limit

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        chunk = self._stream.read(len(buffer))
        self._left -= len(chunk)
        if self._left < 0:
            raise refuse("too-large", self._file, "it holds more than 2 GiB.", "Split it into several files.")
        buffer[: len(chunk)] = chunk
        return len(chunk)


def read_csv(file: Path, limit: int = MAX_BYTES) -> RawTable:
    """Read a text file.

    Raises:
        SourceError: The file cannot be read as a whole.
    """
    header: list[str] | None = None
    rows: list[list[str]] = []
    numbers: list[int] = []
    ragged: list[QuarantinedRow] = []
    for cells in _lines(file, limit):
        if header is None:
            header = checked_header(str(file), cells)
            continue
        n = len(numbers) + len(ragged) + 1
        if len(cells) == len(header):
            rows.append(cells)
            numbers.append(n)
        else:
            rule = f"{len(header)} cells, as the header (found {len(cells)})."
            ragged.append(quarantined(str(file), n, "", "ragged-row", delimiter_of(file).join(cells)[:300], rule))
    if header is None:
        raise refuse("empty-file", str(file), "it has no line (expected a header and rows).", "Deliver it again.")
    return RawTable(
        file=str(file),
        frame=pd.DataFrame(rows, columns=header, dtype=object),
        numbers=np.asarray(numbers, dtype=np.int64),
        rows_in=len(rows) + len(ragged),
        quarantined=tuple(ragged),
    )


def read_header(file: Path) -> list[str]:
    """Return the columns of a text file."""
    # Rows are judged one by one later: what is no text below the header must not refuse the file.
    for cells in _lines(file, MAX_BYTES, errors="replace"):
        if any("\ufffd" in cell for cell in cells):
            raise refuse("not-utf8", str(file), "its header is not UTF-8.", "Save it as UTF-8.")
        return checked_header(str(file), cells)
    raise refuse("empty-file", str(file), "it has no line (expected a header and rows).", "Deliver it again.")


def checked_header(file: str, cells: list[str]) -> list[str]:
    """Return the column names without surrounding space.

    Raises:
        SourceError: duplicate-header or too-many-columns.
    """
    names = [cell.strip() for cell in cells]
    if len(names) > MAX_COLUMNS:
        raise refuse("too-many-columns", file, f"it has {len(names)} columns.", f"At most {MAX_COLUMNS} are read.")
    twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if twice:
        raise refuse(
            "duplicate-header",
            file,
            f'the column "{twice[0][:60]}" appears more than once.',
            "Rename or remove one of them.",
        )
    return names


def _lines(file: Path, limit: int, errors: str = "strict") -> Iterator[list[str]]:
    """Yield the cells of every line that is not blank."""
    csv.field_size_limit(_MAX_FIELD)
    name = str(file)
    with opened(file) as stream:
        plain = gzip.GzipFile(fileobj=stream) if is_packed(file) else stream
        text = io.TextIOWrapper(
            io.BufferedReader(_Bounded(plain, name, limit), 1 << 18), encoding="utf-8-sig", errors=errors, newline=""
        )
        reader = csv.reader(text, delimiter=delimiter_of(file), strict=True)
        try:
            yield from (cells for cells in reader if cells)
        except csv.Error as error:
            raise _broken(name, reader.line_num, str(error)) from error
        except UnicodeDecodeError as error:
            found = f"the text after line {reader.line_num} is not UTF-8."
            raise refuse("not-utf8", name, found, "Save it as UTF-8.") from error
        except EOFError as error:
            raise refuse("truncated", name, "the archive ends too early (cut off?).", "Deliver it again.") from error
        except (zlib.error, gzip.BadGzipFile) as error:
            raise refuse("corrupt", name, "the archive is damaged.", "Deliver it again.") from error


def _broken(file: str, line: int, message: str) -> SourceError:
    if "unexpected end" in message:
        found = f"a quote is opened and never closed (the file ends at line {line})."
        return refuse("unclosed-quote", file, found, "Close it; a cut file must be delivered again.")
    if "field larger" in message:
        return refuse("too-large", file, f"line {line} holds a cell of more than 256 MiB.", "Correct the file.")
    found = f"at line {line} a cell goes on after its closing quote."
    return refuse("bad-quote", file, found, "Double quotes inside a quoted cell.")
