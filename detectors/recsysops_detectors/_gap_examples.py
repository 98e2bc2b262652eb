"""Worked examples of `expectation_gap`, as literal rows."""

from datetime import UTC, datetime
from typing import Final

from recsysops import columns as c
from recsysops.contract.detector import Example
from recsysops.domain.measure import Measure
from recsysops.domain.verdict import CheckOutcome

_AS_OF: Final = datetime(2026, 3, 2, tzinfo=UTC)
_Row = dict[str, object]


def _cell(title_id: str) -> _Row:
    launch_at = datetime(2026, 3, 8, tzinfo=UTC)
    return _key(title_id) | {c.LAUNCH_AT: launch_at, c.LAUNCH_STATUS: c.PLANNED}


def _key(title_id: str) -> _Row:
    return {c.TITLE_ID: title_id, c.MARKET: "DE", c.SURFACE: "home"}


def _target(title_id: str, horizon: int) -> _Row:
    return _key(title_id) | {c.MEASURE: Measure.REACH.value, c.HORIZON: horizon, c.DENOMINATOR: 20000.0}


def _quantiles(median: float, factor: float) -> _Row:
    """Nineteen quantiles about a median, the outermost a factor away: even steps of the logarithm."""
    return {name: median * factor ** ((step - 9) / 9) for step, name in enumerate(c.QUANTILES)}


def _prediction(title_id: str, median: float, factor: float = 1.6, horizon: int = 1) -> _Row:
    said = {c.PREDICTOR: c.MODEL, c.IS_SERVED: True, c.ABSTAINS: None, c.LABEL: ""}
    return _target(title_id, horizon) | said | _quantiles(median, factor)


def _comparable(title_id: str, median: float, factor: float = 2.0, *, is_served: bool = False) -> _Row:
    said = {c.PREDICTOR: c.COMPARABLE_TITLES, c.IS_SERVED: is_served, c.ABSTAINS: None}
    return _target(title_id, 1) | said | {c.LABEL: "fallback" if is_served else ""} | _quantiles(median, factor)


def _plan(title_id: str, best: float, author: str = "launch team", horizon: int = 1) -> _Row:
    numbers = {c.LOW: best * 0.75, c.BEST: best, c.HIGH: best * 1.33, c.AUTHOR: author}
    return _target(title_id, horizon) | numbers | _quantiles(best, 1.5)


def _check(title_id: str, field: str, outcome: CheckOutcome) -> _Row:
    return _key(title_id) | {c.FIELD: field, c.OUTCOME: outcome.value}


EXAMPLES: Final = (
    Example(
        name="A third of the plan, with and without a synopsis, beside a title as planned",
        tables={
            c.CELLS: [_cell("night-train"), _cell("harbour"), _cell("low-tide")],
            c.PREDICTIONS: [
                _prediction("night-train", 0.02), _comparable("night-train", 0.05),
                _prediction("harbour", 0.02), _comparable("harbour", 0.022),
                _prediction("low-tide", 0.058), _comparable("low-tide", 0.05),
            ],
            c.EXPECTATIONS: [_plan("night-train", 0.06), _plan("harbour", 0.06), _plan("low-tide", 0.06)],
            c.CHECKS: [
                _check("night-train", "synopsis", CheckOutcome.FAILED),
                _check("harbour", "synopsis", CheckOutcome.PASSED),
                _check("low-tide", "synopsis", CheckOutcome.PASSED),
            ],
        },
        flagged=frozenset({"night-train", "harbour"}),
        as_of=_AS_OF,
    ),
    Example(
        name="Five times the plan: a reused id, perhaps; and a plan ten times too high",
        tables={
            c.CELLS: [_cell("sand-castle"), _cell("typing-error")],
            c.PREDICTIONS: [
                _prediction("sand-castle", 0.10), _comparable("sand-castle", 0.025),
                _prediction("typing-error", 0.03), _comparable("typing-error", 0.028),
            ],
            c.EXPECTATIONS: [_plan("sand-castle", 0.02), _plan("typing-error", 0.30)],
            c.CHECKS: [],
        },
        flagged=frozenset({"sand-castle", "typing-error"}),
        as_of=_AS_OF,
    ),
    Example(
        name="As planned, without a plan, and without a prediction",
        tables={
            c.CELLS: [_cell("as-planned"), _cell("no-plan"), _cell("no-prediction")],
            c.PREDICTIONS: [
                _prediction("as-planned", 0.05), _comparable("as-planned", 0.05),
                _prediction("as-planned", 0.11, horizon=7), _prediction("no-plan", 0.001),
            ],
            c.EXPECTATIONS: [
                _plan("as-planned", 0.05), _plan("as-planned", 0.12, horizon=7), _plan("no-prediction", 0.05),
            ],
            c.CHECKS: [],
        },
        flagged=frozenset(),
        as_of=_AS_OF,
    ),
    Example(
        name="Two predictors that disagree, a fallback, and a prediction too wide to tell",
        tables={
            c.CELLS: [_cell("disputed"), _cell("fallback"), _cell("too-wide")],
            c.PREDICTIONS: [
                _prediction("disputed", 0.01, 1.3), _comparable("disputed", 0.06, 1.5),
                _comparable("fallback", 0.01, is_served=True),
                _prediction("too-wide", 0.04, 8.0),
            ],
            c.EXPECTATIONS: [_plan("disputed", 0.06), _plan("fallback", 0.06), _plan("too-wide", 0.06)],
            c.CHECKS: [],
        },
        flagged=frozenset({"disputed", "fallback", "too-wide"}),
        as_of=_AS_OF,
    ),
)  # fmt: skip
