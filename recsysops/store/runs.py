"""Records of runs."""

from collections.abc import Sequence
from typing import cast

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from recsysops.domain.run import Run, StepReport
from recsysops.domain.verdict import StepOutcome
from recsysops.store.bulk import pieces, wanted_text
from recsysops.store.tables_followed import RunRow, RunStepRow


class SqlRuns:
    """See `RunRepository`."""

    def __init__(self, session: Session) -> None:
        """Work in the transaction of `session`."""
        self._session = session

    def save(self, run: Run) -> None:
        """Insert or update a run and its steps."""
        values = {name: value for name, value in vars(run).items() if name != "steps"}
        self._session.merge(RunRow(**values | {"inputs": list(run.inputs), "models": list(run.models)}))
        self._session.flush()
        self._session.execute(delete(RunStepRow).where(RunStepRow.run_id == run.run_id))
        steps = [{"run_id": run.run_id, "position": at, **vars(step)} for at, step in enumerate(run.steps)]
        if steps:
            self._session.execute(insert(RunStepRow), steps)

    def list(self, *, limit: int = 50, offset: int = 0, verb: str | None = None) -> tuple[Run, ...]:
        """Return runs, the latest started first; of this verb, where given."""
        wanted = select(RunRow).order_by(RunRow.started_at.desc(), RunRow.run_id.desc()).limit(limit).offset(offset)
        if verb is not None:
            wanted = wanted.where(RunRow.verb == wanted_text(verb))
        return self._with_steps(self._session.scalars(wanted).all())

    def count(self, *, verb: str | None = None) -> int:
        """Return how many runs there are; of this verb, where given."""
        wanted = select(func.count()).select_from(RunRow)
        if verb is not None:
            wanted = wanted.where(RunRow.verb == wanted_text(verb))
        return self._session.scalars(wanted).one()

    def last_followed(self) -> Run | None:
        """Return the followed run with the greatest as_of, of these the latest started."""
        wanted = (
            select(RunRow).where(RunRow.is_followed).order_by(RunRow.as_of.desc(), RunRow.started_at.desc()).limit(1)
        )
        runs = self._with_steps(self._session.scalars(wanted).all())
        return runs[0] if runs else None

    def _with_steps(self, rows: Sequence[RunRow]) -> tuple[Run, ...]:
        steps: dict[str, list[StepReport]] = {row.run_id: [] for row in rows}
        for piece in pieces(list(steps)):
            wanted = select(RunStepRow).where(RunStepRow.run_id.in_(piece)).order_by(RunStepRow.position)
            for step in self._session.scalars(wanted):
                steps[step.run_id].append(_step(step))
        return tuple(_run(row, tuple(steps[row.run_id])) for row in rows)


def _run(row: RunRow, steps: tuple[StepReport, ...]) -> Run:
    return Run(
        run_id=row.run_id, verb=row.verb, as_of=row.as_of, started_at=row.started_at, finished_at=row.finished_at,
        is_followed=row.is_followed, inputs=tuple(row.inputs), models=tuple(row.models), steps=steps,
        counts=cast("dict[str, int]", row.counts), settings_hash=row.settings_hash,
    )  # fmt: skip


def _step(row: RunStepRow) -> StepReport:
    return StepReport(
        kind=row.kind, name=row.name, outcome=StepOutcome(row.outcome), reason=row.reason, seconds=row.seconds, n=row.n
    )
