"""Metadata as known at a time: versions, market overrides, field ages. Not for encoding: see `_recipe`."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsysops.columns import ALL, FIELDS, MARKET, NAME, OBSERVED_AT, PROVIDER, SERIES_ID, TITLE_ID
from recsysops.model._asof import AsOfIndex, Ints, microseconds
from recsysops.model._values import Value, clean, clean_fields

Keys = Sequence[str] | npt.NDArray[np.object_]

NOTHING: Final = 0
"""State of a title nothing is known of."""


@dataclass
class State:
    """Metadata of a title in a market at some time."""

    name: str
    fields: dict[str, Value]
    since: dict[str, int]
    """When each field took its present value, microseconds."""

    @classmethod
    def over(cls, parts: "Sequence[State]") -> "State":
        """Lay states over each other, the last one on top."""
        return cls(
            next((part.name for part in reversed(parts) if part.name), ""),
            {key: value for part in parts for key, value in part.fields.items()},
            {key: at for part in parts for key, at in part.since.items()},
        )


@dataclass
class Catalogue:
    """All title versions known at a time; states are numbered as they are met, 0 is a title nothing is known of."""

    titles: pd.DataFrame
    """TITLE_VERSION, versions known at the time only, in canonical order."""
    ignored: frozenset[str]
    embeddings: frozenset[str] = frozenset()
    """Fields that hold embeddings whatever their numbers look like."""
    states: list[State] = field(default_factory=lambda: [State("", {}, {})])

    def __post_init__(self) -> None:
        """Index the versions by title and market."""
        frame = self.titles
        self._observed = microseconds(frame[OBSERVED_AT])
        self._pairs = pd.MultiIndex.from_frame(frame[[TITLE_ID, MARKET]]).unique()
        groups = self._pairs.get_indexer(pd.MultiIndex.from_frame(frame[[TITLE_ID, MARKET]])).astype(np.int64)
        self._index = AsOfIndex.of(groups, self._observed, len(self._pairs))
        self._versions: list[State] = self._read(groups)
        self._numbers: dict[tuple[int, int], int] = {(-1, -1): NOTHING}

    def states_at(self, titles: Keys, markets: Keys, cuts: Ints) -> Ints:
        """Return the number of the state of each title in each market as known at each cut."""
        general = self._latest(titles, [ALL] * len(titles), cuts)
        own = self._latest(titles, markets, cuts)
        own = np.where(np.asarray(markets, dtype=object) == ALL, -1, own)
        pairs = np.column_stack([general, own])
        unique, inverse = np.unique(pairs, axis=0, return_inverse=True)
        return np.array([self._number(int(g), int(o)) for g, o in unique], dtype=np.int64)[inverse.ravel()]

    def latest_states(self, limit: int, at: int) -> Ints:
        """Return the states at a time of the titles observed last by then, at most `limit`, oldest first."""
        frame = pd.DataFrame(
            {TITLE_ID: self.titles[TITLE_ID], MARKET: self.titles[MARKET], OBSERVED_AT: self._observed}
        )
        seen = frame[frame[OBSERVED_AT] <= at].groupby(TITLE_ID, sort=True)
        # A title without a general row is read through its first market.
        last = seen.agg({OBSERVED_AT: "max", MARKET: "min"}).sort_values(OBSERVED_AT, kind="stable").tail(limit)
        return self.states_at(list(last.index), list(last[MARKET]), np.full(len(last), at, dtype=np.int64))

    def versions_at(self, titles: Keys, markets: Keys, cuts: Ints) -> list[State | None]:
        """Return the version of each title that held in exactly this market at each cut, None where there is none."""
        return [self._versions[at] if at >= 0 else None for at in self._latest(titles, markets, cuts)]

    def _latest(self, titles: Keys, markets: Keys, cuts: Ints) -> Ints:
        if not len(titles):
            return np.zeros(0, dtype=np.int64)
        wanted = pd.MultiIndex.from_arrays([np.asarray(titles, dtype=object), np.asarray(markets, dtype=object)])
        return self._index.latest(self._pairs.get_indexer(wanted).astype(np.int64), cuts)

    def _read(self, groups: Ints) -> list[State]:
        """Clean every version and carry over since when its values stand."""
        frame, ignored, embeddings = self.titles, self.ignored, self.embeddings
        versions: list[State] = []
        last: dict[int, State] = {}
        columns = zip(
            groups, self._observed, frame[NAME], frame[PROVIDER], frame[SERIES_ID], frame[FIELDS], strict=True
        )
        for group, at, name, provider, series, fields in columns:
            own = {PROVIDER: provider, SERIES_ID: series}
            values = clean_fields(fields, ignored, embeddings) | clean_fields(own, ignored)
            before = last.get(group)
            since = {
                key: before.since[key] if before is not None and before.fields.get(key) == value else int(at)
                for key, value in values.items()
            }
            last[group] = State(str(clean(name) or ""), values, since)
            versions.append(last[group])
        return versions

    def _number(self, general: int, own: int) -> int:
        """Return the number of a general version with a market's version laid over it."""
        if (general, own) not in self._numbers:
            parts = [self._versions[at] for at in (general, own) if at >= 0]
            self._numbers[general, own] = len(self.states)
            self.states.append(State.over(parts))
        return self._numbers[general, own]
