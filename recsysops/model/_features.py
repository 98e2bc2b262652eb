"""Features of rows: metadata as known at the cut, calendar, competition, histories, comparable titles.

And what the recommender said when it was asked. All point in time.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from recsysops.model._asof import Floats, Ints
from recsysops.model._calendar import add_calendar
from recsysops.model._catalogue import State
from recsysops.model._encode import Columns, encode, parts, relative, texts, vectors
from recsysops.model._history import CellIndex, EarlierTitles, ValueHistory, Values
from recsysops.model._known import KnownTitles, Memory
from recsysops.model._neighbours import Neighbours, Pools
from recsysops.model._past import Past, Rows
from recsysops.model._recipe import Recipe
from recsysops.model._values import lists_of

_COMPARABLES: Final = "|comparables_"
_WINDOW_DAYS: Final = 3
"""Titles that launch within so many days are in the same window."""
_NEVER: Final = -20.0
"""Below the logarithm of any share of earlier titles."""
WITHOUT: Final = "|comparables_without|"
"""Mean of the titles that are comparable when a field is not looked at; the field follows."""


@dataclass(frozen=True)
class Features:
    """Features of n rows."""

    frame: pd.DataFrame
    """One float column per feature, in the recipe's order; missing values are NaN."""
    level: Floats
    """Mean outcome of the row's cell at the cut, on the transformed scale; missing where nothing was known."""
    is_missing: Ints
    """1 where any metadata field of the recipe is missing, else 0."""
    neighbours: Neighbours


@dataclass(frozen=True)
class Gathered:
    """Features of n rows, column by column: for few rows, a frame would cost more than all that is in it."""

    columns: Columns
    level: Floats
    is_missing: Ints
    neighbours: Neighbours


