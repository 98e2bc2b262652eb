"""Which rows of a log file count, for Spark: the same as `LogView.judged` says in DuckDB's words.

A test with made-up dirt holds the two against each other. What Spark would read otherwise is refused. Counts nothing.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from recsysops.columns import ALL, MARKET, MEMBER_ID, POSITION, SURFACE, TITLE_ID, TS
from recsysops.domain.batch import LogFile
from recsysops.domain.log_view import FIRST_US, LAST_US, MAX_KEY, MAX_POSITION, LogView
from recsysops.errors import EngineError

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

_TEXT: Final = "VARCHAR"
_WHOLE: Final = tuple(f"{sign}{size}" for sign in ("", "U") for size in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT"))
_FLOATS: Final = ("DOUBLE", "FLOAT")
_PER_UNIT: Final = {"s": 1_000_000, "ms": 1_000, "us": 1}
_EDGE: Final = r"^\p{Zs}+|\p{Zs}+$"
"""What DuckDB's trim takes away: all that Unicode calls a space."""
_TIME: Final = (
    r"^([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]+))?)?"
    r"(Z|([+-])([0-9]{2})(?::?([0-9]{2}))?)\z"
)
_NUMBER: Final = r"^-?[0-9]+(\.[0-9]+)?\z"
_DECIMAL: Final = r"^[ \t\n\x0B\f\r]*[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?[ \t\n\x0B\f\r]*\z"
_NAN: Final = r"(?i)^\s*[+-]?nan\s*\z"


def rows_that_count(
    session: "SparkSession", files: Sequence[LogFile], first_us: int = FIRST_US, end_us: int = LAST_US
) -> "DataFrame":
    """Return the rows that count, columns READ, of files that are read alike.

    Raises:
        EngineError: Spark cannot read files of this kind as DuckDB does.
    """
    from pyspark.sql import functions as f

    view = LogView.of(files[0].mapping)
    _refuse_what_differs(view, files[0].path)
    frame = _scan(session, view, [file.path for file in files])
    if view.is_plain:  # texts stand as they are wanted: tidying them once more would take most of the time
        plain = {name: _raw(view, name) for name in (TITLE_ID, MEMBER_ID, MARKET, SURFACE)}
        return _selected(frame, plain | {TS: _ts(view), POSITION: _position(view)[1]})
    ids = {name: _tidied(_raw(view, name)) for name in (TITLE_ID, MEMBER_ID)}
    places = {name: f.coalesce(_tidied(_raw(view, name)), f.lit(ALL)) for name in (MARKET, SURFACE)}
    counts, position = _position(view)
    ts = _ts(view)
    for value in ids.values():
        counts &= value.isNotNull() & (f.length(value) <= MAX_KEY) & ~f.contains(value, f.lit("\0"))
    counts &= (ts >= max(first_us, FIRST_US)) & (ts < min(end_us, LAST_US))
    return _selected(frame.where(counts), ids | places | {TS: ts, POSITION: position})


def _selected(frame: "DataFrame", columns: "dict[str, Column]") -> "DataFrame":
    return frame.select(*(value.alias(name) for name, value in columns.items()))


