"""One table as read, in the form in which it passes from the child that reads to the service that asked.

Nothing of it is code: rows travel as Arrow, counts as JSON, and what arrives is checked before it is believed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from recsysops import columns as c
from recsysops.domain.batch import QuarantinedRow
from recsysops.domain.drift import Profile
from recsysops.domain.reading import ReadTable
from recsysops.sources._facts import StrangeAnswerError, profile_facts, profile_from
from recsysops.sources._records import quarantined

if TYPE_CHECKING:
    import pyarrow as pa

_TIMES: Final = (c.OBSERVED_AT, c.LAUNCH_AT, c.TS)
_NUMBERS: Final = (c.LOW, c.BEST, c.HIGH, c.CONFIDENCE)
_ROWS: Final = {
    c.TITLES: tuple(name for name in c.TITLE_VERSION if name != c.FIELDS),
    c.LAUNCHES: c.LAUNCH_VERSION,
    c.EXPECTATIONS: c.EXPECTATION_VERSION,
    c.CHANGES: c.CHANGE,
}
_BAD: Final = ("row", "column", "code", "value", "rule")


@dataclass(frozen=True, kw_only=True)
class TypedTable:
    """One file of a table, typed and accounted for."""

    rows: pd.DataFrame
    """Accepted rows, without FIELDS."""
    fields: Mapping[str, Sequence[Any]]
    """Metadata field to its value in every accepted row; None where it has none."""
    rows_in: int
    duplicate: int
    quarantined: tuple[QuarantinedRow, ...]
    label: str
    profile: Profile


def packed(table: TypedTable) -> list[bytes]:
    """Return the parts of an answer: the counts as JSON, then rows, fields and quarantined rows as Arrow."""
    import pyarrow as pa

    facts = {
        "rows_in": table.rows_in,
        "duplicate": table.duplicate,
        "label": table.label,
        "profile": profile_facts(table.profile),
    }
    schema = pa.schema([(name, _kind(name)) for name in table.rows.columns])
    rows = pa.Table.from_pandas(table.rows, schema=schema, preserve_index=False)
    fields = {name: pa.array(values, type=_field_kind(values)) for name, values in table.fields.items()}
    bad = {name: [getattr(row, name) for row in table.quarantined] for name in _BAD}
    return [_json(facts), _stream(rows), _stream(pa.table(fields)), _stream(pa.table(bad, schema=_bad_schema()))]


def unpacked_table(table: str, file: str, facts: Mapping[str, Any], parts: Sequence[bytes | bytearray]) -> ReadTable:
    """Return what an answer says.

    Raises:
        StrangeAnswerError: It is not what `packed` gives, or does not add up.
    """
    import pyarrow as pa

    try:
        rows_part, fields_part, bad_part = (_table(part) for part in parts)
        expected = pa.schema([(name, _kind(name)) for name in _ROWS[table]])
        if not rows_part.schema.equals(expected) or not bad_part.schema.equals(_bad_schema()):
            raise StrangeAnswerError("another schema")
        rows = rows_part.to_pandas().astype({name: "str" for name in expected.names if _is_text(name)})
        bad = tuple(
            quarantined(file, row["row"], row["column"], row["code"], row["value"], row["rule"])
            for row in bad_part.to_pylist()
        )
        if table == c.TITLES:
            rows[c.FIELDS] = _mappings(fields_part, len(rows))
        answer = ReadTable(
            rows=rows,
            rows_in=int(facts["rows_in"]),
            duplicate=int(facts["duplicate"]),
            quarantined=bad,
            label=str(facts["label"]),
            profile=profile_from(facts["profile"]),
        )
    except (pa.ArrowException, OSError, KeyError, ValueError, TypeError, OverflowError) as error:
        raise StrangeAnswerError(str(error)) from error
    if answer.rows_in != len(rows) + answer.duplicate + len(bad):
        raise StrangeAnswerError("rows that do not add up")
    return answer


def _mappings(fields: "pa.Table", n: int) -> "pd.Series[Any]":
    names = fields.column_names
    if names and fields.num_rows != n:
        raise StrangeAnswerError("fields of other rows")
    rows = zip(*(column.to_pylist() for column in fields.columns), strict=True) if names else ((),) * n
    return pd.Series(
        [{name: value for name, value in zip(names, row, strict=True) if value is not None} for row in rows],
        dtype=object,
        index=pd.RangeIndex(n),
    )


def _is_text(name: str) -> bool:
    return name not in (*_TIMES, *_NUMBERS, c.HORIZON)


def _kind(name: str) -> "pa.DataType":
    import pyarrow as pa

    if name in _TIMES:
        return pa.timestamp("us", tz="UTC")
    if name in _NUMBERS:
        return pa.float64()
    return pa.int64() if name == c.HORIZON else pa.large_string()


def _field_kind(values: Sequence[Any]) -> "pa.DataType":
    import pyarrow as pa

    first = next((value for value in values if value is not None), "")
    if isinstance(first, list):
        return pa.large_list(pa.large_string())
    return {int: pa.int64(), float: pa.float64()}.get(type(first), pa.large_string())


def _bad_schema() -> "pa.Schema":
    import pyarrow as pa

    return pa.schema([(name, pa.int64() if name == "row" else pa.large_string()) for name in _BAD])


def _json(facts: Mapping[str, Any]) -> bytes:
    import json

    return json.dumps(facts, allow_nan=False).encode()


def _stream(table: "pa.Table") -> bytes:
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    written: bytes = sink.getvalue().to_pybytes()
    return written


def _table(part: bytes | bytearray) -> "pa.Table":
    import pyarrow as pa

    with pa.ipc.open_stream(part) as reader:
        table: pa.Table = reader.read_all()
    table.validate(full=True)  # what comes from a child that read a hostile file is not to be trusted
    return table.replace_schema_metadata(None)
