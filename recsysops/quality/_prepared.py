"""A rule made ready: the question for Great Expectations, and our own answer, down to the cells. The two must agree."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from recsysops.quality._catalogue import Bools

COLUMN = "column"


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """One rule on one field."""

    expectation: str
    kwargs: Mapping[str, Any]
    """Its arguments without columns."""
    columns: Mapping[str, Sequence[Any] | npt.NDArray[np.float64]]
    """Argument that names a column, such as `column` or `column_A`, to what Great Expectations sees of it."""
    broken: Bools
    """Our own answer, entry by entry of the columns: whether it breaks the rule."""
    judged: Bools
    """Per cell, whether there was anything to judge."""
    cells: npt.NDArray[np.int64]
    """Positions of the cells that break it."""
    found: Sequence[str]
    """What stands there, cell by cell."""
    details: Sequence[str]
    """What is wrong with it, cell by cell; empty where the value says it all."""
