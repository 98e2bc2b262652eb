"""Numbers, times and closed sets in the words a launch manager reads."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from recsysops.domain.severity import FindingClass, Severity
from recsysops.domain.timeline import TimelineKind
from recsysops.domain.verdict import CheckOutcome, Status
from recsysops.domain.views import CellView, FieldState, Worth

STATUS: Final = {
    Status.FAILING: ("✖", "Failing"),
    Status.AT_RISK: ("▲", "At risk"),
    Status.UNKNOWN: ("?", "Unknown"),
    Status.OK: ("✔", "OK"),
}
"""A shape and a word each, so that colour is never needed."""
OUTCOME: Final = {
    CheckOutcome.PASSED: ("✔", "Passed", "ok"),
    CheckOutcome.FAILED: ("✖", "Failed", "failing"),
    CheckOutcome.NOT_RUN: ("?", "Did not run", "unknown"),
    CheckOutcome.NOT_APPLICABLE: ("–", "Does not apply", "none"),
}
FIELD_STATE: Final = {
    FieldState.OVERDUE: ("✖", "Overdue", "failing"),
    FieldState.MISSING: ("▲", "Missing", "at_risk"),
    FieldState.NOT_CHECKED: ("?", "Not checked", "unknown"),
    FieldState.FILLED: ("✔", "Filled", "ok"),
}
SEVERITY: Final = {
    Severity.CRITICAL: ("✖", "Critical", "failing"),
    Severity.WARNING: ("▲", "Warning", "at_risk"),
    Severity.INFO: ("i", "Info", "none"),
}
KIND: Final = {
    TimelineKind.METADATA: ("✎", "Metadata"),
    TimelineKind.LAUNCH: ("⟳", "Launch"),
    TimelineKind.PLAN: ("◎", "Plan"),
    TimelineKind.ISSUE: ("●", "Issue"),
    TimelineKind.PREDICTION: ("∿", "Prediction"),
    TimelineKind.CHANGE: ("⚙", "Change"),
}
TABLE: Final = {
    "titles": "Titles",
    "launches": "Launches",
    "expectations": "Expectations",
    "impressions": "Impressions",
    "interactions": "Interactions",
    "changes": "Changes",
}
CLASS: Final = {
    FindingClass.SETUP: "Metadata and assets",
    FindingClass.SYSTEM: "Pipelines",
    FindingClass.ALGORITHM: "Recommender",
    FindingClass.PREDICTION: "Our prediction",
    FindingClass.PLAN: "The plan",
}
MEASURE: Final = {"reach": "Reach", "impression_share": "Share of impressions", "uptake": "Uptake"}
MEASURE_OF: Final = {"reach": "of members", "impression_share": "of impressions", "uptake": "of members"}
PREDICTOR: Final = {"model": "Model", "comparable_titles": "Comparable titles"}


def short_day(at: datetime | None) -> str:
    """Return a day near the time of the page, such as `Tue 3 Mar`."""
    return f"{at:%a} {at.day} {at:%b}" if at else "–"


def target(measure: str, horizon: int) -> str:
    """Return a measure over a horizon: `Reach, 7 days`."""
    return f"{MEASURE.get(measure, measure)}, {count(horizon, 'day')}"


def day(at: datetime | None) -> str:
    """Return a day, such as `Tue 3 Mar 2026`."""
    return f"{at:%a} {at.day} {at:%b %Y}" if at else "–"


def moment(at: datetime | None) -> str:
    """Return a time to the minute, UTC."""
    return f"{day(at)} {at:%H:%M} UTC" if at else "–"


def distance(days: float | None) -> str:
    """Return how far off something is: `in 3 days`, `in 5 hours`, `2 days ago`."""
    if days is None:
        return ""
    hours = round(abs(days) * 24)
    if hours == 0:
        return "now"
    far = count(round(abs(days)), "day") if hours >= 36 else count(hours, "hour")
    return f"in {far}" if days > 0 else f"{far} ago"


def worth(value: Worth | None) -> str:
    """Return an expected shortfall with its range, or that it is not yet known."""
    if value is None:
        return "not yet known"
    span = "" if value.low is None or value.high is None else f" ({number(max(value.low, 0))}–{number(value.high)})"
    return f"{number(value.expected)}{span} {value.unit}"


def number(value: float) -> str:
    """Return a count as short as its precision allows: 151, 4,200, 1.3 million."""
    if value >= 1e6:
        return f"{value / 1e6:,.1f} million"
    return f"{float(f'{value:.2g}'):,.0f}" if value >= 1000 else f"{value:,.0f}"


def share(value: float | None) -> str:
    """Return a share as a percentage with two significant digits."""
    if value is None:
        return "–"
    percent = 100 * value
    return f"{percent:.0f} %" if percent >= 10 else f"{float(f'{percent:.2g}'):g} %"


def points(change: float) -> str:
    """Return a difference of shares in percentage points, with its sign."""
    value = 100 * change
    if abs(value) < 0.005:
        return "±0"
    return f"{value:+.0f}" if abs(value) >= 10 else f"{value:+.1f}" if abs(value) >= 0.05 else f"{value:+.2f}"


def gap(value: float) -> str:
    """Return a gap: `65 % below plan`, `12 % above plan`."""
    return f"{abs(value):.0%} {'below' if value > 0 else 'above'} plan".replace("%", " %")


def places(cells: Sequence[CellView]) -> list[tuple[Status, str]]:
    """Return where a title stands how, in few words: all alike, or each place by its name, worst first."""
    by_status: dict[Status, list[str]] = {}
    for cell in sorted(cells, key=lambda cell: (cell.status.rank, cell.market, cell.surface)):
        by_status.setdefault(cell.status, []).append(place(cell.market, cell.surface))
    if len(by_status) == 1:
        status, names = next(iter(by_status.items()))
        return [(status, names[0] if len(names) == 1 else f"all {len(names)} places")]
    return [(status, _list(names)) for status, names in by_status.items()]


def place(market: str, surface: str) -> str:
    """Return a market and a surface as one name; `all` is left out where it says nothing."""
    named = [part for part in (market, surface) if part != "all"]
    return " · ".join(named) or "everywhere"


def grid(pairs: Iterable[tuple[str, str]]) -> str:
    """Return markets and surfaces in few words: `de, us · home, search` where each goes with each."""
    known = sorted(set(pairs))
    markets, surfaces = sorted({market for market, _ in known}), sorted({surface for _, surface in known})
    if len(known) == len(markets) * len(surfaces):
        return place(_list(markets), _list(surfaces))
    return _list([place(market, surface) for market, surface in known])


def _list(names: list[str]) -> str:
    return ", ".join(names) if len(names) <= 4 else f"{', '.join(names[:3])} and {len(names) - 3} more"


def count(n: int, noun: str, many: str = "") -> str:
    """Return a number with its noun: `1 day`, `1,200 days`."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {many or f'{noun}s'}"
