"""Conformalised residual distributions: a point prediction becomes nineteen quantiles that hold what they promise.

Residuals of out-of-sample, time-ordered predictions, scaled by difficulty, are the predictive distribution (conformal
predictive system). Late residuals weigh more than early ones, those at a similar predicted level more than others,
where the past shows that this helps (`_calibrating`); launches with a missing field are calibrated apart (Mondrian).
Not for point predictions.

Source:
    Lei et al., "Distribution-free predictive inference for regression", JASA, 2018 (split conformal, normalised
    scores); Vovk et al., "Cross-conformal predictive distributions", 2018; Barber et al., "Conformal prediction beyond
    exchangeability", Annals of Statistics, 2023 (weights); Guan, "Localized conformal prediction", Biometrika, 2023.
"""

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from recsysops.domain.distribution import PROBABILITIES
from recsysops.errors import ModelError
from recsysops.model._asof import Floats, Ints

MIN_GROUP: Final = 100
"""A group with fewer residuals shares those of the group it is part of."""
_MIN_PART: Final = 300.0
"""So does a part of a group whose residuals weigh less together: age and level leave few of them to answer a case, and
few make intervals wider than they promise."""
_MIN_LOCAL: Final = 60
"""With fewer residuals, the predicted level does not count."""
BANDWIDTH: Final = 0.2
"""Width of the kernel over ranks of the predicted level, as a share of the residuals."""
_PLACES: Final = 256
"""Ranks of the predicted level that are told apart; far finer than the kernel is wide."""
_LESS: Final = 1e-9
"""A hair's breadth: keeps floor and ceil exact where (n + 1) p is a whole number."""

_Group = tuple[int, ...]


@dataclass(frozen=True)
class Calibration:
    """Residuals to draw quantiles from."""

    level: Floats
    """Shape (n,): out-of-sample point predictions."""
    score: Floats
    """Shape (n,): (outcome - level) / scale."""
    group: Ints
    """Shape (n,) or (n, g): the group of each residual; of several columns each divides the groups of those before."""
    bandwidth: float | None = BANDWIDTH
    """None: the predicted level does not count."""
    weight: Floats | None = None
    """Shape (n,), in [0, 1]: how much each residual counts beside a new case, which counts 1; None: as much."""

    def __post_init__(self) -> None:
        """Refuse what would silently turn into wrong quantiles.

        Raises:
            ModelError: No residuals, lengths that differ, numbers that are not finite, or weights outside of [0, 1].
        """
        parts = [self.level, self.score, self._weight]
        if not len(self.score) or len({len(part) for part in (*parts, self.group)}) != 1:
            raise ModelError("A calibration has no residuals, or parts of different lengths. Train the model again.")
        if not all(np.isfinite(part).all() for part in parts) or (np.abs(self._weight - 0.5) > 0.5).any():
            raise ModelError(
                "A calibration holds residuals that are not finite, or weights outside 0 to 1. Train the model again."
            )

    def quantiles(self, level: Floats, scale: Floats, group: Ints) -> Floats:
        """Return the quantiles of new cases, shape (n cases, 19), ascending along each row.

        Args:
            level: Point predictions.
            scale: How hard each case is, > 0; 1 where difficulty is not known.
            group: Group of each case, as many columns as the residuals have; where too few residuals share it, the
                group it is part of answers, in the end all.
        """
        result = np.zeros((len(level), len(PROBABILITIES)))
        if not len(level):
            return result
        keys, case = np.unique(_columns(group), axis=0, return_inverse=True)
        asked = [self._shared(tuple(map(int, key))) for key in keys]
        for key in dict.fromkeys(asked):
            at = np.flatnonzero(np.array([own == key for own in asked])[case.ravel()])
            result[at] = level[at, None] + scale[at, None] * self._scores(key, level[at])
        return result

    def without(self, excluded: npt.NDArray[np.bool_]) -> "Calibration":
        """Return the calibration that rests on the other residuals."""
        return self.only(~excluded)

    def only(self, kept: npt.NDArray[np.bool_]) -> "Calibration":
        """Return the calibration that rests on these residuals."""
        weight = None if self.weight is None else self.weight[kept]
        return Calibration(self.level[kept], self.score[kept], self.group[kept], self.bandwidth, weight)

    def to_json(self) -> str:
        """Return it as JSON; numbers survive exactly."""
        return json.dumps(
            {
                "level": self.level.tolist(),
                "score": self.score.tolist(),
                "group": self.group.tolist(),
                "bandwidth": self.bandwidth,
                "weight": None if self.weight is None else self.weight.tolist(),
            }
        )

    @classmethod
    def from_json(cls, text: str) -> "Calibration":
        """Undo `to_json`."""
        entries: dict[str, Any] = json.loads(text)
        weight = entries.get("weight")
        return cls(
            np.array(entries["level"], dtype=np.float64),
            np.array(entries["score"], dtype=np.float64),
            np.array(entries["group"], dtype=np.int64),
            entries["bandwidth"],
            None if weight is None else np.array(weight, dtype=np.float64),
        )

    @property
    def _weight(self) -> Floats:
        return np.ones(len(self.score)) if self.weight is None else self.weight

    @cached_property
    def _apart(self) -> frozenset[_Group]:
        """Groups, at every depth, that are large enough to be calibrated apart."""
        columns = _columns(self.group)
        found: set[_Group] = {()}
        for depth in range(1, columns.shape[1] + 1):
            keys, own = np.unique(columns[:, :depth], axis=0, return_inverse=True)
            count, mass = np.bincount(own.ravel()), np.bincount(own.ravel(), weights=self._weight)
            fine = count >= MIN_GROUP if depth == 1 else mass >= _MIN_PART
            found |= {tuple(map(int, key)) for key in keys[fine]}
        return frozenset(found)

    @cached_property
    def _tables(self) -> "dict[_Group, _Table]":
        """What was computed so far, by group: calls after the first look it up."""
        return {}

    def _shared(self, group: _Group) -> _Group:
        while group not in self._apart:
            group = group[:-1]
        return group

    def _scores(self, group: _Group, level: Floats) -> Floats:
        if group not in self._tables:
            columns = _columns(self.group)
            members = np.flatnonzero((columns[:, : len(group)] == np.array(group, dtype=np.int64)).all(axis=1))
            order = members[np.argsort(self.score[members], kind="stable")]
            self._tables[group] = _Table.of(self.score[order], self.level[order], self._weight[order], self.bandwidth)
        return self._tables[group].scores(level)


