"""What the Model page is about: target, time, lead and predictor, all of them in the address."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import streamlit as st

from recsysops.domain.scoreboard import Scoreboard, ScoreFilter
from recsysops_dashboards._address import first_page
from recsysops_dashboards._score_words import days_before, predictor
from recsysops_dashboards._words import target

MISSES_PAGE: Final = "misses_page"
PAGES: Final = (MISSES_PAGE,)
LATELY: Final = "Launched in the last 90 days"
PERIODS: Final[dict[str, int | None]] = {"Launched in the last year": 365, LATELY: 90, "All launches": None}


def since(stood: datetime | None, period: str) -> datetime | None:
    """Return the earliest launch of a period that ends at the time the board stands at; None for all launches."""
    days = PERIODS[period]
    return None if stood is None or days is None else stood - timedelta(days=days)


def choose_target(found: Scoreboard, stood: datetime | None) -> ScoreFilter:
    """Return the measure, horizon and time in the address."""
    names = {target(each.measure, each.horizon): each for each in found.targets}
    left, right, _ = st.columns([1, 1, 2])
    name = left.selectbox(
        "What was predicted", [*names], key="target", bind="query-params", on_change=first_page, args=PAGES
    )
    period = right.selectbox(
        "Which launches", [*PERIODS], key="period", bind="query-params", on_change=first_page, args=PAGES
    )
    chosen = names[name]
    return ScoreFilter(measure=chosen.measure, horizon=chosen.horizon, since=since(stood, period))


def choose_lead(found: Scoreboard, filters: ScoreFilter) -> ScoreFilter:
    """Return the filter with the lead and predictor that charts, groups and titles are about."""
    leads = {days_before(lead): lead for lead in found.leads}
    names = {predictor(name): name for name in found.predictors}
    left, right, _ = st.columns([1, 1, 2])
    usual = found.leads.index(found.lead) if found.lead in found.leads else 0
    lead = left.selectbox(
        "Predicted", [*leads], index=usual, key="lead", bind="query-params", on_change=first_page, args=PAGES
    )
    who = right.selectbox("By", [*names], key="by", bind="query-params", on_change=first_page, args=PAGES)
    return replace(filters, lead=leads[lead], predictor=names[who])
