"""Parquet as text, so that it meets the same rules as CSV. Not for logs."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from recsysops.sources._csv import checked_header
from recsysops.sources._raw import RawTable
from recsysops.sources._refusal import refuse

if TYPE_CHECKING:
    import pyarrow as pa

JOINED: Final = "\x1f"
"""Between the elements of a list, once they are one text."""
MAX_BYTES: Final = 2 * 1024**3


def read_parquet(file: Path, ignore: tuple[str, ...]) -> RawTable:
    """Read a Parquet file, without the columns to `ignore`.

    Raises:
        SourceError: The file cannot be read as a whole.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    name = str(file)
    try:
        with pq.ParquetFile(file) as parquet:
            header = checked_header(name, list(parquet.schema_arrow.names))
            size = sum(parquet.metadata.row_group(i).total_byte_size for i in range(parquet.metadata.num_row_groups))
            if size > MAX_BYTES:
                raise refuse("too-large", name, "it holds more than 2 GiB.", "Split it into several files.")
            table = parquet.read(columns=[column for column in header if column not in ignore])
    except (pa.ArrowException, OSError) as error:
        raise refuse("corrupt", name, "its content is damaged.", "Deliver it again.") from error
    lists = {field.name: JOINED for field in table.schema if _is_list(field.type)}
    columns = {column: _as_text(name, column, table[column]) for column in table.column_names}
    return RawTable(
        file=name,
        frame=pd.DataFrame(columns, dtype=object),
        numbers=np.arange(1, table.num_rows + 1, dtype=np.int64),
        rows_in=table.num_rows,
        lists=lists,
    )


def _is_list(kind: "pa.DataType") -> bool:
    import pyarrow as pa

    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind))


def _as_text(file: str, column: str, values: "pa.ChunkedArray") -> np.ndarray[Any, Any]:
    """Return the values as text, empty where missing."""
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        if _is_list(values.type):
            texts = [_joined(each) for each in values.to_pylist()]
        else:
            texts = pc.fill_null(pc.cast(values, pa.large_string()), "").to_pylist()
    except (pa.ArrowException, UnicodeDecodeError) as error:
        found = f'the column "{column[:60]}" holds {values.type} (expected text, numbers, times or lists of these).'
        raise refuse("wrong-type", file, found, "Write it as text, or name it under ignore.") from error
    array = np.empty(len(texts), dtype=object)
    array[:] = texts
    return array


def _joined(elements: list[Any] | None) -> str:
    return "" if elements is None else JOINED.join("" if each is None else str(each) for each in elements)
