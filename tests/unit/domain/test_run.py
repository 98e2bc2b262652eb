from datetime import UTC, datetime

import pytest

from recsysops.domain.run import Run, StepReport
from recsysops.domain.verdict import StepOutcome

AT = datetime(2026, 3, 2, tzinfo=UTC)


def run(*outcomes: StepOutcome, finished_at: datetime | None = AT) -> Run:
    steps = tuple(StepReport(kind="step", name=f"s{i}", outcome=outcome) for i, outcome in enumerate(outcomes))
    return Run(run_id="r1", verb="run", as_of=AT, started_at=AT, finished_at=finished_at, steps=steps)


@pytest.mark.parametrize(
    ("record", "has_failed"),
    [
        (run(), False),
        (run(StepOutcome.RAN, StepOutcome.SKIPPED), False),
        (run(StepOutcome.RAN, StepOutcome.FAILED), True),
        (run(StepOutcome.RAN, finished_at=None), True),
    ],
    ids=["nothing to do", "skipped", "a step failed", "killed"],
)
def test_a_run_has_failed_when_a_step_did_or_when_it_never_finished(record: Run, has_failed: bool) -> None:
    assert record.has_failed is has_failed
