"""One whole cycle: ingest, learn, train when due, predict, check and detect, follow, notify, prune.

Idempotent for one `as_of`.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from recsysops.contract.channel import Notification
from recsysops.domain.issue import IssueChange
from recsysops.domain.run import Run
from recsysops.domain.verdict import StepOutcome
from recsysops.errors import RecSysOpsError
from recsysops.service.context import Context
from recsysops.service.detect import detect_into, status_counts
from recsysops.service.ingest import IngestReport, ingest
from recsysops.service.judge import Judgement
from recsysops.service.learn import learn_into
from recsysops.service.notify import compose, notify_into
from recsysops.service.predict import predict_into
from recsysops.service.promoting import promote_into
from recsysops.service.prune import prune_into
from recsysops.service.recording import Recorder
from recsysops.service.shadow import shadow_into
from recsysops.service.train import train_when_due


@dataclass(frozen=True, kw_only=True)
class RunReport:
    """What a cycle did."""

    run: Run
    ingested: IngestReport
    judgement: Judgement
    changes: tuple[IssueChange, ...]
    notification: Notification


def run_cycle(context: Context, *, as_of: datetime | None = None) -> RunReport:
    """Do one cycle at `as_of`.

    A file that cannot be read, a model that cannot be trained, a prediction or a pruning that fails does not stop the
    cycle: the record names it, what rests on it is unknown, and the run counts as failed. A batch that is held is named
    and fails nothing: the cycle goes on with what was published before it.

    Raises:
        RunFailedError: Judging itself failed; nothing of it was published.
    """
    at = context.as_of(as_of)
    recorder = Recorder(context, "run", at)
    ingested = ingest_into(context, recorder)
    _learn(context, recorder, at)
    _ask(context, recorder, at)
    models = _models(context, recorder, at)
    judgement, changes, _ = detect_into(context, recorder, at)
    with context.store.read() as unit:
        notification = compose(context, unit, recorder.run, judgement, changes)
    notify_into(context, recorder, notification)
    _prune(context, recorder)
    run = recorder.finish(models=models, counts=status_counts(judgement))
    return RunReport(run=run, ingested=ingested, judgement=judgement, changes=changes, notification=notification)


def ingest_as_run(context: Context) -> IngestReport:
    """Ingest, on record as a run of its own."""
    recorder = Recorder(context, "ingest", context.as_of())
    report = ingest_into(context, recorder)
    counts = {"accepted": report.accepted, "quarantined": report.quarantined, "held": len(report.held)}
    recorder.finish(counts=counts)
    return report


def ingest_into(context: Context, recorder: Recorder) -> IngestReport:
    """Ingest as a step of a run; files that could not be read make the step failed, held ones do not."""
    with recorder.step("ingest") as step:
        report = ingest(
            context.store,
            context.reader,
            context.aggregator,
            context.settings,
            clock=context.clock,
            progress=context.progress,
        )
        step.n = sum(receipt.accepted for receipt in report.receipts)
        said = [error.message for error in report.errors]
        if report.errors:
            step.outcome = StepOutcome.FAILED
        if waiting := len(report.held) + len(report.still_held):
            said.append(f"{waiting} batches are held and wait for a person: `recsysops batches --held`.")
        step.reason = " ".join(said)
    recorder.add(*report.steps)
    recorder.rests_on(tuple(receipt.batch_id for receipt in report.receipts))
    return report


def _models(context: Context, recorder: Recorder, as_of: datetime) -> tuple[str, ...]:
    """Train and predict; a failure is on record. Earlier models predict where training fails.

    Where prediction fails, too, what would rest on it is not run.
    """
    has_trained = True
    with suppress(RecSysOpsError):  # on record; whoever answers now goes on
        promote_into(context, recorder, as_of)
    try:
        train_when_due(context, recorder, as_of)
    except RecSysOpsError:
        has_trained = False
    try:
        return predict_into(context, recorder, as_of, has_trained=has_trained)[2]
    except RecSysOpsError:
        return ()


def _learn(context: Context, recorder: Recorder, as_of: datetime) -> None:
    """Hold earlier predictions against outcomes; a failure is on record and stops nothing."""
    with suppress(RecSysOpsError):
        learn_into(context, recorder, as_of)


def _ask(context: Context, recorder: Recorder, as_of: datetime) -> None:
    """Ask the recommender; a failure is on record, and the predictions do without it."""
    with suppress(RecSysOpsError):
        shadow_into(context, recorder, as_of)


def _prune(context: Context, recorder: Recorder) -> None:
    """Remove what need not be kept; a failure is on record and stops nothing."""
    with suppress(RecSysOpsError):
        prune_into(context, recorder)
