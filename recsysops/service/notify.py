"""Tell people what changed in a run. Composes; a channel renders and sends.

Escalation, grouping, silences and the persistent outbox are not built yet.
"""

from collections.abc import Sequence
from datetime import datetime

import pandas as pd

from recsysops.columns import CELL_KEY, LAUNCH_AT, NAME, STATUS, TITLE_ID, TITLES
from recsysops.contract.channel import Notice, Notification, Sent
from recsysops.domain.issue import WHOLE_SERVICE, IssueChange, IssueEventKind, Resolution
from recsysops.domain.run import Run, StepReport
from recsysops.domain.verdict import Status, StepOutcome
from recsysops.service.context import ChannelInUse, Context
from recsysops.service.judge import Judgement
from recsysops.service.ports import UnitOfWork
from recsysops.service.recording import Recorder


def compose(
    context: Context, unit: UnitOfWork, run: Run, judgement: Judgement, changes: Sequence[IssueChange]
) -> Notification:
    """Return what a run has to say: new, worse, fixed and ended issues, worst first, and what did not run."""
    notices = _notices(unit, judgement.as_of, changes)
    return Notification(
        service=context.settings.service.name,
        run_id=run.run_id,
        as_of=judgement.as_of,
        opened=_of(notices, IssueEventKind.OPENED, IssueEventKind.REOPENED),
        worsened=_of(notices, IssueEventKind.WORSENED),
        fixed=tuple(n for n in _of(notices, IssueEventKind.RESOLVED) if n.issue.resolution is Resolution.FIXED),
        ended=tuple(n for n in _of(notices, IssueEventKind.RESOLVED) if n.issue.resolution is not Resolution.FIXED),
        n_open=len(unit.issues.list(is_open=True)),
        n_unknown=int((judgement.cells[STATUS] == Status.UNKNOWN.value).sum()),
        failed_steps=tuple(
            f"{step.kind} {step.name}: {step.reason}" for step in run.steps if step.outcome is StepOutcome.FAILED
        ),
    )


def notify_into(context: Context, recorder: Recorder, notification: Notification) -> None:
    """Send the notification through every channel; one that fails is recorded and stops no other."""
    for used in context.channels:
        recorder.add(_send(used, notification))


def _send(used: ChannelInUse, notification: Notification) -> StepReport:
    try:
        answer = used.channel.send(used.channel.render(notification, used.settings), notification, used.settings)
    except Exception as error:  # noqa: BLE001 - a stranger's channel may raise anything, and must not stop the others
        return _report(used, StepOutcome.FAILED, f"{type(error).__name__}: {error}")
    if isinstance(answer, Sent):
        return _report(used, StepOutcome.RAN, answer.key)
    return _report(used, StepOutcome.FAILED, answer.reason)


def _report(used: ChannelInUse, outcome: StepOutcome, reason: str) -> StepReport:
    return StepReport(kind="channel", name=used.instance, outcome=outcome, reason=reason)


def _notices(unit: UnitOfWork, as_of: datetime, changes: Sequence[IssueChange]) -> tuple[Notice, ...]:
    names = _names(unit, as_of)
    launches = _launch_times(unit, as_of)
    notices = [
        Notice(
            issue=change.issue,
            event=change.event,
            title_name=WHOLE_SERVICE
            if change.issue.finding.is_of_service
            else names.get(change.issue.finding.title_id, change.issue.finding.title_id),
            launch_at=launches.get(_cell(change)),
            link="",
        )
        for change in changes
    ]
    return tuple(sorted(notices, key=lambda notice: (notice.issue.finding.severity.rank, notice.issue.issue_id)))


def _cell(change: IssueChange) -> tuple[str, str, str]:
    finding = change.issue.finding
    return finding.title_id, finding.market, finding.surface


def _names(unit: UnitOfWork, as_of: datetime) -> dict[str, str]:
    titles = unit.versions.known(TITLES, as_of).dropna(subset=[NAME])
    return dict(zip(titles[TITLE_ID], titles[NAME], strict=True))


def _launch_times(unit: UnitOfWork, as_of: datetime) -> dict[tuple[str, str, str], datetime]:
    launches = unit.versions.known("launches", as_of)
    keys = zip(*(launches[column] for column in CELL_KEY), strict=True)
    return {key: pd.Timestamp(at).to_pydatetime() for key, at in zip(keys, launches[LAUNCH_AT], strict=True)}


def _of(notices: Sequence[Notice], *kinds: IssueEventKind) -> tuple[Notice, ...]:
    return tuple(notice for notice in notices if notice.event.kind in kinds)
