"""What was known at a time: launches and outcomes in canonical order, later rows cut away.

Not for metadata: see `_catalogue`.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsysops.columns import (
    CELL_KEY,
    DENOMINATOR,
    FIELDS,
    HORIZON,
    IS_PARTIAL,
    KNOWN_AT,
    LAUNCH_AT,
    LAUNCH_STATUS,
    MARKET,
    MEASURE,
    OBSERVED_AT,
    PLANNED,
    TARGET_KEY,
    TITLE_ID,
    VALUE,
)  # fmt: skip
from recsysops.domain.measure import LEADS, transform
from recsysops.model._asof import DAY, Floats, Ints, microsecond, microseconds

Texts = npt.NDArray[np.object_]
NEVER: Final = np.iinfo(np.int64).max
NO_TIME: Final = np.iinfo(np.int64).min
_NOWHERE: Final[Ints] = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True)
class Rows:
    """Cells, each at a cut: features use nothing known after it. All arrays have the same length."""

    title: Texts
    market: Texts
    surface: Texts
    launch: Ints
    cut: Ints
    lead: Floats
    """1, 3, 7 or 14: the shortest lead not below the days from cut to launch, 14 beyond."""

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.title)

    @cached_property
    def key(self) -> str:
        """Hash of which cells at which cuts these are."""
        return _content_key((self.launch, self.cut, self.lead), (self.title, self.market, self.surface))

    @cached_property
    def identity(self) -> "pd.Index[str]":
        """Name each row, so that it is known again among others; equal names are equal rows."""
        parts = zip(self.title, self.market, self.surface, self.launch.tolist(), self.cut.tolist(), strict=True)
        return pd.Index([f"{t}\x00{m}\x00{s}\x00{launch}\x00{cut}" for t, m, s, launch, cut in parts], dtype=object)

    @cached_property
    def place(self) -> "pd.Index[str]":
        """Market and surface of each row, as one text."""
        return places(self.market, self.surface)

    def take(self, at: npt.NDArray[np.int64] | npt.NDArray[np.bool_]) -> "Rows":
        """Return the rows at these positions."""
        keys = (self.title[at], self.market[at], self.surface[at])
        return Rows(*keys, self.launch[at], self.cut[at], self.lead[at])

    @classmethod
    def of(cls, frame: pd.DataFrame, cut: Ints) -> "Rows":
        """Return rows from a frame with CELL_KEY and LAUNCH_AT."""
        launch = microseconds(frame[LAUNCH_AT])
        shortest_first = np.sort(np.asarray(LEADS, dtype=np.float64))
        place = np.searchsorted(shortest_first, (launch - cut) / DAY, side="left")
        lead = shortest_first[np.minimum(place, len(LEADS) - 1)]
        title, market, surface = (frame[name].to_numpy(dtype=object) for name in CELL_KEY)
        return cls(title, market, surface, launch, cut, lead)


@dataclass(frozen=True)
class Past:
    """Past outcomes of one measure and horizon, ordered by launch, title, market, surface."""

    title: Texts
    market: Texts
    surface: Texts
    launch: Ints
    known: Ints
    """When each outcome may be learned from."""
    y: Floats
    """Outcome on the transformed scale."""
    denominator: Floats

    def __len__(self) -> int:
        """Return the number of outcomes."""
        return len(self.title)

    @cached_property
    def key(self) -> str:
        """Hash of which cells these are and when each was known; what the outcomes were does not enter."""
        return _content_key((self.launch, self.known), (self.title, self.market, self.surface))

    @cached_property
    def place(self) -> "pd.Index[str]":
        """Market and surface of each outcome, as one text."""
        return places(self.market, self.surface)

    @cached_property
    def titles(self) -> "tuple[pd.Index[str], Ints]":
        """Its titles, once each, and the position of each outcome's title among them."""
        codes, titles = pd.factorize(self.title)
        return pd.Index(titles, dtype=object), codes.astype(np.int64)

    def take(self, at: npt.NDArray[np.int64] | npt.NDArray[np.bool_]) -> "Past":
        """Return the outcomes at these positions."""
        keys = (self.title[at], self.market[at], self.surface[at])
        return Past(*keys, self.launch[at], self.known[at], self.y[at], self.denominator[at])

    @cached_property
    def launched(self) -> Rows:
        """The same cells one day before their launches: as the recommender met them."""
        return self.rows(1)

    def rows(self, lead_days: Ints | int) -> Rows:
        """Return the same cells as rows, cut so many days before launch."""
        lead = np.broadcast_to(np.asarray(lead_days, dtype=np.int64), self.launch.shape)
        return Rows(
            self.title, self.market, self.surface, self.launch, self.launch - lead * DAY, lead.astype(np.float64)
        )


