"""One writing process at a time: a lock file that names its holder and that the system frees when the holder dies."""

import fcntl
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Final, Protocol

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
    store_url: str = "",
    progress: Callable[[str, float], None] | None = None,
    clock: Clock = system_clock,
) -> Iterator[None]:
    """Hold the right to write for as long as the block runs. Not reentrant.

    Args:
        folder: The data folder, where models are kept; made when absent.
        wait_seconds: How long to wait for another holder, >= 0.
        verb: What this process does, for those who wait.
        store_url: Where the store is; a lock of its own is held there when that is not the data folder, so that
            processes with other settings, or on other machines, wait too.
        progress: Told, while waiting, who holds the lock and which part of the wait is over.
        clock: Says since when it is held.

    Raises:
        StoreLockedError: Another process kept it for longer; names that process.
        StoreError: The lock file cannot be made, or the store cannot be reached.
    """
    with ExitStack() as held:
        for each in _locks(folder, store_url, verb, clock):
            lock = held.enter_context(each)
            _acquire(lock, wait_seconds, progress)
        yield


class WaitedFor(Protocol):
    """What may be held by somebody else."""

    def take(self) -> bool:
        """Take it, where it is free; return whether it is ours now."""
        ...

    def holder(self) -> str:
        """Return who holds it, as a reader wants it."""
        ...


def holder_sentence(verb: str, pid: object, host: str, since: object) -> str:
    """Return who holds a lock, as a reader wants it."""
    return f"`recsysops {verb}` (process {pid} on {host}, since {since})"


def _locks(folder: Path, store_url: str, verb: str, clock: Clock) -> Iterator[AbstractContextManager[WaitedFor]]:
    yield _file_lock(folder, verb, clock)
    if store_url:
        from recsysops.store.locking import lock_at_store

        if (other := lock_at_store(store_url, folder, verb)) is not None:
            yield _file_lock(other, verb, clock) if isinstance(other, Path) else other


def _acquire(lock: WaitedFor, wait_seconds: float, progress: Callable[[str, float], None] | None) -> None:
    start = time.monotonic()
    while not lock.take():
        holder = lock.holder()
        waited = time.monotonic() - start
        if waited >= wait_seconds:
            raise StoreLockedError.by(holder, waited)
        if progress is not None:
            progress(f"waiting for {holder}", waited / wait_seconds)
        time.sleep(min(_LOOK_AGAIN_SECONDS, wait_seconds - waited))


@contextmanager
def _file_lock(folder: Path, verb: str, clock: Clock) -> Iterator["_FileLock"]:
    path = folder / LOCK_FILE
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StoreError(
            f'The lock file cannot be made: "{path}": {error.strerror}. Name a folder you may write as service.data.'
        ) from error
    lock = _FileLock(descriptor, verb, clock)
    try:
        yield lock
    finally:
        lock.free()


class _FileLock:
    """A lock file that names its holder."""

    def __init__(self, descriptor: int, verb: str, clock: Clock) -> None:
        self._descriptor, self._verb, self._clock = descriptor, verb, clock
        self._is_ours = False

    def take(self) -> bool:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        _write(self._descriptor, _me(self._verb, self._clock))
        self._is_ours = True
        return True

    def holder(self) -> str:
        return _holder(self._descriptor)

    def free(self) -> None:
        try:
            if self._is_ours:
                # Emptied, not removed: a process that waits has this very file open.
                os.ftruncate(self._descriptor, 0)
        finally:
            os.close(self._descriptor)  # frees the lock


def _me(verb: str, clock: Clock) -> dict[str, object]:
    return {"pid": os.getpid(), "verb": verb, "host": socket.gethostname(), "started_at": clock().isoformat()}


def _write(descriptor: int, holder: dict[str, object]) -> None:
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, json.dumps(holder).encode(), 0)
    os.fsync(descriptor)


def _holder(descriptor: int) -> str:
    try:
        found = json.loads(os.pread(descriptor, 4096, 0))
        return holder_sentence(found["verb"], found["pid"], found["host"], found["started_at"])
    except (ValueError, KeyError, TypeError):
        return "another process"  # it has just begun or is just ending
