"""What the model made of what it knows of one cell: context beside a prediction, never a cause."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

import pandas as pd

from recsysops.columns import (
    AS_OF,
    CELL_KEY,
    HORIZON,
    IS_SERVED,
    LABEL,
    LAUNCH_AT,
    LAUNCH_STATUS,
    MEASURE,
    MODEL,
    MODEL_ID,
    PLANNED,
    PREDICTIONS,
    PREDICTOR,
    QUANTILES,
)
from recsysops.domain.contribution import AnswerParts, Contribution, Contributions
from recsysops.domain.measure import inverse
from recsysops.domain.model import ModelCard
from recsysops.errors import RecSysOpsError
from recsysops.service.ports import Store, UnitOfWork
from recsysops.service.queries.snapshot import Snapshot
from recsysops.service.queries.title import Target
from recsysops.service.queries.values import Row, cell_of, cut, number, records, text

TakeApart = Callable[[pd.DataFrame, datetime, ModelCard], AnswerParts]
"""Takes one row (CELL_KEY, LAUNCH_AT, LAUNCH_STATUS), as_of and the model's card; see `Forecaster.contributions`."""
SHOWN = 12
_ALIKE = 1e-6
"""Relative difference of two medians up to which they are the same prediction."""
MOVED_ON = (
    "What is known of the past has changed since this prediction was made: its parts are no longer exactly these. "
    "Run `recsysops predict`."
)
DIFFERS = (
    "The prediction shown is not exactly what these parts sum up to: it was made to agree with those over other "
    "horizons, or what is known of the past has changed since. `recsysops predict` mends the second."
)


def contributions(
    store: Store, snapshot: Snapshot, target: Target, *, take_apart: TakeApart | None, now: datetime, limit: int = SHOWN
) -> Contributions:
    """Return what the model made of one cell, for one measure and horizon, as far as a model answered.

    What goes wrong costs this section alone: `problem` says so in a sentence.

    Args:
        store: Where the predictions are.
        snapshot: What the last detection said.
        target: Cell, measure and horizon.
        take_apart: Takes an answer apart; None where there is no predictor.
        now: Aware UTC; stands in for the time of a detection before the first.
        limit: Most rows to return; the others are summed up in `rest`.
    """
    cell, measure, horizon = target
    nothing = Contributions(
        title_id=cell[0], market=cell[1], surface=cell[2], measure=measure, horizon=horizon,
    )  # fmt: skip
    with store.read() as unit:
        row = _served(unit, target, snapshot.as_of or now)
        cards = {card.model_id: card for card in unit.models.active()}
    if problem := _why_not(row, cards, has_predictor=take_apart is not None):
        return replace(nothing, problem=problem)
    assert row is not None
    assert take_apart is not None  # both are told by `_why_not`
    as_of = row[AS_OF].to_pydatetime()
    frame = pd.DataFrame([{name: row[name] for name in (*CELL_KEY, LAUNCH_AT)} | {LAUNCH_STATUS: PLANNED}])
    try:
        found = take_apart(frame, as_of, cards[text(row[MODEL_ID])])
    except RecSysOpsError as error:
        return replace(nothing, problem=str(error))
    except Exception as error:  # noqa: BLE001  # a bug in taking it apart must not take the page away
        return replace(nothing, problem=f"The prediction could not be taken apart ({type(error).__name__}).")
    if not math.isfinite(found.denominator):
        return replace(nothing, problem=MOVED_ON)
    return _told(replace(nothing, model_id=text(row[MODEL_ID]), as_of=as_of), found, number(row[QUANTILES[9]]), limit)


def _served(unit: UnitOfWork, target: Target, as_of: datetime) -> Row | None:
    for row in records(unit.results.load(PREDICTIONS, as_of, title_ids=(target[0][0],))):
        if row[IS_SERVED] and (cell_of(row), row[MEASURE], int(row[HORIZON])) == target:
            return row
    return None


def _why_not(row: Row | None, cards: dict[str, ModelCard], *, has_predictor: bool) -> str:
    if not has_predictor:
        return "Taking a prediction apart needs a predictor, and this service has none."
    if row is None:
        return "There is no prediction of this title here, so there is nothing to take apart."
    if row[PREDICTOR] != MODEL:
        reason = text(row[LABEL]).removeprefix("fallback: ").rstrip(".")
        return f"Comparable titles answer here, not the model{f' ({reason})' if reason else ''}: see them below."
    if text(row[MODEL_ID]) not in cards:
        return "The model that made this prediction is no longer in use. Run `recsysops predict`."
    return ""


def _told(nothing: Contributions, found: AnswerParts, shown_median: float | None, limit: int) -> Contributions:
    left_out = found.parts[limit:]
    base, answer, *without = _shares(
        nothing.measure, [found.base, found.answer, *(found.answer - part.amount for part in found.parts[:limit])],
        found.denominator,
    )  # fmt: skip
    is_same = shown_median is not None and math.isclose(shown_median, found.median, rel_tol=_ALIKE, abs_tol=1e-12)
    return replace(
        nothing,
        base=base,
        answer=answer,
        median=found.median if shown_median is None else shown_median,
        transformed={
            "base": found.base,
            "answer": found.answer,
            "rest": math.fsum(part.amount for part in left_out),
        },
        rows=tuple(
            Contribution(name=cut(part.name), value=cut(part.value), amount=part.amount, without=share)
            for part, share in zip(found.parts[:limit], without, strict=True)
        ),
        n_rest=len(left_out),
        note="" if is_same else DIFFERS,
    )


def _shares(measure: str, values: Sequence[float], denominator: float) -> list[float]:
    return [float(share) for share in inverse(measure, values, denominator)]
