"""What treatment and activity are: Ibis expressions, the same on every engine.

Times are whole microseconds since 1970 UTC, so that no engine's session time zone can move a row to another day; only
whole numbers are computed with, so that no engine rounds otherwise. Nothing here knows an engine, a file or the clock.
"""

from typing import Final

import ibis
import ibis.expr.types as ir

from recsysops.columns import (
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
    SURFACE,
    TITLE_ID,
    TS,
)  # fmt: skip
from recsysops.domain.measure import HORIZONS
from recsysops.events.coverage import DAY_US, N_DAYS
from recsysops.events.names import (
    ACTIVE_DAYS,
    CELL,
    DIGEST,
    FROM_DAY,
    GAP,
    LAST_DAY,
    LOG_MARKET,
    LOG_SURFACE,
    MEMBERS,
    PHASE,
    TO_DAY,
    WINDOW,
)

_POSITIONS: Final = {POSITION_P10: 1, POSITION_P50: 5, POSITION_P90: 9}
"""Tenths of the ordered positions below each quantile."""
_N: Final = "n"
_TOTAL: Final = "total"
_UP_TO: Final = "up_to"
_AT: Final = "at"
_PREVIOUS: Final = "previous"


def places(events: ir.Table) -> ir.Table:
    """Return the markets and surfaces that occur in the log: LOG_MARKET, LOG_SURFACE."""
    return events.select(**{LOG_MARKET: events[MARKET], LOG_SURFACE: events[SURFACE]}).distinct()


