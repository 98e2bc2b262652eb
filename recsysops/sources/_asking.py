"""Asks the process that reads, and turns what it says, or that it says nothing, into rows or a refusal."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from recsysops.errors import SourceError
from recsysops.settings import ReadingSettings
from recsysops.sources._jobs import NeedsLaunchesError, answer
from recsysops.sources._refusal import refuse
from recsysops.sources._workers import CrashedError, TooSlowError, workers_of
from recsysops.sources.codes import FILE_CODES

Runner = Callable[[Mapping[str, Any], float], Sequence[bytes | bytearray]]
"""Does a job of `_jobs` within seconds; raises TooSlowError or CrashedError."""

_MAX_MESSAGE: Final = 4000


def in_this_process(job: Mapping[str, Any], seconds: float) -> Sequence[bytes]:  # noqa: ARG001 - a Runner
    """Do a job here and without limits: for tests, and for files that are trusted."""
    return answer(job)


class Asking:
    """Every file is read by asking."""

    def __init__(self, limits: ReadingSettings, runner: Runner | None = None) -> None:
        """Ask the limited process, or `runner` instead."""
        self._limits = limits
        self._runner = runner
        self.memory_mb = limits.child_memory_mb

    def ask(
        self, job: Mapping[str, Any], file: Path, *, size: int | None = None
    ) -> tuple[dict[str, Any], Sequence[bytes | bytearray]]:
        """Return what an answer says: its facts, and its parts of Arrow; `size` in bytes, where it is not the file's.

        Raises:
            SourceError: The file cannot be read as a whole.
            NeedsLaunchesError: The job needs the launches and does not have them.
        """
        n_bytes = file.stat().st_size if size is None else size
        seconds = self._limits.child_seconds + self._limits.seconds_per_mb * n_bytes / 1024**2
        runner = self._runner or workers_of(self._limits).ask
        try:
            first, *parts = runner(job, seconds)
            facts = json.loads(bytes(first))
        except TooSlowError as error:
            raise self._too_slow(file, seconds) from error
        except CrashedError as error:
            raise crashed(file, str(error)) from error
        except ValueError as error:
            raise crashed(file, "an answer that is none") from error
        if not isinstance(facts, dict):
            raise crashed(file, "an answer that is none")
        self._expect_success(facts, file)
        return facts, parts

    def _expect_success(self, facts: Mapping[str, Any], file: Path) -> None:
        if facts.get("needs") == "launches":
            raise NeedsLaunchesError
        if facts.get("failed") == "memory":
            raise self._too_large(file)
        if "failed" in facts:
            raise crashed(file, str(facts.get("what", ""))[:80])
        if "refused" in facts:
            code = facts["refused"] if facts["refused"] in FILE_CODES else "reader-crashed"
            said = str(facts.get("message", ""))[:_MAX_MESSAGE]
            raise SourceError("".join(each for each in said if each.isprintable()), code=code, file=str(file))

    def _too_large(self, file: Path) -> SourceError:
        most = self._limits.child_memory_mb
        return refuse(
            "too-large", str(file), f"reading it takes more memory than it may have ({most} MB).",
            "If the file is as it should be, split it or raise child_memory_mb under [reading].",
        )  # fmt: skip

    def _too_slow(self, file: Path, seconds: float) -> SourceError:
        return refuse(
            "too-slow", str(file), f"reading it takes longer than it may ({seconds:.0f} s).",
            "If the file is as it should be, split it or raise child_seconds or seconds_per_mb under [reading].",
        )  # fmt: skip


def crashed(file: Path, what: str) -> SourceError:
    """Build the error for a process that died or made no sense; `what` it died of."""
    return refuse(
        "reader-crashed", str(file), f"the process that read it died ({what}): the file may be damaged or hostile.",
        "Deliver it again; if it is as it should be, raise child_memory_mb under [reading].",
    )  # fmt: skip
