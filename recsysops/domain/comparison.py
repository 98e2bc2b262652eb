"""Compares a batch with those before it and names what has gone wrong with its source. Pure; reads no file.

Honest sources vary: they grow, have weekends, deliver five edits after a whole catalogue, gain columns. None of that is
drift. What small batches cannot tell (a share of five rows) is left alone.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import PurePath
from statistics import median
from typing import Final

from recsysops.columns import EXPECTATIONS, LAUNCHES, TITLES
from recsysops.domain._column_drift import column_drifts, new_columns
from recsysops.domain.drift import Drift, DriftKind, Profile
from recsysops.domain.feed import MIN_HISTORY, steady_sizes, usual_rows
from recsysops.settings import GateSettings

__all__ = ["Circumstances", "drifts", "new_columns"]

N_COMPARED: Final = 10
"""Earlier batches a batch is compared with."""
MIN_BAD_ROWS: Final = 3
"""One or two rows kept out are told, and hold nothing."""
_NEAR: Final = timedelta(days=14)
"""A day is compared with days at most so far from it: a service grows."""
_MIN_USUAL: Final = 20
"""A share of fewer rows says nothing."""
_FEW_ROWS: Final = 200
"""Below so many rows, sizes vary by chance."""
_EDITS: Final = 0.2
"""Right after a first delivery, a batch with less than this share of it is taken for edits."""
_VERSIONED: Final = frozenset({TITLES, LAUNCHES, EXPECTATIONS})
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Circumstances:
    """What must be known of a batch besides what it looks like."""

    table: str
    now: datetime
    """When it is loaded; aware UTC."""
    is_daily: bool = False
    """Whether it is the whole delivery of a declared day."""
    is_assumed: bool = False
    """Whether its times are assumed: then they say nothing of the source."""


def drifts(
    found: Profile, before: Sequence[Profile], beside: Sequence[Profile], gates: GateSettings, at: Circumstances
) -> tuple[Drift, ...]:
    """Return what is wrong with a batch, each difference named once.

    Args:
        found: What the batch looks like.
        before: What the batches published by earlier ingests looked like, newest first.
        beside: What was published so far by the ingest that now asks, newest first.
        gates: The limits.
        at: What else is known of the batch.

    Returns:
        Empty where nothing is wrong, and of a first batch where few rows are bad and none is from the future.
    """
    alike = [profile for profile in (*beside, *before) if series_of(profile.file) == series_of(found.file)]
    said = [_bad_rows(found, gates), _future(found, at), _older(found, before, at)]
    if alike:
        usual = _nearest(found, alike, at)
        said.append(_row_drop(found, usual, gates, at))
        said += column_drifts(found, usual, gates, is_whole=True)
    else:
        said += column_drifts(found, before[:N_COMPARED], gates, is_whole=False)
    return tuple(drift for drift in said if drift is not None)


@lru_cache(maxsize=4096)
def series_of(file: str) -> str:
    """Return a file's path with every word that holds a digit replaced: deliveries of one series share it.

    titles-us-2026-03-01.csv and titles-us-2026-03-02.csv are one series, titles-de-2026-03-01.csv is another.
    """
    path = PurePath(file)
    words = [re.sub(r"[^\W_]*\d[^\W_]*", "#", part) for part in path.parts]
    return re.sub(r"#(?:[^\w/]#|_#)*", "#", "/".join(words))


def _nearest(found: Profile, alike: Sequence[Profile], at: Circumstances) -> Sequence[Profile]:
    """Return the batches to compare with: of days those nearest in time, as days may come late; else the last ones."""
    if not at.is_daily or found.first_at is None:
        return alike[:N_COMPARED]
    start = found.first_at
    dated = [profile for profile in alike if profile.first_at is not None and profile.rows > 0]
    return sorted(dated, key=lambda profile: abs((profile.first_at or start) - start))[:N_COMPARED]


def _bad_rows(found: Profile, gates: GateSettings) -> Drift | None:
    share = found.quarantined / found.rows if found.rows else 0.0
    if share <= gates.bad_rows or found.quarantined < MIN_BAD_ROWS:
        return None
    return Drift(
        kind=DriftKind.BAD_ROWS,
        column="",
        was=f"at most {gates.bad_rows:.0%} of the rows",
        found=f"{share:.1%}",
        why=f"{found.quarantined:,} of {found.rows:,} rows ({share:.1%}) are bad; at most {gates.bad_rows:.0%} may be.",
    )


def _future(found: Profile, at: Circumstances) -> Drift | None:
    if at.is_assumed or found.last_at is None or found.last_at <= at.now + _DAY:
        return None
    return Drift(
        kind=DriftKind.FUTURE,
        column="",
        was=f"nothing after {_moment(at.now)}",
        found=_moment(found.last_at),
        why=f"Its newest row speaks of {_moment(found.last_at)}, and it is {_moment(at.now)}.",
    )


def _older(found: Profile, before: Sequence[Profile], at: Circumstances) -> Drift | None:
    """Compare with what lay at the same place, else with the newest of its series.

    Logs are left out: a day may come late, and is known by its date.
    """
    if at.table not in _VERSIONED or at.is_assumed or found.last_at is None:
        return None
    same = [profile for profile in before if profile.file == found.file][:1]
    alike = same or [profile for profile in before if series_of(profile.file) == series_of(found.file)]
    newest = max((profile.last_at for profile in alike if profile.last_at is not None), default=None)
    if newest is None or found.last_at >= newest:
        return None
    return Drift(
        kind=DriftKind.OLDER,
        column="",
        was=_moment(newest),
        found=_moment(found.last_at),
        why=f"Its newest row is of {_moment(found.last_at)}; the delivery before already spoke of {_moment(newest)}.",
    )


def _row_drop(found: Profile, earlier: Sequence[Profile], gates: GateSettings, at: Circumstances) -> Drift | None:
    usual = _usual_of_day(found, earlier, gates) if at.is_daily else _usual_size(found, earlier, at)
    if usual is None or usual < _MIN_USUAL or found.rows > (1 - gates.row_drop) * usual:
        return None
    drop = 1 - found.rows / usual
    return Drift(
        kind=DriftKind.ROW_DROP,
        column="",
        was=f"{usual:,.0f} rows",
        found=f"{found.rows:,} rows",
        why=f"It has {found.rows:,} rows, {drop:.0%} fewer than the usual {usual:,.0f}.",
    )


def _usual_of_day(found: Profile, earlier: Sequence[Profile], gates: GateSettings) -> float | None:
    """Return the usual rows of a day; None where its weekday has been as small before, or too few days are near."""
    start = found.first_at
    near = [p for p in earlier if start is None or p.first_at is None or abs(p.first_at - start) <= _NEAR]
    if len(near) < MIN_HISTORY:
        return None
    if start is not None:
        same = [p.rows for p in near if p.first_at is not None and p.first_at.weekday() == start.weekday()]
        if same and found.rows > (1 - gates.row_drop) * min(same):
            return None
    return float(median(p.rows for p in near))


def _usual_size(found: Profile, earlier: Sequence[Profile], at: Circumstances) -> float | None:
    """Return the usual rows of a batch; None where sizes vary so much that a small one says nothing."""
    sizes = [profile.rows for profile in earlier]
    if len(sizes) < MIN_HISTORY:
        # Parts of a log are of any size; a table delivered whole once is likely to be delivered whole again.
        smallest = min(sizes) if at.table in _VERSIONED else 0
        return float(smallest) if found.rows >= _EDITS * smallest else None
    usual = usual_rows(sizes)
    if usual is None:
        return None
    steady = steady_sizes(sizes, usual)
    by_chance = max(steady) - min(steady) if usual < _FEW_ROWS else 0
    return usual if found.rows < min(steady) - by_chance else None


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