def shown(events: ir.Table, cells: ir.Table) -> ir.Table:
    """Return the events of each cell on its days: CELL, MEMBER_ID, DAY (24-hour day since launch), POSITION.

    Args:
        events: TITLE_ID, MEMBER_ID, MARKET, SURFACE (text), TS (microseconds), POSITION (missing where unknown).
        cells: CELL (number), TITLE_ID, LOG_MARKET, LOG_SURFACE, LAUNCH_AT (microseconds), FROM_DAY and TO_DAY (the
            first day wanted and the one after the last); a cell of all markets has one row per market of the log.
    """
    since = events[TS] - cells[LAUNCH_AT]
    return events.join(
        cells,
        [
            events[TITLE_ID] == cells[TITLE_ID],
            events[MARKET] == cells[LOG_MARKET],
            events[SURFACE] == cells[LOG_SURFACE],
            since >= cells[FROM_DAY] * DAY_US,
            since < cells[TO_DAY] * DAY_US,
        ],
    ).select(
        cells[CELL].cast("int32").name(CELL),
        events[MEMBER_ID],
        (since // DAY_US).cast("int16").name(DAY),
        events[POSITION],
    )


def day_counts(events: ir.Table, cells: ir.Table) -> ir.Table:
    """Count the events of each cell and day, with exact position quantiles: CELL, DAY, EVENTS, POSITION_P10 to P90.

    Quantiles interpolate between neighbours; they come from counts by position, which stay small however long the log.
    """
    rows = shown(events, cells)
    counts = rows.group_by([CELL, DAY, POSITION]).aggregate(**{_N: rows.count()})
    known = ibis.ifelse(counts[POSITION].notnull(), counts[_N], 0)
    up_to = ibis.window(group_by=[CELL, DAY], order_by=POSITION, preceding=None, following=0)
    ranked = counts.mutate(**{_UP_TO: known.sum().over(up_to), _TOTAL: known.sum().over(group_by=[CELL, DAY])})
    ends = {}
    for name, tenths in _POSITIONS.items():
        at = (ranked[_TOTAL] - 1) * tenths
        ends[f"low_{name}"] = ranked[POSITION].min(where=ranked[_UP_TO] * 10 > at)
        ends[f"high_{name}"] = ranked[POSITION].min(where=(ranked[_UP_TO] - 1) * 10 >= at)
    days = ranked.group_by([CELL, DAY]).aggregate(**{EVENTS: ranked[_N].sum(), _TOTAL: ranked[_TOTAL].max(), **ends})
    return days.select(CELL, DAY, EVENTS, **{name: _between(days, name) for name in _POSITIONS})


def _between(days: ir.Table, name: str) -> ir.FloatingValue:
    low, high = days[f"low_{name}"].cast("int64"), days[f"high_{name}"].cast("int64")
    tenths = ((days[_TOTAL] - 1) * _POSITIONS[name]) % 10
    return (low * 10 + tenths * (high - low)).cast("float64") / 10.0


def first_days(events: ir.Table, cells: ir.Table) -> ir.Table:
    """Return the first day of each member in each cell, among the days wanted: CELL, MEMBER_ID, DAY."""
    rows = shown(events, cells)
    return rows.group_by([CELL, MEMBER_ID]).aggregate(**{DAY: rows[DAY].min()})


def not_seen(first: ir.Table, seen: ir.Table) -> ir.Table:
    """Leave out the members whom a cell had before the days wanted (CELL, MEMBER_ID)."""
    return first.anti_join(seen, [first[CELL] == seen[CELL], first[MEMBER_ID] == seen[MEMBER_ID]])


def new_members(first: ir.Table) -> ir.Table:
    """Count members by the day they were first there, so that the sum over days is the numerator of reach."""
    return first.group_by([CELL, DAY]).aggregate(**{NEW_MEMBERS: first.count()})


def member_days(events: ir.Table, scopes: ir.Table) -> ir.Table:
    """Count the events of each member by day: CELL, MEMBER_ID, DAY (whole days since 1970, shifted by PHASE), EVENTS.

    Args:
        events: As for `shown`.
        scopes: CELL (number), LOG_MARKET, LOG_SURFACE, PHASE (microseconds), FROM_DAY, TO_DAY.
    """
    moment = events[TS] - scopes[PHASE]
    rows = events.join(
        scopes,
        [
            events[MARKET] == scopes[LOG_MARKET],
            events[SURFACE] == scopes[LOG_SURFACE],
            moment >= scopes[FROM_DAY] * DAY_US,
            moment < scopes[TO_DAY] * DAY_US,
        ],
    ).select(scopes[CELL].cast("int32").name(CELL), events[MEMBER_ID], (moment // DAY_US).cast("int32").name(DAY))
    return rows.group_by([CELL, MEMBER_ID, DAY]).aggregate(**{EVENTS: rows.count()})


def drawn(days: ir.Table, key: str, n: int) -> ir.Table:
    """Return the `n` members with the smallest keyed hashes of each scope and number of active days, of how many.

    Args:
        days: What `member_days` gave.
        key: Makes the hash one of many: the same key draws the same members.
        n: Members of each scope and number of days.

    Returns:
        CELL, ACTIVE_DAYS, MEMBER_ID, DIGEST, MEMBERS.
    """
    members = days.group_by([CELL, MEMBER_ID]).aggregate(**{ACTIVE_DAYS: days.count()})
    digest = (ibis.literal(f"{key} ") + members[MEMBER_ID]).hexdigest("md5")
    hashed = members.mutate(**{DIGEST: digest})
    ordered = ibis.window(group_by=[CELL, ACTIVE_DAYS], order_by=[hashed[DIGEST], hashed[MEMBER_ID]])
    alike = ibis.window(group_by=[CELL, ACTIVE_DAYS])
    ranked = hashed.mutate(**{_N: ibis.row_number().over(ordered), MEMBERS: hashed[MEMBER_ID].count().over(alike)})
    return ranked.filter(ranked[_N] < n).select(CELL, ACTIVE_DAYS, MEMBER_ID, DIGEST, MEMBERS)


def last_days(known: ir.Table, days: ir.Table) -> ir.Table:
    """Return the latest of the known LAST_DAY of those members who are active again (CELL, MEMBER_ID)."""
    again = known.semi_join(days, [CELL, MEMBER_ID])
    return again.group_by([CELL, MEMBER_ID]).aggregate(**{LAST_DAY: again[LAST_DAY].max()})


def gaps(days: ir.Table, last: ir.Table | None = None) -> ir.Table:
    """Count by scope, day and days since the member's previous active day: CELL, DAY, GAP, MEMBERS, EVENTS.

    Args:
        days: What `member_days` gave.
        last: LAST_DAY of members (CELL, MEMBER_ID) who were active before; one row each.
    """
    earlier = ibis.window(group_by=[CELL, MEMBER_ID], order_by=DAY)
    ordered = days.mutate(**{_PREVIOUS: days[DAY].lag().over(earlier)})
    if last is not None:
        same = [ordered[CELL] == last[CELL], ordered[MEMBER_ID] == last[MEMBER_ID]]
        ordered = ordered.left_join(last, same).select(
            *[ordered[name] for name in (CELL, DAY, EVENTS)],
            **{_PREVIOUS: ordered[_PREVIOUS].coalesce(last[LAST_DAY])},
        )
    gap = ibis.least(ordered[DAY] - ordered[_PREVIOUS], N_DAYS).coalesce(N_DAYS)
    spaced = ordered.mutate(**{GAP: gap})
    return spaced.group_by([CELL, DAY, GAP]).aggregate(**{MEMBERS: spaced.count(), EVENTS: spaced[EVENTS].sum()})


def activity(counts: ir.Table, windows: ir.Table) -> ir.Table:
    """Count active members and events in the windows of 1, 7 and 28 days after each start.

    A member is active who has any event there. Each (member, day) counts for exactly those windows in which it is the
    member's first: those that start after the member's previous active day.

    Args:
        counts: What `gaps` gave.
        windows: WINDOW (number), CELL (its scope), DAY (its first day).

    Returns:
        WINDOW, HORIZON, N_ACTIVE, N_EVENTS, one row per window and horizon with at least one event.
    """
    offset = (counts[DAY] - windows[DAY]).name(_AT)
    inside = [windows[CELL] == counts[CELL], counts[DAY] >= windows[DAY], counts[DAY] < windows[DAY] + N_DAYS]
    near = windows.join(counts, inside).select(windows[WINDOW], offset, counts[GAP], counts[MEMBERS], counts[EVENTS])
    per_horizon = [
        near.filter(near[_AT] < horizon)
        .group_by(WINDOW)
        .aggregate(
            **{N_ACTIVE: ibis.ifelse(near[GAP] > near[_AT], near[MEMBERS], 0).sum(), N_EVENTS: near[EVENTS].sum()}
        )
        .mutate(**{HORIZON: ibis.literal(horizon, type="int64")})
        for horizon in HORIZONS
    ]
    return ibis.union(*per_horizon).select(WINDOW, HORIZON, N_ACTIVE, N_EVENTS)
