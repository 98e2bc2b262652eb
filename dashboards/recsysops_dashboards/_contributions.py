"""What the model made of what it knows: context beside a prediction, in the words of a launch manager."""

import streamlit as st

from recsysops.client import Client
from recsysops.domain.contribution import Contribution, Contributions
from recsysops.domain.title_view import Target
from recsysops_dashboards._html import Part, Safe, empty, lines, show, small, table, text
from recsysops_dashboards._words import MEASURE_OF, share
from recsysops_dashboards._words import target as target_name

HEAD = ("What the model looked at", "What it found", "What it made of it")
CAVEAT = (
    "This tells what the model made of what it knows, compared with the average launch it learned from. It is no "
    "cause: changing a field need not move the recommender, and things that go together share what they contribute."
)


def show_contributions(client: Client, title_id: str, target: Target) -> None:
    """Show what raised and lowered one prediction, once someone asks: it takes the API some seconds."""
    st.subheader("What the model made of it", anchor="contributions")
    is_asked = st.toggle(
        f"Take the prediction apart: {target_name(target.measure, target.horizon)}", key="parts", bind="query-params"
    )
    if not is_asked:
        show(small("Which fields raised the prediction and which lowered it. Takes some seconds."))
        return
    with st.spinner("Asking the model"):
        found = client.contributions(title_id, target.market, target.surface, target.measure, target.horizon)
    if found.problem:
        empty(found.problem)
        return
    show(sentence(found))
    show(contributions_table(found))
    show(small(" ".join(part for part in (_left_out(found), CAVEAT, found.note) if part)))


def sentence(found: Contributions) -> str:
    """Return where the model starts, where it arrives, and what is shown of that."""
    of = MEASURE_OF.get(found.measure, "")
    return (
        f"Over all launches it learned from, the model starts at {share(found.base)} {of}. What it knows of this title "
        f"takes it to {share(found.answer)}; after calibration on its past errors, the median shown is "
        f"{share(found.median)}."
    )


def contributions_table(found: Contributions) -> Safe:
    """Return the largest contributions, one row each."""
    largest = max((abs(row.amount) for row in found.rows), default=0.0)
    rows = (_row(row, found, largest) for row in found.rows)
    return table(
        HEAD, rows, label="What raised and lowered the prediction, largest first", widths=("26%", "38%", "36%")
    )


def _row(row: Contribution, found: Contributions, largest: float) -> list[Part]:
    value = text(row.value, lines=2) if row.value else text("nothing", "rso-note")
    return [text(row.name, lines=2), value, lines(_effect(row, found, largest))]


def _effect(row: Contribution, found: Contributions, largest: float) -> list[Part]:
    before, after = share(row.without), share(found.answer)
    if row.amount == 0 or before == after:
        return [small(f"– hardly moves it from {after}")]
    sign, verb = ("▲", "raises") if row.amount > 0 else ("▼", "lowers")
    weight = abs(row.amount) / largest
    strength = "much" if weight > 0.5 else "somewhat" if weight > 0.15 else "a little"
    return [f"{sign} {verb} it {strength}", small(f"from {before} to {after}")]


def _left_out(found: Contributions) -> str:
    if not found.n_rest:
        return ""
    return (
        f"{found.n_rest} more things count for less and are not listed."
        if found.n_rest > 1
        else ("One more thing counts for less and is not listed.")
    )
