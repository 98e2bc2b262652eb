"""The account of one file: which rows stay, and why the others were kept out."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsysops.domain.batch import QuarantinedRow
from recsysops.sources.codes import ROW_CODES

Mask = npt.NDArray[np.bool_]


def shown(value: object) -> str:
    """Return a value fit for a record: control characters escaped, cut to 200 characters."""
    text = str(value)[:400]
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)[:200]


def quarantined(file: str, row: int, column: str, code: str, value: object = "", rule: str = "") -> QuarantinedRow:
    """Build the record of one row; `rule` is more exact than the code's own."""
    known = ROW_CODES[code]
    return QuarantinedRow(
        file=file, row=row, column=column, code=code, value=shown(value), rule=rule or known.rule, fix=known.fix
    )


class Account:
    """Keeps rows out one reason at a time; the first reason of a row is the one recorded."""

    def __init__(self, file: str, numbers: npt.NDArray[np.int64]) -> None:
        self._file = file
        self._numbers = numbers
        self.kept: Mask = np.ones(len(numbers), dtype=bool)
        self.rows: list[QuarantinedRow] = []

    def keep_out(
        self, mask: Mask, column: str, code: str, values: "pd.Series[str] | None" = None, rule: str = ""
    ) -> None:
        """Quarantine the rows of `mask` that are still in.

        Args:
            mask: One flag per row.
            column: The file's name of the column at fault.
            code: One of ROW_CODES.
            values: What the cells hold, shown cut and escaped.
            rule: More exact than the code's own.
        """
        cells = None if values is None else values.to_numpy()
        for at in np.flatnonzero(mask & self.kept):
            value = "" if cells is None else cells[at]
            self.rows.append(quarantined(self._file, int(self._numbers[at]), column, code, value, rule))
        self.kept &= ~mask
