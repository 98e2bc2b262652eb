"""The launches of a title as they were announced, moved, cancelled and planned again."""

from datetime import datetime

import pandas as pd

from recsysops.columns import CELL_KEY, LAUNCH_AT, LAUNCH_STATUS, LOADED_AT, MARKET, OBSERVED_AT, PLANNED, SURFACE
from recsysops.domain.title_view import LaunchEvent
from recsysops.service.queries.values import Row, records, time


def launch_events(history: pd.DataFrame, as_of: datetime) -> tuple[LaunchEvent, ...]:
    """Return what became of each launch, by market, surface and time, leaving out repeats that changed nothing.

    Args:
        history: LAUNCH_VERSION of one title, every version.
        as_of: What was learned later is left out.
    """
    if not len(history):
        return ()
    known = history[history[OBSERVED_AT] <= as_of].sort_values([*CELL_KEY, OBSERVED_AT])
    events: list[LaunchEvent] = []
    before: Row | None = None
    for row in records(known):
        if before is not None and any(before[column] != row[column] for column in CELL_KEY):
            before = None
        change = _change(before, row)
        if change:
            events.append(
                LaunchEvent(
                    market=row[MARKET],
                    surface=row[SURFACE],
                    observed_at=row[OBSERVED_AT].to_pydatetime(),
                    launch_at=row[LAUNCH_AT].to_pydatetime(),
                    launch_status=row[LAUNCH_STATUS],
                    change=change,
                    previous_launch_at=None if before is None else before[LAUNCH_AT].to_pydatetime(),
                    loaded_at=time(row.get(LOADED_AT)),
                )
            )
        before = row
    return tuple(events)


def _change(before: Row | None, row: Row) -> str:
    is_planned = row[LAUNCH_STATUS] == PLANNED
    if before is None:
        return "announced" if is_planned else "cancelled"
    was_planned = before[LAUNCH_STATUS] == PLANNED
    if is_planned != was_planned:
        return "planned again" if is_planned else "cancelled"
    return "moved" if before[LAUNCH_AT] != row[LAUNCH_AT] else ""