class FeatureBuilder:
    """Builds features with one recipe; shares what does not depend on measure or horizon."""

    def __init__(self, known: KnownTitles, recipe: Recipe, elder: "FeatureBuilder | None" = None) -> None:
        """Build from what is `known` with `recipe`; what an elder builder made ready of the past is used again."""
        self.known, self.recipe = known, recipe
        self._elder = elder
        self._memory = Memory(elder.memory if elder is not None else None)
        self._vectors: Floats = np.zeros((0, 0))
        self._texts: Floats = np.zeros((0, 0))
        self._widest: tuple[Rows, Columns] | None = None
        # Metadata that is given in place of what is stored must not be taken for it, though the cells be the same.
        self._whose = "" if elder is None else "given"

    @property
    def memory(self) -> Memory:
        """What it made ready so far."""
        return self._memory

    def make_ready(self, past: Past) -> None:
        """Make ready all that depends on the past alone, for the builders this one is the elder of."""
        self.cells(past)
        self._pools(past)
        launched = self.known.launches.launched
        for name in self._with_history():
            self._history(name, past)
            self._earlier_titles(name, launched)

    def build(self, rows: Rows, past: Past) -> Features:
        """Return the features of rows, outcomes taken from `past` where known at each row's cut."""
        found = self.gather(rows, past)
        frame = pd.DataFrame(dict(zip(found.columns.names, found.columns.values, strict=True)))
        return Features(frame, found.level, found.is_missing, found.neighbours)

    def gather(self, rows: Rows, past: Past) -> Gathered:
        """Do the work of `build`."""
        shared = self._memory.get(("shared", self._whose, rows.key), lambda: self._shared(rows))
        columns = Columns(list(shared.names), list(shared.values))
        level = self.cells(past).level(rows, past.y)
        columns.add("|level", level)
        above = self._above_level(past)
        self._add_histories(columns, rows, past, above)
        neighbours = self.neighbours(rows, past)
        _add_comparables(columns, neighbours, above)
        for part, near in zip(parts(self.recipe), self.comparisons(rows, past)[1:], strict=True):
            columns.add(f"{WITHOUT}{part.name}", _mean_and_spread(near.weights, near, above)[0])
        missing = dict(zip(columns.names, columns.values, strict=True))["|missing_total"]
        return Gathered(columns, level, np.asarray(missing > 0, dtype=np.int64), neighbours)

    def neighbours(self, rows: Rows, past: Past) -> Neighbours:
        """Return the comparable titles of rows among `past`."""
        return self.comparisons(rows, past)[0]

    def comparisons(self, rows: Rows, past: Past) -> list[Neighbours]:
        """Return the comparable titles by everything, then by everything but each part that counts much."""
        return self._memory.get(("near", self._whose, rows.key, past.key), lambda: self._nearest(rows, past))

    def _above_level(self, past: Past) -> Floats:
        """Return by how much each outcome was above what its market and surface had been like before.

        Outcomes of different times can be compared so: what has changed for all titles since then is in the level.
        """
        return self._memory.get(
            ("above", past.key), lambda: np.nan_to_num(past.y - self.cells(past).level(past.launched, past.y))
        )

    def states(self, rows: Rows) -> Ints:
        """Return the number of each row's metadata state at its cut."""
        return self._memory.get(
            ("states", self._whose, rows.key), lambda: self.known.catalogue.states_at(rows.title, rows.market, rows.cut)
        )

    def cells(self, past: Past) -> CellIndex:
        """Return the past by market and surface."""
        return self._memory.get(("cells", past.key), lambda: CellIndex.of(past))

    def _nearest(self, rows: Rows, past: Past) -> list[Neighbours]:
        own = self._memory.get(("vectors", self._whose, rows.key), lambda: self._own_vectors(rows))
        settings = self.known.settings
        return self._pools(past).nearest(rows, own, settings.n_comparables, parts(self.recipe), settings.threads)

    def _own_vectors(self, rows: Rows) -> Floats:
        if self._elder is None:
            return self._vectors_of(self.states(rows))
        numbers, inverse = self._distinct(rows)
        return self._vectors_of(numbers)[inverse]

    def _pools(self, past: Past) -> Pools:
        return self._memory.get(
            ("pools", past.key), lambda: Pools.of(past, self._vectors_of(self.states(past.launched)))
        )

    def _vectors_of(self, numbers: Ints) -> Floats:
        """Return the vectors of states that were met."""
        if self._elder is None:
            self._read()
            return self._vectors[numbers]
        return vectors(self.recipe, self._take(numbers), self._texts_of(numbers))

    def _texts_of(self, numbers: Ints) -> Floats:
        """Return the directions of the texts of states that were met."""
        if self._elder is None:
            self._read()
            return self._texts[numbers]
        return texts(self.recipe, self._take(numbers))

    def _read(self) -> None:
        """Compute vectors and texts of all states met so far; of those that are new, that is."""
        fresh = self.known.catalogue.states[len(self._vectors) :]
        if fresh:
            text = texts(self.recipe, fresh)
            both = vectors(self.recipe, fresh, text), text
            before = (self._vectors, self._texts) if len(self._vectors) else None
            self._vectors, self._texts = both if before is None else map(np.concatenate, zip(before, both, strict=True))

    def _take(self, numbers: Ints) -> list[State]:
        states = self.known.catalogue.states
        return [states[number] for number in numbers.tolist()]

    def _shared(self, rows: Rows) -> Columns:
        """Return what depends on no outcome; rows of a shorter horizon hold those of a longer one, and are reused."""
        if self._widest is not None and len(rows) <= len(self._widest[0]):
            known, columns = self._widest
            places = known.identity.get_indexer(rows.identity) if known.identity.is_unique else np.array([-1])
            if (places >= 0).all():
                return Columns(list(columns.names), [values[places] for values in columns.values])  # noqa: PD011  # a list of ours
        columns = self._without_outcomes(rows)
        if self._widest is None or len(rows) > len(self._widest[0]):
            self._widest = rows, columns
        return columns

    def _without_outcomes(self, rows: Rows) -> Columns:
        numbers, inverse = self._distinct(rows)
        states = self._take(numbers)
        encoded = encode(self.recipe, states, self._texts_of(numbers))
        columns = relative(self.recipe, encoded, states, inverse, rows)
        add_calendar(columns, rows, self.known.zones)
        others, since, strength = self.known.launches.competition(rows, _WINDOW_DAYS, self.known.rivals)
        columns.add("|same_window", others)
        columns.add("|days_since_launch", since)
        said = self.known.answers.columns(rows, self.recipe.versions)
        for column, told in said.items():
            columns.add(column, told)
        columns.add("|shadow_others", np.where(np.isfinite(said["|shadow_age"]), strength, np.nan))
        self._add_earlier(columns, rows)
        for name, known, values in (
            ("market", self.recipe.markets, rows.market), ("surface", self.recipe.surfaces, rows.surface),
        ):  # fmt: skip
            for value in known:
                columns.add(f"|{name}|is|{value}", (values == value).astype(np.float64))
        return columns

    def _add_earlier(self, columns: Columns, rows: Rows) -> None:
        launched = self.known.launches.launched
        # As shares: a bare count grows with time, and beyond the counts it learned from the model would be guessing.
        # So would the share of one title in all, which falls with time: what no earlier title shares stands at NEVER.
        total = np.log1p(np.searchsorted(np.sort(launched.cut), rows.cut, side="right"))
        for name in self._with_history():
            mean, most = self._earlier_titles(name, launched).counts(rows, self._values(name, rows))
            columns.add(f"{name}|earlier", np.where(mean == 0, _NEVER, np.log1p(mean) - total))
            columns.add(f"{name}|earlier_most", np.where(most == 0, _NEVER, np.log1p(most) - total))

    def _add_histories(self, columns: Columns, rows: Rows, past: Past, above: Floats) -> None:
        total = np.log1p(self.cells(past).counts(rows))
        for name in self._with_history():
            history = self._history(name, past)
            mean, most, titles = history.means(rows, self._values(name, rows), above)
            columns.add(f"{name}|history", mean)
            columns.add(f"{name}|history_best", most)
            columns.add(f"{name}|history_titles", np.where(titles > 0, np.log1p(titles) - total, _NEVER))

    def _with_history(self) -> list[str]:
        return [field.name for field in self.recipe.fields if field.has_history]

    def _earlier_titles(self, name: str, launched: Rows) -> EarlierTitles:
        return self._memory.get(("earlier", name), lambda: EarlierTitles(self._values(name, launched), launched.cut))

    def _history(self, name: str, past: Past) -> ValueHistory:
        return self._memory.get(
            ("history", name, past.key),
            lambda: ValueHistory(past, self._values(name, past.launched), self.cells(past)),
        )

    def _values(self, name: str, rows: Rows) -> Values:
        return self._memory.get(("values", self._whose, name, rows.key), lambda: self._spread(name, rows))

    def _spread(self, name: str, rows: Rows) -> Values:
        numbers, inverse = self._distinct(rows)
        lists = lists_of(state.fields.get(name) for state in self._take(numbers))
        return Values.of([lists[at] for at in inverse.tolist()])

    def _distinct(self, rows: Rows) -> tuple[Ints, Ints]:
        """Return the numbers of the metadata states of rows, once each, and the place of each row's among them."""

        def found() -> tuple[Ints, Ints]:
            numbers, inverse = np.unique(self.states(rows), return_inverse=True)
            return numbers, inverse.astype(np.int64)

        return self._memory.get(("distinct", self._whose, rows.key), found)


