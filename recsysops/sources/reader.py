"""The port `Reader` on files, databases and Delta tables. Not for counting logs.

Reads no file itself: that is done in a process with limited memory and time, see `_child`.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from recsysops.columns import IMPRESSIONS, INTERACTIONS, LAUNCH_AT, LAUNCHES, TITLE_ID
from recsysops.domain.batch import LogFile
from recsysops.domain.reading import ReadLog, ReadTable
from recsysops.settings import ReadingSettings, Settings, SourceSettings
from recsysops.sources._asking import Asking, Runner, crashed
from recsysops.sources._extracts import Extracts
from recsysops.sources._facts import StrangeAnswerError, log_from
from recsysops.sources._files import find, format_of, sha256_of
from recsysops.sources._jobs import NeedsLaunchesError, log_job, table_job
from recsysops.sources._names import declared_day
from recsysops.sources._refusal import refuse

READER_VERSION: Final = 1
"""Part of every content hash: raise it when the same file must be read anew because reading changed."""
MAX_TABLE_BYTES: Final = 2 * 1024**3
_NOT_READING: Final = {"path", "url", "query", "every_hours", "gates"}
"""Entries of a source that do not change what a file's rows are."""


class FileReader:
    """Reads CSV, JSON Lines and Parquet files below a folder, and what a database or a Delta table holds."""

    def __init__(
        self,
        folder: Path,
        limits: ReadingSettings | None = None,
        *,
        data: Path | None = None,
        runner: Runner | None = None,
    ) -> None:
        """Read files relative to `folder`, where the settings lie.

        Args:
            folder: Where relative paths begin.
            limits: Of the process that reads.
            data: The data folder, for the rows of databases; a `.recsysops` in `folder` where not given.
            runner: Reads instead of the limited process; for tests, and for files that are trusted.
        """
        self._folder = folder
        self._asking = Asking(limits or ReadingSettings(), runner)
        self._extracts = Extracts(folder, data or folder / ".recsysops", limits or ReadingSettings(), runner)
        self._facts: dict[Path, tuple[int, int, str]] = {}
        self._launches: dict[str, int] | None = None

    def files(self, table: str, source: SourceSettings) -> tuple[Path, ...]:
        """Return the regular files a source names now, by name; empty when there are none.

        The rows of a database or a Delta table are written below the data folder first.

        Raises:
            SourceError: A database or a Delta table cannot be read.
        """
        if self._extracts.is_needed(source):
            return self._extracts.write(table, source)
        return find(self._folder, source.path)

    def look(self, table: str, source: SourceSettings) -> str:
        """Return what there is to be read, in words; empty when there is nothing. Reads no row.

        Raises:
            SourceError: A database cannot be reached, or its query is none.
        """
        if source.url:
            return self._extracts.look(table, source)
        if source.format == "delta":
            folder = self._folder / source.path / "_delta_log"
            return f"a Delta table at {source.path}" if folder.is_dir() else ""
        n = len(find(self._folder, source.path))
        return f"{n} files at {source.path}" if n else ""

    def content_hash(self, table: str, file: Path, source: SourceSettings) -> str:
        """Return the hash of the file's bytes and of the mapping it is read with.

        Raises:
            SourceError: There is no such file, or it is larger than a table may be.
        """
        if table not in {IMPRESSIONS, INTERACTIONS}:
            _expect_small(file)
        mapping = json.dumps(source.model_dump(mode="json", exclude=_NOT_READING), sort_keys=True)
        said = f"{READER_VERSION}\n{table}\n{mapping}\n{self._remember(file)}"
        if source.day is not None:
            said += f"\n{file.name}"
        return hashlib.sha256(said.encode()).hexdigest()

    def read_table(self, table: str, file: Path, source: SourceSettings, settings: Settings) -> ReadTable:
        """Read one file of titles, launches, expectations or changes.

        Raises:
            SourceError: The file cannot be read as a whole.
        """
        from recsysops.sources._typed import unpacked_table

        file = file.absolute()
        _expect_small(file)
        kind = format_of(file, source)
        self._remember(file)
        launches = self._launch_times(settings) if _needs_launches(table, source, settings) else None
        try:
            facts, parts = self._asking.ask(table_job(table, file, kind, source, settings, launches), file)
        except NeedsLaunchesError:
            known = self._launch_times(settings)
            facts, parts = self._asking.ask(table_job(table, file, kind, source, settings, known), file)
        self._expect_unchanged(file)
        try:
            return unpacked_table(table, str(file), facts, parts)
        except StrangeAnswerError as error:
            raise crashed(file, str(error)) from error

    def check_log(self, table: str, file: Path, source: SourceSettings, content_hash: str, batch_id: str) -> ReadLog:
        """Check one file of impressions or interactions; its rows stay in the file.

        Raises:
            SourceError: The file cannot be read as a whole.
        """
        file = file.absolute()
        kind = format_of(file, source)
        sha256 = self._remember(file)
        day = declared_day(file, source)
        facts, _ = self._asking.ask(log_job(table, file, kind, source, day, self._asking.memory_mb), file)
        self._expect_unchanged(file)
        try:
            view, codes, samples, profile = log_from(facts, str(file))
        except StrangeAnswerError as error:
            raise crashed(file, str(error)) from error
        size, mtime_ns, _ = self._facts[file]
        log = LogFile(
            batch_id=batch_id,
            table=table,
            path=str(file),
            content_hash=content_hash,
            declared_day=day,
            first_at=profile.first_at,
            last_at=profile.last_at,
            rows=profile.rows - profile.quarantined,
            mapping=view | {"sha256": sha256, "size": size, "mtime_ns": mtime_ns},
        )
        return ReadLog(file=log, rows_in=profile.rows, codes=codes, samples=samples, profile=profile)

    def _remember(self, file: Path) -> str:
        """Return the hash of the file's bytes, and keep what tells whether it changes later."""
        file = file.absolute()
        found = _facts(file)
        known = self._facts.get(file)
        if known is None or known[:2] != found:
            self._facts[file] = known = (*found, sha256_of(file))
        return known[2]

    def _expect_unchanged(self, file: Path) -> None:
        if _facts(file) != self._facts[file][:2]:
            raise refuse(
                "changed-while-read", str(file), "it changed while it was read.", "Ingest again once it is complete."
            )

    def _launch_times(self, settings: Settings) -> Mapping[str, int]:
        """Return the first launch of every title that the source of launches names, in microseconds."""
        if self._launches is None:
            self._launches = {}
            source = settings.sources.get(LAUNCHES)
            for file in self.files(LAUNCHES, source) if source else ():
                rows = self.read_table(LAUNCHES, file, source, settings).rows  # type: ignore[arg-type]
                first = rows.groupby(TITLE_ID)[LAUNCH_AT].min().dt.tz_localize(None).astype("int64")
                for title_id, at in first.items():
                    self._launches[str(title_id)] = min(at, self._launches.get(str(title_id), at))
        return self._launches


def _needs_launches(table: str, source: SourceSettings, settings: Settings) -> bool:
    """Say whether a file cannot tell when its titles launch, whatever its columns are."""
    launches = settings.sources.get(LAUNCHES)
    named = source.launches_from or (launches.launches_from if launches else None)
    return bool(source.observed_at) and table not in {LAUNCHES, "changes"} and named is None


def _expect_small(file: Path) -> None:
    if _facts(file)[0] > MAX_TABLE_BYTES:
        raise refuse("too-large", str(file), "it holds more than 2 GiB.", "Split it into several files.")


def _facts(file: Path) -> tuple[int, int]:
    try:
        facts = file.stat()
    except (OSError, ValueError) as error:
        raise refuse("not-found", str(file), "there is no such file.", "Correct the path of this source.") from error
    return facts.st_size, facts.st_mtime_ns
