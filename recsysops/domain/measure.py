"""What is measured of a title's treatment, and the scale on which models, expectations and gaps are compared.

A share is always of a `denominator`: active members (reach, uptake) or impressions served (impression_share).
"""

from enum import StrEnum
from typing import Final

import numpy as np
import numpy.typing as npt

from recsysops.columns import IMPRESSIONS, INTERACTIONS

HORIZONS: Final = (1, 7, 28)
LEADS: Final = (14, 7, 3, 1)

Array = npt.NDArray[np.float64]


class Measure(StrEnum):
    """A measure of treatment."""

    REACH = "reach"
    """Share of active members shown the title at least once."""
    IMPRESSION_SHARE = "impression_share"
    """Share of the impressions served."""
    UPTAKE = "uptake"
    """Share of active members who interacted: stands in where there are no impressions; never called reach."""

    @property
    def signal(self) -> str:
        """The log it is counted from."""
        return INTERACTIONS if self is Measure.UPTAKE else IMPRESSIONS

    @property
    def worth_unit(self) -> str:
        """What a shortfall is counted in."""
        return "impressions" if self is Measure.IMPRESSION_SHARE else "members"


def transform(measure: str, share: npt.ArrayLike, denominator: npt.ArrayLike) -> Array:
    """Put shares on the scale of the models: logit (reach), log (impression_share), log1p of members (uptake).

    Args:
        measure: A `Measure`.
        share: Shares in [0, 1]; missing stays missing.
        denominator: What each is a share of, > 0; half a unit is added, so that zero is finite.
    """
    p = np.asarray(share, dtype=np.float64)
    n = np.asarray(denominator, dtype=np.float64)
    match Measure(measure):
        case Measure.REACH:
            value = np.log((p * n + 0.5) / ((1 - p) * n + 0.5))
        case Measure.IMPRESSION_SHARE:
            value = np.log(p + 0.5 / n)
        case Measure.UPTAKE:
            value = np.log1p(p * n)
    return np.asarray(value, dtype=np.float64)


def inverse(measure: str, value: npt.ArrayLike, denominator: npt.ArrayLike) -> Array:
    """Undo `transform`; the share is clipped to [0, 1]."""
    y = np.asarray(value, dtype=np.float64)
    n = np.asarray(denominator, dtype=np.float64)
    match Measure(measure):
        case Measure.REACH:
            share = ((n + 1) / (1 + np.exp(-y)) - 0.5) / n
        case Measure.IMPRESSION_SHARE:
            share = np.exp(y) - 0.5 / n
        case Measure.UPTAKE:
            share = np.expm1(y) / n
    return np.asarray(np.clip(share, 0.0, 1.0), dtype=np.float64)


def lead_for(days_before_launch: float) -> int:
    """Return the lead a run uses that many days before launch: the shortest not below, 14 beyond 14 (labelled early).

    After launch (negative days) the lead is 1.
    """
    return min((lead for lead in LEADS if lead >= days_before_launch), default=LEADS[0])
