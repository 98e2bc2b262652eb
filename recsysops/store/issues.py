"""Issues and their append-only history."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, Final

from sqlalchemy import case, func, insert, select, update
from sqlalchemy.orm import Session

from recsysops.domain.issue import Finding, Issue, IssueChange, IssueEvent, IssueEventKind, Resolution
from recsysops.domain.severity import FindingClass, Severity
from recsysops.store.bulk import pieces, wanted_text
from recsysops.store.tables_followed import IssueEventRow, IssueRow

_AS_STORED: Final = tuple(field.name for field in fields(Finding) if field.name not in {"severity", "finding_class"})
_BY_SEVERITY: Final = {str(severity): severity.rank for severity in Severity}


class SqlIssues:
    """See `IssueRepository`."""

    def __init__(self, session: Session) -> None:
        """Work in the transaction of `session`."""
        self._session = session

    def latest(self) -> Mapping[str, Issue]:
        """Return the latest episode of each finding key."""
        last = select(IssueRow.finding_key, func.max(IssueRow.episode).label("episode")).group_by(IssueRow.finding_key)
        each = last.subquery()
        wanted = select(IssueRow).join(
            each, (each.c.finding_key == IssueRow.finding_key) & (each.c.episode == IssueRow.episode)
        )
        return {row.finding_key: _issue(row) for row in self._session.scalars(wanted)}

    def apply(self, changes: Sequence[IssueChange]) -> None:
        """Store the changed issues and append their events."""
        if not changes:
            return
        # By id, the last change of an issue standing: one batch may open an issue and resolve it.
        rows = {change.issue.issue_id: _row(change.issue) for change in changes}
        known: set[str] = set()
        for piece in pieces(list(rows)):
            known.update(self._session.scalars(select(IssueRow.issue_id).where(IssueRow.issue_id.in_(piece))))
        if fresh := [row for key, row in rows.items() if key not in known]:
            self._session.execute(insert(IssueRow), fresh)
        if changed := [row for key, row in rows.items() if key in known]:
            self._session.execute(update(IssueRow), changed)
        self._session.execute(insert(IssueEventRow), [vars(change.event) for change in changes])
        self._session.expire_all()

    def list(self, *, is_open: bool | None = None, title_id: str | None = None) -> tuple[Issue, ...]:
        """Return issues, worst severity first, then by latest safe fix time (none last), then id."""
        wanted = select(IssueRow).order_by(
            case(_BY_SEVERITY, value=IssueRow.severity, else_=len(_BY_SEVERITY)),
            IssueRow.latest_safe_fix_at.is_(None),
            IssueRow.latest_safe_fix_at,
            IssueRow.issue_id,
        )
        if is_open is not None:
            ended = IssueRow.resolved_at
            wanted = wanted.where(ended.is_(None) if is_open else ended.is_not(None))
        if title_id is not None:
            wanted = wanted.where(IssueRow.title_id == wanted_text(title_id))
        return tuple(_issue(row) for row in self._session.scalars(wanted))

    def events(self, issue_id: str | None = None, *, at: datetime | None = None) -> tuple[IssueEvent, ...]:
        """Return events in the order they were appended; only those of an issue, or of the run at `at`."""
        wanted = select(IssueEventRow).order_by(IssueEventRow.sequence)
        if issue_id is not None:
            wanted = wanted.where(IssueEventRow.issue_id == wanted_text(issue_id))
        if at is not None:
            wanted = wanted.where(IssueEventRow.at == at)
        return tuple(_event(row) for row in self._session.scalars(wanted))


def _row(issue: Issue) -> dict[str, Any]:
    finding = issue.finding
    return {name: getattr(finding, name) for name in _AS_STORED} | {
        "issue_id": issue.issue_id,
        "episode": issue.episode,
        "opened_at": issue.opened_at,
        "updated_at": issue.updated_at,
        "resolved_at": issue.resolved_at,
        "resolution": issue.resolution,
        IssueRow.severity.key: finding.severity,
        IssueRow.class_.key: finding.finding_class,
    }


def _issue(row: IssueRow) -> Issue:
    stored = {name: getattr(row, name) for name in _AS_STORED}
    return Issue(
        issue_id=row.issue_id,
        episode=row.episode,
        finding=Finding(severity=Severity(row.severity), finding_class=FindingClass(row.class_), **stored),
        opened_at=row.opened_at,
        updated_at=row.updated_at,
        resolved_at=row.resolved_at,
        resolution=_resolution(row.resolution),
    )


def _event(row: IssueEventRow) -> IssueEvent:
    return IssueEvent(
        issue_id=row.issue_id, at=row.at, kind=IssueEventKind(row.kind), severity=Severity(row.severity), why=row.why,
        resolution=_resolution(row.resolution),
    )  # fmt: skip


def _resolution(text: str | None) -> Resolution | None:
    return None if text is None else Resolution(text)
