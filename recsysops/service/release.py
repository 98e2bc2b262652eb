"""`release` and `discard`: what a person decides on a held batch. Only the command line also publishes at once."""

from dataclasses import dataclass
from pathlib import Path

from recsysops.domain.drift import Decision, HeldBatch, HeldState
from recsysops.errors import NotFoundError, SourceError, UsageError
from recsysops.service._ingest_rows import LOG_TABLES
from recsysops.service._ingesting import Ingesting
from recsysops.service.context import Context
from recsysops.service.hold import INGEST
from recsysops.service.ingest import ingest_file
from recsysops.service.ingest_report import IngestReport
from recsysops.service.recording import Recorder
from recsysops.settings import SourceSettings

MAX_WORDS = 500


@dataclass(frozen=True, kw_only=True)
class DecisionReport:
    """What was decided on a held batch, and what became of it."""

    held: HeldBatch
    """As it stands now."""
    is_published: bool
    """False after a release that was only recorded: the next ingest or run publishes it."""
    answer: str
    """One sentence for who decided."""
    ingested: IngestReport | None = None
    """What was published at once."""


def release(context: Context, batch_id: str, by: str, reason: str) -> DecisionReport:
    """Record that a person lets a held batch through; the next ingest or run publishes it.

    Releasing a batch that is released already records nothing more.

    Raises:
        NotFoundError: No batch with this id was ever held.
        UsageError: It was published or discarded already, or `by` or `reason` is empty or too long.
    """
    by, reason = _words(by, reason)
    held = _find(context, batch_id)
    if held.state is not HeldState.RELEASED:
        held = _decide(context, held, HeldState.RELEASED, by, reason)
    answer = f"{batch_id} is released; the next ingest or run publishes it."
    return DecisionReport(held=held, is_published=False, answer=answer)


def discard(context: Context, batch_id: str, by: str, reason: str) -> DecisionReport:
    """Record that a person refuses a held batch: this content is not published, whenever it is delivered.

    Raises:
        NotFoundError: No batch with this id was ever held.
        UsageError: It was published or discarded already, or `by` or `reason` is empty or too long.
    """
    by, reason = _words(by, reason)
    held = _decide(context, _find(context, batch_id), HeldState.DISCARDED, by, reason)
    answer = f"{batch_id} is discarded; a corrected delivery is read as usual."
    return DecisionReport(held=held, is_published=False, answer=answer)


def release_and_publish(context: Context, batch_id: str, by: str, reason: str) -> DecisionReport:
    """Let a held batch through and publish it from its file, on record as a run of its own.

    Raises:
        NotFoundError: No batch with this id was ever held.
        UsageError: As `release`, or the file is gone or says something else by now; then nothing was decided.
    """
    _words(by, reason)
    held = _find(context, batch_id)
    file, source = _unchanged_file(context, held)
    release(context, batch_id, by, reason)
    recorder = Recorder(context, "ingest", context.as_of())
    with recorder.step("release") as step:
        report = ingest_file(context, held.table, file, source)
        step.n = report.accepted
        step.reason = f"{batch_id} was released by {by}."
    recorder.add(*report.steps)
    recorder.rests_on(tuple(receipt.batch_id for receipt in report.receipts))
    recorder.finish(counts={"accepted": report.accepted, "quarantined": report.quarantined})
    after = _find(context, batch_id)
    if after.state is not HeldState.PUBLISHED:
        problem = " ".join(error.message for error in report.errors) or "its file changed while it was read."
        raise UsageError(f'"{batch_id}" is released and could not be published: {problem} Ingest again.')
    answer = f"{batch_id} is published: {report.accepted:,} rows."
    return DecisionReport(held=after, is_published=True, answer=answer, ingested=report)


def _find(context: Context, batch_id: str) -> HeldBatch:
    with context.store.read() as unit:
        found = [held for held in unit.batches.held() if held.batch_id == batch_id]
    if not found:
        raise NotFoundError(
            f'No batch "{batch_id[:100]}" was ever held (`recsysops batches --held` lists them). Check the id.'
        )
    return found[0]


def _decide(context: Context, held: HeldBatch, state: HeldState, by: str, reason: str) -> HeldBatch:
    decision = Decision(state=state, by=by, reason=reason, at=context.clock())
    with context.store.write() as unit:
        after = unit.batches.decide(held.batch_id, decision)
        unit.commit()
    return after


def _words(by: str, reason: str) -> tuple[str, str]:
    by, reason = by.strip(), reason.strip()
    for name, text in (("by", by), ("reason", reason)):
        if not text or len(text) > MAX_WORDS:
            raise UsageError(
                f'"{name}" has {len(text)} characters (expected 1 to {MAX_WORDS}). Say who decides, and why.'
            )
    if by == INGEST:
        raise UsageError(f'"{INGEST}" is the name under which the ingest itself decides. Give the name of a person.')
    return by, reason


def _unchanged_file(context: Context, held: HeldBatch) -> tuple[Path, SourceSettings]:
    """Return the file a held batch came from and its source, while it still says the same, read the same way."""
    source = next((each for table, each in context.settings.sources.items() if table == held.table), None)
    named = {str(file.absolute()): file for file in context.reader.files(held.table, source)} if source else {}
    file = next((named[name] for name in held.files if name in named), None)
    if source is None or file is None or not _is_same(context, held, file, source):
        raise UsageError(
            f'"{held.batch_id}" cannot be published: {held.files[0]} is gone, or says something else than when it was '
            "held, or is read with other settings. Deliver it again and ingest."
        )
    return file, source


def _is_same(context: Context, held: HeldBatch, file: Path, source: SourceSettings) -> bool:
    work = Ingesting(
        context.store, context.reader, context.aggregator, context.settings, context.clock, context.progress
    )
    try:
        if held.table not in LOG_TABLES:
            return work.content_hash(held.table, file, source) == held.content_hash
        with context.store.read() as unit:
            seen = unit.batches.seen(held.table).get(str(file.absolute()))
        # A log's batch may bear another hash than its content, where that was delivered before.
        found = context.reader.content_hash(held.table, file, source)
        return seen is not None and seen.content_hash.partition(".")[0] == found
    except SourceError:
        return False
