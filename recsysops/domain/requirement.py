"""Which metadata requirement holds where: the most specific one for market and surface."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsysops.columns import (
    ALL,
    CELL_KEY,
    DAYS_TO_FIX,
    DUE_DAYS,
    FIELD,
    MARKET,
    MAX_SEVERITY,
    OWNER,
    SURFACE,
)

Positions = npt.NDArray[np.int64]


def applicable_requirements(cells: pd.DataFrame, requirements: pd.DataFrame) -> pd.DataFrame:
    """Return the requirement of every cell and field.

    A requirement for market or surface `all` holds everywhere; one that names them overrules it there, market before
    surface. Of two for the same place, the one due earlier holds.

    Args:
        cells: One row per cell, columns CELL_KEY at least.
        requirements: Columns REQUIREMENT.

    Returns:
        Columns CELL_KEY, FIELD, DUE_DAYS, DAYS_TO_FIX, OWNER, MAX_SEVERITY; one row per cell and field, by cell (in the
        order given) and field.
    """
    once = cells[list(CELL_KEY)].drop_duplicates()
    of_cell, of_requirement = requirement_positions(once, requirements)
    said = requirements[[FIELD, DUE_DAYS, DAYS_TO_FIX, OWNER, MAX_SEVERITY]].take(of_requirement)
    return pd.concat([once.take(of_cell).reset_index(drop=True), said.reset_index(drop=True)], axis=1)


def requirement_positions(cells: pd.DataFrame, requirements: pd.DataFrame) -> tuple[Positions, Positions]:
    """Return which requirement holds for which cell, as positions: see `applicable_requirements`.

    Args:
        cells: One row per cell, columns MARKET and SURFACE at least.
        requirements: Columns REQUIREMENT.

    Returns:
        Positions of cells and of requirements, one pair per cell and field, by cell and field. What is required depends
        on the place alone, so places are looked at, not cells.
    """
    place = cells.groupby([MARKET, SURFACE], sort=False, dropna=False).ngroup().to_numpy(dtype=np.int64)
    _, first = np.unique(place, return_index=True)
    wanted = [_of_place(requirements, *place_of) for place_of in _places(cells, first)]
    sizes = np.array([len(each) for each in wanted], dtype=np.int64)
    of_cell = np.repeat(np.arange(len(cells)), sizes[place] if len(cells) else 0)
    of_requirement = np.concatenate([np.zeros(0, dtype=np.int64), *(wanted[at] for at in place)])
    return of_cell, of_requirement


def _places(cells: pd.DataFrame, rows: npt.NDArray[np.intp]) -> Sequence[tuple[object, object]]:
    return list(zip(cells[MARKET].iloc[rows], cells[SURFACE].iloc[rows], strict=True))


def _of_place(requirements: pd.DataFrame, market: object, surface: object) -> Positions:
    """Return the positions of the requirements that hold in one market on one surface, by field."""
    is_here = requirements[MARKET].isin([market, ALL]) & requirements[SURFACE].isin([surface, ALL])
    here = requirements[[FIELD, DUE_DAYS, DAYS_TO_FIX, OWNER]][is_here.to_numpy()]
    here = here.assign(
        position=np.flatnonzero(is_here),
        generality=2 * (requirements[MARKET] != market)[is_here].to_numpy()
        + (requirements[SURFACE] != surface)[is_here].to_numpy(),
    )
    ordered = here.sort_values(
        [FIELD, "generality", DUE_DAYS, DAYS_TO_FIX, OWNER], ascending=[True, True, False, False, True], kind="stable"
    )
    return ordered.drop_duplicates(FIELD)["position"].to_numpy(dtype=np.int64)
