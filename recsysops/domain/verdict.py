"""What a check says of a cell, and the one status that follows from all of them."""

from collections.abc import Iterable
from enum import StrEnum

from recsysops.domain.severity import Severity


class CheckOutcome(StrEnum):
    """What became of one check on one cell."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_RUN = "not_run"
    """It should have judged the cell and could not: a feed, a prediction or the check itself is missing."""
    NOT_APPLICABLE = "not_applicable"


class Status(StrEnum):
    """Where a cell stands."""

    OK = "ok"
    AT_RISK = "at_risk"
    FAILING = "failing"
    UNKNOWN = "unknown"

    @property
    def rank(self) -> int:
        """0 for failing, then at_risk, unknown, ok: ascending is worst first."""
        return ("failing", "at_risk", "unknown", "ok").index(self.value)


class StepOutcome(StrEnum):
    """What became of one step, check group or detector of a run."""

    RAN = "ran"
    FAILED = "failed"
    SKIPPED = "skipped"


def status_of(outcomes: Iterable[CheckOutcome], severities: Iterable[Severity]) -> Status:
    """Return the status of a cell from its checks and the severities of its findings.

    A critical finding makes it failing, a warning at_risk; then a check that did not run, a failed one of which no
    finding says how bad it is, or nothing that applied, makes it unknown. It is ok only when every check that applies
    passed, or failed with findings of no more than info, and at least one applies.
    """
    found = set(severities)
    if Severity.CRITICAL in found:
        return Status.FAILING
    if Severity.WARNING in found:
        return Status.AT_RISK
    said = set(outcomes)
    if CheckOutcome.NOT_RUN in said or not said & {CheckOutcome.PASSED, CheckOutcome.FAILED}:
        return Status.UNKNOWN
    if CheckOutcome.FAILED in said and not found:
        return Status.UNKNOWN
    return Status.OK
