"""An API over a sample store, and over an empty one."""

from collections.abc import Iterator

import httpx
import pytest

from recsysops.testing.fake_store import FakeStore
from recsysops.testing.sample_api import sample_context, sample_http
from recsysops.testing.sample_results import Sample, fill


@pytest.fixture(scope="session")
def filled() -> FakeStore:
    store = FakeStore()
    fill(store, Sample(n_titles=40, n_predicted=40))
    return store


@pytest.fixture
def api(filled: FakeStore) -> Iterator[httpx.Client]:
    with sample_http(sample_context(filled)) as client:
        yield client


@pytest.fixture
def empty_api() -> Iterator[httpx.Client]:
    with sample_http(sample_context(FakeStore())) as client:
        yield client
