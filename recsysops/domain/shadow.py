"""What is asked of a recommender: launch windows, sampled members, and how many are taken of whom. Asks nobody."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsysops.columns import ALL, CELL_KEY, LAUNCH_AT, LAUNCH_STATUS, MARKET, PLANNED, SURFACE, TITLE_ID
from recsysops.domain.measure import LEADS

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
FieldValue = str | float | bool | list[str] | None

MIN_PER_STRATUM: Final = 2
"""Fewer members say nothing of how much members of a stratum differ."""


@dataclass(frozen=True, kw_only=True)
class MemberSample:
    """Members of one market and surface: the weighted mean of an answer estimates the share of a day's active members.

    The members come in random order, so that any part of them is a sample, too.
    """

    members: tuple[str, ...]
    stratum: Ints
    """Of each member, a number from 0."""
    shares: Floats
    """Share of a day's active members who are of each stratum; sums to 1."""
    sizes: Ints
    """Members there are of each stratum, sampled or not."""


@dataclass(frozen=True, kw_only=True)
class LaunchWindow:
    """Titles that launch at about the same time in one market and surface, and what else is on offer there then."""

    market: str
    surface: str
    at: datetime
    """When members would meet the titles: the last launch of the window."""
    as_of: datetime
    """What is asked stands at this time."""
    known_at: datetime | None = None
    """For a past window: the time whose knowledge the recommender answers from."""
    cells: pd.DataFrame
    """CELL_KEY and LAUNCH_AT of the titles asked about."""
    rivals: tuple[str, ...] = ()
    """Titles that launch in the window and are not asked about; they compete all the same."""
    on_offer: tuple[str, ...]
    """Titles that are on offer at `at`, without those of the window."""
    unscheduled: tuple[str, ...] = ()
    """Titles without any launch: on offer where the recommender calls them eligible, else left out."""
    fields: Mapping[str, Mapping[str, FieldValue]] = field(default_factory=dict)
    """Changed metadata of titles asked about, by title: asked only of a recommender that has the ability."""
    launches: Mapping[str, datetime] = field(default_factory=dict)
    """Changed launches of titles asked about, by title: with the same ability."""


def windows_of(
    cells: pd.DataFrame, launches: pd.DataFrame, titles: Sequence[str], as_of: datetime, window_days: float
) -> Iterator[LaunchWindow]:
    """Group upcoming cells into windows, soonest first.

    Args:
        cells: CELL_KEY and LAUNCH_AT of the cells asked about.
        launches: LAUNCH_VERSION, one row per cell, as known at `as_of`.
        titles: Every title known.
        as_of: Aware UTC.
        window_days: Launches of a window lie within so many days of its first one.
    """
    found = []
    unscheduled = tuple(sorted(set(titles) - set(launches[TITLE_ID])))
    for (market, surface), group in cells.groupby([MARKET, SURFACE], sort=True):
        there = planned_in(launches, str(market), str(surface))
        for part in _cut(group.sort_values([LAUNCH_AT, TITLE_ID]), window_days):
            found.append(_window((str(market), str(surface)), part, there, as_of, unscheduled))  # noqa: PERF401
    yield from sorted(found, key=lambda window: (window.at, window.market, window.surface))


def past_windows_of(
    launches: pd.DataFrame, lead: int, window_days: float
) -> Iterator[tuple[str, str, datetime, pd.DataFrame]]:
    """Group past launches of one lead: market, surface, the time they are asked as of, and the cells.

    The time is that of the first launch less the lead, so that none is asked about with later knowledge.

    Args:
        launches: LAUNCH_VERSION, one row per cell.
        lead: Days before launch.
        window_days: As for `windows_of`.
    """
    for (market, surface), group in launches.groupby([MARKET, SURFACE], sort=True):
        for part in _cut(group.sort_values([LAUNCH_AT, TITLE_ID]), window_days):
            first: datetime = part[LAUNCH_AT].iloc[0].to_pydatetime()
            yield str(market), str(surface), first - timedelta(days=lead), part[[*CELL_KEY, LAUNCH_AT]]


