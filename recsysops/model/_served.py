"""Prediction rows: who is served, under which label, and why the other abstains. Not for the numbers themselves."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsysops.columns import (
    ABSTAINS,
    AS_OF,
    DENOMINATOR,
    HORIZON,
    IS_SERVED,
    LABEL,
    LEAD,
    MEASURE,
    MODEL_ID,
    PREDICTION,
    PREDICTOR,
    QUANTILES,
)  # fmt: skip
from recsysops.domain.measure import LEADS
from recsysops.model._asof import DAY, Floats, Ints
from recsysops.model._training import shares

EARLY: Final = "early"
FALLBACK: Final = "fallback"


@dataclass
class Answer:
    """What one predictor says of n cells."""

    predictor: str
    quantiles: Floats
    """Shape (n, 19), transformed scale; missing rows where it abstains."""
    reasons: list[str | None]
    """Why each cell has no number; None where it has one."""
    model_id: str | None = None

    @classmethod
    def silent(cls, predictor: str, n: int, reason: str, model_id: str | None = None) -> "Answer":
        """Return an answer that abstains everywhere."""
        return cls(predictor, np.full((n, len(QUANTILES)), np.nan), [reason] * n, model_id)


@dataclass(frozen=True)
class Context:
    """What holds for all predictors of one measure and horizon."""

    keys: pd.DataFrame
    """CELL_KEY and LAUNCH_AT of n cells."""
    measure: str
    horizon: int
    as_of: pd.Timestamp
    days: Floats
    """Days from as_of to launch."""
    lead: Ints
    denominator: Floats
    blocked: list[str | None]
    """Why no predictor can answer; None where one may."""
    label: str = ""
    fallback: str = field(default="")
    """Why comparable titles are served although the model answers; empty where the model is."""


def prediction_rows(context: Context, model: Answer, baseline: Answer) -> pd.DataFrame:
    """Return PREDICTION for the model and comparable titles, exactly one of them served where any answers."""
    for answer in (model, baseline):
        answer.reasons = [blocked or reason for blocked, reason in zip(context.blocked, answer.reasons, strict=True)]
    has_model = np.array([reason is None for reason in model.reasons], dtype=bool)
    has_baseline = np.array([reason is None for reason in baseline.reasons], dtype=bool)
    serves_model = has_model & ~(has_baseline & bool(context.fallback))
    serves_baseline = has_baseline & ~serves_model
    fallbacks = [
        f"{FALLBACK}: {reason or context.fallback}" if served else ""
        for reason, served in zip(model.reasons, serves_baseline, strict=True)
    ]
    return pd.concat(
        [
            _rows(context, model, serves_model, [""] * len(fallbacks)),
            _rows(context, baseline, serves_baseline, fallbacks),
        ],
        ignore_index=True,
    )


def _rows(context: Context, answer: Answer, served: npt.NDArray[np.bool_], fallbacks: list[str]) -> pd.DataFrame:
    frame = context.keys.copy()
    frame[MEASURE] = context.measure
    frame[HORIZON] = context.horizon
    frame[LEAD] = context.lead
    frame[AS_OF] = context.as_of
    frame[PREDICTOR] = answer.predictor
    frame[IS_SERVED] = served
    frame[ABSTAINS] = pd.array(answer.reasons, dtype="str")
    early = np.where(context.days > LEADS[0], EARLY, "")
    frame[LABEL] = [
        "; ".join(filter(None, (fallback, soon, context.label)))
        for fallback, soon in zip(fallbacks, early, strict=True)
    ]
    frame[DENOMINATOR] = context.denominator
    frame[MODEL_ID] = pd.array([answer.model_id] * len(frame), dtype="str")
    fine = np.array([reason is None for reason in answer.reasons], dtype=bool)
    values = np.full((len(frame), len(QUANTILES)), np.nan)
    if fine.any():
        values[fine] = shares(context.measure, answer.quantiles[fine], context.denominator[fine])
    frame[list(QUANTILES)] = values
    return frame[list(PREDICTION)]


def days_until(launch: Ints, as_of: int) -> Floats:
    """Return days from `as_of` to each launch, negative after it."""
    return (launch - as_of) / DAY


NO_BASELINE: Final = "fewer than five past launches are known in this market and on this surface"
NO_DENOMINATOR: Final = "no past window of this market and surface is known, so a share has nothing to be of"
NO_LAUNCH: Final = "the launch time is not known"
CANCELLED_LAUNCH: Final = "the launch is cancelled"
DAMAGED: Final = "the model file does not match its manifest"
NO_MODEL: Final = "there is no trained model"
