"""Conformalised residual distributions: a point prediction becomes nineteen quantiles that hold what they promise.

Residuals of out-of-sample, time-ordered predictions, scaled by difficulty, are the predictive distribution (conformal
predictive system); where there are many, those of launches at a similar predicted level weigh more, and launches with a
missing field are calibrated apart (Mondrian). Not for point predictions.

Source:
    Lei et al., "Distribution-free predictive inference for regression", JASA, 2018 (split conformal, normalised
    scores); Vovk et al., "Cross-conformal predictive distributions", 2018;
    Guan, "Localized conformal prediction", Biometrika, 2023.
"""

import json
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from recsysops.domain.distribution import PROBABILITIES
from recsysops.model._asof import Floats, Ints

_MIN_GROUP: Final = 100
"""A group with fewer residuals is calibrated with all others."""
_MIN_LOCAL: Final = 60
"""With fewer residuals, all weigh the same."""
_BANDWIDTH: Final = 0.2
"""Width of the kernel over ranks of the predicted level, as a share of the residuals."""
_CHUNK: Final = 2_000_000


@dataclass(frozen=True)
class Calibration:
    """Residuals to draw quantiles from; all arrays have shape (n,)."""

    level: Floats
    """Out-of-sample point predictions."""
    score: Floats
    """(outcome - level) / scale."""
    group: Ints
    bandwidth: float | None = _BANDWIDTH
    """None: every residual weighs the same, which is plain split conformal."""

    def quantiles(self, level: Floats, scale: Floats, group: Ints) -> Floats:
        """Return the quantiles of new cases, shape (n cases, 19), ascending along each row.

        Args:
            level: Point predictions.
            scale: How hard each case is, > 0; 1 where difficulty is not known.
            group: Group of each case; a group with few residuals shares those of all.
        """
        result = np.zeros((len(level), len(PROBABILITIES)))
        large = [int(g) for g in np.unique(self.group) if (self.group == g).sum() >= _MIN_GROUP]
        for key in [*large, -1]:
            chosen = group == key if key >= 0 else ~np.isin(group, large)
            if not chosen.any():
                continue
            members = np.flatnonzero(self.group == key) if key >= 0 else np.arange(len(self.group))
            for part in np.array_split(np.flatnonzero(chosen), chosen.sum() * len(members) // _CHUNK + 1):
                result[part] = level[part, None] + scale[part, None] * self._scores(level[part], members)
        return result

    def without(self, excluded: npt.NDArray[np.bool_]) -> "Calibration":
        """Return the calibration that rests on the other residuals."""
        keep = ~excluded
        return Calibration(self.level[keep], self.score[keep], self.group[keep], self.bandwidth)

    def _scores(self, level: Floats, members: Ints) -> Floats:
        order = members[np.argsort(self.score[members], kind="stable")]
        weights = self._weights(level, self.level[order])
        return weighted_quantiles(self.score[order], weights)

    def _weights(self, level: Floats, known: Floats) -> Floats:
        if self.bandwidth is None or len(known) < _MIN_LOCAL:
            return np.ones((len(level), len(known)))
        ladder = np.sort(known)
        place = (np.searchsorted(ladder, level, "left") + np.searchsorted(ladder, level, "right")) / (2 * len(known))
        own = (np.searchsorted(ladder, known, "left") + np.searchsorted(ladder, known, "right")) / (2 * len(known))
        return np.exp(-0.5 * ((place[:, None] - own[None, :]) / self.bandwidth) ** 2)

    def to_json(self) -> str:
        """Return it as JSON; numbers survive exactly."""
        return json.dumps(
            {
                "level": self.level.tolist(),
                "score": self.score.tolist(),
                "group": self.group.tolist(),
                "bandwidth": self.bandwidth,
            }
        )

    @classmethod
    def from_json(cls, text: str) -> "Calibration":
        """Undo `to_json`."""
        entries: dict[str, Any] = json.loads(text)
        return cls(
            np.array(entries["level"], dtype=np.float64),
            np.array(entries["score"], dtype=np.float64),
            np.array(entries["group"], dtype=np.int64),
            entries["bandwidth"],
        )


def weighted_quantiles(scores: Floats, weights: Floats) -> Floats:
    """Return conformal quantiles of ascending scores under each row of weights, the new case weighing 1.

    With n equal weights these are the order statistics floor((n + 1) p) below the median and ceil((n + 1) p) above it,
    so that [p, 1 - p] covers at least 1 - 2p; the median is the mean of both. Where n is too small for a level, the
    outermost score stands in.

    Args:
        scores: Shape (n,), ascending.
        weights: Shape (n cases, n), in [0, 1].

    Returns:
        Shape (n cases, 19), ascending along each row.
    """
    mass = np.cumsum(weights, axis=1)
    total = mass[:, -1:] + 1.0
    # A hair's breadth keeps floor and ceil exact where (n + 1) p is a whole number.
    low, high = PROBABILITIES * total + 1e-9, PROBABILITIES * total - 1e-9
    lower, upper = np.zeros((2, len(weights), len(PROBABILITIES)), dtype=np.int64)
    for at, row in enumerate(mass):
        lower[at] = np.searchsorted(row, low[at], "right") - 1
        upper[at] = np.searchsorted(row, high[at], "left")
    last, middle = len(scores) - 1, np.abs(PROBABILITIES - 0.5) < 1e-9
    below, above = scores[np.minimum(np.maximum(lower, 0), last)], scores[np.minimum(upper, last)]
    quantiles = np.where(middle, (below + above) / 2, np.where(PROBABILITIES < 0.5, below, above))
    return np.asarray(quantiles, dtype=np.float64)
