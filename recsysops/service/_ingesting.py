"""One ingest under way: what it works with and what it has done so far. Not for judging or publishing."""

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from recsysops import __version__
from recsysops.clock import Clock
from recsysops.domain.batch import BatchReceipt
from recsysops.domain.drift import HeldBatch
from recsysops.domain.history import Progress
from recsysops.domain.run import StepReport
from recsysops.domain.verdict import StepOutcome
from recsysops.errors import SourceError
from recsysops.service.ingest_report import AlreadyLoaded, FileError, IngestReport
from recsysops.service.ports import Aggregator, Reader, Store
from recsysops.settings import Settings, SourceSettings


class Ingesting:
    """The ports of an ingest, and its report as it grows."""

    def __init__(
        self, store: Store, reader: Reader, aggregator: Aggregator, settings: Settings, clock: Clock, progress: Progress
    ) -> None:
        """Begin with nothing done."""
        self.store, self.reader, self.aggregator, self.settings = store, reader, aggregator, settings
        self.clock, self.progress = clock, progress
        self.receipts: list[BatchReceipt] = []
        self.already: list[AlreadyLoaded] = []
        self.held: list[HeldBatch] = []
        self.still_held: list[HeldBatch] = []
        self.notes: list[str] = []
        self._errors: list[FileError] = []
        self._steps: list[StepReport] = []

    def report(self) -> IngestReport:
        """Return what was done."""
        return IngestReport(
            receipts=tuple(self.receipts),
            already_loaded=tuple(self.already),
            errors=tuple(self._errors),
            steps=tuple(self._steps),
            label=next((receipt.as_of_label for receipt in self.receipts if receipt.as_of_label), ""),
            held=tuple(self.held),
            still_held=tuple(self.still_held),
            notes=tuple(self.notes),
        )

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Record a step: how long it took, how many rows it accepted, which files it could not read or held."""
        began, before = time.perf_counter(), len(self.receipts)
        n_errors, n_held, n_still = len(self._errors), len(self.held), len(self.still_held)
        yield
        failed = self._errors[n_errors:]
        held = [*self.held[n_held:], *self.still_held[n_still:]]
        self._steps.append(
            StepReport(
                kind="step",
                name=name,
                outcome=StepOutcome.FAILED if failed else StepOutcome.RAN,
                reason=" ".join([*(error.message for error in failed), *(map(said_of_held, held))]),
                seconds=time.perf_counter() - began,
                n=sum(receipt.accepted for receipt in self.receipts[before:]),
            )
        )

    @contextmanager
    def refusals(self, table: str) -> Iterator[None]:
        """Note a file that cannot be read, and go on with the next."""
        try:
            yield
        except SourceError as error:
            self._errors.append(FileError(table=table, file=error.file, code=error.source_code, message=str(error)))

    def files(self, table: str, source: SourceSettings) -> tuple[Path, ...]:
        """Return the files of a source; none is an error, as a mistyped path must not look like a quiet day."""
        files: tuple[Path, ...] = ()
        with self.refusals(table):
            files = self.reader.files(table, source)
            if not files and source.path:
                message = f'No file for {table}: nothing matches "{source.path}". Correct path under [sources.{table}].'
                self._errors.append(FileError(table=table, file=source.path, code="not-found", message=message))
        return files

    def content_hash(self, table: str, file: Path, source: SourceSettings) -> str:
        """Return the hash of the content and of all settings its rows depend on: it is read anew when those change."""
        return hashed(self.reader.content_hash(table, file, source), *self._beside_the_file(source))

    def mapping(self, source: SourceSettings) -> str:
        """Return a fingerprint of all settings a file's rows depend on, and of the release that reads them."""
        own = source.model_dump_json(exclude={"path", "url", "query", "gates", "every_hours"})
        return hashed(__version__, own, *self._beside_the_file(source))[:16]

    def now(self) -> datetime:
        """Return the present as rows may know it: in a replay it may lie after the clock's."""
        return max(self.clock(), self.settings.service.as_of or self.clock())

    def _beside_the_file(self, source: SourceSettings) -> tuple[str, str]:
        markets = {name: market.model_dump_json() for name, market in sorted(self.settings.markets.items())}
        launches = self.settings.sources.get("launches") if source.observed_at else None
        return str(markets), launches.model_dump_json() if launches else ""


def said_of_held(held: HeldBatch) -> str:
    """Return one sentence and a hint on a held batch."""
    why = " ".join(drift.why for drift in held.drifts)
    return f"Held: {held.table} from {Path(held.files[0]).name} ({held.batch_id}). {why}"


def hashed(*parts: str) -> str:
    """Return one hash of several texts."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
