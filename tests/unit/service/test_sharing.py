from collections.abc import Sequence
from concurrent.futures import CancelledError
from threading import Event, Thread

import pytest

from recsysops.errors import BusyError
from recsysops.service.sharing import Sharing

SECONDS = 30


class Doubles:
    """Doubles numbers; a call waits until it is let go, and negative numbers break the call they are in."""

    def __init__(self) -> None:
        self.calls: list[list[int]] = []
        self.began, self.go = Event(), Event()

    def __call__(self, numbers: Sequence[int]) -> list[int]:
        self.calls.append(list(numbers))
        self.began.set()
        assert self.go.wait(SECONDS)
        if min(numbers) < 0:
            raise ValueError(f"{min(numbers)} cannot be doubled")
        return [2 * number for number in numbers]


def sharing(doubles: Doubles, *, together: int = 10, max_waiting: int = 100) -> Sharing[int, int]:
    return Sharing(doubles, fitting=lambda waiting: min(len(waiting), together), size=abs, max_waiting=max_waiting)


def test_what_comes_during_a_call_shares_the_next_one():
    doubles = Doubles()
    shared = sharing(doubles)

    first = shared.submit(1)
    doubles.began.wait(SECONDS)
    others = [shared.submit(number) for number in (2, 3, 4)]
    doubles.go.set()

    assert [future.result(SECONDS) for future in (first, *others)] == [2, 4, 6, 8]
    assert doubles.calls == [[1], [2, 3, 4]]


def test_no_more_go_together_than_fit():
    doubles = Doubles()
    shared = sharing(doubles, together=2)

    first = shared.submit(1)
    doubles.began.wait(SECONDS)
    others = [shared.submit(number) for number in (2, 3, 4)]
    doubles.go.set()

    assert [future.result(SECONDS) for future in (first, *others)] == [2, 4, 6, 8]
    assert doubles.calls == [[1], [2, 3], [4]]


def test_an_error_is_told_only_to_those_whose_own_it_is():
    doubles = Doubles()
    shared = sharing(doubles)

    shared.submit(1)
    doubles.began.wait(SECONDS)
    good, bad, fine = (shared.submit(number) for number in (2, -3, 4))
    doubles.go.set()

    assert (good.result(SECONDS), fine.result(SECONDS)) == (4, 8)
    with pytest.raises(ValueError, match="-3 cannot be doubled"):
        bad.result(SECONDS)
    assert doubles.calls[1:] == [[2, -3, 4], [2], [-3], [4]]


def test_too_much_waiting_is_turned_away_and_told_when_to_come_back():
    doubles = Doubles()
    shared = sharing(doubles, max_waiting=10)

    shared.submit(1)
    doubles.began.wait(SECONDS)
    waiting = shared.submit(500)
    with pytest.raises(BusyError, match="500 titles wait already") as refused:
        shared.submit(1)
    doubles.go.set()

    assert refused.value.retry_after_seconds > 0
    assert waiting.result(SECONDS) == 1000
    assert shared.submit(3).result(SECONDS) == 6


def test_a_question_taken_back_while_it_waits_is_not_answered():
    doubles = Doubles()
    shared = sharing(doubles)

    first = shared.submit(1)
    doubles.began.wait(SECONDS)
    alone = shared.submit(2)
    assert alone.cancel()
    doubles.go.set()

    assert first.result(SECONDS) == 2
    with pytest.raises(CancelledError):
        alone.result(SECONDS)
    assert shared.submit(5).result(SECONDS) == 10
    assert [2] not in doubles.calls


def test_every_one_of_many_askers_at_once_gets_its_own_answer():
    doubles = Doubles()
    doubles.go.set()
    shared = sharing(doubles, max_waiting=10**9)
    answers: dict[int, int] = {}

    def ask(number: int) -> None:
        answers[number] = shared.submit(number).result(SECONDS)

    threads = [Thread(target=ask, args=(number,)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)

    assert answers == {number: 2 * number for number in range(50)}
    assert sum(map(len, doubles.calls)) == 50
