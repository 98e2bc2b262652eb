"""`ingest`: reads what is new in the sources, publishes each file whole or not at all, and counts treatment anew.

Log files are registered in one transaction with the treatment counted from them: a kill leaves both or none.
"""

import hashlib
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

import pandas as pd

from recsysops.clock import Clock
from recsysops.columns import EXPECTATIONS, IMPRESSIONS, INTERACTIONS, LAUNCHES, TITLE_ID, TITLES
from recsysops.domain.batch import BatchReceipt, LogFile
from recsysops.domain.history import Progress
from recsysops.domain.reading import ReadLog
from recsysops.domain.run import StepReport
from recsysops.domain.verdict import StepOutcome
from recsysops.errors import SourceError
from recsysops.service.context import ignore_progress
from recsysops.service.ingest_report import AlreadyLoaded, FileError, IngestReport
from recsysops.service.ports import Aggregator, Reader, Store, UnitOfWork, VersionTable
from recsysops.service.recount import moved_launches, recount, touched_launches
from recsysops.settings import Settings, SourceSettings

VERSION_TABLES: Final = (TITLES, LAUNCHES, EXPECTATIONS)
LOG_TABLES: Final = (IMPRESSIONS, INTERACTIONS)

__all__ = ["AlreadyLoaded", "FileError", "IngestReport", "ingest"]


