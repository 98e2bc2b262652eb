"""A file as text: what every reader of tables starts from."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsysops.domain.batch import QuarantinedRow


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
