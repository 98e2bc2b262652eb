"""The first lines of a text file as rows, within limits, to guess from. Not for reading it: nothing here is kept."""

import csv
import gzip
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Final, TypeVar

from recsysops.sources._files import delimiter_of, is_packed, opened
from recsysops.sources._json import NotJsonError, parsed
from recsysops.sources._refusal import refuse
from recsysops.sources._text import checked_header, expect_few_columns

MAX_ROWS: Final = 50_000
MAX_BYTES: Final = 16 * 1024**2
_MAX_LINE: Final = 4 * 1024**2
_MAX_DEPTH: Final = 20

T = TypeVar("T")
Row = Mapping[str, Any]


class _Lines:
    """Passes on lines until MAX_BYTES have been read; a line longer than any honest one refuses the file."""

    def __init__(self, stream: IO[bytes], file: str) -> None:
        self._stream, self._file, self._left = stream, file, MAX_BYTES
        self.is_cut = False

    def __iter__(self) -> Iterator[bytes]:
        while line := self._stream.readline(_MAX_LINE):
            if len(line) == _MAX_LINE and not line.endswith(b"\n"):
                raise refuse("too-large", self._file, "it has a line of more than 4 MiB.", "Split it into lines.")
            self._left -= len(line)
            if self._left < 0:
                self.is_cut = True
                return
            yield line


def _first(file: Path, take: Callable[[_Lines], Iterator[T]]) -> tuple[list[T], bool]:
    """Return the first MAX_ROWS entries of a file, and whether these are all."""
    with opened(file) as stream:
        lines = _Lines(gzip.GzipFile(fileobj=stream) if is_packed(file) else stream, str(file))  # type: ignore[arg-type]
        entries = []
        for entry in take(lines):
            entries.append(entry)
            if len(entries) > MAX_ROWS:
                return entries[:MAX_ROWS], False
    return entries, not lines.is_cut


def first_cells(file: Path) -> tuple[list[str], list[list[str]], int, bool]:
    """Return header, rows, the number of lines that are no rows, and whether these are all, of a CSV file."""
    entries, is_whole = _first(file, lambda lines: _cells(lines, file))
    if not entries:
        raise refuse("empty-file", str(file), "it has no line (expected a header and rows).", "Deliver it again.")
    header = checked_header(str(file), entries[0])
    rows = [cells for cells in entries[1:] if len(cells) == len(header)]
    return header, rows, len(entries) - 1 - len(rows), is_whole


def _cells(lines: _Lines, file: Path) -> Iterator[list[str]]:
    texts = (line.decode("utf-8-sig" if number == 0 else "utf-8") for number, line in enumerate(lines))
    reader = csv.reader(texts, delimiter=delimiter_of(file), strict=True)
    try:
        yield from (cells for cells in reader if cells)
    except csv.Error as error:
        # A sample may end inside a quoted cell; a whole file may not.
        if not lines.is_cut:
            raise refuse("bad-quote", str(file), f"at line {reader.line_num}: {error}.", "Correct it.") from error


def first_objects(file: Path) -> tuple[list[Row], int, bool]:
    """Return objects as columns, the number of lines that are none, and whether these are all, of a JSON Lines file."""
    entries, is_whole = _first(file, _objects)
    rows = [entry for entry in entries if entry is not None]
    return rows, len(entries) - len(rows), is_whole


def _objects(lines: _Lines) -> Iterator[Row | None]:
    for number, line in enumerate(lines):
        stripped = (line.removeprefix(b"\xef\xbb\xbf") if number == 0 else line).strip()
        if not stripped:
            continue
        try:
            row = dict(_flat(parsed(stripped)))
        except NotJsonError:
            yield None
            continue
        expect_few_columns("", len(row))
        yield row


def _flat(row: Row) -> Iterator[tuple[str, Any]]:
    """Yield the columns of an object; one in it gives columns named `outer.inner`, as the reader names them."""
    waiting: list[tuple[str, int, Any]] = [(key.strip(), 1, value) for key, value in row.items()]
    for name, depth, value in waiting:
        if not isinstance(value, dict):
            yield name, value
        elif depth < _MAX_DEPTH:
            waiting += [(f"{name}.{key.strip()}", depth + 1, inner) for key, inner in value.items()]
