"""Severity of a finding and class of its cause: closed sets, used as metric labels."""

from enum import StrEnum
from typing import Final


class Severity(StrEnum):
    """How bad, in Alertmanager's usual words."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 for critical, 1 for warning, 2 for info: ascending is worst first."""
        return _ORDER[self]

    def is_at_least(self, other: "Severity") -> bool:
        """Return whether this is as bad as `other` or worse."""
        return self.rank <= other.rank


_ORDER: Final = {Severity.CRITICAL: 0, Severity.WARNING: 1, Severity.INFO: 2}


class FindingClass(StrEnum):
    """Whose business it is."""

    SETUP = "setup"
    """Metadata and assets."""
    SYSTEM = "system"
    """Pipelines and serving."""
    ALGORITHM = "algorithm"
    """The recommender itself."""
    PREDICTION = "prediction"
    """Our own prediction was off or is unsure."""
    PLAN = "plan"
    """The expectation itself does not fit anything known."""