def _refuse_what_differs(view: LogView, path: str) -> None:
    if view.format not in {"csv", "parquet"}:
        raise EngineError.unreadable(path, f"it is {view.format}")
    allowed = {
        TITLE_ID: (_TEXT, *_WHOLE), MEMBER_ID: (_TEXT, *_WHOLE), MARKET: (_TEXT, *_WHOLE), SURFACE: (_TEXT, *_WHOLE),
        TS: (_TEXT, *_WHOLE, "DOUBLE", "DATE", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP WITH TIME ZONE"),
        POSITION: (_TEXT, *_WHOLE, *_FLOATS),
    }  # fmt: skip
    for name, kind in view.types.items():
        if name in allowed and kind not in allowed[name]:
            raise EngineError.unreadable(path, f'its column "{view.columns[name]}" is {kind}')


def _scan(session: "SparkSession", view: LogView, paths: list[str]) -> "DataFrame":
    if view.format == "parquet":
        return session.read.parquet(*paths)
    from pyspark.sql.types import StringType, StructField, StructType

    schema = StructType([StructField(name, StringType()) for name in view.header])
    options = {
        "sep": view.delimiter, "header": "true", "quote": '"', "escape": '"', "multiLine": "true",
        "mode": "DROPMALFORMED", "encoding": "UTF-8",
    }  # fmt: skip
    return session.read.schema(schema).options(**options).csv(paths)


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _column(view: LogView, name: str) -> "Column":
    from pyspark.sql import functions as f

    return f.col(_quoted(view.columns[name]))


def _raw(view: LogView, name: str) -> "Column":
    from pyspark.sql import functions as f

    if name not in view.columns:
        return f.lit(view.defaults.get(name)).cast("string")
    return _column(view, name).cast("string")


def _tidied(text: "Column") -> "Column":
    from pyspark.sql import functions as f

    return f.nullif(f.regexp_replace(text, _EDGE, ""), f.lit(""))


def _ts(view: LogView) -> "Column":
    """Return microseconds since 1970 UTC; missing where the cell says no such moment."""
    from pyspark.sql import functions as f

    kind, column = view.types.get(TS, _TEXT), _column(view, TS)
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f.unix_micros(column)
    per_unit = _PER_UNIT.get(view.epoch_unit or "")
    if kind != _TEXT:
        if per_unit is None or kind not in {*_WHOLE, "DOUBLE"}:
            return f.lit(None).cast("bigint")
        number = f.rint(column * per_unit) if kind == "DOUBLE" else column.cast("decimal(28, 0)") * per_unit
        return _whole(number)
    text = f.upper(f.regexp_replace(column, _EDGE, ""))
    if per_unit is None:
        return _moment(text)
    number = f.when(text.rlike(_NUMBER), text).cast("decimal(24, 6)")
    return f.coalesce(_whole(f.round(number * per_unit, 0)), _moment(text))


def _whole(number: "Column") -> "Column":
    """Return a possible time as a whole number: what lies outside would wrap around."""
    from pyspark.sql import functions as f

    return f.when((number >= FIRST_US) & (number < LAST_US), number.cast("bigint"))


def _moment(text: "Column") -> "Column":
    """Return the microseconds of a time with an offset."""
    from pyspark.sql import functions as f

    def number(group: int) -> "Column":
        found = f.regexp_extract(text, _TIME, group)
        return f.when(found == "", f.lit(0)).otherwise(found.cast("bigint"))

    hour, minute, second = number(2), number(3), number(4)
    fraction = f.rpad(f.substring(f.regexp_extract(text, _TIME, 5), 1, 6), 6, "0").cast("bigint")
    fraction = f.coalesce(fraction, f.lit(0))
    sign = f.when(f.regexp_extract(text, _TIME, 7) == "-", -1).otherwise(1)
    offset = sign * (number(8) * 60 + number(9))
    day = f.unix_date(f.to_date(f.regexp_extract(text, _TIME, 1), "yyyy-MM-dd")).cast("bigint")
    is_midnight = (hour == 24) & (minute == 0) & (second == 0) & (fraction == 0)
    is_time = ((hour < 24) & (minute < 60) & (second < 60)) | is_midnight
    minutes = day * 1440 + hour * 60 + minute - offset
    return f.when(text.rlike(_TIME) & is_time, (minutes * 60 + second) * 1_000_000 + fraction)


def _position(view: LogView) -> "tuple[Column, Column]":
    """Return whether a row counts by its position, and the position."""
    from pyspark.sql import functions as f

    if POSITION not in view.columns:
        return f.lit(True), f.lit(None).cast("int")  # noqa: FBT003  # a literal of the engine
    kind, column = view.types.get(POSITION, _TEXT), _column(view, POSITION)
    if kind in _WHOLE:
        number, is_silent = column.cast("double"), column.isNull()
    elif kind in _FLOATS:
        number, is_silent = column.cast("double"), column.isNull() | f.isnan(column)
    else:
        number = f.when(column.rlike(_DECIMAL), f.trim(column)).cast("double")
        is_silent = column.isNull() | (column == "") | column.rlike(_NAN)
    place = f.rint(number)
    is_place = f.coalesce((place >= 1) & (place <= MAX_POSITION), f.lit(False))  # noqa: FBT003
    return is_silent | is_place, f.when(~is_silent, place.cast("int"))
