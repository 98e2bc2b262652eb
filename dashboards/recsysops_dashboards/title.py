"""One title: is it ready, what is missing, what is it worth, by when must it be fixed, and why."""

import streamlit as st

from recsysops.client import Client
from recsysops.domain.title_view import Target, TitleView
from recsysops.domain.verdict import Status
from recsysops_dashboards._comparison import comparison_table
from recsysops_dashboards._contributions import show_contributions
from recsysops_dashboards._html import Part, badge, clipped, empty, heading, notice, small, status_badge
from recsysops_dashboards._html import show as show_html
from recsysops_dashboards._predictions import show_predictions
from recsysops_dashboards._timeline import show_timeline
from recsysops_dashboards._title_parts import (
    cells_table,
    findings_table,
    history_table,
    launches_table,
    metadata_table,
    other_fields_table,
    treatment_table,
    verdicts_table,
)
from recsysops_dashboards._what_if import show_what_if
from recsysops_dashboards._words import day, distance, moment


def show(client: Client) -> None:
    """Show the title that stands in the address."""
    title_id = st.query_params.get("title", "")
    if not title_id:
        heading("Title", [])
        empty("No title is chosen. Open one from the launch board, or type its id here:")
        st.text_input("Title id", key="wanted", max_chars=1000, on_change=_go)
        return
    title = client.title(title_id)
    _head(title)
    left, right = st.columns([5, 2], gap="medium")
    with left:
        _findings(title)
    with right:
        _where(title)
    if title.status is not None:
        target = show_predictions(title)
        _metadata(title)
        if target:
            show_contributions(client, title.title_id, target)
            show_what_if(client, title.title_id, target)
            _comparables(client, title, target)
        if title.findings:
            _checks(title)
    _history(title)
    show_timeline(client, title.title_id)


def _go() -> None:
    st.query_params["title"] = st.session_state["wanted"].strip()


def _head(title: TitleView) -> None:
    facts: list[Part] = [status_badge(title.status)] if title.status else [badge("–", "not upcoming", "none")]
    if title.summary:
        facts.append(f"launches {day(title.summary.launch_at)}, {distance(title.summary.days_to_launch)}")
        if title.summary.launch_change:
            facts.append(f"⟳ {title.summary.launch_change}")
    facts += [clipped(title.provider or "no provider"), clipped(f"id {title.title_id}")]
    if title.series_id:
        facts.append(clipped(f"series {title.series_id}"))
    if title.as_of:
        facts.append(f"as of {moment(title.as_of)}")
    if title.label:
        facts.append(f"▲ {title.label}")
    heading(title.name or title.title_id, facts)
    for sentence in title.notices:
        notice(sentence)


def _findings(title: TitleView) -> None:
    """Show what is wrong; where nothing is, every check stands here as the reason."""
    if title.status is None:
        empty("The last detection did not judge this title: nothing of it launches in the coming weeks.")
    elif title.findings:
        st.subheader("What is wrong, and what to do", anchor="findings")
        show_html(findings_table(title.findings, title.as_of))
    else:
        _checks(title)


def _where(title: TitleView) -> None:
    st.subheader("Where and when", anchor="where")
    if title.cells:
        show_html(cells_table(title.cells))
    changed = [event for event in title.launches if event.change not in {"announced", "confirmed"}]
    if changed or not title.cells:
        show_html(launches_table(title.launches))


def _metadata(title: TitleView) -> None:
    st.subheader("Metadata against its due dates", anchor="metadata")
    if title.metadata:
        show_html(metadata_table(title.metadata))
    else:
        empty("No field is required of this title, or its metadata was not checked.")
    with st.expander(f"All metadata as known ({len(title.fields)} fields)"):
        show_html(other_fields_table(title.fields))


def _comparables(client: Client, title: TitleView, target: Target) -> None:
    st.subheader("Comparable titles, field by field", anchor="comparables")
    with st.spinner("Looking for comparable titles"):
        found = client.comparables(title.title_id, target.market, target.surface, target.measure, target.horizon)
    if found.problem:
        empty(found.problem)
    else:
        show_html(comparison_table(title.name or title.title_id, found))


def _checks(title: TitleView) -> None:
    why = {Status.OK: "Why it is green: every check", Status.UNKNOWN: "Why it is unknown: every check"}
    st.subheader(why.get(title.status or Status.UNKNOWN, "Every check"), anchor="checks")
    show_html(verdicts_table(title.verdicts) if title.verdicts else "No check applied to this title.")
    show_html(small("Margin: how far a check is from turning, in days or as a probability; negative when failed."))


def _history(title: TitleView) -> None:
    if title.treatment:
        st.subheader("What the recommender has done with it so far", anchor="treatment")
        show_html(treatment_table(title.treatment))
    st.subheader("Issues", anchor="history")
    if title.issues:
        show_html(history_table(title.issues))
    else:
        empty("No issue was ever opened for this title.")
