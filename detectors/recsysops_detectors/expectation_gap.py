"""Finds titles the recommender is predicted to treat otherwise than planned.

Two distributions are compared, prediction and plan, on the transformed scale and the same denominator: a finding needs
a high probability that they differ by more than a tolerance. Comparable titles alone never page anybody.

Source: Saberian & Basilico, "RecSysOps", 2022; Speirs-Bridge et al., Risk Analysis, 2010 (people's intervals).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Final

from pydantic import Field

from recsysops import columns as c
from recsysops.contract.detector import Detection, Detector, Params, Rule, Tables
from recsysops.domain.severity import FindingClass
from recsysops_detectors._common import CELL_COLUMNS, findings_frame, rows_of, verdicts_frame
from recsysops_detectors._gap_examples import EXAMPLES
from recsysops_detectors._gap_findings import NAME, finding_of, verdicts_of
from recsysops_detectors._gap_numbers import targets
from recsysops_detectors._gap_rules import OVER_SERVED, UNDER_SERVED, UNFIT, judged


class ExpectationGapParams(Params):
    """Settings of `expectation_gap`."""

    tolerance: Annotated[float, Field(ge=1, le=100)] = 1.25
    """Ratio of plan and prediction that does not matter: 1.25 is a quarter more, or a fifth less."""
    min_probability: Annotated[float, Field(gt=0.5, lt=1)] = 0.9
    """Probability of a difference beyond the tolerance from which it is a finding."""
    critical_shortfall_share: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Part of the planned members or impressions whose expected loss makes an under-served title critical."""
    min_worth: Annotated[float, Field(ge=0)] = 1
    """Smallest expected difference, in members or impressions, that is a finding."""
    unsure_ratio: Annotated[float, Field(gt=1)] = 6
    """A prediction whose 80 % interval spans a larger factor is unsure: it may inform, and is no fault."""
    unfit_ratio: Annotated[float, Field(gt=1)] = 3
    """A plan this many times above, or below, all that model and comparable titles hold possible is unusual."""
    days_to_fix: Annotated[float, Field(ge=0)] = 2
    """Days it usually takes to find and repair the cause; the latest safe time to fix is that long before launch."""


def needs(_: ExpectationGapParams) -> Mapping[str, tuple[str, ...]]:
    """Return the tables and columns that are read."""
    target = (*c.TARGET_KEY, c.DENOMINATOR, *c.QUANTILES)
    return {
        c.CELLS: CELL_COLUMNS,
        c.PREDICTIONS: (*target, c.PREDICTOR, c.IS_SERVED, c.ABSTAINS, c.LABEL),
        c.EXPECTATIONS: (*target, c.LOW, c.BEST, c.HIGH, c.AUTHOR),
        c.CHECKS: (*c.CELL_KEY, c.FIELD, c.OUTCOME),
    }


def detect(tables: Tables, params: ExpectationGapParams, *, as_of: datetime) -> Detection:  # noqa: ARG001 - the shape of all
    """Flag titles predicted to fall short of their plan, or to exceed it, and plans that do not fit anything known.

    The gap shown is 1 - median predicted / median expected: 0 as planned, 1 nobody reached, below 0 more than planned.

    Args:
        tables: `cells`, `predictions` (the served one and comparable titles) and `expectations`, distributions of a
            share in [0, 1] by measure and horizon, and `checks`; a missing expectation is never flagged.
        params: Limits, see `ExpectationGapParams`.
        as_of: Aware UTC time the run stands at; the tables are as known then.

    Returns:
        One finding per cell, measure and rule, on its worst horizon. The margin of a verdict is the limit minus the
        highest probability of a difference.
    """
    plans = targets(tables, params.tolerance, params.unfit_ratio)
    findings, parts = [], []
    for rule in (UNDER_SERVED, OVER_SERVED, UNFIT):
        rows = judged(plans, rule, params)
        flagged: dict[tuple[object, ...], list[dict[str, object]]] = {}
        for row in rows_of(rows[rows[c.SEVERITY] != ""]):
            flagged.setdefault(tuple(row[column] for column in (*c.CELL_KEY, c.MEASURE)), []).append(row)
        findings += [finding_of(rule, flagged[key], params) for key in sorted(flagged, key=str)]
        parts.append((rule, verdicts_of(rule, tables[c.CELLS], rows, params)))
    return Detection(findings_frame(findings), verdicts_frame(tables[c.CELLS], NAME, parts))


DETECTOR: Final = Detector(
    name=NAME,
    summary="Titles predicted to be treated otherwise than planned, and plans that fit nothing known.",
    params=ExpectationGapParams,
    detect=detect,
    needs=needs,
    rules=(
        Rule(
            name=UNDER_SERVED, title="Under-served", finding_class=FindingClass.ALGORITHM.value,
            meaning="The recommender is predicted to show the title to clearly fewer members than planned.",
        ),
        Rule(
            name=OVER_SERVED, title="Over-served", finding_class=FindingClass.ALGORITHM.value,
            meaning="The recommender is predicted to show the title to clearly more members than planned.",
        ),
        Rule(
            name=UNFIT, title="Unusual plan", finding_class=FindingClass.PLAN.value,
            meaning="Model and comparable titles agree, and the plan lies far outside of all they hold possible.",
        ),
    ),
    examples=EXAMPLES,
    source=(
        'Saberian & Basilico, "RecSysOps: Best Practices for Operating a Large-Scale Recommender System", 2022; '
        "Speirs-Bridge et al., Risk Analysis, 2010"
    ),
    stricter={
        "tolerance": (1.25, 2.0),
        "min_probability": (0.9, 0.97),
        "min_worth": (1, 1000),
        "unsure_ratio": (6, 20),
        "unfit_ratio": (3, 10),
    },
)  # fmt: skip
