"""What happened around one title, newest first."""

from collections.abc import Sequence

import streamlit as st

from recsysops.client import Client
from recsysops.domain.timeline import Timeline, TimelineEntry, TimelineKind
from recsysops_dashboards._address import address_now, first_page, turn_to
from recsysops_dashboards._html import Part, Safe, badge, empty, lines, pager, show, small, table, text
from recsysops_dashboards._words import KIND, SEVERITY, day, grid, short_day

PAGE_SIZE = 25
PAGE = "timeline_page"
HEAD = ("When", "Kind", "What", "Before", "After", "Where")
WIDTHS = ("13%", "11%", "23%", "19%", "23%", "11%")


def show_timeline(client: Client, title_id: str) -> None:
    """Show one page of the timeline, of the kinds chosen."""
    st.subheader("What changed, newest first", anchor="timeline")
    words = {word: kind for kind, (_, word) in KIND.items()}
    chosen = st.pills(
        "Show", [*words], selection_mode="multi", key="changed", bind="query-params", label_visibility="collapsed",
        on_change=first_page, args=(PAGE,),
    )  # fmt: skip
    kinds = [words[word] for word in chosen or () if word in words]
    page, found = turn_to(
        lambda page: client.timeline(title_id, kinds=kinds, offset=page * PAGE_SIZE, limit=PAGE_SIZE),
        lambda found: found.entries,
        PAGE,
    )
    if not found.entries:
        empty("Nothing of this kind is known of this title." if kinds else "Nothing is known to have changed.")
        return
    show(timeline_table(found.entries))
    if found.total > PAGE_SIZE:
        show(pager(page, PAGE_SIZE, found.total, "title", address_now(), name=PAGE, anchor="timeline"))
    if notes := _notes(found):
        show(small(notes))


def timeline_table(entries: Sequence[TimelineEntry]) -> Safe:
    """Return entries; a day, and what holds for all that happened at one time, stands once."""
    rows: list[list[Part]] = []
    before: TimelineEntry | None = None
    for entry in entries:
        rows.append([_when(entry, before), *_row(entry)])
        before = entry
    return table(HEAD, rows, label="What changed around this title, newest first", widths=WIDTHS)


def _when(entry: TimelineEntry, before: TimelineEntry | None) -> Part:
    if before and (before.at, before.known_at) == (entry.at, entry.known_at):
        return ""
    is_same_day = before is not None and before.at.date() == entry.at.date()
    known = f"known to us {short_day(entry.known_at)} {entry.known_at:%H:%M}" if entry.known_at else ""
    return lines(["" if is_same_day else day(entry.at), small(f"{entry.at:%H:%M} UTC"), small(known) if known else ""])


def _row(entry: TimelineEntry) -> list[Part]:
    return [
        _badge(entry),
        lines([text(entry.what, lines=3), small("the whole service") if entry.is_service_wide else ""]),
        text(entry.before, "rso-note", lines=3) if entry.before else "",
        text(entry.after, lines=3) if entry.after else small("nothing") if entry.before else "",
        small(grid((place.market, place.surface) for place in entry.places)) if entry.places else "",
    ]


def _badge(entry: TimelineEntry) -> Safe:
    sign, word = KIND[entry.kind]
    if entry.severity is None:
        return badge(sign, word, "none")
    _, severity, colour = SEVERITY[entry.severity]
    return lines([badge(sign, word, colour), small(severity.lower())])


def _notes(found: Timeline) -> str:
    said = []
    if found.counts[TimelineKind.METADATA.value] or found.counts[TimelineKind.PLAN.value]:
        said.append("Times are when the source knew; where we learned of it at another time, that stands below.")
    if found.is_cut:
        said.append("The oldest predictions, or changes of the whole service, are left out.")
    return " ".join(said)
