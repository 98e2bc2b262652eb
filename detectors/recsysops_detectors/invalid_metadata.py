"""Finds metadata that is there and cannot be right.

A language that is no language, a licence that begins after the launch, one title under two ids: the recommender takes
each at its word. The rules stand in suites that users edit; table checks say which title breaks which, this detector
says what that means now.

Source: Saberian & Basilico, "RecSysOps: Best Practices for Operating a Large-Scale Recommender System", 2022.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, Final

import numpy as np

from recsysops import columns as c
from recsysops.contract.detector import Detection, Detector, Params, Rule, Tables
from recsysops.domain.finding import finding_key
from recsysops.domain.severity import FindingClass
from recsysops_detectors._common import CELL_COLUMNS, days, findings_frame, rows_of, stamp, verdicts_frame
from recsysops_detectors._invalid_metadata_examples import EXAMPLES
from recsysops_detectors._invalid_metadata_rows import CELL, LAUNCH_IN, SAFE_IN, failures, states, verdicts

NAME: Final = "invalid_metadata"


class InvalidMetadataParams(Params):
    """Settings of `invalid_metadata`; the rules stand in suites, see [metadata] suites."""

    ignore_rules: tuple[str, ...] = ()
    """Rules that are not judged at all."""
    ignore_fields: tuple[str, ...] = ()
    """Fields that are not judged at all."""


def needs(_: InvalidMetadataParams) -> Mapping[str, tuple[str, ...]]:
    """Return the tables and columns that are read."""
    return {
        c.CELLS: CELL_COLUMNS,
        c.RULES: c.RULE_STATE,
        c.RULED: c.RULED_CELL,
        c.RULE_FAILURES: c.RULE_FAILURE,
    }


def detect(tables: Tables, params: InvalidMetadataParams, *, as_of: datetime) -> Detection:
    """Flag fields that break a rule.

    Args:
        tables: `cells`, `rules` (whether each ran), `ruled` (how many rules of each kind looked at a cell) and
            `rule_failures`. A cell without a row in `ruled` was not checked.
        params: Limits, see `InvalidMetadataParams`.
        as_of: Aware UTC time the run stands at.

    Returns:
        One finding per cell, kind of rule and field: a warning, critical once the usual time to fix it no longer fits
        before launch, never above the rule's own severity; several broken rules are one finding, of the worst. The
        margin of a verdict is minus the number of broken rules.
    """
    known = states(tables[c.RULES], params.ignore_rules, params.ignore_fields)
    broken = failures(tables, known, as_of)
    fields = groupby(rows_of(broken), key=lambda row: (row[CELL], row[c.KIND], row[c.FIELD]))
    rows = [_finding(list(part), as_of) for _, part in fields]
    parts = [(kind, verdicts(tables, known, broken, kind)) for kind in c.RULE_KINDS]
    return Detection(findings_frame(rows), verdicts_frame(tables[c.CELLS], NAME, parts))


def _finding(rows: Sequence[Mapping[Any, Any]], as_of: datetime) -> dict[str, object]:
    """Return what is said of one field of one cell; the worst rule comes first."""
    worst = rows[0]
    title_id, market, surface = (str(worst[column]) for column in c.CELL_KEY)
    field, kind, to_fix = str(worst[c.FIELD]), str(worst[c.KIND]), float(worst[c.DAYS_TO_FIX])
    late = f" Fixing it usually takes {days(to_fix)}, which no longer fits." if worst[SAFE_IN] < 0 else ""
    owner = f"For {worst[c.OWNER]}: " if _text(worst[c.OWNER]) else ""
    remedy = _text(worst[c.REMEDY]).rstrip(".") or f"Correct the {_named(field)}"
    return {
        c.FINDING_KEY: finding_key(NAME, kind, title_id, market, surface, field),
        c.DETECTOR: NAME, c.RULE: kind, c.TITLE_ID: title_id, c.MARKET: market, c.SURFACE: surface,
        c.FIELD: field, c.MEASURE: "", c.SEVERITY: worst[c.SEVERITY], c.CLASS: FindingClass.SETUP.value,
        c.WHY: f"{_sentence(rows)} Launch is in {days(float(worst[LAUNCH_IN]))}.{late}",
        c.REMEDY: f"{owner}{remedy}; it usually takes {days(to_fix)}.",
        c.WORTH: np.nan, c.WORTH_LOW: np.nan, c.WORTH_HIGH: np.nan, c.WORTH_UNIT: "",
        c.LATEST_SAFE_FIX_AT: min(row[c.LATEST_SAFE_FIX_AT] for row in rows), c.SCORE: -float(worst[SAFE_IN]),
        c.EVIDENCE: {
            "field": field, "found": _text(worst[c.VALUE]), "owner": _text(worst[c.OWNER]),
            "rules": [{"rule": row[c.CHECK], "suite": row[c.SUITE], "found": _text(row[c.VALUE]),
                       "detail": _text(row[c.DETAIL]), "says": _text(row[c.WHY])} for row in rows],
            "as_of": stamp(as_of.astimezone(UTC)), "launch_at": stamp(worst[c.LAUNCH_AT]), "days_to_fix": to_fix,
            "days_to_launch": float(worst[LAUNCH_IN]), "latest_safe_fix_at": stamp(worst[c.LATEST_SAFE_FIX_AT]),
        },
    }  # fmt: skip


def _sentence(rows: Sequence[Mapping[Any, Any]]) -> str:
    said = []
    for row in rows:
        detail = f" ({row[c.DETAIL]})" if _text(row[c.DETAIL]) else ""
        said.append(f"{_text(row[c.WHY]).rstrip('.')}{detail}")
    found = _text(rows[0][c.VALUE])
    shown = f' "{found}"' if found else ""
    return f"{_named(str(rows[0][c.FIELD])).capitalize()}{shown} {'; it also '.join(said)}."


def _named(field: str) -> str:
    return "launch" if field == c.LAUNCH_AT else field.replace("_", " ")


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


_RULES: Final = (
    Rule(
        name=c.INVALID_VALUE, title="Invalid value", finding_class=FindingClass.SETUP.value,
        meaning="A field holds something of the wrong type, outside its list or its range, or of the wrong form.",
    ),
    Rule(
        name=c.CONTRADICTION, title="Contradiction", finding_class=FindingClass.SETUP.value,
        meaning="Two fields contradict each other: both cannot be right.",
    ),
    Rule(
        name=c.IMPOSSIBLE_DATE, title="Impossible date", finding_class=FindingClass.SETUP.value,
        meaning="Dates come in an order that cannot be, such as a licence that begins after the launch.",
    ),
    Rule(
        name=c.MISTAKEN_IDENTITY, title="Mistaken identity", finding_class=FindingClass.SETUP.value,
        meaning="One title has two ids, two ids look alike, or an id stands for another title than before.",
    ),
)  # fmt: skip
DETECTOR: Final = Detector(
    name=NAME,
    summary="Metadata that is there and cannot be right: types, vocabularies, ranges, contradictions, dates, ids.",
    params=InvalidMetadataParams,
    detect=detect,
    needs=needs,
    rules=_RULES,
    examples=EXAMPLES,
    source='Saberian & Basilico, "RecSysOps: Best Practices for Operating a Large-Scale Recommender System", 2022',
    stricter={"ignore_rules": ((), ("language_is_a_code",)), "ignore_fields": ((), ("original_language",))},
)
