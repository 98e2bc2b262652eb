"""The launch board: what launches next, by risk x time left."""

from collections.abc import Sequence
from typing import Final

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from recsysops.client import Client
from recsysops.domain.severity import FindingClass
from recsysops.domain.verdict import Status
from recsysops.domain.views import Board, BoardFilter, Choices
from recsysops_dashboards._address import address_now, first_page, turn_to
from recsysops_dashboards._board_parts import board_table, status_tiles
from recsysops_dashboards._html import Part, empty, heading, notice, pager, small
from recsysops_dashboards._html import show as show_html
from recsysops_dashboards._words import moment

PAGE_SIZE: Final = 50
WITHIN: Final = {"any time": None, "within 3 days": 3.0, "within 7 days": 7.0, "within 14 days": 14.0}
FIRST_COMMANDS: Final = """recsysops ingest     # read your titles, launches and logs
recsysops train      # learn from past launches
recsysops run        # predict, check and fill this board"""


def show(client: Client) -> None:
    """Show the board under the filters that stand in the address."""
    stood = client.board(limit=1)
    _head(stood)
    if stood.as_of is None:
        _nothing_yet()
        return
    tiles_place = st.container()
    filters = _filters(stood.choices)
    page, found = turn_to(
        lambda page: client.board(filters, offset=page * PAGE_SIZE, limit=PAGE_SIZE), lambda found: found.rows
    )
    with tiles_place:
        show_html(status_tiles(found.counts, filters.statuses, address_now()))
    if not found.rows:
        _no_rows(stood)
        return
    show_html(board_table(found.rows))
    show_html(pager(page, PAGE_SIZE, found.total, "", address_now()))


def _head(board: Board) -> None:
    facts: list[Part] = []
    if board.as_of is not None:
        facts.append(f"As of {moment(board.as_of)}")
        facts.append(f"{sum(board.counts.values()):,} upcoming titles")
    if board.n_cancelled:
        facts.append(f"{board.n_cancelled:,} cancelled, not listed")
    if board.label:
        facts.append(f"▲ {board.label}: past metadata is assumed, not recorded")
    heading(f"Launch board · {board.service}", facts)
    for sentence in board.notices:
        notice(sentence)


def _filters(choices: Choices) -> BoardFilter:
    """Show the filters; the address holds them, so that a view can be shared."""
    columns = st.columns([2, 2, 2, 3, 3, 2])
    markets = _several(columns[0], "Market", choices.markets)
    surfaces = _several(columns[1], "Surface", choices.surfaces)
    classes = _several(columns[2], "Cause", [kind.value for kind in FindingClass])
    providers = _several(columns[3], "Provider", choices.providers)
    text = columns[4].text_input(
        "Title", key="text", bind="query-params", placeholder="Part of name or id", max_chars=200, on_change=first_page
    )
    within = columns[5].selectbox("Launches", WITHIN, key="within", bind="query-params", on_change=first_page)
    return BoardFilter(
        markets=markets,
        surfaces=surfaces,
        statuses=tuple(Status(value) for value in st.query_params.get_all("status") if value in [*Status]),
        classes=tuple(FindingClass(value) for value in classes),
        providers=providers,
        text=text or "",
        launching_within_days=WITHIN[within],
    )


def _several(column: DeltaGenerator, label: str, options: Sequence[str]) -> tuple[str, ...]:
    key = label.lower()
    return tuple(column.multiselect(label, options, key=key, bind="query-params", on_change=first_page))


def _no_rows(board: Board) -> None:
    if sum(board.counts.values()):
        empty("No upcoming title passes these filters. Take one away, or choose another status above.")
    else:
        empty("Nothing launches in the coming weeks, as far as is known. The next `recsysops run` looks again.")


def _nothing_yet() -> None:
    empty("Nothing has been judged yet, so there is nothing to show. Three commands bring the first board:")
    st.code(FIRST_COMMANDS, language=None)
    show_html(small("Reload this page when they have finished."))
