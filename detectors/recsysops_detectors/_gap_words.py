"""The sentences of `expectation_gap`: what is predicted, what was planned, and how sure that is."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from recsysops import columns as c
from recsysops.domain.measure import Measure
from recsysops.domain.severity import FindingClass
from recsysops_detectors import _gap_numbers as g
from recsysops_detectors._common import count, percent

Row = Mapping[Any, Any]

_NAMES: Final = {Measure.REACH: "reach", Measure.IMPRESSION_SHARE: "share of impressions", Measure.UPTAKE: "uptake"}
SUREST: Final = 0.99
"""No probability is shown as more than this."""


def subject(row: Row) -> str:
    """Return what is measured and where: `day-1 reach on home in DE`."""
    when = "day-1" if row[c.HORIZON] == 1 else f"{row[c.HORIZON]:g}-day"
    surface = "" if row[c.SURFACE] == c.ALL else f" on {row[c.SURFACE]}"
    market = "" if row[c.MARKET] == c.ALL else f" in {row[c.MARKET]}"
    return f"{when} {_NAMES[Measure(row[c.MEASURE])]}{surface}{market}"


def under_served(row: Row, tolerance: float) -> str:
    """Say that a title is predicted to fall short of its plan."""
    return (
        f"{_compared(row)}: {sure(row[g.P_BELOW])} sure that it falls short by more than "
        f"{100 * (1 - 1 / tolerance):.3g} %, about {_of(row, g.SHORTFALL)} planned."
    )


def over_served(row: Row, tolerance: float) -> str:
    """Say that a title is predicted to exceed its plan."""
    unit = Measure(row[c.MEASURE]).worth_unit
    return (
        f"{_compared(row)}: {sure(row[g.P_ABOVE])} sure that it exceeds the plan by more than "
        f"{100 * (tolerance - 1):.3g} %, about {count(row[g.EXCESS])} {unit} above the {count(row[g.PLANNED])} planned."
    )


def unsure(row: Row) -> str:
    """Say that a prediction is too wide to tell."""
    return (
        f"{_compared(row)}. It may fall short (by about {_of(row, g.SHORTFALL)} planned), but the prediction is too "
        f"unsure to tell: {sure(row[g.P_BELOW])}, and its interval spans a factor of {np.exp(row[g.SPREAD]):,.1f}."
    )


def unfit(row: Row) -> str:
    """Say that a plan does not fit anything known."""
    said = f"it says {_plan(row)}, the model {_model(row)} and {_comparables(row)}"
    return f"The plan for {subject(row)} looks unusual: {said}."


def remarks(row: Row, finding_class: FindingClass) -> str:
    """Return the sentences that limit or explain a gap; they begin with a space."""
    said = []
    if row[c.PREDICTOR] == c.COMPARABLE_TITLES:
        said.append("Only comparable titles could predict it.")
    if row[c.AUTHOR] == c.COMPARABLE_TITLES:
        said.append("The plan itself rests on comparable titles alone.")
    if finding_class is FindingClass.SETUP:
        said.append(f"Required metadata is missing: {row[g.MISSING]}.")
    if row[g.IS_UNFIT]:
        said.append(f"The plan itself looks unusual: {_comparables(row)}, much like the model.")
    elif row[g.IS_ALONE]:
        said.append(f"Our own prediction may be off: {_comparables(row)}, which fits the plan.")
    if row[c.LABEL]:
        said.append(f"The prediction is labelled: {row[c.LABEL]}.")
    return "".join(f" {sentence}" for sentence in said)


def remedy(row: Row, finding_class: FindingClass, *, is_short: bool) -> str:
    """Return what to do about a gap."""
    match finding_class:
        case FindingClass.SETUP:
            return f"Fill in {row[g.MISSING]} first, then predict again."
        case FindingClass.PLAN:
            return f"Check the plan's number and its unit with its author{_author(row)}; correct it or confirm it."
        case FindingClass.PREDICTION:
            return "Look at the comparable titles before acting, and predict again nearer to launch."
        case _ if is_short:
            return "Ask the recommender team why it is held back, and prepare a boost for the launch."
        case _:
            return "Ask the recommender team why it is favoured: look for a duplicate or reused id, or a wrong flag."


def sure(probability: float) -> str:
    """Return a probability as a percentage, never as certainty."""
    return f"{round(100 * min(float(probability), SUREST))} %"


def _compared(row: Row) -> str:
    what = subject(row)
    middle, interval = _numbers(row, g.PREDICTED)
    what = what[0].upper() + what[1:]
    return f"{what} is predicted at {middle} (80 % interval {interval}) where the plan says {_plan(row)}"


def _plan(row: Row) -> str:
    middle, interval = _numbers(row, (c.LOW, c.BEST, c.HIGH))
    return f"{middle} ({interval})"


def _model(row: Row) -> str:
    middle, interval = _numbers(row, g.PREDICTED)
    return f"{middle} (80 % interval {interval})"


def _comparables(row: Row) -> str:
    middle, interval = _numbers(row, g.COMPARABLE)
    return f"comparable titles say {middle} ({interval})"


def _numbers(row: Row, names: tuple[str, str, str]) -> tuple[str, str]:
    low, middle, high = (percent(float(row[name])) for name in names)
    return f"{middle} %", f"{low} to {high} %"


def _of(row: Row, what: str) -> str:
    return f"{count(row[what])} of the {count(row[g.PLANNED])} {Measure(row[c.MEASURE]).worth_unit}"


def _author(row: Row) -> str:
    return f" ({row[c.AUTHOR]})" if isinstance(row[c.AUTHOR], str) and row[c.AUTHOR] else ""
