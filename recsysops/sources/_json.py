"""A line of JSON Lines: what it says, and where. Light: loads no frame library."""

import json
from collections.abc import Iterator, Mapping
from json.decoder import JSONDecoder
from typing import Any, Final


class NotJsonError(ValueError):
    """A line is no JSON object."""


def parsed(line: bytes) -> Mapping[str, Any]:
    """Return the object of a line, its numbers (NaN and Infinity too) as the text they are written as.

    Raises:
        NotJsonError: It is none, has a key twice, or no text that could be stored.
    """
    try:
        row = _DECODER.decode(line.decode())
        if b"\\u" in line:
            json.dumps(row, ensure_ascii=False).encode()  # half a surrogate pair is no text
    except (ValueError, RecursionError) as error:
        raise NotJsonError("no valid JSON") from error
    if not isinstance(row, dict):
        raise NotJsonError("no JSON object")
    return row


def paths(row: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the name of every column of an object, and the keys that lead to it."""
    waiting: list[tuple[tuple[str, ...], Any]] = [((key,), value) for key, value in row.items()]
    for keys, value in waiting:
        if isinstance(value, dict):
            waiting += [((*keys, key), inner) for key, inner in value.items()]
        else:
            yield ".".join(keys).strip(), keys


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) < len(pairs):
        raise NotJsonError("a key twice")
    return row


_DECODER: Final = JSONDecoder(parse_int=str, parse_float=str, parse_constant=str, object_pairs_hook=_once)
