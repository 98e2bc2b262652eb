"""Words and signs shared by all that is shown: a status is a sign and a word, never a colour alone."""

from datetime import datetime
from typing import Final

from rich.table import Table
from rich.text import Text

from recsysops.domain.severity import Severity
from recsysops.domain.verdict import Status

SIGNS: Final = {Status.FAILING: "✖", Status.AT_RISK: "▲", Status.UNKNOWN: "?", Status.OK: "✓"}
_STYLES: Final = {Status.FAILING: "bold red", Status.AT_RISK: "yellow", Status.UNKNOWN: "magenta", Status.OK: "green"}
_SEVERITY_STYLES: Final = {Severity.CRITICAL: "bold red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}


def safe(text: object) -> str:
    """Return text without control characters: a title must not move the cursor or recolour the terminal."""
    return "".join(c if c.isprintable() else " " for c in str(text))


def status_text(status: Status) -> Text:
    """Return sign and word of a status."""
    return Text(f"{SIGNS[status]} {status.value.replace('_', ' ')}", style=_STYLES[status])


def severity_text(severity: Severity) -> Text:
    """Return a severity's word."""
    return Text(severity.value, style=_SEVERITY_STYLES[severity])


def moment(at: datetime | None) -> str:
    """Return a time to the minute, UTC; a dash where there is none."""
    return "-" if at is None else f"{at:%Y-%m-%d %H:%M}"


def until(at: datetime, as_of: datetime) -> str:
    """Return how far `at` is from `as_of`, in words."""
    days = (at - as_of).total_seconds() / 86_400
    if days < 0:
        return f"{-days:.1f} d ago"
    return f"in {days:.1f} d" if days >= 1 else f"in {days * 24:.0f} h"


def share(value: float | None) -> str:
    """Return a share as a percentage with three digits that matter."""
    if value is None:
        return "-"
    percent = 100 * value
    return f"{percent:.1f} %" if percent >= 1 else f"{percent:.2g} %"


def worth_words(expected: float | None, low: float | None, high: float | None, unit: str) -> str:
    """Return an expected shortfall with its range, or that it is not yet known."""
    if expected is None:
        return "not yet known"
    spread = "" if low is None or high is None else f" ({max(low, 0):,.0f} to {max(high, 0):,.0f})"
    return f"{expected:,.0f} {unit}{spread}"


def table(*heads: str, title: str = "") -> Table:
    """Return an empty table with these column heads; a head that ends in # is right-aligned."""
    made = Table(
        title=title or None, title_justify="left", title_style="bold", header_style="bold", box=None, pad_edge=False
    )
    for head in heads:
        made.add_column(head.rstrip("#"), justify="right" if head.endswith("#") else "left", overflow="fold")
    return made
