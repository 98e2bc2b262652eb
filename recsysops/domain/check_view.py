"""What the pre-launch gate answers: of what the store holds, and of titles it was given.

Frozen, JSON-able values: numbers are finite or None, times are aware UTC.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from recsysops.domain.issue import Finding
from recsysops.domain.severity import Severity
from recsysops.domain.verdict import CheckOutcome, Status
from recsysops.domain.views import CellView


class CheckForm(StrEnum):
    """Forms in which the gate's answer is told."""

    TABLE = "table"
    JSON = "json"
    JUNIT = "junit"
    SARIF = "sarif"


@dataclass(frozen=True, kw_only=True)
class CellCheck:
    """What one rule of a detector said of a cell."""

    detector: str
    rule: str
    outcome: CheckOutcome
    reason: str


@dataclass(frozen=True, kw_only=True)
class CheckedCell:
    """A cell the gate looked at."""

    title_id: str
    name: str
    cell: CellView
    findings: tuple[Finding, ...]
    """Of any severity, worst first."""
    checks: tuple[CellCheck, ...] = ()
    """Every rule that looked at it, by detector and rule; empty unless asked for."""


@dataclass(frozen=True, kw_only=True)
class CheckReport:
    """The pre-launch gate's answer."""

    as_of: datetime | None
    """None when nothing was ever judged: then everything is unknown."""
    fail_on: Severity
    allow_unknown: bool
    cells: tuple[CheckedCell, ...]
    """Worst first."""
    notices: tuple[str, ...] = ()

    @property
    def failed(self) -> tuple[Finding, ...]:
        """Findings at or above `fail_on`."""
        return tuple(f for cell in self.cells for f in cell.findings if f.severity.is_at_least(self.fail_on))

    @property
    def n_unknown(self) -> int:
        """Cells that could not be judged."""
        return sum(cell.cell.status is Status.UNKNOWN for cell in self.cells)

    @property
    def exit_code(self) -> int:
        """0 fine; 1 something at or above `fail_on`, or something unknown without `allow_unknown`.

        A window in which nothing launches is fine; a store that knows no upcoming launch at all is unknown.
        """
        is_unknown = self.as_of is None or self.n_unknown > 0
        return int(bool(self.failed) or (is_unknown and not self.allow_unknown))


@dataclass(frozen=True, kw_only=True)
class CheckAnswer:
    """A `CheckReport` with what follows from it spelled out, for those who cannot compute it."""

    exit_code: int
    n_failed: int
    n_unknown: int
    report: CheckReport

    @classmethod
    def of(cls, report: CheckReport) -> "CheckAnswer":
        """Spell out a report."""
        return cls(
            exit_code=report.exit_code, n_failed=len(report.failed), n_unknown=report.n_unknown, report=report,
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class ServedPrediction:
    """What is predicted for a launch that was given, as a share of the denominator."""

    market: str
    surface: str
    measure: str
    horizon: int
    median: float | None
    """None where nothing can predict it; then `abstains` says why."""
    low: float | None
    """Tenth percentile: low to high is the 80 % interval."""
    high: float | None
    """Ninetieth percentile."""
    denominator: float | None
    """Active members, or impressions, the share is of."""
    predictor: str
    """`model` or `comparable_titles`; empty where neither answers."""
    model_id: str
    label: str
    """Words a reader must see beside the number."""
    abstains: str


@dataclass(frozen=True, kw_only=True)
class GivenVerdict:
    """What is said of one title that was given."""

    title_id: str
    name: str
    is_known: bool
    """Whether a title with this id is stored: what was given was judged instead of what is stored."""
    status: Status
    """Of its worst cell."""
    cells: tuple[CheckedCell, ...]
    """Worst first."""
    predictions: tuple[ServedPrediction, ...]
    """By market, surface, measure and horizon."""


@dataclass(frozen=True, kw_only=True)
class GivenAnswer:
    """What is said of titles whose metadata is stored nowhere."""

    exit_code: int
    """0 fine; 1 something at or above `fail_on`, or something unknown without `allow_unknown`."""
    n_failed: int
    """Findings at or above `fail_on`."""
    n_unknown: int
    """Cells that could not be judged."""
    as_of: datetime
    """The time the judgement stands at."""
    history_as_of: datetime
    """The time the predictions stand at: nothing learned later enters them. Made ready once per run, not per call."""
    models: tuple[str, ...]
    """Ids of the models that could predict."""
    fail_on: Severity
    allow_unknown: bool
    titles: tuple[GivenVerdict, ...]
    """In the order given."""
    notices: tuple[str, ...] = ()
