"""Findings between frames and values, and verdicts of checks that did not run."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import pandas as pd

from recsysops.columns import (
    CELL_KEY,
    CLASS,
    DATA,
    DETECTOR,
    EVIDENCE,
    FIELD,
    FINDING,
    FINDING_KEY,
    LATEST_SAFE_FIX_AT,
    MARGIN,
    MARKET,
    MEASURE,
    OUTCOME,
    REASON,
    REMEDY,
    RULE,
    SCORE,
    SEVERITY,
    SURFACE,
    TITLE_ID,
    VERDICT,
    WHY,
    WORTH,
    WORTH_HIGH,
    WORTH_LOW,
    WORTH_UNIT,
)
from recsysops.domain.issue import Finding
from recsysops.domain.severity import FindingClass, Severity
from recsysops.domain.verdict import CheckOutcome

NO_DETECTOR = "no detector"
ANY_RULE = "any rule"
"""Stands for the rules of a detector that could not be loaded: nobody knows them."""


def empty_findings() -> pd.DataFrame:
    """Return an empty frame with the columns FINDING."""
    frame = pd.DataFrame({column: pd.Series(dtype="str") for column in FINDING})
    numbers = [WORTH, WORTH_LOW, WORTH_HIGH, SCORE]
    frame[numbers] = frame[numbers].astype("float64")
    frame[LATEST_SAFE_FIX_AT] = pd.Series(dtype="datetime64[us, UTC]")
    frame[EVIDENCE] = pd.Series(dtype="object")
    return frame


def verdicts_not_run(
    cells: pd.DataFrame,
    detector: str = NO_DETECTOR,
    rules: Sequence[str] = (NO_DETECTOR,),
    reason: str = "No detector is on.",
) -> pd.DataFrame:
    """Return one not_run verdict for every cell and rule, columns VERDICT."""
    frames = []
    for rule in rules:
        frame = cells[list(CELL_KEY)].copy()
        frame[[DETECTOR, RULE, OUTCOME, REASON]] = detector, rule, CheckOutcome.NOT_RUN.value, reason
        frame[MARGIN], frame[DATA] = float("nan"), ""
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)[list(VERDICT)]


def findings_in_order(findings: pd.DataFrame) -> pd.DataFrame:
    """Return findings worst first: severity, then latest safe fix time, then score, then key."""
    rank = findings[SEVERITY].map({severity.value: severity.rank for severity in Severity})
    order = findings.assign(_rank=rank).sort_values(
        ["_rank", LATEST_SAFE_FIX_AT, SCORE, FINDING_KEY], ascending=[True, True, False, True], na_position="last"
    )
    return order.drop(columns="_rank").reset_index(drop=True)


def to_findings(frame: pd.DataFrame) -> tuple[Finding, ...]:
    """Return the rows of a frame with the columns FINDING as values, in its order."""
    return tuple(_finding(row) for row in frame.to_dict("records"))


def _finding(row: Mapping[Any, Any]) -> Finding:
    return Finding(
        finding_key=row[FINDING_KEY],
        detector=row[DETECTOR],
        rule=row[RULE],
        title_id=row[TITLE_ID],
        market=row[MARKET],
        surface=row[SURFACE],
        field=_text(row[FIELD]),
        measure=_text(row[MEASURE]),
        severity=Severity(row[SEVERITY]),
        finding_class=FindingClass(row[CLASS]),
        why=row[WHY],
        remedy=row[REMEDY],
        worth=_number(row[WORTH]),
        worth_low=_number(row[WORTH_LOW]),
        worth_high=_number(row[WORTH_HIGH]),
        worth_unit=_text(row[WORTH_UNIT]),
        latest_safe_fix_at=_time(row[LATEST_SAFE_FIX_AT]),
        score=float(row[SCORE]),
        evidence=row[EVIDENCE],
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _number(value: float | None) -> float | None:
    return None if value is None or pd.isna(value) else float(value)


def _time(value: Any) -> datetime | None:  # noqa: ANN401 - a cell of a frame
    return None if value is None or pd.isna(value) else pd.Timestamp(value).to_pydatetime()
