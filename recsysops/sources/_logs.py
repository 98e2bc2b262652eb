"""Checks log files without taking their rows out of the engine. Not for counting treatment.

Loads no frame library: it runs in a child whose start a user waits for.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from recsysops import columns as c
from recsysops.domain.batch import QuarantinedRow
from recsysops.domain.drift import ColumnProfile, Profile
from recsysops.domain.log_view import CODE, FIRST_US, LAST_US, PLAIN, ROW_NUMBER, LogView
from recsysops.errors import SourceError
from recsysops.settings import SourceSettings
from recsysops.sources._columns import Wanted, map_columns
from recsysops.sources._files import Format, delimiter_of
from recsysops.sources._log_profile import column_profiles
from recsysops.sources._records import quarantined
from recsysops.sources._refusal import no_rows, refuse
from recsysops.sources._text import checked_header, expect_few_columns, has_open_quote, lines_of, read_header

if TYPE_CHECKING:
    import duckdb

MAX_SAMPLES: Final = 20
MAX_BYTES: Final = 1024**4
_LINES_FOR_COLUMNS: Final = 1000
_MAX_NESTING: Final = 20
_LISTS: Final = re.compile(r"(?:\[\])+")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_REJECTS: Final = "log_rejects"
_TOO_LONG: Final = "LINE SIZE OVER MAXIMUM"
_REJECT_CODES: Final = {
    "MISSING COLUMNS": "ragged-row",
    "TOO MANY COLUMNS": "ragged-row",
    "UNQUOTED VALUE": "bad-quote",
    _TOO_LONG: "too-long",
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
    samples: Sequence[QuarantinedRow]
    columns: Mapping[str, ColumnProfile]
    first_at: datetime | None
    last_at: datetime | None

    @property
    def profile(self) -> Profile:
        """What the file looked like."""
        return Profile(
            rows=self.rows_in,
            quarantined=self.rows_in - self.accepted,
            columns=self.columns,
            first_at=self.first_at,
            last_at=self.last_at,
        )


def account(
    connection: "duckdb.DuckDBPyConnection",
    table: str,
    file: Path,
    kind: Format,
    source: SourceSettings,
    day: date | None = None,
) -> LogAccount:
    """Count the rows of a file that can be used, and those that cannot, by code.

    Raises:
        SourceError: The file cannot be read as a whole.
        MemoryError: The engine needs more than it may have.
    """
    import duckdb

    is_open = kind != "parquet" and has_open_quote(file, MAX_BYTES)
    try:
        types, pointers = _columns(connection, file, kind)
        view = _view(table, file, kind, source, types, pointers)
        first, end = _limits(day)
        counts, rejects = _counts(connection, view, file, first, end)
        if is_open and "bad-quote" in rejects.values():
            raise _open_quote(file)
        samples = _samples(connection, view, file, (first, end), counts)
        profiles = _profiles(connection, view, file, types, source)
    except duckdb.Error as error:
        raise _damaged(file, error) from error
    return _account(view, file, counts, rejects, samples, profiles)


def _columns(
    connection: "duckdb.DuckDBPyConnection", file: Path, kind: Format
) -> tuple[dict[str, str], dict[str, str]]:
    """Return the file's columns with the engine's type of each, and for JSON Lines where each is found."""
    if kind == "parquet":
        described = connection.execute("DESCRIBE SELECT * FROM read_parquet([?])", [str(file)]).fetchall()
        checked_header(str(file), [row[0] for row in described])
        types = {row[0]: row[1] for row in described}
        _expect_shallow(str(file), types)
        return types, {}
    if kind == "csv":
        return dict.fromkeys(read_header(file), "VARCHAR"), {}
    pointers = _json_columns(file)
    return dict.fromkeys(pointers, "VARCHAR"), pointers


def _expect_shallow(file: str, types: Mapping[str, str]) -> None:
    """Refuse columns of lists of lists of lists: the engine takes for ever on them, or dies."""
    for name, kind in types.items():
        if _nesting(kind) > _MAX_NESTING:
            found = f'the column "{name[:60]}" holds {kind[:60]} (expected text, numbers, times or lists).'
            raise refuse("wrong-type", file, found, "Write it as text.")


def _nesting(kind: str) -> int:
    """Return how many records, or else lists, a type lies within, as in `STRUCT(a INTEGER[][])`."""
    records = max(accumulate((sign == "(") - (sign == ")") for sign in kind), default=0)
    return max(records, *(len(lists) // 2 for lists in _LISTS.findall(kind)), 0)


def _json_columns(file: Path) -> dict[str, str]:
    """Return the columns of the first lines, and the JSON pointer to each."""
    from recsysops.sources._json import NotJsonError, parsed, paths

    pointers: dict[str, str] = {}
    for line in islice((line for line in lines_of(file, MAX_BYTES) if line.strip()), _LINES_FOR_COLUMNS):
        try:
            found = dict(paths(parsed(line)))
        except NotJsonError:
            continue
        for name, keys in found.items():
            pointers.setdefault(name, "".join("/" + key.replace("~", "~0").replace("/", "~1") for key in keys))
        expect_few_columns(str(file), len(pointers))
    return pointers


def _view(
    table: str,
    file: Path,
    kind: Format,
    source: SourceSettings,
    types: Mapping[str, str],
    pointers: Mapping[str, str],
) -> LogView:
    plan = map_columns(table, str(file), list(types), source, _WANTED[table])
    return LogView(
        format=kind,
        delimiter=delimiter_of(file),
        columns=plan.columns,
        types={ours: types[theirs] for ours, theirs in plan.columns.items()} if kind == "parquet" else {},
        header=list(types) if kind == "csv" else (),
        pointers={theirs: pointers[theirs] for theirs in plan.columns.values()} if kind == "jsonl" else {},
        defaults={ours: plan.constants[ours] for ours in _PLACES if ours in plan.constants},
        epoch_unit=source.epoch_unit,
    )


def _profiles(
    connection: "duckdb.DuckDBPyConnection",
    view: LogView,
    file: Path,
    types: Mapping[str, str],
    source: SourceSettings,
) -> dict[str, ColumnProfile]:
    whole = view
    if view.format == "jsonl":
        pointers = _json_columns(file)
        whole = replace(view, columns={name: name for name in pointers}, pointers=pointers)
    wanted = {name: kind for name, kind in types.items() if name and name not in source.ignore}
    private = (view.columns[c.MEMBER_ID], c.MEMBER_ID)
    return column_profiles(connection, whole.scan([str(file)]), wanted, private)


def _limits(day: date | None) -> tuple[int, int]:
    if day is None:
        return FIRST_US, LAST_US
    start = (datetime.combine(day, time(), tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)
    return start, start + 86_400_000_000


def _counts(
    connection: "duckdb.DuckDBPyConnection", view: LogView, file: Path, first: int, end: int
) -> tuple[list[Any], dict[int, str]]:
    """Return (code, rows, first, last, all plain) by code, and the lines of a text file that are no rows."""
    is_text = view.format != "parquet"
    for name in (_REJECTS, f"{_REJECTS}_scan") if is_text else ():
        connection.execute(f"DROP TABLE IF EXISTS {name}")
    judged = view.judged(view.scan([str(file)], rejects=_REJECTS if is_text else ""), first, end)
    facts = f"{CODE}, count(*), min({c.TS}), max({c.TS}), bool_and({PLAIN})"
    query = f"SELECT {facts} FROM ({judged}) GROUP BY {CODE} ORDER BY {CODE}"  # noqa: S608  # names are quoted by the view
    grouped = connection.execute(query).fetchall()
    if not is_text:
        return grouped, {}
    rejected = connection.execute(f"SELECT line, min(error_type::VARCHAR) FROM {_REJECTS} GROUP BY line ORDER BY line")  # noqa: S608
    other = "ragged-row" if view.format == "csv" else "bad-json"
    codes = _REJECT_CODES if view.format == "csv" else {_TOO_LONG: "too-long"}
    return grouped, {int(line): codes.get(kind, other) for line, kind in rejected.fetchall()}


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
    view: LogView,
    file: Path,
    counts: list[Any],
    rejects: dict[int, str],
    samples: list[QuarantinedRow],
    profiles: Mapping[str, ColumnProfile],
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
        columns=profiles,
        first_at=_moment(first),
        last_at=_moment(last),
    )


def _moment(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else _EPOCH + timedelta(microseconds=microseconds)


def _open_quote(file: Path) -> SourceError:
    """Build the error for a quote that swallows what follows it: nobody can say how many rows that is."""
    return refuse(
        "unclosed-quote", str(file), "a quote is opened and never closed.", "Close it; deliver a cut file again."
    )


def _damaged(file: Path, error: Exception) -> Exception:
    """Build the error for what the engine could not read; its own words name paths and internals."""
    said = str(error).lower()
    if "out of memory" in said or "alloc" in said or "memory limit" in said:
        return MemoryError(said[:200])
    if "unterminated quote" in said:
        return _open_quote(file)
    if "state machine reached an invalid state" in said:
        return refuse(
            "mixed-newlines", str(file), "its lines end in different ways (CR, LF, CR LF).", "Write it with LF alone."
        )
    return refuse("corrupt", str(file), "its content is damaged.", "Deliver it again.")
