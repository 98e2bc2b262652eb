"""The numbers behind `expectation_gap`: one row per plan, with its prediction, its gap, and what to take them for."""

from typing import Final

import numpy as np
import pandas as pd

from recsysops import columns as c
from recsysops.contract.detector import Tables
from recsysops.domain.distribution import PROBABILITIES
from recsysops.domain.gap import gap
from recsysops.domain.measure import Array, Measure, transform
from recsysops.domain.verdict import CheckOutcome
from recsysops_detectors._common import cell_positions, listed, live

# Columns of our own. Shares: quantiles 0.1, 0.5 and 0.9 of the served prediction, of comparable titles, of the plan.
PREDICTED: Final = ("p10", "p50", "p90")
COMPARABLE: Final = ("c10", "c50", "c90")
P_BELOW, P_ABOVE = "p_below", "p_above"
SHORTFALL, SHORTFALL_LOW, SHORTFALL_HIGH = "shortfall", "shortfall_low", "shortfall_high"
EXCESS, PLANNED = "excess", "planned"
SHOWN, SIZE, SPREAD = "gap", "size", "spread"
"""The gap as displayed; on the transformed scale the median gap and the width of the 80 % interval."""
IS_UNFIT, IS_ALONE = "is_unfit", "is_alone"
"""The plan lies far outside of both predictors; comparable titles side with the plan against the model."""
WHY_NOT: Final = "why_not"
"""Why a plan cannot be compared; empty where it can."""
MISSING: Final = "missing_fields"
"""Required fields the cell lacks, in words."""

_BLOCK: Final = 2000
"""Plans compared at once: 361 pairs of quantiles each, in several arrays, stay below 50 MB."""
_DIGITS: Final = 6
"""Sums of products depend in their last digits on what else is in the block: a title's numbers must not."""
_AT_10, _AT_50, _AT_90 = (int(np.argmin(np.abs(PROBABILITIES - p))) for p in (0.1, 0.5, 0.9))


def targets(tables: Tables, tolerance: float, unfit_ratio: float) -> pd.DataFrame:
    """Return one row per plan of a live cell.

    Args:
        tables: `cells`, `predictions`, `expectations`, `checks`.
        tolerance: Ratio of plan and prediction that does not matter, >= 1.
        unfit_ratio: How far outside of both predictors a plan must lie to be unfit, as a ratio.

    Returns:
        Columns of the plan, LAUNCH_AT, PREDICTOR, LABEL, the columns named above; missing where WHY_NOT says why.
    """
    key = list(c.TARGET_KEY)
    plans = tables[c.EXPECTATIONS].drop_duplicates(key)
    plans = plans.merge(live(tables[c.CELLS])[[*c.CELL_KEY, c.LAUNCH_AT]], on=list(c.CELL_KEY))
    predictions = tables[c.PREDICTIONS]
    served = _align(plans, predictions[predictions[c.IS_SERVED].fillna(value=False).astype(bool)])
    comparable = _align(plans, predictions[predictions[c.PREDICTOR] == c.COMPARABLE_TITLES])
    n = np.asarray(served[c.DENOMINATOR].fillna(plans[c.DENOMINATOR]), dtype=np.float64)
    e, p, k = (_shares(frame) for frame in (plans, served, comparable))

    rows = plans.drop(columns=[*c.QUANTILES, c.DENOMINATOR]).assign(**{c.DENOMINATOR: n})
    rows[c.PREDICTOR], rows[c.LABEL] = served[c.PREDICTOR].fillna(""), served[c.LABEL].fillna("")
    rows[list(PREDICTED)], rows[list(COMPARABLE)] = p[:, [_AT_10, _AT_50, _AT_90]], k[:, [_AT_10, _AT_50, _AT_90]]
    rows = pd.concat([rows, _gaps(plans[c.MEASURE], p, e, n, float(np.log(tolerance)))], axis=1)
    rows[PLANNED] = e[:, _AT_50] * n
    _relate(rows, p, e, k, unfit_ratio)
    rows[WHY_NOT] = _why_not(rows, predictions)
    rows[MISSING] = _missing_fields(rows, tables[c.CHECKS])
    return rows


