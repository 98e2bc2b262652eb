"""Judge every upcoming cell, store what was found, and follow findings as issues."""

from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from recsysops.columns import CELL_KEY, CELLS, CHECKS, DETECTOR, EXPECTATIONS, OUTCOME, RULE, STATUS
from recsysops.domain.issue import IssueChange, Judged, follow
from recsysops.domain.run import Run
from recsysops.domain.verdict import CheckOutcome, Status, StepOutcome
from recsysops.service.cells import launch_states
from recsysops.service.context import Context
from recsysops.service.frames import to_findings
from recsysops.service.judge import Judgement, judge
from recsysops.service.ports import ResultTable, UnitOfWork
from recsysops.service.recording import Recorder


@dataclass(frozen=True, kw_only=True)
class DetectReport:
    """What was found and what became of the issues."""

    run: Run
    judgement: Judgement
    changes: tuple[IssueChange, ...]
    is_followed: bool
    """False when a later run was followed already: then no issue was touched."""


def detect(context: Context, *, as_of: datetime | None = None) -> DetectReport:
    """Judge at `as_of` and follow; a run older than the last followed one stores its results and touches no issue."""
    at = context.as_of(as_of)
    recorder = Recorder(context, "detect", at)
    judgement, changes, is_followed = detect_into(context, recorder, at)
    run = recorder.finish(counts=status_counts(judgement))
    return DetectReport(run=run, judgement=judgement, changes=changes, is_followed=is_followed)


def detect_into(
    context: Context, recorder: Recorder, as_of: datetime
) -> tuple[Judgement, tuple[IssueChange, ...], bool]:
    """Do the work of `detect` as a step of another run; results and issues are published together."""
    with recorder.step("detect") as step:
        context.progress("check and detect", 0.0)
        with context.store.write() as unit:
            judgement = judge(context, unit, as_of)
            for table, frame in _results(judgement):
                unit.results.save(table, frame, recorder.run.run_id, as_of)
            last = unit.runs.last_followed()
            is_followed = last is None or last.as_of <= as_of
            changes = _follow(unit, judgement) if is_followed else ()
            unit.issues.apply(changes)
            with recorder.followed(unit) if is_followed else nullcontext():
                unit.commit()
        recorder.add(*judgement.steps)
        context.progress("check and detect", 1.0)
        step.n = len(judgement.cells)
        if any(report.outcome is StepOutcome.FAILED for report in judgement.steps):
            step.reason = "Some checks did not run; what they would have judged is unknown."
    return judgement, changes, is_followed


def _results(judgement: Judgement) -> tuple[tuple[ResultTable, pd.DataFrame], ...]:
    return (
        (EXPECTATIONS, judgement.expectations),
        (CHECKS, judgement.checks),
        ("verdicts", judgement.verdicts),
        ("findings", judgement.findings),
        (CELLS, judgement.cells),
    )


def _follow(unit: UnitOfWork, judgement: Judgement) -> tuple[IssueChange, ...]:
    verdicts = judgement.verdicts
    ran = verdicts[OUTCOME].isin([CheckOutcome.PASSED.value, CheckOutcome.FAILED.value])
    judged = Judged(
        cells=launch_states(unit, judgement.as_of),
        silent=_checks(verdicts[ran]),
        not_applicable=_checks(verdicts[verdicts[OUTCOME] == CheckOutcome.NOT_APPLICABLE.value]),
    )
    return follow(unit.issues.latest(), to_findings(judgement.findings), judged, judgement.as_of)


def _checks(verdicts: pd.DataFrame) -> frozenset[tuple[str, str, str, str, str]]:
    return frozenset(zip(*(verdicts[column] for column in (DETECTOR, RULE, *CELL_KEY)), strict=True))


def status_counts(judgement: Judgement) -> dict[str, int]:
    """Return the number of cells by status; every status is a key."""
    counts = judgement.cells[STATUS].value_counts().to_dict()
    return {status.value: int(counts.get(status.value, 0)) for status in Status}
