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
from recsysops.domain.requirement import applicable_requirements
from recsysops.domain.severity import FindingClass, Severity
from recsysops.domain.verdict import CheckOutcome
from recsysops_detectors._common import (
    CELL_COLUMNS,
    DAY,
    capped,
    days,
    findings_frame,
    listed,
    live,
    stamp,
    verdicts_frame,
)
from recsysops_detectors._missing_metadata_examples import EXAMPLES

NAME: Final = "missing_metadata"
OVERDUE_FIELD: Final = "overdue_field"
_DUE_IN: Final = "due_in"
_LAUNCH_IN: Final = "launch_in"
_SAFE_IN: Final = "safe_in"
"""Columns of our own: days until the field is due, the title launches, and the usual time to fix it no longer fits."""
_NONE: Final = (CheckOutcome.NOT_APPLICABLE.value, "No metadata is required here.", np.nan, "")


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
    judged = _judged(tables, params, as_of)
    rows = [_finding(row, as_of) for row in judged[judged[c.SEVERITY] != ""].to_dict("records")]
    return Detection(
        findings_frame(rows), verdicts_frame(tables[c.CELLS], NAME, [(OVERDUE_FIELD, _verdicts(tables, judged))])
    )


def _judged(tables: Tables, params: MissingMetadataParams, as_of: datetime) -> pd.DataFrame:
    """Return one row per cell and required field, with what the check said, when it is due and how bad that is."""
    cells = live(tables[c.CELLS])
    wanted = applicable_requirements(cells, tables[c.REQUIREMENTS])
    wanted = wanted[~wanted[c.FIELD].isin(params.ignore_fields)]
    key = [*c.CELL_KEY, c.FIELD]
    rows = wanted.merge(cells[[*c.CELL_KEY, c.LAUNCH_AT]], on=list(c.CELL_KEY)).merge(
        tables[c.CHECKS][[*key, c.OUTCOME, c.VALUE, c.DETAIL]].drop_duplicates(key), on=key, how="left"
    )
    rows[c.OUTCOME] = rows[c.OUTCOME].fillna(CheckOutcome.NOT_RUN.value)
    rows[_LAUNCH_IN] = (rows[c.LAUNCH_AT] - pd.Timestamp(as_of)) / DAY
    rows[_DUE_IN] = rows[_LAUNCH_IN] - rows[c.DUE_DAYS].astype("float64")
    rows[_SAFE_IN] = rows[_LAUNCH_IN] - rows[c.DAYS_TO_FIX].astype("float64")
    is_dated = np.isfinite(rows[[_DUE_IN, _SAFE_IN]].to_numpy(dtype=np.float64)).all(axis=1)
    rows.loc[~is_dated, c.OUTCOME] = CheckOutcome.NOT_RUN.value
    is_missing = rows[c.OUTCOME] == CheckOutcome.FAILED
    level = pd.Series("", index=rows.index, dtype="object")
    level[is_missing & (rows[_DUE_IN] <= -params.grace_days)] = Severity.WARNING.value
    level[is_missing & (rows[_SAFE_IN] < 0)] = Severity.CRITICAL.value
    most = rows[c.MAX_SEVERITY]
    rows[c.SEVERITY] = [
        capped(Severity(at), str(limit)).value if at else "" for at, limit in zip(level, most, strict=True)
    ]
    return rows