def _align(plans: pd.DataFrame, predictions: pd.DataFrame) -> pd.DataFrame:
    """Return the predictions of the plans, row by row; missing where there is none."""
    key = list(c.TARGET_KEY)
    return plans[key].merge(predictions.drop_duplicates(key), on=key, how="left")


def _shares(frame: pd.DataFrame) -> Array:
    values = frame[list(c.QUANTILES)].to_numpy(dtype=np.float64)
    is_known = (np.isfinite(values) & (values >= 0) & (values <= 1)).all(axis=1, keepdims=True)
    return np.where(is_known, values, np.nan)


def _gaps(measures: pd.Series, p: Array, e: Array, n: Array, tolerance: float) -> pd.DataFrame:
    names = [P_BELOW, P_ABOVE, SHORTFALL, SHORTFALL_LOW, SHORTFALL_HIGH, EXCESS, SHOWN, SIZE, SPREAD]
    out = pd.DataFrame(np.nan, index=measures.index, columns=names)
    n = np.where(np.isfinite(n) & (n > 0), n, np.nan)
    for measure in Measure:
        (at,) = np.nonzero((measures == measure).to_numpy())
        for start in range(0, len(at), _BLOCK):
            block = at[start : start + _BLOCK]
            below = gap(measure, p[block], e[block], n[block], tolerance=tolerance)
            above = gap(measure, e[block], p[block], n[block], tolerance=tolerance)
            y = transform(measure, p[block], n[block, None])
            plan = transform(measure, e[block, _AT_50], n[block])
            out.iloc[block] = np.column_stack([
                below.p_below, below.p_above, below.shortfall, below.shortfall_low, below.shortfall_high,
                above.shortfall, below.shown, plan - y[:, _AT_50], y[:, _AT_90] - y[:, _AT_10],
            ])  # fmt: skip
    return out.round(_DIGITS)


def _relate(rows: pd.DataFrame, p: Array, e: Array, k: Array, unfit_ratio: float) -> None:
    """Say how plan, model and comparable titles stand to each other; false wherever one of the three is missing."""
    is_model = (rows[c.PREDICTOR] == c.MODEL).to_numpy()
    is_far = (e[:, _AT_50] > unfit_ratio * np.maximum(p[:, -1], k[:, -1])) | (
        e[:, _AT_50] * unfit_ratio < np.minimum(p[:, 0], k[:, 0])
    )
    rows[IS_UNFIT] = is_model & _overlap(p, k) & is_far
    is_apart = (p[:, _AT_90] < k[:, _AT_10]) | (k[:, _AT_90] < p[:, _AT_10])
    rows[IS_ALONE] = is_model & is_apart & _overlap(k, e)


def _overlap(first: Array, second: Array) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return np.asarray((first[:, _AT_10] <= second[:, _AT_90]) & (second[:, _AT_10] <= first[:, _AT_90]), dtype=np.bool_)


def _why_not(rows: pd.DataFrame, predictions: pd.DataFrame) -> pd.Series:
    key = list(c.TARGET_KEY)
    said = predictions.dropna(subset=[c.ABSTAINS]).drop_duplicates(key)[[*key, c.ABSTAINS]]
    reason = rows[key].merge(said, on=key, how="left")[c.ABSTAINS].astype("object")
    reason = reason.where(reason.notna() & (reason != ""), "there is no prediction")
    reason = reason.where(rows["p50"].isna(), "the plan cannot be read as a share")
    return reason.where(rows[P_BELOW].isna(), "")


def _missing_fields(rows: pd.DataFrame, checks: pd.DataFrame) -> pd.Series:
    key = list(c.CELL_KEY)
    failed = checks[(checks[c.OUTCOME] == CheckOutcome.FAILED).to_numpy()]
    failed = failed[cell_positions(rows, failed) >= 0].drop_duplicates([*key, c.FIELD])
    names = failed.groupby(key)[c.FIELD].agg(lambda fields: listed(sorted(map(str, fields)))).rename(MISSING)
    return rows[key].merge(names.reset_index(), on=key, how="left")[MISSING].astype("object").fillna("")
