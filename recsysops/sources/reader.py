"""The port `Reader` on files. Not for counting logs."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from threading import local
from typing import TYPE_CHECKING, cast

from recsysops.columns import LAUNCH_AT, LAUNCHES, TITLE_ID
from recsysops.domain.batch import LogFile
from recsysops.domain.reading import ReadLog, ReadTable
from recsysops.settings import Settings, SourceSettings
from recsysops.sources._csv import read_csv
from recsysops.sources._files import find, format_of, sha256_of
from recsysops.sources._parquet import read_parquet
from recsysops.sources._raw import RawTable
from recsysops.sources._refusal import no_rows, refuse
from recsysops.sources._tables import read_rows

if TYPE_CHECKING:
    import duckdb

READER_VERSION = 1
"""Part of every content hash: raise it when the same file must be read anew because reading changed."""


class FileReader:
    """Reads CSV and Parquet files below a folder."""

    def __init__(self, folder: Path) -> None:
        """Read files relative to `folder`, where the settings lie."""
        self._folder = folder
        self._engines = local()
        self._facts: dict[Path, tuple[int, int, str]] = {}
        self._launches: dict[str, int] | None = None

    def files(self, source: SourceSettings) -> tuple[Path, ...]:
        """Return the regular files a source names now, by name; empty when there are none."""
        return find(self._folder, source.path)

    def content_hash(self, table: str, file: Path, source: SourceSettings) -> str:
        """Return the hash of the file's bytes and of the mapping it is read with."""
        mapping = json.dumps(source.model_dump(mode="json", exclude={"path"}), sort_keys=True)
        said = f"{READER_VERSION}\n{table}\n{mapping}\n{self._remember(file)}"
        if source.day is not None:
            said += f"\n{file.name}"
        return hashlib.sha256(said.encode()).hexdigest()

    def read_table(self, table: str, file: Path, source: SourceSettings, settings: Settings) -> ReadTable:
        """Read one file of titles, launches or expectations.

        Raises:
            SourceError: The file cannot be read as a whole.
        """
        raw = self._read_raw(file, source)
        if raw.rows_in == 0:
            raise no_rows(str(file))
        if table == LAUNCHES and source.launches_from in raw.frame.columns:
            raw = _with_date(raw, str(source.launches_from))
        read = read_rows(table, raw, source, settings, lambda: self._launch_times(settings))
        self._expect_unchanged(file)
        return read

    def check_log(self, table: str, file: Path, source: SourceSettings, content_hash: str, batch_id: str) -> ReadLog:
        """Check one file of impressions or interactions; its rows stay in the file.

        Raises:
            SourceError: The file cannot be read as a whole.
        """
        from recsysops.sources._logs import account, declared_day

        kind = format_of(file, source)
        sha256 = self._remember(file)
        found = account(self._connect(), table, file, kind, source)
        self._expect_unchanged(file)
        size, mtime_ns, _ = self._facts[file]
        log = LogFile(
            batch_id=batch_id,
            table=table,
            path=str(file.absolute()),
            content_hash=content_hash,
            declared_day=declared_day(file, source),
            first_at=found.first_at,
            last_at=found.last_at,
            rows=found.accepted,
            mapping=found.view.as_mapping() | {"sha256": sha256, "size": size, "mtime_ns": mtime_ns},
        )
        return ReadLog(file=log, rows_in=found.rows_in, codes=found.codes, samples=found.samples)

    def _read_raw(self, file: Path, source: SourceSettings) -> RawTable:
        kind = format_of(file, source)
        self._remember(file)
        return read_parquet(file, source.ignore) if kind == "parquet" else read_csv(file)

    def _remember(self, file: Path) -> str:
        """Return the hash of the file's bytes, and keep what tells whether it changes later."""
        format_facts = _facts(file)
        known = self._facts.get(file)
        if known is None or known[:2] != format_facts:
            self._facts[file] = known = (*format_facts, sha256_of(file))
        return known[2]

    def _expect_unchanged(self, file: Path) -> None:
        if _facts(file) != self._facts[file][:2]:
            raise refuse(
                "changed-while-read", str(file), "it changed while it was read.", "Ingest again once it is complete."
            )

    def _connect(self) -> "duckdb.DuckDBPyConnection":
        """Return this thread's own engine: one cannot be shared between threads, and files are checked side by side."""
        if not hasattr(self._engines, "connection"):
            self._engines.connection = _engine()
        return cast("duckdb.DuckDBPyConnection", self._engines.connection)

    def _launch_times(self, settings: Settings) -> Mapping[str, int]:
        """Return the first launch of every title that the source of launches names, in microseconds."""
        if self._launches is None:
            self._launches = {}
            source = settings.sources.get(LAUNCHES)
            for file in self.files(source) if source else ():
                rows = self.read_table(LAUNCHES, file, source, settings).rows  # type: ignore[arg-type]
                first = rows.groupby(TITLE_ID)[LAUNCH_AT].min().dt.tz_localize(None).astype("int64")
                for title_id, at in first.items():
                    self._launches[str(title_id)] = min(at, self._launches.get(str(title_id), at))
        return self._launches


def _engine() -> "duckdb.DuckDBPyConnection":
    import duckdb

    # Only this machine's files: no extension is fetched, and no session time zone moves a row to another day.
    connection = duckdb.connect(config={"threads": 1, "autoinstall_known_extensions": False})
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def _facts(file: Path) -> tuple[int, int]:
    try:
        facts = file.stat()
    except OSError as error:
        raise refuse("not-found", str(file), "there is no such file.", "Correct the path of this source.") from error
    return facts.st_size, facts.st_mtime_ns


def _with_date(raw: RawTable, column: str) -> RawTable:
    """Return the rows that have a launch date: in a file of titles the others are no launches."""
    has_date = (raw.frame[column].str.strip() != "").to_numpy(dtype=bool)
    return RawTable(
        file=raw.file,
        frame=raw.frame[has_date].reset_index(drop=True),
        numbers=raw.numbers[has_date],
        rows_in=raw.rows_in - int((~has_date).sum()),
        quarantined=raw.quarantined,
        lists=raw.lists,
    )
