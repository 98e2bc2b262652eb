"""What was known at a time: outcomes in canonical order, later rows cut away.

Not for metadata: see `_catalogue`; not for plans: see `_launches`.
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
    MARKET,
    MEASURE,
    OBSERVED_AT,
    TARGET_KEY,
    TITLE_ID,
    VALUE,
)  # fmt: skip
from recsysops.domain.measure import LEADS, transform
from recsysops.model._asof import DAY, Floats, Ints, microsecond, microseconds

Texts = npt.NDArray[np.object_]
NEVER: Final = np.iinfo(np.int64).max
NO_TIME: Final = np.iinfo(np.int64).min


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
        title, market, surface = (frame[name].to_numpy(dtype=object) for name in CELL_KEY)
        return cls(title, market, surface, launch, cut, _lead(launch, cut))


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

    def cut_at(self, cut: Ints) -> Rows:
        """Return the same cells as rows, each cut at a time of its own."""
        return Rows(self.title, self.market, self.surface, self.launch, cut, _lead(self.launch, cut))


def _lead(launch: Ints, cut: Ints) -> Floats:
    """Return the shortest lead that is no shorter than what is left from cut to launch, in days; the longest beyond."""
    shortest_first = np.sort(np.asarray(LEADS, dtype=np.float64))
    place = np.searchsorted(shortest_first, (launch - cut) / DAY, side="left")
    return shortest_first[np.minimum(place, len(LEADS) - 1)]


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
    twice = frame.duplicated([TITLE_ID, MARKET, OBSERVED_AT], keep=False)
    fields = zip(frame[FIELDS], twice, strict=True)
    frame = frame.assign(_tie=[repr(field) if is_twice else "" for field, is_twice in fields])
    frame = frame.sort_values([TITLE_ID, MARKET, OBSERVED_AT, "_tie"], kind="stable")
    return frame.drop_duplicates([TITLE_ID, MARKET, OBSERVED_AT], keep="last", ignore_index=True).drop(columns="_tie")
