"""Cuts a large count into passes that fit into memory. Not for counting."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from recsysops.columns import LAUNCH_AT
from recsysops.domain.batch import LogFile
from recsysops.events.coverage import DAY_US, N_DAYS, microseconds


def rows_between(files: Sequence[LogFile], launched: "pd.Series[int]") -> list[LogFile]:
    """Return the files with rows between the first launch and the end of the last launch's days.

    Args:
        files: Any.
        launched: Launch times, in microseconds.
    """
    if launched.empty:
        return []
    start, end = int(launched.min()), int(launched.max()) + N_DAYS * DAY_US
    return [
        file
        for file in files
        if file.first_at is not None
        and file.last_at is not None
        and microseconds(file.last_at) >= start
        and microseconds(file.first_at) < end
    ]


def in_passes(
    launches: pd.DataFrame, files: Sequence[LogFile], max_rows: int
) -> list[tuple[pd.DataFrame, list[LogFile]]]:
    """Divide launches, by launch time, so that the files each part needs hold at most `max_rows`.

    Launches of one time stay together, however many rows their 28 days have.
    """
    times = np.sort(launches[LAUNCH_AT].unique())
    begin = np.asarray([microseconds(file.first_at) for file in files if file.first_at], dtype=np.int64)
    end = np.asarray([microseconds(file.last_at) for file in files if file.last_at], dtype=np.int64)
    rows = np.asarray([file.rows for file in files], dtype=np.int64)
    starts = [times[0]]
    for time in times[1:]:
        if rows[(end >= starts[-1]) & (begin < time + N_DAYS * DAY_US)].sum() > max_rows:
            starts.append(time)
    number = np.searchsorted(np.asarray(starts), launches[LAUNCH_AT].to_numpy(), side="right")
    parts = [part.reset_index(drop=True) for _, part in launches.groupby(number)]
    return [(part, rows_between(files, part[LAUNCH_AT])) for part in parts]
