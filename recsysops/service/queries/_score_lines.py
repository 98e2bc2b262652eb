"""Figures of scored predictions: means with intervals, calibration, lead-time curve. Not for reading them."""

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsysops.columns import (
    ABSOLUTE_ERROR,
    AS_OF,
    CELL_KEY,
    COMPARABLE_TITLES,
    CRPS,
    IS_SERVED,
    LAUNCH_AT,
    LEAD,
    MODEL,
    MODEL_ID,
    PINBALL,
    PIT,
    PREDICTOR,
    TITLE_ID,
)
from recsysops.domain.distribution import PROBABILITIES, normal_quantile
from recsysops.domain.resampling import Interval, WeekBootstrap
from recsysops.domain.scoreboard import SERVED, SMALL, CalibrationPlot, CalibrationPoint, Figure, LeadPoint, ScoreLine

MIN_WEEKS: Final = 5
"""With fewer launch weeks a bootstrap of weeks says too little."""
MODELS_SHOWN: Final = 6
"""Single models of one predictor, the latest."""
BINS: Final = 10
_SEED: Final = 20260302
_WEEK: Final = pd.Timedelta(days=7)
_EPOCH: Final = pd.Timestamp("1970-01-05", tz="UTC")  # a Monday
CELL: Final = list(CELL_KEY)

Floats = npt.NDArray[np.float64]


def of_predictor(scores: pd.DataFrame, predictor: str) -> pd.DataFrame:
    """Return one row per cell and lead: what `predictor` (or, as `served`, whoever was shown) said last."""
    rows = scores[scores[IS_SERVED]] if predictor == SERVED else scores[scores[PREDICTOR] == predictor]
    return rows.sort_values(AS_OF, kind="stable").drop_duplicates([*CELL, LEAD], keep="last")


def predictors_of(scores: pd.DataFrame) -> tuple[str, ...]:
    """Return what was served, the model, its baseline, then others by name."""
    known = set(scores[PREDICTOR])
    first = [name for name in (MODEL, COMPARABLE_TITLES) if name in known]
    return (*([SERVED] if scores[IS_SERVED].any() else []), *first, *sorted(known - set(first)))


def score_lines(scores: pd.DataFrame) -> tuple[ScoreLine, ...]:
    """Return a line per lead and predictor, and per model of it."""
    baseline = of_predictor(scores, COMPARABLE_TITLES)
    lines = []
    for lead in leads_of(scores):
        at_lead = scores[scores[LEAD] == lead]
        theirs = baseline[baseline[LEAD] == lead]
        for predictor in predictors_of(at_lead):
            rows = of_predictor(at_lead, predictor)
            lines.append(_line(rows, theirs, lead, predictor, ""))
            for model_id in [] if predictor == SERVED else _models(at_lead, predictor):
                own = at_lead[(at_lead[PREDICTOR] == predictor) & (at_lead[MODEL_ID] == model_id)]
                lines.append(_line(own, theirs, lead, predictor, model_id))
    return tuple(lines)


def leads_of(scores: pd.DataFrame) -> tuple[int, ...]:
    """Return the leads with scores, longest first."""
    return tuple(sorted((int(lead) for lead in scores[LEAD].unique()), reverse=True))


def _models(scores: pd.DataFrame, predictor: str) -> list[str]:
    rows = scores[(scores[PREDICTOR] == predictor) & scores[MODEL_ID].notna()]
    latest = rows.groupby(MODEL_ID)[AS_OF].max().sort_values(ascending=False, kind="stable")
    return [str(model_id) for model_id in latest.index[:MODELS_SHOWN]]


def _line(rows: pd.DataFrame, baseline: pd.DataFrame, lead: int, predictor: str, model_id: str) -> ScoreLine:
    weeks = _weeks(rows)
    n_titles, n_weeks = rows[TITLE_ID].nunique(), len(np.unique(weeks))
    bootstrap = WeekBootstrap(weeks, _SEED)
    has_weeks = n_weeks >= MIN_WEEKS
    means = {name: bootstrap.mean(_values(rows, name)) for name in (ABSOLUTE_ERROR, PINBALL, CRPS)}
    inside = {level: is_inside(rows, level) for level in (0.8, 0.9)}
    covered = {
        level: _figure(bootstrap.mean(values)) if has_weeks else wilson(float(values.mean()), n_titles)
        for level, values in inside.items()
    }
    skill, n_paired = _skill(rows, baseline)
    return ScoreLine(
        lead=lead,
        predictor=predictor,
        model_id=model_id,
        n=len(rows),
        n_titles=n_titles,
        n_weeks=n_weeks,
        mae=_figure(means[ABSOLUTE_ERROR], has_interval=has_weeks),
        pinball=_figure(means[PINBALL], has_interval=has_weeks),
        crps=_figure(means[CRPS], has_interval=has_weeks),
        coverage_80=covered[0.8],
        coverage_90=covered[0.9],
        skill=None if predictor == COMPARABLE_TITLES else skill,
        n_paired=n_paired,
    )


