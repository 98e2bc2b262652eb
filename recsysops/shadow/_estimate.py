"""Stratified estimates over sampled members, and how far sampling alone may have moved them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from recsysops.domain.shadow import MemberSample

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Weights:
    """How much each answered member counts. Strata without an answered member are left out of the whole."""

    member: Floats
    """Sums to 1; 0 for members who were not answered."""
    share: Floats
    """Of each stratum, 0 where nobody answered; sums to 1."""
    n: Floats
    """Answered members of each stratum."""
    size: Floats
    """Members there are of each stratum."""
    stratum: npt.NDArray[np.int64]

    @classmethod
    def of(cls, sample: MemberSample, answered: npt.NDArray[np.bool_]) -> "Weights":
        """Weigh the members who were answered."""
        n = np.bincount(sample.stratum[answered], minlength=len(sample.shares)).astype(np.float64)
        share = np.where(n > 0, sample.shares, 0.0)
        share = share / share.sum() if share.sum() > 0 else share
        each = np.divide(share, n, out=np.zeros_like(share), where=n > 0)
        return cls(
            np.where(answered, each[sample.stratum], 0.0), share, n, sample.sizes.astype(np.float64), sample.stratum
        )

    def sums(self, values: Floats, rows: npt.NDArray[np.int64]) -> Floats:
        """Return the sum of `values` (members x titles) of some members by stratum: strata x titles."""
        belongs = np.arange(len(self.share))[:, None] == self.stratum[rows]
        return np.asarray(belongs.astype(np.float64) @ values, dtype=np.float64)

    def mean(self, sums: Floats) -> Floats:
        """Return the weighted mean of what `sums` added up, by title."""
        per = np.divide(self.share, self.n, out=np.zeros_like(self.share), where=self.n > 0)
        return np.asarray(per @ sums, dtype=np.float64)

    def standard_error(self, sums: Floats) -> Floats:
        """Return the standard error of the mean of shares of members, by title: from sampling members only.

        The share of a stratum is drawn towards the whole by one member, so that a title nobody of few is shown is not
        called certain; a stratum of which all were asked adds nothing.
        """
        n, total = self.n[:, None], float(self.n.sum())
        whole = (self.mean(sums) * total + 0.5) / (total + 1)
        share = (sums + whole) / (n + 1)
        left_out = np.clip(1 - n / np.maximum(self.size, 1)[:, None], 0.0, 1.0)
        variance = np.divide(share * (1 - share) * left_out, n, out=np.zeros_like(share), where=n > 0)
        return np.asarray(np.sqrt((self.share[:, None] ** 2 * variance).sum(axis=0)), dtype=np.float64)


def weighted_quantiles(values: Floats, weights: Floats, probabilities: tuple[float, ...]) -> Floats:
    """Return quantiles of each column, shape (n probabilities, n columns); missing values do not count.

    A column without any value has missing quantiles.
    """
    order = np.argsort(values, axis=0, kind="stable")  # missing values last
    ordered = np.take_along_axis(values, order, axis=0)
    known = np.where(np.isnan(ordered), 0.0, weights[order])
    up_to = np.cumsum(known, axis=0)
    total = up_to[-1]
    found = np.full((len(probabilities), values.shape[1]), np.nan)
    columns = np.flatnonzero(total > 0)
    for row, probability in enumerate(probabilities):
        at = (up_to[:, columns] < probability * total[columns] * (1 - 1e-12)).sum(axis=0)
        found[row, columns] = ordered[np.minimum(at, len(ordered) - 1), columns]
    return found