@dataclass(frozen=True)
class _Table:
    """Quantiles of the scores of one group, by place of the predicted level."""

    ladder: Floats
    """Levels of the residuals, ascending; empty where the level does not count."""
    rows: Floats
    """Shape (places, 19)."""

    @classmethod
    def of(cls, score: Floats, level: Floats, weight: Floats, bandwidth: float | None) -> "_Table":
        if bandwidth is None or len(score) < _MIN_LOCAL:
            return cls(np.zeros(0), weighted_quantiles(score, weight[None, :]))
        ladder = np.sort(level)
        apart = np.linspace(0, 1, _PLACES + 1)[:, None] - _places(ladder, level)[None, :]
        return cls(ladder, weighted_quantiles(score, weight[None, :] * np.exp(-0.5 * (apart / bandwidth) ** 2)))

    def scores(self, level: Floats) -> Floats:
        if not len(self.ladder):
            return np.broadcast_to(self.rows, (len(level), len(PROBABILITIES)))
        return self.rows[np.rint(_places(self.ladder, level) * _PLACES).astype(np.int64)]


def _places(ladder: Floats, level: Floats) -> Floats:
    return (np.searchsorted(ladder, level, "left") + np.searchsorted(ladder, level, "right")) / (2 * len(ladder))


def _columns(group: Ints) -> Ints:
    return group[:, None] if group.ndim == 1 else group


def weighted_quantiles(scores: Floats, weights: Floats) -> Floats:
    """Return conformal quantiles of ascending scores under each row of weights, the new case weighing 1.

    Above the median a quantile is the least score at or below which p of the mass lies, the new case counted above
    all; below the median it is the mirror image. So [p, 1 - p] covers at least 1 - 2p, and with n equal weights these
    are the order statistics floor((n + 1) p) and ceil((n + 1) p); the median is the mean of both. Where there is too
    little mass for a level, the outermost score that weighs anything stands in.

    Args:
        scores: Shape (n,), ascending.
        weights: Shape (n cases, n), in [0, 1].

    Returns:
        Shape (n cases, 19), ascending along each row.
    """
    mass = np.cumsum(weights, axis=1)
    below, total = mass - weights, mass[:, -1:] + 1.0
    counts = weights > 0
    any_counts = counts.any(axis=1, keepdims=True)
    first = np.where(any_counts, counts.argmax(axis=1)[:, None], 0)
    last = np.where(any_counts, len(scores) - 1 - counts[:, ::-1].argmax(axis=1)[:, None], len(scores) - 1)
    low, high = PROBABILITIES * total - 1.0 + _LESS, PROBABILITIES * total - _LESS
    lower, upper = np.zeros((2, len(weights), len(PROBABILITIES)), dtype=np.int64)
    for at in range(len(weights)):
        lower[at] = np.searchsorted(below[at], low[at], "right") - 1
        upper[at] = np.searchsorted(mass[at], high[at], "left")
    under, over = scores[np.clip(lower, first, last)], scores[np.clip(upper, first, last)]
    middle = np.abs(PROBABILITIES - 0.5) < _LESS
    quantiles = np.where(middle, (under + over) / 2, np.where(PROBABILITIES < 0.5, under, over))
    return np.asarray(np.maximum.accumulate(quantiles, axis=1), dtype=np.float64)
