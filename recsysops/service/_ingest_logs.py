"""Publishes log files: those that are new are registered in one transaction with the treatment counted from them."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from recsysops.columns import LAUNCHES, TITLE_ID
from recsysops.domain.batch import BatchReceipt, LogFile
from recsysops.domain.comparison import Circumstances
from recsysops.domain.drift import Drift, HeldBatch, Profile
from recsysops.domain.reading import ReadLog
from recsysops.service._ingest_rows import batch_id_of, note_columns, note_standing
from recsysops.service._ingesting import Ingesting, hashed
from recsysops.service.hold import Intake, Standing, facts_of
from recsysops.service.ingest_report import AlreadyLoaded
from recsysops.service.ports import UnitOfWork
from recsysops.service.recount import recount, touched_launches


@dataclass(frozen=True)
class _NewLog:
    """A log file whose content does not count yet."""

    file: Path
    content_hash: str
    batch_hash: str
    """Differs from the content's where the same content was a batch before."""
    is_let_through: bool


@dataclass(frozen=True)
class _Checked:
    """A log file that was read, and why it is held; no drift where it is published."""

    log: _NewLog
    receipt: BatchReceipt
    read: ReadLog
    profile: Profile | None
    drifts: tuple[Drift, ...]


@dataclass(frozen=True)
class _Counting:
    """The files that count when an ingest begins."""

    by_path: Mapping[str, LogFile]
    by_content: Mapping[str, LogFile]
    batches: Mapping[str, str]
    """Content hash of every batch of the table to its id, also of those that no longer count."""

    @classmethod
    def of(cls, unit: UnitOfWork, table: str) -> "_Counting":
        """Read them."""
        files = unit.batches.log_files(table)
        return cls(
            by_path={file.path: file for file in files},
            by_content={file.content_hash: file for file in files},
            batches={batch.content_hash: batch.batch_id for batch in unit.batches.all() if batch.table == table},
        )

    def replaced(self, file: Path, content_hash: str) -> list[str]:
        """Return the batches a file replaces: other content at its path, or its content from a path now gone."""
        there = self.by_path.get(str(file.absolute()))
        if there is not None:
            return [there.batch_id] if there.content_hash != content_hash else []
        same = self.by_content.get(content_hash)
        has_moved = same is not None and same.declared_day is not None and not Path(same.path).exists()
        return [same.batch_id] if same is not None and has_moved else []

    def loaded_as(self, file: Path, content_hash: str) -> str | None:
        """Return the batch whose content this is; None where it is new, takes the place of another, or has moved."""
        if content_hash not in self.batches or self.replaced(file, content_hash):
            return None
        same = self.by_content.get(content_hash)
        return same.batch_id if same is not None else self.batches[content_hash]


def publish_logs(work: Ingesting, intake: Intake, files: Sequence[Path]) -> None:
    """Register the new files of a log and count treatment anew where they touch it; those that are held stay out."""
    checked = _checked(work, intake, _new_logs(work, intake, files))
    if not checked:
        return
    with work.store.write() as unit:
        before = unit.batches.log_files(intake.table)
        held = [batch for each in checked if (batch := _store(unit, intake, each)) is not None]
        counting = _recount(work, unit, intake.table, before) if len(held) < len(checked) else ""
        unit.commit()
    if counting:
        work.progress(counting, 1.0)
    work.held += held
    work.receipts += [each.receipt for each in checked if not each.drifts]


def _store(unit: UnitOfWork, intake: Intake, checked: _Checked) -> HeldBatch | None:
    """Register a file, or hold its batch and return it."""
    if checked.drifts and checked.profile is not None:
        return intake.hold(unit, checked.receipt, checked.drifts, checked.profile)
    unit.batches.add(checked.receipt, checked.read.samples, checked.profile)
    unit.batches.register(checked.read.file)
    intake.settle(unit, checked.receipt, checked.log.file)
    return None


