"""Rows that are kept once, whatever batch brings them again: versions and changes."""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from json.encoder import encode_basestring_ascii
from typing import Any

from sqlalchemy.orm import Session

from recsysops import columns as c
from recsysops.store.bulk import insert_columns
from recsysops.store.frames import micros
from recsysops.store.tables import Tables


def add_once(
    session: Session,
    model: type[Tables],
    names: Sequence[str],
    lists: Sequence[Sequence[Any]],
    batch_id: str,
    loaded_at: datetime,
) -> int:
    """Add the rows that are not there yet; return how many that were.

    Args:
        session: Inside a transaction.
        model: A table with row_hash, batch_id and loaded_at.
        names: Columns by which a row is known again.
        lists: One list of stored values per name, as `plain_columns` makes them.
        batch_id: What brought them.
        loaded_at: When; aware.
    """
    hashes = row_hashes(lists)
    n = len(hashes)
    written = (*names, "row_hash", "batch_id", c.LOADED_AT)
    values = [*lists, hashes, [batch_id] * n, [micros(loaded_at)] * n]
    return insert_columns(session, model, written, values, once_by="row_hash")


def row_hashes(lists: Sequence[Sequence[Any]]) -> list[str]:
    """Return the hash of each row, by which it is known again.

    It is kept for good: hashing rows in another way would make every known row new again. What is hashed is the row as
    a JSON list, put together column by column, which is faster than writing row by row.
    """
    digest = hashlib.blake2b
    rows = map(", ".join, zip(*(_as_json(values) for values in lists), strict=True))
    return [digest(f"[{row}]".encode(), digest_size=16).hexdigest() for row in rows]


def _as_json(values: Sequence[Any]) -> list[str]:
    kinds = set(map(type, values))
    if kinds == {str}:
        return list(map(encode_basestring_ascii, values))
    return list(map(str if kinds == {int} else json.dumps, values))
