"""Messages between the service and the process that reads: a count, lengths, and bytes."""

import struct
from collections.abc import Sequence
from typing import IO, Final

MAX_PARTS: Final = 8
SPENT: Final = b"spent"
"""Last part of the last answer of a process that holds too much memory to read another file."""
_COUNT: Final = struct.Struct(">B")
_LENGTH: Final = struct.Struct(">Q")


class BadFrameError(ValueError):
    """What arrived is no message."""


def head_size(n_parts: int) -> int:
    """Return the bytes of lengths before the parts."""
    if not 1 <= n_parts <= MAX_PARTS:
        raise BadFrameError(f"{n_parts} parts")
    return n_parts * _LENGTH.size


def lengths(head: bytes | bytearray, most: int) -> list[int]:
    """Return the lengths of the parts.

    Raises:
        BadFrameError: They hold more than `most` bytes together.
    """
    said = [size for (size,) in _LENGTH.iter_unpack(head)]
    if sum(said) > most:
        raise BadFrameError(f"{sum(said)} bytes")
    return said


def framed(parts: Sequence[bytes]) -> list[bytes]:
    """Return a message as the pieces to write."""
    return [_COUNT.pack(len(parts)) + b"".join(_LENGTH.pack(len(part)) for part in parts), *parts]


def write_frame(stream: IO[bytes], parts: Sequence[bytes]) -> None:
    """Write a message."""
    for piece in framed(parts):
        stream.write(piece)
    stream.flush()


def read_frame(stream: IO[bytes], most: int) -> list[bytes]:
    """Read a message of at most `most` bytes; empty at the end of the stream."""
    count = stream.read(_COUNT.size)
    if not count:
        return []
    head = stream.read(head_size(count[0]))
    return [stream.read(size) for size in lengths(head, most)]