def places(market: Texts, surface: Texts) -> "pd.Index[str]":
    """Return market and surface as one text each: an index of texts is looked up faster than one of pairs."""
    return pd.Index([f"{m}\x00{s}" for m, s in zip(market, surface, strict=True)], dtype=object)


def _content_key(numbers: Sequence[Ints | Floats], texts: Sequence[Texts]) -> str:
    digest = hashlib.sha256()
    for column in numbers:
        digest.update(np.ascontiguousarray(column).tobytes())
    for names in texts:
        digest.update("\x00".join(map(str, names)).encode())
    return digest.hexdigest()


def past_of(outcomes: pd.DataFrame, measure: str, horizon: int) -> Past:
    """Return the outcomes of a measure and horizon from a frame of `known_outcomes`."""
    frame = outcomes[(outcomes[MEASURE] == measure) & (outcomes[HORIZON] == horizon)]
    denominator = frame[DENOMINATOR].to_numpy(dtype=np.float64)
    y = transform(measure, frame[VALUE].to_numpy(dtype=np.float64), denominator)
    title, market, surface = (frame[name].to_numpy(dtype=object) for name in CELL_KEY)
    return Past(title, market, surface, microseconds(frame[LAUNCH_AT]), microseconds(frame[KNOWN_AT]), y, denominator)


def known_outcomes(outcomes: pd.DataFrame, as_of: datetime) -> pd.DataFrame:
    """Return complete, finite outcomes known at `as_of`, one per target, by launch and cell."""
    known = microseconds(outcomes[KNOWN_AT])
    value = outcomes[VALUE].to_numpy(dtype=np.float64)
    denominator = outcomes[DENOMINATOR].to_numpy(dtype=np.float64)
    fine = np.isfinite(value) & (value >= 0) & (value <= 1) & np.isfinite(denominator) & (denominator > 0)
    fine &= ~outcomes[IS_PARTIAL].to_numpy(dtype=bool) & outcomes[LAUNCH_AT].notna().to_numpy()
    frame = outcomes[fine & (known <= microsecond(as_of)) & (known > NO_TIME)]
    frame = frame.sort_values([LAUNCH_AT, *TARGET_KEY, KNOWN_AT], kind="stable")
    unique: pd.DataFrame = frame.drop_duplicates(list(TARGET_KEY), keep="last", ignore_index=True)
    return unique


def known_titles(titles: pd.DataFrame, as_of: datetime) -> pd.DataFrame:
    """Return title versions known at `as_of` in canonical order, one per title, market and time."""
    observed = microseconds(titles[OBSERVED_AT])
    frame = titles[(observed <= microsecond(as_of)) & (observed > NO_TIME)]
    # A dict cannot be sorted: its text breaks ties between two versions of one time.
    frame = frame.assign(_tie=[repr(fields) for fields in frame[FIELDS]])
    frame = frame.sort_values([TITLE_ID, MARKET, OBSERVED_AT, "_tie"], kind="stable")
    return frame.drop_duplicates([TITLE_ID, MARKET, OBSERVED_AT], keep="last", ignore_index=True).drop(columns="_tie")


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

    def competition(self, rows: Rows, window_days: int) -> tuple[Floats, Floats]:
        """Count what launches near each row, as known at its cut.

        Returns:
            Other titles planned within `window_days` of the row's launch in its market and surface, and days since the
            launch before it (missing where none is known).
        """
        near, since = np.zeros(len(rows)), np.full(len(rows), np.nan)
        titles, _ = self._titles
        code = titles.get_indexer(pd.Index(rows.title, dtype=object)).astype(np.int64)
        for place in sorted(set(rows.place)):
            group, entries = np.flatnonzero(rows.place == place), self._entries.get(place, _NOWHERE)
            for at in np.array_split(group, max(1, len(group) * len(entries) // 4_000_000)):
                near[at], since[at] = self._count(rows.take(at), code[at], entries, window_days * DAY)
        return near, since

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

    def _count(self, rows: Rows, title: Ints, entries: Ints, window: int) -> tuple[Floats, Floats]:
        launch, cut = self._launch[entries][None, :], rows.cut[:, None]
        valid = (self._begin[entries][None, :] <= cut) & (self._end[entries][None, :] > cut)
        valid &= self._titles[1][entries][None, :] != title[:, None]
        distance = rows.launch[:, None] - launch
        near = (valid & (np.abs(distance) <= window)).sum(axis=1).astype(np.float64)
        before = np.where(valid & (distance > 0), distance, NEVER)
        least = before.min(axis=1, initial=NEVER)
        return near, np.where(least < NEVER, least / DAY, np.nan)
