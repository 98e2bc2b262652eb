"""Everything known about one title, as its page and `explain` show it.

Frozen, JSON-able values: numbers are finite or None, times are aware UTC, order is the order to show.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from recsysops.domain.issue import Finding
from recsysops.domain.verdict import CheckOutcome, Status
from recsysops.domain.views import BoardRow, CellView, FieldState, IssueView


@dataclass(frozen=True, kw_only=True)
class LaunchEvent:
    """A launch as it was announced, moved or cancelled."""

    market: str
    surface: str
    observed_at: datetime
    launch_at: datetime
    launch_status: str
    change: str
    """`announced`, `moved`, `cancelled`, `planned again` or `confirmed`."""
    previous_launch_at: datetime | None = None
    """The launch time before, where it was known."""
    loaded_at: datetime | None = None
    """When we knew."""


@dataclass(frozen=True, kw_only=True)
class FieldRow:
    """A required metadata field of the title, in the markets and on the surfaces where it stands alike."""

    field: str
    markets: tuple[str, ...]
    surfaces: tuple[str, ...]
    value: str
    """Cut to 200 characters; empty where nothing stands there."""
    state: FieldState
    reason: str
    """Why it does not count as filled; empty where it does."""
    due_at: datetime | None
    days_to_due: float | None
    """From the time of the run; negative when past."""
    latest_safe_fix_at: datetime | None
    owner: str


@dataclass(frozen=True, kw_only=True)
class Expected:
    """A plan, as it was compared."""

    low: float
    best: float
    high: float
    confidence: float
    """Probability that the truth lies between low and high, as its author said."""
    author: str
    observed_at: datetime | None
    quantiles: tuple[float, ...]
    """Nineteen, of a share, after widening."""


@dataclass(frozen=True, kw_only=True)
class Predicted:
    """One predictor's answer."""

    predictor: str
    """`model` or `comparable_titles`."""
    is_served: bool
    abstains: str
    """Why there is no number; empty where there is one."""
    label: str
    lead: int
    model_id: str
    quantiles: tuple[float, ...]
    """Nineteen, of a share; empty when it abstains."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """A measure over a horizon in one cell: what is predicted against what is expected."""

    market: str
    surface: str
    measure: str
    horizon: int
    denominator: float | None
    """Active members, or impressions, the shares are of."""
    predictions: tuple[Predicted, ...]
    """The served one first."""
    expected: Expected | None
    gap: float | None
    """1 - median predicted / median expected of the served prediction; None where either is missing."""
    p_below: float | None
    """Probability that it falls short of the plan by more than a fifth (a factor of 1.25)."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What one check said of one cell: why it is green, or is not."""

    market: str
    surface: str
    detector: str
    rule: str
    outcome: CheckOutcome
    reason: str
    margin: float | None
    """How far from turning, in the rule's own unit; negative when failed."""
    data: str
    """What it rests on."""


@dataclass(frozen=True, kw_only=True)
class TreatmentDay:
    """What the recommender did with the title on one 24-hour day since launch."""

    market: str
    surface: str
    signal: str
    day: int
    """0 is the first."""
    events: int
    new_members: int
    is_partial: bool


@dataclass(frozen=True, kw_only=True)
class TitleView:
    """The page of one title."""

    title_id: str
    name: str
    provider: str
    series_id: str
    as_of: datetime | None
    """The time of the detection shown; None when nothing was ever judged."""
    label: str
    status: Status | None = None
    """None when the last run did not judge it: it is not upcoming."""
    summary: BoardRow | None = None
    """Its row on the board; None when it is not upcoming."""
    cells: tuple[CellView, ...] = ()
    """Worst first."""
    launches: tuple[LaunchEvent, ...]
    """By market, surface and time."""
    findings: tuple[Finding, ...] = ()
    """Worst first."""
    metadata: tuple[FieldRow, ...] = ()
    """Required fields: overdue first, then missing by due date, then the others."""
    fields: Mapping[str, str]
    """All metadata as known, cut, general rows before a market's own (written `field (market)`)."""
    targets: tuple[Target, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    issues: tuple[IssueView, ...]
    """With history, open ones first."""
    treatment: tuple[TreatmentDay, ...]
    notices: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ComparableTitle:
    """A past launch like this one."""

    title_id: str
    name: str
    market: str
    surface: str
    launch_at: datetime | None
    distance: float | None
    """0 is alike; the scale is the model's."""
    value: float | None
    """Its treatment, a share."""
    fields: Mapping[str, str]
    """Its metadata, cut."""


@dataclass(frozen=True, kw_only=True)
class Comparables:
    """The comparable titles of one cell, measure and horizon, to be read field by field."""

    title_id: str
    market: str
    surface: str
    measure: str
    horizon: int
    fields: Mapping[str, str]
    """The title's own metadata, as it holds in that market."""
    titles: tuple[ComparableTitle, ...]
    """Nearest first."""
    problem: str
    """Why there are none, in a sentence; empty otherwise."""
