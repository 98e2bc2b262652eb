"""The delayed adaptive step: widens, narrows and shifts distributions that past launches showed to be off. A guard.

After every week with outcomes, misses beyond the tenth and the ninetieth percentile and medians that were off move
three numbers a little, so that in the long run as many outcomes fall outside as promised, whatever changed. An outcome
over h days is known h days after its launch; predictions made until then cannot know, so steps are the smaller the
longer the delay: larger ones would overshoot. What was learned fades, since models are trained anew. Not a calibration:
see `_conformal`.

Source:
    Gibbs & Candes, "Adaptive conformal inference under distribution shift", NeurIPS, 2021; Angelopoulos, Candes &
    Tibshirani, "Conformal PID control for time series prediction", NeurIPS, 2023 (quantile tracking).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
import pandas as pd

from recsysops.columns import AS_OF, HORIZON, IS_SERVED, KNOWN_AT, MEASURE, PIT, PREDICTOR, TARGET_KEY, TITLE_ID
from recsysops.domain.distribution import PROBABILITIES
from recsysops.model._asof import DAY, Floats, Ints, microsecond, microseconds

_WEEK: Final = 7 * DAY
_GAIN: Final = 3.0
"""Step per miss too many, for predictions whose outcome is known within the week."""
_FADE: Final = 0.995
"""What is left after a week of what was learned."""
_USUAL: Final = 10.0
"""Outcomes in a week from which its step counts more than half."""
_FEW: Final = 40
"""With fewer outcomes nothing is adapted."""
_WIDEST: Final = float(np.log(3.0))
_NARROWEST: Final = float(-np.log(2.0))
_FARTHEST: Final = 1.5
_TENTH: Final = 0.1
_MIDDLE: Final = len(PROBABILITIES) // 2
_SIGMAS: Final = 2.5631
"""Standard deviations between the tenth and the ninetieth percentile of a normal distribution."""


@dataclass(frozen=True)
class Adaptation:
    """How distributions of one measure, horizon and predictor are to be changed."""

    lower: float = 0.0
    """Logarithm of the factor on all below the median."""
    upper: float = 0.0
    """Logarithm of the factor on all above the median."""
    shift: float = 0.0
    """In standard deviations of the distribution."""

    def apply(self, quantiles: Floats) -> Floats:
        """Return changed quantiles, shape (n, 19), ascending along each row where the given ones are."""
        if self == NOTHING:
            return quantiles
        middle = quantiles[:, _MIDDLE, None]
        unit = (quantiles[:, -2, None] - quantiles[:, 1, None]) / _SIGMAS
        factor = np.where(PROBABILITIES[_MIDDLE] > PROBABILITIES, np.exp(self.lower), np.exp(self.upper))
        return np.asarray(middle + self.shift * unit + factor * (quantiles - middle), dtype=np.float64)


NOTHING: Final = Adaptation()


def adaptation(pit: Floats, known: Ints, horizon: int) -> Adaptation:
    """Return what past outcomes say of the predictions to come.

    Args:
        pit: Shape (n,), randomised PITs of predictions as they were issued, in [0, 1].
        known: Shape (n,), when each became known, microseconds.
        horizon: Days from launch until an outcome is known.

    Returns:
        Bounded: factors between 1/2 and 3, a shift of at most 1.5 standard deviations.
    """
    if len(pit) < _FEW:
        return NOTHING
    weeks, of_week = np.unique(known // _WEEK, return_inverse=True)
    n = np.bincount(of_week)
    misses = np.array([_mean(of_week, part) for part in (pit < _TENTH, pit > 1 - _TENTH, pit > 0.5)])
    misses -= np.array([[_TENTH], [_TENTH], [0.5]])
    gain = _GAIN / (1 + np.ceil(horizon / 7))
    steps = gain * np.array([[1.0], [1.0], [0.5]]) * misses * (n / (n + _USUAL))
    state, least, most = np.zeros(3), [_NARROWEST, _NARROWEST, -_FARTHEST], [_WIDEST, _WIDEST, _FARTHEST]
    fades = _FADE ** np.diff(weeks, prepend=weeks[0])
    for step, fade in zip(steps.T, fades, strict=True):
        state = np.clip(state * fade + step, least, most)
    return Adaptation(*map(float, state))


def adaptations(scores: pd.DataFrame | None, as_of: datetime) -> Mapping[tuple[str, int], Mapping[str, Adaptation]]:
    """Return the adaptation of every measure and horizon, by predictor, from what was known at `as_of`.

    Args:
        scores: LAUNCH_SCORE; None or without rows where nothing was scored. Of each target the prediction made last
            counts, once: of several models the one that was served.
        as_of: Scores known later do not count.
    """
    if scores is None or scores.empty:
        return {}
    fine = scores[PIT].notna() & (microseconds(scores[KNOWN_AT]) <= microsecond(as_of))
    order = [KNOWN_AT, IS_SERVED, AS_OF, TITLE_ID]
    rows = scores[fine].sort_values(order, kind="stable").drop_duplicates([PREDICTOR, *TARGET_KEY], keep="last")
    found: dict[tuple[str, int], dict[str, Adaptation]] = {}
    for (measure, horizon, predictor), part in rows.groupby([MEASURE, HORIZON, PREDICTOR]):
        pit, known = part[PIT].to_numpy(dtype=np.float64), microseconds(part[KNOWN_AT])
        days = int(str(horizon))
        found.setdefault((str(measure), days), {})[str(predictor)] = adaptation(pit, known, days)
    return found


def _mean(of_week: Ints, hits: "np.typing.NDArray[np.bool_]") -> Floats:
    return np.bincount(of_week, weights=hits.astype(np.float64)) / np.bincount(of_week)
