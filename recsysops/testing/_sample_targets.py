"""Predictions and expectations of the sample."""

from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsysops import columns as c
from recsysops.domain.distribution import expectation_quantiles, normal_quantile
from recsysops.domain.measure import inverse, transform


def title_index(cells: pd.DataFrame) -> "pd.Series[Any]":
    """Return the number in each title id."""
    return cells[c.TITLE_ID].str.removeprefix("t-").astype("int64")


def sample_targets(cells: pd.DataFrame, n_predicted: int, as_of: datetime) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Every title of three is planned; every seventh is predicted far below its plan, every eleventh not at all."""
    base = cells[title_index(cells) < n_predicted]
    kinds = [(m, h) for m in ("reach", "impression_share") for h in (1, 7, 28)]
    plans, answers = [], []
    for measure, horizon in kinds:
        frame = base[[*c.CELL_KEY, c.LAUNCH_AT]].copy()
        frame[c.MEASURE], frame[c.HORIZON] = measure, horizon
        index = title_index(frame).to_numpy()
        typical = (0.04 if measure == "reach" else 0.002) * horizon**0.5 * (1 + (index % 5) / 4)
        frame[c.DENOMINATOR] = 2400.0 if measure == "reach" else 90000.0
        if horizon > 1 and measure == "reach":
            plans.append(_plan(frame[index % 3 > 0], typical[index % 3 > 0]))
        answers += [_answer(frame, typical, as_of, predictor) for predictor in (c.MODEL, c.COMPARABLE_TITLES)]
    return pd.concat(plans, ignore_index=True), pd.concat(answers, ignore_index=True)


def _plan(frame: pd.DataFrame, best: Any) -> pd.DataFrame:  # noqa: ANN401  # an array
    plan = frame.assign(
        **{c.LOW: best * 0.7, c.BEST: best, c.HIGH: best * 1.4, c.CONFIDENCE: 0.8, c.AUTHOR: "content team"}
    )
    plan[c.OBSERVED_AT] = plan[c.LAUNCH_AT] - pd.Timedelta(days=40)
    shares = plan[[c.LOW, c.BEST, c.HIGH]].to_numpy(dtype="float64")
    quantiles = expectation_quantiles("reach", shares, plan[c.CONFIDENCE], plan[c.DENOMINATOR])
    return pd.concat([plan, _quantiles(quantiles, plan)], axis=1)[list(c.EXPECTATION)]


def _answer(frame: pd.DataFrame, typical: Any, as_of: datetime, predictor: str) -> pd.DataFrame:  # noqa: ANN401
    index = title_index(frame).to_numpy()
    measure = str(frame[c.MEASURE].iloc[0]) if len(frame) else "reach"
    is_model = predictor == c.MODEL
    middle = typical * np.where(index % 7 == 0, 0.35, 0.95) if is_model else typical * 0.9
    n = frame[c.DENOMINATOR].to_numpy(dtype="float64")
    spread = 0.22 if is_model else 0.4
    y = transform(measure, middle, n)[:, None] + spread * normal_quantile(np.arange(5, 100, 5) / 100)[None, :]
    shares = inverse(measure, y, n[:, None])
    silent = (index % 11 == 10) & is_model
    shares[silent] = np.nan
    served = ~silent if is_model else index % 11 == 10
    answer = pd.concat([frame, _quantiles(shares, frame)], axis=1)
    answer[c.LEAD], answer[c.AS_OF], answer[c.PREDICTOR] = 7, pd.Timestamp(as_of), predictor
    answer[c.IS_SERVED] = served
    reasons = ["Too few titles like it." if is_silent else None for is_silent in silent]
    answer[c.ABSTAINS] = pd.Series(reasons, index=frame.index).astype("str")
    answer[c.LABEL] = np.where(served & ~silent & (not is_model), "fallback", "")
    answer[c.MODEL_ID] = pd.Series(["m-1" if is_model else None] * len(frame), index=frame.index).astype("str")
    return answer[list(c.PREDICTION)]


def _quantiles(values: npt.NDArray[np.float64], like: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(values, columns=list(c.QUANTILES), index=like.index)
