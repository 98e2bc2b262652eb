"""Features of rows: metadata as known at the cut, calendar, competition, histories and comparable titles. All point in time.

Features of asking the recommender (shadow scores) would be one more `_add_...` here; there are none yet.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from recsysops.model._asof import Floats, Ints
from recsysops.model._catalogue import State
from recsysops.model._encode import Columns, encode, relative, vectors
from recsysops.model._history import CellIndex, EarlierTitles, ValueHistory
from recsysops.model._known import Known, Memory, content_key
from recsysops.model._neighbours import Neighbours, nearest
from recsysops.model._past import Past, Rows
from recsysops.model._recipe import Recipe
from recsysops.model._values import as_values

_WINDOW_DAYS: Final = 3
"""Titles that launch within so many days are in the same window."""
YEARLY: Final = "|week"
"""Week of the year, 0 to 51: only of use to a model that has seen more than a year."""


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


class FeatureBuilder:
    """Builds features with one recipe; shares what does not depend on measure or horizon."""

    def __init__(self, known: Known, recipe: Recipe) -> None:
        """Build from what is `known` with `recipe`."""
        self._known, self.recipe = known, recipe
        self._memory = Memory()

    def build(self, rows: Rows, past: Past) -> Features:
        """Return the features of rows, outcomes taken from `past` where known at each row's cut."""
        key = content_key(rows)
        shared = self._memory.get(("shared", key), lambda: self._shared(rows))
        columns = Columns(list(shared.names), list(shared.values))
        cells = self._memory.get(("cells", content_key(past)), lambda: CellIndex.of(past))
        level, n_known = cells.level(rows, past.y)
        columns.add("|level", level)
        columns.add("|level_titles", np.log1p(n_known))
        self._add_histories(columns, rows, past, level)
        neighbours = self.neighbours(rows, past)
        _add_comparables(columns, neighbours, past.y, level)
        frame = pd.DataFrame(dict(zip(columns.names, columns.values, strict=True)))
        return Features(frame, level, (frame["|missing_total"] > 0).to_numpy(dtype=np.int64), neighbours)

    def neighbours(self, rows: Rows, past: Past) -> Neighbours:
        """Return the comparable titles of rows among `past`."""
        return self._memory.get(("near", content_key(rows), content_key(past)), lambda: self._nearest(rows, past))

    def states(self, rows: Rows) -> Ints:
        """Return the number of each row's metadata state at its cut."""
        return self._memory.get(
            ("states", content_key(rows)), lambda: self._known.catalogue.states_at(rows.title, rows.market, rows.cut)
        )

    def launched_states(self, past: Past) -> Ints:
        """Return the number of each past title's state as known one day before its launch."""
        return self.states(past.rows(1))

    def _nearest(self, rows: Rows, past: Past) -> Neighbours:
        own, pool = self.states(rows), self.launched_states(past)
        numbers, inverse = np.unique(np.concatenate([own, pool]), return_inverse=True)
        space = vectors(self.recipe, self._take(numbers))
        return nearest(
            rows, space[inverse[: len(own)]], past, space[inverse[len(own) :]], self._known.settings.n_comparables
        )

    def _take(self, numbers: Ints) -> list[State]:
        return [self._known.catalogue.states[number] for number in numbers]

    def _shared(self, rows: Rows) -> Columns:
        numbers, inverse = np.unique(self.states(rows), return_inverse=True)
        states = self._take(numbers)
        columns = relative(self.recipe, encode(self.recipe, states), states, inverse.astype(np.int64), rows)
        _add_calendar(columns, rows)
        near, since = self._known.launches.competition(rows, _WINDOW_DAYS)
        columns.add("|same_window", near)
        columns.add("|days_since_launch", since)
        self._add_earlier(columns, rows)
        for name, known, values in (
            ("market", self.recipe.markets, rows.market), ("surface", self.recipe.surfaces, rows.surface),
        ):  # fmt: skip
            for value in known:
                columns.add(f"|{name}|is|{value}", (values == value).astype(np.float64))
        return columns

    def _add_earlier(self, columns: Columns, rows: Rows) -> None:
        titles, markets, launched = self._known.launches.launched()
        then = self._known.catalogue.states_at(titles, markets, launched)
        for name in [field.name for field in self.recipe.fields if field.has_history]:
            earlier = EarlierTitles(self._values(name, then), launched)
            mean, most = earlier.counts(rows, self._values(name, self.states(rows)))
            columns.add(f"{name}|earlier", np.log1p(mean))
            columns.add(f"{name}|earlier_most", np.log1p(most))

    def _add_histories(self, columns: Columns, rows: Rows, past: Past, level: Floats) -> None:
        for name in [field.name for field in self.recipe.fields if field.has_history]:
            history = self._memory.get(
                ("history", name, content_key(past)), lambda name=name: self._history(name, past)
            )  # type: ignore[misc]
            values = self._values(name, self.states(rows))
            mean, most, titles = history.means(rows, values, past.y, level)
            columns.add(f"{name}|history", mean)
            columns.add(f"{name}|history_best", most)
            columns.add(f"{name}|history_titles", np.log1p(np.nan_to_num(titles)))

    def _history(self, name: str, past: Past) -> ValueHistory:
        cells = self._memory.get(("cells", content_key(past)), lambda: CellIndex.of(past))
        return ValueHistory(past, self._values(name, self.launched_states(past)), cells)

    def _values(self, name: str, numbers: Ints) -> Sequence[Sequence[str]]:
        return [as_values(self._known.catalogue.states[number].fields.get(name)) for number in numbers]


def _add_calendar(columns: Columns, rows: Rows) -> None:
    at = pd.DatetimeIndex(rows.launch.astype("datetime64[us]"))
    columns.add("|weekday", at.dayofweek.to_numpy(dtype=np.float64))
    columns.add("|hour", at.hour.to_numpy(dtype=np.float64))
    week = np.minimum((at.dayofyear.to_numpy(dtype=np.float64) - 1) // 7, 51)
    columns.add(YEARLY, week)
    columns.add("|lead", np.asarray(rows.lead))


def _add_comparables(columns: Columns, neighbours: Neighbours, y: Floats, level: Floats) -> None:
    """Add weighted mean, spread, distance and count of the comparable titles; means are deviations from the level."""
    weights, seen = neighbours.weights, neighbours.at >= 0
    outcomes = np.where(seen, y[neighbours.at], 0.0) if len(y) else np.zeros(seen.shape)
    for k in sorted({min(10, seen.shape[1]), seen.shape[1]}):
        w = weights[:, :k]
        total = w.sum(axis=1)
        some = total > 0
        mean = (w * outcomes[:, :k]).sum(axis=1) / np.where(some, total, 1.0)
        spread = np.sqrt((w * (outcomes[:, :k] - mean[:, None]) ** 2).sum(axis=1) / np.where(some, total, 1.0))
        columns.add(f"|comparables_{k}", np.where(some, mean - level, np.nan))
        columns.add(f"|comparables_{k}_spread", np.where(some, spread, np.nan))
    distance = np.where(seen, neighbours.distance, np.inf)
    nearest_one = distance.min(axis=1, initial=np.inf)
    columns.add("|comparables_nearest", np.where(np.isfinite(nearest_one), nearest_one, np.nan))
    n = seen.sum(axis=1)
    mean_distance = np.where(seen, neighbours.distance, 0.0).sum(axis=1) / np.maximum(n, 1)
    columns.add("|comparables_distance", np.where(n > 0, mean_distance, np.nan))
    columns.add("|comparables_total", n.astype(np.float64))
