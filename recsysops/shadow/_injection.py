"""Puts the titles of a launch window among what is on offer, alone and together, and counts whom they would reach."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from recsysops.contract.recommender import Ability, AskedTitle, Place
from recsysops.domain.shadow import MemberSample
from recsysops.shadow._estimate import Floats, Weights, weighted_quantiles
from recsysops.shadow._faults import Unanswered
from recsysops.shadow._thresholds import TRIES, VALUES_AT_ONCE, Bools, Ints, Thresholds
from recsysops.shadow.guarded import GuardedRecommender

MARGINS: Final = (0.1, 0.5, 0.9)
_MAX_MARGINS: Final = 50_000_000
"""Margins kept for their quantiles; of more, those of every second, third, ... member: they come in random order."""


@dataclass(frozen=True)
class Asked:
    """The titles of a window: those asked about first, then their rivals."""

    titles: Sequence[AskedTitle]
    n: int
    """How many are asked about."""
    is_eligible: Bools
    """By title; true where nobody could say."""


@dataclass(frozen=True)
class Told:
    """What the recommender would do, by title asked about; shares in [0, 1], missing where it is not known."""

    n_members: int
    eligible: Floats
    candidate: Floats
    joint: Floats
    alone: Floats
    standard_error: Floats
    percentile: Floats
    margins: Floats
    """Quantiles MARGINS x titles."""
    fault: Unanswered | None
    """Why some members were not answered."""

    @classmethod
    def nothing(cls, n: int, fault: Unanswered | None) -> "Told":
        """Return what is known of `n` titles where nobody was answered."""
        missing = np.full(n, np.nan)
        return cls(0, missing, missing, missing, missing, missing, missing, np.full((len(MARGINS), n), np.nan), fault)


def inject(
    guarded: GuardedRecommender, sample: MemberSample, asked: Asked, place: Place, known: tuple[Thresholds, int]
) -> Told:
    """Ask about a window and compare with the thresholds, some members at a time.

    Args:
        guarded: Who is asked.
        sample: Members.
        asked: The window's titles.
        place: Where and when.
        known: Thresholds of what is on offer, and the slots.
    """
    thresholds, slots = known
    open_rows = np.flatnonzero(thresholds.answered)
    step = min(guarded.members_per_call, max(1, VALUES_AT_ONCE // (len(asked.titles) + slots)))
    stride = max(1, -(-len(open_rows) * asked.n // _MAX_MARGINS))
    everybody = Weights.of(sample, thresholds.answered)
    sums: dict[str, Floats] = {}
    margins: list[Floats] = []
    done: list[Ints] = []
    fault, failed = thresholds.fault, 0
    for start in range(0, len(open_rows), step):
        rows = open_rows[start : start + step]
        found = _asked_scores(guarded, [sample.members[row] for row in rows], asked, place)
        if isinstance(found, Unanswered):
            fault, failed = found, failed + 1
            if failed == TRIES and not done:
                break
            continue
        done.append(rows)
        values = _compared(found, thresholds, rows, slots, asked.n)
        margins.append(values.pop("margin")[::stride].astype(np.float32))
        for name, each in values.items():
            sums[name] = sums.get(name, 0.0) + everybody.sums(each, rows)
    if not done:
        return Told.nothing(asked.n, fault)
    answered = np.zeros(len(sample.members), dtype=np.bool_)
    answered[np.concatenate(done)] = True
    weights = Weights.of(sample, answered)
    kept = np.concatenate([weights.member[rows][::stride] for rows in done])
    return _told(sums, weights, (np.concatenate(margins), kept), int(answered.sum()), fault)


def candidate_share(
    guarded: GuardedRecommender, sample: MemberSample, asked: Asked, place: Place
) -> tuple[int, Floats, Unanswered | None]:
    """Ask a recommender without scores: number of members answered, share for whom each title is a candidate, fault."""
    n, step = len(sample.members), guarded.members_per_call
    answered, fault = np.zeros(n, dtype=np.bool_), None
    sums = np.zeros((len(sample.shares), asked.n))
    everybody = Weights.of(sample, ~answered)
    for start in range(0, n, step):
        rows = np.arange(start, min(start + step, n))
        found = guarded.candidates([sample.members[row] for row in rows], asked.titles[: asked.n], place)
        if isinstance(found, Unanswered):
            fault = found
            continue
        answered[rows] = True
        sums += everybody.sums((found & asked.is_eligible[: asked.n]).astype(np.float64), rows)
    if not answered.any():
        return 0, np.full(asked.n, np.nan), fault
    return int(answered.sum()), Weights.of(sample, answered).mean(sums), fault


@dataclass(frozen=True)
class _Found:
    """Scores of a window's titles, and for whom they are candidates (None where nobody could say)."""

    scores: Floats
    candidates: Bools | None


