"""The record of a run: its inputs, its models, and for every step, check group and detector whether it ran."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from recsysops.domain.verdict import StepOutcome

ANSWERED_BY_MODEL: Final = "answered_by_model"
ANSWERED_BY_BASELINE: Final = "answered_by_comparable_titles"
ANSWERED_BY_NOBODY: Final = "answered_by_nobody"
"""Counts of a run that predicted: targets (cell, measure, horizon) by who is served."""


@dataclass(frozen=True, kw_only=True)
class StepReport:
    """One step, check group or detector of a run."""

    kind: str
    """`step`, `suite`, `detector` or `channel`."""
    name: str
    outcome: StepOutcome
    reason: str = ""
    """Why it failed or was skipped."""
    seconds: float = 0.0
    n: int = 0
    """What it worked through: rows, cells, findings."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """One verb, once."""

    run_id: str
    verb: str
    """`ingest`, `train`, `predict`, `detect`, `backtest` or `run`."""
    as_of: datetime
    started_at: datetime
    finished_at: datetime | None = None
    """None while it runs, or when it was killed."""
    is_followed: bool = False
    """Whether its findings were followed as issues."""
    inputs: tuple[str, ...] = ()
    """Batch ids it rests on."""
    models: tuple[str, ...] = ()
    steps: tuple[StepReport, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    settings_hash: str = ""

    @property
    def has_failed(self) -> bool:
        """Whether it did not finish or any step failed."""
        return self.finished_at is None or any(step.outcome is StepOutcome.FAILED for step in self.steps)
