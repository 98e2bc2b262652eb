"""Which days, windows, cells and scopes a count is asked for. Not for counting."""

from typing import Final

import numpy as np
import pandas as pd

from recsysops.columns import (
    ALL,
    CELL_KEY,
    DAY,
    HORIZON,
    IS_PARTIAL,
    LAUNCH_AT,
    MARKET,
    START_AT,
    SURFACE,
)
from recsysops.domain.measure import HORIZONS
from recsysops.events.coverage import DAY_US, N_DAYS, Coverage
from recsysops.events.names import CELL, FROM_DAY, LOG_MARKET, LOG_SURFACE, PHASE, TO_DAY, WINDOW

LAUNCH: Final = [*CELL_KEY, LAUNCH_AT]
SCOPE: Final = [MARKET, SURFACE, PHASE]
_WINDOW: Final = [MARKET, SURFACE, START_AT]


def all_days(launches: pd.DataFrame, coverage: Coverage, end: int) -> pd.DataFrame:
    """Return every day of every launch that counts: LAUNCH, DAY, IS_PARTIAL."""
    days = launches.loc[launches.index.repeat(N_DAYS)].reset_index(drop=True)
    days[DAY] = np.tile(np.arange(N_DAYS), len(launches))
    launched = days[LAUNCH_AT].to_numpy()
    start = launched + days[DAY].to_numpy() * DAY_US
    days[IS_PARTIAL] = coverage.has_hole(launched, start + DAY_US)
    counts = coverage.is_covered(start, start + DAY_US) & (start + DAY_US <= end)
    kept: pd.DataFrame = days[counts].reset_index(drop=True)
    return kept


def all_windows(launches: pd.DataFrame, coverage: Coverage, end: int) -> pd.DataFrame:
    """Return every launch window and horizon that counts: MARKET, SURFACE, START_AT, HORIZON, IS_PARTIAL, WINDOW."""
    starts = launches.rename(columns={LAUNCH_AT: START_AT})[_WINDOW].drop_duplicates(ignore_index=True)
    starts[WINDOW] = np.arange(len(starts))
    windows = starts.merge(pd.DataFrame({HORIZON: HORIZONS}), how="cross")
    start = windows[START_AT].to_numpy()
    stop = start + windows[HORIZON].to_numpy() * DAY_US
    windows[IS_PARTIAL] = coverage.has_hole(start, stop)
    kept: pd.DataFrame = windows[coverage.is_covered(start, stop) & (stop <= end)].reset_index(drop=True)
    return kept


def cells_of(days: pd.DataFrame) -> pd.DataFrame:
    """Return one row per launch with days: LAUNCH, FROM_DAY (0), TO_DAY, CELL."""
    cells = days.groupby(LAUNCH, as_index=False, sort=False).agg(**{TO_DAY: (DAY, "max")})
    cells[TO_DAY] += 1
    cells[FROM_DAY] = 0
    cells[CELL] = np.arange(len(cells))
    return cells


def scopes_of(windows: pd.DataFrame, end: int) -> pd.DataFrame:
    """Return one row per place and time of day: SCOPE, FROM_DAY, TO_DAY (after the last whole day), CELL."""
    placed = windows.assign(**{PHASE: windows[START_AT] % DAY_US, FROM_DAY: windows[START_AT] // DAY_US})
    scopes = placed.groupby(SCOPE, as_index=False, sort=False).agg(**{FROM_DAY: (FROM_DAY, "min")})
    scopes[TO_DAY] = (end - scopes[PHASE]) // DAY_US
    scopes[CELL] = np.arange(len(scopes))
    return scopes


def starts_of(windows: pd.DataFrame, scopes: pd.DataFrame) -> pd.DataFrame:
    """Return the distinct starts of the windows: WINDOW, CELL (of their scope), DAY (their first)."""
    starts = windows.drop_duplicates(WINDOW)
    starts = starts.assign(**{PHASE: starts[START_AT] % DAY_US, DAY: starts[START_AT] // DAY_US})
    return starts.merge(scopes[[*SCOPE, CELL]], on=SCOPE)[[WINDOW, CELL, DAY]]


def spread(cells: pd.DataFrame, places: pd.DataFrame) -> pd.DataFrame:
    """Spread `all` over the places of the log, so that the large join is one of equal keys: LOG_MARKET, LOG_SURFACE."""
    each = cells.assign(**{LOG_MARKET: cells[MARKET], LOG_SURFACE: cells[SURFACE]})
    whole = (each[MARKET] == ALL) | (each[SURFACE] == ALL)
    if not whole.any():
        return each
    crossed = cells[whole].merge(places, how="cross")
    fits = crossed[MARKET].isin([ALL]) | (crossed[MARKET] == crossed[LOG_MARKET])
    fits &= crossed[SURFACE].isin([ALL]) | (crossed[SURFACE] == crossed[LOG_SURFACE])
    return pd.concat([each[~whole], crossed[fits]], ignore_index=True)
