"""Tables of the title page."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from recsysops.domain.issue import Finding
from recsysops.domain.title_view import FieldRow, LaunchEvent, TreatmentDay, Verdict
from recsysops.domain.verdict import Status
from recsysops.domain.views import CellView, IssueView, Worth
from recsysops_dashboards._html import Part, Safe, badge, lines, small, status_badge, table, text
from recsysops_dashboards._words import CLASS, FIELD_STATE, OUTCOME, SEVERITY, day, distance, grid, moment, place, worth


def findings_table(findings: Sequence[Finding], as_of: datetime | None) -> Safe:
    """Return findings worst first; those alike in several places stand in one row."""
    alike: dict[tuple[str, ...], list[Finding]] = defaultdict(list)
    for finding in findings:
        alike[finding.severity, finding.detector, finding.rule, finding.why, finding.remedy].append(finding)
    rows = (_finding_row(group, as_of) for group in alike.values())
    return table(
        ("Severity", "Why", "What to do", "Worth", "Fix by"), rows, label="Findings, worst first",
        widths=("12%", "32%", "26%", "15%", "15%"),
    )  # fmt: skip


def cells_table(cells: Sequence[CellView]) -> Safe:
    """Return where the title stands how, places alike in one row."""
    alike: dict[tuple[Status, datetime, datetime | None], list[CellView]] = defaultdict(list)
    for cell in cells:
        alike[cell.status, cell.launch_at, cell.previous_launch_at].append(cell)
    rows: list[list[Part]] = [
        [status_badge(group[0].status), _grid(group), _launch(group[0])] for group in alike.values()
    ]
    return table(
        ("Status", "Where", "Launch"), rows, label="Status by market and surface", widths=("28%", "32%", "40%")
    )


def launches_table(events: Sequence[LaunchEvent]) -> Safe:
    """Return what became of the launches, those alike in several places in one row."""
    alike: dict[tuple[datetime, str, datetime], list[LaunchEvent]] = defaultdict(list)
    for event in sorted(events, key=lambda event: event.observed_at):
        alike[event.observed_at, event.change, event.launch_at].append(event)
    rows: list[list[Part]] = [
        [
            day(seen),
            f"{change} {'from' if change == 'cancelled' else 'to'} {day(at)}",
            _grid(group),
        ]
        for (seen, change, at), group in alike.items()
    ]
    return table(("Known since", "Launch was", "Where"), rows, label="Launches as announced, moved and cancelled")


def metadata_table(rows: Sequence[FieldRow]) -> Safe:
    """Return required fields, overdue first."""
    return table(
        ("State", "Field", "Value", "Due", "Safe until", "Owner", "Where"),
        (_field_row(row) for row in rows),
        label="Required metadata against its due dates",
        widths=("10%", "13%", "28%", "12%", "12%", "12%", "13%"),
    )


def other_fields_table(fields: Mapping[str, str]) -> Safe:
    """Return all metadata as known."""
    rows: list[list[Part]] = [[name, text(value or "–", lines=3)] for name, value in fields.items()]
    return table(("Field", "Value"), rows, label="All metadata", widths=("20%", "80%"))


def verdicts_table(verdicts: Sequence[Verdict]) -> Safe:
    """Return every check, what it said, on which data, and with which margin."""
    alike: dict[tuple[str, ...], list[Verdict]] = defaultdict(list)
    for verdict in verdicts:
        alike[verdict.outcome, verdict.detector, verdict.rule, verdict.reason, verdict.data].append(verdict)
    rows = (_verdict_row(group) for group in alike.values())
    return table(
        ("Check says", "Check", "Why", "Margin", "Rests on", "Where"), rows, label="Every check of this title",
        widths=("12%", "15%", "26%", "8%", "24%", "15%"),
    )  # fmt: skip


def treatment_table(days: Sequence[TreatmentDay]) -> Safe:
    """Return what was counted since launch, by place and log."""
    alike: dict[tuple[str, str], list[TreatmentDay]] = defaultdict(list)
    for counted in days:
        alike[place(counted.market, counted.surface), counted.signal].append(counted)
    head = ("Where", "Log", "Days", "Events", "Members reached", "Files")
    return table(head, (_treatment_row(*key, group) for key, group in alike.items()), label="Treatment since launch")


def history_table(issues: Sequence[IssueView]) -> Safe:
    """Return issues with what happened to them, open ones first; those alike in several places in one row."""
    alike: dict[tuple[object, ...], list[IssueView]] = defaultdict(list)
    for view in issues:
        happened = tuple((event.at, event.kind, event.severity) for event in view.events)
        alike[view.issue.resolution, view.issue.finding.why, happened].append(view)
    rows = (_history_row(group) for group in alike.values())
    return table(
        ("Issue", "About", "What happened"), rows, label="Issues and their history", widths=("12%", "50%", "38%")
    )


def _treatment_row(where: str, signal: str, group: Sequence[TreatmentDay]) -> list[Part]:
    events, members = sum(day.events for day in group), sum(day.new_members for day in group)
    files = "some are gone" if any(day.is_partial for day in group) else "complete"
    return [where, signal, str(len(group)), f"{events:,}", f"{members:,}", files]


def _history_row(group: Sequence[IssueView]) -> list[Part]:
    view = group[0]
    finding = view.issue.finding
    where = _grid([v.issue.finding for v in group])
    return [
        badge("●", "open", "at_risk") if view.issue.is_open else badge("✔", f"{view.issue.resolution}", "ok"),
        lines([text(finding.why, lines=2), small(where)]),
        lines(f"{moment(event.at)}: {event.kind}, {event.severity}" for event in view.events),
    ]


def _finding_row(group: Sequence[Finding], as_of: datetime | None) -> list[Part]:
    finding = group[0]
    fix_at = min((f.latest_safe_fix_at for f in group if f.latest_safe_fix_at), default=None)
    where = small(f"{CLASS[finding.finding_class]} · {_grid(group)}")
    return [
        badge(*SEVERITY[finding.severity]),
        lines([finding.why, where]),
        finding.remedy,
        lines(_worths(group)),
        lines([day(fix_at), small(_left(fix_at, as_of))]),
    ]


def _worths(group: Sequence[Finding]) -> list[Part]:
    """Return the worth in each place, the same only once: what is lost in one place is not lost in another."""
    shown = []
    for f in group:
        known = (
            None if f.worth is None else Worth(expected=f.worth, low=f.worth_low, high=f.worth_high, unit=f.worth_unit)
        )
        shown.append(worth(known))
    alike = list(dict.fromkeys(shown))
    each = " in each place" if len(alike) == 1 and len(group) > 1 and group[0].worth is not None else ""
    return [f"{alike[0]}{each}"] if len(alike) == 1 else [
        f"{place(f.market, f.surface)}: {said}" for f, said in zip(group, shown, strict=True)
    ]  # fmt: skip


def _grid(group: Sequence[CellView | Finding | LaunchEvent | Verdict]) -> str:
    return grid((member.market, member.surface) for member in group)


def _left(fix_at: datetime | None, as_of: datetime | None) -> str:
    if fix_at is None or as_of is None:
        return ""
    days = (fix_at - as_of) / timedelta(days=1)
    return distance(days) if days > 0 else f"past: {distance(days)}"


def _launch(cell: CellView) -> Part:
    moved = f"moved from {day(cell.previous_launch_at)}" if cell.previous_launch_at else ""
    return lines([moment(cell.launch_at), small(moved)]) if moved else moment(cell.launch_at)


def _field_row(row: FieldRow) -> list[Part]:
    value = text(row.value or "nothing", lines=2)
    places = grid((market, surface) for market in row.markets for surface in row.surfaces)
    return [
        badge(*FIELD_STATE[row.state]),
        row.field,
        lines([value, small(row.reason)]) if row.reason else value,
        lines([day(row.due_at), small(distance(row.days_to_due))]),
        day(row.latest_safe_fix_at),
        row.owner or "–",
        small(places),
    ]


def _verdict_row(group: Sequence[Verdict]) -> list[Part]:
    verdict = group[0]
    margins = [v.margin for v in group if v.margin is not None]
    return [
        badge(*OUTCOME[verdict.outcome]),
        lines([verdict.rule.replace("_", " "), small(verdict.detector)]),
        verdict.reason or "–",
        f"{min(margins):+.2g}" if margins else "–",
        verdict.data or "–",
        small(_grid(group)),
    ]
