"""Versions of metadata, launches and plans, told as what changed from one to the next."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

import pandas as pd

from recsysops.columns import (
    ALL,
    AUTHOR,
    BEST,
    FIELDS,
    HIGH,
    HORIZON,
    LOADED_AT,
    LOW,
    MARKET,
    MEASURE,
    NAME,
    OBSERVED_AT,
    PROVIDER,
    SERIES_ID,
    SURFACE,
    TARGET_KEY,
    UNIT,
)
from recsysops.domain.timeline import TimelineEntry, TimelineKind, TimelinePlace
from recsysops.domain.title_view import LaunchEvent
from recsysops.service.queries.values import Row, cut, number, records, text, time

_SAME_TIME = timedelta(minutes=1)
_MEASURES: Mapping[str, str] = {"reach": "Reach", "impression_share": "Share of impressions", "uptake": "Uptake"}
_LAUNCH = {
    "announced": "Launch announced",
    "moved": "Launch moved",
    "cancelled": "Launch cancelled",
    "planned again": "Launch planned again",
}


def metadata_entries(history: pd.DataFrame) -> Iterator[TimelineEntry]:
    """Yield what became of each field, in general and where a market has its own version.

    Args:
        history: TITLE_VERSION and LOADED_AT of one title.
    """
    by_market: dict[str, list[Row]] = defaultdict(list)
    for version in sorted(records(history), key=lambda version: version[OBSERVED_AT]):
        by_market[version[MARKET]].append(version)
    general = by_market.get(ALL, [])
    for market, rows in by_market.items():
        own: dict[str, str] = {}
        for row in rows:
            # A market's own version is laid over the general one: what it leaves empty still holds.
            below = {} if market == ALL else _general_at(general, row[OBSERVED_AT])
            before, own = own, {name: value for name, value in _values(row).items() if value}
            if before or below:
                yield from _changes(row, market, below | before, below | own)
            else:
                yield _entry(row, "First known", market, "", f"{len(own)} fields filled")


def launch_entries(events: tuple[LaunchEvent, ...]) -> Iterator[TimelineEntry]:
    """Yield launches as announced, moved, cancelled and planned again."""
    for event in events:
        has_moved = event.previous_launch_at not in {None, event.launch_at}
        is_off = event.change == "cancelled"
        yield TimelineEntry(
            at=event.observed_at,
            known_at=_apart(event.observed_at, event.loaded_at),
            kind=TimelineKind.LAUNCH,
            what=_LAUNCH.get(event.change, f"Launch {event.change}"),
            before=_moment(event.previous_launch_at if has_moved else event.launch_at if is_off else None),
            after="" if is_off else _moment(event.launch_at),
            places=(TimelinePlace(market=event.market, surface=event.surface),),
        )


def plan_entries(history: pd.DataFrame) -> Iterator[TimelineEntry]:
    """Yield plans as they were added and changed.

    Args:
        history: EXPECTATION_VERSION and LOADED_AT of one title.
    """
    last: dict[tuple[object, ...], str] = {}
    for row in sorted(records(history), key=lambda row: row[OBSERVED_AT]):
        key, after = tuple(row[name] for name in TARGET_KEY), _plan(row)
        before = last.get(key, "")
        last[key] = after
        if after != before:
            days = int(row[HORIZON])
            about = f"{_MEASURES.get(row[MEASURE], row[MEASURE])} over {days} day{'' if days == 1 else 's'}"
            author = f" by {cut(row[AUTHOR])}" if text(row[AUTHOR]) else ""
            yield TimelineEntry(
                at=row[OBSERVED_AT].to_pydatetime(),
                known_at=_apart(row[OBSERVED_AT].to_pydatetime(), time(row.get(LOADED_AT))),
                kind=TimelineKind.PLAN,
                what=f"{about}: plan {'changed' if before else 'added'}{author}",
                before=before,
                after=after,
                places=(TimelinePlace(market=row[MARKET], surface=row[SURFACE]),),
            )


def percent(share: float) -> str:
    """Return a share as a percentage with two significant digits."""
    shown = 100 * share
    return f"{shown:.0f} %" if shown >= 10 else f"{float(f'{shown:.2g}'):g} %"


def _changes(row: Row, market: str, before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[TimelineEntry]:
    for name in dict.fromkeys([*before, *after]):
        was, now = before.get(name, ""), after.get(name, "")
        if was != now:
            verb = "filled" if not was else "emptied" if not now else "changed"
            yield _entry(row, f"{cut(name)} {verb}", market, was, now)


def _entry(row: Row, what: str, market: str, before: str, after: str) -> TimelineEntry:
    at = row[OBSERVED_AT].to_pydatetime()
    return TimelineEntry(
        at=at,
        known_at=_apart(at, time(row.get(LOADED_AT))),
        kind=TimelineKind.METADATA,
        what=what,
        before=before,
        after=after,
        places=() if market == ALL else (TimelinePlace(market=market, surface=ALL),),
    )


def _values(row: Row) -> dict[str, str]:
    own = {name: cut(row[name]) for name in (NAME, PROVIDER, SERIES_ID)}
    fields: Mapping[str, object] = row[FIELDS]
    return own | {str(name): cut(value) for name, value in fields.items()}


def _general_at(general: list[Row], at: object) -> dict[str, str]:
    known = [row for row in general if row[OBSERVED_AT] <= at]
    return {name: value for name, value in _values(known[-1]).items() if value} if known else {}


def _plan(row: Row) -> str:
    low, best, high = (number(row[name]) for name in (LOW, BEST, HIGH))
    if low is None or best is None or high is None:
        return "without a number"
    unit = text(row[UNIT])
    if unit == "share":
        return f"{percent(best)} ({percent(low)} to {percent(high)})"
    return f"{best:,.0f} ({low:,.0f} to {high:,.0f}) {unit}"


def _moment(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else ""


def _apart(at: datetime, loaded_at: datetime | None) -> datetime | None:
    return None if loaded_at is None or abs(loaded_at - at) < _SAME_TIME else loaded_at
