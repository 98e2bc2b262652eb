"""A prediction as a distribution, against expectation and comparable titles: one named line of intervals each."""

from typing import Any, Final

import altair as alt
import pandas as pd

from recsysops.domain.title_view import Predicted, Target
from recsysops_dashboards._words import MEASURE, MEASURE_OF, gap, share

_SPANS: Final = ((0, 18, "90 %", 5), (1, 17, "80 %", 11), (4, 14, "50 %", 19))
"""Indices of the nineteen quantiles, what lies between them, and how thick it is drawn."""
_MIDDLE: Final = 9
_COLOURS: Final = {
    "Predicted": "#1f4e79", "Expected": "#b35c00", "Comparable titles": "#6b7482",
    "As it is": "#6b7482", "As changed": "#1f4e79",
}  # fmt: skip
_HEAD: Final = 112
_LINE: Final = 34

Rows = list[tuple[str, str, tuple[float, ...]]]
"""Name, kind and quantiles of each line."""


def target_chart(target: Target) -> Any | None:  # noqa: ANN401  # Altair's chart types differ by what they hold
    """Return the chart of one measure and horizon; None where there is nothing to draw."""
    rows = _lines(target)
    if not rows:
        return None
    return lines_chart(target.measure, target.horizon, rows)


def _spans(rows: Rows) -> pd.DataFrame:
    """Return one row per predictor and interval: what is drawn as bars."""
    return pd.DataFrame(
        [
            {
                "who": name,
                "low": 100 * quantiles[low],
                "high": 100 * quantiles[high],
                "holds": holds,
                "size": size,
                "kind": kind,
            }
            for name, kind, quantiles in rows
            for low, high, holds, size in _SPANS
        ]
    )


def lines_chart(measure: str, horizon: int, rows: Rows) -> Any:  # noqa: ANN401  # see above
    """Return the chart of some distributions of one measure and horizon, a line each."""
    spans = _spans(rows)
    order = [name for name, _, _ in rows]
    middles = pd.DataFrame([{"who": name, "middle": 100 * quantiles[_MIDDLE]} for name, _, quantiles in rows])
    y = alt.Y(
        "who:N", scale=alt.Scale(domain=order), title=None, axis=alt.Axis(labelLimit=150, ticks=False, domain=False)
    )
    x = alt.X("low:Q", title=f"% {MEASURE_OF.get(measure, '')}", scale=alt.Scale(zero=True), axis=alt.Axis(tickCount=5))
    colour = alt.Color("kind:N", scale=alt.Scale(domain=[*_COLOURS], range=[*_COLOURS.values()]), legend=None)
    tip = [
        alt.Tooltip("who:N", title="What"),
        alt.Tooltip("holds:N", title="Holds"),
        alt.Tooltip("low:Q", title="From %", format=".3~g"),
        alt.Tooltip("high:Q", title="To %", format=".3~g"),
    ]
    bars = [
        alt.Chart(spans[spans["size"] == size])
        .mark_bar(size=size, opacity=0.45)
        .encode(y=y, x=x, x2="high:Q", color=colour, tooltip=tip)
        for _, _, _, size in _SPANS
    ]
    ticks = alt.Chart(middles).mark_tick(size=26, thickness=3, color="#111").encode(
        y=y, x=alt.X("middle:Q"), tooltip=[alt.Tooltip("middle:Q", title="Median %", format=".3~g")]
    )  # fmt: skip
    name = f"{MEASURE.get(measure, measure)}, first {_days(horizon)}"
    return alt.layer(*bars, ticks).properties(title=name, height=_HEAD + _LINE * len(rows))


def target_sentence(target: Target) -> str:
    """Return what the chart shows, in words: for those who do not see it, and for the hurried."""
    served = next((answer for answer in target.predictions if answer.is_served), None)
    parts = []
    if served and served.quantiles:
        parts.append(f"Predicted {_middle(served.quantiles)} {MEASURE_OF.get(target.measure, '')}")
        if served.predictor != "model":
            parts[-1] += ", by comparable titles alone"
    else:
        parts.append(f"No prediction: {_why_not(target.predictions)}")
    parts.append(f"expected {_middle(target.expected.quantiles)}" if target.expected else "no expectation")
    if target.gap is not None:
        parts.append(gap(target.gap))
    if served and served.label:
        parts.append(f"({served.label})")
    return "; ".join(parts) + "."


def _lines(target: Target) -> Rows:
    """Return name, kind and quantiles of each line of the chart, top down."""
    served = next((a for a in target.predictions if a.is_served and a.quantiles), None)
    rows = [("Predicted", "Predicted", served.quantiles)] if served else []
    if target.expected and target.expected.quantiles:
        rows.append(("Expected", "Expected", target.expected.quantiles))
    rows += [
        ("Comparable titles", "Comparable titles", answer.quantiles)
        for answer in target.predictions
        if answer.predictor == "comparable_titles" and answer.quantiles and answer is not served
    ]
    return rows


def _middle(quantiles: tuple[float, ...]) -> str:
    if not quantiles:
        return "an unknown share"
    low, high = share(quantiles[1]).removesuffix(" %"), share(quantiles[17])
    return f"{share(quantiles[_MIDDLE])} ({low}–{high})"


def _why_not(answers: tuple[Predicted, ...]) -> str:
    return next((answer.abstains.rstrip(".") for answer in answers if answer.abstains), "none was made")


def _days(horizon: int) -> str:
    return "day" if horizon == 1 else f"{horizon} days"
