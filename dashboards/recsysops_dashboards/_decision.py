"""The form by which a person releases or discards a held batch; what was decided is told on the page read anew."""

from collections.abc import Sequence

import streamlit as st

from recsysops.client import Client
from recsysops.domain.data_view import HeldRow
from recsysops.errors import ApiError
from recsysops_dashboards._html import done, problem_box
from recsysops_dashboards._words import TABLE, short_day

TOLD = "decision_told"
REFUSED = "decision_refused"
RELEASE = "Release"
DISCARD = "Discard"


def show_last_decision() -> None:
    """Show what became of the decision just taken, once."""
    if told := st.session_state.pop(TOLD, ""):
        done(told)
    if refused := st.session_state.pop(REFUSED, ""):
        problem_box("Nothing was decided", refused)


def show_decision(client: Client, waiting: Sequence[HeldRow]) -> None:
    """Show the form for the batches that wait."""
    if not waiting:
        return
    names = {_name(row): row.batch_id for row in waiting}
    with st.form("decide", border=True):
        chosen = st.selectbox("Batch to decide on", [*names], key="decide_on")
        who, why = st.columns([1, 2])
        by = who.text_input("Your name", key="decide_by", max_chars=200)
        reason = why.text_input(
            "Reason", key="decide_reason", max_chars=500, placeholder="For those who ask later why this was let through"
        )
        left, right, _ = st.columns([1, 1, 4])
        is_released = left.form_submit_button(
            RELEASE, width="stretch", help="Let it through: the next ingest or run publishes it."
        )
        is_discarded = right.form_submit_button(
            DISCARD, width="stretch", help="Refuse it: this content is never published; a corrected delivery is."
        )
    if is_released or is_discarded:
        _decide(client, names[chosen], by.strip(), reason.strip(), is_released=is_released)
        st.rerun()


def _decide(client: Client, batch_id: str, by: str, reason: str, *, is_released: bool) -> None:
    if not by or not reason:
        st.session_state[REFUSED] = "A name and a reason are needed: both are kept with the batch."
        return
    try:
        answer = (client.release if is_released else client.discard)(batch_id, by=by, reason=reason)
    except ApiError as error:
        st.session_state[REFUSED] = str(error)
    else:
        st.session_state[TOLD] = answer.answer
        st.session_state.pop("decide_reason", None)


def _name(row: HeldRow) -> str:
    return f"{TABLE.get(row.table, row.table)} held {short_day(row.held_at)}, {row.rows_in:,} rows: {row.batch_id}"
