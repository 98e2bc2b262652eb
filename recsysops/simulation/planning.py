"""Which titles launch when: the slate, moves and cancellations, and the launch plan as it was announced over time.

Not for expectations (`expectations`) or for what a title is (`catalogue`).
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import numpy as np
import pandas as pd

from recsysops.columns import CANCELLED, LAUNCH_AT, MARKET, OBSERVED_AT, PLANNED, STATUS, SURFACE
from recsysops.simulation._fields import ITEM_ID
from recsysops.simulation.world import MARKETS, SURFACES, Bools, Floats, Ints, WorldConfig, day_start, stream

BACK, PAST, UPCOMING, UNANNOUNCED = 0, 1, 2, 3
"""Roles of a title: back catalogue, launched in the history, announced, launching later but not announced yet."""
_WEEKDAY_SHARES: Final = (0.08, 0.09, 0.12, 0.15, 0.38, 0.10, 0.08)
_CANCELLED_SHARE: Final = 0.02
_MOVED_SHARE: Final = 0.04


@dataclass(frozen=True)
class Slate:
    """All titles in one order: back catalogue, past, upcoming, unannounced; one row each."""

    role: Ints
    launch_day: Ints
    """Day of the service on which it launches in all its markets; negative for the back catalogue."""
    planned_day: Ints
    """The day first planned; differs from `launch_day` where the launch moved."""
    changed_lead: Floats
    """Days before the earlier of both days at which a move or cancellation was announced; NaN where nothing changed."""
    cancelled: Bools
    item_id: list[str]


def make_slate(config: WorldConfig) -> Slate:
    """Return the slate: about `launches_per_week` a week, most on Fridays, before and after `as_of`."""
    rng = stream(config, 0)
    past = _past_days(config, rng)
    upcoming = _upcoming_days(config, rng)
    unannounced = _unannounced_days(config, rng, upcoming)
    back = -rng.integers(30, 1500, config.n_back_catalogue)
    sizes = [len(back), len(past), len(upcoming), len(unannounced)]
    role = np.repeat([BACK, PAST, UPCOMING, UNANNOUNCED], sizes)
    launch_day = np.concatenate([back, past, upcoming, unannounced])
    cancelled, moved = _changes(config, rng, role)
    planned_day = np.where(moved, _planned_before(config, rng, role, launch_day), launch_day)
    changed_lead = np.where(cancelled | moved, rng.uniform(2.0, 15.0, len(role)), np.nan).astype(np.float32)
    numbers = rng.permutation(len(role)) + 10001
    return Slate(role, launch_day, planned_day, changed_lead, cancelled, [f"vid-{number}" for number in numbers])


def _past_days(config: WorldConfig, rng: np.random.Generator) -> Ints:
    extra = round(config.launches_per_week * _CANCELLED_SHARE)
    size = (config.n_weeks, config.launches_per_week + extra)
    weekday = rng.choice(7, size, p=_WEEKDAY_SHARES)
    first_weekday = config.first_date.weekday()
    offset = (weekday - first_weekday) % 7
    return np.sort((np.arange(config.n_weeks)[:, None] * 7 + offset + 1).ravel())


def _upcoming_days(config: WorldConfig, rng: np.random.Generator) -> Ints:
    n = config.n_upcoming + max(2, config.n_upcoming // 40)
    week = np.sort(rng.choice(4, n, p=[0.46, 0.30, 0.14, 0.10]))
    weekday = rng.choice(7, n, p=_WEEKDAY_SHARES)
    return np.sort(config.n_history_days + week * 7 + (weekday - config.as_of.weekday()) % 7)


def _unannounced_days(config: WorldConfig, rng: np.random.Generator, upcoming: Ints) -> Ints:
    """Fill the weeks after `as_of` up to the usual number of launches, so that competition stays what it was."""
    announced = np.bincount((upcoming - config.n_history_days) // 7, minlength=8)
    days = []
    for week in range(8):
        size = max(config.launches_per_week - int(announced[week]), 0)
        weekday = rng.choice(7, size, p=_WEEKDAY_SHARES)
        days.append(config.n_history_days + week * 7 + (weekday - config.as_of.weekday()) % 7)
    return np.sort(np.concatenate(days))


def _changes(config: WorldConfig, rng: np.random.Generator, role: Ints) -> tuple[Bools, Bools]:
    """Choose the cancelled and the moved titles: a share of the past ones, two or three of the upcoming ones."""
    n_past = config.n_weeks * config.launches_per_week
    cancelled = np.zeros(len(role), dtype=np.bool_)
    moved = np.zeros(len(role), dtype=np.bool_)
    for wanted, n_cancelled, n_moved in (
        (PAST, round(n_past * _CANCELLED_SHARE), round(n_past * _MOVED_SHARE)),
        (UPCOMING, max(2, config.n_upcoming // 40), 3),
    ):
        rows = rng.permutation(np.flatnonzero(role == wanted))
        cancelled[rows[:n_cancelled]] = True
        moved[rows[n_cancelled : n_cancelled + n_moved]] = True
    return cancelled, moved


def _planned_before(config: WorldConfig, rng: np.random.Generator, role: Ints, launch_day: Ints) -> Ints:
    """Return the day first planned of a title that moved: up to two weeks off, for an upcoming one still to come."""
    shift = rng.choice([-14, -7, -3, 3, 7], len(launch_day), p=[0.2, 0.4, 0.15, 0.1, 0.15])
    earliest = np.where(role == UPCOMING, config.n_history_days, 1)
    return np.where(launch_day + shift < earliest, launch_day + 7, launch_day + shift)


def launch_starts(config: WorldConfig, days: Ints, market: int) -> pd.DatetimeIndex:
    """Return the aware UTC launch time of each of `days` in a market."""
    unique, where = np.unique(days, return_inverse=True)
    starts = pd.DatetimeIndex([day_start(config, MARKETS[market], int(day)) for day in unique])
    return starts[where].as_unit("us")


def announced_at(config: WorldConfig, slate: Slate, rows: Ints) -> pd.DatetimeIndex:
    """Return when the move or cancellation of each of `rows` was announced, before `as_of` for upcoming titles."""
    earlier = np.minimum(slate.launch_day[rows], slate.planned_day[rows])
    seconds = (slate.changed_lead[rows].astype(np.float64) * 86400.0).astype(np.int64)
    at = launch_starts(config, earlier, 0) - pd.to_timedelta(seconds, unit="s")
    latest = pd.Timestamp(config.as_of) - timedelta(hours=7)
    is_late = (slate.role[rows] == UPCOMING) & (at > latest)
    return pd.DatetimeIndex(at.where(~is_late, latest)).as_unit("us")


def launch_plan(config: WorldConfig, slate: Slate, in_market: Bools) -> pd.DataFrame:
    """Return the launch plan as announced until `as_of`: title x market x surface, one row per announcement.

    Launch times are ISO text with the market's own offset, `observed_at` is aware UTC.
    """
    rng = stream(config, 3)
    announced = np.flatnonzero((slate.role == PAST) | (slate.role == UPCOMING))
    days_before = rng.integers(40, 62, len(slate.role))
    parts = []
    for m, _ in enumerate(MARKETS):
        rows = announced[in_market[announced, m]]
        first = launch_starts(config, slate.planned_day[rows], 0) - pd.to_timedelta(days_before[rows], unit="D")
        first = pd.DatetimeIndex(first).normalize() + pd.Timedelta(hours=11)
        parts.append(_plan_rows(config, slate, rows, m, (first, slate.planned_day, False)))
        changed = rows[~np.isnan(slate.changed_lead[rows])]
        news = (announced_at(config, slate, changed), slate.launch_day, True)
        parts.append(_plan_rows(config, slate, changed, m, news))
    plan = pd.concat(parts, ignore_index=True)
    plan = plan[plan[OBSERVED_AT] <= config.as_of]
    return plan.sort_values([OBSERVED_AT, ITEM_ID, MARKET, SURFACE], kind="stable", ignore_index=True)


def _plan_rows(
    config: WorldConfig, slate: Slate, rows: Ints, m: int, announcement: tuple[pd.DatetimeIndex, Ints, bool]
) -> pd.DataFrame:
    """Return one announcement of each of `rows` in a market, on every surface."""
    observed_at, days, is_change = announcement
    local = launch_starts(config, days[rows], m).tz_convert(MARKETS[m].time_zone)
    status = np.where(slate.cancelled[rows] & is_change, CANCELLED, PLANNED)
    frame = pd.DataFrame({
        ITEM_ID: [slate.item_id[row] for row in rows],
        MARKET: MARKETS[m].code,
        LAUNCH_AT: [at.isoformat() for at in local],
        STATUS: status,
        OBSERVED_AT: observed_at,
    })  # fmt: skip
    both = pd.concat([frame.assign(**{SURFACE: surface}) for surface in SURFACES], ignore_index=True)
    return both[[ITEM_ID, MARKET, SURFACE, LAUNCH_AT, STATUS, OBSERVED_AT]]
