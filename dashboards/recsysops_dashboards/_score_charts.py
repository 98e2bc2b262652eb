"""Charts of the Model page: calibration, tenths of the predicted distributions, error by lead. Each with a sentence."""

from collections.abc import Sequence
from typing import Any, Final

import altair as alt
import pandas as pd

from recsysops.domain.scoreboard import CalibrationPlot, LeadPoint, Scoreboard
from recsysops_dashboards._score_words import days_before, predictor

_COLOURS: Final = ("#1f4e79", "#b35c00", "#6b7482", "#3f7d4e", "#7a4b8c")
_HEIGHT: Final = 340
_PADDING: Final = {"left": 5, "top": 24, "right": 12, "bottom": 5}


def _colour(names: Sequence[str]) -> Any:  # noqa: ANN401  # Altair's types differ by what they hold
    shades = [_COLOURS[at % len(_COLOURS)] for at in range(len(names))]
    legend = alt.Legend(title=None, orient="bottom", labelLimit=110, columns=4)
    return alt.Color("who:N", scale=alt.Scale(domain=list(names), range=shades), legend=legend)


def calibration_chart(found: Sequence[CalibrationPlot]) -> Any:  # noqa: ANN401  # see above
    """Return how often outcomes were below each predicted quantile; on the diagonal where it is honest."""
    rows = pd.DataFrame(
        [
            {"who": predictor(each.predictor), "said": 100 * point.nominal, "seen": 100 * point.observed}
            for each in found
            for point in each.points
        ]
    )
    band = pd.DataFrame([{"said": 100 * p.nominal, "low": 100 * p.low, "high": 100 * p.high} for p in found[0].points])
    axis = alt.Scale(domain=[0, 100])
    x = alt.X("said:Q", scale=axis, title="Predicted: this % of outcomes lie below")
    y = alt.Y("seen:Q", scale=axis, title="Seen: % of outcomes below")
    tip = [alt.Tooltip("who:N", title="Of"), alt.Tooltip("said:Q", title="Predicted %", format=".0f"),
           alt.Tooltip("seen:Q", title="Seen %", format=".1f")]  # fmt: skip
    chance = alt.Chart(band).mark_area(opacity=0.25, color="#8b95a5").encode(x=x, y=alt.Y("low:Q"), y2="high:Q")
    lines = alt.Chart(rows).mark_line(point=True).encode(
        x=x, y=y, color=_colour(list(dict.fromkeys(rows["who"]))), tooltip=tip
    )  # fmt: skip
    return alt.layer(chance, lines).properties(title="Calibration", height=_HEIGHT, padding=_PADDING)


def calibration_sentence(found: CalibrationPlot) -> str:
    """Return whether one predictor is calibrated, in words."""
    off = [point for point in found.points if not point.low <= point.observed <= point.high]
    whose = predictor(found.predictor)
    if not off:
        return f"{whose}: every quantile lies within what chance allows for {found.n_titles:,} titles."
    worst = max(off, key=lambda point: abs(point.observed - point.nominal))
    return (
        f"{whose}: {len(off)} of {len(found.points)} quantiles lie outside what chance allows for "
        f"{found.n_titles:,} titles; below the {worst.nominal:.0%} quantile were {worst.observed:.0%} of the outcomes."
    )


