"""The process that reads untrusted files: asked over its standard input, held to a memory, killed when it is too slow.

Started as `python -m recsysops.sources._child MEGABYTES [writes]`. Without `writes` it can write no file; what it
answers is data, never code.
"""

import json
import os
import resource
import select
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Final

from recsysops.sources._frames import SPENT, read_frame, write_frame
from recsysops.sources._jobs import NO_MEMORY, answer

_IDLE_SECONDS: Final = 300
_CODE_MB: Final = 64
"""Memory that the libraries' own code takes, which no limit of data counts."""


def main(megabytes: int, *, writes: bool = False) -> int:
    """Answer until nobody asks any more."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):  # what a library prints must not look like an answer
        os.dup2(nowhere, descriptor)
    limit(megabytes, writes=writes)
    write_frame(answers, [b"{}"])
    serve(requests, answers, megabytes)
    return 0


def limit(megabytes: int, *, writes: bool) -> None:
    """Give this process its limits: memory, no core dumped, no file written unless it `writes`."""
    memory = (megabytes - _CODE_MB) * 1024**2
    # RLIMIT_AS would count address space that nothing ever touches, of which the libraries reserve gigabytes.
    limits = {resource.RLIMIT_DATA: memory, resource.RLIMIT_CORE: 0}
    if not writes:
        limits[resource.RLIMIT_FSIZE] = 0
    for kind, most in limits.items():
        resource.setrlimit(kind, (most, most))


def serve(requests: IO[bytes], answers: IO[bytes], megabytes: int) -> None:
    """Answer request after request; leave when idle, and when memory was not given back."""
    while select.select([requests], [], [], _IDLE_SECONDS)[0]:
        parts = read_frame(requests, megabytes * 1024**2)
        if not parts:
            return
        job = json.loads(parts[0])
        _limit_time(job["seconds"])
        try:
            said: Sequence[bytes] = answer(job)
        except MemoryError:
            said = [NO_MEMORY]
        except Exception as error:  # noqa: BLE001 - whatever a hostile file brings about, there is an answer
            said = [json.dumps({"failed": "error", "what": type(error).__name__}).encode()]
        is_spent = _data_bytes() > (megabytes - _CODE_MB) * 1024**2 // 2
        write_frame(answers, [*said, SPENT] if is_spent else said)
        if is_spent:
            return


def _limit_time(seconds: float) -> None:
    """Limit the processor's time as well: who asked may be gone, and then nobody kills this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    most = int(used.ru_utime + used.ru_stime + seconds) + 5
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _data_bytes() -> int:
    """Return the memory that the limit counts; 0 where the system does not say."""
    try:
        said = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in said.splitlines() if line.startswith("VmData:")), 0)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), writes="writes" in sys.argv[2:]))
