"""Publishes files of titles, launches, expectations and changes: each whole, held or not at all."""

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import pandas as pd

from recsysops.columns import CHANGES, IMPRESSIONS, INTERACTIONS, LAUNCHES, TITLE_ID
from recsysops.domain.batch import BatchReceipt
from recsysops.domain.comparison import Circumstances
from recsysops.domain.drift import HeldState, Profile
from recsysops.domain.reading import ReadTable
from recsysops.service._ingesting import Ingesting
from recsysops.service.hold import INGEST, Intake, Standing, facts_of
from recsysops.service.ingest_report import AlreadyLoaded
from recsysops.service.ports import ReadableTable, UnitOfWork, VersionTable
from recsysops.service.recount import moved_launches, recount

LOG_TABLES = (IMPRESSIONS, INTERACTIONS)


def publish_rows(work: Ingesting, intake: Intake, files: Sequence[Path]) -> None:
    """Publish or hold the files that are new, one transaction each."""
    for number, file in enumerate(files):
        work.progress(f"Reading {intake.table}", number / len(files))
        with work.refusals(intake.table):
            _take(work, intake, file)
    work.progress(f"Reading {intake.table}", 1.0)


def note_standing(work: Ingesting, intake: Intake, file: Path, content_hash: str, standing: Standing) -> bool:
    """Note a delivery that is not to be read; say whether it is one."""
    held = intake.held.get(content_hash)
    if held is None or standing not in {Standing.WAITING, Standing.REFUSED}:
        return False
    if standing is Standing.WAITING:
        work.still_held.append(held)
    elif held.state is HeldState.DISCARDED and held.decisions[-1].by != INGEST:
        work.notes.append(f"{file.name} was discarded by {held.decisions[-1].by} and is not read.")
    return True


def note_columns(work: Ingesting, intake: Intake, file: Path, profile: Profile | None) -> None:
    """Note the columns that no delivery had before: worth knowing, and no reason to hold."""
    if new := intake.new_columns(profile):
        work.notes.append(f"{file.name} has new columns: {', '.join(new)}.")


def _take(work: Ingesting, intake: Intake, file: Path) -> None:
    facts = facts_of(file)
    known = intake.known_content(file)
    content_hash = known or work.content_hash(intake.table, file, intake.source)
    with work.store.read() as unit:
        loaded = unit.batches.find(intake.table, content_hash)
    if loaded is not None:
        work.already.append(AlreadyLoaded(table=intake.table, file=str(file), batch_id=loaded.batch_id))
        if known is None:
            _give_way(work, intake, file, loaded.batch_id)
    else:
        standing = intake.standing(content_hash, is_unchanged=known is not None)
        if not note_standing(work, intake, file, content_hash, standing):
            _read(work, intake, file, content_hash, is_let_through=standing is Standing.LET_THROUGH)
    if known is None:
        intake.saw(file, facts, content_hash, work.clock())


def _give_way(work: Ingesting, intake: Intake, file: Path, batch_id: str) -> None:
    """Discard what is held from this path, where a content that was published before came back to it."""
    displaced = intake.displaced(file, batch_id, by_day=False)
    if displaced:
        with work.store.write() as unit:
            intake.give_way(unit, displaced, batch_id, work.clock())
            unit.commit()


def _read(work: Ingesting, intake: Intake, file: Path, content_hash: str, *, is_let_through: bool) -> None:
    table = cast("ReadableTable", intake.table)
    read = work.reader.read_table(table, file, intake.source, work.settings)
    receipt = _receipt(work, intake, file, content_hash, read)
    profile = intake.described(read.profile, file)
    at = Circumstances(table=table, now=intake.now, is_assumed=bool(read.label))
    drifts = () if is_let_through else intake.judge(profile, at)
    note_columns(work, intake, file, profile)
    with work.store.write() as unit:
        if drifts and profile is not None:
            held = intake.hold(unit, receipt, drifts, profile)
            unit.commit()
            work.held.append(held)
            return
        _publish(work, unit, receipt, read, profile)
        intake.settle(unit, receipt, file)
        unit.commit()
    work.receipts.append(receipt)
    intake.beside[:0] = [profile] if profile else []


def _receipt(work: Ingesting, intake: Intake, file: Path, content_hash: str, read: ReadTable) -> BatchReceipt:
    codes: dict[str, int] = {}
    for row in read.quarantined:
        codes[row.code] = codes.get(row.code, 0) + 1
    return BatchReceipt(
        batch_id=batch_id_of(intake.table, content_hash),
        table=intake.table,
        content_hash=content_hash,
        files=(str(file),),
        rows_in=read.rows_in,
        accepted=len(read.rows),
        duplicate=read.duplicate,
        quarantined=len(read.quarantined),
        loaded_at=work.clock(),
        as_of_label=read.label,
        codes=codes,
    )


def _publish(
    work: Ingesting, unit: UnitOfWork, receipt: BatchReceipt, read: ReadTable, profile: Profile | None
) -> None:
    unit.batches.add(receipt, read.quarantined, profile)
    if receipt.table == CHANGES:
        unit.changes.add(read.rows, receipt.batch_id, receipt.loaded_at)
        return
    table = cast("VersionTable", receipt.table)
    before = unit.versions.known(LAUNCHES) if table == LAUNCHES else None
    unit.versions.add(table, read.rows, receipt.batch_id, receipt.loaded_at)
    if before is not None:
        _recount_moved(work, unit, moved_launches(before, unit.versions.known(LAUNCHES)))


def _recount_moved(work: Ingesting, unit: UnitOfWork, moved: pd.DataFrame) -> None:
    for signal in LOG_TABLES:
        files = unit.batches.log_files(signal)
        if files and len(moved):
            work.progress(f"Counting {signal} of {moved[TITLE_ID].nunique():,} titles", 0.0)
            recount(unit, work.aggregator, signal, files, moved)


def batch_id_of(table: str, content_hash: str) -> str:
    """Return the id of a batch with this content."""
    return f"{table}-{content_hash[:16]}"