def tenths_chart(found: CalibrationPlot) -> Any:  # noqa: ANN401  # see above
    """Return the share of outcomes in each tenth of its predicted distribution, with what chance allows."""
    rows = pd.DataFrame(
        [{"from": 10 * at, "to": 10 * (at + 1), "share": 100 * part, "none": 0.0} for at, part in enumerate(found.bins)]
    )
    band = pd.DataFrame([{"from": 0, "to": 100, "low": 100 * found.band_low, "high": 100 * found.band_high}])
    x = alt.X("from:Q", scale=alt.Scale(domain=[0, 100]), title="Where the outcome lay in what was predicted, %")
    tip = [alt.Tooltip("from:Q", title="From %"), alt.Tooltip("to:Q", title="To %"),
           alt.Tooltip("share:Q", title="% of outcomes", format=".1f")]  # fmt: skip
    bars = alt.Chart(rows).mark_bar(color=_COLOURS[0], opacity=0.8, stroke="white").encode(
        x=x, x2="to:Q", y=alt.Y("share:Q", title="% of outcomes"), y2="none:Q", tooltip=tip
    )  # fmt: skip
    chance = alt.Chart(band).mark_rect(opacity=0.3, color="#8b95a5").encode(
        x=alt.X("from:Q"), x2="to:Q", y=alt.Y("low:Q"), y2="high:Q"
    )  # fmt: skip
    name = f"Where outcomes fell: {predictor(found.predictor).lower()}"
    return alt.layer(chance, bars).properties(title=name, height=_HEIGHT, padding=_PADDING)


def tenths_sentence(found: CalibrationPlot) -> str:
    """Return what the shape of the bars means."""
    ends = found.bins[0] + found.bins[-1]
    middle = sum(found.bins[3:7])
    slope = sum(found.bins[5:]) - sum(found.bins[:5])
    allowed = 2 * (found.band_high - 0.1)
    if ends > 0.2 + allowed:
        return "High at both ends: the distributions are too narrow, outcomes surprise too often."
    if middle > 0.4 + 2 * allowed:
        return "High in the middle: the distributions are wider than they need be."
    if abs(slope) > 2 * allowed:
        side = "above" if slope > 0 else "below"
        return f"Higher on one side: outcomes lie {side} the median too often."
    return "About even: outcomes fall where the distributions say."


def lead_chart(found: Scoreboard) -> Any:  # noqa: ANN401  # see above
    """Return the error by days before launch, one line a predictor."""
    rows = pd.DataFrame(
        [
            {"who": predictor(p.predictor), "lead": p.lead, "mae": p.mae.value, "low": p.mae.low, "high": p.mae.high,
             "n": p.n}
            for p in found.curve
        ]
    )  # fmt: skip
    leads = sorted(set(rows["lead"]), reverse=True)
    x = alt.X("lead:O", sort=leads, title="Days before launch", axis=alt.Axis(labelAngle=0))
    y = alt.Y("mae:Q", scale=alt.Scale(zero=True), title="Mean error of the median")
    colour = _colour(list(dict.fromkeys(rows["who"])))
    tip = [alt.Tooltip("who:N", title="Of"), alt.Tooltip("lead:O", title="Days before"),
           alt.Tooltip("mae:Q", title="Error", format=".3f"), alt.Tooltip("n:Q", title="Launches")]  # fmt: skip
    lines = alt.Chart(rows).mark_line(point=True).encode(x=x, y=y, color=colour, tooltip=tip)
    spread = alt.Chart(rows.dropna()).mark_rule(strokeWidth=1.5).encode(
        x=x, y=alt.Y("low:Q"), y2="high:Q", color=colour
    )  # fmt: skip
    return alt.layer(spread, lines).properties(
        title="How good were we, days before launch", height=_HEIGHT, padding=_PADDING
    )


def lead_sentence(found: Scoreboard) -> str:
    """Return how the error of what people were shown shrank as launch came nearer."""
    points = [point for point in found.curve if point.predictor == found.predictor]
    if not points:
        return ""
    parts = [f"{point.mae.value:.2f} {days_before(point.lead)} ({_launches(point)})" for point in points]
    same = "Every point is about the same launches." if found.is_curve_paired else (
        "Leads differ in launches, too: not every launch was predicted at every lead."
    )  # fmt: skip
    return f"{predictor(found.predictor)}: off by {', '.join(parts)}. {same}"


def _launches(point: LeadPoint) -> str:
    return f"{point.n:,} launches" if point.n != 1 else "1 launch"
