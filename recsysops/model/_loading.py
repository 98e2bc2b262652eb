"""Asks another process to load a model before this one does: it may die of it, this one may not."""

import atexit
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from threading import Lock
from typing import IO, Any, Final

MEMORY_MB: Final = 1536
"""Data of the process, the libraries' own included."""
SECONDS: Final = 5.0
"""Processor time to load one model and ask it."""
_WAIT_SECONDS: Final = 60.0
"""By the clock: another process may keep the processor busy, and that refuses no honest model."""
_ANSWER: Final = 1 << 16
_KEPT: Final = ("PATH", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TZ")
"""Of the environment; passwords are not among it."""
_FRUGAL: Final = {
    "MALLOC_ARENA_MAX": "2",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
}


class LostError(RuntimeError):
    """The process died, was too slow, or said what makes no sense; the argument says which."""


class DiedError(LostError):
    """The part of it that loads died of the model; the process itself can be asked again."""


class _GoneError(LostError):
    """It had ended."""


class Loader:
    """The process, started when first needed and used again."""

    def __init__(self, *, seconds: float = SECONDS, wait_seconds: float = _WAIT_SECONDS) -> None:
        """Start nothing yet; a model may take `seconds` of the processor and `wait_seconds` by the clock."""
        self._seconds, self._wait = seconds, wait_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = Lock()

    def why_not(self, job: Mapping[str, Any]) -> str:
        """Return why the process found that a model cannot be trusted; empty where it can.

        Args:
            job: `place`, `model_id` and `manifest_sha256`.

        Raises:
            LostError: The process did not survive it.
        """
        with self._lock:
            try:
                return self._kept_asked(job)
            except _GoneError:
                # It had left for want of work in this very moment.
                return self._kept_asked(job)

    def close(self) -> None:
        """End the process; a later question starts another."""
        with self._lock:
            self._end()

    def _kept_asked(self, job: Mapping[str, Any]) -> str:
        """Ask, and end the process where it can not be asked again."""
        is_used = self._process is not None
        try:
            return self._asked(job)
        except DiedError:
            raise
        except _GoneError as error:
            self._end()
            if is_used:
                raise
            raise LostError(str(error)) from error
        except LostError:
            self._end()
            raise

    def _asked(self, job: Mapping[str, Any]) -> str:
        if self._process is None:
            self._process = _started()
            self._line(self._process)
        process = self._process
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps({**job, "seconds": self._seconds}).encode() + b"\n")
        except BrokenPipeError as error:
            raise _GoneError(self._died()) from error
        answer = self._line(process)
        if isinstance(answer, dict) and isinstance(answer.get("lost"), str):
            is_slow = answer["lost"] in {"SIGXCPU", "SIGKILL"}
            slow = f"it took more than {self._seconds:.0f} s of the processor"
            raise DiedError(slow if is_slow else f"it died of {answer['lost'][:20]}")
        if not isinstance(answer, dict) or not isinstance(answer.get("why_not"), str):
            raise LostError("it answered what makes no sense")
        return str(answer["why_not"])[:2000]

    def _line(self, process: "subprocess.Popen[bytes]") -> Any:  # noqa: ANN401 - JSON
        assert process.stdout is not None
        said, until = b"", time.monotonic() + self._wait
        while not said.endswith(b"\n"):
            left = until - time.monotonic()
            if left <= 0 or not select.select([process.stdout], [], [], left)[0]:
                raise LostError(f"it took longer than {self._wait:.0f} s")
            piece = _some(process.stdout)
            if not piece:
                raise _GoneError(self._died())
            said += piece
            if len(said) > _ANSWER:
                raise LostError("it answered what makes no sense")
        try:
            return json.loads(said)
        except ValueError as error:
            raise LostError("it answered what makes no sense") from error

    def _died(self) -> str:
        assert self._process is not None
        code = self._process.wait(10)
        return f"it ended with {signal.Signals(-code).name if code < 0 else f'exit {code}'}"

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        # Its group: what loads a model is a process of its own.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None
            pipe.close()


def _some(pipe: IO[bytes]) -> bytes:
    return os.read(pipe.fileno(), _ANSWER)


def _started() -> "subprocess.Popen[bytes]":
    return subprocess.Popen(  # noqa: S603 - this very program
        [sys.executable, "-P", "-m", "recsysops.model._loading_child", str(MEMORY_MB)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={name: os.environ[name] for name in _KEPT if name in os.environ} | _FRUGAL,
        start_new_session=True,  # an interrupt from the keyboard is for who asked
        bufsize=0,
    )


_known: dict[int, Loader] = {}
_known_lock: Final = Lock()


def loader() -> Loader:
    """Return this process's loader."""
    with _known_lock:
        if os.getpid() not in _known:
            if not _known:
                atexit.register(close_loader)
            _known[os.getpid()] = Loader()
        return _known[os.getpid()]


def close_loader() -> None:
    """End the process that this one asks, if any."""
    own = _known.get(os.getpid())
    if own is not None:
        own.close()
