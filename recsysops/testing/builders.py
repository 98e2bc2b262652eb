"""Frames from literal rows, with the types the service hands to detectors."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import pandas as pd

from recsysops import columns as c
from recsysops.contract.channel import Notice, Notification
from recsysops.contract.detector import AnyDetector, Example
from recsysops.domain.issue import Finding, Issue, IssueEvent, IssueEventKind, Resolution
from recsysops.domain.severity import FindingClass, Severity

TIMES: Final = frozenset({
    c.LAUNCH_AT, c.PREVIOUS_LAUNCH_AT, c.OBSERVED_AT, c.LOADED_AT, c.KNOWN_AT, c.AS_OF, c.LATEST_SAFE_FIX_AT,
    c.START_AT, c.LAST_SEEN_AT, c.LAST_NEW_AT, c.LAST_DATA_AT,
})  # fmt: skip
NUMBERS: Final = frozenset({
    *c.QUANTILES, c.DENOMINATOR, c.LOW, c.BEST, c.HIGH, c.CONFIDENCE, c.DUE_DAYS, c.DAYS_TO_FIX, c.MARGIN, c.SCORE,
    c.WORTH, c.WORTH_LOW, c.WORTH_HIGH, *c.RULE_KINDS, c.EVERY_HOURS, c.LAST_ROWS, c.USUAL_ROWS,
})  # fmt: skip
WHOLE_NUMBERS: Final = frozenset({c.HORIZON, c.LEAD, c.N_BATCHES, c.N_HELD})
TRUTHS: Final = frozenset({c.IS_SERVED, c.IS_PARTIAL})


def frame_of(rows: Iterable[Mapping[str, object]], columns: Sequence[str]) -> pd.DataFrame:
    """Return rows as a frame.

    Args:
        rows: Column to value; a column that is absent from a row is missing there.
        columns: Its columns, also when there are no rows.

    Returns:
        Times as aware UTC, numbers as floats, horizons as integers, flags as booleans, all else as text.
    """
    frame = pd.DataFrame(list(rows), columns=list(columns))
    for column in columns:
        if column in TIMES:
            frame[column] = pd.to_datetime(frame[column], utc=True).astype("datetime64[us, UTC]")
        elif column in TRUTHS:
            frame[column] = frame[column].fillna(value=False).astype("bool")
        elif column in WHOLE_NUMBERS:
            frame[column] = frame[column].astype("int64")
        else:
            frame[column] = frame[column].astype("float64" if column in NUMBERS else "str")
    return frame


def example_tables(detector: AnyDetector, example: Example) -> dict[str, pd.DataFrame]:
    """Return an example's tables as a detector gets them: what it needs, no more."""
    needed = detector.needs(detector.params.model_validate(dict(example.params)))
    return {table: frame_of(example.tables.get(table, []), columns) for table, columns in needed.items()}


def finding(title_id: str = "night-train", **changes: object) -> Finding:
    """Return a finding; `changes` replace its attributes."""
    values: dict[str, object] = {
        "finding_key": f"key-{title_id}", "detector": "missing_metadata", "rule": "overdue_field", "title_id": title_id,
        "market": "DE", "surface": "home", "field": "synopsis", "severity": Severity.WARNING,
        "finding_class": FindingClass.SETUP, "why": "The synopsis is missing and was due 3 days ago.",
        "remedy": "Ask metadata desk for the synopsis; it usually takes 5 days.", "score": 1.0,
        "latest_safe_fix_at": datetime(2026, 3, 3, tzinfo=UTC), "evidence": {"days_overdue": 3.0},
    }  # fmt: skip
    return Finding(**(values | changes))  # type: ignore[arg-type]  # any attribute may be replaced


def notice(
    title_id: str = "night-train",
    kind: IssueEventKind = IssueEventKind.OPENED,
    *,
    title_name: str = "Night Train",
    resolution: Resolution | None = None,
    **changes: object,
) -> Notice:
    """Return a notice of one issue; `changes` replace attributes of its finding."""
    at = datetime(2026, 3, 2, tzinfo=UTC)
    found = finding(title_id, **changes)
    issue = Issue(
        issue_id=f"{found.finding_key}-1", episode=1, finding=found, opened_at=at, updated_at=at,
        resolved_at=at if resolution else None, resolution=resolution,
    )  # fmt: skip
    event = IssueEvent(
        issue_id=issue.issue_id, at=at, kind=kind, severity=found.severity, why=found.why, resolution=resolution
    )
    launch_at = datetime(2026, 3, 8, tzinfo=UTC)
    return Notice(issue=issue, event=event, title_name=title_name, launch_at=launch_at, link="")


def notification(**changes: object) -> Notification:
    """Return a notification that has nothing to say; `changes` replace its attributes."""
    values: dict[str, object] = {
        "service": "my service", "run_id": "run-1", "as_of": datetime(2026, 3, 2, tzinfo=UTC), "opened": (),
        "worsened": (), "fixed": (), "ended": (), "n_open": 0, "n_unknown": 0, "failed_steps": (),
    }  # fmt: skip
    return Notification(**(values | changes))  # type: ignore[arg-type]  # any attribute may be replaced


def launch_cells(*rows: tuple[str, str, str, datetime]) -> pd.DataFrame:
    """Return launches: title, market, surface and when (aware UTC)."""
    frame = pd.DataFrame(rows, columns=[*c.CELL_KEY, c.LAUNCH_AT])
    return frame.astype({c.LAUNCH_AT: "datetime64[us, UTC]"})
