"""What the faces show: the board and what stands around it. The page of one title is in `title_view`.

Frozen, JSON-able values: numbers are finite or None, times are aware UTC, order is the order to show.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from recsysops.domain.calibration import Calibration
from recsysops.domain.issue import Issue, IssueEvent
from recsysops.domain.model import BacktestScore, ModelCard
from recsysops.domain.run import StepReport
from recsysops.domain.severity import FindingClass, Severity
from recsysops.domain.verdict import Status


class LaunchChange(StrEnum):
    """What became of a launch since it was first known."""

    NONE = ""
    MOVED = "moved"
    CANCELLED = "cancelled"
    PART_CANCELLED = "part cancelled"
    """Cancelled in some of its markets or surfaces."""


class FieldState(StrEnum):
    """Where a required metadata field stands."""

    FILLED = "filled"
    MISSING = "missing"
    """Missing, and not due yet."""
    OVERDUE = "overdue"
    NOT_CHECKED = "not_checked"
    """Its check did not run: nothing is known."""


@dataclass(frozen=True, kw_only=True)
class Worth:
    """An expected shortfall; where a face holds None instead, it is not yet known."""

    expected: float
    low: float | None
    """Tenth percentile; None where no range is known."""
    high: float | None
    """Ninetieth percentile."""
    unit: str
    """`members` or `impressions`."""


@dataclass(frozen=True, kw_only=True)
class CellView:
    """A title in one market on one surface, judged."""

    market: str
    surface: str
    launch_at: datetime
    previous_launch_at: datetime | None
    """The launch time before the last move; None when it never moved."""
    launch_status: str
    """`planned` or `cancelled`."""
    status: Status
    severity: Severity | None
    """Of its worst finding; None without one."""
    why: str
    n_findings: int
    has_expectation: bool


@dataclass(frozen=True, kw_only=True)
class BoardRow:
    """One title on the board: its worst cell, and what to do."""

    title_id: str
    name: str
    provider: str
    launch_at: datetime
    """The earliest launch still ahead."""
    days_to_launch: float
    """From the time the board stands at; >= 0."""
    launch_change: LaunchChange
    status: Status
    severity: Severity | None
    finding_class: FindingClass | None
    why: str
    remedy: str
    worth: Worth | None
    """The largest known expected shortfall among its findings."""
    latest_safe_fix_at: datetime | None
    days_to_fix: float | None
    """From the time the board stands at to the latest safe fix; negative when that has passed."""
    n_findings: int
    has_expectation: bool
    cells: tuple[CellView, ...]
    """Worst first."""


@dataclass(frozen=True, kw_only=True)
class RunView:
    """One run, as a person wants it told."""

    run_id: str
    verb: str
    as_of: datetime
    started_at: datetime
    finished_at: datetime | None
    seconds: float | None
    has_failed: bool
    summary: str
    """One sentence: what it did, or what did not run and why."""
    steps: tuple[StepReport, ...]
    counts: Mapping[str, int]
    models: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What the board can be filtered by, as it stands."""

    markets: tuple[str, ...] = ()
    surfaces: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    classes: tuple[FindingClass, ...] = ()


@dataclass(frozen=True, kw_only=True)
class BoardFilter:
    """What to show; an empty tuple or text asks for everything."""

    markets: tuple[str, ...] = ()
    """Judge a title by its cells in these markets alone."""
    surfaces: tuple[str, ...] = ()
    """Judge a title by its cells on these surfaces alone."""
    statuses: tuple[Status, ...] = ()
    classes: tuple[FindingClass, ...] = ()
    """Titles with at least one finding of these classes."""
    providers: tuple[str, ...] = ()
    text: str = ""
    """Part of the name or the id, without regard to case."""
    launching_within_days: float | None = None
    """From the time the board stands at."""
    title_ids: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Board:
    """One page of the launch board."""

    service: str
    as_of: datetime | None
    """The time the last detection stands at; None before the first."""
    run: RunView | None
    """The last run that detected or tried to."""
    notices: tuple[str, ...]
    """Plain sentences a reader must see first: what did not run, what is old."""
    label: str
    """Such as `not point-in-time`; empty otherwise."""
    counts: Mapping[str, int]
    """Titles by status under all filters but the status; every status is a key."""
    n_cancelled: int
    """Titles left out because every launch of theirs is cancelled."""
    choices: Choices
    rows: tuple[BoardRow, ...]
    total: int
    """Titles that pass the filters."""
    offset: int
    limit: int


