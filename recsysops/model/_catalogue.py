"""Metadata as known at a time: versions, market overrides, field ages. Not for encoding: see `_recipe`."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsysops.columns import ALL, FIELDS, MARKET, NAME, OBSERVED_AT, PROVIDER, SERIES_ID, TITLE_ID
from recsysops.model._asof import AsOfIndex, Ints, microseconds
from recsysops.model._values import Cleaner, Value, clean

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
    cleaner: Cleaner | None = None
    """What remembers the values of catalogues before; None: this one knows nothing yet."""

    def __post_init__(self) -> None:
        """Index the versions by title and market."""
        frame = self.titles
        self._observed = microseconds(frame[OBSERVED_AT])
        keys = [frame[name].to_numpy(dtype=object) for name in (TITLE_ID, MARKET)]
        self._titles, self._markets = (pd.Index(pd.unique(key), dtype=object) for key in keys)
        pairs, found = np.unique(self._pair(*keys), return_inverse=True)
        groups = found.astype(np.int64)
        self._pairs = pairs
        self._index = AsOfIndex.of(groups, self._observed, len(pairs))
        self._versions: list[State] = self._read(groups)
        self._numbers: dict[tuple[int, int], int] = {(-1, -1): NOTHING}

    def states_at(self, titles: Keys, markets: Keys, cuts: Ints) -> Ints:
        """Return the number of the state of each title in each market as known at each cut."""
        general = self._latest(titles, np.full(len(titles), ALL, dtype=object), cuts)
        own = self._latest(titles, markets, cuts)
        own = np.where(np.asarray(markets, dtype=object) == ALL, -1, own)
        n = len(self._versions) + 1
        unique, inverse = np.unique((general + 1) * n + own + 1, return_inverse=True)
        parts = zip((unique // n - 1).tolist(), (unique % n - 1).tolist(), strict=True)
        return np.array([self._number(*both) for both in parts], dtype=np.int64)[inverse]

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
        if not len(titles) or not len(self._pairs):
            return np.full(len(titles), -1, dtype=np.int64)
        wanted = self._pair(titles, markets)
        place = np.minimum(np.searchsorted(self._pairs, wanted), len(self._pairs) - 1)
        return self._index.latest(np.where(self._pairs[place] == wanted, place, -1).astype(np.int64), cuts)

    def _pair(self, titles: Keys, markets: Keys) -> Ints:
        """Return title and market as one number each, negative where either was never seen."""
        title = self._titles.get_indexer(pd.Index(np.asarray(titles, dtype=object)))
        market = self._markets.get_indexer(pd.Index(np.asarray(markets, dtype=object)))
        return np.where((title >= 0) & (market >= 0), title.astype(np.int64) * len(self._markets) + market, -1)

    def _read(self, groups: Ints) -> list[State]:
        """Clean every version and carry over since when its values stand."""
        cleaner, owners = self.cleaner or Cleaner(self.ignored, self.embeddings), Cleaner(self.ignored, frozenset())
        owned: dict[tuple[object, object], dict[str, Value]] = {}
        versions: list[State] = []
        last: dict[int, State] = {}
        named = (self.titles[name].to_numpy(dtype=object) for name in (NAME, PROVIDER, SERIES_ID, FIELDS))
        for group, at, name, provider, series, fields in zip(
            groups.tolist(), self._observed.tolist(), *named, strict=True
        ):
            if (provider, series) not in owned:
                owned[provider, series] = owners.fields({PROVIDER: provider, SERIES_ID: series})
            values = cleaner.fields(fields) | owned[provider, series]
            before = last.get(group)
            since = dict.fromkeys(values, at)
            if before is not None:
                since |= {key: before.since[key] for key, value in values.items() if before.fields.get(key) == value}
            last[group] = State(str(clean(name) or ""), values, since)
            versions.append(last[group])
        return versions

    def _number(self, general: int, own: int) -> int:
        """Return the number of a general version with a market's version laid over it."""
        if (general, own) not in self._numbers:
            parts = [self._versions[at] for at in (general, own) if at >= 0]
            self._numbers[general, own] = len(self.states)
            self.states.append(parts[0] if len(parts) == 1 else State.over(parts))
        return self._numbers[general, own]
