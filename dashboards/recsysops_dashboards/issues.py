"""Issues followed over time, and what ran: for whoever asks whether something was seen, and whether anything looked."""

from typing import Final

import streamlit as st

from recsysops.client import Client
from recsysops.domain.views import IssueFilter
from recsysops_dashboards._address import address_now, first_page, turn_to
from recsysops_dashboards._html import empty, heading, pager
from recsysops_dashboards._html import show as show_html
from recsysops_dashboards._record_parts import issues_table, runs_table
from recsysops_dashboards._words import CLASS, SEVERITY, count

PAGE_SIZE: Final = 50
RUNS_SIZE: Final = 20
RUNS_PAGE: Final = "runs_page"
STATES: Final[dict[str, bool | None]] = {"Open": True, "Resolved": False, "Open and resolved": None}
"""Name of a state to what the API calls it: whether it is open."""


def show(client: Client) -> None:
    """Show issues under the filters that stand in the address, then runs."""
    stood, last = client.issues(limit=1), client.runs(limit=1)
    heading(
        "Issues and runs",
        [count(stood.total, "open issue"), f"last run: {last.runs[0].summary}" if last.runs else "nothing ran yet"],
    )
    st.subheader("Issues, worst first", anchor="issues")
    _issues(client, _filters())
    st.subheader("Runs, latest first", anchor="runs")
    _runs(client)


def _filters() -> IssueFilter:
    columns = st.columns([2, 3, 3, 4])
    state = columns[0].selectbox("State", STATES, key="state", bind="query-params", on_change=first_page)
    severities = {word: severity for severity, (_, word, _) in SEVERITY.items()}
    chosen = columns[1].multiselect(
        "Severity", [*severities], key="severity", bind="query-params", on_change=first_page
    )  # fmt: skip
    causes = {word: kind for kind, word in CLASS.items()}
    caused = columns[2].multiselect("Cause", [*causes], key="cause", bind="query-params", on_change=first_page)
    text = columns[3].text_input(
        "About", key="about", bind="query-params", placeholder="Part of id, sentence or field", max_chars=200,
        on_change=first_page,
    )  # fmt: skip
    return IssueFilter(
        is_open=STATES[state],
        severities=tuple(severities[word] for word in chosen),
        classes=tuple(causes[word] for word in caused),
        text=text or "",
    )


def _issues(client: Client, filters: IssueFilter) -> None:
    page, found = turn_to(
        lambda page: client.issues(filters, offset=page * PAGE_SIZE, limit=PAGE_SIZE), lambda found: found.issues
    )
    if not found.issues:
        empty("No issue is open." if filters == IssueFilter() else "No issue passes these filters.")
        return
    show_html(issues_table(found.issues))
    if found.total > PAGE_SIZE:
        show_html(pager(page, PAGE_SIZE, found.total, "issues", address_now(), anchor="issues"))


def _runs(client: Client) -> None:
    page, found = turn_to(
        lambda page: client.runs(offset=page * RUNS_SIZE, limit=RUNS_SIZE), lambda found: found.runs, RUNS_PAGE
    )
    if not found.runs:
        empty("Nothing ran yet. `recsysops run` does one whole cycle.")
        return
    show_html(runs_table(found.runs))
    if found.total > RUNS_SIZE:
        show_html(pager(page, RUNS_SIZE, found.total, "issues", address_now(), name=RUNS_PAGE, anchor="runs"))
