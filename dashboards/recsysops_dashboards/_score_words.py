"""Predictors, leads and figures of the scoreboard, in words."""

from typing import Final

from recsysops.domain.scoreboard import SERVED, Figure, GroupKind
from recsysops_dashboards._words import PREDICTOR

KIND: Final = {
    GroupKind.MARKET: "Market",
    GroupKind.SURFACE: "Surface",
    GroupKind.PROVIDER: "Provider",
    GroupKind.METADATA: "Metadata",
}


def predictor(name: str) -> str:
    """Return a predictor's name; one not known here as it is, without underscores."""
    if name == SERVED:
        return "What was shown"
    return PREDICTOR.get(name, name.replace("_", " ").capitalize())


def days_before(lead: int) -> str:
    """Return a lead: `7 days before`."""
    return f"{lead} {'day' if lead == 1 else 'days'} before"


def error(figure: Figure) -> tuple[str, str]:
    """Return an error, and its interval or an empty text."""
    spread = "" if figure.low is None or figure.high is None else f"{figure.low:.2f} to {figure.high:.2f}"
    return f"{figure.value:.2f}", spread


def percent(figure: Figure) -> tuple[str, str]:
    """Return a share, and its interval or an empty text."""
    spread = "" if figure.low is None or figure.high is None else f"{100 * figure.low:.0f} to {100 * figure.high:.0f} %"
    return f"{100 * figure.value:.0f} %", spread


def skill(figure: Figure | None) -> tuple[str, str]:
    """Return how much better than comparable titles, in words."""
    if figure is None:
        return "–", ""
    word = "better" if figure.value >= 0 else "worse"
    return f"{abs(100 * figure.value):.0f} % {word}", percent(figure)[1]