def _asked_scores(
    guarded: GuardedRecommender, members: Sequence[str], asked: Asked, place: Place
) -> _Found | Unanswered:
    scores = guarded.score(members, asked.titles, place)
    if isinstance(scores, Unanswered):
        return scores
    scores = np.where(asked.is_eligible, scores, -np.inf)
    if Ability.CANDIDATES not in guarded.abilities:
        return _Found(scores, None)
    candidates = guarded.candidates(members, asked.titles, place)
    return candidates if isinstance(candidates, Unanswered) else _Found(scores, candidates)


def _compared(found: _Found, thresholds: Thresholds, rows: Ints, slots: int, n: int) -> dict[str, Floats]:
    """Return for members x titles: eligible, candidate, shown alone, shown jointly, rank percentile, margin.

    A title that ties with the last slot is shown to half of such members.
    """
    scores = found.scores[:, :n]
    eligible = np.isfinite(scores)
    competing = found.scores if found.candidates is None else np.where(found.candidates, found.scores, -np.inf)
    own = competing[:, :n]
    may = np.isfinite(own)
    needed = thresholds.needed(slots)[rows][:, None]
    last, next_ = _joint_needed(np.concatenate([thresholds.scores[rows, :slots], competing], axis=1), slots)
    offered = thresholds.n_offered[rows][:, None]
    # A score that may not be shown, against a slot nobody takes: -inf less -inf.
    with np.errstate(invalid="ignore"):
        margin = (scores - needed) / thresholds.spread[rows][:, None]
    values = {
        "eligible": eligible,
        "alone": may * ((own > needed) * 0.5 + (own >= needed) * 0.5),
        "joint": may * ((own > next_) * 0.5 + (own >= last) * 0.5),
        "percentile": np.where(eligible, 1 - (thresholds.above(scores, rows) + 1) / (offered + 1), 0.0),
        "margin": np.where(np.isfinite(margin), margin, np.nan),
    }
    if found.candidates is not None:
        values["candidate"] = eligible & found.candidates[:, :n]
    return {name: each.astype(np.float64) for name, each in values.items()}


def _joint_needed(scores: Floats, slots: int) -> tuple[Floats, Floats]:
    """Return the scores at the last slot and at the place after it, each as a column."""
    ordered = np.partition(-scores, (slots - 1, slots), axis=1)
    return -ordered[:, slots - 1, None], -ordered[:, slots, None]


def _told(
    sums: dict[str, Floats], weights: Weights, margins: tuple[Floats, Floats], n: int, fault: Unanswered | None
) -> Told:
    mean = {name: weights.mean(each) for name, each in sums.items()}
    eligible = mean["eligible"]
    missing = np.full(len(eligible), np.nan)
    candidate = mean.get("candidate", missing)
    return Told(
        n_members=n,
        eligible=eligible,
        candidate=np.divide(candidate, eligible, out=missing.copy(), where=eligible > 0),
        joint=mean["joint"],
        alone=mean["alone"],
        standard_error=weights.standard_error(sums["joint"]),
        percentile=np.divide(mean["percentile"], eligible, out=missing.copy(), where=eligible > 0),
        margins=weighted_quantiles(*margins, MARGINS),
        fault=fault,
    )
