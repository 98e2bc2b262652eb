"""A recommender in memory whose answers follow from ids alone, and one that fails in a chosen way. For tests."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsysops.contract.recommender import (
    Ability,
    Adapter,
    AskedTitle,
    Eligibility,
    Place,
    Recommender,
    RecommenderSettings,
    Scores,
)
from recsysops.domain.shadow import MemberSample
from recsysops.errors import EngineError
from recsysops.shadow import LazyRecommender

EVERYTHING: Final = frozenset(Ability)


def vectors(ids: Sequence[str], n: int, known: dict[str, npt.NDArray[np.float64]]) -> npt.NDArray[np.float64]:
    """Return a random vector of `n` numbers for each id, always the same one; kept in `known`."""
    new = [each for each in dict.fromkeys(ids) if each not in known]
    for each, seed in zip(new, pd.util.hash_array(np.array(new, dtype=object)) if new else (), strict=True):
        known[each] = np.random.default_rng(int(seed)).standard_normal(n)
    return np.array([known[each] for each in ids]).reshape(len(ids), n)


@dataclass
class FakeRecommender:
    """Scores are inner products of random vectors, plus the level of a title."""

    abilities: frozenset[Ability] = EVERYTHING
    version: str = "fake-1"
    levels: Mapping[str, float] = field(default_factory=dict)
    """Added to a title's scores."""
    never: frozenset[str] = frozenset()
    """Titles that are never shown: -inf."""
    excluded: Mapping[str, str] = field(default_factory=dict)
    """Titles that are not eligible, with the reason."""
    candidate_share: float = 0.8
    """Share of members for whom a title is a candidate."""
    n_dimensions: int = 8
    calls: list[tuple[str, int, int]] = field(default_factory=list)
    """Ability, members and titles of each call."""
    places: list[Place] = field(default_factory=list)
    vectors: dict[str, npt.NDArray[np.float64]] = field(default_factory=dict, repr=False)

    def score(self, members: Sequence[str], titles: Sequence[AskedTitle], place: Place) -> Scores:
        """Return inner products; a changed field `level` takes the place of the title's level."""
        self._note("score", members, titles, place)
        ids = [title.title_id for title in titles]
        taste = vectors(members, self.n_dimensions, self.vectors)
        scores = taste @ vectors(ids, self.n_dimensions, self.vectors).T + np.array([self._level(t) for t in titles])
        scores[:, [each in self.never for each in ids]] = -math.inf
        return np.asarray(scores, dtype=np.float64)

    def candidates(self, members: Sequence[str], titles: Sequence[AskedTitle], place: Place) -> npt.NDArray[np.bool_]:
        """Return true for about `candidate_share` of members and titles."""
        self._note("candidates", members, titles, place)
        ids = [title.title_id for title in titles]
        mixed = _unit(members)[:, None] + _unit(ids)[None, :]
        return np.asarray(mixed % 1.0 < self.candidate_share, dtype=np.bool_)

    def eligibility(self, titles: Sequence[AskedTitle], place: Place) -> list[Eligibility]:
        """Return all but `excluded`."""
        self._note("eligibility", (), titles, place)
        return [
            Eligibility(
                title_id=title.title_id, is_eligible=title.title_id not in self.excluded,
                reason=self.excluded.get(title.title_id, ""),
            )
            for title in titles
        ]  # fmt: skip

    def _level(self, title: AskedTitle) -> float:
        changed = (title.fields or {}).get("level")
        return float(changed) if isinstance(changed, int | float) else self.levels.get(title.title_id, 0.0)

    def _note(self, ability: str, members: Sequence[str], titles: Sequence[AskedTitle], place: Place) -> None:
        self.calls.append((ability, len(members), len(titles)))
        self.places.append(place)


@dataclass
class FaultyRecommender(FakeRecommender):
    """Fails in a chosen way: `fault` gets the ability and the right answer, and returns or raises something else."""

    fault: Callable[[str, Any], Any] = lambda _, answer: answer

    def score(self, members: Sequence[str], titles: Sequence[AskedTitle], place: Place) -> Scores:
        """Return what `fault` makes of the scores."""
        found: Scores = self.fault("score", super().score(members, titles, place))
        return found

    def candidates(self, members: Sequence[str], titles: Sequence[AskedTitle], place: Place) -> npt.NDArray[np.bool_]:
        """Return what `fault` makes of the candidates."""
        found: npt.NDArray[np.bool_] = self.fault("candidates", super().candidates(members, titles, place))
        return found

    def eligibility(self, titles: Sequence[AskedTitle], place: Place) -> list[Eligibility]:
        """Return what `fault` makes of the list."""
        found: list[Eligibility] = self.fault("eligibility", super().eligibility(titles, place))
        return found


def slow_by(seconds: float) -> Callable[[str, Any], Any]:
    """Return a fault: the answer comes so much later."""

    def late(_: str, answer: object) -> object:
        time.sleep(seconds)
        return answer

    return late


def a_place(at: datetime, market: str = "us", surface: str = "home", known_at: datetime | None = None) -> Place:
    """Return a place to ask about."""
    return Place(market=market, surface=surface, at=at, known_at=known_at)


@dataclass
class FakeSampler:
    """Draws the same 20 members everywhere but where nobody is active."""

    nobody: tuple[tuple[str, str], ...] = ()
    asked: list[Any] = field(default_factory=list)
    """Places, until when, how many and of how many days."""
    fails: bool = False

    def sample(
        self,
        files: Sequence[Any],  # noqa: ARG002 - the interface
        places: Sequence[tuple[str, str]],
        until: datetime,
        *,
        n: int,
        active_days: int,
    ) -> dict[tuple[str, str], MemberSample]:
        """Return the sample of each place."""
        self.asked.append((tuple(places), until, n, active_days))
        if self.fails:
            raise EngineError("no engine")
        members = tuple(f"m{i}" for i in range(20))
        stratum = np.zeros(len(members), dtype=np.int64)
        one = MemberSample(members=members, stratum=stratum, shares=np.array([1.0]), sizes=np.array([1000]))
        return {place: one for place in places if place not in self.nobody}


def lazy(recommender: Recommender | Exception, folder: Path) -> LazyRecommender:
    """Return a recommender as the service has it; an exception is raised when it is first asked."""

    def connect(settings: RecommenderSettings, where: Path) -> Recommender:  # noqa: ARG001 - the interface
        if isinstance(recommender, Exception):
            raise recommender
        return recommender

    adapter = Adapter(name="fake", summary="Fakes.", settings=RecommenderSettings, connect=connect)
    return LazyRecommender(adapter, RecommenderSettings(), folder)


def _unit(ids: Sequence[str]) -> npt.NDArray[np.float64]:
    """Return a number in [0, 1) for each id."""
    if not len(ids):
        return np.zeros(0)
    return np.asarray(pd.util.hash_array(np.array(list(ids), dtype=object)) / 2.0**64, dtype=np.float64)
