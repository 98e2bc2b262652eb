"""CSV and TSV as text, row by row accounted. Not for logs, whose rows stay in the file."""

from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsysops.domain.batch import QuarantinedRow
from recsysops.sources._files import delimiter_of
from recsysops.sources._raw import RawTable
from recsysops.sources._records import quarantined
from recsysops.sources._refusal import expect_few_bad_rows, refuse
from recsysops.sources._text import MAX_BYTES, checked_header, rows_of

_BLOCK: Final = 8192
_MAX_REMEMBERED: Final = 200_000


def read_csv(file: Path, limit: int = MAX_BYTES) -> RawTable:
    """Read a text file.

    Raises:
        SourceError: The file cannot be read as a whole.
    """
    rows = rows_of(file, limit)
    header = next(rows, None)
    if header is None:
        raise refuse("empty-file", str(file), "it has no line (expected a header and rows).", "Deliver it again.")
    header = checked_header(str(file), header)
    table = Columns(header)
    ragged: list[QuarantinedRow] = []
    for n, cells in enumerate(rows, start=1):
        if len(cells) == len(header):
            table.add(n, cells)
        else:
            rule = f"{len(header)} cells, as the header (found {len(cells)})."
            ragged.append(quarantined(str(file), n, "", "ragged-row", delimiter_of(file).join(cells)[:300], rule))
            expect_few_bad_rows(str(file), len(ragged))
    return RawTable(
        file=str(file),
        frame=table.frame(),
        numbers=np.asarray(table.numbers, dtype=np.int64),
        rows_in=len(table.numbers) + len(ragged),
        quarantined=tuple(ragged),
    )


class Columns:
    """Cells gathered row by row into columns: a text that comes often is kept once, as memory is limited."""

    def __init__(self, names: list[str]) -> None:
        """Begin with these columns; the caller may append to the list while rows come."""
        self._names = names
        self._rows: list[list[str]] = []
        self._blocks: list[tuple[int, list[npt.NDArray[Any]]]] = []
        self._known: dict[str, str] = {}
        self.numbers: list[int] = []

    def add(self, number: int, cells: list[str]) -> None:
        """Take the cells of one row, whose number in the file is `number`."""
        self.numbers.append(number)
        self._rows.append(cells)
        if len(self._rows) == _BLOCK:
            self._flush()

    def frame(self) -> pd.DataFrame:
        """Return all rows, dtype object."""
        self._flush()
        if not self._blocks:
            return pd.DataFrame({name: [] for name in self._names}, dtype=object)
        # One column at a time: the blocks' memory is given back on the way.
        columns = {}
        for at in reversed(range(len(self._names))):
            parts = [block.pop() if len(block) > at else _empty(n) for n, block in self._blocks]
            columns[self._names[at]] = np.concatenate(parts)
        return pd.DataFrame({name: columns[name] for name in self._names}, copy=False)

    def _flush(self) -> None:
        if not self._rows:
            return
        block = []
        width = len(self._names)
        for cells in zip(*(row + [""] * (width - len(row)) for row in self._rows), strict=True):
            column = np.empty(len(cells), dtype=object)
            column[:] = [self._once(cell) for cell in cells]
            block.append(column)
        self._blocks.append((len(self._rows), block))
        self._rows = []

    def _once(self, cell: str) -> str:
        known = self._known
        return known.setdefault(cell, cell) if len(known) < _MAX_REMEMBERED else known.get(cell, cell)


def _empty(n: int) -> npt.NDArray[Any]:
    cells = np.empty(n, dtype=object)
    cells[:] = ""
    return cells
