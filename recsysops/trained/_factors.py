"""Trains the factors: alternating least squares on events, and a ridge regression from metadata to titles' factors."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import linalg, sparse

from recsysops.trained._tables import Events, Ints
from recsysops.trained.adapter import TrainedSettings

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Factors:
    """What a training learned."""

    member: Floats
    """(n members + 1) x factors; the last row is a newcomer's: the mean."""
    title: Floats
    """Titles x factors, of titles with events; zero elsewhere."""
    weight: Floats
    """Of each title, how much its own factors count against those of its metadata, in [0, 1)."""
    mean: Floats
    """Factors of a title of which nothing is known."""
    of_token: Floats
    """Tokens x factors."""

    def of_metadata(self, read: sparse.csr_matrix) -> Floats:
        """Return the factors that metadata give, titles x factors: all there is for a title nobody has met."""
        return np.asarray(self.mean + read @ self.of_token, dtype=np.float64)

    def blended(self, of_metadata: Floats, rows: Ints) -> Floats:
        """Return factors of titles (-1: of a title that is not in the catalogue), their own mixed in as they have any.

        Args:
            of_metadata: What their metadata give, titles x factors.
            rows: Row of each title.
        """
        known = rows >= 0
        weight = np.where(known, self.weight[rows], 0.0)[:, None]
        return np.asarray((1 - weight) * of_metadata + weight * self.title[rows], dtype=np.float64)


def train(events: Events, until: int, read: sparse.csr_matrix, settings: TrainedSettings) -> Factors:
    """Train on what happened before `until`.

    Args:
        events: All events.
        until: Microseconds since 1970.
        read: Titles x tokens as known at `until`; a title whose metadata are not known then has no tokens.
        settings: How.
    """
    seen = slice(0, int(np.searchsorted(events.at, until, side="left")))
    title = events.title[seen]
    shape = (len(events.members), read.shape[0])
    n_events = np.bincount(title, minlength=shape[1]).astype(np.float64)
    rank = settings.factors
    if not len(title):
        zeros = np.zeros((shape[1], rank))
        return Factors(np.zeros((shape[0] + 1, rank)), zeros, n_events, np.zeros(rank), np.zeros((read.shape[1], rank)))
    members, titles = _factorised(events.member[seen], title, shape, settings)
    weight = n_events / (n_events + settings.warm_events)
    mean, of_token = _mapped(read, titles, weight, settings)
    is_known = np.bincount(events.member[seen], minlength=shape[0]) > 0
    newcomer = members[is_known].mean(axis=0)
    members[~is_known] = newcomer
    return Factors(np.vstack([members, newcomer]), titles, weight, mean, of_token)


def _factorised(member: Ints, title: Ints, shape: tuple[int, int], settings: TrainedSettings) -> tuple[Floats, Floats]:
    """Return the factors of members and titles; those without events are zero."""
    from implicit.als import AlternatingLeastSquares
    from threadpoolctl import threadpool_limits

    met = sparse.csr_matrix((np.ones(len(member), dtype=np.float32), (member, title)), shape=shape)
    # Coming back to a title counts once: what is learned is who meets what, not how often.
    met.data[:] = settings.confidence
    # One thread of each kind: more change the last digits from run to run, and the library warns of two at once.
    with threadpool_limits(limits=1):
        model = AlternatingLeastSquares(
            factors=settings.factors, regularization=settings.regularization, iterations=settings.iterations,
            use_gpu=False, num_threads=1, random_state=settings.seed,
        )  # fmt: skip
        model.fit(met, show_progress=False)
    members, titles = model.user_factors.astype(np.float64), model.item_factors.astype(np.float64)
    titles[np.bincount(title, minlength=shape[1]) == 0] = 0.0
    return members, titles


def _mapped(
    read: sparse.csr_matrix, titles: Floats, weight: Floats, settings: TrainedSettings
) -> tuple[Floats, Floats]:
    """Return the mean factors and each token's addition: weighted ridge regression over the titles with events."""
    taught = np.flatnonzero(weight > 0)
    share = weight[taught] / weight[taught].sum()
    mean = share @ titles[taught]
    rows = read[taught]
    count = np.asarray((rows > 0).sum(axis=0)).ravel()
    common = np.argsort(-count, kind="stable")[: settings.max_tokens]
    common = common[count[common] > 1]
    of_token = np.zeros((read.shape[1], titles.shape[1]))
    if len(common):
        scaled = sparse.diags(np.sqrt(weight[taught])) @ rows[:, common]
        goal = np.sqrt(weight[taught])[:, None] * (titles[taught] - mean)
        gram = (scaled.T @ scaled).toarray()
        gram[np.diag_indices_from(gram)] += settings.map_penalty
        of_token[common] = linalg.solve(gram, scaled.T @ goal, assume_a="pos")
    return np.asarray(mean, dtype=np.float64), of_token
