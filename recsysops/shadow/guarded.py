"""Asks any recommender within limits: cut into calls, timed, checked. Every fault becomes a named reason."""

import math
from collections.abc import Iterator, Sequence
from copy import copy
from functools import partial
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from recsysops.contract.recommender import Ability, AskedTitle, Eligibility, Place, Recommender, Scores
from recsysops.domain.text import plain
from recsysops.settings import ShadowSettings
from recsysops.shadow._calls import Calls
from recsysops.shadow._faults import Fault, Unanswered

__all__ = ["Bools", "Fault", "GuardedRecommender", "Unanswered"]

Bools = npt.NDArray[np.bool_]
_REASON: Final = 200
"""Characters of the recommender's own words that are kept."""


class GuardedRecommender:
    """A recommender that never raises, never hangs for long and never answers in a wrong shape."""

    def __init__(
        self, recommender: Recommender | Unanswered, settings: ShadowSettings, calls: Calls | None = None
    ) -> None:
        """Ask `recommender` within the limits of [shadow].

        Args:
            recommender: Who is asked, or why nobody can be.
            settings: The limits.
            calls: Counts time that was used up before, too.
        """
        self._settings = settings
        self._calls = calls or Calls(settings.timeout_seconds, settings.total_seconds)
        if isinstance(recommender, Unanswered):
            known: tuple[frozenset[Ability], str] | Unanswered = recommender
        else:
            self._recommender = recommender
            known = self._calls.make(lambda: _about(recommender))
        self.fault = known if isinstance(known, Unanswered) else None
        """Why it cannot be asked at all; None where it can."""
        abilities, version = (frozenset[Ability](), "") if isinstance(known, Unanswered) else known
        self.abilities = abilities
        """What it can answer; nothing where it cannot be asked."""
        self.version = version
        """The model that answers; empty where that is not known."""

    def apart(self) -> "GuardedRecommender":
        """Return the same recommender within the same time, whose failures do not count here."""
        other = copy(self)
        other._calls = self._calls.apart()  # noqa: SLF001 - of its own kind
        return other

    @property
    def is_over(self) -> bool:
        """Whether nothing more will be answered."""
        return self.fault is not None or self._calls.is_over

    @property
    def members_per_call(self) -> int:
        """Members in one call."""
        return self._settings.members_per_call

    def score(self, members: Sequence[str], titles: Sequence[AskedTitle], place: Place) -> Scores | Unanswered:
        """Return scores, shape (n members, n titles), finite or -inf; see `Recommender.score`."""
        found: Scores | Unanswered = self._matrix(Ability.SCORE, members, titles, place)
        return found

    def candidates(self, members: Sequence[str], titles: Sequence[AskedTitle], place: Place) -> Bools | Unanswered:
        """Return who is a candidate for whom, shape (n members, n titles); see `Recommender.candidates`."""
        found: Bools | Unanswered = self._matrix(Ability.CANDIDATES, members, titles, place)
        return found

    def eligibility(self, titles: Sequence[AskedTitle], place: Place) -> list[Eligibility] | Unanswered:
        """Return for each title whether it may be shown at the place, in the order asked."""
        refused = self._unable(Ability.ELIGIBILITY, titles, place)
        if refused is not None:
            return refused
        found: list[Eligibility] = []
        for start in range(0, len(titles), self._settings.titles_per_call):
            part = titles[start : start + self._settings.titles_per_call]
            answer = self._calls.make(partial(self._listed, part, place))
            if isinstance(answer, Unanswered):
                return answer
            found += answer
        return found

    def _matrix(self, ability: Ability, members: Sequence[str], titles: Sequence[AskedTitle], place: Place) -> Any:  # noqa: ANN401 - scores or flags
        refused = self._unable(ability, titles, place)
        if refused is not None:
            return refused
        whole: Any = np.empty((len(members), len(titles)), dtype="float64" if ability is Ability.SCORE else "bool")
        for rows, columns in self._pieces(len(members), len(titles)):
            answer = self._calls.make(partial(self._checked, ability, members[rows], titles[columns], place))
            if isinstance(answer, Unanswered):
                return answer
            whole[rows, columns] = answer
        return whole

    def _checked(self, ability: Ability, members: Sequence[str], titles: Sequence[AskedTitle], place: Place) -> Any:  # noqa: ANN401 - scores or flags
        shape = len(members), len(titles)
        if ability is Ability.SCORE:
            return checked_scores(self._recommender.score(members, titles, place), shape)
        return checked_flags(self._recommender.candidates(members, titles, place), shape)

    def _listed(self, titles: Sequence[AskedTitle], place: Place) -> list[Eligibility] | Unanswered:
        return _eligibilities(self._recommender.eligibility(titles, place), titles)

    def _pieces(self, n_members: int, n_titles: int) -> Iterator[tuple[slice, slice]]:
        members, titles = self._settings.members_per_call, self._settings.titles_per_call
        for row in range(0, n_members, members):
            for column in range(0, n_titles, titles):
                yield slice(row, min(row + members, n_members)), slice(column, min(column + titles, n_titles))

    def _unable(self, ability: Ability, titles: Sequence[AskedTitle], place: Place) -> Unanswered | None:
        if self.fault is not None:
            return self.fault
        needed = {ability}
        if any(title.fields is not None or title.launch_at is not None for title in titles):
            needed.add(Ability.CHANGED_METADATA)
        if place.known_at is not None:
            needed.add(Ability.PAST)
        lacking = sorted(needed - self.abilities)
        if not lacking:
            return None
        return Unanswered(fault=Fault.UNABLE, reason=f"It does not have the ability {lacking[0]}.")


