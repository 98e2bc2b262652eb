"""The pre-launch gate: judge now, on what the store holds, and answer with one exit code. Writes nothing."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pandas as pd

from recsysops.columns import LAUNCH_AT, NAME, TITLE_ID
from recsysops.domain.check_view import CheckedCell, CheckReport
from recsysops.domain.issue import Finding
from recsysops.domain.severity import Severity
from recsysops.domain.verdict import StepOutcome
from recsysops.errors import NotFoundError
from recsysops.service.check_rules import explained
from recsysops.service.context import Context
from recsysops.service.frames import to_findings
from recsysops.service.judge import Judgement, judge
from recsysops.service.queries.snapshot import judged_cell
from recsysops.service.queries.values import cell_of, records, text


def check(
    context: Context,
    *,
    title_ids: Sequence[str] = (),
    launching_within: timedelta | None = None,
    fail_on: Severity = Severity.CRITICAL,
    allow_unknown: bool = False,
    as_of: datetime | None = None,
    with_checks: bool = False,
) -> CheckReport:
    """Judge the upcoming cells that pass the filters.

    Args:
        context: The ports.
        title_ids: Only these titles; empty for all.
        launching_within: Only what launches within this of `as_of`.
        fail_on: The mildest severity that fails the gate.
        allow_unknown: Whether a cell that could not be judged passes the gate.
        as_of: The time to stand at.
        with_checks: Whether to say what each rule said of each cell, passed ones too.

    Raises:
        NotFoundError: A title asked for does not launch within `model.upcoming_days`: it was not checked.
    """
    at = context.as_of(as_of)
    with context.store.read() as unit:
        judgement = judge(context, unit, at)
    cells = judgement.cells
    _refuse_absent(title_ids, cells, context.settings.model.upcoming_days)
    if title_ids:
        cells = cells[cells[TITLE_ID].isin(list(title_ids))]
    if launching_within is not None:
        cells = cells[cells[LAUNCH_AT] <= at + launching_within]
    report = CheckReport(
        as_of=at if len(judgement.cells) else None,
        fail_on=fail_on,
        allow_unknown=allow_unknown,
        cells=checked_cells(cells, to_findings(judgement.findings)),
        notices=_notices(judgement, len(cells)),
    )
    return explained(report, judgement.verdicts) if with_checks else report


def _refuse_absent(title_ids: Sequence[str], cells: pd.DataFrame, days: int) -> None:
    absent = sorted(set(title_ids) - set(cells[TITLE_ID]))
    if absent:
        named = ", ".join(f'"{title_id}"' for title_id in absent[:5])
        raise NotFoundError(
            f"Title {named} does not launch within {days} days, as far as is known: it was not checked. "
            "Ingest its launch, or raise model.upcoming_days."
        )


def checked_cells(cells: pd.DataFrame, findings: Sequence[Finding]) -> tuple[CheckedCell, ...]:
    """Return the judged cells (BOARD_CELL) with their findings, worst first."""
    by_cell: dict[tuple[str, str, str], list[Finding]] = {}
    for finding in findings:
        by_cell.setdefault((finding.title_id, finding.market, finding.surface), []).append(finding)
    checked = []
    for row in records(cells):
        judged = judged_cell(row, by_cell.get(cell_of(row), []))
        checked.append(
            CheckedCell(title_id=row[TITLE_ID], name=text(row[NAME]), cell=judged.view, findings=judged.findings)
        )
    return tuple(sorted(checked, key=by_risk))


def by_risk(checked: CheckedCell) -> tuple[object, ...]:
    """Return what cells are sorted by, worst first."""
    cell = checked.cell
    return cell.status.rank, cell.launch_at, checked.title_id, cell.market, cell.surface


def failed_steps(judgement: Judgement) -> tuple[str, ...]:
    """Return one sentence for every suite and detector that did not run."""
    return tuple(
        f"{step.kind.capitalize()} {step.name} did not run: {step.reason}"
        for step in judgement.steps
        if step.outcome is StepOutcome.FAILED
    )


def _notices(judgement: Judgement, n_cells: int) -> tuple[str, ...]:
    notices = list(failed_steps(judgement))
    of_service = (finding for finding in to_findings(judgement.findings) if finding.is_of_service)
    notices += [f"{finding.why} {finding.remedy}" for finding in of_service if finding.severity is not Severity.INFO]
    if not len(judgement.cells):
        notices.append("No upcoming launch is known: nothing was checked.")
    elif not n_cells:
        first = judgement.cells[LAUNCH_AT].min()
        notices.append(f"Nothing launches in this window; the next launch is at {first:%Y-%m-%d %H:%M} UTC.")
    return tuple(notices)
