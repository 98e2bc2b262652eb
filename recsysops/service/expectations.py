"""Reads plans as distributions of a share, on the same denominator as the prediction they are compared with."""

from datetime import datetime

import numpy as np
import pandas as pd

from recsysops.columns import (
    BEST,
    CONFIDENCE,
    DENOMINATOR,
    EXPECTATION,
    HIGH,
    LOW,
    MEASURE,
    QUANTILES,
    TARGET_KEY,
    UNIT,
)
from recsysops.domain.distribution import expectation_quantiles
from recsysops.service.ports import UnitOfWork

SHARE = "share"


def expectations_known(
    unit: UnitOfWork, cells: pd.DataFrame, predictions: pd.DataFrame, as_of: datetime
) -> pd.DataFrame:
    """Return the plans of the cells, as known at `as_of`; see `as_shares`."""
    return as_shares(unit.versions.known("expectations", as_of), cells, predictions)


def as_shares(plans: pd.DataFrame, cells: pd.DataFrame, predictions: pd.DataFrame) -> pd.DataFrame:
    """Read the plans of cells as distributions of a share.

    Args:
        plans: EXPECTATION_VERSION, one row per target.
        cells: CELL; plans of other cells are left out.
        predictions: PREDICTION; its denominators turn counts into shares.

    Returns:
        Columns EXPECTATION. Low, best, high and the quantiles are shares; missing where a plan in members or
        impressions has no denominator to be a share of.
    """
    keys = [column for column in TARGET_KEY if column in cells.columns]
    plans = plans.merge(cells[keys], on=keys)
    denominators = predictions.dropna(subset=[DENOMINATOR]).drop_duplicates(list(TARGET_KEY))
    plans = plans.merge(denominators[[*TARGET_KEY, DENOMINATOR]], on=list(TARGET_KEY), how="left")
    # Without a denominator a share can still be drawn; it only lacks the half member that keeps zero finite.
    n = np.where(plans[UNIT] == SHARE, plans[DENOMINATOR].fillna(1e6), plans[DENOMINATOR]).astype(np.float64)
    divisor = np.where(plans[UNIT] == SHARE, 1.0, n)
    for column in (LOW, BEST, HIGH):
        plans[column] = (plans[column] / divisor).clip(upper=1.0)
    quantiles = pd.DataFrame(np.nan, index=plans.index, columns=list(QUANTILES))
    for measure, part in plans.groupby(MEASURE):
        shares = part[[LOW, BEST, HIGH]].to_numpy(dtype=np.float64)
        at = plans.index.get_indexer(part.index)
        quantiles.loc[part.index] = expectation_quantiles(str(measure), shares, part[CONFIDENCE].to_numpy(), n[at])
    return pd.concat([plans, quantiles], axis=1)[list(EXPECTATION)].reset_index(drop=True)
