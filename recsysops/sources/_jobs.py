"""What can be asked of the process that reads files: plain values in, JSON and Arrow out. Knows of no process."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path
from threading import get_ident
from typing import TYPE_CHECKING, Any, Final

from recsysops.errors import SourceError
from recsysops.settings import Settings, SourceSettings
from recsysops.sources._files import Format

if TYPE_CHECKING:
    import duckdb

    from recsysops.sources._raw import RawTable

HARMLESS_BYTES: Final = 16 * 1024**2
NO_MEMORY: Final = b'{"failed": "memory"}'
"""Ready made: where there is no memory, nothing can be built."""
MAX_GROWTH: Final = 100
"""A table that is this much larger than its file, and larger than HARMLESS_BYTES, is a bomb."""


class NeedsLaunchesError(LookupError):
    """The launches are asked for and were not sent."""


def table_job(
    table: str, file: Path, kind: Format, source: SourceSettings, settings: Settings, launches: Mapping[str, int] | None
) -> dict[str, Any]:
    """Return what to ask for one file of a table; `launches` where they are known already."""
    sources = settings.sources.get("launches")
    return {
        "do": "table",
        "table": table,
        "file": str(file),
        "kind": kind,
        "source": _said(source),
        "markets": {name: market.model_dump(mode="json") for name, market in settings.markets.items()},
        "launches_from": sources.launches_from if sources else None,
        "launches": launches,
    }


def log_job(
    table: str, file: Path, kind: Format, source: SourceSettings, day: date | None, memory_mb: int
) -> dict[str, Any]:
    """Return what to ask for one log file; the engine may have half of the memory."""
    return {
        "do": "log",
        "table": table,
        "file": str(file),
        "kind": kind,
        "source": _said(source),
        "day": None if day is None else day.isoformat(),
        "engine_mb": memory_mb // 2,
    }


def answer(job: Mapping[str, Any]) -> Sequence[bytes]:
    """Do a job; the first part of the answer is JSON and says how it went.

    A refusal is an answer, and so is the want of memory; everything else that is raised is a fault of ours.
    """
    try:
        return _WORK[job["do"]](job)
    except SourceError as error:
        return [_json({"refused": error.source_code, "message": str(error)})]
    except NeedsLaunchesError:
        return [_json({"needs": "launches"})]
    except MemoryError:
        return [NO_MEMORY]


def _read_table(job: Mapping[str, Any]) -> list[bytes]:
    from recsysops.sources._refusal import no_rows, refuse
    from recsysops.sources._tables import read_rows
    from recsysops.sources._typed import packed

    file, source = Path(job["file"]), SourceSettings.model_validate(job["source"])
    raw = _raw(file, job["kind"], source)
    if raw.rows_in == 0:
        raise no_rows(str(file))
    if job["table"] == "launches" and source.launches_from in raw.frame.columns:
        raw = raw.having(str(source.launches_from))
    parts = packed(read_rows(job["table"], raw, source, _settings(job), lambda: _launches(job)))
    size = sum(map(len, parts))
    if size > max(HARMLESS_BYTES, MAX_GROWTH * file.stat().st_size):
        found = f"its rows are more than {MAX_GROWTH} times as large as the file."
        raise refuse("too-large", str(file), found, "Write it without such repetition, or as CSV.")
    return parts


def _raw(file: Path, kind: Format, source: SourceSettings) -> "RawTable":
    if kind == "parquet":
        from recsysops.sources._parquet import read_parquet

        return read_parquet(file, source.ignore)
    if kind == "jsonl":
        from recsysops.sources._jsonl import read_jsonl

        return read_jsonl(file, source.ignore)
    from recsysops.sources._csv import read_csv

    return read_csv(file)


def _settings(job: Mapping[str, Any]) -> Settings:
    launches = {"launches": {"path": "-", "launches_from": job["launches_from"]}}
    return Settings.model_validate(
        {"markets": job["markets"], "sources": launches, "treatment": {"measures": ()}, "channels": {}}
    )


def _launches(job: Mapping[str, Any]) -> Mapping[str, int]:
    launches: Mapping[str, int] | None = job["launches"]
    if launches is None:
        raise NeedsLaunchesError
    return launches


def _check_log(job: Mapping[str, Any]) -> list[bytes]:
    from recsysops.sources._facts import log_facts
    from recsysops.sources._logs import account

    day = None if job["day"] is None else date.fromisoformat(job["day"])
    source = SourceSettings.model_validate(job["source"])
    found = account(_engine(job["engine_mb"], get_ident()), job["table"], Path(job["file"]), job["kind"], source, day)
    return [_json(log_facts(found))]


@cache
def _engine(memory_mb: int, thread: int) -> "duckdb.DuckDBPyConnection":  # noqa: ARG001 - one engine a thread
    """Return this thread's engine: it is kept, as making one takes longer than most files."""
    import duckdb

    # Only this machine's files: no extension is fetched, and no session time zone moves a row to another day.
    config: dict[str, str | bool | int | float | list[str]] = {
        "threads": 1,
        "autoinstall_known_extensions": False,
        "temp_directory": "",
        "memory_limit": f"{memory_mb}MB",
    }
    connection = duckdb.connect(config=config)
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def _said(source: SourceSettings) -> dict[str, Any]:
    """Return what a reader of one file needs of a source: no address, no query, no password."""
    said = source.model_dump(mode="json", exclude={"url", "query", "path", "gates", "every_hours"})
    return said | {"path": "-"}


def _json(facts: Mapping[str, Any]) -> bytes:
    return json.dumps(facts, allow_nan=False).encode()


def _extract(job: Mapping[str, Any]) -> list[bytes]:
    from recsysops.sources._extracting import extract

    return [_json({"rows": extract(job)})]


def _sample(job: Mapping[str, Any]) -> list[bytes]:
    from recsysops.sources._guess_sample import packed, sampled

    return packed(sampled(Path(job["file"])))


_WORK: Final[Mapping[str, Callable[[Mapping[str, Any]], list[bytes]]]] = {
    "table": _read_table,
    "log": _check_log,
    "extract": _extract,
    "sample": _sample,
}
