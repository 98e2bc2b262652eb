"""How one kind of log file is read, as DuckDB text: which rows count, and why the others do not.

Shared by the check of a file and by the counting of its rows, so that both mean the same rows. Runs nothing itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Self

from recsysops.columns import ALL, MARKET, MEMBER_ID, POSITION, SURFACE, TITLE_ID, TS

READ: Final = (TITLE_ID, MEMBER_ID, MARKET, SURFACE, TS, POSITION)
"""Columns of the rows as read: text, but TS in microseconds since 1970 UTC and POSITION a whole number or missing."""
CODE: Final = "code"
PLAIN: Final = "plain"
"""Whether a row's texts are already as they are wanted, so that a second reading may take them as they stand."""
ROW_NUMBER: Final = "row_in_file"
FIRST_US: Final = -5_364_662_400_000_000
LAST_US: Final = 7_258_118_400_000_000
"""Times outside 1800 to 2199 are impossible."""
MAX_POSITION: Final = 1_000_000
MAX_LINE_BYTES: Final = 2_097_152
MAX_KEY: Final = 256
"""Characters of an id."""
_UNNAMED: Final = ", rejects_limit = 1"
"""Lines that are no rows are noted even where nobody asks: else the engine drops good lines after a bad one as well."""
_IS_ROW: Final = '" is row"'
_IS_NESTED: Final = '" is nested"'
"""Of a line of JSON: names no column can have, as those have no space around them."""
_ISO: Final = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?"
_OFFSET: Final = r" ?(Z|[+-]\d{2}(:?\d{2})?)$"
_NAIVE: Final = r"^\d{4}-\d{2}-\d{2}([Tt ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?)?$"
_NUMBER: Final = r"^-?\d+(\.\d+)?$"
_PER_UNIT: Final = {"s": 1_000_000, "ms": 1_000, "us": 1}