def ingest(
    store: Store,
    reader: Reader,
    aggregator: Aggregator,
    settings: Settings,
    *,
    clock: Clock,
    tables: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> IngestReport:
    """Read what is new in the sources and publish it.

    A file that cannot be read is reported and leaves the others' work in place.

    Args:
        store: Where batches are published; one transaction per file of titles, launches and expectations, and one for
            the new files of a log together with the treatment counted from them.
        reader: Reads the files.
        aggregator: Counts the logs.
        settings: Names the sources; tables without one are passed over.
        clock: Says when batches are loaded.
        tables: Only these, where given.
        progress: Told what is being done.
    """
    work = _Ingest(store, reader, aggregator, settings, clock, progress or ignore_progress)
    for table in (*VERSION_TABLES, *LOG_TABLES):
        source = settings.sources.get(cast("VersionTable", table))
        if source is None or (tables is not None and table not in tables):
            continue
        with work.step(f"ingest {table}"):
            files = work.files(table, source)
            if table in VERSION_TABLES:
                work.publish_versions(cast("VersionTable", table), files, source)
            else:
                work.publish_logs(table, files, source)
    return work.report()


@dataclass(frozen=True)
class _NewLog:
    """A log file whose content does not count yet."""

    file: Path
    content_hash: str
    batch_hash: str
    """Differs from the content's where the same content was a batch before."""


class _Ingest:
    """One ingest under way."""

    def __init__(
        self, store: Store, reader: Reader, aggregator: Aggregator, settings: Settings, clock: Clock, progress: Progress
    ) -> None:
        self._store, self._reader, self._aggregator, self._settings = store, reader, aggregator, settings
        self._clock, self._progress = clock, progress
        self._receipts: list[BatchReceipt] = []
        self._already: list[AlreadyLoaded] = []
        self._errors: list[FileError] = []
        self._steps: list[StepReport] = []

    def report(self) -> IngestReport:
        """Return what was done."""
        return IngestReport(
            receipts=tuple(self._receipts),
            already_loaded=tuple(self._already),
            errors=tuple(self._errors),
            steps=tuple(self._steps),
            label=next((receipt.as_of_label for receipt in self._receipts if receipt.as_of_label), ""),
        )

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Record a step: how long it took, how many rows it accepted, which files it could not read."""
        began, before, n_errors = time.perf_counter(), len(self._receipts), len(self._errors)
        yield
        failed = self._errors[n_errors:]
        self._steps.append(
            StepReport(
                kind="step",
                name=name,
                outcome=StepOutcome.FAILED if failed else StepOutcome.RAN,
                reason=" ".join(error.message for error in failed),
                seconds=time.perf_counter() - began,
                n=sum(receipt.accepted for receipt in self._receipts[before:]),
            )
        )

    def files(self, table: str, source: SourceSettings) -> tuple[Path, ...]:
        """Return the files of a source; none is an error, as a mistyped path must not look like a quiet day."""
        files = self._reader.files(source)
        if not files:
            message = f'No file for {table}: nothing matches "{source.path}". Correct path under [sources.{table}].'
            self._errors.append(FileError(table=table, file=source.path, code="not-found", message=message))
        return files

    def publish_versions(self, table: VersionTable, files: Sequence[Path], source: SourceSettings) -> None:
        """Publish files of titles, launches or expectations, one transaction each."""
        for number, file in enumerate(files):
            self._progress(f"Reading {table}", number / len(files))
            with self._refusals(table):
                self._publish_version(table, file, source)
        self._progress(f"Reading {table}", 1.0)

    def _publish_version(self, table: VersionTable, file: Path, source: SourceSettings) -> None:
        content_hash = self._content_hash(table, file, source)
        if self._is_loaded(table, file, content_hash):
            return
        read = self._reader.read_table(table, file, source, self._settings)
        codes: dict[str, int] = {}
        for row in read.quarantined:
            codes[row.code] = codes.get(row.code, 0) + 1
        receipt = BatchReceipt(
            batch_id=_batch_id(table, content_hash),
            table=table,
            content_hash=content_hash,
            files=(str(file),),
            rows_in=read.rows_in,
            accepted=len(read.rows),
            duplicate=read.duplicate,
            quarantined=len(read.quarantined),
            loaded_at=self._clock(),
            as_of_label=read.label,
            codes=codes,
        )
        with self._store.write() as unit:
            before = unit.versions.known(LAUNCHES) if table == LAUNCHES else None
            unit.batches.add(receipt, read.quarantined)
            unit.versions.add(table, read.rows, receipt.batch_id, receipt.loaded_at)
            if before is not None:
                self._recount_moved(unit, moved_launches(before, unit.versions.known(LAUNCHES)))
            unit.commit()
        self._receipts.append(receipt)

    def _recount_moved(self, unit: UnitOfWork, moved: pd.DataFrame) -> None:
        for signal in LOG_TABLES:
            files = unit.batches.log_files(signal)
            if files and len(moved):
                self._progress(f"Counting {signal} of {moved[TITLE_ID].nunique():,} titles", 0.0)
                recount(unit, self._aggregator, signal, files, moved)

    def publish_logs(self, table: str, files: Sequence[Path], source: SourceSettings) -> None:
        """Register the new files of a log and count treatment anew where they touch it, in one transaction."""
        checked = self._checked(table, self._new_logs(table, files, source), source)
        if not checked:
            return
        with self._store.write() as unit:
            before = unit.batches.log_files(table)
            for receipt, read in checked:
                unit.batches.add(receipt, read.samples)
                unit.batches.register(read.file)
            after = unit.batches.log_files(table)
            touched = touched_launches(unit.versions.known(LAUNCHES), before, after)
            self._progress(f"Counting {table} of {touched[TITLE_ID].nunique():,} titles", 0.0)
            recount(unit, self._aggregator, table, after, touched)
            unit.commit()
        self._progress(f"Counting {table} of {touched[TITLE_ID].nunique():,} titles", 1.0)
        self._receipts += [receipt for receipt, _ in checked]

    def _new_logs(self, table: str, files: Sequence[Path], source: SourceSettings) -> list[_NewLog]:
        """Return the files whose content does not count yet, in their order."""
        with self._store.read() as unit:
            counting = unit.batches.log_files(table)
            loaded = {batch.content_hash: batch for batch in unit.batches.all() if batch.table == table}
        found = []
        for file in files:
            with self._refusals(table):
                content_hash = self._reader.content_hash(table, file, source)
                known = _loaded_as(file, content_hash, loaded.get(content_hash), counting)
                if known is not None:
                    self._already.append(AlreadyLoaded(table=table, file=str(file), batch_id=known))
                    continue
                # What was replaced, or moved, and is delivered again is a batch of its own.
                replaced = [each.batch_id for each in counting if _takes_place(file, content_hash, each)]
                is_first = content_hash not in loaded
                found.append(
                    _NewLog(file, content_hash, content_hash if is_first else _hashed(content_hash, *replaced))
                )
        return found

    def _checked(
        self, table: str, new: Sequence[_NewLog], source: SourceSettings
    ) -> list[tuple[BatchReceipt, ReadLog]]:
        """Check new files side by side: each is small, and most of the work is the engine's."""
        done: list[tuple[BatchReceipt, ReadLog]] = []
        with ThreadPoolExecutor(self._settings.model.threads) as pool:
            work = [
                pool.submit(
                    self._reader.check_log, table, log.file, source, log.content_hash, _batch_id(table, log.batch_hash)
                )
                for log in new
            ]
            for number, (log, answer) in enumerate(zip(new, work, strict=True)):
                self._progress(f"Checking {table}", number / len(new))
                with self._refusals(table):
                    read = answer.result()
                    done.append((self._receipt(table, log, read), read))
        self._progress(f"Checking {table}", 1.0)
        return done

    def _receipt(self, table: str, log: _NewLog, read: ReadLog) -> BatchReceipt:
        return BatchReceipt(
            batch_id=read.file.batch_id,
            table=table,
            content_hash=log.batch_hash,
            files=(str(log.file),),
            rows_in=read.rows_in,
            accepted=read.file.rows,
            duplicate=0,
            quarantined=sum(read.codes.values()),
            loaded_at=self._clock(),
            codes=dict(read.codes),
        )

    @contextmanager
    def _refusals(self, table: str) -> Iterator[None]:
        """Note a file that cannot be read, and go on with the next."""
        try:
            yield
        except SourceError as error:
            self._errors.append(FileError(table=table, file=error.file, code=error.source_code, message=str(error)))

    def _content_hash(self, table: str, file: Path, source: SourceSettings) -> str:
        """Return the hash of the content and of all settings its rows depend on: it is read anew when those change."""
        markets = {name: market.model_dump_json() for name, market in sorted(self._settings.markets.items())}
        launches = self._settings.sources.get("launches") if source.observed_at else None
        said = [self._reader.content_hash(table, file, source), str(markets)]
        return _hashed(*said, launches.model_dump_json() if launches else "")

    def _is_loaded(self, table: str, file: Path, content_hash: str) -> bool:
        with self._store.read() as unit:
            loaded = unit.batches.find(table, content_hash)
        if loaded is not None:
            self._already.append(AlreadyLoaded(table=table, file=str(file), batch_id=loaded.batch_id))
        return loaded is not None


def _loaded_as(file: Path, content_hash: str, loaded: BatchReceipt | None, counting: Sequence[LogFile]) -> str | None:
    """Return the batch whose content this is; None where the file is new, takes the place of another, or has moved."""
    if loaded is None or any(_takes_place(file, content_hash, each) for each in counting):
        return None
    return next((each.batch_id for each in counting if each.content_hash == content_hash), loaded.batch_id)


def _takes_place(file: Path, content_hash: str, registered: LogFile) -> bool:
    """Say whether `file` replaces a registered one: other content at its path, or its content from a path now gone."""
    if registered.path == str(file.absolute()):
        return registered.content_hash != content_hash
    is_daily = registered.declared_day is not None
    return is_daily and registered.content_hash == content_hash and not Path(registered.path).exists()


def _batch_id(table: str, content_hash: str) -> str:
    return f"{table}-{content_hash[:16]}"


def _hashed(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
