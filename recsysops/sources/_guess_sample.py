"""The first rows of a file as text, within limits, to guess from. Not for reading it: nothing here is kept."""

import gzip
import json
import zlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from recsysops.errors import SourceError
from recsysops.settings import SourceSettings
from recsysops.sources._asking import Asking, crashed
from recsysops.sources._files import format_of, opened
from recsysops.sources._guess_rows import MAX_BYTES, MAX_ROWS, first_cells, first_objects
from recsysops.sources._raw import JOINED
from recsysops.sources._refusal import no_rows, refuse
from recsysops.sources._text import checked_header, expect_few_columns

if TYPE_CHECKING:
    import pyarrow as pa

_BATCH: Final = 1_000
_SETS: Final = ("lists", "nested", "naive")
_WORDS: Final = {True: "true", False: "false", None: ""}


@dataclass(frozen=True)
class Sample:
    """The first rows of a file, or of a few files that are alike."""

    file: Path
    kind: str
    """`csv`, `jsonl` or `parquet`."""
    frame: pd.DataFrame
    """Cells as text without surrounding space, empty where missing; dtype object."""
    is_whole: bool
    """Whether these are all rows."""
    lists: frozenset[str] = frozenset()
    """Columns whose cells are lists."""
    nested: frozenset[str] = frozenset()
    """Columns whose cells are structures."""
    naive: frozenset[str] = frozenset()
    """Parquet columns of times without a zone."""
    n_bad: int = 0
    """Lines that are no rows."""


def take_sample(file: Path, asking: Asking) -> Sample:
    """Return the first rows of a file, read by the limited process: at most MAX_ROWS, of at most MAX_BYTES of text.

    Raises:
        SourceError: It cannot be read.
    """
    import pyarrow as pa

    # Of a large file only the beginning is read: it needs no more time than one of that size.
    facts, parts = asking.ask({"do": "sample", "file": str(file)}, file, size=min(_size(file), MAX_BYTES))
    try:
        (rows,) = (pa.ipc.open_stream(pa.BufferReader(part)).read_all() for part in parts)
        frame = pd.DataFrame({name: rows[name].to_pylist() for name in rows.column_names}, dtype=object)
        sets = {name: frozenset(map(str, facts[name])) for name in _SETS}
        return Sample(file, str(facts["kind"]), frame, bool(facts["is_whole"]), n_bad=int(facts["n_bad"]), **sets)
    except (pa.ArrowException, ValueError, KeyError, TypeError) as error:
        raise crashed(file, "an answer that is none") from error


def _size(file: Path) -> int:
    with opened(file) as stream:
        return stream.seek(0, 2)


def packed(sample: Sample) -> list[bytes]:
    """Return a sample as the parts of an answer: facts as JSON, rows as Arrow."""
    import pyarrow as pa

    facts = {"kind": sample.kind, "is_whole": sample.is_whole, "n_bad": sample.n_bad}
    facts |= {name: sorted(getattr(sample, name)) for name in _SETS}
    columns = {name: pa.array(sample.frame[name], type=pa.large_string()) for name in sample.frame.columns}
    sink = pa.BufferOutputStream()
    table = pa.table(columns)
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return [json.dumps(facts).encode(), sink.getvalue().to_pybytes()]


def sampled(file: Path) -> Sample:
    """Return the first rows of a file, read in this process.

    Raises:
        SourceError: It cannot be read.
    """
    kind = format_of(file, SourceSettings(path=file.name))
    take = {"parquet": _parquet, "jsonl": _jsonl}.get(kind, _csv)
    try:
        sample = take(file)
    except (UnicodeDecodeError, zlib.error, gzip.BadGzipFile, EOFError, OSError) as error:
        raise refuse("corrupt", str(file), "its content is damaged, or no UTF-8.", "Deliver it again.") from error
    if sample.frame.empty:
        raise no_rows(str(file))
    frame = sample.frame.loc[:, [name != "" for name in sample.frame.columns]]
    return replace(sample, frame=frame.apply(lambda column: column.str.strip()).astype(object))


