"""The process that loads a model first: held to a memory and a time, so that only it dies of a hostile one.

Started as `python -m recsysops.model._loading_child MEGABYTES`. Asked one line of JSON at a time; answers one
line, data and never code. Not for predictions that anybody is served.
"""

import json
import os
import resource
import select
import signal
import sys
from pathlib import Path
from typing import IO, Any, Final

from recsysops.columns import MODEL_ID
from recsysops.errors import ModelError

_IDLE_SECONDS: Final = 120
_LINE: Final = 1 << 16


def main(megabytes: int) -> int:
    """Answer until nobody asks any more."""
    asked, answers = os.fdopen(os.dup(0), "rb", buffering=0), os.fdopen(os.dup(1), "wb", buffering=0)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):  # what the library prints must not look like an answer
        os.dup2(nowhere, descriptor)
    import lightgbm  # noqa: F401 - what takes long is done before the first model's time begins

    from recsysops.model import _contents  # noqa: F401

    # RLIMIT_AS would count address space that nothing ever touches, of which the libraries reserve gigabytes.
    limits = {resource.RLIMIT_DATA: megabytes * 1024**2, resource.RLIMIT_CORE: 0, resource.RLIMIT_FSIZE: 0}
    for kind, most in limits.items():
        resource.setrlimit(kind, (most, most))
    answers.write(b"{}\n")
    return serve(asked, answers)


def serve(asked: IO[bytes], answers: IO[bytes]) -> int:
    """Answer job after job; leave when nobody asks for long."""
    while select.select([asked], [], [], _IDLE_SECONDS)[0]:
        line = asked.readline(_LINE)
        if not line.endswith(b"\n"):
            break
        answers.write(json.dumps(apart(json.loads(line))).encode() + b"\n")
    return 0


def apart(job: dict[str, Any]) -> dict[str, str]:
    """Answer a job in a process of its own, so that a model that kills it costs no new start of the libraries."""
    receive, send = os.pipe()
    own = os.fork()
    if not own:
        os.close(receive)
        os.write(send, answer(job).encode()[:_LINE])
        os._exit(0)  # nothing of this process is to be run to its end twice
    os.close(send)
    with os.fdopen(receive, "rb") as pipe:
        said = pipe.read(_LINE)
    code = os.waitstatus_to_exitcode(os.waitpid(own, 0)[1])
    if code:
        return {"lost": signal.Signals(-code).name if code < 0 else f"exit {code}"}
    return {"why_not": said.decode(errors="replace")}


def answer(job: dict[str, Any]) -> str:
    """Return why a model cannot be trusted; empty where it loads, is what its files say, and answers as in training."""
    from recsysops.model import _contents, _files, _golden
    from recsysops.model._structure import RejectedError, check_parameters

    try:
        _limit_time(job["seconds"])
        manifest = _files.manifest_of(Path(job["place"]), job[MODEL_ID], job["manifest_sha256"])
        files = _files.listed(Path(job["place"]), manifest, job[MODEL_ID])
        for name in files:
            if name.endswith(".txt"):
                check_parameters(files[name])
        model = _contents.model_of(files)
        again = _contents.files_of(model)
        if {name: files.get(name) for name in again} != again or not again.keys() <= files.keys():
            return "what was loaded is not what its files say"
        if files.keys() - again.keys() - {_golden.ROWS, _golden.EDGES}:
            return "it has files that nobody reads"
        if _golden.golden_answers(model, files) != manifest["golden"]:
            return "it predicts otherwise than when it was trained"
    except ModelError as error:
        return str(error)
    except RejectedError as error:
        return f"its file is not as we write it ({error})"
    except MemoryError:
        return "it needs more memory than a model may"
    except Exception as error:  # noqa: BLE001 - whatever a hostile file brings about, there is an answer
        return f"it cannot be loaded ({type(error).__name__})"
    return ""


def _limit_time(seconds: float) -> None:
    """Limit the processor's time: a model that never finishes loading ends this process, whoever still waits."""
    most = int(seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (most, most))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
