"""What was predicted of both sides of a change, put together for whoever asked. Predicts nothing."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import numpy as np
import pandas as pd

from recsysops.columns import (
    ABSTAINS,
    ALL,
    DENOMINATOR,
    HORIZON,
    IS_SERVED,
    LABEL,
    LAUNCH_AT,
    MARKET,
    MEASURE,
    MODEL,
    MODEL_ID,
    N_MEMBERS,
    PREDICTOR,
    QUANTILES,
    REACH_ALONE,
    REACH_JOINT,
    REASON,
    STANDARD_ERROR,
    SURFACE,
)
from recsysops.domain.what_if import Changed, Moved, Outlook, Through, WhatIfCell, WhatIfTarget
from recsysops.service._what_if_asking import CellPlace, Said, Sides
from recsysops.service.queries.values import Row, cut, number, records, text

Key = tuple[str, str, str, int]
_LOW_90, _LOW_80, _MIDDLE, _HIGH_80, _HIGH_90 = 0, 1, 9, 17, 18
"""Places of 0.05, 0.1, 0.5, 0.9 and 0.95 among the nineteen quantiles."""
_NOISE: Final = 1e-12
"""Differences below this come of the order of additions."""
LAUNCH: Final = "launch"


def changes_of(sides: Sides, values: Mapping[str, Any]) -> tuple[Changed, ...]:
    """Return what differs, field by field, then the launches; markets alike stand in one row."""
    told = []
    for field in values:
        pairs = {m: tuple(side.fields(m).get(field) for side in (sides.before, sides.after)) for m in _markets(sides)}
        told += _by_market(field, {market: (cut(old), cut(new), old != new) for market, (old, new) in pairs.items()})
    if sides.has_launch:
        cells = zip(
            sides.before.cells[MARKET], sides.before.cells[LAUNCH_AT], sides.after.cells[LAUNCH_AT], strict=True
        )
        told += _by_market(LAUNCH, {m: (_moment(old), _moment(new), old != new) for m, old, new in cells})
    return tuple(told)


def cells_of(sides: Sides, said: Said) -> tuple[WhatIfCell, ...]:
    """Return by which way each cell was judged."""
    rows = {
        (old[MARKET], old[SURFACE]): (old, new)
        for old, new in zip(records(said.before), records(said.after), strict=True)
    }
    return tuple(
        _answered(place, *rows[place]) if place in rows else _unanswered(place, said.reasons.get(place, ""))
        for place in zip(sides.before.cells[MARKET], sides.before.cells[SURFACE], strict=True)
    )


def targets_of(
    before: pd.DataFrame, after: pd.DataFrame, through: Mapping[CellPlace, Through]
) -> tuple[WhatIfTarget, ...]:
    """Return what is served of every target on both sides (PREDICTION), with the change."""
    olds, news = _served(before), _served(after)
    return tuple(_target(key, olds[key], news[key], through) for key in sorted(olds))


def way_of(cells: Sequence[WhatIfCell]) -> Through:
    """Return by which way all cells were judged."""
    ways = {cell.through for cell in cells}
    return ways.pop() if len(ways) == 1 else Through.BOTH


def why_alone(cells: Sequence[WhatIfCell]) -> str:
    """Return why the recommender's answer was not used, each reason once; empty where it was everywhere."""
    return "; ".join(dict.fromkeys(cell.reason for cell in cells if cell.through is Through.MODEL))


def _markets(sides: Sides) -> tuple[str, ...]:
    return sides.before.markets


def _by_market(what: str, told: Mapping[str, tuple[str, str, bool]]) -> list[Changed]:
    if len(set(told.values())) == 1:
        told = {ALL: next(iter(told.values()))}
    return [
        Changed(what=what, market=market, before=before, after=after, is_different=bool(is_different))
        for market, (before, after, is_different) in told.items()
    ]


def _moment(at: pd.Timestamp) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _answered(place: CellPlace, old: Row, new: Row) -> WhatIfCell:
    return WhatIfCell(
        market=place[0], surface=place[1], through=Through.RECOMMENDER, reason=text(new[REASON]) or text(old[REASON]),
        n_members=int(new[N_MEMBERS]), reach_before=number(old[REACH_JOINT]), reach_after=number(new[REACH_JOINT]),
        alone_before=number(old[REACH_ALONE]), alone_after=number(new[REACH_ALONE]),
        standard_error=number(new[STANDARD_ERROR]),
    )  # fmt: skip


def _unanswered(place: CellPlace, reason: str) -> WhatIfCell:
    return WhatIfCell(
        market=place[0], surface=place[1], through=Through.MODEL, reason=reason, n_members=0, reach_before=None,
        reach_after=None, alone_before=None, alone_after=None, standard_error=None,
    )  # fmt: skip


def _served(predictions: pd.DataFrame) -> dict[Key, Row]:
    """Return what is served of every target; where nothing is, the model's row, which says why."""
    rank = np.where(predictions[IS_SERVED], 0, np.where(predictions[PREDICTOR] == MODEL, 1, 2))
    order = predictions.iloc[np.argsort(rank, kind="stable")[::-1]]
    return {(row[MARKET], row[SURFACE], row[MEASURE], int(row[HORIZON])): row for row in records(order)}


def _target(key: Key, old: Row, new: Row, through: Mapping[CellPlace, Through]) -> WhatIfTarget:
    before, after = _outlook(old), _outlook(new)
    return WhatIfTarget(
        market=key[0],
        surface=key[1],
        measure=key[2],
        horizon=key[3],
        denominator=number(new[DENOMINATOR]),
        # No answer of the recommender moves what comparable titles say.
        through=through[key[0], key[1]] if MODEL in {before.predictor, after.predictor} else Through.MODEL,
        before=before,
        after=after,
        change=_moved(before, after),
    )


def _outlook(row: Row) -> Outlook:
    is_served = bool(row[IS_SERVED])
    q = tuple(float(row[name]) for name in QUANTILES) if is_served else ()
    launch_at: datetime = row[LAUNCH_AT].to_pydatetime()
    return Outlook(
        launch_at=launch_at,
        predictor=text(row[PREDICTOR]) if is_served else "",
        model_id=text(row[MODEL_ID]) if is_served else "",
        label=text(row[LABEL]) if is_served else "",
        abstains="" if is_served else text(row[ABSTAINS]),
        median=q[_MIDDLE] if q else None,
        low_80=q[_LOW_80] if q else None,
        high_80=q[_HIGH_80] if q else None,
        low_90=q[_LOW_90] if q else None,
        high_90=q[_HIGH_90] if q else None,
        quantiles=q,
    )


def _moved(before: Outlook, after: Outlook) -> Moved | None:
    if not before.quantiles or not after.quantiles or before.predictor != after.predictor:
        return None
    steps = np.subtract(after.quantiles, before.quantiles)
    steps[np.abs(steps) < _NOISE] = 0.0
    middle = steps[_LOW_80 : _HIGH_80 + 1]
    return Moved(median=float(steps[_MIDDLE]), low=float(middle.min()), high=float(middle.max()))
