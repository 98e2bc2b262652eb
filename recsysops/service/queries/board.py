"""The launch board: one row per upcoming title, worst cell first, filtered and cut into pages."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Literal

from recsysops.domain.issue import Finding
from recsysops.domain.severity import FindingClass
from recsysops.domain.verdict import Status
from recsysops.domain.views import Board, BoardFilter, BoardRow, Choices, LaunchChange
from recsysops.errors import UsageError
from recsysops.service.queries.order import by_cell, by_finding, by_row, worst, worth_of
from recsysops.service.queries.runs import detection_run, run_notices, run_view, service_notices
from recsysops.service.queries.snapshot import JudgedCell, JudgedTitle, Snapshot

MAX_LIMIT = 500
BoardSort = Literal["risk", "launch", "worth", "name"]
DAY = timedelta(days=1)


def board(
    snapshot: Snapshot,
    filters: BoardFilter,
    *,
    service: str,
    now: datetime,
    sort: BoardSort = "risk",
    offset: int = 0,
    limit: int = 100,
) -> Board:
    """Return one page of the board.

    Args:
        snapshot: What the last detection said.
        filters: What to show.
        service: Name of the service.
        now: Aware UTC; only to say how old the answer is.
        sort: `risk` (risk x time left), `launch` (soonest first), `worth` (largest first, unknown last) or `name`.
        offset: Rows to skip, >= 0.
        limit: Rows to return, 1 to 500.

    Raises:
        UsageError: Offset or limit is out of range.
    """
    if offset < 0 or not 1 <= limit <= MAX_LIMIT:
        raise UsageError(
            f"This page does not exist: offset {offset}, limit {limit} (offset is at least 0, limit 1 to {MAX_LIMIT}). "
            "Ask for another page."
        )
    rows = board_rows(snapshot, replace(filters, statuses=()))
    counts = Counter(row.status for row in rows)
    shown = _sorted([row for row in rows if not filters.statuses or row.status in filters.statuses], sort)
    run = detection_run(snapshot.runs)
    return Board(
        service=service,
        as_of=snapshot.as_of,
        run=run_view(run) if run else None,
        notices=(*run_notices(snapshot.runs, snapshot.as_of, now), *service_notices(snapshot.service)),
        label=snapshot.label,
        counts={status.value: counts[status] for status in sorted(Status, key=lambda status: status.rank)},
        n_cancelled=len(snapshot.cancelled),
        choices=snapshot.derived("choices", partial(choices, snapshot)),
        rows=tuple(shown[offset : offset + limit]),
        total=len(shown),
        offset=offset,
        limit=limit,
    )


@dataclass(frozen=True, slots=True)
class _Entry:
    """A row of the board, with what it can be found by."""

    row: BoardRow
    classes: frozenset[FindingClass]
    text: str
    """Name and id without regard to case, on a line each."""


def board_rows(snapshot: Snapshot, filters: BoardFilter) -> list[BoardRow]:
    """Return every row that passes, by risk x time left."""
    if snapshot.as_of is None:
        return []
    places = filters.markets, filters.surfaces
    if filters.title_ids:
        titles = [title for title in snapshot.titles if title.title_id in filters.title_ids]
        entries = _entries(titles, *places, snapshot.as_of)
    else:
        # Made once per detection and choice of places: everything else only picks among them.
        entries = snapshot.derived(
            ("board", *places), partial(_entries, snapshot.titles, *places, snapshot.as_of)
        )  # fmt: skip
    passes = _pass(filters, snapshot.as_of)
    return [entry.row for entry in entries if passes(entry)]


def _entries(
    titles: Sequence[JudgedTitle], markets: tuple[str, ...], surfaces: tuple[str, ...], as_of: datetime
) -> list[_Entry]:
    there = BoardFilter(markets=markets, surfaces=surfaces)
    entries = [_entry(title, cells, as_of) for title in titles if (cells := cells_of(title, there))]
    return sorted(entries, key=lambda entry: by_row(entry.row))


def _entry(title: JudgedTitle, cells: tuple[JudgedCell, ...], as_of: datetime) -> _Entry:
    classes = frozenset(finding.finding_class for cell in cells for finding in cell.findings)
    return _Entry(_row(title, cells, as_of), classes, f"{title.name}\n{title.title_id}".casefold())


def _pass(filters: BoardFilter, as_of: datetime) -> Callable[[_Entry], bool]:
    """Return whether an entry passes the filters: only what is asked for is looked at."""
    checks: list[Callable[[_Entry], bool]] = []
    if wanted := " ".join(filters.text.split("\n")).strip().casefold():
        checks.append(lambda entry: wanted in entry.text)
    if providers := frozenset(filters.providers):
        checks.append(lambda entry: entry.row.provider in providers)
    if classes := frozenset(filters.classes):
        checks.append(lambda entry: not classes.isdisjoint(entry.classes))
    if statuses := frozenset(filters.statuses):
        checks.append(lambda entry: entry.row.status in statuses)
    within = filters.launching_within_days
    if within is not None:
        checks.append(lambda entry: (entry.row.launch_at - as_of) / DAY <= within)
    return lambda entry: all(check(entry) for check in checks)


def cells_of(title: JudgedTitle, filters: BoardFilter) -> tuple[JudgedCell, ...]:
    """Return the cells a title is judged by under these filters; none where the title itself is filtered out."""
    wanted = filters.text.strip().casefold()
    if wanted and wanted not in title.name.casefold() and wanted not in title.title_id.casefold():
        return ()
    if filters.providers and title.provider not in filters.providers:
        return ()
    if filters.title_ids and title.title_id not in filters.title_ids:
        return ()
    cells = tuple(
        cell
        for cell in title.cells
        if (not filters.markets or cell.view.market in filters.markets)
        and (not filters.surfaces or cell.view.surface in filters.surfaces)
    )
    has_class = any(finding.finding_class in filters.classes for cell in cells for finding in cell.findings)
    return cells if has_class or not filters.classes else ()


def choices(snapshot: Snapshot) -> Choices:
    """Return what can be filtered by."""
    cells = [cell for title in snapshot.titles for cell in title.cells]
    return Choices(
        markets=tuple(sorted({cell.view.market for cell in cells})),
        surfaces=tuple(sorted({cell.view.surface for cell in cells})),
        providers=tuple(sorted({title.provider for title in snapshot.titles if title.provider})),
        classes=tuple(sorted({finding.finding_class for cell in cells for finding in cell.findings})),
    )


def _sorted(rows: list[BoardRow], sort: BoardSort) -> list[BoardRow]:
    """Return rows that come by risk in another order; risk orders what is alike."""
    if sort == "launch":
        return sorted(rows, key=lambda row: row.launch_at)
    if sort == "name":
        return sorted(rows, key=lambda row: (row.name or row.title_id).casefold())
    if sort == "worth":
        return sorted(rows, key=lambda row: -(row.worth.expected if row.worth else -1.0))
    return rows


def _row(title: JudgedTitle, cells: tuple[JudgedCell, ...], as_of: datetime) -> BoardRow:
    findings = sorted((finding for cell in cells for finding in cell.findings), key=by_finding)
    views = tuple(sorted((cell.view for cell in cells), key=by_cell))
    status = worst([view.status for view in views])
    launch_at = min(view.launch_at for view in views)
    lead = findings[0] if findings and status in {Status.FAILING, Status.AT_RISK} else None
    fix_at = lead.latest_safe_fix_at if lead else None
    return BoardRow(
        title_id=title.title_id,
        name=title.name,
        provider=title.provider,
        launch_at=launch_at,
        days_to_launch=(launch_at - as_of) / DAY,
        launch_change=_change(title, cells),
        status=status,
        severity=findings[0].severity if findings else None,
        finding_class=lead.finding_class if lead else None,
        why=views[0].why if lead is None else lead.why,
        remedy=_remedy(status, lead),
        worth=worth_of(findings),
        latest_safe_fix_at=fix_at,
        days_to_fix=(fix_at - as_of) / DAY if fix_at else None,
        n_findings=len(findings),
        has_expectation=any(view.has_expectation for view in views),
        cells=views,
    )


def _remedy(status: Status, lead: Finding | None) -> str:
    if lead is not None:
        return lead.remedy
    return "See on the title's page which check did not run." if status is Status.UNKNOWN else ""


def _change(title: JudgedTitle, cells: tuple[JudgedCell, ...]) -> LaunchChange:
    if title.has_cancelled:
        return LaunchChange.PART_CANCELLED
    return LaunchChange.MOVED if any(cell.view.previous_launch_at for cell in cells) else LaunchChange.NONE
