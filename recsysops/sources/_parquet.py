"""Parquet as text, so that it meets the same rules as CSV. Not for logs."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from recsysops.sources._raw import JOINED, RawTable
from recsysops.sources._refusal import refuse
from recsysops.sources._text import checked_header

if TYPE_CHECKING:
    import pyarrow as pa

MAX_BYTES: Final = 2 * 1024**3
MAX_CELLS: Final = 50_000_000
"""A column of one repeated value costs a file next to nothing."""


def read_parquet(file: Path, ignore: tuple[str, ...]) -> RawTable:
    """Read a Parquet file, without the columns to `ignore`.

    Raises:
        SourceError: The file cannot be read as a whole.
        MemoryError: It holds more than the memory.
    """
    import pyarrow as pa

    name = str(file)
    try:
        table = _decoded(file, ignore)
    except MemoryError:
        raise
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        if "alloc" in str(error):
            raise MemoryError(str(error)) from error
        raise refuse("corrupt", name, "its content is damaged.", "Deliver it again.") from error
    lists = {field.name: JOINED for field in table.schema if _is_list(field.type)}
    columns = {column: _as_text(name, column, table[column]) for column in table.column_names}
    return RawTable(
        file=name,
        frame=pd.DataFrame(columns, dtype=object, copy=False),
        numbers=np.arange(1, table.num_rows + 1, dtype=np.int64),
        rows_in=table.num_rows,
        lists=lists,
    )


def _decoded(file: Path, ignore: tuple[str, ...]) -> "pa.Table":
    """Return the columns that are read; texts as dictionaries, so that a repeated one is in memory once."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    name = str(file)
    with pq.ParquetFile(file) as parquet:
        schema, facts = parquet.schema_arrow, parquet.metadata
        header = checked_header(name, list(schema.names))
        wanted = [column for column in schema.names if column.strip() not in ignore]
        size = sum(facts.row_group(i).total_byte_size for i in range(facts.num_row_groups))
        if size > MAX_BYTES or facts.num_rows * len(header) > MAX_CELLS:
            found = f"it holds more than 2 GiB, or more than {MAX_CELLS:,} cells."
            raise refuse("too-large", name, found, "Split it into several files.")
        texts = [field.name for field in schema if pa.types.is_string(field.type) or pa.types.is_binary(field.type)]
    with pq.ParquetFile(file, read_dictionary=texts, pre_buffer=False) as parquet:
        table: pa.Table = parquet.read(columns=wanted, use_threads=False)
    table.validate(full=True)
    return table.rename_columns([column.strip() for column in table.column_names])


def _is_list(kind: "pa.DataType") -> bool:
    import pyarrow as pa

    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind))


def _as_text(file: str, column: str, values: "pa.ChunkedArray") -> np.ndarray[Any, Any]:
    """Return the values as text, empty where missing."""
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        if _is_list(values.type):
            return _objects([_joined(each) for each in values.to_pylist()])
        if pa.types.is_dictionary(values.type):
            return np.concatenate([_looked_up(chunk) for chunk in values.chunks] or [_objects([])])
        return _objects(pc.fill_null(pc.cast(values, pa.large_string()), "").to_pylist())
    except MemoryError:
        raise
    except (pa.ArrowException, UnicodeDecodeError) as error:
        found = f'the column "{column[:60]}" holds {str(values.type)[:60]} (expected text, numbers, times or lists).'
        raise refuse("wrong-type", file, found, "Write it as text, or name it under ignore.") from error


def _looked_up(chunk: "pa.DictionaryArray") -> np.ndarray[Any, Any]:
    import pyarrow as pa
    import pyarrow.compute as pc

    known = _objects([*pc.cast(chunk.dictionary, pa.large_string()).to_pylist(), ""])
    known[known == None] = ""  # noqa: E711 - each element is compared
    place = pc.fill_null(chunk.indices, len(known) - 1).to_numpy(zero_copy_only=False)
    found: np.ndarray[Any, Any] = known[place]
    return found


def _objects(texts: list[Any]) -> np.ndarray[Any, Any]:
    array = np.empty(len(texts), dtype=object)
    array[:] = texts
    return array


def _joined(elements: list[Any] | None) -> str:
    return "" if elements is None else JOINED.join("" if each is None else _element(each) for each in elements)


def _element(value: object) -> str:
    import pyarrow as pa

    if isinstance(value, dict | list):
        raise pa.ArrowTypeError("a list of lists or records")
    return str(value)
