"""One order for everything: risk x time left. Status, severity, latest safe fix, worth, then names for stability."""

from datetime import datetime

from recsysops.domain.issue import Finding
from recsysops.domain.severity import Severity
from recsysops.domain.verdict import Status
from recsysops.domain.views import BoardRow, CellView, Worth

Rank = tuple[int, bool, float, float]


def rank(severity: Severity | None, fix_at: datetime | None, worth: float | None) -> Rank:
    """Return a key that sorts worst first: severity, then the time left, missing last, then the larger worth."""
    return (
        len(Severity) if severity is None else severity.rank,
        fix_at is None,
        0.0 if fix_at is None else fix_at.timestamp(),
        0.0 if worth is None else -worth,
    )


def by_finding(finding: Finding) -> tuple[Rank, float, str]:
    """Return the sort key of a finding."""
    return rank(finding.severity, finding.latest_safe_fix_at, finding.worth), -finding.score, finding.finding_key


def by_row(row: BoardRow) -> tuple[int, Rank, datetime, str]:
    """Return the sort key of a row of the board."""
    worth = row.worth.expected if row.worth else None
    return row.status.rank, rank(row.severity, row.latest_safe_fix_at, worth), row.launch_at, row.title_id


def by_cell(cell: CellView) -> tuple[int, int, datetime, str, str]:
    """Return the sort key of a cell."""
    return cell.status.rank, rank(cell.severity, None, None)[0], cell.launch_at, cell.market, cell.surface


def worst(statuses: list[Status]) -> Status:
    """Return the worst of at least one status."""
    return min(statuses, key=lambda status: status.rank)


def worth_of(findings: list[Finding]) -> Worth | None:
    """Return the largest known expected shortfall: members before impressions, as the two cannot be compared."""
    known = [finding for finding in findings if finding.worth is not None]
    if not known:
        return None
    largest = max(known, key=lambda finding: (finding.worth_unit == "members", finding.worth or 0.0))
    return Worth(
        expected=largest.worth or 0.0, low=largest.worth_low, high=largest.worth_high, unit=largest.worth_unit,
    )  # fmt: skip
