"""What a title must score to be shown to each member: the scores of what is on offer, kept at a few ranks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from recsysops.contract.recommender import Ability, AskedTitle, Place
from recsysops.shadow._faults import Unanswered
from recsysops.shadow.guarded import GuardedRecommender

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

VALUES_AT_ONCE: Final = 8_000_000
"""Scores held at once, whatever the catalogue: 64 MB, and as much again while they are sorted."""
TRIES: Final = 2
"""Where so many calls failed and none before them did not, further members are not tried."""
_LOG_RANKS: Final = 24
"""Ranks kept below the exact ones."""


@dataclass(frozen=True)
class Thresholds:
    """Scores at ranks of what is on offer, by member."""

    ranks: Ints
    """From 1, the first `slots` of them without a gap."""
    scores: Floats
    """Members x ranks, falling; -inf where fewer titles may be shown to a member."""
    n_offered: Ints
    """Titles that may be shown to each member."""
    spread: Floats
    """Standard deviation of each member's scores of them; missing where that is 0 or nothing is known."""
    answered: Bools
    """Members of whom all this is known."""
    fault: Unanswered | None
    """Why some members were not answered."""

    def needed(self, slots: int) -> Floats:
        """Return the score at the last slot by member; -inf where there are fewer titles than slots."""
        return self.scores[:, slots - 1]

    def above(self, scores: Floats, rows: Ints) -> Floats:
        """Say how many titles on offer lie above each score (`rows` x titles): the middle of what is known."""
        middle = (self.ranks + np.append(self.ranks[1:], self.ranks[-1] + 1) - 1) / 2
        step = np.diff(middle, prepend=0.0)
        count = np.zeros(scores.shape, dtype=np.float32)
        for at, more in enumerate(step):
            count += np.float32(more) * (scores < self.scores[rows, at][:, None])
        return np.minimum(count, self.n_offered[rows][:, None]).astype(np.float64)


def rank_grid(n_titles: int, slots: int) -> Ints:
    """Return the ranks kept: every one to `slots`, and below evenly on a logarithmic scale down to the last title."""
    exact = np.arange(1, slots + 1)
    if n_titles <= slots:
        return exact
    below = np.unique(np.rint(np.geomspace(slots + 1, n_titles, _LOG_RANKS)).astype(np.int64))
    return np.concatenate([exact, below])


def thresholds_of(
    guarded: GuardedRecommender, members: Sequence[str], on_offer: Sequence[AskedTitle], place: Place, slots: int
) -> Thresholds:
    """Ask for the scores of what is on offer, some members at a time; those who fail are not answered, others are."""
    n = len(members)
    ranks = rank_grid(len(on_offer), slots)
    scores, spread = np.full((n, len(ranks)), -np.inf), np.full(n, np.nan)
    offered, answered = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.bool_)
    fault: Unanswered | None = None
    failed = 0
    step = max(1, VALUES_AT_ONCE // max(len(on_offer), 1))
    for start in range(0, n, min(step, guarded.members_per_call)):
        rows = slice(start, min(start + min(step, guarded.members_per_call), n))
        found = scores_of(guarded, members[rows], on_offer, place)
        if isinstance(found, Unanswered):
            fault, failed = found, failed + 1
            if failed == TRIES and not answered.any():
                break
            continue
        offered[rows], spread[rows] = _described(found)
        ordered = -np.sort(-found, axis=1)
        have = ranks <= ordered.shape[1]
        scores[rows, : have.sum()] = ordered[:, ranks[have] - 1]
        answered[rows] = True
    return Thresholds(ranks, scores, offered, spread, answered, fault)


def scores_of(
    guarded: GuardedRecommender, members: Sequence[str], titles: Sequence[AskedTitle], place: Place
) -> Floats | Unanswered:
    """Return scores, -inf for titles that are no candidates."""
    found = guarded.score(members, titles, place)
    if isinstance(found, Unanswered) or Ability.CANDIDATES not in guarded.abilities:
        return found
    candidates = guarded.candidates(members, titles, place)
    return candidates if isinstance(candidates, Unanswered) else np.where(candidates, found, -np.inf)


def _described(scores: Floats) -> tuple[Ints, Floats]:
    """Return how many titles may be shown to each member, and the spread of their scores."""
    may = np.isfinite(scores)
    n = may.sum(axis=1)
    some = np.maximum(n, 1)
    mean = np.where(may, scores, 0.0).sum(axis=1) / some
    variance = np.where(may, scores - mean[:, None], 0.0)
    spread = np.sqrt((variance**2).sum(axis=1) / some)
    return n, np.where(spread > 0, spread, np.nan)
