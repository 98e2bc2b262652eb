"""When a launch is, by the clocks of its market."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd

from recsysops.columns import ALL
from recsysops.model._encode import Columns
from recsysops.model._past import Rows

YEARLY: Final = "|week"
"""Week of the year, 0 to 51: only of use to a model that has seen more than a year."""


def add_calendar(columns: Columns, rows: Rows, zones: Mapping[str, str]) -> None:
    """Add weekday, hour and week of each launch, and its lead; `zones` are the time zones of markets."""
    utc = pd.DatetimeIndex(rows.launch.astype("datetime64[us]")).tz_localize("UTC")
    local = rows.launch.copy()
    zone = np.array([zones.get(market) or zones.get(ALL) or "UTC" for market in rows.market], dtype=object)
    for name in sorted(set(zone) - {"UTC"}):
        own = zone == name
        clock = utc[own].tz_convert(name).tz_localize(None)
        local[own] = clock.to_numpy("datetime64[us]").astype(np.int64)
    at = pd.DatetimeIndex(local.astype("datetime64[us]"))
    columns.add("|weekday", at.day_of_week.to_numpy(dtype=np.float64))
    columns.add("|hour", at.hour.to_numpy(dtype=np.float64))
    week = np.minimum((at.day_of_year.to_numpy(dtype=np.float64) - 1) // 7, 51)
    columns.add(YEARLY, week)
    columns.add("|lead", np.asarray(rows.lead))
