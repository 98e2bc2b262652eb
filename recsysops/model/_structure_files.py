"""Whether the files of a model are what they should be: names, sizes, JSON, arrays, and LightGBM texts.

Nothing of them is loaded by a library before. Not for whether they belong together: see `_golden`.
"""

import json
import math
import re
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from recsysops.model._structure import MAX_BYTES, MAX_COLUMNS, RejectedError, Tree, trees_of
from recsysops.model._structure_calibration import check_calibration

COLUMNS: Final = "columns.json"
CALIBRATION: Final = "calibration.json"
MAX_FILES: Final = 200
MAY_LACK: Final = "golden"
"""Arrays whose name begins so may hold missing values."""
_NAME: Final = re.compile(r"[a-z0-9_]{1,64}\.(txt|json|npy)")
_TEXT: Final = re.compile(r"([a-z0-9_]{1,64})_([0-9]{1,3})\.txt")
_MAGIC: Final = b"\x93NUMPY\x01\x00"
_ARRAY: Final = re.compile(rb"\{'descr': '<f8', 'fortran_order': False, 'shape': \(([0-9, ]{0,40})\), \} *\n")
_MAX_DIGITS: Final = 400


def check_files(files: Mapping[str, bytes]) -> dict[str, tuple[Tree, ...]]:
    """Check every file of a model but its manifest; return the trees of each LightGBM text by file name.

    Raises:
        RejectedError: A file is none of a model's, or not as we write it; the message begins with its name.
    """
    if not 1 <= len(files) <= MAX_FILES:
        raise RejectedError(f"there are {len(files)} files")
    trees: dict[str, tuple[Tree, ...]] = {}
    for name, content in sorted(files.items()):
        try:
            _check(name, content)
        except (RejectedError, ValueError, RecursionError) as error:
            raise RejectedError(f"{name[:80]}: {error or 'too deep'}") from error
    widths = _widths(files)
    for name, width in widths.items():
        try:
            trees[name] = trees_of(files[name], width)
        except RejectedError as error:
            raise RejectedError(f"{name}: {error}") from error
    return trees


def _check(name: str, content: bytes) -> None:
    found = _NAME.fullmatch(name)
    if found is None:
        raise RejectedError("a model has no such file")
    if len(content) > MAX_BYTES:
        raise RejectedError(f"{len(content)} bytes")
    if found[1] == "json":
        entries = parsed(content)
        if name == CALIBRATION:
            check_calibration(entries)
    elif found[1] == "npy":
        _array(content, may_lack=name.startswith(MAY_LACK))


def parsed(content: bytes) -> Any:  # noqa: ANN401 - JSON
    """Return the values of JSON in which every number is finite and no key is told twice.

    Raises:
        ValueError: It is no such JSON.
        RecursionError: It is too deep.
    """
    return json.loads(
        content.decode("utf-8"), object_pairs_hook=_once, parse_float=_finite, parse_int=_whole, parse_constant=_no_such
    )


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entries = dict(pairs)
    if len(entries) != len(pairs):
        raise RejectedError("a key is told twice")
    return entries


def _finite(text: str) -> float:
    value = float(text) if len(text) <= _MAX_DIGITS else math.inf
    if not math.isfinite(value):
        raise RejectedError("a number is not finite")
    return value


def _whole(text: str) -> int:
    if len(text) > 19:
        raise RejectedError("a whole number is too large")
    return int(text)


def _no_such(text: str) -> float:
    raise RejectedError(f"{text} is no number")


def _array(content: bytes, *, may_lack: bool) -> None:
    size = int.from_bytes(content[8:10], "little")
    head = _ARRAY.fullmatch(content[10 : 10 + size])
    if not content.startswith(_MAGIC) or len(content) < 10 + size or head is None:
        raise RejectedError("it is no array of numbers as we write them")
    shape = [int(each) for each in head[1].decode().replace(" ", "").split(",") if each]
    data = content[10 + size :]
    if math.prod(shape) * 8 != len(data):
        raise RejectedError("its shape is not that of its numbers")
    values = np.frombuffer(data, dtype="<f8")
    if np.isinf(values).any() or (not may_lack and np.isnan(values).any()):
        raise RejectedError("a number is not finite")


def _widths(files: Mapping[str, bytes]) -> dict[str, int]:
    """Return how many columns each LightGBM text was given."""
    if COLUMNS not in files:
        raise RejectedError(f"{COLUMNS} is missing")
    columns = parsed(files[COLUMNS])
    if not isinstance(columns, dict) or not all(map(_are_names, columns.values())):
        raise RejectedError(f"{COLUMNS}: it names no columns")
    numbers: dict[str, list[int]] = {name: [] for name in columns}
    widths = {}
    for name in files:
        if not name.endswith(".txt"):
            continue
        found = _TEXT.fullmatch(name)
        if found is None or found[1] not in numbers:
            raise RejectedError(f"{name}: {COLUMNS} knows no such model")
        numbers[found[1]].append(int(found[2]))
        widths[name] = len(columns[found[1]])
    for name, found_numbers in numbers.items():
        if not found_numbers or sorted(found_numbers) != list(range(len(found_numbers))):
            raise RejectedError(f"{name[:80]}: a text is missing")
    return widths


def _are_names(names: object) -> bool:
    return (
        isinstance(names, list)
        and 0 < len(names) <= MAX_COLUMNS
        and all(isinstance(name, str) for name in names)
        and len(set(names)) == len(names)
    )
