"""What the simulated recommender keeps on disk and goes by when it is asked: never a title's truth, never a later day.

`titles.npz` has what it read in each version of the metadata and the launches announced, `market-<code>.npz` what it
knows of a market's members and what was shown and played each day. Plain arrays, read without pickle.
"""

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import pandas as pd

from recsysops.columns import CANCELLED, LAUNCH_AT, MARKET, OBSERVED_AT, STATUS, SURFACE
from recsysops.errors import RecommenderError
from recsysops.simulation import _fields as f
from recsysops.simulation._popularity import Popularity
from recsysops.simulation.drift import trained_on
from recsysops.simulation.planning import BACK, Slate
from recsysops.simulation.recommender import Readings
from recsysops.simulation.world import MARKETS, SURFACES, Bools, Floats, Ints, WorldConfig, day_start

TITLES_FILE: Final = "titles.npz"
NOT_YET: Final = -1
"""Index day of a title that is in no candidate index so far."""
_LONG_AGO: Final = -(1 << 60)
_READING: Final = "reading_"


@dataclass(frozen=True, kw_only=True)
class TitleState:
    """What is known of titles, in all markets."""

    title_id: np.ndarray
    """Of each title, text."""
    version_row: Ints
    """Title of each version of the metadata."""
    version_at: Ints
    """When each version was observed, in microseconds since 1970, ascending."""
    readings: Readings
    """What was read in each version."""
    people: Floats
    """Person x topic: what actors stand for."""
    launch_row: Ints
    """Title of each announcement of a launch, by the time they were made."""
    launch_market: Ints
    launch_announced_at: Ints
    """In microseconds since 1970."""
    launch_day: Ints
    is_cancelled: Bools
    as_of: Ints
    """Shape (1,): when the state was written, in microseconds since 1970."""

    def save(self, folder: Path) -> None:
        """Write the state into `folder`, which must exist."""
        own = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "readings"}
        read = {_READING + name: values for name, values in vars(self.readings).items()}
        np.savez_compressed(folder / TITLES_FILE, **own, **read)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read the state written by `save`; raises `RecommenderError` where it cannot be read."""
        arrays = _load(folder / TITLES_FILE)
        names = {each.name for each in fields(Readings)}
        readings = Readings(**_pick({name: _READING + name for name in names}, arrays, folder))
        own = {each.name: each.name for each in fields(cls) if each.name != "readings"}
        return cls(readings=readings, **_pick(own, arrays, folder))


@dataclass(frozen=True, kw_only=True)
class MarketState:
    """What is known of one market, day by day; n days, of which the last has begun and is not over."""

    starts: Ints
    """When each day begins, in microseconds since 1970; goes on after the days known, as a calendar does."""
    pseudonym: np.ndarray
    """Of each member, text."""
    known: Floats
    """Member x topic: what had been learned of their tastes by day 0."""
    group: Ints
    drift: Floats
    """Retraining x topic: how the market's tastes had moved by then."""
    n_candidates: Ints
    """Shape (1,): titles the candidate stage finds for each cluster."""
    index_day: Ints
    """Of each title, the day it came into the candidate index; `NOT_YET` where it did not in the days known."""
    first_impressions: Floats
    """Of each title, on day 0."""
    first_plays: Floats
    shown: np.ndarray
    """Day x title: impressions, for the days that are over."""
    played: np.ndarray
    seen_groups: Floats
    """Day x group: faded impressions of providers, franchises and people, one after the other."""
    played_groups: Floats
    group_sizes: Ints
    """Shape (3,): providers, franchises and people, each with one for those unknown."""

    def save(self, folder: Path, market: int) -> None:
        """Write the state into `folder`, which must exist."""
        np.savez_compressed(_market_file(folder, market), **vars(self))

    @classmethod
    def load(cls, folder: Path, market: int) -> Self:
        """Read the state written by `save`; raises `RecommenderError` where it cannot be read."""
        arrays = _load(_market_file(folder, market))
        return cls(**_pick({each.name: each.name for each in fields(cls)}, arrays, folder))

    @property
    def last_day(self) -> int:
        """The last day known."""
        return len(self.seen_groups) - 1

    def popularity(self) -> "PopularityByDay":
        """Return what was learned from plays, for any day known."""
        return PopularityByDay(self)


class PopularityByDay:
    """Counts of impressions and plays as they stood at the beginning of each day."""

    def __init__(self, state: MarketState) -> None:
        """Let all days pass once, as the service did."""
        self._state = state
        n = len(state.first_plays)
        # One more title, for those nobody has seen.
        counts = Popularity((_padded(state.first_impressions), _padded(state.first_plays)), ([], []))
        self._counts = np.empty((state.last_day + 1, 2, n + 1), dtype=np.float32)
        for day in range(state.last_day + 1):
            counts.fade_titles()
            self._counts[day] = counts.impressions, counts.plays
            if day < state.last_day:
                counts.learn(_padded(state.shown[day]), _padded(state.played[day]))

    def on(self, day: int) -> Popularity:
        """Return popularity at the beginning of a day; the title after the last has been seen by nobody."""
        cuts = np.cumsum(self._state.group_sizes)[:-1]
        groups = [np.split(values[day].copy(), cuts) for values in (self._state.seen_groups, self._state.played_groups)]
        impressions, plays = self._counts[day].copy()
        return Popularity((impressions, plays), (groups[0], groups[1]))


