"""Clients of an API in this process: over a sample, over nothing, over hostile names."""

import sys
from collections.abc import Iterator

import pytest

from recsysops.client import Client
from recsysops.http import create_app
from recsysops.testing.fake_store import FakeStore
from recsysops.testing.sample_api import API_KEY, InProcessTransport, sample_context
from recsysops.testing.sample_data import SampleData, fill_data
from recsysops.testing.sample_results import Sample, fill

EVIL = " <img src=x onerror=alert(1)> ![x](http://example.com/a.png) [l](http://example.com) **b** \u202e=1\"'"


def client_of(sample: Sample | None, data: SampleData | None = None) -> Client:
    store = FakeStore()
    if sample:
        fill(store, sample)
    if data:
        fill_data(store, data)
    return Client("http://api.test", API_KEY, transport=InProcessTransport(create_app(sample_context(store))))


@pytest.fixture(autouse=True)
def main_module() -> Iterator[None]:
    """Put the main module back: Streamlit's test runner takes its place, and processes of later tests would run it."""
    before = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = before


@pytest.fixture(scope="session")
def client() -> Client:
    return client_of(Sample(n_titles=60, n_predicted=60))


@pytest.fixture(scope="session")
def empty_client() -> Client:
    return client_of(None)


@pytest.fixture(scope="session")
def hostile_client() -> Client:
    return client_of(Sample(n_titles=9, n_predicted=9, suffix=EVIL), SampleData(suffix=EVIL))
