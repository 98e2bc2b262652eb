"""Calls that come at the same time share one: the first goes at once, those that come meanwhile go together after it.

Knows nothing of what is asked. One call is under way at any time, in a thread of its own.
"""

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import wraps
from threading import Condition, Lock
from typing import Final, Generic, ParamSpec, TypeVar

from recsysops.errors import BusyError

Q = TypeVar("Q")
A = TypeVar("A")
P = ParamSpec("P")
GATHER_SECONDS: Final = 0.005
"""How long a call waits for as many as shared the one before, when several did."""


@dataclass(frozen=True)
class _Waiting(Generic[Q, A]):
    question: Q
    size: int
    future: "Future[A]" = field(default_factory=Future)


class Sharing(Generic[Q, A]):
    """Gathers questions and answers them together. Safe between threads."""

    def __init__(
        self,
        answer: Callable[[Sequence[Q]], Sequence[A]],
        *,
        fitting: Callable[[Sequence[Q]], int],
        size: Callable[[Q], int],
        max_waiting: int,
    ) -> None:
        """Start nothing yet.

        Args:
            answer: Answers questions together, in order; one answer must not depend on the other questions. Where it
                raises for several, each is asked alone, so that only those hear of an error whose own it is.
            fitting: How many of the questions that wait, the longest waiting first, go into one call; at least 1.
            size: Of a question, in what `max_waiting` counts.
            max_waiting: What may wait before the next one is turned away; a question of any size may wait alone.
        """
        self._answer, self._fitting, self._size = answer, fitting, size
        self._max_waiting = max_waiting
        self._waiting: deque[_Waiting[Q, A]] = deque()
        self._changed = Condition()
        self._is_running = False
        self._shared_last = 1
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sharing")

    def submit(self, question: Q) -> "Future[A]":
        """Return what will hold the answer, or the error; cancelling it takes a waiting question back.

        Raises:
            BusyError: Too much waits already.
        """
        asked: _Waiting[Q, A] = _Waiting(question, self._size(question))
        with self._changed:
            size = sum(each.size for each in self._waiting)
            if self._waiting and size + asked.size > self._max_waiting:
                raise BusyError.of(size)
            self._waiting.append(asked)
            self._changed.notify()
            if not self._is_running:
                self._is_running = True
                self._thread.submit(self._work)
        return asked.future

    def _work(self) -> None:
        while batch := self._next():
            self._tell([each for each in batch if each.future.set_running_or_notify_cancel()])

    def _next(self) -> list[_Waiting[Q, A]]:
        """Return what goes together now; nothing where nothing waits, and then the work has ended."""
        with self._changed:
            if self._shared_last > 1:
                # Those just answered are about to ask again: together with them is quicker than before them.
                self._changed.wait_for(lambda: len(self._waiting) >= self._shared_last, GATHER_SECONDS)
            n = self._fitting([each.question for each in self._waiting]) if self._waiting else 0
            batch = [self._waiting.popleft() for _ in range(n)]
            self._shared_last = len(batch)
            self._is_running = bool(batch)
        return batch

    def _tell(self, batch: Sequence[_Waiting[Q, A]]) -> None:
        if not batch:
            return
        try:
            answers = self._answer([each.question for each in batch])
        except BaseException as error:  # noqa: BLE001 - whoever asked must hear of it, whatever it is
            if len(batch) == 1:
                batch[0].future.set_exception(error)
                return
            for each in batch:
                self._tell([each])
        else:
            for each, answer in zip(batch, answers, strict=True):
                each.future.set_result(answer)


def one_at_a_time(work: Callable[P, A], lock: AbstractContextManager[object] | None = None) -> Callable[P, A]:
    """Return `work` behind a lock: requests come in threads, table checks and forecaster keep state between calls."""
    own = lock or Lock()

    @wraps(work)
    def alone(*args: P.args, **kwargs: P.kwargs) -> A:
        with own:
            return work(*args, **kwargs)

    return alone
