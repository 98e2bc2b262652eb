"""Tables of the Data page."""

from collections.abc import Mapping, Sequence

from recsysops.domain.data_view import (
    BatchRow,
    ChangeRow,
    FeedCondition,
    FeedRow,
    HeldRow,
    QuarantineLine,
    QuarantinePage,
)
from recsysops.domain.drift import HeldState
from recsysops_dashboards._html import Part, Safe, badge, lines, link, small, table, text, when
from recsysops_dashboards._words import TABLE, count, moment

FEED: Mapping[FeedCondition, tuple[str, str, str]] = {
    FeedCondition.FRESH: ("✔", "Fresh", "ok"),
    FeedCondition.LATE: ("▲", "Late", "at_risk"),
    FeedCondition.SHORT: ("▲", "Short", "at_risk"),
    FeedCondition.ABSENT: ("✖", "Absent", "failing"),
    FeedCondition.FROZEN: ("✖", "Frozen", "failing"),
    FeedCondition.UNKNOWN: ("?", "Unknown", "unknown"),
}
HELD: Mapping[HeldState, tuple[str, str, str]] = {
    HeldState.HELD: ("▲", "Waits for you", "at_risk"),
    HeldState.RELEASED: ("✔", "Released", "ok"),
    HeldState.PUBLISHED: ("✔", "Published", "ok"),
    HeldState.DISCARDED: ("⊘", "Discarded", "none"),
}
SHOWN_FILES = 2
LOGS = ("impressions", "interactions")


def feeds_table(rows: Sequence[FeedRow]) -> Safe:
    """Return every source, worst first."""
    head = ("State", "Feed", "Why", "Last found", "Last new batch", "Its rows speak of", "Rows", "Batches")
    widths = ("9%", "11%", "26%", "12%", "12%", "12%", "10%", "8%")
    return table(head, (_feed(row) for row in rows), label="How every source delivers, worst first", widths=widths)


def held_table(rows: Sequence[HeldRow]) -> Safe:
    """Return held batches with what differs, those that wait first."""
    head = ("State", "Batch", "What differs from before", "Rows", "Held", "Decided")
    widths = ("12%", "20%", "30%", "13%", "10%", "15%")
    return table(head, (_held(row) for row in rows), label="Batches that were held", widths=widths)


def batches_table(rows: Sequence[BatchRow]) -> Safe:
    """Return published batches with their accounts."""
    head = ("Loaded", "Table", "Batch and files", "Rows in", "Accepted", "Duplicate", "Kept out", "Why kept out")
    widths = ("14%", "11%", "26%", "8%", "8%", "8%", "8%", "17%")
    return table(head, (_batch(row) for row in rows), label="Published batches, newest first", widths=widths)


def quarantine_table(rows: Sequence[QuarantineLine]) -> Safe:
    """Return kept-out rows with what was expected and what to do."""
    head = ("Table", "File", "Row", "Column", "What stood there", "What was expected", "What to do")
    widths = ("9%", "19%", "6%", "11%", "17%", "19%", "19%")
    return table(head, (_line(row) for row in rows), label="Rows that were kept out", widths=widths)


def changes_table(rows: Sequence[ChangeRow]) -> Safe:
    """Return changes, latest first."""
    head = ("When", "Kind", "What", "Concerns")
    widths = ("17%", "15%", "48%", "20%")
    return table(head, (_change(row) for row in rows), label="Changes, latest first", widths=widths)


def codes_line(found: QuarantinePage) -> Safe:
    """Return how many rows were kept out, by code, and how many of them can be listed."""
    by_code = " · ".join(f"{code} {n:,}" for code, n in [*found.codes.items()][:8])
    more = f" · and {len(found.codes) - 8} more codes" if len(found.codes) > 8 else ""
    listed = (
        "" if found.total >= found.n_kept_out else f" {found.total:,} of them can be listed: of logs, samples are kept."
    )
    return lines([f"{count(found.n_kept_out, 'row', 'rows')} kept out.{listed}", small(by_code + more)])


