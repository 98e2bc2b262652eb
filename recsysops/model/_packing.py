"""JSON and arrays as the bytes of a model's files, and back: the same values, the same bytes. Not for trust."""

import io
import json

import numpy as np

from recsysops.model._asof import Floats


def json_bytes(entries: object) -> bytes:
    """Return JSON with sorted keys."""
    return json.dumps(entries, sort_keys=True, indent=1).encode()


def array_bytes(array: Floats) -> bytes:
    """Return an array of numbers as a `.npy` file."""
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(array, dtype="<f8"), allow_pickle=False)
    return buffer.getvalue()


def array_of(content: bytes) -> Floats:
    """Undo `array_bytes`."""
    return np.asarray(np.load(io.BytesIO(content), allow_pickle=False), dtype=np.float64)
