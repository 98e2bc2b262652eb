"""Everything known at one time, made ready once and shared by measures and horizons. Not for learning."""

from collections import ChainMap
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cached_property
from typing import Final, Protocol, TypeVar

import pandas as pd

from recsysops.columns import AS_OF, KNOWN_AT, MARKET, SURFACE
from recsysops.model._asof import Ints, microsecond, microseconds
from recsysops.model._catalogue import Catalogue, Keys, State
from recsysops.model._launches import LaunchBook
from recsysops.model._past import Past, known_outcomes, known_titles, past_of
from recsysops.model._recipe import Recipe
from recsysops.model._shadow import ShadowBook
from recsysops.model._values import Cleaner
from recsysops.settings import ModelSettings

_RECIPE_TITLES: Final = 4000
"""A recipe is learned from the titles observed last, at most this many."""

T = TypeVar("T")


class Frames(Protocol):
    """The frames of a history."""

    @property
    def titles(self) -> pd.DataFrame:
        """TITLE_VERSION."""
        ...

    @property
    def launches(self) -> pd.DataFrame:
        """LAUNCH_VERSION."""
        ...

    @property
    def outcomes(self) -> pd.DataFrame:
        """OUTCOMES."""
        ...

    @property
    def shadow(self) -> pd.DataFrame:
        """SHADOW_SCORE."""
        ...

    @property
    def relabelled(self) -> pd.DataFrame:
        """RELABELLED."""
        ...

    @property
    def zones(self) -> Mapping[str, str]:
        """IANA time zones by market."""
        ...


class States(Protocol):
    """States of metadata, by number."""

    states: list[State]

    def states_at(self, titles: Keys, markets: Keys, cuts: Ints) -> Ints:
        """Return the number of the state of each title in each market as known at each cut."""
        ...


class KnownTitles(Protocol):
    """What features are built from."""

    @property
    def catalogue(self) -> States:
        """The metadata."""
        ...

    @property
    def launches(self) -> LaunchBook:
        """The launches."""
        ...

    @property
    def answers(self) -> ShadowBook:
        """What the recommender said of the titles asked about."""
        ...

    @property
    def rivals(self) -> ShadowBook:
        """What it said of those that launch beside them."""
        ...

    @property
    def zones(self) -> Mapping[str, str]:
        """IANA time zones by market."""
        ...

    @property
    def settings(self) -> ModelSettings:
        """How many comparable titles."""
        ...


class Known:
    """A history cut off at a time; nothing later is reachable through it."""

    def __init__(self, history: Frames, as_of: datetime, settings: ModelSettings, elder: "Known | None" = None) -> None:
        """Cut the history off at `as_of`; what an elder one, of the same settings, found in metadata is used again."""
        self.at = microsecond(as_of)
        self.settings = settings
        ignored, embeddings = frozenset(settings.ignore_fields), frozenset(settings.embedding_fields)
        self.cleaner: Cleaner = elder.cleaner if elder is not None else Cleaner(ignored, embeddings)
        titles = known_titles(history.titles, as_of)
        self.catalogue = Catalogue(titles, ignored, embeddings, cleaner=self.cleaner)
        self.launches = LaunchBook(history.launches, as_of)
        self.answers = self.rivals = ShadowBook(history.shadow, self.at)
        self.zones = history.zones
        self.relabelled = history.relabelled[microseconds(history.relabelled[AS_OF]) <= self.at]
        self._outcomes = known_outcomes(history.outcomes, as_of)
        self._pasts: dict[tuple[str, int], Past] = {}

    def past(self, measure: str, horizon: int) -> Past:
        """Return the outcomes of a measure and horizon known at the time."""
        if (measure, horizon) not in self._pasts:
            self._pasts[measure, horizon] = past_of(self._outcomes, measure, horizon)
        return self._pasts[measure, horizon]

    @cached_property
    def recipe(self) -> Recipe:
        """The recipe learned from what is known at the time."""
        return self.recipe_at(self.at)

    def recipe_at(self, at: int) -> Recipe:
        """Return the recipe learned from what was known at an earlier time, in microseconds."""
        numbers = self.catalogue.latest_states(_RECIPE_TITLES, at)
        states = [self.catalogue.states[number] for number in numbers]
        outcomes = self._outcomes[microseconds(self._outcomes[KNOWN_AT]) <= at]
        return Recipe.fit(
            states, self.settings, list(outcomes[MARKET]), list(outcomes[SURFACE]), self.answers.versions(at)
        )


class Memory:
    """Remembers the results of pure functions of rows by the content of the rows."""

    def __init__(self, elder: "Memory | None" = None) -> None:
        """Remember nothing yet but what an elder one does, to which nothing is added."""
        self._kept: ChainMap[tuple[str, ...], object] = elder.child() if elder is not None else ChainMap()

    def get(self, key: tuple[str, ...], make: Callable[[], T]) -> T:
        """Return what is kept under `key`, made now if it is not."""
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]  # type: ignore[return-value]  # the key names what was kept

    def child(self) -> "ChainMap[tuple[str, ...], object]":
        """Return what is kept, under a layer that takes what is added."""
        return self._kept.new_child()
