"""Predicts titles that are stored nowhere from what was made ready once: history, neighbours, models. Learns nothing.

Given titles are judged one by one: they neither compete with each other nor stand in the launch book, so that it does
not matter which of them are asked about together.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd

from recsysops.columns import ALL, FIELDS, MARKET, NAME, PROVIDER, SERIES_ID, TITLE_ID
from recsysops.model._asof import Ints
from recsysops.model._catalogue import NOTHING, Catalogue, Keys, State
from recsysops.model._features import FeatureBuilder
from recsysops.model._known import Known
from recsysops.model._launches import LaunchBook
from recsysops.model._predicting import Aim, predict_cells
from recsysops.model._shadow import ShadowBook
from recsysops.model._unlike import Usual
from recsysops.model._values import clean, clean_fields
from recsysops.settings import ModelSettings


class ReadyForecast:
    """Predicts at one time; implements the port. One call at a time."""

    def __init__(self, known: Known, aims: Sequence[Aim], label: str) -> None:
        """Make ready what every call needs."""
        self.as_of = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=known.at)
        self.model_ids = tuple(aim.card.model_id for aim in aims if aim.model is not None and aim.card is not None)
        self._known, self._aims, self._label = known, tuple(aims), label
        recipes = {aim.model.recipe.fingerprint: aim.model.recipe for aim in aims if aim.model is not None}
        self._builders = {
            name: FeatureBuilder(known, recipe) for name, recipe in (recipes or {"": known.recipe}).items()
        }
        for builder in self._builders.values():
            for aim in aims:
                builder.make_ready(aim.past)
                Usual.of(builder, aim.past)

    def predict(self, cells: pd.DataFrame, titles: pd.DataFrame, shadow: pd.DataFrame | None = None) -> pd.DataFrame:
        """Predict given titles; see the port."""
        if cells.empty or not self._aims:
            return predict_cells(cells, (), {}, self._known.at, self._label)
        known = _Given(self._known, titles, shadow)
        builders = {name: FeatureBuilder(known, elder.recipe, elder) for name, elder in self._builders.items()}
        return predict_cells(cells, self._aims, builders, self._known.at, self._label)


class _Given:
    """What is known, but for the metadata of given titles, and what the recommender said of them: that is as given."""

    def __init__(self, known: Known, titles: pd.DataFrame, shadow: pd.DataFrame | None) -> None:
        self.answers = known.answers if shadow is None else ShadowBook(shadow, known.at, is_given=True)
        self.rivals: ShadowBook = known.rivals
        self.zones: Mapping[str, str] = known.zones
        self.catalogue = _GivenCatalogue(known.catalogue, titles, known.at)
        self.launches: LaunchBook = known.launches
        self.settings: ModelSettings = known.settings


class _GivenCatalogue:
    """States of given titles, numbered after those of the catalogue."""

    def __init__(self, stored: Catalogue, titles: pd.DataFrame, at: int) -> None:
        self.states = list(stored.states)
        self._rows: dict[tuple[str, str], State] = {}
        columns = (titles[name] for name in (TITLE_ID, MARKET, NAME, PROVIDER, SERIES_ID, FIELDS))
        before = stored.versions_at(list(titles[TITLE_ID]), list(titles[MARKET]), np.full(len(titles), at))
        for old, (title, market, name, provider, series, fields) in zip(
            before, zip(*columns, strict=True), strict=True
        ):
            values = clean_fields(fields, stored.ignored, stored.embeddings)
            values |= clean_fields({PROVIDER: provider, SERIES_ID: series}, stored.ignored)
            # A value that stands in the store as well is as old as it is there; every other one is new.
            since = {
                key: old.since[key] if old is not None and old.fields.get(key) == value else at
                for key, value in values.items()
            }
            self._rows[title, market] = State(str(clean(name) or ""), values, since)
        self._numbers: dict[tuple[str, str], int] = {}

    def states_at(self, titles: Keys, markets: Keys, cuts: Ints) -> Ints:  # noqa: ARG002 - given is given, at any time
        """Return the number of the state of each given title in each market."""
        pairs = zip(titles, markets, strict=True)
        return np.array([self._number(title, market) for title, market in pairs], dtype=np.int64)

    def _number(self, title: str, market: str) -> int:
        if (title, market) not in self._numbers:
            parts = [self._rows[key] for key in dict.fromkeys(((title, ALL), (title, market))) if key in self._rows]
            if not parts:
                return NOTHING
            self._numbers[title, market] = len(self.states)
            self.states.append(State.over(parts))
        return self._numbers[title, market]
