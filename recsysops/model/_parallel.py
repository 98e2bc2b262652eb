"""Independent pieces of numerical work, several at once. Not for LightGBM, which has threads of its own."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")


def each(work: Callable[[T], None], pieces: Iterable[T], threads: int) -> None:
    """Do `work` on every piece, `threads` at once; each uses one thread of linear algebra.

    The library's own threads wait for each other by spinning, which costs more than the products of such pieces do.
    """
    with _linear_algebra().limit(limits=1, user_api="blas"):
        if threads < 2:
            for piece in pieces:
                work(piece)
            return
        with ThreadPoolExecutor(threads) as executor:
            for _ in executor.map(work, pieces):
                pass


@cache
def _linear_algebra() -> Any:  # noqa: ANN401 - the library ships no types
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
