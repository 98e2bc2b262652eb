"""Pages of one day and surface: the slots each member sees, by the ranker's scores and noise.

Shadow titles (a faulty title without its fault) are judged against the same page and the same noise, and take no slot.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from recsysops.simulation._ranking import SHOWN_ABOVE, Offer, Ranker
from recsysops.simulation.world import Floats, Ints

MAX_DEPTH: Final = 13
"""Most slots a member sees of a page; the least is 5, the mean 9."""
NOISE_SCALE: Final = 0.9
_STEPS: Final = 8192
"""Score steps per unit: scores are compared as integers that also carry the column, which is several times faster."""
_COLUMN_BITS: Final = 11
_COLUMN_MASK: Final = (1 << _COLUMN_BITS) - 1
_LOWEST: Final = -60.0


@dataclass(frozen=True)
class Visits:
    """Who comes to a surface on a day, one entry per visit."""

    active: Ints
    """Rows of the members, each once."""
    depth: Ints
    """Slots seen of the page."""
    offset: int
    """Where in the noise their pages begin."""


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
    """Fills the pages of one market."""

    def __init__(self, noise: Floats) -> None:
        """Keep `noise`, a long row from which each page takes a part."""
        self._noise = noise

    def make(self, ranker: Ranker, offer: Offer, surface: int, shock: Floats, visits: Visits) -> Pages:
        """Fill one page per visit as `ranker` orders it, with noise; `shock` is what the world makes of each title."""
        by_title, found = ranker.scores_of_titles(offer, shock, surface), ranker.candidates(offer, surface)
        active = visits.active
        wanted = np.asarray(found[:, : offer.n_real].any(axis=0))
        wanted[offer.original] = True
        real = np.flatnonzero(wanted)
        columns = np.concatenate([real, np.arange(offer.n_real, len(offer.rows))])
        scores = ranker.scores(active, offer, columns, by_title, found)
        size = len(active) * len(real)
        noise = self._noise[visits.offset % (len(self._noise) - size) :][:size].reshape(len(active), len(real))
        own = np.searchsorted(real, offer.original)
        scores[:, : len(real)] += noise
        scores[:, len(real) :] += noise[:, own]
        np.maximum(scores, _LOWEST, out=scores)
        steps = (scores * np.float32(_STEPS)).astype(np.int32)
        return _fill(steps, visits.depth, columns, own)


def _fill(steps: np.ndarray, depth: Ints, columns: Ints, own: Ints) -> Pages:
    """Give each visit its best titles in order, and find which shadows would have been among them."""
    n_visits, n_shadows = len(steps), len(own)
    n_real = steps.shape[1] - n_shadows
    keys = (steps[:, :n_real] << _COLUMN_BITS) | np.arange(n_real, dtype=np.int32)
    keys_of_originals = keys[:, own]
    keys.partition(n_real - MAX_DEPTH - 1, axis=1)
    best = np.sort(keys[:, n_real - MAX_DEPTH - 1 :], axis=1)[:, ::-1]
    lowest = int(SHOWN_ABOVE) * _STEPS
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