def checked_scores(answer: object, shape: tuple[int, int]) -> Scores | Unanswered:
    """Return an answer as scores, or what is wrong with it."""
    found = np.asarray(answer)
    if found.dtype.kind not in "fiu":
        return Unanswered(fault=Fault.WRONG_TYPE, reason=f"Scores are {found.dtype} (numbers are expected).")
    if found.shape != shape:
        return _misshaped(found.shape, shape)
    scores = found.astype(np.float64)  # a copy: what an adapter hands out it may change later
    odd = np.isnan(scores) | (scores == math.inf)
    if odd.any():
        said = f"{int(odd.sum())} of {odd.size} scores are NaN or +inf (finite numbers or -inf are expected)."
        return Unanswered(fault=Fault.NOT_A_NUMBER, reason=said)
    return scores


def checked_flags(answer: object, shape: tuple[int, int]) -> Bools | Unanswered:
    """Return an answer as flags, or what is wrong with it."""
    found = np.asarray(answer)
    if found.dtype.kind != "b":
        said = f"Candidates are {found.dtype} (true or false is expected)."
        return Unanswered(fault=Fault.WRONG_TYPE, reason=said)
    return found.copy() if found.shape == shape else _misshaped(found.shape, shape)


def _misshaped(found: tuple[int, ...], shape: tuple[int, int]) -> Unanswered:
    said = f"The answer has the shape {found} ({shape}, members by titles, is expected)."
    return Unanswered(fault=Fault.WRONG_SHAPE, reason=said)


def _eligibilities(answer: object, asked: Sequence[AskedTitle]) -> list[Eligibility] | Unanswered:
    found = list(answer) if isinstance(answer, list | tuple) else None
    if found is None or not all(isinstance(entry, Eligibility) for entry in found):
        return Unanswered(fault=Fault.BAD_LIST, reason="The answer is no list of Eligibility.")
    if [entry.title_id for entry in found] != [title.title_id for title in asked]:
        said = f"The list is not of the {len(asked)} titles asked about, in their order (it has {len(found)})."
        return Unanswered(fault=Fault.BAD_LIST, reason=said)
    return [
        Eligibility(title_id=each.title_id, is_eligible=bool(each.is_eligible), reason=plain(str(each.reason), _REASON))
        for each in found
    ]


def _about(recommender: Recommender) -> tuple[frozenset[Ability], str] | Unanswered:
    abilities = frozenset(Ability(ability) for ability in recommender.abilities)
    return abilities, plain(str(recommender.version), _REASON)
