"""Whether the predictions that were made still hold what they promise, per measure, horizon and predictor."""

from datetime import datetime

import numpy as np
import pandas as pd

from recsysops.columns import (
    AS_OF,
    HORIZON,
    IS_SERVED,
    KNOWN_AT,
    MEASURE,
    PIT,
    PREDICTOR,
    TARGET_KEY,
    TITLE_ID,
)
from recsysops.domain.calibration import Calibration, judge

NEEDED = (*TARGET_KEY, AS_OF, PREDICTOR, IS_SERVED, PIT, KNOWN_AT)
"""Columns of LAUNCH_SCORE that `calibrations` reads."""
_WEEK_SECONDS = 7 * 86_400


def calibrations(scores: pd.DataFrame, as_of: datetime) -> tuple[Calibration, ...]:
    """Judge every measure, horizon and predictor that was scored, sorted.

    Args:
        scores: LAUNCH_SCORE, of which `NEEDED` is read; of each target the prediction made last counts, once.
        as_of: Scores known later do not count.
    """
    rows = scores[scores[PIT].notna() & (scores[KNOWN_AT] <= as_of)]
    order = [KNOWN_AT, IS_SERVED, AS_OF, TITLE_ID]
    rows = rows.sort_values(order, kind="stable").drop_duplicates([PREDICTOR, *TARGET_KEY], keep="last")
    weeks = (rows[KNOWN_AT].dt.as_unit("s").to_numpy("datetime64[s]").astype(np.int64)) // _WEEK_SECONDS
    return tuple(
        judge((str(measure), int(str(horizon)), str(predictor)), part[PIT], part["week"], part[TITLE_ID])
        for (measure, horizon, predictor), part in rows.assign(week=weeks).groupby([MEASURE, HORIZON, PREDICTOR])
    )
