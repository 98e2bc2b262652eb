"""What treatment and activity are: one Ibis expression each, the same on every engine.

Times are whole microseconds since 1970 UTC, so that no engine's session time zone can move a row to another day.
Nothing here knows an engine, a file or the clock.
"""

from typing import Final

import ibis
import ibis.expr.types as ir

from recsysops.columns import (
    ALL,
    DAY,
    EVENTS,
    HORIZON,
    LAUNCH_AT,
    MARKET,
    MEMBER_ID,
    N_ACTIVE,
    N_EVENTS,
    NEW_MEMBERS,
    POSITION,
    POSITION_P10,
    POSITION_P50,
    POSITION_P90,
    START_AT,
    SURFACE,
    TITLE_ID,
    TS,
)  # fmt: skip
from recsysops.domain.measure import HORIZONS
from recsysops.events.coverage import DAY_US, N_DAYS

_CELL: Final = "cell"
_PHASE: Final = "phase"
_GAP: Final = "gap"
_PREVIOUS: Final = "previous"
_MEMBERS: Final = "members"
_LOG_MARKET: Final = "log_market"
_LOG_SURFACE: Final = "log_surface"
_FIRST_DAY: Final = "first_day"


def treatment_days(impressions: ir.Table, launches: ir.Table) -> ir.Table:
    """Count events and new members of each launch by 24-hour day since launch.

    A new member is one whose first event on the title in the cell since launch falls on that day, so that the sum over
    days is the numerator of reach.

    Args:
        impressions: TITLE_ID, MEMBER_ID, MARKET, SURFACE (text), TS (microseconds), POSITION (missing where unknown).
        launches: TITLE_ID, MARKET, SURFACE, LAUNCH_AT (microseconds), one row per launch; `all` matches any.

    Returns:
        TITLE_ID, MARKET, SURFACE, LAUNCH_AT, DAY (0 to 27), EVENTS, NEW_MEMBERS and exact position quantiles (missing
        without positions), one row per launch and day with at least one event.
    """
    cells = _numbered(launches, _CELL, (TITLE_ID, MARKET, SURFACE, LAUNCH_AT))
    shown = _shown(impressions, _matched(cells, _places(impressions)))
    by_day = shown.group_by([_CELL, DAY]).aggregate(
        **{
            EVENTS: shown.count(),
            POSITION_P10: shown[POSITION].quantile(0.1),
            POSITION_P50: shown[POSITION].quantile(0.5),
            POSITION_P90: shown[POSITION].quantile(0.9),
        }
    )
    first = shown.group_by([_CELL, MEMBER_ID]).aggregate(**{_FIRST_DAY: shown[DAY].min()})
    new = first.group_by([_CELL, _FIRST_DAY]).aggregate(**{NEW_MEMBERS: first.count()})
    counted = by_day.left_join(new, [by_day[_CELL] == new[_CELL], by_day[DAY] == new[_FIRST_DAY]]).select(
        *[by_day[name] for name in by_day.columns], **{NEW_MEMBERS: new[NEW_MEMBERS].coalesce(0)}
    )
    positions = (POSITION_P10, POSITION_P50, POSITION_P90)
    return counted.join(cells, _CELL).select(TITLE_ID, MARKET, SURFACE, LAUNCH_AT, DAY, EVENTS, NEW_MEMBERS, *positions)


