"""A file as text: what every reader of tables starts from."""

from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsysops.domain.batch import QuarantinedRow

JOINED: Final = "\x1f"
"""Between the elements of a list, once they are one text."""


@dataclass(frozen=True, kw_only=True)
class RawTable:
    """The cells of one file as text, empty where missing."""

    file: str
    frame: pd.DataFrame
    """Columns as the file names them, dtype object, every cell a str."""
    numbers: npt.NDArray[np.int64]
    """Each row's 1-based number in the file."""
    rows_in: int
    """Rows of the file, with those that are no rows of `frame`."""
    quarantined: tuple[QuarantinedRow, ...] = ()
    """Rows that could not be split into cells."""
    lists: dict[str, str] = field(default_factory=dict)
    """Columns that hold lists, and the separator their elements were joined with."""

    def having(self, column: str) -> "RawTable":
        """Return the rows whose cell in `column` is filled; the others are not rows of this table."""
        has_value = (self.frame[column].str.strip() != "").to_numpy(dtype=bool)
        return replace(
            self,
            frame=self.frame[has_value].reset_index(drop=True),
            numbers=self.numbers[has_value],
            rows_in=self.rows_in - int((~has_value).sum()),
        )