@dataclass(frozen=True, kw_only=True)
class LogView:
    """What is needed to read a log file; survives JSON."""

    format: str
    """`csv`, `jsonl` or `parquet`."""
    delimiter: str = ","
    columns: Mapping[str, str]
    """Our column to the file's."""
    types: Mapping[str, str] = field(default_factory=dict)
    """Our column to the engine's type of it, as the file has it; text where absent."""
    header: Sequence[str] = ()
    """All columns of a CSV file, in order."""
    pointers: Mapping[str, str] = field(default_factory=dict)
    """The file's column to the JSON pointer of its value in a line of JSON Lines."""
    defaults: Mapping[str, str] = field(default_factory=dict)
    """Values of MARKET and SURFACE where the file has no such column."""
    epoch_unit: str | None = None
    is_plain: bool = False
    """Every row counts and needs no tidying: found by the check."""

    def as_mapping(self) -> dict[str, Any]:
        """Return the view as JSON values."""
        return {name: list(value) if name == "header" else value for name, value in asdict(self).items()}

    @classmethod
    def of(cls, mapping: Mapping[str, Any]) -> Self:
        """Build the view from what `as_mapping` gave; other entries are left aside."""
        return cls(**{name: mapping[name] for name in cls.__dataclass_fields__ if name in mapping})

    def scan(self, paths: Sequence[str], *, rejects: str = "", is_numbered: bool = False) -> str:
        """Return the table function that reads `paths`; `rejects` names the table for lines that are no rows."""
        files = ", ".join(_quoted(path) for path in paths)
        if self.format == "parquet":
            return f"read_parquet([{files}], file_row_number = {str(is_numbered).lower()})"
        if self.format == "jsonl":
            return self._json_scan(files, rejects)
        names = ", ".join(f"{_quoted(name)}: 'VARCHAR'" for name in self.header)
        return (
            f"read_csv([{files}], delim = {_quoted(self.delimiter)}, header = true, quote = '\"', escape = '\"', "
            f"auto_detect = false, columns = {{{names}}}, ignore_errors = true, "
            f"max_line_size = {MAX_LINE_BYTES}, store_rejects = true{_named(rejects)})"
        )

    def time_of_row(self) -> str:
        """Return the expression of a row's time, in microseconds since 1970 UTC; missing where it says none."""
        return self._ts()

    def _json_scan(self, files: str, rejects: str) -> str:
        """Return a query of the lines of `files`: the mapped columns as text, _IS_ROW and _IS_NESTED.

        A line is taken whole and looked into here: the engine's own reader passes over what it cannot read in silence.
        """
        names = list(self.columns.values())
        lines = (
            f"SELECT line FROM read_csv([{files}], delim = '\x1f', quote = '', escape = '', header = false, "  # noqa: S608
            "auto_detect = false, strict_mode = false, columns = {'line': 'VARCHAR'}, ignore_errors = true, "
            f"max_line_size = {MAX_LINE_BYTES}, store_rejects = true{_named(rejects)}) WHERE trim(line) <> ''"
        )
        is_row = f"SELECT line, CASE WHEN json_valid(line) THEN json_type(line) = 'OBJECT' ELSE false END AS {_IS_ROW}"
        pointers = ", ".join(_quoted(self.pointers[name]) for name in names)
        found = f"SELECT *, CASE WHEN {_IS_ROW} THEN json_extract_string(line, [{pointers}]) END AS found"
        # CASE alone keeps the engine from looking into what is no JSON.
        nested = " OR ".join(
            f"CASE WHEN left(found[{at}], 1) IN ('[', '{{') "
            f"THEN json_type(line, {pointer}) IN ('ARRAY', 'OBJECT') ELSE false END"
            for at, pointer in enumerate((_quoted(self.pointers[name]) for name in names), start=1)
        )
        columns = "".join(f", found[{at}] AS {identifier(name)}" for at, name in enumerate(names, start=1))
        # Each step has its own query: a condition must be known before what it guards is looked at.
        return (
            f"(SELECT {_IS_ROW}, ({nested}) AS {_IS_NESTED}{columns} "  # noqa: S608
            f"FROM ({found} FROM ({is_row} FROM ({lines}))))"
        )

    def rows(self, scan: str, first_us: int = FIRST_US, end_us: int = LAST_US) -> str:
        """Return a query of the rows of `scan` that count, columns READ; the limits are those of `judged`."""
        if self.is_plain:
            plain = {name: self._raw(name) for name in (TITLE_ID, MEMBER_ID, MARKET, SURFACE)}
            columns = plain | {TS: self._ts(), POSITION: self._position()}
            return f"SELECT {_aliased(columns)} FROM {scan}"  # noqa: S608  # names and paths are quoted above
        return f"SELECT {', '.join(READ)} FROM ({self.judged(scan, first_us, end_us)}) WHERE {CODE} IS NULL"  # noqa: S608

    def judged(self, scan: str, first_us: int = FIRST_US, end_us: int = LAST_US, *, is_numbered: bool = False) -> str:
        """Return a query of every row of `scan`: READ, CODE (`code:column`, missing where the row counts) and PLAIN.

        Args:
            scan: What `scan` gave.
            first_us: First microsecond of the declared day; of all possible times where none is declared.
            end_us: The microsecond after it.
            is_numbered: Whether `scan` numbers its rows; ROW_NUMBER is -1 where a format cannot.
        """
        ids = {name: self._text(name) for name in (TITLE_ID, MEMBER_ID)}
        places = {name: f"coalesce({self._text(name)}, {_quoted(ALL)})" for name in (MARKET, SURFACE)}
        said = {f"said_{TS}": self._raw(TS), f"said_{POSITION}": self._said_position()}
        plain = " AND ".join(
            f"({self._raw(name)}) IS NOT DISTINCT FROM ({sql})" for name, sql in (ids | places).items()
        )
        # Plain calls, each by itself: the engine makes them once for each text of a dictionary, not for every row.
        sizes = {f"size_{name}": f"length({self._raw(name)})" for name in ids}
        odd = {f"odd_{name}": f"contains({self._raw(name)}, chr(0)) OR {sql} < '!'" for name, sql in ids.items()}
        number = "file_row_number + 1" if is_numbered and self.format == "parquet" else "-1"
        values = {TS: self._ts(), POSITION: self._position(), PLAIN: plain, ROW_NUMBER: number}
        of_line = {_IS_ROW: _IS_ROW, _IS_NESTED: _IS_NESTED} if self.format == "jsonl" else {}
        columns = ids | places | values | said | sizes | odd | of_line
        return f"SELECT *, {self._code(first_us, end_us)} AS {CODE} FROM (SELECT {_aliased(columns)} FROM {scan})"  # noqa: S608

    def _code(self, first_us: int, end_us: int) -> str:
        naive_type = self.types.get(TS, "").startswith("TIMESTAMP") and "TIME ZONE" not in self.types[TS]
        naive = "true" if naive_type or self.types.get(TS) == "DATE" else f"regexp_matches(said_{TS}, '{_NAIVE}')"
        of_line = (
            f"WHEN NOT {_IS_ROW} THEN 'bad-json:' WHEN {_IS_NESTED} THEN 'nested-value:'"
            if self.format == "jsonl"
            else ""
        )
        return f"""CASE {of_line}
            WHEN {TITLE_ID} IS NULL THEN 'missing-key:{TITLE_ID}'
            WHEN {MEMBER_ID} IS NULL THEN 'missing-key:{MEMBER_ID}'
            WHEN size_{TITLE_ID} > {MAX_KEY} THEN 'too-long:{TITLE_ID}'
            WHEN size_{MEMBER_ID} > {MAX_KEY} THEN 'too-long:{MEMBER_ID}'
            WHEN odd_{TITLE_ID} THEN 'control-character:{TITLE_ID}'
            WHEN odd_{MEMBER_ID} THEN 'control-character:{MEMBER_ID}'
            WHEN said_{TS} IS NULL OR said_{TS} = '' THEN 'missing-key:{TS}'
            WHEN {TS} IS NULL AND {naive} THEN 'naive-time:{TS}'
            WHEN {TS} IS NULL OR {TS} < {FIRST_US} OR {TS} >= {LAST_US} THEN 'impossible-date:{TS}'
            WHEN {TS} < {first_us} OR {TS} >= {end_us} THEN 'outside-day:{TS}'
            WHEN {POSITION} IS NULL AND said_{POSITION} <> '' THEN 'not-a-number:{POSITION}'
            WHEN {POSITION} < 1 OR {POSITION} > {MAX_POSITION} THEN 'out-of-range:{POSITION}'
        END"""

    def _raw(self, name: str) -> str:
        if name not in self.columns:
            return _quoted(self.defaults[name]) if name in self.defaults else "NULL::VARCHAR"
        column = identifier(self.columns[name])
        return column if self.types.get(name, "VARCHAR") == "VARCHAR" else f"CAST({column} AS VARCHAR)"

    def _text(self, name: str) -> str:
        return f"nullif(trim({self._raw(name)}), '')"

    def _ts(self) -> str:
        kind = self.types.get(TS, "VARCHAR")
        column = identifier(self.columns[TS])
        if kind == "TIMESTAMP WITH TIME ZONE":
            return f"epoch_us({column})"
        if kind.startswith("TIMESTAMP") or kind == "DATE":
            return "NULL::BIGINT"
        per_unit = _PER_UNIT.get(self.epoch_unit or "")
        if kind != "VARCHAR":
            return "NULL::BIGINT" if per_unit is None else f"TRY_CAST({column} * {per_unit} AS BIGINT)"
        text = f"upper(trim({column}))"
        aware = (
            f"epoch_us(TRY_CAST(CASE WHEN regexp_matches({text}, '{_ISO}{_OFFSET}') THEN {text} END AS TIMESTAMPTZ))"
        )
        if per_unit is None:
            return aware
        number = f"TRY_CAST(CASE WHEN regexp_matches({text}, '{_NUMBER}') THEN {text} END AS DECIMAL(24, 6))"
        return f"coalesce(TRY_CAST({number} * {per_unit} AS BIGINT), {aware})"

    def _said_position(self) -> str:
        """Return what the cell says, missing where it is NaN.

        Asked of the number: comparing its text with 'nan' is answered from Parquet's statistics, which leave NaN out.
        """
        if POSITION not in self.columns or "INT" in self.types.get(POSITION, ""):
            return self._raw(POSITION)
        number = f"TRY_CAST({identifier(self.columns[POSITION])} AS DOUBLE)"
        return f"CASE WHEN {number} IS NULL OR NOT isnan({number}) THEN {self._raw(POSITION)} END"

    def _position(self) -> str:
        if POSITION not in self.columns:
            return "NULL::INTEGER"
        column = identifier(self.columns[POSITION])
        if "INT" in self.types.get(POSITION, ""):
            return f"TRY_CAST({column} AS INTEGER)"
        number = f"TRY_CAST({column} AS DOUBLE)"
        return f"TRY_CAST(CASE WHEN isfinite({number}) THEN {number} END AS INTEGER)"


def _named(rejects: str) -> str:
    return f", rejects_table = '{rejects}', rejects_scan = '{rejects}_scan'" if rejects else _UNNAMED


def _aliased(columns: Mapping[str, str]) -> str:
    return ", ".join(f"{sql} AS {name}" for name, sql in columns.items())


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """Return a name as SQL has it, whatever is in it."""
    return '"' + name.replace('"', '""') + '"'