@dataclass(frozen=True, kw_only=True)
class MissingFieldRow:
    """A required field that an upcoming title lacks: one line to send to its provider."""

    title_id: str
    name: str
    provider: str
    field: str
    markets: tuple[str, ...]
    surfaces: tuple[str, ...]
    value: str
    """What stands there now, cut; empty where nothing does."""
    reason: str
    owner: str
    state: FieldState
    launch_at: datetime
    due_at: datetime | None
    """None where the requirements no longer name the field."""
    latest_safe_fix_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class MissingFieldFilter:
    """Which missing fields; an empty tuple or None asks for everything."""

    provider: str | None = None
    """Exactly; an empty text means titles without one."""
    states: tuple[FieldState, ...] = ()
    fields: tuple[str, ...] = ()
    owner: str | None = None
    """Exactly; an empty text means fields without one."""


@dataclass(frozen=True, kw_only=True)
class MissingFields:
    """One page of them."""

    as_of: datetime | None
    providers: Mapping[str, int]
    """Provider to its number of rows, over all providers; by name."""
    rows: tuple[MissingFieldRow, ...]
    total: int = 0
    """Rows that pass the filters."""
    offset: int = 0
    limit: int = 0
    """0: all of them."""


@dataclass(frozen=True, kw_only=True)
class IssueFilter:
    """Which issues; an empty tuple, text or None asks for everything."""

    is_open: bool | None = True
    title_id: str | None = None
    severities: tuple[Severity, ...] = ()
    classes: tuple[FindingClass, ...] = ()
    detectors: tuple[str, ...] = ()
    markets: tuple[str, ...] = ()
    text: str = ""
    """Part of the title's id, the sentence or the field, without regard to case."""


@dataclass(frozen=True, kw_only=True)
class IssueView:
    """An issue with the words around it."""

    issue: Issue
    name: str
    """Of its title; empty where unknown."""
    launch_at: datetime | None
    """Of its cell, where still judged."""
    events: tuple[IssueEvent, ...]
    """Its history, oldest first; empty in lists."""


@dataclass(frozen=True, kw_only=True)
class IssueList:
    """One page of issues, worst first."""

    issues: tuple[IssueView, ...]
    total: int
    offset: int
    limit: int


@dataclass(frozen=True, kw_only=True)
class RunList:
    """One page of runs, latest started first."""

    runs: tuple[RunView, ...]
    total: int
    offset: int
    limit: int


@dataclass(frozen=True, kw_only=True)
class ModelsView:
    """What predicts, and how well it did."""

    active: tuple[ModelCard, ...]
    scores: tuple[BacktestScore, ...]
    """Of the last backtest."""


@dataclass(frozen=True, kw_only=True)
class StepHealth:
    """How a step of the cycle last went."""

    step: str
    last_success_at: datetime | None
    last_failed: bool
    seconds: float | None = None
    """How long it took when it last ended; None where it never did."""


@dataclass(frozen=True, kw_only=True)
class FeedHealth:
    """How a source of the settings stands."""

    table: str
    last_new_at: datetime | None
    every_hours: float | None
    """How often it should deliver; None where the settings do not say."""
    n_held: int = 0
    """Batches of it that wait for a person."""


@dataclass(frozen=True, kw_only=True)
class ModelHealth:
    """What answers for a measure and horizon."""

    measure: str
    horizon: int
    trained_as_of: datetime
    challenged_since: datetime | None = None
    """None where no challenger predicts beside it."""
    n_refused: int = 0
    """Models of it whose files could not be trusted so far."""


@dataclass(frozen=True, kw_only=True)
class Vitals:
    """What monitoring wants to know; holds no title."""

    steps: tuple[StepHealth, ...]
    open_issues: Mapping[tuple[Severity, FindingClass], int] = field(default_factory=dict)
    cells: Mapping[Status, int] = field(default_factory=dict)
    """Every status is a key once something was judged."""
    pinball: Mapping[tuple[str, int, str], float] = field(default_factory=dict)
    """Measure, horizon and predictor to the error of the models in use, on launches held back in training."""
    quarantined: Mapping[str, int] = field(default_factory=dict)
    """Rows kept out so far, by table."""
    shadow: Mapping[bool, int] = field(default_factory=dict)
    """Cells the recommender was last asked about, by whether it answered; empty before it was ever asked."""
    models: tuple[ModelHealth, ...] = ()
    """The active models, by measure and horizon."""
    feeds: tuple[FeedHealth, ...] = ()
    """The sources of the settings, by table."""
    answers: Mapping[str, int] = field(default_factory=dict)
    """Predicted targets of the last prediction by who is served: `model`, `comparable_titles`, `nobody`; empty before
    the first."""
    calibration: tuple[Calibration, ...] = ()
    """By measure, horizon and predictor, once launches were scored."""
