"""Text files as bytes and lines, within limits. Light: loads no frame library. Not for what the cells mean."""

import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from recsysops.errors import SourceError
from recsysops.sources._files import delimiter_of, is_packed, opened
from recsysops.sources._refusal import refuse

MAX_BYTES: Final = 2 * 1024**3
MAX_COLUMNS: Final = 10_000
MAX_FIELD: Final = 32 * 1024**2
"""Where the parser itself gives up; longer than any cell that is then quarantined as too long."""
MAX_LINE: Final = 16 * 1024**2
"""A longer line of a log is refused: the engine drops some of them without a word."""
_HARMLESS: Final = 64 * 1024**2
_MAX_GROWTH: Final = 100
"""An archive that grows more than this when unpacked, and beyond _HARMLESS, is a bomb: logs grow tenfold."""
_CHUNK: Final = 1 << 20


class _Bounded(io.RawIOBase):
    """Counts what it passes on: a small archive may hold more than the memory."""

    def __init__(self, stream: IO[bytes] | gzip.GzipFile, file: str, limit: int) -> None:
        self._stream, self._file, self._limit, self._left = stream, file, limit, limit

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        chunk = self._stream.read(len(buffer))
        self._left -= len(chunk)
        if self._left < 0:
            size = f"{self._limit / 1024**2:,.0f} MiB"
            raise refuse("too-large", self._file, f"it holds more than {size}.", "Split it into several files.")
        buffer[: len(chunk)] = chunk
        return len(chunk)


@contextmanager
def unpacked(file: Path, limit: int = MAX_BYTES) -> Iterator[io.BufferedReader]:
    """Open a text file, unpacked where its name says gzip.

    Raises:
        SourceError: too-large, truncated or corrupt, also while it is read.
    """
    name = str(file)
    with opened(file) as stream:
        plain: IO[bytes] | gzip.GzipFile = stream
        if is_packed(file):
            plain = gzip.GzipFile(fileobj=stream)
            limit = min(limit, max(_HARMLESS, _MAX_GROWTH * file.stat().st_size))
        try:
            yield io.BufferedReader(_Bounded(plain, name, limit), 1 << 18)
        except EOFError as error:
            raise refuse("truncated", name, "the archive ends too early (cut off?).", "Deliver it again.") from error
        except (zlib.error, gzip.BadGzipFile) as error:
            raise refuse("corrupt", name, "the archive is damaged.", "Deliver it again.") from error


def rows_of(file: Path, limit: int = MAX_BYTES, errors: str = "strict") -> Iterator[list[str]]:
    """Yield the cells of every line that is not blank.

    Raises:
        SourceError: The file cannot be read as a whole.
    """
    csv.field_size_limit(MAX_FIELD)
    name = str(file)
    with unpacked(file, limit) as plain:
        text = io.TextIOWrapper(plain, encoding="utf-8-sig", errors=errors, newline="")
        reader = csv.reader(text, delimiter=delimiter_of(file), strict=True)
        try:
            yield from (cells for cells in reader if cells)
        except csv.Error as error:
            raise _broken(name, reader.line_num, str(error)) from error
        except UnicodeDecodeError as error:
            found = f"the text after line {reader.line_num} is not UTF-8."
            raise refuse("not-utf8", name, found, "Save it as UTF-8.") from error


def lines_of(file: Path, limit: int = MAX_BYTES) -> Iterator[bytes]:
    """Yield the lines of a file, blank ones too, without their ends.

    Raises:
        SourceError: The file cannot be read as a whole, or a line is longer than MAX_LINE.
    """
    with unpacked(file, limit) as plain:
        number = 0
        while line := plain.readline(MAX_LINE + 1):
            number += 1
            if len(line) > MAX_LINE:
                raise _long_line(str(file))
            yield from (line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line).rstrip(b"\r\n").split(b"\r")


def read_header(file: Path) -> list[str]:
    """Return the columns of a text file."""
    # Rows are judged one by one later: what is no text below the header must not refuse the file.
    for cells in rows_of(file, errors="replace"):
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
    expect_few_columns(file, len(names))
    twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if twice:
        raise refuse(
            "duplicate-header",
            file,
            f'the column "{twice[0][:60]}" appears more than once.',
            "Rename or remove one of them.",
        )
    return names


def expect_few_columns(file: str, n: int) -> None:
    """Refuse a file with more than MAX_COLUMNS columns."""
    if n > MAX_COLUMNS:
        raise refuse("too-many-columns", file, f"it has {n} columns.", f"At most {MAX_COLUMNS} are read.")


def has_open_quote(file: Path, limit: int) -> bool:
    """Pass over the bytes of a text file once; say whether its quotes do not pair up.

    Raises:
        SourceError: The archive is damaged, or a line is longer than MAX_LINE.
    """
    quotes, run = 0, 0
    with unpacked(file, limit) as plain:
        while chunk := plain.read(_CHUNK):
            quotes += chunk.count(b'"')
            first = min((at for at in (chunk.find(b"\n"), chunk.find(b"\r")) if at >= 0), default=-1)
            run += len(chunk) if first < 0 else first
            if run > MAX_LINE:
                raise _long_line(str(file))
            if first >= 0:
                run = len(chunk) - 1 - max(chunk.rfind(b"\n"), chunk.rfind(b"\r"))
    return quotes % 2 == 1


def _long_line(file: str) -> SourceError:
    return refuse("too-large", file, "it has a line of more than 16 MiB.", "Correct the file.")


def _broken(file: str, line: int, message: str) -> SourceError:
    if "unexpected end" in message:
        found = f"a quote is opened and never closed (the file ends at line {line})."
        return refuse("unclosed-quote", file, found, "Close it; a cut file must be delivered again.")
    if "field larger" in message:
        return refuse("too-large", file, f"line {line} holds a cell of more than 32 MiB.", "Correct the file.")
    found = f"at line {line} a cell goes on after its closing quote."
    return refuse("bad-quote", file, found, "Double quotes inside a quoted cell.")
