"""Prediction rows: who is served, under which label, and why the other abstains. Not for the numbers themselves."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
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
from recsysops.domain.measure import LEADS, Measure
from recsysops.model._asof import DAY, Floats, Ints
from recsysops.model._horizons import agree, coherent
from recsysops.model._training import shares

EARLY: Final = "early"
FALLBACK: Final = "fallback"
UNLIKE: Final = "unlike earlier titles: rests on what the recommender said of it"


@dataclass
class Answer:
    """What one predictor says of n cells."""

    predictor: str
    quantiles: Floats
    """Shape (n, 19), transformed scale; missing rows where it abstains."""
    reasons: list[str | None]
    """Why each cell has no number; None where it has one."""
    model_id: str | None = None
    heard: npt.NDArray[np.bool_] | None = None
    """Shape (n,), where it rests on what the recommender said of the title itself; None: nowhere."""

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
    strange: list[str | None]
    """Why a cell is unlike the past: only who heard the recommender may answer. None where it is not."""
    label: str = ""
    fallback: str = field(default="")
    """Why comparable titles are served although the model answers; empty where the model is."""


def prediction_rows(parts: Sequence[tuple[Context, Answer, Answer]]) -> pd.DataFrame:
    """Return PREDICTION, made in one go: a frame for each target would cost more than the predictions.

    Args:
        parts: Of each measure and horizon what holds, what the model says and what comparable titles say, all about the
            same cells.

    Returns:
        Per target the rows of the model, then those of comparable titles; of each two exactly one is served where any
        answers.
    """
    rows = [row for context, model, baseline in parts for row in _both(context, model, baseline)]
    if not rows or not len(parts[0][0].keys):
        return pd.DataFrame(columns=list(PREDICTION))
    rows = _agreeing(rows)
    n, keys = len(parts[0][0].keys), parts[0][0].keys
    frame = keys.take(np.tile(np.arange(n), len(rows))).reset_index(drop=True)
    quantiles = np.concatenate([row.shares for row in rows])
    made = {
        MEASURE: np.repeat([row.context.measure for row in rows], n),
        HORIZON: np.repeat([row.context.horizon for row in rows], n).astype(np.int64),
        LEAD: np.concatenate([row.context.lead for row in rows]),
        AS_OF: parts[0][0].as_of,
        PREDICTOR: np.repeat([row.answer.predictor for row in rows], n),
        IS_SERVED: np.concatenate([row.served for row in rows]),
        ABSTAINS: pd.array([reason for row in rows for reason in row.answer.reasons], dtype="str"),
        LABEL: pd.array([label for row in rows for label in row.labels], dtype="str"),
        DENOMINATOR: np.concatenate([row.context.denominator for row in rows]),
        MODEL_ID: pd.array([row.answer.model_id for row in rows for _ in range(n)], dtype="str"),
    }
    named = {name: quantiles[:, at] for at, name in enumerate(QUANTILES)}
    both = pd.concat([frame, pd.DataFrame(made | named, index=frame.index)], axis=1)
    return both[list(PREDICTION)].astype({MEASURE: "str", PREDICTOR: "str"})


@dataclass(frozen=True)
class _Row:
    """What one predictor says of n cells, and whether it is served."""

    context: Context
    answer: Answer
    served: npt.NDArray[np.bool_]
    labels: list[str]
    shares: Floats
    """Shape (n, 19)."""


def _agreeing(rows: Sequence[_Row]) -> list[_Row]:
    """Let the horizons of a measure agree: those of each predictor, and then those that are served."""
    result = list(rows)
    for measure in dict.fromkeys(row.context.measure for row in rows):
        if not agree(measure):
            continue
        own = sorted(
            (at for at, row in enumerate(rows) if row.context.measure == measure),
            key=lambda at: rows[at].context.horizon,
        )
        is_whole = Measure(measure) is Measure.UPTAKE
        for predictor in dict.fromkeys(rows[at].answer.predictor for at in own):
            chain = [at for at in own if rows[at].answer.predictor == predictor]
            shares = [result[at].shares for at in chain]
            moved = coherent(shares, [rows[at].context.denominator for at in chain], is_whole=is_whole)
            for at, values in zip(chain, moved, strict=True):
                result[at] = replace(result[at], shares=values)
        _agree_served(result, own, is_whole=is_whole)
    return result


def _agree_served(rows: list[_Row], own: Sequence[int], *, is_whole: bool) -> None:
    """Let what is served agree where the model is served for one horizon and comparable titles for another."""
    horizons = list(dict.fromkeys(rows[at].context.horizon for at in own))
    of = {horizon: [at for at in own if rows[at].context.horizon == horizon] for horizon in horizons}
    served = [
        sum(np.where(rows[at].served[:, None], np.nan_to_num(rows[at].shares), 0.0) for at in of[horizon])
        for horizon in horizons
    ]
    answered = [np.any([rows[at].served for at in of[horizon]], axis=0) for horizon in horizons]
    known = [np.where(fine[:, None], values, np.nan) for fine, values in zip(answered, served, strict=True)]
    denominators = [rows[of[horizon][0]].context.denominator for horizon in horizons]
    for horizon, values in zip(horizons, coherent(known, denominators, is_whole=is_whole), strict=True):
        for at in of[horizon]:
            rows[at] = replace(rows[at], shares=np.where(rows[at].served[:, None], values, rows[at].shares))


def _both(context: Context, model: Answer, baseline: Answer) -> tuple[_Row, _Row]:
    for answer in (model, baseline):
        unlike = _unanswered(context.strange, answer.heard)
        answer.reasons = [
            next(filter(None, whys), None) for whys in zip(context.blocked, unlike, answer.reasons, strict=True)
        ]
    has_model = np.array([reason is None for reason in model.reasons], dtype=bool)
    has_baseline = np.array([reason is None for reason in baseline.reasons], dtype=bool)
    serves_model = has_model & ~(has_baseline & bool(context.fallback))
    serves_baseline = has_baseline & ~serves_model
    fallbacks = [
        f"{FALLBACK}: {reason or context.fallback}" if served else ""
        for reason, served in zip(model.reasons, serves_baseline, strict=True)
    ]
    asked = [UNLIKE if why and served else "" for why, served in zip(context.strange, serves_model, strict=True)]
    return (
        _row(context, model, serves_model, asked),
        _row(context, baseline, serves_baseline, fallbacks),
    )


def _unanswered(strange: Sequence[str | None], heard: npt.NDArray[np.bool_] | None) -> list[str | None]:
    if heard is None:
        return list(strange)
    return [None if fine else why for fine, why in zip(heard.tolist(), strange, strict=True)]


def _row(context: Context, answer: Answer, served: npt.NDArray[np.bool_], notes: list[str]) -> _Row:
    early = np.where(context.days > LEADS[0], EARLY, "")
    labels = ["; ".join(filter(None, (note, soon, context.label))) for note, soon in zip(notes, early, strict=True)]
    fine = np.array([reason is None for reason in answer.reasons], dtype=bool)
    values = np.full((len(fine), len(QUANTILES)), np.nan)
    if fine.any():
        values[fine] = shares(context.measure, answer.quantiles[fine], context.denominator[fine])
    return _Row(context, answer, served, labels, values)


def days_until(launch: Ints, as_of: int) -> Floats:
    """Return days from `as_of` to each launch, negative after it."""
    return (launch - as_of) / DAY


NO_BASELINE: Final = "fewer than five past launches are known in this market and on this surface"
NO_DENOMINATOR: Final = "no past window of this market and surface is known, so a share has nothing to be of"
NO_LAUNCH: Final = "the launch time is not known"
CANCELLED_LAUNCH: Final = "the launch is cancelled"
DAMAGED: Final = "the model file does not match its manifest"
NO_MODEL: Final = "there is no trained model"
