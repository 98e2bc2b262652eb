"""Checks log files without taking their rows out of the engine. Not for counting treatment."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from recsysops import columns as c
from recsysops.domain.batch import QuarantinedRow
from recsysops.domain.log_view import CODE, FIRST_US, LAST_US, PLAIN, ROW_NUMBER, LogView
from recsysops.errors import SourceError
from recsysops.settings import SourceSettings
from recsysops.sources._account import quarantined
from recsysops.sources._columns import Wanted, map_columns
from recsysops.sources._csv import checked_header, read_header
from recsysops.sources._files import delimiter_of
from recsysops.sources._refusal import no_rows, refuse

if TYPE_CHECKING:
    import duckdb

MAX_SAMPLES: Final = 20
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_REJECTS: Final = "log_rejects"
_REJECT_CODES: Final = {
    "MISSING COLUMNS": "ragged-row",
    "TOO MANY COLUMNS": "ragged-row",
    "UNQUOTED VALUE": "bad-quote",
    "LINE SIZE OVER MAXIMUM": "too-long",
    "INVALID ENCODING": "not-utf8",
}
_REQUIRED: Final = (c.TITLE_ID, c.MEMBER_ID, c.TS)
_PLACES: Final = {c.MARKET: c.ALL, c.SURFACE: c.ALL}
_WANTED: Final = {
    c.IMPRESSIONS: Wanted(required=_REQUIRED, optional={**_PLACES, c.POSITION: ""}),
    c.INTERACTIONS: Wanted(required=_REQUIRED, optional=_PLACES),
}


@dataclass(frozen=True, kw_only=True)
class LogAccount:
    """What a log file holds."""

    view: LogView
    rows_in: int
    accepted: int
    codes: Mapping[str, int]
    samples: tuple[QuarantinedRow, ...]
    first_at: datetime | None
    last_at: datetime | None


def declared_day(file: Path, source: SourceSettings) -> date | None:
    """Return the UTC day a file is the whole delivery of, by its name; None where the settings name no pattern.

    Raises:
        SourceError: The name does not fit the pattern (wrong-format).
    """
    if source.day is None:
        return None
    match = re.search(source.day, file.name)
    try:
        return date.fromisoformat(match["day"]) if match else _no_day(file, source.day)
    except (ValueError, IndexError, TypeError):
        return _no_day(file, source.day)


def _no_day(file: Path, pattern: str) -> date:
    raise refuse(
        "wrong-format", str(file), f'its name has no day (YYYY-MM-DD) where "{pattern}" looks for it.',
        "Rename it, narrow the path, or correct day for this source.",
    )  # fmt: skip


def account(
    connection: "duckdb.DuckDBPyConnection", table: str, file: Path, kind: str, source: SourceSettings
) -> LogAccount:
    """Count the rows of a file that can be used, and those that cannot, by code.

    Raises:
        SourceError: The file cannot be read as a whole.
    """
    import duckdb

    day = declared_day(file, source)
    view = _view(connection, table, file, kind, source)
    first, end = _limits(day)
    try:
        counts, rejects = _counts(connection, view, file, first, end)
        samples = _samples(connection, view, file, (first, end), counts)
    except duckdb.Error as error:
        raise _damaged(file, error) from error
    return _account(view, file, counts, rejects, samples)


def _view(
    connection: "duckdb.DuckDBPyConnection", table: str, file: Path, kind: str, source: SourceSettings
) -> LogView:
    import duckdb

    types: dict[str, str] = {}
    if kind == "parquet":
        try:
            described = connection.execute("DESCRIBE SELECT * FROM read_parquet([?])", [str(file)]).fetchall()
        except duckdb.Error as error:
            raise _damaged(file, error) from error
        types = {row[0]: row[1] for row in described}
        header = checked_header(str(file), list(types))
    else:
        header = read_header(file)
    plan = map_columns(table, str(file), header, source, _WANTED[table])
    return LogView(
        format=kind,
        delimiter=delimiter_of(file),
        columns=plan.columns,
        types={ours: types[theirs] for ours, theirs in plan.columns.items() if theirs in types},
        header=header if kind == "csv" else (),
        defaults={ours: plan.constants[ours] for ours in (c.MARKET, c.SURFACE) if ours in plan.constants},
        epoch_unit=source.epoch_unit,
    )


def _limits(day: date | None) -> tuple[int, int]:
    if day is None:
        return FIRST_US, LAST_US
    start = (datetime.combine(day, time(), tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)
    return start, start + 86_400_000_000


def _counts(
    connection: "duckdb.DuckDBPyConnection", view: LogView, file: Path, first: int, end: int
) -> tuple[list[Any], dict[int, str]]:
    """Return (code, rows, first, last, all plain) by code, and the lines of a text file that are no rows."""
    is_text = view.format == "csv"
    for name in (_REJECTS, f"{_REJECTS}_scan") if is_text else ():
        connection.execute(f"DROP TABLE IF EXISTS {name}")
    judged = view.judged(view.scan([str(file)], rejects=_REJECTS if is_text else ""), first, end)
    facts = f"{CODE}, count(*), min({c.TS}), max({c.TS}), bool_and({PLAIN})"
    query = f"SELECT {facts} FROM ({judged}) GROUP BY {CODE} ORDER BY {CODE}"  # noqa: S608  # names are quoted by the view
    grouped = connection.execute(query).fetchall()
    if not is_text:
        return grouped, {}
    rejected = connection.execute(f"SELECT line, min(error_type::VARCHAR) FROM {_REJECTS} GROUP BY line ORDER BY line")  # noqa: S608
    return grouped, {int(line): _REJECT_CODES.get(kind, "ragged-row") for line, kind in rejected.fetchall()}


def _samples(
    connection: "duckdb.DuckDBPyConnection", view: LogView, file: Path, limits: tuple[int, int], counts: list[Any]
) -> list[QuarantinedRow]:
    """Return up to MAX_SAMPLES rows per code; what their member column holds is not among it."""
    samples: list[QuarantinedRow] = []
    taken: dict[str, int] = {}
    judged = view.judged(view.scan([str(file)], is_numbered=True), *limits, is_numbered=True)
    for found in (row[0] for row in counts if row[0] is not None):
        code, ours = found.split(":")
        left = MAX_SAMPLES - taken.get(code, 0)
        shown = {c.TS: f"said_{c.TS}", c.POSITION: f"said_{c.POSITION}"}.get(ours, "''")
        query = f"SELECT {ROW_NUMBER}, {shown} FROM ({judged}) WHERE {CODE} = ? LIMIT {left}"  # noqa: S608  # names of ours
        rows = connection.execute(query, [found]).fetchall()
        samples += [quarantined(str(file), int(row), view.columns.get(ours, ours), code, value) for row, value in rows]
        taken[code] = taken.get(code, 0) + len(rows)
    return samples


def _account(
    view: LogView, file: Path, counts: list[Any], rejects: dict[int, str], samples: list[QuarantinedRow]
) -> LogAccount:
    codes: dict[str, int] = {}
    accepted, first, last, is_plain = 0, None, None, False
    for found, n, start, stop, plain in counts:
        if found is None:
            accepted, first, last, is_plain = n, start, stop, bool(plain)
        else:
            code = found.split(":")[0]
            codes[code] = codes.get(code, 0) + n
    for line, code in rejects.items():
        codes[code] = codes.get(code, 0) + 1
        if sum(sample.code == code for sample in samples) < MAX_SAMPLES:
            samples.append(quarantined(str(file), line - 1, "", code))
    rows_in = accepted + sum(codes.values())
    if rows_in == 0:
        raise no_rows(str(file))
    return LogAccount(
        view=replace(view, is_plain=is_plain and rows_in == accepted),
        rows_in=rows_in,
        accepted=accepted,
        codes=codes,
        samples=tuple(samples),
        first_at=_moment(first),
        last_at=_moment(last),
    )


def _moment(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else _EPOCH + timedelta(microseconds=microseconds)


def _damaged(file: Path, error: Exception) -> SourceError:
    """Build the error for what the engine could not read; its own words name paths and internals."""
    if "unterminated quote" in str(error).lower():
        return refuse(
            "unclosed-quote", str(file), "a quote is opened and never closed.", "Close it, or deliver it again."
        )
    return refuse("corrupt", str(file), "its content is damaged.", "Deliver it again.")
