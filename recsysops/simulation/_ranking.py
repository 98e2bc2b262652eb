"""The two stages of the recommender on one market: which titles are candidates, and how each member's page scores them.

Used to serve pages (`_pages`) and to say what would be served (`adapter`). Noise and the world's own mind come on top
when serving.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from recsysops.simulation.members import N_CLUSTERS, N_GROUPS
from recsysops.simulation.recommender import AFFINITY_GAIN, NOT_SHOWN, Readings, group_penalties
from recsysops.simulation.world import Bools, Floats, Ints

SHOWN_ABOVE: Final = 0.8 * NOT_SHOWN
"""A title with a lower score is never shown: it is no candidate, or not allowed for the member."""
_NOT_OLD: Final = 1.0
_OLD_DAYS: Final = 60.0


@dataclass(frozen=True)
class Offer:
    """The titles on offer in a market on a day, shadows last."""

    rows: Ints
    """Rows of the titles in the world."""
    n_real: int
    """How many of them are real titles, not shadows."""
    original: Ints
    """For each shadow, the place of its original in `rows`."""
    age: Floats
    """Days since launch."""
    readings: Readings
    popularity: Floats


@dataclass(frozen=True)
class Weights:
    """What counts how much on a surface, in units of the score."""

    fresh: float
    fresh_days: float
    popularity: float
    bad_artwork: float
    good_artwork: float
    no_trailer: float
    no_evidence: float


WEIGHTS: Final = (
    Weights(
        fresh=1.75, fresh_days=8.0, popularity=1.3, bad_artwork=-1.7, good_artwork=1.2, no_trailer=-0.25,
        no_evidence=-1.6,
    ),
    Weights(
        fresh=1.35, fresh_days=12.0, popularity=1.15, bad_artwork=-0.9, good_artwork=0.6, no_trailer=-0.12,
        no_evidence=-1.8,
    ),
)  # fmt: skip
"""Of home and browse."""


class Ranker:
    """Finds and scores titles for the members of one market, as trained on one day."""

    def __init__(self, known: Floats, group: Ints, market: int, n_candidates: int) -> None:
        """Prepare member features and cluster centres from what is known of the members' tastes."""
        self.cluster = np.asarray(known.argmax(axis=1), dtype=np.int64)
        """Of each member."""
        clusters = np.eye(N_CLUSTERS, dtype=np.float32)[self.cluster]
        groups = np.eye(N_GROUPS, dtype=np.float32)[group]
        self._features = np.hstack([known * np.float32(AFFINITY_GAIN), clusters, groups]).astype(np.float32)
        sizes = np.maximum(clusters.sum(axis=0), 1.0)[:, None]
        self._centres = (clusters.T @ known / sizes * AFFINITY_GAIN).astype(np.float32)
        self._market = market
        self._n_candidates = n_candidates

    def admit(self, known: Floats, group: int) -> None:
        """Take in one more member, as the last one, who moves no cluster."""
        cluster = int(known.argmax())
        own = [known * np.float32(AFFINITY_GAIN), np.eye(N_CLUSTERS)[cluster], np.eye(N_GROUPS)[group]]
        self.cluster = np.append(self.cluster, cluster)
        self._features = np.vstack([self._features, np.concatenate(own)]).astype(np.float32)

    def candidates(self, offer: Offer, surface: int) -> Bools:
        """Return cluster x title on offer: whether the candidate stage finds it by content, plays and freshness."""
        weights = WEIGHTS[surface]
        fresh = _freshness(weights, offer.age)
        general = 0.5 * weights.popularity * offer.popularity + fresh
        found = self._centres @ offer.readings.content.T + general.astype(np.float32)
        found = np.where(offer.readings.in_market[:, self._market], found, np.float32(-np.inf))
        real = found[:, : offer.n_real]
        n = min(self._n_candidates, offer.n_real)
        if n == 0:
            return np.isfinite(found)
        threshold = np.partition(real, offer.n_real - n, axis=1)[:, offer.n_real - n]
        return np.asarray((found >= threshold[:, None]) & np.isfinite(found))

    def scores_of_titles(self, offer: Offer, shock: Floats | float, surface: int) -> Floats:
        """Return the part of the ranking score that is the same for all members, per title on offer."""
        w, r = WEIGHTS[surface], offer.readings
        fresh = _freshness(w, offer.age)
        assets = w.bad_artwork * r.bad_artwork[:, self._market] + w.no_trailer * r.no_trailer
        assets = assets + w.good_artwork * r.good_artwork
        thin = w.no_evidence * (1.0 - r.evidence)
        scores = w.popularity * offer.popularity + fresh + assets + thin + shock
        return np.where(r.in_market[:, self._market], scores, NOT_SHOWN).astype(np.float32)

    def scores(self, members: Ints, offer: Offer, columns: Ints, by_title: Floats, found: Bools) -> Floats:
        """Return member x column: scores of titles on offer on members' pages; not above `SHOWN_ABOVE`: not shown.

        Args:
            members: Rows of the members.
            offer: What is on offer.
            columns: Places in the offer.
            by_title: Of `scores_of_titles`, for all titles on offer.
            found: Of `candidates`.
        """
        penalties = group_penalties(offer.readings.take(columns), self._market) + by_title[columns]
        not_found = np.where(found[:, columns], 0.0, NOT_SHOWN).astype(np.float32)
        titles = np.hstack([offer.readings.content[columns], not_found.T, penalties.T]).astype(np.float32)
        return np.asarray(self._features[members] @ titles.T)


def _freshness(weights: Weights, age: Floats) -> Floats:
    """Return what a title gains by being new: a launch boost that fades in days, and a rest that fades in months."""
    boost = weights.fresh * np.exp(-age / weights.fresh_days)
    return np.asarray(boost + _NOT_OLD * np.exp(-age / _OLD_DAYS), dtype=np.float32)
