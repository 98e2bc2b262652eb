"""The rules of suites as tables that detectors read. What a failure means is for detectors to say."""

from collections.abc import Mapping
from datetime import datetime

import pandas as pd

from recsysops.columns import (
    ALL,
    CELL_KEY,
    CELLS,
    CHECK,
    DAYS_TO_FIX,
    DETAIL,
    FEED_KINDS,
    KIND,
    MARKET,
    NAME,
    OBSERVED_AT,
    OUTCOME,
    PROVIDER,
    RULE_FAILURE,
    RULE_FAILURES,
    RULE_KINDS,
    RULE_STATE,
    RULED,
    RULES,
    SERIES_ID,
    SEVERITY,
    SUITE,
    SURFACE,
    TITLE_ID,
    TITLES,
)
from recsysops.domain.run import StepReport
from recsysops.domain.severity import Severity
from recsysops.domain.verdict import CheckOutcome, StepOutcome
from recsysops.service.context import Context
from recsysops.service.ports import UnitOfWork

IDENTITY = (TITLE_ID, NAME, SERIES_ID, PROVIDER)
EVERY_RULE = "every rule"
"""Stands for the rules of all suites where none could be asked."""


def with_rules(
    context: Context, tables: Mapping[str, pd.DataFrame], as_of: datetime
) -> tuple[dict[str, pd.DataFrame], tuple[StepReport, ...]]:
    """Return the tables with RULES, RULED and RULE_FAILURES, and what became of each suite.

    Tables that hold them already stay as they are. Where all of it breaks, every rule counts as not run.
    """
    if RULES in tables:
        return dict(tables), ()
    if context.rules is None:
        return {**tables, **_nothing_ruled(tables[CELLS], "")}, ()
    try:
        ruled, broken = context.rules.check(tables, as_of)
    except Exception as error:  # noqa: BLE001 - a table nobody thought of must not stop the detectors
        reason = f"{type(error).__name__}: {error}"
        report = StepReport(kind="suite", name=EVERY_RULE, outcome=StepOutcome.FAILED, reason=reason)
        return {**tables, **_nothing_ruled(tables[CELLS], reason)}, (report,)
    return {**tables, **ruled}, _reports(ruled[RULES], broken)


def earlier_identities(unit: UnitOfWork, cells: pd.DataFrame, as_of: datetime) -> pd.DataFrame:
    """Return EARLIER of the titles of some cells, as known at `as_of`."""
    history = unit.versions.history(TITLES, sorted(set(cells[TITLE_ID])))
    known = history[(history[MARKET] == ALL) & (history[OBSERVED_AT] <= as_of)]
    known = known.sort_values([TITLE_ID, OBSERVED_AT], ascending=[True, False])
    return known[known[TITLE_ID].duplicated()][list(IDENTITY)].reset_index(drop=True)


def _reports(rules: pd.DataFrame, broken: Mapping[str, str]) -> tuple[StepReport, ...]:
    counts = rules.loc[rules[OUTCOME] != CheckOutcome.NOT_APPLICABLE.value, SUITE].value_counts()
    return tuple(
        StepReport(
            kind="suite",
            name=f"{name} rules",
            outcome=StepOutcome.FAILED if name in broken else StepOutcome.RAN,
            reason=broken.get(str(name), ""),
            n=int(counts[name]),
        )
        for name in sorted(counts.index)
    )


def _nothing_ruled(cells: pd.DataFrame, reason: str) -> dict[str, pd.DataFrame]:
    """Return the tables of no rule at all, or with a reason those of rules that did not run."""
    texts = dict.fromkeys((name for name in RULE_STATE if name != DAYS_TO_FIX), "str")
    rows = [
        {
            CHECK: EVERY_RULE, SUITE: EVERY_RULE, KIND: kind, MARKET: ALL, SURFACE: ALL, DETAIL: reason,
            OUTCOME: CheckOutcome.NOT_RUN.value, SEVERITY: Severity.WARNING.value, DAYS_TO_FIX: 0.0,
        }
        for kind in ((*RULE_KINDS, *FEED_KINDS) if reason else ())
    ]  # fmt: skip
    return {
        RULES: pd.DataFrame(rows, columns=list(RULE_STATE)).astype({**texts, DAYS_TO_FIX: "float64"}),
        RULED: cells[list(CELL_KEY)].assign(**dict.fromkeys(RULE_KINDS, 0.0)),
        RULE_FAILURES: pd.DataFrame(columns=list(RULE_FAILURE), dtype="str"),
    }
