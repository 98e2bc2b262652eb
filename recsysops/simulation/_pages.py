"""Pages of one day and surface: candidates per cluster, scores per member, the slots each member sees.

Shadow titles (a faulty title without its fault) are judged against the same page and the same noise, and take no slot.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from recsysops.simulation.members import N_CLUSTERS, Members
from recsysops.simulation.recommender import AFFINITY_GAIN, NOT_SHOWN, Readings, group_penalties
from recsysops.simulation.world import Floats, Ints

MAX_DEPTH: Final = 13
"""Most slots a member sees of a page; the least is 5, the mean 9."""
NOISE_SCALE: Final = 0.9
_NOT_OLD: Final = 1.0
_OLD_DAYS: Final = 60.0
_STEPS: Final = 8192
"""Score steps per unit: scores are compared as integers that also carry the column, which is several times faster."""
_COLUMN_BITS: Final = 11
_COLUMN_MASK: Final = (1 << _COLUMN_BITS) - 1
_LOWEST: Final = -60.0


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
    no_trailer: float
    no_evidence: float


WEIGHTS: Final = (
    Weights(fresh=1.75, fresh_days=8.0, popularity=1.3, bad_artwork=-1.7, no_trailer=-0.25, no_evidence=-1.6),
    Weights(fresh=1.35, fresh_days=12.0, popularity=1.15, bad_artwork=-0.9, no_trailer=-0.12, no_evidence=-1.8),
)
"""Of home and browse."""


@dataclass(frozen=True)
class Pages:
    """Who is shown what: one entry per slot seen, members as indices of the visits, titles as places in the offer."""

    visit: Ints
    position: Ints
    title: Ints
    shadow_visit: Ints
    shadow_position: Ints
    shadow_title: Ints


class PageMaker:
    """Ranks the pages of one market; keeps what does not change from day to day."""

    def __init__(self, members: Members, market: int, n_candidates: int, noise: Floats) -> None:
        """Prepare member features and cluster centres; `noise` is a long row from which each page takes a part."""
        clusters = np.eye(N_CLUSTERS, dtype=np.float32)[members.cluster]
        groups = np.eye(16, dtype=np.float32)[members.group]
        self._features = np.hstack([members.known * np.float32(AFFINITY_GAIN), clusters, groups]).astype(np.float32)
        sizes = np.maximum(clusters.sum(axis=0), 1.0)[:, None]
        self._centres = (clusters.T @ members.known / sizes * AFFINITY_GAIN).astype(np.float32)
        self._market = market
        self._n_candidates = n_candidates
        self._noise = noise

    def candidates(self, offer: Offer, surface: int) -> np.ndarray:
        """Return cluster x title on offer: whether the candidate stage finds it by content, plays and freshness."""
        weights = WEIGHTS[surface]
        fresh = _freshness(weights, offer.age)
        general = 0.5 * weights.popularity * offer.popularity + fresh
        found = self._centres @ offer.readings.content.T + general.astype(np.float32)
        found = np.where(offer.readings.in_market[:, self._market], found, np.float32(-np.inf))
        real = found[:, : offer.n_real]
        n = min(self._n_candidates, offer.n_real)
        threshold = np.partition(real, offer.n_real - n, axis=1)[:, offer.n_real - n]
        return np.asarray(found >= threshold[:, None])

    def scores_of_titles(self, offer: Offer, shock: Floats, surface: int) -> Floats:
        """Return the part of the ranking score that is the same for all members, per title on offer."""
        w, r = WEIGHTS[surface], offer.readings
        fresh = _freshness(w, offer.age)
        assets = w.bad_artwork * r.bad_artwork[:, self._market] + w.no_trailer * r.no_trailer
        thin = w.no_evidence * (1.0 - r.evidence)
        return np.asarray(w.popularity * offer.popularity + fresh + assets + thin + shock, dtype=np.float32)

    def make(self, active: Ints, depth: Ints, offer: Offer, by_title: Floats, found: np.ndarray, offset: int) -> Pages:
        """Fill one page per active member, `depth` slots of which are seen."""
        wanted = np.asarray(found[:, : offer.n_real].any(axis=0))
        wanted[offer.original] = True
        real = np.flatnonzero(wanted)
        columns = np.concatenate([real, np.arange(offer.n_real, len(offer.rows))])
        penalties = group_penalties(offer.readings.take(columns), self._market) + by_title[columns]
        not_found = np.where(found[:, columns], 0.0, NOT_SHOWN).astype(np.float32)
        titles = np.hstack([offer.readings.content[columns], not_found.T, penalties.T]).astype(np.float32)
        scores = self._features[active] @ titles.T
        size = len(active) * len(real)
        noise = self._noise[offset % (len(self._noise) - size) :][:size].reshape(len(active), len(real))
        own = np.searchsorted(real, offer.original)
        scores[:, : len(real)] += noise
        scores[:, len(real) :] += noise[:, own]
        np.maximum(scores, _LOWEST, out=scores)
        steps = (scores * np.float32(_STEPS)).astype(np.int32)
        return _fill(steps, depth, columns, own)


def _freshness(weights: Weights, age: Floats) -> Floats:
    """Return what a title gains by being new: a launch boost that fades in days, and a rest that fades in months."""
    boost = weights.fresh * np.exp(-age / weights.fresh_days)
    return np.asarray(boost + _NOT_OLD * np.exp(-age / _OLD_DAYS), dtype=np.float32)


def _fill(steps: np.ndarray, depth: Ints, columns: Ints, own: Ints) -> Pages:
    """Give each visit its best titles in order, and find which shadows would have been among them."""
    n_visits, n_shadows = len(steps), len(own)
    n_real = steps.shape[1] - n_shadows
    keys = (steps[:, :n_real] << _COLUMN_BITS) | np.arange(n_real, dtype=np.int32)
    keys_of_originals = keys[:, own]
    keys.partition(n_real - MAX_DEPTH - 1, axis=1)
    best = np.sort(keys[:, n_real - MAX_DEPTH - 1 :], axis=1)[:, ::-1]
    lowest = int(0.8 * NOT_SHOWN) * _STEPS
    seen = (np.arange(MAX_DEPTH + 1) < depth[:, None]) & ((best >> _COLUMN_BITS) > lowest)
    visit, position = np.nonzero(seen)
    title = columns[best[visit, position] & _COLUMN_MASK]
    every = np.arange(n_visits)
    last, after = best[every, depth - 1], best[every, depth]
    limit = np.where(keys_of_originals >= last[:, None], after[:, None], last[:, None]) >> _COLUMN_BITS
    shadows = steps[:, n_real:]
    shadow_visit, shadow = np.nonzero((shadows > limit) & (shadows > lowest))
    ahead = (best[shadow_visit] >> _COLUMN_BITS) > shadows[shadow_visit, shadow][:, None]
    place = np.minimum(ahead.sum(axis=1), depth[shadow_visit] - 1)
    return Pages(visit, position, title, shadow_visit, place, columns[n_real + shadow])
