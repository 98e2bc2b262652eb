"""The section of predictions: one market and surface at a time, every measure and horizon."""

from collections.abc import Sequence

import streamlit as st

from recsysops.domain.title_view import Target, TitleView
from recsysops_dashboards._chart import target_chart, target_sentence
from recsysops_dashboards._html import empty, show, small
from recsysops_dashboards._words import MEASURE, place
from recsysops_dashboards._words import target as target_name


def show_predictions(title: TitleView) -> Target | None:
    """Show the predictions of one cell; return the target chosen for comparison."""
    st.subheader("What the recommender is predicted to do with it", anchor="prediction")
    if not title.targets:
        empty("There is no prediction of this title. Either no model was trained, or `recsysops predict` did not run.")
        return None
    worst_first = [place(cell.market, cell.surface) for cell in title.cells]
    known = {place(target.market, target.surface) for target in title.targets}
    places = [*dict.fromkeys(name for name in worst_first if name in known), *sorted(known - set(worst_first))]
    where, what = st.columns([1, 1])
    with where:
        chosen = st.selectbox("Market and surface", places, key="place", bind="query-params")
    here = [target for target in title.targets if place(target.market, target.surface) == chosen]
    targets = sorted(here, key=lambda target: ([*MEASURE].index(target.measure), target.horizon))
    names = {target_name(t.measure, t.horizon): t for t in targets}
    with what:
        planned = next((i for i, t in enumerate(targets) if t.expected), 0)
        compared = st.selectbox("Compare titles by", [*names], index=planned, key="by", bind="query-params")
    show(small("Bars hold 50, 80 and 90 % of what is likely, from thick to thin; the line is the median."))
    for measure in dict.fromkeys(target.measure for target in targets):
        _row_of_charts([target for target in targets if target.measure == measure])
    return names[compared]


def _row_of_charts(targets: Sequence[Target]) -> None:
    for column, target in zip(st.columns(3), targets, strict=False):
        chart, sentence = target_chart(target), target_sentence(target)
        with column:
            if chart is not None:
                st.altair_chart(chart, width="stretch", alt=sentence)
            show(small(sentence))
