"""What a log looked like, so that a later one can be compared with it: a few of its rows, judged here."""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import median
from typing import TYPE_CHECKING, Final

from recsysops.domain.drift import ColumnProfile
from recsysops.domain.log_view import identifier

if TYPE_CHECKING:
    import duckdb

MAX_COLUMNS: Final = 100
N_VALUES: Final = 8
SAMPLE: Final = 1_000
_NEARLY_ALL: Final = 0.95
_SHARED_BY: Final = 10
_MAX_DISTINCT: Final = 50
"""A value is kept only where it stands in many rows and the column has few: then it is nobody's own."""
_NUMBER: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_TIME: Final = re.compile(r"\d{4}-\d{2}-\d{2}(?:[Tt ]\d{2}:\d{2}.*)?")


def column_profiles(
    connection: "duckdb.DuckDBPyConnection", scan: str, types: Mapping[str, str], private: Sequence[str]
) -> dict[str, ColumnProfile]:
    """Return what each column of a log holds, by a thousand of its rows.

    The rows are spread over a Parquet file; of text, which would have to be read a second time, they are the first.

    Args:
        connection: The engine.
        scan: A table function, or a query in brackets.
        types: The file's columns, and the engine's type of each.
        private: Columns of which no value is kept: who the members are.
    """
    names = list(types)[:MAX_COLUMNS]
    if not names:
        return {}
    is_spread = scan.startswith("read_parquet")
    chosen = f"USING SAMPLE reservoir({SAMPLE} ROWS) REPEATABLE (1)" if is_spread else f"LIMIT {SAMPLE}"
    columns = ", ".join(_cell(name, types[name], is_private=name in private) for name in names)
    found = ", ".join(map(identifier, names))
    query = f"SELECT {columns} FROM (SELECT {found} FROM {scan} {chosen})"  # noqa: S608  # names are quoted
    rows = connection.execute(query).fetchall()
    cells = list(zip(*rows, strict=True)) or [()] * len(names)
    return {
        name: _profile(types[name], column, is_private=name in private)
        for name, column in zip(names, cells, strict=True)
    }


def _cell(name: str, kind: str, *, is_private: bool) -> str:
    """Return the expression of a cell as text, cut; of who a member is, only whether there is one."""
    column = identifier(name)
    if is_private or _is_nested(kind):
        return f"CASE WHEN {column} IS NOT NULL THEN 'x' END"
    return f"left({column}, 400)" if kind == "VARCHAR" else f"CAST({column} AS VARCHAR)"


def _profile(kind: str, cells: Sequence[str | None], *, is_private: bool) -> ColumnProfile:
    filled = [text for cell in cells if cell is not None and (text := cell.strip())]
    empty_ratio = 1 - len(filled) / len(cells) if cells else 0.0
    if not filled:
        return ColumnProfile(kind="empty", empty_ratio=empty_ratio)
    if is_private or _is_nested(kind):
        return ColumnProfile(kind="text" if is_private else "list", empty_ratio=empty_ratio)
    numbers = [float(text) for text in filled if _NUMBER.fullmatch(text)]
    said = _kind(kind, filled, len(numbers) / len(filled))
    sizes = [abs(number) for number in numbers if number and math.isfinite(number)]
    return ColumnProfile(
        kind=said,
        empty_ratio=empty_ratio,
        typical=float(median(sizes)) if said == "number" and sizes else None,
        values=_shared(Counter(filled)),
    )


def _kind(kind: str, filled: Sequence[str], numbers: float) -> str:
    if kind.startswith(("TIMESTAMP", "DATE")):
        return "time"
    if kind == "BOOLEAN":
        return "text"
    if kind != "VARCHAR" or numbers >= _NEARLY_ALL:
        return "number"
    times = sum(_TIME.fullmatch(text) is not None for text in filled)
    return "time" if times >= _NEARLY_ALL * len(filled) else "text"


def _shared(counts: Mapping[str, int]) -> tuple[str, ...]:
    if len(counts) > _MAX_DISTINCT:
        return ()
    often = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:N_VALUES]
    return tuple(value[:40] for value, n in often if n >= _SHARED_BY)


def _is_nested(kind: str) -> bool:
    return kind.endswith("]") or kind.startswith(("STRUCT", "MAP", "UNION"))
