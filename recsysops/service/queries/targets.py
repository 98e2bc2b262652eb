"""The predictions of one title next to what was expected of them."""

from datetime import datetime

import numpy as np

from recsysops.columns import (
    ABSTAINS,
    AUTHOR,
    BEST,
    CHALLENGER,
    CONFIDENCE,
    DENOMINATOR,
    EXPECTATIONS,
    HIGH,
    HORIZON,
    IS_SERVED,
    LABEL,
    LEAD,
    LOW,
    MARKET,
    MEASURE,
    MODEL,
    MODEL_ID,
    OBSERVED_AT,
    PREDICTIONS,
    PREDICTOR,
    QUANTILES,
    SURFACE,
)
from recsysops.domain.gap import gap
from recsysops.domain.title_view import Expected, Predicted, Target
from recsysops.service.ports import UnitOfWork
from recsysops.service.queries.values import Row, load_at, number, records, text, time

Key = tuple[str, str, str, int]


def targets(unit: UnitOfWork, title_id: str, as_of: datetime) -> tuple[Target, ...]:
    """Return what is predicted and expected of a title, by market, surface, measure and horizon.

    A detection may rest on predictions of some hours before: the latest until then are shown.
    """
    predicted: dict[Key, list[Row]] = {}
    for row in records(unit.results.load(PREDICTIONS, as_of, title_ids=(title_id,))):
        if row[PREDICTOR] != CHALLENGER:  # nobody is served it: the models' own page compares
            predicted.setdefault(_key(row), []).append(row)
    expected = {_key(row): row for row in records(load_at(unit, EXPECTATIONS, as_of, (title_id,)))}
    return tuple(_target(key, predicted.get(key, []), expected.get(key)) for key in sorted({*predicted, *expected}))


def _key(row: Row) -> Key:
    return row[MARKET], row[SURFACE], row[MEASURE], int(row[HORIZON])


def _target(key: Key, rows: list[Row], plan: Row | None) -> Target:
    answers = sorted((_predicted(row) for row in rows), key=lambda a: (not a.is_served, a.predictor != MODEL))
    denominators = [number(row[DENOMINATOR]) for row in ([plan] if plan else []) + rows]
    denominator = next((n for n in denominators if n is not None), None)
    expected = _expected(plan) if plan else None
    shown, p_below = _gap(key[2], next((a for a in answers if a.is_served), None), expected, denominator)
    return Target(
        market=key[0],
        surface=key[1],
        measure=key[2],
        horizon=key[3],
        denominator=denominator,
        predictions=tuple(answers),
        expected=expected,
        gap=shown,
        p_below=p_below,
    )


def _gap(
    measure: str, served: Predicted | None, expected: Expected | None, denominator: float | None
) -> tuple[float | None, float | None]:
    if served is None or expected is None or denominator is None or not served.quantiles or not expected.quantiles:
        return None, None
    result = gap(measure, [served.quantiles], [expected.quantiles], [denominator])
    return number(result.shown[0]), number(result.p_below[0])


def _predicted(row: Row) -> Predicted:
    return Predicted(
        predictor=row[PREDICTOR],
        is_served=bool(row[IS_SERVED]),
        abstains=text(row[ABSTAINS]),
        label=text(row[LABEL]),
        lead=int(row[LEAD]),
        model_id=text(row[MODEL_ID]),
        quantiles=_quantiles(row),
    )


def _expected(row: Row) -> Expected | None:
    low, best, high, confidence = (number(row[column]) for column in (LOW, BEST, HIGH, CONFIDENCE))
    if low is None or best is None or high is None or confidence is None:
        return None
    return Expected(
        low=low,
        best=best,
        high=high,
        confidence=confidence,
        author=text(row[AUTHOR]),
        observed_at=time(row[OBSERVED_AT]),
        quantiles=_quantiles(row),
    )


def _quantiles(row: Row) -> tuple[float, ...]:
    """Return the nineteen quantiles; none at all where any is missing."""
    values = np.asarray([row[name] for name in QUANTILES], dtype=np.float64)
    return tuple(values.tolist()) if np.isfinite(values).all() else ()