class Journal:
    """Takes down what a market's service did, day by day."""

    def __init__(self, n_titles: int, popularity: Popularity) -> None:
        """Begin before day 0 for the first `n_titles` titles."""
        self._n = n_titles
        self._first = popularity.impressions[:n_titles].copy(), popularity.plays[:n_titles].copy()
        self._groups: list[tuple[Floats, Floats]] = []
        self._counts: list[tuple[np.ndarray, np.ndarray]] = []

    def begin(self, popularity: Popularity) -> None:
        """Take down what is known at the beginning of a day."""
        self._groups.append((np.concatenate(popularity.seen), np.concatenate(popularity.played)))
        self._sizes = np.array([len(group) for group in popularity.seen])

    def end(self, shown: Floats, played: Floats) -> None:
        """Take down what a day brought, per title."""
        self._counts.append((shown[: self._n].astype(np.uint16), played[: self._n].astype(np.uint16)))

    def arrays(self) -> dict[str, Any]:
        """Return the fields of a `MarketState` taken down here; the last day is not over when the state is written."""
        return {
            "first_impressions": self._first[0],
            "first_plays": self._first[1],
            "shown": np.array([counts[0] for counts in self._counts[:-1]]),
            "played": np.array([counts[1] for counts in self._counts[:-1]]),
            "seen_groups": np.array([groups[0] for groups in self._groups]),
            "played_groups": np.array([groups[1] for groups in self._groups]),
            "group_sizes": self._sizes,
        }


def retrainings(drift: Floats, last_day: int) -> Floats:
    """Return retraining x topic: the drift on each day of retraining until `last_day`."""
    return drift[sorted({trained_on(day) for day in range(last_day + 1)})]


def announcements(config: WorldConfig, slate: Slate, plan: pd.DataFrame, in_market: Bools) -> dict[str, np.ndarray]:
    """Return the launch columns of a `TitleState`: the launch plan, and before it the titles that were always there."""
    row_of = {item: row for row, item in enumerate(slate.item_id)}
    plan = plan[plan[SURFACE] == SURFACES[0]]
    back_row, back_market = np.nonzero(in_market & (slate.role == BACK)[:, None])
    at = (
        pd.to_datetime(plan[LAUNCH_AT], utc=True)
        .dt.tz_localize(None)
        .to_numpy()
        .astype("datetime64[us]")
        .astype(np.int64)
    )
    market = plan[MARKET].map({market.code: m for m, market in enumerate(MARKETS)}).to_numpy(dtype=np.int64)
    days = np.empty(len(plan), dtype=np.int64)
    for m in range(len(MARKETS)):
        starts = day_starts(config, m)
        days[market == m] = np.searchsorted(starts, at[market == m], side="right") - 1
    observed = plan[OBSERVED_AT].dt.tz_localize(None).to_numpy().astype("datetime64[us]").astype(np.int64)
    return {
        "launch_row": np.concatenate([back_row, plan[f.ITEM_ID].map(row_of).to_numpy(dtype=np.int64)]),
        "launch_market": np.concatenate([back_market, market]),
        "launch_announced_at": np.concatenate([np.full(len(back_row), _LONG_AGO), observed]),
        "launch_day": np.concatenate([slate.launch_day[back_row], days]),
        "is_cancelled": np.concatenate(
            [np.zeros(len(back_row), dtype=np.bool_), (plan[STATUS] == CANCELLED).to_numpy()]
        ),
    }


def day_starts(config: WorldConfig, market: int) -> Ints:
    """Return when each day of the service begins in a market, in microseconds since 1970, and after the last."""
    days = range(config.n_days + 1)
    return np.array([int(day_start(config, MARKETS[market], day).timestamp()) * 1_000_000 for day in days])


def _padded(values: np.ndarray) -> Floats:
    return np.append(values, 0).astype(np.float32)


def _market_file(folder: Path, market: int) -> Path:
    return folder / f"market-{MARKETS[market].code}.npz"


def _load(path: Path) -> dict[str, np.ndarray]:
    try:
        # From memory: numpy leaves the file open when it is no archive.
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as arrays:
            return dict(arrays)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise RecommenderError(
            f'The simulated recommender\'s state "{path}" cannot be read: {type(error).__name__}. '
            "Simulate the service again."
        ) from error


def _pick(wanted: Mapping[str, str], arrays: Mapping[str, np.ndarray], folder: Path) -> dict[str, Any]:
    lacking = sorted(set(wanted.values()) - set(arrays))
    if lacking:
        raise RecommenderError(
            f'The simulated recommender\'s state in "{folder}" lacks "{lacking[0]}". Simulate the service again.'
        )
    return {name: arrays[stored] for name, stored in wanted.items()}
