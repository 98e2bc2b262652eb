"""Runs told in sentences, and how each step last went."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from recsysops.domain.issue import Finding
from recsysops.domain.run import Run
from recsysops.domain.severity import Severity
from recsysops.domain.verdict import StepOutcome
from recsysops.domain.views import RunList, RunView, StepHealth
from recsysops.service.ports import Store
from recsysops.service.queries.snapshot import DETECTING

STEPS = ("ingest", "learn", "train", "predict", "detect", "run")
"""Closed set: labels of metrics."""
STALE_AFTER = timedelta(hours=36)
"""A daily cycle that missed a day."""


def runs(store: Store, *, verb: str | None = None, offset: int = 0, limit: int = 50) -> RunList:
    """Return one page of runs, latest started first.

    Args:
        store: Where they are.
        verb: Only runs of this verb.
        offset: Runs to skip.
        limit: Runs to return.
    """
    with store.read() as unit:
        page = tuple(run_view(run) for run in unit.runs.list(limit=limit, offset=offset, verb=verb))
        return RunList(runs=page, total=unit.runs.count(verb=verb), offset=offset, limit=limit)


def run_view(run: Run) -> RunView:
    """Return a run as a person wants it told."""
    return RunView(
        run_id=run.run_id,
        verb=run.verb,
        as_of=run.as_of,
        started_at=run.started_at,
        finished_at=run.finished_at,
        seconds=(run.finished_at - run.started_at).total_seconds() if run.finished_at else None,
        has_failed=run.has_failed,
        summary=_summary(run),
        steps=run.steps,
        counts=run.counts,
        models=run.models,
    )


def detection_run(known: Iterable[Run]) -> Run | None:
    """Return the last run that detected or tried to."""
    return next((run for run in known if run.verb in DETECTING), None)


def run_notices(known: tuple[Run, ...], as_of: datetime | None, now: datetime) -> tuple[str, ...]:
    """Return what a reader must know before the numbers: what did not run, and how old the answer is."""
    notices = []
    last = detection_run(known)
    if last and last.has_failed:
        notices.append(f"{_summary(last)} What is shown may be incomplete or from an earlier run.")
    elif last:
        notices += [f'{report.kind.capitalize()} "{report.name}" was skipped: {report.reason}' for report in last.steps
                    if report.outcome is StepOutcome.SKIPPED and report.kind in {"suite", "detector"}]  # fmt: skip
    newest = next(iter(known), None)
    if newest and newest is not last and newest.has_failed:
        notices.append(_summary(newest))
    if as_of is not None and now - as_of > STALE_AFTER:
        notices.append(
            f"This is old: the last detection stands at {as_of:%Y-%m-%d %H:%M} UTC, "
            f"{(now - as_of) / timedelta(hours=1):.0f} hours ago. Run `recsysops run`."
        )
    return tuple(notices)


def service_notices(found: Iterable[Finding]) -> tuple[str, ...]:
    """Return what is wrong with the service as a whole, in sentences."""
    return tuple(f"{finding.why} {finding.remedy}" for finding in found if finding.severity is not Severity.INFO)


def step_health(known: tuple[Run, ...]) -> tuple[StepHealth, ...]:
    """Return how each step last went, whichever verb ran it.

    Args:
        known: The latest started first. The newest may still be running: it counts as neither.
    """
    ended = known[1:] if known and known[0].finished_at is None else known
    health = []
    for step in STEPS:
        tried = [(run, said) for run in ended if (said := _went(run, step)) is not None]
        succeeded = next((run for run, went_well in tried if went_well), None)
        health.append(
            StepHealth(
                step=step,
                last_success_at=succeeded.finished_at or succeeded.started_at if succeeded else None,
                last_failed=bool(tried) and not tried[0][1],
                seconds=_seconds(tried[0][0], step) if tried else None,
            )
        )
    return tuple(health)


def _went(run: Run, step: str) -> bool | None:
    """Return whether a run did a step well; None where it did not come to it."""
    reports = [report for report in run.steps if report.kind == "step" and report.name == step]
    if reports:
        said = {report.outcome for report in reports} - {StepOutcome.SKIPPED}
        return StepOutcome.FAILED not in said if said else None
    return not run.has_failed if run.verb == step else None


def _seconds(run: Run, step: str) -> float | None:
    """Return how long a step of a run took; None where it did not end."""
    took = [report.seconds for report in run.steps if report.kind == "step" and report.name == step]
    if took:
        return sum(took)
    return (run.finished_at - run.started_at).total_seconds() if run.finished_at else None


def _summary(run: Run) -> str:
    failed = [report for report in run.steps if report.outcome is StepOutcome.FAILED]
    at = f"{run.started_at:%Y-%m-%d %H:%M} UTC"
    if failed:
        what = "; ".join(f'{report.kind} "{report.name}": {report.reason or "no reason given"}' for report in failed)
        return f"`{run.verb}` of {at} failed in {what.rstrip('.')}."
    if run.finished_at is None:
        return f"`{run.verb}` of {at} has not finished: it is still running, or it was stopped."
    return f"`{run.verb}` of {at} finished in {(run.finished_at - run.started_at).total_seconds():.0f} s."
