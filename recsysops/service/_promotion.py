"""What becomes of a model: pure decisions, each with a named reason that is stored. No store, no clock."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import pandas as pd

from recsysops.columns import COMPARABLE_TITLES, MODEL
from recsysops.domain.model import ModelCard
from recsysops.domain.registry import MoveKind
from recsysops.service._contest import Contest, contest, looks

CLEARLY_WORSE: Final = 1.1
"""A refreshed model may lose so much, on held-back launches and against comparable titles, and still be a refresh."""
NOMINAL: Final = 0.8
_LESS_COVERED: Final = 0.02
_BREACH: Final = 0.1
"""Coverage so far below the nominal one, and half as far below the other model's, takes a promotion back."""
_LAST_LOOK: Final = 4


class Reason(StrEnum):
    """Why, in a word that stands first in what is stored."""

    FIRST_MODEL = "first_model"
    ACTIVE_REFUSED = "active_refused"
    SAME_RECIPE = "same_recipe"
    OTHER_RECIPE = "other_recipe"
    FILES_REFUSED = "files_refused"
    HELD_BACK_WORSE = "held_back_worse"
    RECIPE_RETIRED = "recipe_retired"
    TOO_FEW_LAUNCHES = "too_few_launches"
    BETTER = "better"
    WORSE = "worse"
    NO_DIFFERENCE = "no_difference"
    COVERAGE_WORSE = "coverage_worse"
    MARKET_WORSE = "market_worse"
    COVERAGE_BREACH = "coverage_breach"


@dataclass(frozen=True, kw_only=True)
class Ruling:
    """What is decided; no kind: everything stays as it is."""

    kind: MoveKind | None
    reason: Reason
    said: str

    @property
    def text(self) -> str:
        """The named reason and what was found, as it is stored."""
        return f"{self.reason.value}: {self.said}"


def on_training(
    card: ModelCard, active: ModelCard | None, *, refused: str, active_refused: str, retired: Sequence[str]
) -> Ruling:
    """Decide what a freshly trained model becomes.

    Args:
        card: The new model.
        active: The one that answers; None where none does.
        refused: Why the new one's files cannot be trusted; empty where they can.
        active_refused: The same of the active one.
        retired: Recipes that lost against the active one's before.
    """
    if refused:
        return Ruling(kind=MoveKind.KEPT_OUT, reason=Reason.FILES_REFUSED, said=refused)
    if active is None:
        return Ruling(kind=MoveKind.ACTIVATED, reason=Reason.FIRST_MODEL, said="nothing answered before")
    if active_refused:
        return Ruling(kind=MoveKind.ACTIVATED, reason=Reason.ACTIVE_REFUSED, said=active_refused)
    if card.recipe == active.recipe or not active.recipe:
        return _refresh(card, active)
    if card.recipe in retired:
        said = "settings and features are those of a challenger that lost; `recsysops model activate` overrules this"
        return Ruling(kind=MoveKind.KEPT_OUT, reason=Reason.RECIPE_RETIRED, said=said)
    said = "settings or features differ from the active model's"
    return Ruling(kind=MoveKind.CHALLENGED, reason=Reason.OTHER_RECIPE, said=said)


def on_outcomes(pairs: pd.DataFrame, n: int) -> tuple[Ruling, Contest]:
    """Decide what a challenger becomes, by the launches that it and the active model predicted.

    Args:
        pairs: As `_contest.pair` returns them, the active model first.
        n: Launched titles needed.
    """
    taken = looks(pairs, n)
    if not taken:
        found = contest(pairs)
        said = f"{found.n} launched titles in {found.weeks} weeks (expected {n} in more than 5)"
        return Ruling(kind=None, reason=Reason.TOO_FEW_LAUNCHES, said=said), found
    size, level = taken[-1]
    found = contest(pairs.head(size), level)
    return _ruled(found, len(taken)), found


def breach(found: Contest, n: int) -> Ruling | None:
    """Return the ruling that takes a promotion back; None while the promoted model keeps what it promised.

    Args:
        found: The promoted model first, the one it replaced second.
        n: Launched titles a promotion needs; half of them are enough to take it back.
    """
    if found.n < max(20, n // 2):
        return None
    if found.coverage_first < NOMINAL - _BREACH and found.coverage_second > found.coverage_first + _BREACH / 2:
        said = (
            f"{found.coverage_first:.0%} of {found.n} outcomes fell into the 80 % interval, and "
            f"{found.coverage_second:.0%} into that of the model before"
        )
        return Ruling(kind=MoveKind.RETURNED, reason=Reason.COVERAGE_BREACH, said=said)
    return None


def _refresh(card: ModelCard, active: ModelCard) -> Ruling:
    new, old = card.scores.get(f"{MODEL}_pinball", math.nan), active.scores.get(f"{MODEL}_pinball", math.nan)
    news, olds = (
        each.scores.get(f"{MODEL}_pinball", math.nan) / (each.scores.get(f"{COMPARABLE_TITLES}_pinball") or math.nan)
        for each in (card, active)
    )
    # Launches differ from month to month: beside comparable titles, on the same launches, that falls out.
    if new > CLEARLY_WORSE * old and not news <= CLEARLY_WORSE * olds:
        said = f"pinball loss on held-back launches is {new:.3f} (the active model's: {old:.3f})"
        return Ruling(kind=MoveKind.KEPT_OUT, reason=Reason.HELD_BACK_WORSE, said=said)
    return Ruling(kind=MoveKind.REFRESHED, reason=Reason.SAME_RECIPE, said="trained anew on what is known by now")


def _ruled(found: Contest, n_looks: int) -> Ruling:
    said = (
        f"CRPS {abs(found.gain):.4f} {'lower' if found.gain > 0 else 'higher'} on {found.n} launched titles in "
        f"{found.weeks} weeks (gain {found.low:.4f} to {found.high:.4f})"
    )
    if found.high < 0:
        return Ruling(kind=MoveKind.RETIRED, reason=Reason.WORSE, said=said)
    if not found.low > 0:
        kind = MoveKind.RETIRED if n_looks >= _LAST_LOOK else None
        return Ruling(kind=kind, reason=Reason.NO_DIFFERENCE, said=said)
    if found.coverage_second < min(found.coverage_first, NOMINAL) - _LESS_COVERED:
        covered = f"; but its 80 % interval covers {found.coverage_second:.0%} (before: {found.coverage_first:.0%})"
        return Ruling(kind=None, reason=Reason.COVERAGE_WORSE, said=said + covered)
    if found.worst_market:
        return Ruling(kind=None, reason=Reason.MARKET_WORSE, said=f'{said}; but worse in "{found.worst_market}"')
    return Ruling(kind=MoveKind.PROMOTED, reason=Reason.BETTER, said=said)
