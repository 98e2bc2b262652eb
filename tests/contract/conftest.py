"""Every store that must keep the contract. A further database is a further entry of STORES."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from recsysops.service.ports import Store
from recsysops.store import open_store
from recsysops.testing.fake_store import FakeStore


def _fake(_request: pytest.FixtureRequest) -> Iterator[Store]:
    yield FakeStore()


def _sqlite(request: pytest.FixtureRequest) -> Iterator[Store]:
    folder: Path = request.getfixturevalue("tmp_path")
    store = open_store(f"sqlite:///{folder / 'store.sqlite'}")
    yield store
    store.close()


def _postgresql(request: pytest.FixtureRequest) -> Iterator[Store]:
    store = open_store(request.getfixturevalue("postgres_store_url"))
    yield store
    store.close()


STORES: Final[dict[str, Callable[[pytest.FixtureRequest], Iterator[Store]]]] = {
    "fake": _fake,
    "postgresql": _postgresql,
    "sqlite": _sqlite,
}


@pytest.fixture(params=sorted(STORES))
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """Return an empty store of each kind."""
    yield from STORES[request.param](request)
