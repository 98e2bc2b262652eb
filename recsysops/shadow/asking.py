"""Asks about launch windows: one session is one run's time, and remembers what titles on offer score."""

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Final, Self

import numpy as np
import pandas as pd

from recsysops.columns import (
    AS_OF,
    CANDIDATE_SHARE,
    ELIGIBLE_SHARE,
    MARGIN_P10,
    MARGIN_P50,
    MARGIN_P90,
    MODEL_VERSION,
    N_MEMBERS,
    RANK_PERCENTILE,
    REACH_ALONE,
    REACH_JOINT,
    REASON,
    SHADOW_SCORE,
    STANDARD_ERROR,
    TITLE_ID,
)
from recsysops.contract.recommender import Ability, AskedTitle, Eligibility, Place
from recsysops.domain.shadow import LaunchWindow, MemberSample
from recsysops.settings import ShadowSettings
from recsysops.shadow._faults import Fault, Unanswered
from recsysops.shadow._injection import Asked, Told, candidate_share, inject
from recsysops.shadow._sorting_out import OF_TITLES, bad_titles
from recsysops.shadow._thresholds import Thresholds, thresholds_of
from recsysops.shadow.guarded import GuardedRecommender

NUMBERS: Final = (
    ELIGIBLE_SHARE, CANDIDATE_SHARE, REACH_JOINT, REACH_ALONE, STANDARD_ERROR, RANK_PERCENTILE, MARGIN_P10, MARGIN_P50,
    MARGIN_P90,
)  # fmt: skip
_REMEMBERED: Final = 8_000_000
"""Scores kept of what is on offer: asking again with changed metadata then asks about the changed titles alone."""


class ShadowSession:
    """Asks one recommender within the time of one run; what it raises is told in rows, never raised on."""

    def __init__(self, guarded: GuardedRecommender, settings: ShadowSettings) -> None:
        """Ask `guarded` as [shadow] says."""
        self._guarded, self._settings = guarded, settings
        self._known: dict[tuple[object, ...], Thresholds] = {}

    @property
    def abilities(self) -> frozenset[str]:
        """What the recommender can answer; nothing where it cannot be asked."""
        return frozenset(self._guarded.abilities)

    @property
    def version(self) -> str:
        """The model that answers; empty where that is not known."""
        return self._guarded.version

    @property
    def reason(self) -> str:
        """Why it cannot be asked at all; empty where it can."""
        return "" if self._guarded.fault is None else self._guarded.fault.reason

    @property
    def is_over(self) -> bool:
        """Whether nothing more will be answered: no time is left, or too much went wrong."""
        return self._guarded.is_over

    def apart(self) -> Self:
        """Return a session out of the same time, with the same memory, whose failures do not count here."""
        other = copy(self)
        other._guarded = self._guarded.apart()  # noqa: SLF001 - of its own kind
        return other

    def ask(self, window: LaunchWindow, sample: MemberSample | None) -> pd.DataFrame:
        """Ask about a window.

        Args:
            window: Its titles, and what is on offer.
            sample: Members of its market and surface; None or without members where none is known to be active.

        Returns:
            SHADOW_SCORE, one row per cell of the window, in its order. Numbers are missing where they cannot be known;
            REASON then says why.
        """
        place = Place(market=window.market, surface=window.surface, at=window.at, known_at=window.known_at)
        titles = [
            AskedTitle(title_id=title, fields=window.fields.get(title), launch_at=window.launches.get(title))
            for title in [*window.cells[TITLE_ID]]
        ] + [AskedTitle(title_id=title) for title in window.rivals]
        asked, said = self._eligible(titles, len(window.cells), place)
        frame = _empty(window, self.version)
        if Ability.ELIGIBILITY in self.abilities and said.fault is None:
            frame[ELIGIBLE_SHARE] = asked.is_eligible[: asked.n].astype(np.float64)
        if sample is None or not sample.members:
            if {Ability.SCORE, Ability.CANDIDATES} & self.abilities:
                said = replace(said, fault=said.fault or _nobody(window))
        elif Ability.SCORE in self.abilities:
            said = self._scored(frame, (window, place), sample, asked, said)
        elif Ability.CANDIDATES in self.abilities:
            n, share, fault = candidate_share(self._guarded, sample, asked, place)
            frame[N_MEMBERS], frame[CANDIDATE_SHARE] = n, share
            said = replace(said, fault=said.fault or fault)
        frame[REASON] = self._reasons(frame, said)
        return frame

    def _eligible(self, titles: Sequence[AskedTitle], n: int, place: Place) -> tuple[Asked, "_Said"]:
        everything = np.ones(len(titles), dtype=np.bool_)
        if Ability.ELIGIBILITY not in self.abilities:
            return Asked(titles, n, everything), _Said(fault=self._guarded.fault)
        found = self._guarded.eligibility(titles, place)
        if isinstance(found, Unanswered):
            return Asked(titles, n, everything), _Said(fault=found)
        is_eligible = np.array([each.is_eligible for each in found], dtype=np.bool_)
        return Asked(titles, n, is_eligible), _Said(excluded=tuple(found[:n]))

    def _scored(
        self, frame: pd.DataFrame, where: tuple[LaunchWindow, Place], sample: MemberSample, asked: Asked, said: "_Said"
    ) -> "_Said":
        """Fill in what follows from scores; titles the recommender chokes on are left out and named."""
        window, place = where
        slots = self._settings.slots
        thresholds = self._thresholds(window, place, sample)
        if isinstance(thresholds, Unanswered):
            return replace(said, fault=said.fault or thresholds)
        told = inject(self._guarded, sample, asked, place, (thresholds, slots))
        bad: dict[str, Unanswered] = {}
        if not told.n_members and told.fault is not None and told.fault.fault in OF_TITLES:
            bad = bad_titles(self._guarded, sample.members, asked.titles, place, told.fault)
            asked, told = self._without(bad, asked, sample, (thresholds, place), told)
        _fill(frame, asked, told, had_eligibility=bool(said.excluded))
        return replace(said, fault=said.fault or told.fault, of_title=bad)

    def _without(
        self,
        bad: dict[str, Unanswered],
        asked: Asked,
        sample: MemberSample,
        known: tuple[Thresholds, Place],
        told: Told,
    ) -> tuple[Asked, Told]:
        is_good = np.array([title.title_id not in bad for title in asked.titles])
        n = int(is_good[: asked.n].sum())
        if not n:
            return asked, told
        good = [title for title, keep in zip(asked.titles, is_good, strict=True) if keep]
        left = Asked(good, n, asked.is_eligible[is_good])
        thresholds, place = known
        return left, inject(self._guarded, sample, left, place, (thresholds, self._settings.slots))

    def _thresholds(self, window: LaunchWindow, place: Place, sample: MemberSample) -> Thresholds | Unanswered:
        key = (place, window.on_offer, window.unscheduled, sample.members)
        if key not in self._known:
            offered = self._offered(window, place)
            if isinstance(offered, Unanswered):
                return offered
            if len(offered) < self._settings.slots:
                return _nothing_else(len(offered), self._settings.slots)
            found = thresholds_of(self._guarded, sample.members, offered, place, self._settings.slots)
            if not found.answered.any() and found.fault is not None and found.fault.fault in OF_TITLES:
                bad = bad_titles(self._guarded, sample.members, offered, place, found.fault)
                offered = [title for title in offered if title.title_id not in bad]
                if len(offered) >= self._settings.slots:
                    found = thresholds_of(self._guarded, sample.members, offered, place, self._settings.slots)
            if not found.answered.any() and found.fault is not None:
                return found.fault
            self._known[key] = found
            while len(self._known) > 1 and sum(each.scores.size for each in self._known.values()) > _REMEMBERED:
                del self._known[next(iter(self._known))]
        return self._known[key]

    def _offered(self, window: LaunchWindow, place: Place) -> list[AskedTitle] | Unanswered:
        titles = [AskedTitle(title_id=title) for title in window.on_offer]
        if Ability.ELIGIBILITY not in self.abilities:
            return titles
        titles += [AskedTitle(title_id=title) for title in window.unscheduled]
        found = self._guarded.eligibility(titles, place)
        if isinstance(found, Unanswered):
            return found
        return [title for title, each in zip(titles, found, strict=True) if each.is_eligible]

    def _reasons(self, frame: pd.DataFrame, said: "_Said") -> list[str | None]:
        """Return why numbers are missing or zero, by row; None where nothing is to be said."""
        excluded = {each.title_id: each.reason for each in said.excluded if not each.is_eligible}
        reasons: list[str | None] = []
        for title in frame[TITLE_ID]:
            if title in said.of_title:
                reasons.append(f"{said.of_title[title].fault}: {said.of_title[title].reason}")
            elif title in excluded:
                reasons.append(f"Not eligible: {excluded[title] or 'no reason given'}.")
            else:
                reasons.append(None if said.fault is None else f"{said.fault.fault}: {said.fault.reason}")
        return reasons


