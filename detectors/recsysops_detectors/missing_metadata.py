"""Finds required metadata that is missing when it is due.

A synopsis, artwork or language that never arrives costs reach on the one day a title launches. Each field has a due
date per market and surface; the table checks say whether it is filled, this detector says what that means now.

Source: Saberian & Basilico, "RecSysOps: Best Practices for Operating a Large-Scale Recommender System", 2022.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import numpy as np
import pandas as pd
from pydantic import Field

from recsysops import columns as c
from recsysops.contract.detector import Detection, Detector, Params, Rule, Tables
from recsysops.domain.finding import finding_key
from recsysops.domain.severity import FindingClass
from recsysops_detectors._common import CELL_COLUMNS, days, findings_frame, rows_of, stamp, verdicts_frame
from recsysops_detectors._missing_metadata_examples import EXAMPLES
from recsysops_detectors._missing_metadata_rows import (
    DUE_IN,
    LAUNCH_IN,
    SAFE_IN,
    judge,
    verdicts,
    wanting_rows,
    with_severity,
)

NAME: Final = "missing_metadata"
OVERDUE_FIELD: Final = "overdue_field"


class MissingMetadataParams(Params):
    """Settings of `missing_metadata`; what is required stands in metadata.toml."""

    grace_days: Annotated[float, Field(ge=0, le=365)] = 0
    """Days a field may be overdue before it is a warning; the latest safe time to fix it is never put off."""
    ignore_fields: tuple[str, ...] = ()
    """Required fields that are not judged at all."""


def needs(_: MissingMetadataParams) -> Mapping[str, tuple[str, ...]]:
    """Return the tables and columns that are read."""
    return {
        c.CELLS: CELL_COLUMNS,
        c.CHECKS: (*c.CELL_KEY, c.FIELD, c.OUTCOME, c.VALUE, c.DETAIL),
        c.REQUIREMENTS: c.REQUIREMENT,
    }


def detect(tables: Tables, params: MissingMetadataParams, *, as_of: datetime) -> Detection:
    """Flag required fields that are missing and due.

    Args:
        tables: `cells`, `checks` (one row per cell and required field) and `requirements`. A required field without a
            check was not checked.
        params: Limits, see `MissingMetadataParams`.
        as_of: Aware UTC time the run stands at.

    Returns:
        One finding per cell and field: a warning once due, critical once the usual time to fix it no longer fits before
        launch, never above the requirement's own maximum. The margin of a verdict is the days until the first missing
        field is due; missing where all are filled.
    """
    judged = judge(tables, params.ignore_fields, as_of)
    wanting = with_severity(wanting_rows(tables, judged), params.grace_days, as_of)
    rows = [_finding(row, as_of) for row in rows_of(wanting[wanting[c.SEVERITY] != ""])]
    said = verdicts(tables[c.CELLS], judged, wanting)
    return Detection(findings_frame(rows), verdicts_frame(tables[c.CELLS], NAME, [(OVERDUE_FIELD, said)]))


def _finding(row: Mapping[Any, Any], as_of: datetime) -> dict[str, object]:
    title_id, market, surface = (str(row[column]) for column in c.CELL_KEY)
    field, owner, to_fix = str(row[c.FIELD]), row[c.OWNER], float(row[c.DAYS_TO_FIX])
    named, due_in = field.replace("_", " "), float(row[DUE_IN])
    found = "" if row[c.DETAIL] in {"", "empty"} else f" (found: {row[c.DETAIL]})"
    due = f"was due {days(-due_in)} ago" if due_in <= 0 else f"is due in {days(due_in)}"
    late = f" Fixing it usually takes {days(to_fix)}, which no longer fits." if row[SAFE_IN] < 0 else ""
    ask = f"Ask {owner} for the {named}" if isinstance(owner, str) and owner.strip() else f"Fill in the {named}"
    return {
        c.FINDING_KEY: finding_key(NAME, OVERDUE_FIELD, title_id, market, surface, field),
        c.DETECTOR: NAME, c.RULE: OVERDUE_FIELD, c.TITLE_ID: title_id, c.MARKET: market, c.SURFACE: surface,
        c.FIELD: field, c.MEASURE: "", c.SEVERITY: row[c.SEVERITY], c.CLASS: FindingClass.SETUP.value,
        c.WHY: f"Missing: {named}{found}. It {due}; launch is in {days(float(row[LAUNCH_IN]))}.{late}",
        c.REMEDY: f"{ask}; it usually takes {days(to_fix)}.",
        c.WORTH: np.nan, c.WORTH_LOW: np.nan, c.WORTH_HIGH: np.nan, c.WORTH_UNIT: "",
        c.LATEST_SAFE_FIX_AT: row[c.LAUNCH_AT] - pd.Timedelta(days=to_fix), c.SCORE: -float(row[SAFE_IN]),
        c.EVIDENCE: _evidence(row, as_of),
    }  # fmt: skip


def _evidence(row: Mapping[Any, Any], as_of: datetime) -> dict[str, object]:
    launch_at, due_days, to_fix = row[c.LAUNCH_AT], float(row[c.DUE_DAYS]), float(row[c.DAYS_TO_FIX])
    return {
        "field": row[c.FIELD], "found": row[c.VALUE], "detail": row[c.DETAIL],
        "owner": row[c.OWNER] if isinstance(row[c.OWNER], str) else "",
        "as_of": stamp(as_of.astimezone(UTC)), "launch_at": stamp(launch_at),
        "due_at": stamp(launch_at - pd.Timedelta(days=due_days)),
        "latest_safe_fix_at": stamp(launch_at - pd.Timedelta(days=to_fix)),
        "due_days": due_days, "days_to_fix": to_fix,
        "days_overdue": -float(row[DUE_IN]), "days_to_launch": float(row[LAUNCH_IN]),
    }  # fmt: skip


_OVERDUE: Final = Rule(
    name=OVERDUE_FIELD, title="Metadata overdue", finding_class=FindingClass.SETUP.value,
    meaning="A field required in this market and surface is empty or a placeholder, and the day it was due has come.",
)  # fmt: skip
DETECTOR: Final = Detector(
    name=NAME,
    summary="Required metadata that is missing when it is due.",
    params=MissingMetadataParams,
    detect=detect,
    needs=needs,
    rules=(_OVERDUE,),
    examples=EXAMPLES,
    source='Saberian & Basilico, "RecSysOps: Best Practices for Operating a Large-Scale Recommender System", 2022',
    flags_missing=True,
    stricter={"grace_days": (0, 30), "ignore_fields": ((), ("synopsis",))},
)
