"""Parts of the board: tiles, table, pager."""

from collections.abc import Mapping, Sequence

from recsysops.domain.verdict import Status
from recsysops.domain.views import BoardRow, LaunchChange
from recsysops_dashboards._html import (
    Part,
    Safe,
    address,
    badge,
    lines,
    link,
    small,
    status_badge,
    table,
    text,
    tiles,
)
from recsysops_dashboards._words import CLASS, STATUS, distance, places, short_day, worth

Query = Mapping[str, Sequence[str]]
HEAD = ("Status", "Title", "Launch", "Why", "What to do", "Worth", "Fix by", "Where")
WIDTHS = ("8%", "15%", "8%", "25%", "19%", "9%", "8%", "8%")


def status_tiles(counts: Mapping[str, int], chosen: Sequence[Status], query: Query) -> Safe:
    """Return the counts by status; each is a link that keeps the other filters and turns this one on or off."""
    rest = {name: values for name, values in query.items() if name not in {"status", "page"}}
    made = []
    for status, (sign, word) in STATUS.items():
        target = rest if status in chosen else {**rest, "status": [status.value]}
        is_chosen = status in chosen
        made.append((f"{counts.get(status.value, 0):,}", f"{sign} {word}", status.value, address("", target), is_chosen,
                     bool(chosen) and not is_chosen))  # fmt: skip
    return tiles(made)


def board_table(rows: Sequence[BoardRow]) -> Safe:
    """Return the titles, one row each."""
    return table(HEAD, (_row(row) for row in rows), label="Upcoming titles, most urgent first", widths=WIDTHS)


def _row(row: BoardRow) -> list[Part]:
    return [
        status_badge(row.status),
        _title(row),
        lines([short_day(row.launch_at), small(distance(row.days_to_launch))]),
        _why(row),
        text(row.remedy or "Nothing.", lines=3),
        _worth(row),
        _fix_by(row),
        lines(small(f"{STATUS[status][0]} {names}") for status, names in places(row.cells)),
    ]


def _title(row: BoardRow) -> Safe:
    parts: list[Part] = [
        link(row.name or row.title_id, "title", {"title": row.title_id}, lines=2),
        text(row.provider or "no provider", "rso-note", lines=2),
    ]
    if row.launch_change is not LaunchChange.NONE:
        parts.append(badge("⟳" if row.launch_change is LaunchChange.MOVED else "⊘", _CHANGE[row.launch_change], "none"))
    return lines(parts)


_CHANGE = {
    LaunchChange.MOVED: "launch moved",
    LaunchChange.PART_CANCELLED: "cancelled in part",
    LaunchChange.CANCELLED: "cancelled",
}


def _why(row: BoardRow) -> Safe:
    facts = [CLASS[row.finding_class]] if row.finding_class else []
    if row.n_findings > 1:
        facts.append(f"{row.n_findings} findings")
    if not row.has_expectation:
        facts.append("no expectation")
    return lines([text(row.why, lines=3), small(" · ".join(facts)) if facts else ""])


def _worth(row: BoardRow) -> Part:
    if row.worth is None:
        return "–" if row.status is Status.OK else small("not yet known")
    return worth(row.worth)


def _fix_by(row: BoardRow) -> Part:
    if row.latest_safe_fix_at is None or row.days_to_fix is None:
        return "–"
    if row.days_to_fix < 0:
        return lines([badge("!", "past", "failing"), small(short_day(row.latest_safe_fix_at))])
    return lines([short_day(row.latest_safe_fix_at), small(distance(row.days_to_fix))])
