"""Which metadata requirement holds where: the most specific one for market and surface."""

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
    REQUIREMENT,
    SURFACE,
)


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
    place = cells[list(CELL_KEY)].drop_duplicates(ignore_index=True)
    place["cell_order"] = range(len(place))
    wanted = requirements[list(REQUIREMENT)].rename(columns={MARKET: "for_market", SURFACE: "for_surface"})
    pairs = []
    for for_market in (True, False):
        for for_surface in (True, False):
            left = place.assign(
                for_market=place[MARKET] if for_market else ALL,
                for_surface=place[SURFACE] if for_surface else ALL,
                generality=2 * (not for_market) + (not for_surface),
            )
            pairs.append(left.merge(wanted, on=["for_market", "for_surface"]))
    found = pd.concat(pairs, ignore_index=True).sort_values(
        ["cell_order", FIELD, "generality", DUE_DAYS, DAYS_TO_FIX, OWNER],
        ascending=[True, True, True, False, False, True], kind="stable",
    )  # fmt: skip
    once = found.drop_duplicates(["cell_order", FIELD], ignore_index=True)
    return once[[*CELL_KEY, FIELD, DUE_DAYS, DAYS_TO_FIX, OWNER, MAX_SEVERITY]]
