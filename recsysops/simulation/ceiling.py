"""How well anybody could predict first-day reach: the share of its variance that is neither a title's shock nor chance.

Measured on launch days that were served again with another shock, other members and other noise (`n_repeats` in
`WorldConfig`), everything else equal. It is the truth's side of a benchmark; no predictor sees it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from recsysops.columns import MARKET, N_ACTIVE, SURFACE, TITLE_ID
from recsysops.simulation._fields import (
    IS_HIDDEN,
    REACH,
    REACH_WITHOUT_FAULTS,
    REPEATED_ACTIVE,
    REPEATED_REACH,
)
from recsysops.simulation.truth import logit

_CELL: Final = (TITLE_ID, MARKET, SURFACE)


@dataclass(frozen=True)
class Ceiling:
    """The variance of first-day reach on the logit scale, and what of it cannot be predicted."""

    variance: float
    """Of reach over the cells."""
    unpredictable: float
    """Mean variance of one cell over repeats: shock and chance."""
    hidden: float
    """What titles that reach the candidate index late add, which nothing shows before launch."""
    n_cells: int

    @property
    def r2(self) -> float:
        """Best R2 for one who knows everything but shock and chance, at most 1: 1 - their share of the variance."""
        return 1.0 - self.unpredictable / self.variance

    @property
    def r2_before_launch(self) -> float:
        """Best R2 for one who does not know either which titles will be missing from the candidate index."""
        return 1.0 - (self.unpredictable + self.hidden) / self.variance


def measure_ceiling(repeats: pd.DataFrame, cells: pd.DataFrame | None = None) -> Ceiling:
    """Compare first days with their repeats.

    Args:
        repeats: One row per title x market x surface x repeat, as in `truth/repeats.parquet`; reaches are shares.
        cells: TITLE_ID, MARKET and SURFACE of the cells to look at; None: all. The variance is that over these cells.

    Raises:
        ValueError: Fewer than two cells have repeats, or they do not differ.
    """
    table = repeats if cells is None else repeats.merge(cells[list(_CELL)].drop_duplicates(), on=list(_CELL))
    actual = logit(table[REACH].to_numpy(), table[N_ACTIVE].to_numpy())
    again = logit(table[REPEATED_REACH].to_numpy(), table[REPEATED_ACTIVE].to_numpy())
    values = pd.DataFrame({"again": again, "actual": actual}).groupby([table[name] for name in _CELL], sort=True)
    first = values["actual"].first().to_numpy()
    if len(first) < 2 or first.var() == 0.0:
        raise ValueError(f"{len(first)} cells with repeats do not differ in reach. Serve more launches again.")
    within = _within(first, values["again"])
    return Ceiling(float(first.var(ddof=1)), within, _hidden(table, actual), len(first))


def load_ceiling(folder: Path, cells: pd.DataFrame | None = None) -> Ceiling:
    """Return the ceiling of a simulated folder whose launch days were repeated; see `measure_ceiling`."""
    return measure_ceiling(pd.read_parquet(folder / "truth" / "repeats.parquet"), cells)


def _within(first: np.ndarray, again: Any) -> float:  # noqa: ANN401 - pandas names no public type of a grouped column
    """Return the mean over cells of the variance of the first day and its repeats, each cell counting the same."""
    n = again.size().to_numpy() + 1
    mean = (again.sum().to_numpy() + first) / n
    squares = again.apply(lambda values: float((values**2).sum())).to_numpy() + first**2
    return float(((squares - n * mean**2) / (n - 1)).mean())


def _hidden(table: pd.DataFrame, actual: np.ndarray) -> float:
    """Return the variance a fault adds that hits a share of titles without a sign: share x (1 - share) x effect^2."""
    is_hidden = table[IS_HIDDEN].to_numpy(dtype=np.bool_)
    if not is_hidden.any():
        return 0.0
    without = logit(table[REACH_WITHOUT_FAULTS].to_numpy(), table[N_ACTIVE].to_numpy())
    share = is_hidden.mean()
    return float(share * (1.0 - share) * ((actual - without)[is_hidden] ** 2).mean())
