"""Required metadata that upcoming titles lack, and the list to send to each provider."""

import re
from collections.abc import Sequence

import streamlit as st

from recsysops.client import Client
from recsysops.domain.views import MissingFieldRow
from recsysops_dashboards._html import (
    Part,
    badge,
    empty,
    heading,
    lines,
    link,
    small,
    table,
    text,
)
from recsysops_dashboards._html import show as show_html
from recsysops_dashboards._words import FIELD_STATE, day, grid, moment, short_day

SHOWN = 200
EVERYONE = "All providers"
NOBODY = "(no provider)"
HEAD = ("State", "Field", "Title", "Provider", "Where", "Due", "Owner", "Found")
WIDTHS = ("8%", "11%", "19%", "14%", "11%", "11%", "10%", "16%")


def show(client: Client) -> None:
    """Show what is missing for the provider in the address, or for all."""
    found = client.missing_fields()
    counted = f"{len(found.rows):,} required fields of upcoming titles"
    heading("Missing metadata", [f"As of {moment(found.as_of)}", counted] if found.as_of else [])
    if found.as_of is None:
        empty("Nothing has been checked yet. The list is filled by the next `recsysops run`.")
        return
    if not found.rows:
        empty("No required field is missing from any upcoming title.")
        return
    names = {provider or NOBODY: provider for provider in found.providers}
    choose, download = st.columns([3, 2], vertical_alignment="bottom")
    with choose:
        name = st.selectbox("Provider", [EVERYONE, *names], key="provider", bind="query-params")
    provider = names.get(name)
    rows = [row for row in found.rows if provider is None or row.provider == provider]
    with download:
        st.download_button(
            f"Download {len(rows):,} rows as CSV",
            data=lambda: client.missing_fields_csv(provider),
            file_name=file_name(provider),
            mime="text/csv",
            on_click="ignore",
            help="One line per title and field, with owner and due date, to send to the provider.",
        )
    show_html(missing_table(rows[:SHOWN]))
    if len(rows) > SHOWN:
        show_html(small(f"The first {SHOWN} of {len(rows):,} are shown, soonest due first; the CSV has all."))


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
