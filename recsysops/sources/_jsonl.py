"""JSON Lines as text, so that it meets the same rules as CSV. Not for logs."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from recsysops.domain.batch import QuarantinedRow
from recsysops.sources._csv import Columns
from recsysops.sources._json import NotJsonError, parsed
from recsysops.sources._raw import JOINED, RawTable
from recsysops.sources._records import quarantined
from recsysops.sources._refusal import expect_few_bad_rows
from recsysops.sources._text import MAX_BYTES, expect_few_columns, lines_of

_WORDS: Final = {True: "true", False: "false", None: ""}


class NestedValueError(ValueError):
    """A list holds lists or objects; the argument is the column."""


def read_jsonl(file: Path, ignore: tuple[str, ...], limit: int = MAX_BYTES) -> RawTable:
    """Read a file with one JSON object a line, without the columns to `ignore`.

    An object in an object gives columns named `outer.inner`; a list of plain values is a list; numbers stay as they are
    written; null and an absent key are an empty cell.

    Raises:
        SourceError: The file cannot be read as a whole.
    """
    table = _Table(str(file), ignore)
    for line in lines_of(file, limit):
        if line.strip():
            table.take(line)
    return table.as_raw()


class _Table:
    """Lines on their way into columns."""

    def __init__(self, file: str, ignore: tuple[str, ...]) -> None:
        self._file, self._ignore = file, ignore
        self._names: list[str] = []
        self._places: dict[str, int] = {}
        self._columns = Columns(self._names)
        self._lists: dict[str, str] = {}
        self._bad: list[QuarantinedRow] = []
        self._n = 0

    def take(self, line: bytes) -> None:
        """Take the next line, as a row or as one kept out."""
        self._n += 1
        try:
            cells = self._cells(parsed(line))
        except (NotJsonError, NestedValueError) as error:
            self._bad.append(_kept_out(self._file, self._n, line, error))
            expect_few_bad_rows(self._file, len(self._bad))
        else:
            self._columns.add(self._n, cells)

    def as_raw(self) -> RawTable:
        """Return what was taken."""
        return RawTable(
            file=self._file,
            frame=self._columns.frame(),
            numbers=np.asarray(self._columns.numbers, dtype=np.int64),
            rows_in=self._n,
            quarantined=tuple(self._bad),
            lists=self._lists,
        )

    def _cells(self, row: Mapping[str, Any]) -> list[str]:
        cells = [""] * len(self._names)
        for name, value in _flat(row, self._ignore):
            if name not in self._places:
                self._places[name] = len(self._names)
                self._names.append(name)
                cells.append("")
                expect_few_columns(self._file, len(self._names))
            cells[self._places[name]] = _text(name, value, self._lists)
        return cells


def _flat(row: Mapping[str, Any], ignore: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    waiting = [(key.strip(), value) for key, value in row.items()]
    for name, value in waiting:
        if name in ignore:
            continue
        if isinstance(value, dict):
            waiting += [(f"{name}.{key.strip()}", inner) for key, inner in value.items()]
        else:
            yield name, value


def _text(name: str, value: Any, lists: dict[str, str]) -> str:  # noqa: ANN401 - JSON
    if isinstance(value, str):
        return value
    if not isinstance(value, list):
        return _WORDS[value]
    if any(isinstance(each, list | dict) for each in value):
        raise NestedValueError(name)
    lists[name] = JOINED
    return JOINED.join(each if isinstance(each, str) else _WORDS[each] for each in value)


def _kept_out(file: str, n: int, line: bytes, error: ValueError) -> QuarantinedRow:
    said = line[:400].decode(errors="replace")
    if isinstance(error, NestedValueError):
        return quarantined(file, n, str(error), "nested-value", said)
    return quarantined(file, n, "", "bad-json", said)
