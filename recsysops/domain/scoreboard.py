"""How good predictions were, after launch: what the faces show of it.

Frozen, JSON-able values: numbers are finite or None, times are aware UTC, order is the order to show. Errors are on the
transformed scale, in natural log units: 0.1 is about 10 % off.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

SERVED: Final = "served"
"""Stands for whichever predictor people were shown."""
SMALL: Final = 30
"""With fewer titles a figure says little."""


class GroupKind(StrEnum):
    """What launches are grouped by."""

    MARKET = "market"
    SURFACE = "surface"
    PROVIDER = "provider"
    METADATA = "metadata"
    """Whether a required field was missing when the prediction was made."""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A mean over launches and its 95 % interval, from resampling whole launch weeks; None with too few weeks."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, kw_only=True)
class ScoreLine:
    """How good one predictor was at one lead."""

    lead: int
    predictor: str
    """`model`, `comparable_titles`, a challenger's name, or `served`: whichever people were shown."""
    model_id: str
    """Empty: all models this predictor had, of each launch the one that predicted last."""
    n: int
    """Launches: title x market x surface."""
    n_titles: int
    n_weeks: int
    mae: Figure
    pinball: Figure
    crps: Figure
    coverage_80: Figure
    """Share of outcomes in the 80 % interval; with few weeks its interval is Wilson's over titles."""
    coverage_90: Figure
    skill: Figure | None
    """1 - CRPS / CRPS of comparable titles, both of the same launches; above 0 is better. None without a pair."""
    n_paired: int


@dataclass(frozen=True, kw_only=True)
class CalibrationPoint:
    """How often outcomes were below a predicted quantile."""

    nominal: float
    observed: float
    low: float
    """Lower end of what chance alone allows, 95 %, for as many titles."""
    high: float


@dataclass(frozen=True, kw_only=True)
class CalibrationPlot:
    """Whether one predictor's distributions can be trusted, at one lead."""

    predictor: str
    lead: int
    n: int
    n_titles: int
    points: tuple[CalibrationPoint, ...]
    """One per quantile, nineteen."""
    bins: tuple[float, ...]
    """Share of outcomes by tenth of their predicted distribution: a tenth each where it is honest."""
    band_low: float
    """What chance alone allows of each, 95 %, for as many titles."""
    band_high: float


@dataclass(frozen=True, kw_only=True)
class GroupLine:
    """The error of one group of launches."""

    kind: GroupKind
    value: str
    n: int
    n_titles: int
    mae: Figure
    coverage_80: float
    bias: float
    """Mean of outcome minus median: above 0 the recommender did more than predicted."""
    is_small: bool
    """Fewer titles than a figure needs."""


@dataclass(frozen=True, kw_only=True)
class LeadPoint:
    """How good a predictor was so many days before launch."""

    lead: int
    predictor: str
    n: int
    mae: Figure


@dataclass(frozen=True, kw_only=True)
class ScoredTarget:
    """A measure and horizon with scores."""

    measure: str
    horizon: int


@dataclass(frozen=True, kw_only=True)
class ScoreFilter:
    """Which scores; None asks for the first there is, or for all times."""

    measure: str | None = None
    horizon: int | None = None
    lead: int | None = None
    """Of calibration, groups and titles; None: the one with most launches."""
    predictor: str | None = None
    """Of groups and titles; None: what was served."""
    since: datetime | None = None
    """Earliest launch."""
    until: datetime | None = None
    """Latest launch."""


@dataclass(frozen=True, kw_only=True)
class Scoreboard:
    """How good predictions of one measure and horizon were."""

    measure: str | None
    """None where nothing has been scored yet."""
    horizon: int | None
    lead: int | None
    predictor: str
    since: datetime | None
    until: datetime | None
    label: str
    """Such as `not point-in-time`; empty otherwise."""
    targets: tuple[ScoredTarget, ...]
    """What else can be asked for."""
    leads: tuple[int, ...]
    """With scores, longest first."""
    predictors: tuple[str, ...]
    n_launches: int
    """Titles x markets x surfaces, over all leads."""
    first_launch_at: datetime | None
    last_launch_at: datetime | None
    lines: tuple[ScoreLine, ...]
    """Longest lead first; of each lead what was served, then the predictors, then single models, the latest first."""
    calibrations: tuple[CalibrationPlot, ...]
    """Of every predictor, at `lead`."""
    groups: tuple[GroupLine, ...]
    """By kind, worst first."""
    curve: tuple[LeadPoint, ...]
    """By predictor, longest lead first."""
    is_curve_paired: bool
    """Whether every point of the curve is about the same launches; else leads differ in launches, too."""


@dataclass(frozen=True, kw_only=True)
class Miss:
    """A title we were wrong about: its worst cell."""

    title_id: str
    name: str
    market: str
    surface: str
    measure: str
    horizon: int
    lead: int
    launch_at: datetime
    as_of: datetime
    """When it was predicted."""
    predictor: str
    model_id: str
    actual: float
    """A share."""
    median: float
    low: float
    """Lower end of the 80 % interval."""
    high: float
    absolute_error: float
    is_covered: bool
    """Whether the outcome lay in the 80 % interval."""
    n_cells: int
    """Cells of the title that were scored."""


@dataclass(frozen=True, kw_only=True)
class MissList:
    """One page of titles, the largest error first."""

    measure: str | None
    horizon: int | None
    lead: int | None
    predictor: str
    rows: tuple[Miss, ...]
    total: int
    offset: int
    limit: int