def _finding(row: Mapping[Any, Any], as_of: datetime) -> dict[str, object]:
    title_id, market, surface = (str(row[column]) for column in c.CELL_KEY)
    field, owner, to_fix = str(row[c.FIELD]), row[c.OWNER], float(row[c.DAYS_TO_FIX])
    named, due_in = field.replace("_", " "), float(row[_DUE_IN])
    found = "" if row[c.DETAIL] in {"", "empty"} else f" (found: {row[c.DETAIL]})"
    due = f"was due {days(-due_in)} ago" if due_in <= 0 else f"is due in {days(due_in)}"
    late = f" Fixing it usually takes {days(to_fix)}, which no longer fits." if row[_SAFE_IN] < 0 else ""
    ask = f"Ask {owner} for the {named}" if isinstance(owner, str) and owner.strip() else f"Fill in the {named}"
    return {
        c.FINDING_KEY: finding_key(NAME, OVERDUE_FIELD, title_id, market, surface, field),
        c.DETECTOR: NAME, c.RULE: OVERDUE_FIELD, c.TITLE_ID: title_id, c.MARKET: market, c.SURFACE: surface,
        c.FIELD: field, c.MEASURE: "", c.SEVERITY: row[c.SEVERITY], c.CLASS: FindingClass.SETUP.value,
        c.WHY: f"Missing: {named}{found}. It {due}; launch is in {days(float(row[_LAUNCH_IN]))}.{late}",
        c.REMEDY: f"{ask}; it usually takes {days(to_fix)}.",
        c.WORTH: np.nan, c.WORTH_LOW: np.nan, c.WORTH_HIGH: np.nan, c.WORTH_UNIT: "",
        c.LATEST_SAFE_FIX_AT: row[c.LAUNCH_AT] - pd.Timedelta(days=to_fix), c.SCORE: -float(row[_SAFE_IN]),
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
        "days_overdue": -float(row[_DUE_IN]), "days_to_launch": float(row[_LAUNCH_IN]),
    }  # fmt: skip


def _verdicts(tables: Tables, judged: pd.DataFrame) -> pd.DataFrame:
    """Return one verdict per cell, in the order of the cells; only cells that lack something are looked at singly."""
    key = list(c.CELL_KEY)
    said = {
        cell: (CheckOutcome.PASSED.value, f"All {n} required fields are filled.", np.nan, _data(n, names))
        for cell, n, names in judged.groupby(key, sort=False)[c.FIELD].agg(["size", ", ".join]).itertuples(name=None)
    }
    needy = judged.loc[judged[c.OUTCOME] != CheckOutcome.PASSED, key].drop_duplicates()
    said |= {cell: _verdict(part) for cell, part in judged.merge(needy, on=key).groupby(key, sort=False)}
    cells = tables[c.CELLS][key].itertuples(index=False, name=None)
    return pd.DataFrame([said.get(cell, _NONE) for cell in cells], columns=[c.OUTCOME, c.REASON, c.MARGIN, c.DATA])


def _verdict(part: pd.DataFrame) -> tuple[str, str, float, str]:
    """Say of one cell what its required fields come to."""
    missing = part[part[c.OUTCOME] == CheckOutcome.FAILED].sort_values([_DUE_IN, c.FIELD])
    unchecked = part[part[c.OUTCOME] == CheckOutcome.NOT_RUN]
    overdue = missing[missing[c.SEVERITY].isin([Severity.CRITICAL.value, Severity.WARNING.value])]
    margin = float(missing[_DUE_IN].min()) if len(missing) else np.nan
    data = _data(len(part), ", ".join(part[c.FIELD]))
    if len(overdue):
        reason = f"{len(overdue)} of {len(part)} required fields missing and due: {listed(list(overdue[c.FIELD]))}."
        return (
            CheckOutcome.FAILED.value,
            reason,
            float(overdue[[_DUE_IN, _SAFE_IN]].to_numpy(dtype=np.float64).min()),
            data,
        )
    if len(unchecked):
        why = [str(detail) for detail in unchecked[c.DETAIL] if isinstance(detail, str) and detail]
        reason = f"Not checked: {listed(list(unchecked[c.FIELD]))}{f' ({why[0]})' if why else ''}."
        return CheckOutcome.NOT_RUN.value, reason, np.nan, data
    first = missing.iloc[0]
    when = f"due in {days(margin)}" if margin > 0 else "within its grace or only informative"
    reason = f"Missing, but {when}: {first[c.FIELD]}" + (f" and {len(missing) - 1} more." if len(missing) > 1 else ".")
    return CheckOutcome.PASSED.value, reason, max(margin, 0.0), data


def _data(n: int, names: str) -> str:
    return f"{n} required fields: {names}"


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
