"""Keeps the record of a run: what ran, what failed and why, what was skipped."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import uuid4

import structlog

from recsysops.domain.run import Run, StepReport
from recsysops.domain.verdict import StepOutcome
from recsysops.errors import RecSysOpsError, RunFailedError
from recsysops.service.context import Context
from recsysops.service.ports import UnitOfWork


@dataclass
class StepNote:
    """What a step says of itself while it runs."""

    n: int = 0
    reason: str = ""
    outcome: StepOutcome = StepOutcome.RAN


_log = structlog.get_logger("recsysops.run")


class Recorder:
    """Writes a run's record when it begins, after each step and when it ends: a killed run is seen as unfinished."""

    def __init__(self, context: Context, verb: str, as_of: datetime) -> None:
        """Begin the record of `verb` standing at `as_of`."""
        self._context = context
        started = context.clock()
        self.run = Run(
            run_id=f"{verb}-{as_of:%Y%m%dT%H%M%SZ}-{uuid4().hex[:8]}",
            verb=verb,
            as_of=as_of,
            started_at=started,
            settings_hash=context.settings.fingerprint(),
        )
        # Every line that is logged until the end carries the id, whichever part writes it.
        structlog.contextvars.bind_contextvars(run_id=self.run.run_id)
        _log.info("run began", verb=verb, stands_at=as_of.isoformat())
        self._save()

    @contextmanager
    def step(self, name: str) -> Iterator[StepNote]:
        """Record one step; what it raises is recorded and raised on as RunFailedError, our own errors as they are."""
        note = StepNote()
        began = time.perf_counter()
        try:
            yield note
        except RecSysOpsError as error:
            self.add(_report("step", name, StepNote(note.n, str(error), StepOutcome.FAILED), began))
            raise
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            self.add(_report("step", name, StepNote(note.n, reason, StepOutcome.FAILED), began))
            raise RunFailedError(f'Step "{name}" failed: {reason}. What was published before it stays.') from error
        self.add(_report("step", name, note, began))

    def add(self, *steps: StepReport) -> None:
        """Add steps, suites, detectors or channels that reported by themselves."""
        self.run = replace(self.run, steps=(*self.run.steps, *steps))
        self._save()
        for step in steps:
            tell = _log.warning if step.outcome is StepOutcome.FAILED else _log.info
            tell(
                "step ended", kind=step.kind, name=step.name, outcome=step.outcome.value, reason=step.reason,
                seconds=round(step.seconds, 3), n=step.n,
            )  # fmt: skip

    def count(self, counts: Mapping[str, int]) -> None:
        """Add numbers to the record."""
        self.run = replace(self.run, counts={**self.run.counts, **counts})
        self._save()

    def finish(self, *, models: tuple[str, ...] = (), counts: Mapping[str, int] | None = None) -> Run:
        """End the record."""
        self.run = replace(self.run, finished_at=self._context.clock(), models=models)
        self.run = replace(self.run, counts={**self.run.counts, **(counts or {})})
        self._save()
        _log.info("run ended", verb=self.run.verb, has_failed=self.run.has_failed, **self.run.counts)
        structlog.contextvars.unbind_contextvars("run_id")
        return self.run

    @contextmanager
    def followed(self, unit: UnitOfWork) -> Iterator[None]:
        """Record, in the transaction of `unit` that is committed inside, that issues follow this run's findings.

        A kill right after the findings were published must not leave them followed by a run that does not say so.
        """
        followed = replace(self.run, is_followed=True)
        unit.runs.save(followed)
        yield
        self.run = followed

    def rests_on(self, batch_ids: tuple[str, ...]) -> None:
        """Name the batches this run rests on."""
        self.run = replace(self.run, inputs=batch_ids)

    def _save(self) -> None:
        with self._context.store.write() as unit:
            unit.runs.save(self.run)
            unit.commit()


def _report(kind: str, name: str, note: StepNote, began: float) -> StepReport:
    seconds = time.perf_counter() - began
    return StepReport(kind=kind, name=name, outcome=note.outcome, reason=note.reason, seconds=seconds, n=note.n)