def chosen_leads(title: Iterable[str], market: Iterable[str], surface: Iterable[str]) -> Ints:
    """Return one of the leads for each past cell, by a hash of its key: stable, whatever else is there."""
    keys = np.array([f"{t}\x00{m}\x00{s}" for t, m, s in zip(title, market, surface, strict=True)], dtype=object)
    if not len(keys):
        return np.zeros(0, dtype=np.int64)
    return np.array(LEADS, dtype=np.int64)[(pd.util.hash_array(keys) % len(LEADS)).astype(np.int64)]


def allocate(sizes: Ints, active_days: Ints, n: int) -> Ints:
    """Say how many members are taken of each stratum: in proportion to its share of a day's active members.

    Args:
        sizes: Members there are of each stratum.
        active_days: On how many days members of each stratum came.
        n: Members wanted in all, roughly: numbers are rounded down, and no stratum gives fewer than
            `MIN_PER_STRATUM` where it has them.
    """
    mass = (sizes * active_days).astype(np.float64)
    is_whole = np.zeros(len(sizes), dtype=np.bool_)
    wanted = np.zeros(len(sizes))
    while not is_whole.all():
        wanted = np.where(is_whole, sizes, mass * max(n - int(sizes[is_whole].sum()), 0) / mass[~is_whole].sum())
        full = ~is_whole & (wanted >= sizes)
        if not full.any():
            break
        is_whole |= full
    taken = np.where(is_whole, sizes, np.floor(wanted)).astype(np.int64)
    return np.asarray(np.minimum(sizes, np.maximum(taken, MIN_PER_STRATUM)), dtype=np.int64)


def _cut(group: pd.DataFrame, window_days: float) -> Iterator[pd.DataFrame]:
    """Yield stretches of launches within `window_days` of the first of each."""
    launch = group[LAUNCH_AT].astype("datetime64[us, UTC]").astype("int64").to_numpy()
    span, start = round(window_days * 86_400_000_000), 0
    while start < len(launch):
        end = int(np.searchsorted(launch, launch[start] + span, side="right"))
        yield group.iloc[start:end]
        start = end


def planned_in(launches: pd.DataFrame, market: str, surface: str) -> pd.DataFrame:
    """Return the launches (LAUNCH_VERSION) that are planned in a market and surface, or in all of them."""
    there = launches[LAUNCH_STATUS] == PLANNED
    for column, place in ((MARKET, market), (SURFACE, surface)):
        if place != ALL:
            there &= launches[column].isin([place, ALL])
    return launches[there]


def _window(
    place: tuple[str, str], cells: pd.DataFrame, there: pd.DataFrame, as_of: datetime, unscheduled: tuple[str, ...]
) -> LaunchWindow:
    last: datetime = cells[LAUNCH_AT].iloc[-1].to_pydatetime()
    return window_at(place, cells, there, (last, as_of), unscheduled)


def window_at(
    place: tuple[str, str],
    cells: pd.DataFrame,
    there: pd.DataFrame,
    times: tuple[datetime, datetime],
    unscheduled: tuple[str, ...] = (),
) -> LaunchWindow:
    """Return the window of `cells`: what launches between its first and last launch competes, what launched is offered.

    Args:
        place: Market and surface.
        cells: CELL_KEY and LAUNCH_AT, by launch time.
        there: LAUNCH_VERSION of that place as known.
        times: The window's `at` and `as_of`.
        unscheduled: Titles without any launch.
    """
    at, as_of = times
    asked = set(cells[TITLE_ID])
    first = cells[LAUNCH_AT].iloc[0]
    in_window = there[LAUNCH_AT].between(first, at)
    rivals = set(there.loc[in_window & (there[LAUNCH_AT] > as_of), TITLE_ID]) - asked
    offered = set(there.loc[there[LAUNCH_AT] <= at, TITLE_ID]) - asked - rivals
    return LaunchWindow(
        market=place[0], surface=place[1], at=at, as_of=as_of,
        cells=cells[[*CELL_KEY, LAUNCH_AT]].reset_index(drop=True),
        rivals=tuple(sorted(rivals)), on_offer=tuple(sorted(offered)), unscheduled=unscheduled,
    )  # fmt: skip