def _recount(work: Ingesting, unit: UnitOfWork, table: str, before: Sequence[LogFile]) -> str:
    """Count treatment anew where the files that count have changed; return what was said of it."""
    after = unit.batches.log_files(table)
    touched = touched_launches(unit.versions.known(LAUNCHES), before, after)
    counting = f"Counting {table} of {touched[TITLE_ID].nunique():,} titles"
    work.progress(counting, 0.0)
    recount(unit, work.aggregator, table, after, touched)
    return counting


def _new_logs(work: Ingesting, intake: Intake, files: Sequence[Path]) -> list[_NewLog]:
    """Return the files whose content does not count yet, in their order."""
    with work.store.read() as unit:
        counting = _Counting.of(unit, intake.table)
    found = []
    for file in files:
        with work.refusals(intake.table):
            log = _look(work, intake, counting, file)
            found += [log] if log else []
    return found


def _look(work: Ingesting, intake: Intake, counting: _Counting, file: Path) -> _NewLog | None:
    """Return a file that must be read; None for one that counts, is held or was refused."""
    facts = facts_of(file)
    known = intake.known_content(file)
    content_hash = known or work.reader.content_hash(intake.table, file, intake.source)
    if known is None:
        intake.saw(file, facts, content_hash, work.clock())
    loaded = counting.loaded_as(file, content_hash)
    if loaded is not None:
        work.already.append(AlreadyLoaded(table=intake.table, file=str(file), batch_id=loaded))
        if known is None and (displaced := intake.displaced(file, loaded, by_day=False)):
            with work.store.write() as unit:
                intake.give_way(unit, displaced, loaded, work.clock())
                unit.commit()
        return None
    # What was replaced, or moved, and is delivered again is a batch of its own.
    is_first = content_hash not in counting.batches
    batch_hash = content_hash if is_first else hashed(content_hash, *counting.replaced(file, content_hash))
    standing = intake.standing(batch_hash, is_unchanged=known is not None)
    if note_standing(work, intake, file, batch_hash, standing):
        return None
    return _NewLog(file, content_hash, batch_hash, is_let_through=standing is Standing.LET_THROUGH)


def _checked(work: Ingesting, intake: Intake, new: Sequence[_NewLog]) -> list[_Checked]:
    """Check new files side by side: each is small, and most of the work is the engine's."""
    table, source, check = intake.table, intake.source, work.reader.check_log
    done: list[_Checked] = []
    with ThreadPoolExecutor(work.settings.model.threads) as pool:
        answers = [
            pool.submit(check, table, log.file, source, log.content_hash, batch_id_of(table, log.batch_hash))
            for log in new
        ]
        for number, (log, answer) in enumerate(zip(new, answers, strict=True)):
            work.progress(f"Checking {table}", number / len(new))
            with work.refusals(table):
                done.append(_judged(work, intake, log, answer.result()))
    work.progress(f"Checking {table}", 1.0)
    return done


def _judged(work: Ingesting, intake: Intake, log: _NewLog, read: ReadLog) -> _Checked:
    profile = intake.described(read.profile, log.file)
    at = Circumstances(table=intake.table, now=intake.now, is_daily=read.file.declared_day is not None)
    drifts = () if log.is_let_through else intake.judge(profile, at)
    note_columns(work, intake, log.file, profile)
    if profile is not None and not drifts:
        intake.beside.insert(0, profile)
    return _Checked(log, _receipt(work, intake.table, log, read), read, profile, drifts)


def _receipt(work: Ingesting, table: str, log: _NewLog, read: ReadLog) -> BatchReceipt:
    return BatchReceipt(
        batch_id=read.file.batch_id,
        table=table,
        content_hash=log.batch_hash,
        files=(str(log.file),),
        rows_in=read.rows_in,
        accepted=read.file.rows,
        duplicate=0,
        quarantined=sum(read.codes.values()),
        loaded_at=work.clock(),
        codes=dict(read.codes),
    )
