"""The only place that makes HTML: every text is escaped here, once, whoever wrote it.

Titles, synopses and providers come from strangers. Markdown would render their images and links; escaped HTML does not.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape as escape_markup
from typing import Final
from urllib.parse import quote, urlencode

import streamlit as st

from recsysops.domain.verdict import Status
from recsysops_dashboards._words import STATUS, day

_STYLE: Final = """<style>
.rso{width:100%;table-layout:fixed;border-collapse:collapse;font-size:.875rem;line-height:1.35}
.rso th{text-align:left;font-weight:600;padding:.4rem .6rem;color:#3a4250;border-bottom:2px solid #c9ced6}
.rso td{vertical-align:top;padding:.5rem .6rem;border-bottom:1px solid #e3e6eb;overflow-wrap:anywhere;color:#1b212c}
.rso tr:hover td{background:#f6f8fb}
.rso a{color:#1f4e79;font-weight:600;text-decoration:none}
.rso a:hover,.rso a:focus{text-decoration:underline}
.rso small,.rso-note{color:#56606f;font-size:.8rem}
.rso-cut{display:-webkit-box;-webkit-line-clamp:3;-webkit-box-orient:vertical;overflow:hidden}
.rso-cut2{-webkit-line-clamp:2}
.rso-clip{display:inline-block;max-width:22rem;overflow:hidden;text-overflow:ellipsis;white-space:nowrap;vertical-align:bottom}
.rso-pager{text-align:center;font-size:.9rem;padding:.5rem}
.rso-pager a{color:#1f4e79;font-weight:600;margin:0 1rem}
.rso-badge{display:inline-block;white-space:nowrap;border-radius:.3rem;padding:.05rem .45rem;font-weight:600}
.rso-badge,.rso-tile,.rso-box{border:1px solid}
.rso-failing{background:#fdeceb;color:#8f1d14;border-color:#d9695f}
.rso-at_risk{background:#fff4de;color:#744800;border-color:#d9a441}
.rso-unknown{background:#eef0f4;color:#39424f;border-color:#8b95a5;border-style:dashed}
.rso-ok{background:#e8f5ec;color:#14532d;border-color:#6bb083}
.rso-none{background:#fff;color:#56606f;border-color:#c9ced6}
.rso-tiles{display:flex;gap:.75rem;flex-wrap:wrap;padding:4px}
.rso-tile{display:block;min-width:8.5rem;padding:.4rem .9rem;border-radius:.5rem;text-decoration:none!important}
.rso-tile b{display:block;font-size:1.6rem;line-height:1.2}
.rso-tile[aria-current=true]{outline:3px solid #1f4e79;outline-offset:1px}
.rso-tile.rso-faint{opacity:.65}
.rso-box{padding:.6rem .9rem;border-radius:.4rem;margin:.1rem 0;overflow-wrap:anywhere;font-size:.95rem}
.rso-h1{font-size:1.7rem;font-weight:700;line-height:1.2;margin:0;overflow-wrap:anywhere}
.rso-h1{display:-webkit-box;-webkit-line-clamp:2;-webkit-box-orient:vertical;overflow:hidden}
.rso-facts{color:#3a4250;font-size:.9rem;margin-top:.25rem;overflow-wrap:anywhere}
.stHeading h3{font-size:1.25rem;padding:.6rem 0 .2rem}
.stMainBlockContainer{padding-top:4.2rem;padding-bottom:2rem}
</style>"""


_UNSEEN: Final = dict.fromkeys(
    [*range(9), *range(11, 32), 127, *range(0x202A, 0x202F), *range(0x2066, 0x206A)], "\ufffd"
)
"""Controls, and marks that turn the direction of everything after them."""

_TYPED: Final = re.compile("`([^`<>]+)`")


def escape(value: str) -> str:
    """Return a text that is nothing but text, wherever in markup it stands."""
    return escape_markup(value.translate(_UNSEEN))


@dataclass(frozen=True)
class Safe:
    """Markup made by this module out of escaped parts."""

    markup: str


Part = str | Safe


def style() -> None:
    """Put the style sheet on the page."""
    st.html(_STYLE)


def show(part: Part) -> None:
    """Put markup, or a plain text, on the page."""
    st.html(_markup(part))


def text(value: str, kind: str = "", *, lines: int = 0) -> Safe:
    """Return a text in a class of the style sheet, cut to 2 or 3 lines with the whole as its tip."""
    names = " ".join(name for name in (kind, {2: "rso-cut rso-cut2", 3: "rso-cut"}.get(lines, "")) if name)
    tip = f' title="{escape(value)}"' if lines else ""
    return Safe(f'<span class="{escape(names)}"{tip}>{escape(value)}</span>')


def clipped(value: str) -> Safe:
    """Return a text cut to a part of a line, with the whole as its tip."""
    return Safe(f'<span class="rso-clip" title="{escape(value)}">{escape(value)}</span>')


def small(value: str) -> Safe:
    """Return a text of lesser weight."""
    return Safe(f"<small>{escape(value)}</small>")


def badge(sign: str, word: str, kind: str) -> Safe:
    """Return a shape and a word on a colour."""
    shape = f'<span aria-hidden="true">{escape(sign)}</span>'
    return Safe(f'<span class="rso-badge rso-{escape(kind)}">{shape} {escape(word)}</span>')


def status_badge(status: Status) -> Safe:
    """Return the badge of a status."""
    sign, word = STATUS[status]
    return badge(sign, word, status.value)


def link(
    label: str, page: str, parameters: Mapping[str, str | Sequence[str]], *, lines: int = 0, anchor: str = ""
) -> Safe:
    """Return a link to a page of this dashboard: its address says everything, so it can be shared."""
    cut = f'<span class="{"rso-cut rso-cut2" if lines else ""}" title="{escape(label)}">{escape(label)}</span>'
    return Safe(f'<a href="{escape(address(page, parameters, anchor))}">{cut}</a>')


def address(page: str, parameters: Mapping[str, str | Sequence[str]], anchor: str = "") -> str:
    """Return the relative address of a page; the board's is the root."""
    query = urlencode(parameters, doseq=True, quote_via=quote)
    return f"/{page}{f'?{query}' if query else ''}{f'#{anchor}' if anchor else ''}"


def lines(parts: Iterable[Part]) -> Safe:
    """Return parts below each other."""
    return Safe("".join(f"<div>{_markup(part)}</div>" for part in parts if part))


def when(at: datetime | None) -> Part:
    """Return a day, and below it the time."""
    return lines([day(at), small(f"{at:%H:%M} UTC")]) if at else "–"


def neighbours(parts: Iterable[Part]) -> Safe:
    """Return links to neighbouring pages beside each other."""
    return Safe(f'<div class="rso-pager">{" ".join(_markup(part) for part in parts)}</div>')


def pager(
    page: int, size: int, total: int, place: str, query: Mapping[str, Sequence[str]], *, name: str = "page",
    anchor: str = "",
) -> Safe:  # fmt: skip
    """Return which rows are shown, and links to those before and after.

    Args:
        page: The page shown, from 0.
        size: Rows of a page.
        total: Rows of all pages.
        place: Page of the dashboard; empty for the board.
        query: Its parameters as they stand.
        name: The parameter that holds the page number.
        anchor: Where on the page the rows are.
    """
    first, last = page * size + 1, min((page + 1) * size, total)
    parts: list[Part] = [small(f"{first:,}–{last:,} of {total:,}")]
    if page:
        parts.insert(0, link("‹ Previous", place, {**query, name: str(page)}, anchor=anchor))
    if last < total:
        parts.append(link("Next ›", place, {**query, name: str(page + 2)}, anchor=anchor))
    return neighbours(parts)


def table(head: Sequence[str], rows: Iterable[Sequence[Part]], *, label: str, widths: Sequence[str] = ()) -> Safe:
    """Return a table; the first row is its head, `label` is what a screen reader calls it."""
    columns = "".join(f'<col style="width:{escape(width)}">' for width in widths)
    titles = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    body = "".join(f"<tr>{''.join(f'<td>{_markup(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return Safe(
        f'<table class="rso" aria-label="{escape(label)}"><colgroup>{columns}</colgroup>'
        f"<thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table>"
    )


def tiles(parts: Iterable[tuple[str, str, str, str, bool, bool]]) -> Safe:
    """Return counts as links: number, label, kind, address, whether chosen, whether another one is."""
    made = (
        f'<a class="rso-tile rso-{escape(kind)}{" rso-faint" if is_faint else ""}" href="{escape(href)}" '
        f'aria-current="{str(is_chosen).lower()}"><b>{escape(count)}</b>{escape(label)}</a>'
        for count, label, kind, href, is_chosen, is_faint in parts
    )
    return Safe(f'<div class="rso-tiles">{"".join(made)}</div>')


def heading(name: str, facts: Sequence[Part]) -> None:
    """Show the head of a page."""
    below = f'<div class="rso-facts">{" &nbsp;·&nbsp; ".join(_markup(fact) for fact in facts)}</div>' if facts else ""
    st.html(f'<h1 class="rso-h1" title="{escape(name)}">{escape(name)}</h1>{below}')


def notice(sentence: str) -> None:
    """Show what a reader must know first."""
    st.html(f'<div class="rso-box rso-at_risk" role="status"><b>Note</b> &nbsp; {_said(sentence)}</div>')


def problem(sentence: str) -> None:
    """Show why there is nothing to see, and what to do."""
    problem_box("This page cannot be shown", sentence)


def problem_box(what: str, sentence: str) -> None:
    """Show what went wrong, and what to do."""
    st.html(f'<div class="rso-box rso-failing" role="alert"><b>✖ {escape(what)}</b><br>{_said(sentence)}</div>')


def done(sentence: str) -> None:
    """Show that what was asked for is done."""
    st.html(f'<div class="rso-box rso-ok" role="status"><b>✔ Done</b> &nbsp; {_said(sentence)}</div>')


def empty(sentence: str) -> None:
    """Show that there is nothing, and what follows from it."""
    st.html(f'<div class="rso-box rso-unknown" role="status">{_said(sentence)}</div>')


def _said(sentence: str) -> str:
    """Return a sentence in which what stands between backticks is shown as what to type."""
    return _TYPED.sub(r"<code>\1</code>", escape(sentence))


def _markup(part: Part) -> str:
    return part.markup if isinstance(part, Safe) else escape(part)