def _skill(rows: pd.DataFrame, baseline: pd.DataFrame) -> tuple[Figure | None, int]:
    pairs = rows[[*CELL, LAUNCH_AT, CRPS]].merge(baseline[[*CELL, CRPS]], on=CELL, suffixes=("", "_baseline"))
    if not len(pairs):
        return None, 0
    weeks = _weeks(pairs)
    found = WeekBootstrap(weeks, _SEED).skill(_values(pairs, CRPS), _values(pairs, f"{CRPS}_baseline"))
    if not np.isfinite(found.value):
        return None, len(pairs)
    return _figure(found, has_interval=len(np.unique(weeks)) >= MIN_WEEKS), len(pairs)


def mean_figure(rows: pd.DataFrame, column: str) -> Figure:
    """Return the mean of a column, with an interval where there are weeks enough."""
    weeks = _weeks(rows)
    found = WeekBootstrap(weeks, _SEED).mean(_values(rows, column))
    return _figure(found, has_interval=len(np.unique(weeks)) >= MIN_WEEKS)


def is_inside(rows: pd.DataFrame, level: float) -> Floats:
    """Return 1 where the outcome lies in the middle `level` of its predicted distribution, else 0."""
    pit = _values(rows, PIT)
    return ((pit >= (1 - level) / 2) & (pit <= (1 + level) / 2)).astype(np.float64)


def wilson(share: float, n: int) -> Figure:
    """Return a share with Wilson's 95 % interval over n titles: cells of one title move together."""
    z = float(normal_quantile(0.975))
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * float(np.sqrt(share * (1 - share) / n + z * z / (4 * n * n)))
    return Figure(value=share, low=max(middle - half, 0.0), high=min(middle + half, 1.0))


def calibration(rows: pd.DataFrame, predictor: str, lead: int) -> CalibrationPlot:
    """Return how often outcomes lay below each quantile, and in each tenth.

    Args:
        rows: One per cell, at one lead; at least one.
        predictor: Whose.
        lead: Which.
    """
    pit, n_titles = _values(rows, PIT), int(rows[TITLE_ID].nunique())
    spread = float(normal_quantile(0.975)) * np.sqrt(PROBABILITIES * (1 - PROBABILITIES) / n_titles)
    observed = (pit[:, None] <= PROBABILITIES[None, :]).mean(axis=0)
    points = tuple(
        CalibrationPoint(nominal=float(p), observed=float(o), low=float(max(p - s, 0)), high=float(min(p + s, 1)))
        for p, o, s in zip(PROBABILITIES, observed, spread, strict=True)
    )
    tenths, _ = np.histogram(pit, bins=BINS, range=(0, 1))
    half = float(normal_quantile(0.975)) * float(np.sqrt((1 / BINS) * (1 - 1 / BINS) / n_titles))
    return CalibrationPlot(
        predictor=predictor,
        lead=lead,
        n=len(rows),
        n_titles=n_titles,
        points=points,
        bins=tuple(float(share) for share in tenths / len(rows)),
        band_low=max(1 / BINS - half, 0.0),
        band_high=min(1 / BINS + half, 1.0),
    )


def lead_curve(scores: pd.DataFrame) -> tuple[tuple[LeadPoint, ...], bool]:
    """Return the error by lead, of the launches scored at every lead where there are enough of them; and whether so."""
    leads, points, is_paired = leads_of(scores), [], True
    for predictor in predictors_of(scores):
        rows = of_predictor(scores, predictor)
        everywhere = rows.groupby(CELL)[LEAD].transform("nunique") == len(leads)
        if rows.loc[everywhere, TITLE_ID].nunique() >= SMALL:
            rows = rows[everywhere]
        elif len(leads) > 1:
            is_paired = False
        for lead in leads:
            at_lead = rows[rows[LEAD] == lead]
            if len(at_lead):
                mae = mean_figure(at_lead, ABSOLUTE_ERROR)
                points.append(LeadPoint(lead=lead, predictor=predictor, n=len(at_lead), mae=mae))
    return tuple(points), is_paired


def _weeks(rows: pd.DataFrame) -> npt.NDArray[np.int64]:
    return np.asarray((rows[LAUNCH_AT] - _EPOCH) // _WEEK, dtype=np.int64)


def _values(rows: pd.DataFrame, column: str) -> Floats:
    return rows[column].to_numpy(dtype=np.float64)


def _figure(found: Interval, *, has_interval: bool = True) -> Figure:
    if not has_interval or not np.isfinite([found.low, found.high]).all():
        return Figure(value=found.value)
    return Figure(value=found.value, low=found.low, high=found.high)