def activity(impressions: ir.Table, windows: ir.Table) -> ir.Table:
    """Count active members and events in the windows of 1, 7 and 28 days after each start.

    A member is active who has any event there. Each (member, day) counts for exactly those windows in which it is the
    member's first: those that start after the member's previous active day. So members are sorted once, and only
    counts are joined with windows.

    Args:
        impressions: As for `treatment_days`.
        windows: MARKET, SURFACE, START_AT (microseconds), distinct; `all` matches any.

    Returns:
        MARKET, SURFACE, START_AT, HORIZON, N_ACTIVE, N_EVENTS, one row per window and horizon with at least one event.
    """
    starts = windows.mutate(**{_PHASE: windows[START_AT] % DAY_US})
    starts = starts.mutate(**{DAY: (starts[START_AT] - starts[_PHASE]) // DAY_US})
    keys = (MARKET, SURFACE, _PHASE)
    scopes = _numbered(starts.select(*keys).distinct(), _CELL, keys)
    counts = _first_days(impressions, scopes)
    placed = starts.join(scopes, list(keys))
    offset = (counts[DAY] - placed[DAY]).name("offset")
    in_window = [placed[_CELL] == counts[_CELL], counts[DAY] >= placed[DAY], counts[DAY] < placed[DAY] + N_DAYS]
    near = placed.join(counts, in_window).select(
        placed[MARKET], placed[SURFACE], placed[START_AT], offset, counts[_GAP], counts[_MEMBERS], counts[EVENTS]
    )
    per_horizon = [
        near.filter(near.offset < horizon)
        .group_by([MARKET, SURFACE, START_AT])
        .aggregate(
            **{
                N_ACTIVE: ibis.ifelse(near[_GAP] > near.offset, near[_MEMBERS], 0).sum(),
                N_EVENTS: near[EVENTS].sum(),
            }
        )
        .mutate(**{HORIZON: ibis.literal(horizon, type="int64")})
        for horizon in HORIZONS
    ]
    return ibis.union(*per_horizon).select(MARKET, SURFACE, START_AT, HORIZON, N_ACTIVE, N_EVENTS)


def _numbered(table: ir.Table, name: str, order: tuple[str, ...]) -> ir.Table:
    """Number the rows in a defined order: small keys make the large groupings cheap."""
    return table.mutate(**{name: ibis.row_number().over(order_by=list(order))})


def _places(impressions: ir.Table) -> ir.Table:
    """Return the markets and surfaces that occur in the log."""
    return impressions.select(**{_LOG_MARKET: impressions[MARKET], _LOG_SURFACE: impressions[SURFACE]}).distinct()


def _matched(cells: ir.Table, places: ir.Table) -> ir.Table:
    """Spread `all` over the places that occur, so that the large join is one of equal keys."""
    return cells.join(
        places,
        [
            (cells[MARKET] == ALL) | (cells[MARKET] == places[_LOG_MARKET]),
            (cells[SURFACE] == ALL) | (cells[SURFACE] == places[_LOG_SURFACE]),
        ],
    )


def _shown(impressions: ir.Table, cells: ir.Table) -> ir.Table:
    """Return the events of each launch in its 28 days: _CELL, MEMBER_ID, DAY, POSITION."""
    since = impressions[TS] - cells[LAUNCH_AT]
    return impressions.join(
        cells,
        [
            impressions[TITLE_ID] == cells[TITLE_ID],
            impressions[MARKET] == cells[_LOG_MARKET],
            impressions[SURFACE] == cells[_LOG_SURFACE],
            since >= 0,
            since < N_DAYS * DAY_US,
        ],
    ).select(cells[_CELL], impressions[MEMBER_ID], (since // DAY_US).name(DAY), impressions[POSITION])


def _first_days(impressions: ir.Table, scopes: ir.Table) -> ir.Table:
    """Count by scope, day and days since the member's previous active day (28 where there was none)."""
    spread = _matched(scopes, _places(impressions))
    joined = impressions.join(
        spread, [impressions[MARKET] == spread[_LOG_MARKET], impressions[SURFACE] == spread[_LOG_SURFACE]]
    )
    day = ((impressions[TS] - spread[_PHASE]) // DAY_US).name(DAY)
    seen = joined.select(spread[_CELL], impressions[MEMBER_ID], day)
    member_days = seen.group_by([_CELL, MEMBER_ID, DAY]).aggregate(**{EVENTS: seen.count()})
    earlier = ibis.window(group_by=[_CELL, MEMBER_ID], order_by=DAY)
    ordered = member_days.mutate(**{_PREVIOUS: member_days[DAY].lag().over(earlier)})
    gap = ibis.least(ordered[DAY] - ordered[_PREVIOUS], N_DAYS).coalesce(N_DAYS)
    spaced = ordered.mutate(**{_GAP: gap})
    return spaced.group_by([_CELL, DAY, _GAP]).aggregate(**{_MEMBERS: spaced.count(), EVENTS: spaced[EVENTS].sum()})
