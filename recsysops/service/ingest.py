"""`ingest`: reads what is new in the sources, publishes each file whole or not at all, and counts treatment anew.

Log files are registered in one transaction with the treatment counted from them: a kill leaves both or none.
A batch that differs from those before it in a way sources go wrong is held until a person decides (`release`).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, cast

from recsysops.clock import Clock
from recsysops.columns import CHANGES, EXPECTATIONS, LAUNCHES, TITLES
from recsysops.domain.history import Progress
from recsysops.service._ingest_logs import publish_logs
from recsysops.service._ingest_rows import LOG_TABLES, publish_rows
from recsysops.service._ingesting import Ingesting, said_of_held
from recsysops.service.context import Context, ignore_progress
from recsysops.service.hold import Intake
from recsysops.service.ingest_report import AlreadyLoaded, FileError, IngestReport
from recsysops.service.ports import Aggregator, Reader, Store, VersionTable
from recsysops.settings import Settings, SourceSettings

VERSION_TABLES: Final = (TITLES, LAUNCHES, EXPECTATIONS)

__all__ = ["AlreadyLoaded", "FileError", "IngestReport", "ingest", "ingest_file", "said_of_held"]


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
    """Read what is new in the sources and publish it, or hold it.

    A file that lies there as it was last found is neither hashed nor read. A file that cannot be read is reported and
    leaves the others' work in place.

    Args:
        store: Where batches are published; one transaction per file of titles, launches, expectations and changes, and
            one for the new files of a log together with the treatment counted from them.
        reader: Reads the files.
        aggregator: Counts the logs.
        settings: Names the sources; tables without one are passed over.
        clock: Says when batches are loaded.
        tables: Only these, where given.
        progress: Told what is being done.
    """
    work = Ingesting(store, reader, aggregator, settings, clock, progress or ignore_progress)
    for table in (*VERSION_TABLES, CHANGES, *LOG_TABLES):
        source = settings.sources.get(cast("VersionTable", table))
        if source is None or (tables is not None and table not in tables):
            continue
        with work.step(f"ingest {table}"):
            _ingest_table(work, table, work.files(table, source), source)
    return work.report()


def ingest_file(context: Context, table: str, file: Path, source: SourceSettings) -> IngestReport:
    """Read one file of a source, as `ingest` would."""
    work = Ingesting(
        context.store, context.reader, context.aggregator, context.settings, context.clock, context.progress
    )
    with work.step(f"ingest {table}"):
        _ingest_table(work, table, (file,), source)
    return work.report()


def _ingest_table(work: Ingesting, table: str, files: Sequence[Path], source: SourceSettings) -> None:
    with work.store.read() as unit:
        intake = Intake.of(unit, table, source, work.mapping(source), work.now())
    publish = publish_logs if table in LOG_TABLES else publish_rows
    publish(work, intake, files)
    if found := intake.to_remember(files, work.clock()):
        with work.store.write() as unit:
            unit.batches.see(found)
            unit.commit()
