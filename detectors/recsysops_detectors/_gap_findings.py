"""Findings and verdicts of `expectation_gap`, from judged plans."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from recsysops import columns as c
from recsysops.domain.finding import finding_key
from recsysops.domain.measure import Measure
from recsysops.domain.severity import FindingClass, Severity
from recsysops.domain.verdict import CheckOutcome
from recsysops_detectors import _gap_numbers as g
from recsysops_detectors import _gap_words as words
from recsysops_detectors._common import cell_positions, rows_of
from recsysops_detectors._gap_rules import OVER_SERVED, UNDER_SERVED, UNFIT

if TYPE_CHECKING:
    from recsysops_detectors.expectation_gap import ExpectationGapParams

NAME: Final = "expectation_gap"
_PROBABILITY: Final = {UNDER_SERVED: g.P_BELOW, OVER_SERVED: g.P_ABOVE}
_WORTH: Final = {c.WORTH: g.SHORTFALL, c.WORTH_LOW: g.SHORTFALL_LOW, c.WORTH_HIGH: g.SHORTFALL_HIGH}

_FAILED, _UNKNOWN, _INFO, _QUIET = range(4)
"""What a plan has to say, the loudest first."""

_NO_PLAN: Final = (CheckOutcome.NOT_APPLICABLE.value, "No expectation.", np.nan, "")
_ONE_PREDICTOR: Final = (
    CheckOutcome.NOT_APPLICABLE.value, "There are no two predictors to hold against the plan.", np.nan, "",
)  # fmt: skip
Row = Mapping[Any, Any]


def finding_of(rule: str, horizons: Sequence[Row], params: "ExpectationGapParams") -> dict[str, object]:
    """Return the finding of one cell and measure.

    Args:
        rule: The rule.
        horizons: Its flagged plans, worst first; the first makes the sentence, the evidence lists all.
        params: Limits.
    """
    row = horizons[0]
    title_id, market, surface, measure = (str(row[column]) for column in (*c.CELL_KEY, c.MEASURE))
    finding_class = FindingClass(row[c.CLASS])
    is_short = rule == UNDER_SERVED
    worth = {name: max(float(row[source]), 0.0) if is_short else np.nan for name, source in _WORTH.items()}
    return worth | {
        c.FINDING_KEY: finding_key(NAME, rule, title_id, market, surface, measure),
        c.DETECTOR: NAME, c.RULE: rule, c.TITLE_ID: title_id, c.MARKET: market, c.SURFACE: surface,
        c.FIELD: "", c.MEASURE: measure, c.SEVERITY: row[c.SEVERITY], c.CLASS: finding_class.value,
        c.WHY: _why(rule, row, finding_class, params),
        c.REMEDY: words.remedy(row, finding_class, is_short=is_short),
        c.WORTH_UNIT: Measure(measure).worth_unit if is_short else "",
        c.LATEST_SAFE_FIX_AT: row[c.LAUNCH_AT] - pd.Timedelta(days=params.days_to_fix),
        c.SCORE: float(row[g.SIZE]) if np.isfinite(row[g.SIZE]) else 0.0,
        c.EVIDENCE: _evidence(row, params) | {"horizons": [_numbers(other) for other in horizons]},
    }  # fmt: skip


def _why(rule: str, row: Row, finding_class: FindingClass, params: "ExpectationGapParams") -> str:
    if rule == UNFIT:
        return words.unfit(row)
    if rule == OVER_SERVED:
        return words.over_served(row, params.tolerance) + words.remarks(row, finding_class)
    if row[g.P_BELOW] < params.min_probability:
        return words.unsure(row) + words.remarks(row, finding_class)
    return words.under_served(row, params.tolerance) + words.remarks(row, finding_class)


def _evidence(row: Row, params: "ExpectationGapParams") -> dict[str, object]:
    return _numbers(row) | {
        "surface": row[c.SURFACE],
        "market": row[c.MARKET],
        "measure": row[c.MEASURE],
        "plan_author": row[c.AUTHOR] if isinstance(row[c.AUTHOR], str) else "",
        "missing_fields": row[g.MISSING],
        "interval": 0.8,
        "tolerance_below": 1 - 1 / params.tolerance,
        "tolerance_above": params.tolerance - 1,
        "surest_shown": words.SUREST,
        "interval_factor": _finite(np.exp(row[g.SPREAD])),
    }


def _numbers(row: Row) -> dict[str, object]:
    """Return what is known of one horizon; shares in [0, 1], None where something is missing."""
    return {
        "horizon_days": int(row[c.HORIZON]),
        "predictor": row[c.PREDICTOR],
        "label": row[c.LABEL],
        "predicted": [_finite(row[name]) for name in g.PREDICTED],
        "comparable_titles": [_finite(row[name]) for name in g.COMPARABLE],
        "plan": [_finite(row[name]) for name in (c.LOW, c.BEST, c.HIGH)],
        "gap": _finite(row[g.SHOWN]),
        "probability_below": _finite(row[g.P_BELOW]),
        "probability_above": _finite(row[g.P_ABOVE]),
        "shortfall": _finite(row[g.SHORTFALL]),
        "excess": _finite(row[g.EXCESS]),
        "planned": _finite(row[g.PLANNED]),
        "denominator": _finite(row[c.DENOMINATOR]),
    }


def _finite(value: Any) -> float | None:  # noqa: ANN401 - a cell of a frame
    return float(value) if math.isfinite(value) else None


def verdicts_of(rule: str, cells: pd.DataFrame, plans: pd.DataFrame, params: "ExpectationGapParams") -> pd.DataFrame:
    """Return one verdict per cell, in the order of the cells: that of the plan with the most to say.

    Args:
        rule: The rule.
        cells: Columns CELL_KEY.
        plans: Judged plans, worst first.
        params: Limits.
    """
    key = list(c.CELL_KEY)
    n_plans = plans.groupby(key).size().rename("n").reset_index()
    said = [_NO_PLAN] * len(cells)
    for cell in cell_positions(cells, n_plans).tolist():
        said[cell] = _ONE_PREDICTOR
    if rule == UNFIT:  # takes two predictors to say so: where there is one, it does not apply
        plans = plans[(plans[g.WHY_NOT] != "") | ((plans[c.PREDICTOR] == c.MODEL) & plans[g.COMPARABLE[1]].notna())]
    is_failed = plans[c.SEVERITY].isin([Severity.CRITICAL.value, Severity.WARNING.value]).to_numpy()
    is_unknown, is_info = (plans[g.WHY_NOT] != "").to_numpy(), (plans[c.SEVERITY] == Severity.INFO.value).to_numpy()
    p = plans[_PROBABILITY[rule]] if rule in _PROBABILITY else pd.Series(np.nan, index=plans.index, dtype="float64")
    rows = plans.assign(order=np.select([is_failed, is_unknown, is_info], [_FAILED, _UNKNOWN, _INFO], _QUIET), p=p)
    first = rows.sort_values(["order", "p", c.MEASURE, c.HORIZON], ascending=[True, False, True, True])
    first = first.drop_duplicates(key).merge(n_plans, on=key)
    for cell, row in zip(cell_positions(cells, first).tolist(), rows_of(first), strict=True):
        said[cell] = _verdict(rule, row, params)
    return pd.DataFrame(said, columns=[c.OUTCOME, c.REASON, c.MARGIN, c.DATA])


def _verdict(rule: str, row: Row, params: "ExpectationGapParams") -> tuple[str, str, float, str]:
    what, margin = words.subject(row), params.min_probability - float(row["p"])
    data = _data(row, what)
    if row["order"] == _FAILED:
        return CheckOutcome.FAILED.value, f"{_sure(rule, row)}.", min(margin, 0.0), data
    if row["order"] == _UNKNOWN:
        return CheckOutcome.NOT_RUN.value, f"No comparison of {what}: {row[g.WHY_NOT]}.", np.nan, data
    passed, margin = CheckOutcome.PASSED.value, max(margin, 0.0) if rule in _PROBABILITY else np.nan
    if rule == UNFIT:
        said = f"The plan for {what} looks unusual." if row["order"] == _INFO else "No plan is far off."
        return passed, said, margin, data
    if row["order"] == _INFO and row["p"] < params.min_probability:
        return passed, f"{_sure(rule, row)}; the prediction is too unsure to tell.", margin, data
    if row["order"] == _INFO:
        return passed, f"{_sure(rule, row)}, but the plan rests on comparable titles alone.", margin, data
    return passed, f"{_sure(rule, row)} at most; {words.sure(params.min_probability)} is the limit.", margin, data


def _sure(rule: str, row: Row) -> str:
    does = "falls short" if rule == UNDER_SERVED else "exceeds its plan"
    return f"That {words.subject(row)} {does} is {words.sure(row['p'])} likely"


def _data(row: Row, what: str) -> str:
    predictor = str(row[c.PREDICTOR] or "nobody").replace("_", " ")
    label = f" ({row[c.LABEL]})" if row[c.LABEL] else ""
    plans = "1 plan" if row["n"] == 1 else f"{row['n']:g} plans"
    return f"{plans}; decisive: {what}, predicted by {predictor}{label}"