def join_samples(samples: list[Sample]) -> Sample:
    """Return several samples of one kind as one."""
    first = samples[0]
    if len(samples) == 1:
        return first
    frame = pd.concat([sample.frame for sample in samples], ignore_index=True).fillna("")
    return replace(
        first,
        frame=frame.iloc[:MAX_ROWS],
        is_whole=all(sample.is_whole for sample in samples) and len(frame) <= MAX_ROWS,
        lists=frozenset().union(*(sample.lists for sample in samples)),
        nested=frozenset().union(*(sample.nested for sample in samples)),
        naive=frozenset().union(*(sample.naive for sample in samples)),
        n_bad=sum(sample.n_bad for sample in samples),
    )


def _csv(file: Path) -> Sample:
    header, rows, n_bad, is_whole = first_cells(file)
    return Sample(file, "csv", pd.DataFrame(rows, columns=header, dtype=object), is_whole, n_bad=n_bad)


def _jsonl(file: Path) -> Sample:
    rows, n_bad, is_whole = first_objects(file)
    names = list(dict.fromkeys(name for row in rows for name in row))
    expect_few_columns(str(file), len(names))
    lists = frozenset(name for row in rows for name, value in row.items() if isinstance(value, list))
    nested = frozenset(
        name for row in rows for name in lists & row.keys() if any(isinstance(e, dict | list) for e in row[name] or ())
    )
    frame = pd.DataFrame({name: [_text(row.get(name)) for row in rows] for name in names}, dtype=object)
    return Sample(file, "jsonl", frame, is_whole, lists - nested, nested, n_bad=n_bad)


def _text(value: Any) -> str:  # noqa: ANN401 - JSON, or what Parquet holds
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return JOINED.join(_text(each) for each in value)
    return _WORDS[value] if value is None or isinstance(value, bool) else str(value)


def _parquet(file: Path) -> Sample:
    import pyarrow as pa

    try:
        schema, table, is_whole = _first_batches(file)
        frame = pd.DataFrame({name: _texts(table[name]) for name in table.column_names}, dtype=object)
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise refuse("corrupt", str(file), "its content is damaged.", "Deliver it again.") from error
    lists = frozenset(each.name for each in schema if _is_list(each.type))
    nested = frozenset(each.name for each in schema if pa.types.is_nested(each.type)) - lists
    naive = frozenset(each.name for each in schema if pa.types.is_timestamp(each.type) and each.type.tz is None)
    return Sample(file, "parquet", frame, is_whole, lists, nested, naive)


def _first_batches(file: Path) -> "tuple[pa.Schema, pa.Table, bool]":
    import pyarrow as pa
    import pyarrow.parquet as pq

    taken: list[pa.RecordBatch] = []
    left = MAX_BYTES
    with pq.ParquetFile(file) as parquet:
        schema = parquet.schema_arrow
        checked_header(str(file), list(schema.names))
        for batch in parquet.iter_batches(batch_size=_BATCH, use_threads=False):
            taken.append(batch)
            left -= batch.nbytes
            if left < 0 or len(taken) * _BATCH >= MAX_ROWS:
                break
        n = parquet.metadata.num_rows
    table = pa.Table.from_batches(taken, schema=schema)
    return schema, table, table.num_rows == n


def _is_list(kind: "pa.DataType") -> bool:
    import pyarrow as pa

    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind)) and not pa.types.is_nested(kind.value_type)


def _texts(values: "pa.ChunkedArray") -> list[str]:
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_nested(values.type):
        return [_text(each) for each in values.to_pylist()]
    return [str(each) for each in pc.fill_null(pc.cast(values, pa.large_string()), "").to_pylist()]


def problem_of(error: SourceError) -> str:
    """Return what is wrong with a file, without its name."""
    return str(error).partition(": ")[2] or str(error)
