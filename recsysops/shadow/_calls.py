"""One call at a time to code that may hang: in a thread that nobody waits for longer than allowed."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from recsysops.domain.text import plain
from recsysops.shadow._faults import Fault, Unanswered

T = TypeVar("T")
_TEXT: Final = 300
"""Characters of an error's text that are kept."""
MAX_FAILURES: Final = 5
"""After so many failures in a row nobody is asked any more."""


@dataclass
class _Shared:
    left: float
    """Seconds."""
    stuck: threading.Thread | None = None


class Calls:
    """Makes calls one after the other within a time for each and a time for all."""

    def __init__(
        self, timeout_seconds: float, total_seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Begin at zero: the time for all counts what is spent in calls, not between them."""
        self._timeout, self._clock = timeout_seconds, clock
        self._total = total_seconds
        self._shared = _Shared(total_seconds)
        self._failures = 0
        self._last: Unanswered | None = None

    def apart(self) -> "Calls":
        """Return calls out of the same time whose failures do not count here, nor these there."""
        other = Calls(self._timeout, self._total, self._clock)
        other._shared = self._shared
        return other

    @property
    def is_over(self) -> bool:
        """Whether no further call will be made."""
        return self._shared.left <= 0 or self._failures >= MAX_FAILURES

    def make(self, call: Callable[[], T | Unanswered]) -> T | Unanswered:
        """Return what `call` returns, or why there is nothing. Never raises for what happens inside the call."""
        refused = self._refused()
        if refused is not None:
            return refused
        began = self._clock()
        answer = self._in_thread(call, min(self._timeout, self._shared.left))
        self._shared.left -= self._clock() - began
        if isinstance(answer, Unanswered):
            self._failures, self._last = self._failures + 1, answer
        else:
            self._failures = 0
        return answer

    def _refused(self) -> Unanswered | None:
        if self._shared.left <= 0:
            said = f"The recommender's time for one run is used up ({self._total:g} s)."
            return Unanswered(fault=Fault.OUT_OF_TIME, reason=said)
        if self._failures >= MAX_FAILURES and self._last is not None:
            said = f"{self._failures} calls failed in a row; the last: {self._last.reason}"
            return Unanswered(fault=Fault.GAVE_UP, reason=said)
        if self._shared.stuck is not None:
            self._shared.stuck.join(min(self._timeout, self._shared.left))
            if self._shared.stuck.is_alive():
                said = f"An earlier call has not come back in twice its time (2 x {self._timeout:g} s)."
                return Unanswered(fault=Fault.HANGS, reason=said)
            self._shared.stuck = None
        return None

    def _in_thread(self, call: Callable[[], T | Unanswered], seconds: float) -> T | Unanswered:
        done: list[T | Unanswered] = []

        def work() -> None:
            try:
                done.append(call())
            except BaseException as error:  # noqa: BLE001 - a stranger's code may raise anything, SystemExit included
                said = plain(f"{type(error).__name__}: {error}", _TEXT)
                done.append(Unanswered(fault=Fault.RAISED, reason=f"It raised {said}"))

        # A daemon: a call that hangs keeps the process from ending no more than the run.
        thread = threading.Thread(target=work, name="recommender", daemon=True)
        thread.start()
        thread.join(seconds)
        if done:
            return done[0]
        self._shared.stuck = thread
        return Unanswered(fault=Fault.TOO_SLOW, reason=f"It did not answer within {seconds:.3g} s.")