def _add_comparables(columns: Columns, neighbours: Neighbours, above: Floats) -> None:
    """Add weighted mean, spread, distance and count of the comparable titles; outcomes are those `above` the level."""
    weights, seen = neighbours.weights, neighbours.place >= 0
    for k in sorted({min(10, seen.shape[1]), seen.shape[1]}):
        mean, spread = _mean_and_spread(weights[:, :k], neighbours, above)
        columns.add(f"|comparables_{k}", mean)
        columns.add(f"|comparables_{k}_spread", spread)
    distance = np.where(seen, neighbours.distance, np.inf)
    nearest_one = distance.min(axis=1, initial=np.inf)
    columns.add("|comparables_nearest", np.where(np.isfinite(nearest_one), nearest_one, np.nan))
    n = seen.sum(axis=1)
    mean_distance = np.where(seen, neighbours.distance, 0.0).sum(axis=1) / np.maximum(n, 1)
    columns.add("|comparables_distance", np.where(n > 0, mean_distance, np.nan))
    columns.add("|comparables_total", n.astype(np.float64))


def _mean_and_spread(weights: Floats, neighbours: Neighbours, y: Floats) -> tuple[Floats, Floats]:
    """Return weighted mean and spread of the outcomes of the nearest few; missing where there are none."""
    place = neighbours.place[:, : weights.shape[1]]
    outcomes = np.where(place >= 0, y[place], 0.0) if len(y) else np.zeros(place.shape)
    total = weights.sum(axis=1)
    share = weights / np.where(total > 0, total, 1.0)[:, None]
    mean = (share * outcomes).sum(axis=1)
    spread = np.sqrt((share * (outcomes - mean[:, None]) ** 2).sum(axis=1))
    return np.where(total > 0, mean, np.nan), np.where(total > 0, spread, np.nan)


def comparables_column(columns: Iterable[str]) -> str:
    """Return the column of the mean of all comparable titles; empty where there is none."""
    found = [int(name.removeprefix(_COMPARABLES)) for name in columns if re.fullmatch(r"\|comparables_\d+", name)]
    return f"{_COMPARABLES}{max(found)}" if found else ""
