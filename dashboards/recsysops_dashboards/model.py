"""How good predictions are: the models in use, and what became of what they predicted."""

from typing import Final

import streamlit as st

from recsysops.client import Client
from recsysops.domain.registry import ModelState
from recsysops.domain.scoreboard import Scoreboard, ScoreFilter
from recsysops_dashboards._address import address_now, turn_to
from recsysops_dashboards._html import empty, heading, pager, small
from recsysops_dashboards._html import show as show_html
from recsysops_dashboards._score_charts import (
    calibration_chart,
    calibration_sentence,
    lead_chart,
    lead_sentence,
    tenths_chart,
    tenths_sentence,
)
from recsysops_dashboards._score_filters import LATELY, MISSES_PAGE, choose_lead, choose_target, since
from recsysops_dashboards._score_tables import groups_table, lines_table, misses_table, models_table
from recsysops_dashboards._score_words import days_before
from recsysops_dashboards._words import count, day

PAGE_SIZE: Final = 20
SCALE: Final = (
    "Errors are on the transformed scale: 0.1 is about 10 % off, 0.7 twice or half. Intervals are 95 %, from "
    "resampling launch weeks; with fewer than five weeks there is none, or one that counts titles."
)


def show(client: Client) -> None:
    """Show models and their record, of the target in the address or of the first there is."""
    stood = client.board(limit=1).as_of
    everything = client.scoreboard(ScoreFilter(since=since(stood, LATELY)))
    heading("Model", [count(len(everything.targets), "scored target")] if everything.targets else [])
    if not everything.targets:
        _models(client, everything)
        empty(
            "Nothing that was predicted has launched and had its window end yet. Predictions are held against outcomes "
            "by each `recsysops run`, a day after the first launch at the earliest."
        )
        return
    filters = choose_target(everything, stood)
    found = client.scoreboard(filters)
    if found.lines:
        filters = choose_lead(found, filters)
        found = client.scoreboard(filters)
    _models(client, found)
    if not found.lines:
        empty("No title that launched in this time was predicted before. Choose all launches to see older ones.")
        return
    _record(found)
    _charts(found)
    _groups(found)
    _misses(client, filters)


def _models(client: Client, found: Scoreboard) -> None:
    st.subheader("Models in use", anchor="models")
    known = client.models().models
    champions = [each.card for each in known if each.state is ModelState.ACTIVE]
    challengers = [each.card for each in known if each.state is ModelState.CHALLENGER]
    if not champions:
        empty("No model was trained yet: comparable titles answer alone. `recsysops train` or `run` trains one.")
        return
    own = [card for card in champions if (card.measure, card.horizon) == (found.measure, found.horizon)]
    show_html(models_table(own or champions, found, challengers))
    others = [card for card in champions if card not in own] if own else []
    if others:
        with st.expander(f"Models of other targets ({len(others)})"):
            show_html(models_table(others, found, challengers))


def _record(found: Scoreboard) -> None:
    st.subheader("Predicted against actual", anchor="record")
    facts = f"{count(found.n_launches, 'launch', 'launches')} from {day(found.first_launch_at)} to "
    show_html(f"{facts}{day(found.last_launch_at)}.{f' These results are {found.label}.' if found.label else ''}")
    at_lead = [line for line in found.lines if line.lead == found.lead]
    show_html(lines_table(at_lead))
    show_html(small(SCALE))
    others = [line for line in found.lines if line.lead != found.lead]
    if others:
        with st.expander("The same at other leads"):
            show_html(lines_table(others))


def _charts(found: Scoreboard) -> None:
    st.subheader(f"Calibration and lead time, predicted {days_before(found.lead or 0)}", anchor="calibration")
    own = next((each for each in found.calibrations if each.predictor == found.predictor), None)
    left, right = st.columns(2)
    if own:
        others = [each for each in found.calibrations if each is not own]
        with left:
            st.altair_chart(calibration_chart([own, *others]), width="stretch", alt=calibration_sentence(own))
            show_html(small(calibration_sentence(own)))
        with right:
            st.altair_chart(tenths_chart(own), width="stretch", alt=tenths_sentence(own))
            show_html(small(tenths_sentence(own)))
    curve, words = st.columns(2, vertical_alignment="center")
    with curve:
        st.altair_chart(lead_chart(found), width="stretch", alt=lead_sentence(found))
    with words:
        show_html(small(lead_sentence(found)))


def _groups(found: Scoreboard) -> None:
    st.subheader("Error by group", anchor="groups")
    show_html(groups_table(found.groups))


def _misses(client: Client, filters: ScoreFilter) -> None:
    st.subheader("Titles we were most wrong about", anchor="misses")
    page, titles = turn_to(
        lambda page: client.scoreboard_titles(filters, offset=page * PAGE_SIZE, limit=PAGE_SIZE),
        lambda titles: titles.rows,
        MISSES_PAGE,
    )
    st.download_button(
        "Download as CSV",
        data=lambda: client.scoreboard_titles_csv(filters),
        file_name="scoreboard-titles.csv",
        mime="text/csv",
        on_click="ignore",
        help="One line per title, its worst cell.",
    )
    show_html(misses_table(titles.rows))
    if titles.total > PAGE_SIZE:
        show_html(pager(page, PAGE_SIZE, titles.total, "model", address_now(), name=MISSES_PAGE, anchor="misses"))
