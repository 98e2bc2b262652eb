"""Where comparable titles have been better than the model on launches that happened: there they are served.

A model earns its place in training, on launches held back; this takes it back when launches since then disagree. Not
for choosing between two models: see the registry.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import numpy as np
import pandas as pd

from recsysops.columns import (
    COMPARABLE_TITLES,
    HORIZON,
    KNOWN_AT,
    LAUNCH_AT,
    LEAD,
    MEASURE,
    MODEL,
    PINBALL,
    PREDICTOR,
    TARGET_KEY,
    TITLE_ID,
)
from recsysops.model._asof import DAY, microsecond, microseconds

_WEEK: Final = 7 * DAY
_WEEKS: Final = 26
"""Launches of so many weeks before are looked at: models are trained anew, and older misses are not theirs."""
_LEAST_WEEKS: Final = 8
_LEAST_TITLES: Final = 60
_SURE: Final = 0.95
"""One-sided confidence that comparable titles are better: the model keeps its place in doubt."""


def behind(scores: pd.DataFrame | None, as_of: datetime) -> Mapping[tuple[str, int], str]:
    """Return the measures and horizons where comparable titles were better, and how clearly, in words.

    Args:
        scores: LAUNCH_SCORE; None or without rows where nothing was scored. Model and comparable titles are compared on
            the same targets and leads, week of launch by week of launch: titles of one week share its shocks.
        as_of: Scores known later do not count.
    """
    if scores is None or scores.empty:
        return {}
    launched = microseconds(scores[LAUNCH_AT])
    fine = (microseconds(scores[KNOWN_AT]) <= microsecond(as_of)) & scores[PINBALL].notna().to_numpy()
    fine &= launched > microsecond(as_of) - _WEEKS * _WEEK
    rows = scores[fine].assign(week=launched[fine] // _WEEK)
    pair = [*TARGET_KEY, LEAD, "week"]
    losses = [
        rows[rows[PREDICTOR] == name].groupby(pair)[PINBALL].mean().rename(name) for name in (MODEL, COMPARABLE_TITLES)
    ]
    both = pd.concat(losses, axis=1, join="inner").reset_index()
    found = {
        (str(measure), int(str(horizon))): _judged(part)
        for (measure, horizon), part in both.groupby([MEASURE, HORIZON])
    }
    return {target: said for target, said in found.items() if said}


def _judged(part: pd.DataFrame) -> str:
    from scipy.special import stdtrit

    n_titles = part[TITLE_ID].nunique()
    weeks = part.assign(more=part[MODEL] - part[COMPARABLE_TITLES]).groupby("week")["more"].agg(["mean", "size"])
    if len(weeks) < _LEAST_WEEKS or n_titles < _LEAST_TITLES:
        return ""
    share = weeks["size"].to_numpy() / weeks["size"].sum()
    mean = float((share * weeks["mean"]).sum())
    # The error of a weighted mean of weeks, each week one draw.
    error = float(np.sqrt((share**2 * (weeks["mean"].to_numpy() - mean) ** 2).sum() * len(weeks) / (len(weeks) - 1)))
    if mean - stdtrit(len(weeks) - 1, _SURE) * error <= 0:
        return ""
    return (
        f"comparable titles were better on the last {n_titles} launched titles (pinball loss "
        f"{part[COMPARABLE_TITLES].mean():.3f} against {part[MODEL].mean():.3f})"
    )
