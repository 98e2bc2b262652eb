"""The section What if: a form for one field and the launch, and the two distributions beside each other."""

from collections.abc import Sequence
from datetime import date

import streamlit as st

from recsysops.client import Client
from recsysops.domain.title_view import Target
from recsysops.domain.what_if import FieldKind, FieldNow, WhatIf, WhatIfForm, WhatIfTarget
from recsysops.errors import ApiError
from recsysops_dashboards._chart import lines_chart
from recsysops_dashboards._html import empty, lines, problem_box, show, small
from recsysops_dashboards._what_if_parts import changes_table, ranges_table, said_sentence, target_sentence, way
from recsysops_dashboards._words import place

TOLD = "what_if_told"
REFUSED = "what_if_refused"
ASK = "Show what would change"
_LONG = 60
"""Characters above which a value gets a field of several lines."""


def show_what_if(client: Client, title_id: str, target: Target) -> None:
    """Show the form once someone wants it, and below it the last answer about this title."""
    st.subheader("What if", anchor="what-if")
    if not st.toggle("Try another value, or another launch", key="whatif", bind="query-params"):
        show(small("How the predictions would move. Nothing is stored. Takes some seconds."))
        return
    form = client.what_if_form(title_id)
    if form.problem:
        empty(form.problem)
        return
    _form(client, form)
    refused, told = st.session_state.get(REFUSED), st.session_state.get(TOLD)
    if refused and refused[0] == title_id:
        problem_box("Nothing was predicted", refused[1])
    elif told and told.title_id == title_id:
        _answer(told, target)


def _form(client: Client, form: WhatIfForm) -> None:
    names = {f"{now.field}{'' if now.value else ' (missing)'}": now for now in form.fields}
    what, when = st.columns([2, 1])
    chosen = names[what.selectbox("Field", [*names], key=f"what_if_field {form.title_id}")]
    with st.form("what_if", border=True):
        left, right = st.columns([2, 1])
        with left:
            value = _value(chosen, form.title_id)
        planned = date.fromisoformat(form.launches[0].local[:10])
        day = right.date_input("Launch day", value=planned, key=f"what_if_day {form.title_id}")
        is_asked = st.form_submit_button(ASK, type="primary")
    with when:
        show(small(_launches(form)))
    if is_asked:
        moved = day.isoformat() if isinstance(day, date) and day != planned else None
        _ask(client, form.title_id, {chosen.field: value} if value != chosen.value else {}, moved)


def _value(now: FieldNow, title_id: str) -> str:
    """Ask for the new value, the current one filled in."""
    hint = f"Several values: divided by {now.separator}" if now.kind is FieldKind.LIST else f"A {now.kind}."
    ask = st.text_area if len(now.value) > _LONG else st.text_input
    key = f"what_if_value {title_id} {now.field}"
    return ask("New value; empty: missing", value=now.value, key=key, max_chars=20_000, help=hint) or ""


def _ask(client: Client, title_id: str, fields: dict[str, str], launch: str | None) -> None:
    st.session_state.pop(REFUSED, None)
    st.session_state.pop(TOLD, None)
    try:
        with st.spinner("Asking what would change"):
            st.session_state[TOLD] = client.what_if(title_id, fields, launch=launch)
    except ApiError as error:
        st.session_state[REFUSED] = title_id, str(error)


def _answer(told: WhatIf, target: Target) -> None:
    if not any(change.is_different for change in told.changes):
        empty(" ".join(told.notices))
        return
    show(way(told))
    show(changes_table(told.changes))
    here = [each for each in told.targets if (each.market, each.surface) == (target.market, target.surface)]
    name = place(target.market, target.surface)
    bars = "Bars hold 50, 80 and 90 % of what is likely, from thick to thin; the line is the median."
    said = said_sentence(told, target.market, target.surface)
    show(lines([f"{name}:" if here else "", small(said), small(bars) if here else ""]))
    for measure in dict.fromkeys(each.measure for each in here):
        _row_of_charts([each for each in here if each.measure == measure])
    show(lines(small(f"• {sentence}") for sentence in told.notices))
    with st.expander(f"All ranges ({len(told.targets)})", expanded=not here):
        show(ranges_table(told.targets))


def _row_of_charts(targets: Sequence[WhatIfTarget]) -> None:
    for column, target in zip(st.columns(3), targets, strict=False):
        sides = (("As it is", target.before), ("As changed", target.after))
        rows = [(name, name, side.quantiles) for name, side in sides if side.quantiles]
        sentence = target_sentence(target)
        with column:
            if rows:
                st.altair_chart(lines_chart(target.measure, target.horizon, rows), width="stretch", alt=sentence)
            show(small(sentence))


def _launches(form: WhatIfForm) -> str:
    first = form.launches[0]
    days = {now.local[:10] for now in form.launches}
    others = f"; {len(days) - 1} other days elsewhere" if len(days) > 1 else ""
    return f"Launches {first.local.replace('T', ' ')} in {first.market}, by its clocks{others}. The time of day stays."
