"""Processes that read files for this one: started when first needed, used again, killed when they take too long.

One set for the whole process, whoever asks: starting one takes longer than reading most files.
"""

import atexit
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import IO, Any, Final

from recsysops.settings import ReadingSettings
from recsysops.sources._frames import SPENT, BadFrameError, framed, head_size, lengths

MAX_IDLE: Final = 4
_START_SECONDS: Final = 60
_PATIENCE: Final = 6
_GLANCE: Final = 0.1
"""Seconds between two looks at a process that works."""
_KEPT: Final = ("PATH", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TZ")
"""Of the environment; passwords are not among it."""
_FRUGAL: Final = {
    "MALLOC_ARENA_MAX": "2",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "ARROW_IO_THREADS": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
}


class TooSlowError(TimeoutError):
    """The process was killed at the end of its time."""


class CrashedError(RuntimeError):
    """The process died, or said what makes no sense; the argument says which."""


class _Deadline:
    """A process's time for one job: what the processor spends on it, so that a busy machine refuses no honest file."""

    def __init__(self, pid: int, seconds: float) -> None:
        self._pid, self._seconds = pid, seconds
        self._began, self._used = time.monotonic(), _processor_seconds(pid)

    def wait(self, pipe: IO[bytes], what: int) -> None:
        """Wait until the pipe is ready.

        Raises:
            TooSlowError: The processor's time is used up, or _PATIENCE times as much has passed by the clock.
        """
        poll = select.poll()
        poll.register(pipe, what)
        while not poll.poll(min(_GLANCE, self._seconds) * 1000):
            used = _processor_seconds(self._pid)
            passed = time.monotonic() - self._began
            spent = passed if used is None or self._used is None else used - self._used
            if spent >= self._seconds or passed >= _PATIENCE * self._seconds:
                raise TooSlowError


def _processor_seconds(pid: int) -> float | None:
    """Return what the processor has spent on a process; None where the system does not say."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Worker:
    """One process that reads."""

    def __init__(self, limits: ReadingSettings, *, writes: bool = False) -> None:
        mode = ["writes"] if writes else []
        self._process = subprocess.Popen(  # noqa: S603 - this very program
            [sys.executable, "-P", "-m", "recsysops.sources._child", str(limits.child_memory_mb), *mode],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={name: os.environ[name] for name in _KEPT if name in os.environ} | _FRUGAL,
            start_new_session=True,  # an interrupt from the keyboard is for who asked
            bufsize=0,
        )
        self._most = limits.child_memory_mb * 1024**2 // 2
        self.pid = self._process.pid
        self.n_jobs = 0
        self._is_spent = False
        for pipe in (self._pipe_in, self._pipe_out):
            os.set_blocking(pipe.fileno(), False)

    @property
    def _pipe_in(self) -> IO[bytes]:
        assert self._process.stdin is not None
        return self._process.stdin

    @property
    def _pipe_out(self) -> IO[bytes]:
        assert self._process.stdout is not None
        return self._process.stdout

    def start(self) -> None:
        """Wait until it is ready."""
        self._receive(_Deadline(self.pid, _START_SECONDS))

    def ask(self, job: Mapping[str, Any], seconds: float) -> Sequence[bytearray]:
        """Return the answer to a job.

        Raises:
            TooSlowError: It took longer than `seconds`.
            CrashedError: It died, or answered with what is no message.
        """
        self.n_jobs += 1
        until = _Deadline(self.pid, seconds)
        try:
            self._send([json.dumps(dict(job) | {"seconds": seconds}).encode()], until)
            parts = self._receive(until)
        except BadFrameError as error:
            raise CrashedError(str(error)) from error
        self._is_spent = parts[-1] == SPENT
        return parts[:-1] if self._is_spent else parts

    def can_be_asked(self) -> bool:
        """Say whether it may be asked again."""
        return not self._is_spent and self._process.poll() is None

    def ended_well(self) -> bool:
        """Say whether it left by itself, having nothing to do."""
        with suppress(subprocess.TimeoutExpired):
            return self._process.wait(timeout=10) == 0
        return False

    def end(self) -> str:
        """Kill it; return what it died of."""
        self._process.kill()
        code = self._process.wait()
        self._pipe_in.close()
        self._pipe_out.close()
        return signal.Signals(-code).name if code < 0 else f"exit {code}"

    def _send(self, parts: Sequence[bytes], until: _Deadline) -> None:
        for piece in framed(parts):
            left = memoryview(piece)
            while left:
                until.wait(self._pipe_in, select.POLLOUT)
                try:
                    left = left[os.write(self._pipe_in.fileno(), left) :]
                except BrokenPipeError as error:
                    raise CrashedError("it had ended") from error

    def _receive(self, until: _Deadline) -> list[bytearray]:
        count = self._exactly(1, until)[0]
        sizes = lengths(self._exactly(head_size(count), until), self._most)
        return [self._exactly(size, until) for size in sizes]

    def _exactly(self, n: int, until: _Deadline) -> bytearray:
        data = bytearray(n)
        left = memoryview(data)
        while left:
            until.wait(self._pipe_out, select.POLLIN)
            taken = os.readv(self._pipe_out.fileno(), [left[: 1 << 20]])
            if not taken:
                raise CrashedError("it ended")
            left = left[taken:]
        return data


class Workers:
    """The processes of one set of limits."""

    def __init__(self, limits: ReadingSettings) -> None:
        self._limits = limits
        self._idle: list[Worker] = []
        self._lock = Lock()

    def ask(self, job: Mapping[str, Any], seconds: float) -> Sequence[bytearray]:
        """Return the answer of any of them; see `Worker.ask`."""
        while True:
            worker = self._take()
            try:
                parts = worker.ask(job, seconds)
            except CrashedError as error:
                if worker.n_jobs > 1 and worker.ended_well():  # it had left for want of work
                    worker.end()
                    continue
                raise CrashedError(worker.end()) from error
            except BaseException:
                worker.end()
                raise
            self._give_back(worker)
            return parts

    def close(self) -> None:
        """End those that wait for work."""
        with self._lock:
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.end()

    def pids(self) -> list[int]:
        """Return the processes that wait for work."""
        return [worker.pid for worker in self._idle]

    def _take(self) -> Worker:
        while True:
            with self._lock:
                worker = self._idle.pop() if self._idle else None
            if worker is None:
                return _started(self._limits)
            if worker.can_be_asked():
                return worker
            worker.end()

    def _give_back(self, worker: Worker) -> None:
        with self._lock:
            if len(self._idle) < MAX_IDLE and worker.can_be_asked():
                self._idle.append(worker)
                return
        worker.end()


def write_once(limits: ReadingSettings) -> Callable[[Mapping[str, Any], float], Sequence[bytearray]]:
    """Return what does one job in a process of its own, which may write files, and ends it."""

    def run(job: Mapping[str, Any], seconds: float) -> Sequence[bytearray]:
        worker = _started(limits, writes=True)
        try:
            return worker.ask(job, seconds)
        except CrashedError as error:
            raise CrashedError(worker.end()) from error
        finally:
            worker.end()

    return run


def _started(limits: ReadingSettings, *, writes: bool = False) -> Worker:
    worker = Worker(limits, writes=writes)
    try:
        worker.start()
    except BaseException as error:
        died_of = worker.end()
        if isinstance(error, TooSlowError | CrashedError):
            raise CrashedError(f"it did not start: {died_of}") from error
        raise
    return worker


_known: dict[tuple[int, ReadingSettings], Workers] = {}
_known_lock: Final = Lock()


def workers_of(limits: ReadingSettings) -> Workers:
    """Return this process's workers with these limits."""
    with _known_lock:
        key = (os.getpid(), limits)
        if key not in _known:
            if not _known:
                atexit.register(close_workers)
            _known[key] = Workers(limits)
        return _known[key]


def close_workers() -> None:
    """End all workers of this process that wait for work; those that follow start anew."""
    for (pid, _), workers in list(_known.items()):
        if pid == os.getpid():
            workers.close()
