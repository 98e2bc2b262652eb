"""Makes a calibration of held-back residuals: how fast they age and whether the level counts is chosen on the past.

Not for drawing quantiles: see `_conformal`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from recsysops.model._asof import DAY, Floats, Ints
from recsysops.model._conformal import BANDWIDTH, MIN_GROUP, Calibration
from recsysops.model._scores import pinball

DECAY: Final = 0.99
"""Weight a residual loses each week it is older, where the past is too short to choose."""
_CHOICES: Final = tuple(
    (decay, bandwidth) for decay in (DECAY, 1.0, 0.97) for bandwidth in (BANDWIDTH, BANDWIDTH / 2, None)
)
"""Weight by week and bandwidth; the first is taken unless another is clearly better."""
_MIN_TUNED: Final = 300
"""With fewer residuals nothing is chosen: noise would."""
_TAUGHT: Final = 0.6
"""Share of the residuals, by time, that the others are predicted from when choosing."""
_CLEARLY: Final = 0.995
"""Another choice must lower the loss to this."""
_MARKET: Final = "|market|is|"


@dataclass(frozen=True)
class Residuals:
    """Out-of-sample predictions held against outcomes, n of them in the order of launch."""

    level: Floats
    scale: Floats
    """How hard each was, > 0."""
    residual: Floats
    """Outcome - level."""
    group: Ints
    launch: Ints
    """Microseconds."""

    def calibration(self, decay: float, bandwidth: float | None, at: int) -> Calibration:
        """Return the calibration of these residuals as of `at`, microseconds."""
        age = np.maximum((at - self.launch) / (7 * DAY), 0.0)
        return Calibration(self.level, self.residual / self.scale, self.group, bandwidth, decay**age)


def calibrated(residuals: Residuals) -> Calibration:
    """Return the calibration of residuals as of the last launch, with the choices that did best on the later of them.

    Only residuals enter: what is predicted with it comes after all of them.
    """
    last = int(residuals.launch.max())
    decay, bandwidth = _choice(residuals)
    return residuals.calibration(decay, bandwidth, last)


def _choice(residuals: Residuals) -> tuple[float, float | None]:
    n = len(residuals.level)
    border = residuals.launch[int(n * _TAUGHT)] if n >= _MIN_TUNED else 0
    early = residuals.launch < border
    if min(early.sum(), n - early.sum()) < MIN_GROUP:
        return _CHOICES[0]
    taught, tested = _part(residuals, early), _part(residuals, ~early)
    losses = {choice: _loss(taught, tested, *choice) for choice in _CHOICES}
    best = min(losses, key=lambda choice: losses[choice])
    return best if losses[best] < _CLEARLY * losses[_CHOICES[0]] else _CHOICES[0]


def _loss(taught: Residuals, tested: Residuals, decay: float, bandwidth: float | None) -> float:
    fitted = taught.calibration(decay, bandwidth, int(taught.launch.max()))
    quantiles = fitted.quantiles(tested.level, tested.scale, tested.group)
    return float(pinball(tested.level + tested.residual, quantiles).mean())


def _part(residuals: Residuals, at: "np.typing.NDArray[np.bool_]") -> Residuals:
    names = ("level", "scale", "residual", "group", "launch")
    return Residuals(*(getattr(residuals, name)[at] for name in names))


def mondrian(columns: Mapping[str, Floats], is_missing: Ints) -> Ints:
    """Return the groups that are calibrated apart, shape (n, 2): whether a field is missing, then the market.

    Args:
        columns: Features by name; those that say the market are read.
        is_missing: 1 where any field is missing, else 0.
    """
    market = np.zeros(len(is_missing), dtype=np.int64)
    for number, name in enumerate(sorted(name for name in columns if name.startswith(_MARKET)), start=1):
        market[np.asarray(columns[name]) == 1] = number
    return np.column_stack([is_missing, market]).astype(np.int64)