def batch_line(batch_id: str, query: Mapping[str, Sequence[str]]) -> Safe:
    """Return which batch is shown, and the way back to all."""
    rest = {name: values for name, values in query.items() if name not in {"batch", "rows_page"}}
    return lines([text(f"Of batch {batch_id}", lines=2), link("Show all batches", "data", rest)])


def _feed(row: FeedRow) -> list[Part]:
    every = f"every {row.every_hours:g} hours" if row.every_hours else "no schedule in the settings"
    usual = f"usually {row.usual_rows:,.0f}" if row.usual_rows is not None else ""
    held = small(f"{row.n_held} held") if row.n_held else ""
    return [
        badge(*FEED[row.state]),
        lines([text(TABLE.get(row.feed, row.feed)), small(every)]),
        text(row.why, lines=3),
        when(row.last_seen_at),
        when(row.last_new_at),
        when(row.last_data_at),
        lines([f"{row.last_rows:,}" if row.last_rows is not None else "–", small(usual) if usual else ""]),
        lines([f"{row.n_batches:,}", held]),
    ]


def _held(row: HeldRow) -> list[Part]:
    decided = [f"{decision.state} by {decision.by}: {decision.reason}" for decision in row.decisions]
    return [
        badge(*HELD[row.state]),
        lines([text(TABLE.get(row.table, row.table)), _files(row.files), small(row.batch_id)]),
        lines(text(drift.why, lines=3) for drift in row.drifts),
        lines([f"{row.rows_in:,} in", small(f"{row.accepted:,} would be published, {row.quarantined:,} kept out")]),
        when(row.held_at),
        lines(text(said, "rso-note", lines=3) for said in decided) if decided else "–",
    ]


def _batch(row: BatchRow) -> list[Part]:
    facts = [row.label, f"held, released by {row.released_by}" if row.released_by else ""]
    name = link(row.batch_id, "data", {"batch": row.batch_id}, anchor="rows") if row.quarantined else text(row.batch_id)
    why = " · ".join(f"{code} {n:,}" for code, n in sorted(row.codes.items(), key=lambda item: (-item[1], item[0])))
    return [
        when(row.loaded_at),
        text(TABLE.get(row.table, row.table)),
        lines([name, _files(row.files), *(text(fact, "rso-note", lines=2) for fact in facts if fact)]),
        f"{row.rows_in:,}",
        f"{row.accepted:,}",
        f"{row.duplicate:,}",
        badge("▲", f"{row.quarantined:,}", "at_risk") if row.quarantined else "0",
        text(why, "rso-note", lines=3) if why else "–",
    ]


def _line(line: QuarantineLine) -> list[Part]:
    row = line.row
    return [
        text(TABLE.get(line.table, line.table)),
        text(_short(row.file), lines=2),
        f"{row.row:,}" if row.row >= 0 else "–",
        text(row.column or "–", lines=2),
        lines([text(row.value, lines=2) if row.value else small(_nothing(line)), small(row.code)]),
        text(row.rule, lines=3),
        text(row.fix, lines=3),
    ]


def _nothing(line: QuarantineLine) -> str:
    return "not kept: it may name a member" if line.table in LOGS else "nothing"


def _change(row: ChangeRow) -> list[Part]:
    who: Part = link(row.title_id, "title", {"title": row.title_id}, lines=2) if row.title_id else "all titles"
    return [
        moment(row.at),
        text(row.kind, lines=2),
        text(row.what, lines=3),
        lines([who, small(f"in {row.market}") if row.market else ""]),
    ]


def _files(files: Sequence[str]) -> Safe:
    names: list[Part] = [text(_short(name), "rso-note", lines=2) for name in files[:SHOWN_FILES]]
    if len(files) > SHOWN_FILES:
        names.append(small(f"and {len(files) - SHOWN_FILES:,} more files"))
    return lines(names)


def _short(path: str) -> str:
    """Return the end of a path: folder and file, by which people know it."""
    parts = path.replace("\\", "/").split("/")
    return "/".join(parts[-2:])
