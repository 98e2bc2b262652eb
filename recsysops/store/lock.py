"""One writing process at a time: a lock file that names its holder and that the system frees when the holder dies."""

import fcntl
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from recsysops.clock import Clock, system_clock
from recsysops.errors import StoreError, StoreLockedError

LOCK_FILE: Final = "writer.lock"
_LOOK_AGAIN_SECONDS: Final = 0.1


@contextmanager
def writer_lock(
    folder: Path,
    *,
    wait_seconds: float,
    verb: str,
    progress: Callable[[str, float], None] | None = None,
    clock: Clock = system_clock,
) -> Iterator[None]:
    """Hold the right to write for as long as the block runs. Not reentrant.

    Args:
        folder: The data folder; made when absent.
        wait_seconds: How long to wait for another holder, >= 0.
        verb: What this process does, for those who wait.
        progress: Told, while waiting, who holds the lock and which part of the wait is over.
        clock: Says since when it is held.

    Raises:
        StoreLockedError: Another process kept it for longer; names that process.
        StoreError: The lock file cannot be made.
    """
    path = folder / LOCK_FILE
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StoreError(
            f'The lock file cannot be made: "{path}": {error.strerror}. Name a folder you may write as service.data.'
        ) from error
    try:
        _acquire(descriptor, wait_seconds, progress)
        _write(descriptor, _me(verb, clock))
        try:
            yield
        finally:
            # Emptied, not removed: a process that waits has this very file open.
            os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)  # frees the lock


def _acquire(descriptor: int, wait_seconds: float, progress: Callable[[str, float], None] | None) -> None:
    start = time.monotonic()
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = _holder(descriptor)
            waited = time.monotonic() - start
            if waited >= wait_seconds:
                raise StoreLockedError.by(holder, waited) from error
            if progress is not None:
                progress(f"waiting for {holder}", waited / wait_seconds)
            time.sleep(min(_LOOK_AGAIN_SECONDS, wait_seconds - waited))
        else:
            return


def _me(verb: str, clock: Clock) -> dict[str, object]:
    return {"pid": os.getpid(), "verb": verb, "host": socket.gethostname(), "started_at": clock().isoformat()}


def _write(descriptor: int, holder: dict[str, object]) -> None:
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, json.dumps(holder).encode(), 0)
    os.fsync(descriptor)


def _holder(descriptor: int) -> str:
    try:
        found = json.loads(os.pread(descriptor, 4096, 0))
        return f"`recsysops {found['verb']}` (process {found['pid']} on {found['host']}, since {found['started_at']})"
    except (ValueError, KeyError, TypeError):
        return "another process"  # it has just begun or is just ending
