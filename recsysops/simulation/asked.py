"""The simulated recommender as it is asked: what it would do with titles, at any time, from what it knew at another.

Candidates and scores are those of the code that serves pages (`_ranking`), without noise and without what the world
makes of a title. A title that has not launched is asked about as on the day of its launch.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt

from recsysops.contract.recommender import Ability, AskedTitle, Eligibility, Place, Scores
from recsysops.errors import RecommenderError
from recsysops.simulation._asked_metadata import read_fields
from recsysops.simulation._popularity import Popularity
from recsysops.simulation._ranking import SHOWN_ABOVE, Offer, Ranker
from recsysops.simulation.catalogue import People
from recsysops.simulation.drift import RETRAIN_DAYS, moved
from recsysops.simulation.recommender import Readings, joined
from recsysops.simulation.state import NOT_YET, MarketState, TitleState
from recsysops.simulation.world import MARKETS, SURFACES, Bools, Ints

_DAY_US: Final = 86_400_000_000
_KEPT: Final = 8
"""Moments whose offers are kept, the latest: a moment is asked about many times in a row."""
_NEVER: Final = 1 << 40
T = TypeVar("T")


@dataclass(frozen=True)
class Moment:
    """One market at a time, as known at a time; arrays: one entry per title, then one for a title nobody knows."""

    day: int
    """The day asked about."""
    known_day: int
    """The last day known."""
    ranker: Ranker
    version: Ints
    """The version of the metadata that is known; -1 where none is."""
    launch_day: Ints
    """The launch day known; `_NEVER` where none is, or it was cancelled"""
    is_known: Bools
    """Whether any launch was announced in the market, a cancelled one too."""
    in_index: Bools
    """Whether the candidate stage has it; a title still to launch is assumed to come in time."""
    live: Ints
    """Rows of the titles on offer."""


@dataclass(frozen=True)
class Asked:
    """Titles asked about at a moment, among those on offer."""

    offer: Offer
    columns: Ints
    """Place of each title asked about in the offer."""
    reasons: tuple[str, ...]
    """Why each may not be shown; empty where it may."""
    in_index: Bools


class SimulatedRecommender:
    """Answers for the recommender of a simulated service. Members it does not know are taken for newcomers."""

    abilities = frozenset(Ability)

    def __init__(self, folder: Path) -> None:
        """Read what it knows from `folder`; raises `RecommenderError` where that cannot be read."""
        self._titles = TitleState.load(folder)
        self._markets = [MarketState.load(folder, m) for m in range(len(MARKETS))]
        self._people = People(self._titles.people, np.zeros(len(self._titles.people), dtype=np.float32))
        self._row = {str(title): row for row, title in enumerate(self._titles.title_id)}
        self._members = [{str(name): row for row, name in enumerate(m.pseudonym)} for m in self._markets]
        self._kept: dict[Hashable, object] = {}

    @property
    def version(self) -> str:
        """The ranker, by the date of its last retraining."""
        state = self._markets[0]
        trained = state.starts[(len(state.drift) - 1) * RETRAIN_DAYS]
        return f"ranker-{datetime.fromtimestamp(int(trained) / 1_000_000, UTC).date().isoformat()}"

    def score(self, members: Sequence[str], titles: Sequence[AskedTitle], place: Place) -> Scores:
        """Return the ranker's scores, shape (n members, n titles); -inf where a title is not shown at all."""
        market, surface = _market(place), _surface(place)
        moment, asked = self._asked(titles, place, market)
        found = self._found(moment, asked, surface)
        by_title = moment.ranker.scores_of_titles(asked.offer, 0.0, surface)
        rows = self._member_rows(members, market)
        scores = moment.ranker.scores(rows, asked.offer, asked.columns, by_title, found).astype(np.float64)
        return np.asarray(np.where(scores > SHOWN_ABOVE, scores, -np.inf))

    def candidates(self, members: Sequence[str], titles: Sequence[AskedTitle], place: Place) -> npt.NDArray[np.bool_]:
        """Return what the candidate stage finds, shape (n members, n titles)."""
        market, surface = _market(place), _surface(place)
        moment, asked = self._asked(titles, place, market)
        found = self._found(moment, asked, surface)[:, asked.columns]
        return np.asarray(found[moment.ranker.cluster[self._member_rows(members, market)]])

    def eligibility(self, titles: Sequence[AskedTitle], place: Place) -> Sequence[Eligibility]:
        """Return whether catalogue and launch plan, as known, allow each title in the market."""
        _surface(place)
        _, asked = self._asked(titles, place, _market(place))
        return [
            Eligibility(title_id=title.title_id, is_eligible=not reason, reason=reason)
            for title, reason in zip(titles, asked.reasons, strict=True)
        ]

    def _member_rows(self, members: Sequence[str], market: int) -> Ints:
        known = self._members[market]
        newcomer = len(known)
        return np.array([known.get(member, newcomer) for member in members], dtype=np.int64)

    def _found(self, moment: Moment, asked: Asked, surface: int) -> Bools:
        """Return cluster x title on offer: what the candidate stage finds, of titles in the index and allowed."""
        found = moment.ranker.candidates(asked.offer, surface)
        allowed = asked.in_index & np.array([not reason for reason in asked.reasons], dtype=np.bool_)
        found[:, asked.columns] &= allowed
        return found

    def _asked(self, titles: Sequence[AskedTitle], place: Place, market: int) -> tuple[Moment, Asked]:
        at, known = _microseconds(place.at), _microseconds(place.known_at or place.at)
        known = min(known, at, int(self._titles.as_of[0]))
        moment = self._keep(("moment", market, at, known), lambda: self._moment(market, at, known))
        kept = self._kept.get("asked")
        key = (market, at, known, tuple(titles))
        # The same titles are asked about for many members in a row, and again for who is a candidate.
        if isinstance(kept, tuple) and kept[0] == key:
            return moment, kept[1]
        asked = self._placed(titles, moment, market)
        self._kept["asked"] = (key, asked)
        return moment, asked

    def _moment(self, market: int, at: int, known: int) -> Moment:
        """Put together what is known of a market at `known` and on offer there at `at`, both in microseconds."""
        state, titles = self._markets[market], self._titles
        known_day = min(_day(state, known), state.last_day)
        if known_day < 0:
            first = datetime.fromtimestamp(int(state.starts[0]) / 1_000_000, UTC)
            raise RecommenderError(
                f"The simulated recommender remembers nothing before {first:%Y-%m-%d %H:%M} UTC. "
                "Ask about a later time."
            )
        day, n = _day(state, at), len(titles.title_id)
        version = np.full(n + 1, -1, dtype=np.int64)
        read = np.arange(int(np.searchsorted(titles.version_at, known, side="right")))
        version[titles.version_row[read]] = read
        launch_day, is_known = self._launches(market, known)
        is_late = (launch_day <= known_day) & ((state.index_day == NOT_YET) | (state.index_day > known_day))
        in_index = np.append(~is_late, True)
        launch_day, is_known = np.append(launch_day, _NEVER), np.append(is_known, False)
        listed = (version >= 0) & titles.readings.in_market[version, market]
        live = np.flatnonzero((launch_day <= day) & listed & in_index)
        ranker = self._keep(("ranker", market, known_day // RETRAIN_DAYS), lambda: _ranker(state, market, known_day))
        return Moment(day, known_day, ranker, version, launch_day, is_known, in_index, live)

    def _launches(self, market: int, known: int) -> tuple[Ints, Bools]:
        """Return the launch day of each title as announced until `known`, and whether there was any announcement."""
        t = self._titles
        heard = np.flatnonzero((t.launch_market == market) & (t.launch_announced_at <= known))
        launch_day = np.full(len(t.title_id), _NEVER, dtype=np.int64)
        launch_day[t.launch_row[heard]] = np.where(t.is_cancelled[heard], _NEVER, t.launch_day[heard])
        is_known = np.zeros(len(t.title_id), dtype=np.bool_)
        is_known[t.launch_row[heard]] = True
        return launch_day, is_known

    def _placed(self, titles: Sequence[AskedTitle], moment: Moment, market: int) -> Asked:
        """Put the titles asked about beside those on offer; one on offer that is asked about as it is stays itself."""
        unknown = len(self._titles.title_id)
        rows = np.array([self._row.get(title.title_id, unknown) for title in titles], dtype=np.int64)
        reread = np.array([title.fields is not None for title in titles], dtype=np.bool_)
        changed = reread | np.array([title.launch_at is not None for title in titles], dtype=np.bool_)
        place = np.full(unknown + 1, -1, dtype=np.int64)
        place[moment.live] = np.arange(len(moment.live))
        is_new = changed | (place[rows] < 0)
        new_place = len(moment.live) + np.cumsum(is_new) - 1
        own = self._titles.readings.take(np.maximum(moment.version[np.append(moment.live, rows[is_new])], 0))
        readings = self._reread(titles, np.flatnonzero(reread), np.flatnonzero(is_new), own)
        on_offer = np.append(moment.live, rows[is_new])
        launch_day = np.append(moment.launch_day[moment.live], self._launch_days(titles, rows, moment, market)[is_new])
        age = np.maximum(moment.day - launch_day, 0).astype(np.float32)
        popularity = self._popularity(market, moment.known_day).of(on_offer, readings)
        nothing = np.zeros(0, dtype=np.int64)
        offer = Offer(on_offer, len(moment.live), nothing, age, readings, popularity)
        columns = np.where(is_new, new_place, place[rows])
        listed = readings.in_market[columns, market]
        reasons = tuple(
            _reason(moment, int(row), title, MARKETS[market].code if lists else None)
            for row, title, lists in zip(rows, titles, listed, strict=True)
        )
        return Asked(offer, columns, reasons, moment.in_index[rows])

    def _launch_days(self, titles: Sequence[AskedTitle], rows: Ints, moment: Moment, market: int) -> Ints:
        """Return the day each title launches on: as it is given, else as it is known."""
        state = self._markets[market]
        given = [_NEVER if t.launch_at is None else _day(state, _microseconds(t.launch_at)) for t in titles]
        days = np.array(given, dtype=np.int64)
        return np.asarray(np.where(days == _NEVER, moment.launch_day[rows], days))

    def _reread(self, titles: Sequence[AskedTitle], changed: Ints, new: Ints, own: Readings) -> Readings:
        """Return `own` with the titles in `changed` read anew; the titles in `new` come last in it."""
        if not len(changed):
            return own
        read = read_fields([titles[k].fields or {} for k in changed], self._people)
        n_live = len(own.evidence) - len(new)
        places = np.arange(len(own.evidence))
        places[n_live + np.searchsorted(new, changed)] = len(own.evidence) + np.arange(len(changed))
        return joined(own, read).take(places)

    def _popularity(self, market: int, day: int) -> Popularity:
        by_day = self._keep(("plays", market), self._markets[market].popularity)
        return by_day.on(day)

    def _keep(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return what was made for `key`, made now if it was not or is no longer kept."""
        found = self._kept.pop(key, None)
        made: T = make() if found is None else found  # type: ignore[assignment]
        self._kept[key] = made
        stale = [other for other in self._kept if other != "asked"][:-_KEPT]
        for other in stale:
            del self._kept[other]
        return made


def _ranker(state: MarketState, market: int, known_day: int) -> Ranker:
    """Return the ranker as trained last, with one more member: a newcomer, of mean taste and the commonest group."""
    known = moved(state.known, state.drift[known_day // RETRAIN_DAYS])
    usual = np.bincount(state.group).argmax()
    ranker = Ranker(known, state.group, market, int(state.n_candidates[0]))
    ranker.admit(known.mean(axis=0), int(usual))
    return ranker


def _reason(moment: Moment, row: int, title: AskedTitle, market: str | None) -> str:
    """Return why a title may not be shown, empty where it may; `market` is missing where its metadata lack it."""
    if title.fields is None and moment.version[row] < 0:
        return "The catalogue has no metadata of it"
    if market is None:
        return "The catalogue does not list the market among those it is available in"
    if title.launch_at is not None:
        return ""
    is_catalogued = moment.version[row] >= 0
    if moment.launch_day[row] == _NEVER and moment.is_known[row]:
        return f"Its launch in {market} was cancelled"
    if moment.launch_day[row] == _NEVER and is_catalogued:
        return f"No launch of it is planned in {market}"
    return ""


def _day(state: MarketState, at: int) -> int:
    """Return the day of the service a time falls on; -1 before the first, counted on after the last."""
    day = int(np.searchsorted(state.starts, at, side="right")) - 1
    last = len(state.starts) - 1
    return day if day < last else last + int((at - state.starts[last]) // _DAY_US)


def _microseconds(at: datetime) -> int:
    return int(at.timestamp() * 1_000_000)


def _market(place: Place) -> int:
    codes = [market.code for market in MARKETS]
    if place.market not in codes:
        raise RecommenderError(
            f'The simulated recommender serves no market "{place.market}" (it serves: {", ".join(codes)}). '
            "Ask about one of these."
        )
    return codes.index(place.market)


def _surface(place: Place) -> int:
    if place.surface not in SURFACES:
        raise RecommenderError(
            f'The simulated recommender serves no surface "{place.surface}" (it serves: {", ".join(SURFACES)}). '
            "Ask about one of these."
        )
    return SURFACES.index(place.surface)
