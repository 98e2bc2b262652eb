"""Required metadata that upcoming titles lack, and the list to send to each provider."""

import re
from collections.abc import Sequence

import streamlit as st

from recsysops.client import Client
from recsysops.domain.views import MissingFieldFilter, MissingFieldRow, MissingFields
from recsysops_dashboards._address import address_now, first_page, turn_to
from recsysops_dashboards._html import (
    Part,
    badge,
    empty,
    heading,
    lines,
    link,
    pager,
    small,
    table,
    text,
)
from recsysops_dashboards._html import show as show_html
from recsysops_dashboards._words import FIELD_STATE, count, day, grid, moment, short_day

SHOWN = 100
EVERYONE = "All providers"
NOBODY = "(no provider)"
HEAD = ("State", "Field", "Title", "Provider", "Where", "Due", "Owner", "Found")
WIDTHS = ("8%", "11%", "19%", "14%", "11%", "11%", "10%", "16%")


def show(client: Client) -> None:
    """Show what is missing for the provider in the address, or for all."""
    stood = client.missing_fields(limit=1)
    n = sum(stood.providers.values())
    facts = [f"As of {moment(stood.as_of)}", count(n, "required field of upcoming titles",
             "required fields of upcoming titles")]  # fmt: skip
    heading("Missing metadata", facts if stood.as_of else [])
    if stood.as_of is None:
        empty("Nothing has been checked yet. The list is filled by the next `recsysops run`.")
        return
    if not n:
        empty("No required field is missing from any upcoming title.")
        return
    names = {provider or NOBODY: provider for provider in stood.providers}
    choose, download = st.columns([3, 2], vertical_alignment="bottom")
    with choose:
        name = st.selectbox("Provider", [EVERYONE, *names], key="provider", bind="query-params", on_change=first_page)
    provider = names.get(name)
    page, found = turn_to(lambda page: _page(client, provider, page), lambda found: found.rows)
    with download:
        _download(client, provider, found.total)
    show_html(missing_table(found.rows))
    if found.total > SHOWN:
        show_html(pager(page, SHOWN, found.total, "missing", address_now()))


def _download(client: Client, provider: str | None, total: int) -> None:
    st.download_button(
        f"Download {total:,} rows as CSV",
        data=lambda: client.missing_fields_csv(provider),
        file_name=file_name(provider),
        mime="text/csv",
        on_click="ignore",
        help="One line per title and field, with owner and due date, to send to the provider.",
    )


def _page(client: Client, provider: str | None, page: int) -> MissingFields:
    return client.missing_fields(MissingFieldFilter(provider=provider), offset=page * SHOWN, limit=SHOWN)


def file_name(provider: str | None) -> str:
    """Return a name that is safe on any file system."""
    slug = re.sub(r"[^a-z0-9]+", "-", (provider or "").lower()).strip("-")[:60]
    return f"missing-fields-{slug}.csv" if slug else "missing-fields.csv"


def missing_table(rows: Sequence[MissingFieldRow]) -> Part:
    """Return the missing fields, one row each."""
    return table(HEAD, (_row(row) for row in rows), label="Missing fields, soonest due first", widths=WIDTHS)


def _row(row: MissingFieldRow) -> list[Part]:
    return [
        badge(*FIELD_STATE[row.state]),
        text(row.field),
        lines([link(row.name or row.title_id, "title", {"title": row.title_id}, lines=2),
               small(f"launches {day(row.launch_at)}")]),
        text(row.provider or "–", lines=2),
        small(grid((market, surface) for market in row.markets for surface in row.surfaces)),
        lines([day(row.due_at), small(f"safe until {short_day(row.latest_safe_fix_at)}")]),
        text(row.owner or "–", lines=2),
        lines([text(row.value or "nothing", lines=2), text(row.reason, "rso-note", lines=2)]),
    ]  # fmt: skip
