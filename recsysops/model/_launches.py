"""Planned launches as known at a time: what launches near a title, and what launched before it."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Final, Protocol

import numpy as np
import pandas as pd

from recsysops.columns import CELL_KEY, LAUNCH_AT, LAUNCH_STATUS, OBSERVED_AT, PLANNED
from recsysops.domain.measure import LEADS
from recsysops.model._asof import DAY, Floats, Ints, microsecond, microseconds
from recsysops.model._past import NEVER, NO_TIME, Rows, Texts, places

_NOWHERE: Final[Ints] = np.zeros(0, dtype=np.int64)
_ROWS_PER_CUT: Final = 8
"""With more rows at one time, what was planned then is looked up once for all of them."""
_REACH_STEPS: Final = 2.0**32


class Rivals(Protocol):
    """What the recommender said of titles; see `ShadowBook`."""

    def __len__(self) -> int:
        """Return the number of answers."""
        ...

    def latest(self, title: Texts, place: "pd.Index[str]", cut: Ints) -> Ints:
        """Return the position of the latest answer about each title, -1 for none."""
        ...

    def reach(self, at: Ints) -> Floats:
        """Return the reach of answers, a share; 0 where there is none."""
        ...


@dataclass(frozen=True)
class _Planned:
    """What is planned at one place, as known at one time, by launch."""

    launch: Ints
    title: Ints
    strength: Ints

    def around(self, launch: Ints, title: Ints, window: int) -> tuple[Floats, Floats, Floats]:
        """Return number of others, days since the one before, and strength of the others, for rows of that time."""
        begin = np.searchsorted(self.launch, launch - window, side="left")
        end = np.searchsorted(self.launch, launch + window, side="right")
        running = np.concatenate([[0], np.cumsum(self.strength)])
        near, strength = (end - begin).astype(np.float64), running[end] - running[begin]
        before = np.searchsorted(self.launch, launch, side="left") - 1
        # A title's own plan is no competition; it has one at a place and time.
        order = np.argsort(self.title, kind="stable")
        found = np.searchsorted(self.title[order], title)
        has_own = np.isin(title, self.title) & (title >= 0)
        own = order[np.minimum(found, max(len(order) - 1, 0))] if len(order) else np.zeros(len(title), dtype=np.int64)
        inside = has_own & (own >= begin) & (own < end)
        if len(self.launch):
            near, strength = near - inside, strength - np.where(inside, self.strength[own], 0)
            before = before - (has_own & (own == before))
        least = (launch - self.launch[before]) / DAY if len(self.launch) else np.full(len(launch), np.nan)
        return near, np.where(before >= 0, least, np.nan), strength / _REACH_STEPS


class LaunchBook:
    """Planned launches as known at a time."""

    def __init__(self, launches: pd.DataFrame, as_of: datetime) -> None:
        """Keep the launch versions known at `as_of`."""
        observed = microseconds(launches[OBSERVED_AT])
        frame = launches[(observed <= microsecond(as_of)) & (observed > NO_TIME)]
        frame = frame.sort_values([*CELL_KEY, OBSERVED_AT, LAUNCH_AT, LAUNCH_STATUS], kind="stable")
        keys = [frame[name].to_numpy(dtype=object) for name in CELL_KEY]
        self._begin = microseconds(frame[OBSERVED_AT])
        same = np.ones(max(len(frame) - 1, 0), dtype=bool)
        for key in keys:
            same &= key[1:] == key[:-1]
        self._end = np.full(len(frame), NEVER, dtype=np.int64)
        self._end[:-1] = np.where(same, self._begin[1:], NEVER)
        self._title, self._market, self._surface = keys
        planned = (frame[LAUNCH_STATUS] == PLANNED).to_numpy() & frame[LAUNCH_AT].notna().to_numpy()
        self._launch = np.where(planned, microseconds(frame[LAUNCH_AT]), NO_TIME)

    def competition(self, rows: Rows, window_days: int, rivals: Rivals) -> tuple[Floats, Floats, Floats]:
        """Count what launches near each row, as known at its cut.

        Args:
            rows: The cells asked for.
            window_days: How near is near.
            rivals: What the recommender said of the others.

        Returns:
            Other titles planned within `window_days` of the row's launch in its market and surface, days since the
            launch before it (missing where none is known), and the sum of the others' reach as the recommender sees it.
        """
        near, since, strength = np.zeros(len(rows)), np.full(len(rows), np.nan), np.zeros(len(rows))
        titles, _ = self._titles
        code = titles.get_indexer(pd.Index(rows.title, dtype=object)).astype(np.int64)
        for place in sorted(set(rows.place)):
            group, entries = np.flatnonzero(rows.place == place), self._entries.get(place, _NOWHERE)
            cuts, of_cut = np.unique(rows.cut[group], return_inverse=True)
            if len(group) > _ROWS_PER_CUT * len(cuts):
                for number, cut in enumerate(cuts):
                    at = group[of_cut == number]
                    book = self._at(entries, int(cut), rivals)
                    near[at], since[at], strength[at] = book.around(rows.launch[at], code[at], window_days * DAY)
                continue
            for at in np.array_split(group, max(1, len(group) * len(entries) // 4_000_000)):
                own = rows.take(at)
                near[at], since[at], strength[at] = self._count(own, code[at], entries, window_days * DAY, rivals)
        return near, since, strength

    @cached_property
    def launched(self) -> Rows:
        """Every title where it first launched, cut at the time at which that was known.

        A launch happens at the planned time of the version known then; a version replaced before never happened.
        """
        at = np.where(self._launch > NO_TIME, np.maximum(self._launch, self._begin), NEVER)
        happened = np.flatnonzero(at < self._end)
        order = happened[
            np.lexsort((self._market[happened].astype(str), at[happened], self._title[happened].astype(str)))
        ]
        titles = self._title[order]
        first = np.ones(len(order), dtype=bool)
        first[1:] = titles[1:] != titles[:-1]
        keep = order[first]
        lead = np.full(len(keep), float(min(LEADS)))
        return Rows(self._title[keep], self._market[keep], self._surface[keep], at[keep], at[keep], lead)

    @cached_property
    def _titles(self) -> "tuple[pd.Index[str], Ints]":
        codes, titles = pd.factorize(self._title)
        return pd.Index(titles, dtype=object), codes.astype(np.int64)

    @cached_property
    def _entries(self) -> dict[str, Ints]:
        """Planned versions by market and surface."""
        planned = np.flatnonzero(self._launch > NO_TIME)
        place = pd.Series(places(self._market[planned], self._surface[planned]))
        return {str(name): planned[at] for name, at in place.groupby(place).indices.items()}

    def _at(self, entries: Ints, cut: int, rivals: Rivals) -> _Planned:
        """Return what was planned at one cut."""
        valid = entries[(self._begin[entries] <= cut) & (self._end[entries] > cut)]
        valid = valid[np.argsort(self._launch[valid], kind="stable")]
        strength = self._strength(valid, np.full(len(valid), cut, dtype=np.int64), rivals)
        return _Planned(self._launch[valid], self._titles[1][valid], strength)

    def _strength(self, entries: Ints, cuts: Ints, rivals: Rivals) -> Ints:
        """Return the others' reach in whole steps, whose sums are exact whatever their order."""
        if not len(rivals) or not len(entries):
            return np.zeros(len(entries), dtype=np.int64)
        place = places(self._market[entries], self._surface[entries])
        reach = rivals.reach(rivals.latest(self._title[entries], place, cuts))
        return np.rint(reach * _REACH_STEPS).astype(np.int64)

    def _count(
        self, rows: Rows, title: Ints, entries: Ints, window: int, rivals: Rivals
    ) -> tuple[Floats, Floats, Floats]:
        launch, cut = self._launch[entries][None, :], rows.cut[:, None]
        valid = (self._begin[entries][None, :] <= cut) & (self._end[entries][None, :] > cut)
        valid &= self._titles[1][entries][None, :] != title[:, None]
        distance = rows.launch[:, None] - launch
        near = valid & (np.abs(distance) <= window)
        before = np.where(valid & (distance > 0), distance, NEVER)
        least = before.min(axis=1, initial=NEVER)
        owner, other = np.nonzero(near) if len(rivals) else (_NOWHERE, _NOWHERE)
        strength = np.bincount(owner, self._strength(entries[other], rows.cut[owner], rivals), len(rows))
        since = np.where(least < NEVER, least / DAY, np.nan)
        return near.sum(axis=1).astype(np.float64), since, strength / _REACH_STEPS
