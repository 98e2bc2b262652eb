"""Finds launches at hours when nobody is at the desk.

What goes wrong in the first hours of such a launch is seen when the next shift begins, and those hours never come back.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

import numpy as np
import pandas as pd
from pydantic import Field

from recsysops import columns as c
from recsysops.contract.detector import Detection, Detector, Example, Params, Rule, Tables
from recsysops.domain.finding import finding_key
from recsysops.domain.severity import FindingClass, Severity
from recsysops.domain.verdict import CheckOutcome

NAME = "quiet_hours"
RULE = "launch_at_night"
CELL_COLUMNS = (*c.CELL_KEY, c.LAUNCH_AT, c.LAUNCH_STATUS)


class QuietHoursParams(Params):
    """Settings of `quiet_hours`."""

    quiet_until: Annotated[int, Field(ge=1, le=23)] = 6
    """Hour (UTC) at which somebody is at the desk again; the quiet hours begin at midnight."""


def needs(_: QuietHoursParams) -> Mapping[str, tuple[str, ...]]:
    """Return the tables and columns that are read."""
    return {c.CELLS: CELL_COLUMNS}


def detect(tables: Tables, params: QuietHoursParams, *, as_of: datetime) -> Detection:
    """Flag planned launches between midnight and `quiet_until`, UTC.

    Args:
        tables: `cells`; a launch without a time is not judged.
        params: The quiet hours.
        as_of: Not looked at: an hour is quiet whenever it is asked about.

    Returns:
        One warning per such cell, the earliest hour first; the margin of a verdict is the hours to the end of the quiet
        ones, negative where it launches in them.
    """
    cells = tables[c.CELLS].reset_index(drop=True)
    hours = cells[c.LAUNCH_AT].dt.hour + cells[c.LAUNCH_AT].dt.minute / 60
    margin = (hours - params.quiet_until).astype("float64")
    is_planned = (cells[c.LAUNCH_STATUS] == c.PLANNED).to_numpy()
    is_quiet = is_planned & (margin < 0).to_numpy()
    findings = [_finding(row, params) for row in cells[is_quiet].to_dict("records")]
    return Detection(_findings_frame(findings), _verdicts(cells, margin, is_planned))


def _finding(row: Mapping[Any, Any], params: QuietHoursParams) -> dict[str, object]:
    cell = tuple(str(row[column]) for column in c.CELL_KEY)
    launch_at: pd.Timestamp = row[c.LAUNCH_AT]
    return {
        c.FINDING_KEY: finding_key(NAME, RULE, *cell, ""),
        c.DETECTOR: NAME, c.RULE: RULE, **dict(zip(c.CELL_KEY, cell, strict=True)), c.FIELD: "", c.MEASURE: "",
        c.SEVERITY: Severity.WARNING.value, c.CLASS: FindingClass.SETUP.value,
        c.WHY: f"It launches at {launch_at:%H:%M} UTC; somebody is at the desk from {params.quiet_until}:00.",
        c.REMEDY: "Move the launch into the day, or ask for somebody to watch it.",
        c.WORTH: np.nan, c.WORTH_LOW: np.nan, c.WORTH_HIGH: np.nan, c.WORTH_UNIT: "",
        c.LATEST_SAFE_FIX_AT: launch_at - pd.Timedelta(days=1),
        c.SCORE: float(params.quiet_until - launch_at.hour - launch_at.minute / 60),
        c.EVIDENCE: {"launch_at": launch_at.isoformat(), "quiet_until": params.quiet_until},
    }  # fmt: skip


def _findings_frame(rows: list[dict[str, object]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=list(c.FINDING))
    numbers = (c.WORTH, c.WORTH_LOW, c.WORTH_HIGH, c.SCORE)
    text = [name for name in c.FINDING if name not in {*numbers, c.LATEST_SAFE_FIX_AT, c.EVIDENCE}]
    frame = frame.astype(dict.fromkeys(text, "str") | dict.fromkeys(numbers, "float64") | {c.EVIDENCE: "object"})
    frame[c.LATEST_SAFE_FIX_AT] = pd.to_datetime(frame[c.LATEST_SAFE_FIX_AT], utc=True).astype("datetime64[us, UTC]")
    return frame.sort_values([c.SCORE, c.FINDING_KEY], ascending=[False, True]).reset_index(drop=True)


def _verdicts(cells: pd.DataFrame, margin: "pd.Series[float]", is_planned: np.ndarray[Any, Any]) -> pd.DataFrame:
    is_known = margin.notna().to_numpy()
    outcome = np.where(margin < 0, CheckOutcome.FAILED.value, CheckOutcome.PASSED.value)
    outcome = np.where(is_known, outcome, CheckOutcome.NOT_RUN.value)
    reason = np.where(margin < 0, "It launches in the quiet hours.", "It launches in the day.")
    reason = np.where(is_known, reason, "Its launch time is not known.")
    frame = cells[list(c.CELL_KEY)].assign(**{
        c.DETECTOR: NAME, c.RULE: RULE,
        c.OUTCOME: np.where(is_planned, outcome, CheckOutcome.NOT_APPLICABLE.value),
        c.REASON: np.where(is_planned, reason, "The launch is cancelled."),
        c.MARGIN: margin.where(is_planned), c.DATA: "the launch plan",
    })  # fmt: skip
    text = [name for name in c.VERDICT if name != c.MARGIN]
    return frame[list(c.VERDICT)].astype(dict.fromkeys(text, "str") | {c.MARGIN: "float64"})


def _cell(title_id: str, launch_at: datetime, status: str = c.PLANNED) -> dict[str, object]:
    return {
        c.TITLE_ID: title_id, c.MARKET: "DE", c.SURFACE: "home", c.LAUNCH_AT: launch_at, c.LAUNCH_STATUS: status,
    }  # fmt: skip


_AT = datetime(2026, 3, 2, tzinfo=UTC)
_NIGHT, _DAY = datetime(2026, 3, 6, 3, 30, tzinfo=UTC), datetime(2026, 3, 6, 9, tzinfo=UTC)

DETECTOR = Detector(
    name=NAME,
    summary="Launches at hours when nobody is at the desk.",
    params=QuietHoursParams,
    detect=detect,
    needs=needs,
    rules=(
        Rule(
            name=RULE,
            title="Launch at night",
            finding_class=FindingClass.SETUP.value,
            meaning="The title launches when nobody is there to see what goes wrong.",
        ),
    ),
    examples=(
        Example(
            name="one at night, one by day, one at night and cancelled",
            tables={c.CELLS: [_cell("owl", _NIGHT), _cell("lark", _DAY), _cell("bat", _NIGHT, c.CANCELLED)]},
            flagged=frozenset({"owl"}),
            as_of=_AT,
        ),
        Example(name="all by day", tables={c.CELLS: [_cell("lark", _DAY)]}, flagged=frozenset(), as_of=_AT),
    ),
    source="The authors of this sample.",
    stricter={"quiet_until": (8, 2)},
)