@dataclass(frozen=True)
class _Said:
    """Why something is missing: for all titles of a window, for single ones, or because they are excluded."""

    fault: Unanswered | None = None
    excluded: tuple[Eligibility, ...] = ()
    of_title: Mapping[str, Unanswered] = field(default_factory=dict)


def _empty(window: LaunchWindow, version: str) -> pd.DataFrame:
    frame = window.cells.reset_index(drop=True).copy()
    frame[AS_OF] = pd.Series([window.as_of] * len(frame), dtype="datetime64[us, UTC]")
    frame[N_MEMBERS] = 0
    for name in NUMBERS:
        frame[name] = np.nan
    frame[MODEL_VERSION] = pd.Series([version or None] * len(frame), dtype="str")
    frame[REASON] = pd.Series([None] * len(frame), dtype="str")
    return frame[list(SHADOW_SCORE)]


def _fill(frame: pd.DataFrame, asked: Asked, told: Told, *, had_eligibility: bool) -> None:
    """Write what was told into the rows of the titles asked about."""
    place = {title: row for row, title in enumerate(frame[TITLE_ID])}
    rows = [place[title.title_id] for title in asked.titles[: asked.n]]
    columns = dict(
        zip(NUMBERS[1:6], (told.candidate, told.joint, told.alone, told.standard_error, told.percentile), strict=True)
    )
    columns |= dict(zip(NUMBERS[6:], told.margins, strict=True))
    # Where it could only say that all may be shown, scores still say to whom.
    if told.n_members or not had_eligibility:
        columns[ELIGIBLE_SHARE] = told.eligible
    for name, values in columns.items():
        frame.loc[rows, name] = values
    frame.loc[rows, N_MEMBERS] = told.n_members


def _nobody(window: LaunchWindow) -> Unanswered:
    said = f"No member was active in market {window.market} on surface {window.surface} of late: nobody to ask about."
    return Unanswered(fault=Fault.UNABLE, reason=said)


def _nothing_else(n: int, slots: int) -> Unanswered:
    said = f"Only {n} other titles are known to be on offer there (at least {slots} slots are to be filled)."
    return Unanswered(fault=Fault.UNABLE, reason=said)
