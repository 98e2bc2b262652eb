"""An issue: a finding key followed over time, in episodes. The following itself is `follow`, a pure function."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from recsysops.columns import ALL
from recsysops.domain.severity import FindingClass, Severity


class Resolution(StrEnum):
    """Why an issue ended."""

    FIXED = "fixed"
    LAUNCHED = "launched"
    WITHDRAWN = "withdrawn"


class IssueEventKind(StrEnum):
    """What happened to an issue; the history is append-only."""

    OPENED = "opened"
    REOPENED = "reopened"
    UPDATED = "updated"
    WORSENED = "worsened"
    EASED = "eased"
    RESOLVED = "resolved"


WHOLE_SERVICE: Final = "the whole service"
"""Stands for the name of a title where a finding concerns all of them."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One finding of one run; see the columns FINDING."""

    finding_key: str
    detector: str
    rule: str
    title_id: str
    market: str
    surface: str
    field: str = ""
    measure: str = ""
    severity: Severity
    finding_class: FindingClass
    why: str
    remedy: str
    worth: float | None = None
    """Expected shortfall in `worth_unit`; None when not yet known."""
    worth_low: float | None = None
    worth_high: float | None = None
    worth_unit: str = ""
    latest_safe_fix_at: datetime | None = None
    score: float
    """Orders findings of one detector, larger is worse."""
    evidence: Mapping[str, object]

    @property
    def is_of_service(self) -> bool:
        """Whether it concerns the service as a whole; its field says what of it."""
        return (self.title_id, self.market, self.surface) == (ALL, ALL, ALL)


@dataclass(frozen=True, kw_only=True)
class Issue:
    """One episode of a finding key."""

    issue_id: str
    """`finding_key` and episode, joined by a hyphen."""
    episode: int
    """1 for the first opening of the key."""
    finding: Finding
    """As last seen."""
    opened_at: datetime
    updated_at: datetime
    """The as_of of the run that saw it last or ended it."""
    resolved_at: datetime | None = None
    resolution: Resolution | None = None

    @property
    def is_open(self) -> bool:
        """Whether it has not ended."""
        return self.resolved_at is None


@dataclass(frozen=True, kw_only=True)
class IssueEvent:
    """One entry of an issue's history."""

    issue_id: str
    at: datetime
    """The as_of of the run."""
    kind: IssueEventKind
    severity: Severity
    why: str
    resolution: Resolution | None = None


@dataclass(frozen=True)
class IssueChange:
    """An issue as it is now, and what happened to it."""

    issue: Issue
    event: IssueEvent


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What a run could judge: the ground on which an absent finding may be called fixed."""

    cells: Mapping[tuple[str, str, str], str]
    """Cell (title, market, surface) to `planned`, `launched` or `withdrawn`, for every cell known."""
    silent: frozenset[tuple[str, str, str, str, str]]
    """(detector, rule, title, market, surface) whose check passed or failed: it ran."""
    not_applicable: frozenset[tuple[str, str, str, str, str]] = frozenset()
    """The same, where the check no longer applies: its requirement or its plan was withdrawn."""


def follow(
    latest: Mapping[str, Issue], findings: Sequence[Finding], judged: Judged, as_of: datetime
) -> tuple[IssueChange, ...]:
    """Carry issues forward by one run.

    An open issue whose finding is absent is resolved as fixed only where its detector judged that cell; as launched or
    withdrawn where the cell is no longer upcoming. A finding that comes back opens the next episode.

    Args:
        latest: The latest episode of each finding key that ever opened.
        findings: What this run found, one per key.
        judged: What this run could judge.
        as_of: The time the run stands at.

    Returns:
        The changes, in the order of finding keys; nothing for what stays as it was.
    """
    found = {finding.finding_key: finding for finding in findings}
    changes = [_seen(latest.get(key), found[key], as_of) for key in sorted(found)]
    gone = (issue for key, issue in sorted(latest.items()) if issue.is_open and key not in found)
    changes += [_absent(issue, judged, as_of) for issue in gone]
    return tuple(change for change in changes if change is not None)


def _seen(before: Issue | None, finding: Finding, as_of: datetime) -> IssueChange | None:
    if before is None or not before.is_open:
        episode = 1 if before is None else before.episode + 1
        issue = Issue(
            issue_id=f"{finding.finding_key}-{episode}",
            episode=episode,
            finding=finding,
            opened_at=as_of,
            updated_at=as_of,
        )
        return _change(issue, IssueEventKind.OPENED if before is None else IssueEventKind.REOPENED, as_of)
    if before.finding == finding:
        return None
    kind = IssueEventKind.UPDATED
    if finding.severity.rank < before.finding.severity.rank:
        kind = IssueEventKind.WORSENED
    elif finding.severity.rank > before.finding.severity.rank:
        kind = IssueEventKind.EASED
    return _change(replace(before, finding=finding, updated_at=as_of), kind, as_of)


def _absent(issue: Issue, judged: Judged, as_of: datetime) -> IssueChange | None:
    finding = issue.finding
    cell = (finding.title_id, finding.market, finding.surface)
    state = judged.cells.get(cell, "planned")
    check = (finding.detector, finding.rule, *cell)
    if state == "planned" and check in judged.not_applicable:
        state = "withdrawn"
    if state == "planned" and check not in judged.silent:
        return None
    resolution = {"launched": Resolution.LAUNCHED, "withdrawn": Resolution.WITHDRAWN}.get(state, Resolution.FIXED)
    ended = replace(issue, updated_at=as_of, resolved_at=as_of, resolution=resolution)
    return _change(ended, IssueEventKind.RESOLVED, as_of)


def _change(issue: Issue, kind: IssueEventKind, as_of: datetime) -> IssueChange:
    event = IssueEvent(
        issue_id=issue.issue_id, at=as_of, kind=kind, severity=issue.finding.severity, why=issue.finding.why,
        resolution=issue.resolution,
    )  # fmt: skip
    return IssueChange(issue, event)


def count_by_severity(issues: Iterable[Issue]) -> dict[Severity, int]:
    """Count open issues by severity; every severity is a key."""
    counts = dict.fromkeys(Severity, 0)
    for issue in issues:
        if issue.is_open:
            counts[issue.finding.severity] += 1
    return counts
