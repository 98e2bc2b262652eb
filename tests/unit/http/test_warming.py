"""The board is read before anybody asks, and again after a run."""

import asyncio
import time

import pytest

from recsysops.http import warming as warming_module
from recsysops.http.app import create_app
from recsysops.http.warming import warming
from recsysops.testing.fake_store import FakeStore
from recsysops.testing.sample_api import sample_context
from recsysops.testing.sample_results import Sample, fill


class CountingStore(FakeStore):
    """Counts transactions, and may be out of order."""

    def __init__(self) -> None:
        super().__init__()
        self.n_read = 0
        self.is_broken = False

    def read(self):
        self.n_read += 1
        if self.is_broken:
            raise OSError("the disk is gone")
        return super().read()


def lived(context, until) -> None:
    """Let an API live until something holds."""

    async def live() -> None:
        async with warming(context)(create_app(context)):
            end = time.monotonic() + 10
            while not until() and time.monotonic() < end:
                await asyncio.sleep(0.01)

    asyncio.run(live())


def test_who_opens_the_board_first_finds_it_ready():
    store = CountingStore()
    fill(store, Sample(n_titles=20))
    context = sample_context(store)

    lived(context, until=lambda: store.n_read)

    snapshot = context.snapshot()
    assert snapshot.as_of is not None
    # Derived already: what the board would make is not made any more.
    assert snapshot.derived(("board", (), ()), lambda: pytest.fail("the board was not made ready")) != []


def test_a_store_out_of_order_is_looked_at_again(monkeypatch):
    monkeypatch.setattr(warming_module, "SECONDS_BETWEEN", 0.01)
    store = CountingStore()
    fill(store, Sample(n_titles=5))
    store.is_broken = True

    def mended() -> bool:
        store.is_broken = store.n_read < 3
        return store.n_read > 5

    lived(sample_context(store), until=mended)

    assert store.n_read > 5
