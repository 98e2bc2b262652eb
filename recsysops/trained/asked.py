"""The trained recommender as it is asked: trained as of any time, on nothing but what had happened by then.

A title's factors are those its metadata give, mixed with its own as far as members have met it. So metadata given with
a question, or changed in the catalogue, are read and mapped anew; nothing about their effect is assumed.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from recsysops.contract.recommender import Ability, AskedTitle, Eligibility, Place, Scores
from recsysops.trained._factors import Factors, Floats, train
from recsysops.trained._tables import NEVER, Ints, read_catalogue, read_events
from recsysops.trained._tokens import Tokens
from recsysops.trained.adapter import TrainedSettings

_DAY_US: Final = 86_400_000_000
_KEPT: Final = 4
"""Trainings and moments that are kept, the latest: one is asked about many times in a row."""


@dataclass(frozen=True)
class Moment:
    """What is known and on offer at a time; arrays: one entry per title of the catalogue."""

    version: Ints
    """The version of the metadata that is known; -1 where none is."""
    launch: Ints
    """The launch known, microseconds; `NEVER` where none is."""
    factors: Factors
    found: Floats
    """Factors of every title, titles x factors."""
    offered: Ints
    """Rows of the titles on offer."""
    last: Floats
    """Of each member and a newcomer, the score by factors alone of the last title the first stage finds; missing until
    somebody asks about the member."""

    def last_of(self, members: Ints, n: int) -> Floats:
        """Return the score that makes a title a candidate, by member; `n` titles are found for each."""
        new = np.unique(members[np.isnan(self.last[members])])
        if len(new):
            there = self.factors.member[new] @ self.found[self.offered].T
            self.last[new] = -np.partition(-there, n - 1, axis=1)[:, n - 1]
        return self.last[members]


@dataclass(frozen=True)
class _Asked:
    """Titles asked about at a moment."""

    factors: Floats
    bonus: Floats
    reasons: tuple[str, ...]
    """Why each may not be shown; empty where it may."""


class TrainedRecommender:
    """Answers for a recommender that is trained anew every `retrain_days`. Members it has not met are newcomers."""

    def __init__(self, settings: TrainedSettings, folder: Path) -> None:
        """Read the files; raises `RecommenderError` where they cannot be read."""
        self._settings = settings
        self._catalogue = read_catalogue(settings, folder / settings.titles)
        self._events = read_events(settings, folder / settings.events, self._catalogue.title_ids)
        self._tokens, self._read = Tokens.of(self._catalogue.fields, settings)
        self._row = {str(title): row for row, title in enumerate(self._catalogue.title_ids)}
        self._member = {str(member): row for row, member in enumerate(self._events.members)}
        self._trained: dict[int, Factors] = {}
        self._moments: dict[tuple[int, int], Moment] = {}

    @property
    def abilities(self) -> frozenset[Ability]:
        """Everything, but candidates only where there is a first stage."""
        return frozenset(Ability) - ({Ability.CANDIDATES} if self._settings.candidates is None else set())

    @property
    def version(self) -> str:
        """The last training there is data for, and how it is made."""
        last = self._cutoff(int(self._events.at[-1]))
        digest = hashlib.sha256(f"{last} {self._settings.model_dump_json()}".encode()).hexdigest()
        return f"als-{datetime.fromtimestamp(last / 1_000_000, UTC).date().isoformat()}-{digest[:8]}"

    def score(self, members: Sequence[str], titles: Sequence[AskedTitle], place: Place) -> Scores:
        """Return members' factors times titles' plus the bonus of new ones, (n members, n titles); -inf: not shown."""
        moment, asked = self._asked(titles, place)
        scores = moment.factors.member[self._members(members)] @ asked.factors.T + asked.bonus
        return np.asarray(np.where([not reason for reason in asked.reasons], scores, -np.inf), dtype=np.float64)

    def candidates(self, members: Sequence[str], titles: Sequence[AskedTitle], place: Place) -> npt.NDArray[np.bool_]:
        """Return whether each title is among the first by factors alone of what is on offer, (n members, n titles)."""
        moment, asked = self._asked(titles, place)
        rows = self._members(members)
        wanted = self._settings.candidates or len(moment.offered)
        may = np.array([not reason for reason in asked.reasons], dtype=np.bool_)
        if len(moment.offered) <= wanted:
            return np.broadcast_to(may, (len(rows), len(titles))).copy()
        last = moment.last_of(rows, wanted)[:, None]
        # Two ways to multiply differ in the last digit, by which a title must not miss its own place.
        return np.asarray((moment.factors.member[rows] @ asked.factors.T >= last - 1e-9) & may)

    def eligibility(self, titles: Sequence[AskedTitle], place: Place) -> Sequence[Eligibility]:
        """Return whether each title is in the catalogue as known and, where only new titles are offered, is new."""
        _, asked = self._asked(titles, place)
        return [
            Eligibility(title_id=title.title_id, is_eligible=not reason, reason=reason)
            for title, reason in zip(titles, asked.reasons, strict=True)
        ]

    def offered(self, place: Place) -> list[str]:
        """Return the titles on offer there then, as far as is known."""
        moment = self.moment(place.at, place.known_at)
        return [str(title) for title in self._catalogue.title_ids[moment.offered]]

    def moment(self, at: datetime, known_at: datetime | None = None) -> Moment:
        """Return what is known at `known_at` (None: at `at`) of the time `at`: trained, on offer."""
        asked = _microseconds(at)
        known = asked if known_at is None else min(asked, _microseconds(known_at))
        if (asked, known) not in self._moments:
            if len(self._moments) >= _KEPT:
                del self._moments[next(iter(self._moments))]
            self._moments[asked, known] = self._made(asked, known)
        return self._moments[asked, known]

    def _made(self, at: int, known: int) -> Moment:
        catalogue = self._catalogue
        version = self._versions(known)
        factors = self._factors(self._cutoff(min(known, int(self._events.at[-1]) + _DAY_US)))
        found = factors.blended(factors.of_metadata(self._read[version]), np.arange(len(version)))
        launch = np.where(version >= 0, catalogue.launch[version], NEVER)
        is_offered = version >= 0
        if self._settings.new_days is not None:
            is_offered &= (launch <= at) & (at - np.minimum(launch, at) < self._settings.new_days * _DAY_US)
        last = np.full(len(factors.member), np.nan)
        return Moment(version, launch, factors, found, np.flatnonzero(is_offered), last)

    def _versions(self, known: int) -> Ints:
        """Return the last version of each title observed until `known`; -1 where there is none."""
        version = np.full(len(self._catalogue.title_ids), -1, dtype=np.int64)
        read = np.arange(int(np.searchsorted(self._catalogue.observed, known, side="right")))
        version[self._catalogue.title[read]] = read
        return version

    def _factors(self, cutoff: int) -> Factors:
        """Train as of a time: on events before it and on metadata known by it, however much is known since."""
        if cutoff not in self._trained:
            if len(self._trained) >= _KEPT:
                del self._trained[next(iter(self._trained))]
            version = self._versions(cutoff)
            read = self._read[np.maximum(version, 0)].multiply((version >= 0)[:, None]).tocsr()
            self._trained[cutoff] = train(self._events, cutoff, read, self._settings)
        return self._trained[cutoff]

    def _cutoff(self, known: int) -> int:
        """Return when it was last trained by a time."""
        every = self._settings.retrain_days * _DAY_US
        first = _microseconds(datetime.combine(self._settings.retrain_from, time(), UTC))
        return first + (known - first) // every * every

    def _members(self, members: Sequence[str]) -> Ints:
        newcomer = len(self._member)
        return np.array([self._member.get(member, newcomer) for member in members], dtype=np.int64)

    def _asked(self, titles: Sequence[AskedTitle], place: Place) -> tuple[Moment, _Asked]:
        moment = self.moment(place.at, place.known_at)
        rows = np.array([self._row.get(title.title_id, -1) for title in titles], dtype=np.int64)
        factors = moment.found[rows] if len(rows) else np.zeros((0, self._settings.factors))
        changed = [number for number, title in enumerate(titles) if title.fields is not None]
        if changed:
            read = self._tokens.read([titles[number].fields or {} for number in changed])
            factors[changed] = moment.factors.blended(moment.factors.of_metadata(read), rows[changed])
        version = np.where(rows >= 0, moment.version[rows], -1)
        launch = np.where(version >= 0, moment.launch[rows], NEVER)
        at = _microseconds(place.at)
        age = np.clip((at - np.minimum(launch, at)) / _DAY_US, 0, None)
        bonus = self._settings.new_bonus * 0.5 ** (age / self._settings.new_bonus_days)
        reasons = tuple(
            self._reason(title, is_known=known >= 0, launch=int(since), age=float(days))
            for title, known, since, days in zip(titles, version, launch, age, strict=True)
        )
        return moment, _Asked(factors, bonus, reasons)

    def _reason(self, title: AskedTitle, *, is_known: bool, launch: int, age: float) -> str:
        if not is_known:
            return "" if title.fields is not None and self._settings.new_days is None else "Not in the catalogue."
        if self._settings.new_days is None:
            return ""
        if launch == NEVER:
            return "No launch is known."
        return "" if age < self._settings.new_days else f"Launched {age:.0f} days ago: no longer new."


def _microseconds(at: datetime) -> int:
    return int(at.timestamp() * 1_000_000)
