"""The account of one file: which rows stay, and why the others were kept out."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsysops.domain.batch import QuarantinedRow
from recsysops.sources._records import quarantined
from recsysops.sources._refusal import expect_few_bad_rows

Mask = npt.NDArray[np.bool_]


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
        found = np.flatnonzero(mask & self.kept)
        expect_few_bad_rows(self._file, len(self.rows) + len(found))
        for at in found:
            value = "" if cells is None else cells[at]
            self.rows.append(quarantined(self._file, int(self._numbers[at]), column, code, value, rule))
        self.kept &= ~mask
