"""The data that came in: what is held and waits for a person, how feeds deliver, what was kept out, what changed."""

from collections.abc import Sequence
from typing import Final

import streamlit as st

from recsysops.client import Client
from recsysops.errors import ApiError
from recsysops_dashboards._address import address_now, first_page, turn_to
from recsysops_dashboards._data_parts import (
    batch_line,
    batches_table,
    changes_table,
    codes_line,
    feeds_table,
    held_table,
    quarantine_table,
)
from recsysops_dashboards._decision import show_decision, show_last_decision
from recsysops_dashboards._html import empty, heading, notice, pager, problem_box, small
from recsysops_dashboards._html import show as show_html
from recsysops_dashboards._words import TABLE, count, moment

PAGE_SIZE: Final = 20
EVERY: Final = "All tables"
_NOT_FOUND: Final = 404
PAGES: Final = ("held_page", "batches_page", "rows_page")
"""Parameters that hold page numbers: another table has other pages."""


def show(client: Client) -> None:
    """Show everything about data, of the table in the address or of all."""
    feeds = client.feeds()
    stood = client.batches(limit=1)
    waiting = client.held_batches(limit=1).n_undecided
    facts = [f"As of {moment(feeds.as_of)}", count(sum(stood.tables.values()), "published batch", "published batches")]
    heading("Data", facts)
    if waiting:
        are = count(waiting, "batch is", "batches are")
        notice(f"{are} held and not published. Decide below, or correct the source and deliver again.")
    st.subheader("How feeds deliver", anchor="feeds")
    if feeds.rows:
        show_html(feeds_table(feeds.rows))
    else:
        empty("The settings of this service name no source.")
    if not stood.tables and not client.held_batches(limit=1).total:
        empty("Nothing has come in yet. `recsysops ingest` reads the sources that the settings name.")
        return
    table = _table([*stood.tables])
    _held(client, table)
    _batches(client, table)
    _kept_out(client, table)
    _changes(client)


def _table(known: Sequence[str]) -> str | None:
    names = {TABLE.get(table, table): table for table in known}
    chosen = st.selectbox(
        "Table", [EVERY, *names], key="table", bind="query-params", on_change=first_page, args=PAGES, width=320
    )
    return names.get(chosen)


def _held(client: Client, table: str | None) -> None:
    st.subheader("Held batches", anchor="held")
    page, found = turn_to(
        lambda page: client.held_batches(table=table, offset=page * PAGE_SIZE, limit=PAGE_SIZE),
        lambda found: found.rows,
        "held_page",
    )
    if not found.rows:
        empty("No batch was ever held: nothing that came in differed much from what is usual.")
        return
    show_last_decision()
    show_html(held_table(found.rows))
    _pager(page, found.total, "held")
    show_decision(client, [row for row in found.rows if row.is_undecided])


def _batches(client: Client, table: str | None) -> None:
    st.subheader("Published batches", anchor="batches")
    page, found = turn_to(
        lambda page: client.batches(table=table, offset=page * PAGE_SIZE, limit=PAGE_SIZE),
        lambda found: found.rows,
        "batches_page",
    )
    if not found.rows:
        empty("No batch of this table was published yet.")
        return
    show_html(batches_table(found.rows))
    _pager(page, found.total, "batches")
    show_html(
        small("Rows in = accepted + duplicate + kept out, in every batch. Open a batch to see its kept-out rows.")
    )


def _kept_out(client: Client, table: str | None) -> None:
    """Show kept-out rows of the batch in the address, else of the table, else of all."""
    st.subheader("Rows that were kept out", anchor="rows")
    batch_id = st.query_params.get("batch")
    if batch_id:
        show_html(batch_line(batch_id, address_now()))
    try:
        page, found = turn_to(
            lambda page: client.quarantine(batch_id=batch_id, table=table, offset=page * PAGE_SIZE, limit=PAGE_SIZE),
            lambda found: found.rows,
            "rows_page",
        )
    except ApiError as error:
        if error.status != _NOT_FOUND:
            raise
        problem_box("There is no such batch", str(error))
        return
    if not found.n_kept_out:
        empty("No row was kept out here.")
        return
    show_html(codes_line(found))
    st.download_button(
        "Download as CSV",
        data=lambda: client.quarantine_csv(batch_id=batch_id, table=table),
        file_name="quarantine.csv",
        mime="text/csv",
        on_click="ignore",
        help="One line per row, with what was expected and what to do, to send to the source.",
    )
    show_html(quarantine_table(found.rows))
    _pager(page, found.total, "rows")


def _changes(client: Client) -> None:
    st.subheader("What changed lately", anchor="changes")
    found = client.changes(limit=PAGE_SIZE)
    if not found.rows:
        empty("No deploy, model push or edit is known. Name a `changes` feed under [sources.changes] to see them here.")
        return
    show_html(changes_table(found.rows))
    if found.has_more:
        show_html(small(f"The latest {PAGE_SIZE} are shown; a title's page shows those around it."))


def _pager(page: int, total: int, part: str) -> None:
    if total > PAGE_SIZE:
        show_html(pager(page, PAGE_SIZE, total, "data", address_now(), name=f"{part}_page", anchor=part))
