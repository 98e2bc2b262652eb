"""The whole API under inputs made from its own description, fit and unfit: it never fails, and changes nothing.

20,000 inputs on a run of CI, half on each store; elsewhere a tenth of that (TEST_INPUTS names another number).
"""

import hashlib
import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future

import httpx
import pytest
import schemathesis
import structlog
from hypothesis import HealthCheck, Phase, assume, given, settings
from sqlalchemy import MetaData, create_engine, select

from recsysops.bootstrap import api_application, reading
from recsysops.http import create_app
from recsysops.http.problems import MEDIA_TYPE
from recsysops.store import open_store
from recsysops.testing.fake_store import FakeStore
from recsysops.testing.sample_api import API_KEY, InProcessTransport, sample_context
from recsysops.testing.sample_results import Sample, fill

INPUTS = int(os.environ.get("TEST_INPUTS", "20000" if os.environ.get("CI") else "2000"))
DESCRIPTION = create_app(sample_context(FakeStore(), judge=lambda _asked: Future())).openapi()
OPERATIONS = {
    found.ok().label: found.ok() for found in schemathesis.openapi.from_dict(DESCRIPTION).get_all_operations()
}
SLOW = {
    "POST /v1/check": 0.5,
    "GET /v1/check": 0.1,
    "GET /v1/model": 0.1,
    "GET /healthz": 0.02,
    "GET /readyz": 0.02,
    "GET /metrics": 0.02,
}
"""Share of an even part: what judges takes long, what takes no parameter is soon known."""
METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path_factory.mktemp('fuzzed') / 'store.sqlite'}"
        return
    server = request.getfixturevalue("postgres")
    url = server.make_database()
    yield url
    server.drop_database(url)


@pytest.fixture(scope="module")
def fuzzed(store_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Return a client of the API as `serve` puts it together."""
    file = tmp_path_factory.mktemp("service") / "recsysops.toml"
    file.write_text(f'[service]\nstore = "{store_url}"\n[sources.titles]\npath = "titles.csv"\n', encoding="utf-8")
    store = open_store(store_url)
    fill(store, Sample(n_titles=40, n_predicted=40))
    store.close()
    with reading(file) as context:
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
        transport, headers = (
            InProcessTransport(api_application(context, API_KEY)),
            {"Authorization": f"Bearer {API_KEY}"},
        )
        with httpx.Client(transport=transport, base_url="http://api.test", headers=headers) as client:
            yield client
    structlog.reset_defaults()


def dump(url: str) -> dict[str, str]:
    """Return a hash of every table's rows."""
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://").partition("&unsafe")[0])
    tables = MetaData()
    with engine.connect() as connection:
        tables.reflect(connection)
        rows = {
            name: sorted(repr(tuple(row)) for row in connection.execute(select(table)))
            for name, table in tables.tables.items()
        }
    engine.dispose()
    return {name: hashlib.sha256("\n".join(found).encode()).hexdigest() for name, found in rows.items()}


def share(label: str) -> int:
    """Return how many inputs an operation gets on one store."""
    weights = {name: SLOW.get(name, 1.0) for name in OPERATIONS}
    return max(10, round(INPUTS / 2 * weights[label] / sum(weights.values())))


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("label", OPERATIONS)
def test_no_input_makes_the_api_fail_or_change_anything(label, fuzzed, store_url):
    operation, answers, before = OPERATIONS[label], Counter(), dump(store_url)
    fit = operation.as_strategy(generation_mode=schemathesis.GenerationMode.POSITIVE)
    has_input = bool(operation.definition.raw.get("parameters") or operation.body)
    unfit = operation.as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE) if has_input else fit

    @settings(
        max_examples=share(label), deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=fit | unfit)
    def ask(case):
        sent = case.as_transport_kwargs(base_url="http://api.test")
        raw = sent.get("data") if isinstance(sent.get("data"), bytes | str) else None
        body = {"content": raw} if raw is not None else {"json": sent.get("json"), "data": sent.get("data")}
        try:
            answer = fuzzed.request(sent["method"], sent["url"], params=sent.get("params"), **body)
        except httpx.InvalidURL:  # longer than the client itself allows: it never left
            assume(False)
        answers[answer.status_code] += 1
        assert answer.status_code < 500, (sent["url"], answer.text[:500])
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == MEDIA_TYPE
            assert answer.json()["status"] == answer.status_code

    ask()

    assert sum(answers.values()) >= (share(label) * 0.95 if has_input else 1)
    assert dump(store_url) == before, f"{label} changed the store: {dict(answers)}"


def test_every_route_of_the_api_is_described_and_so_meets_these_inputs():
    described = {
        f"{method.upper()} {path}"
        for path, methods in DESCRIPTION["paths"].items()
        for method in methods
        if method in METHODS
    }

    assert set(OPERATIONS) == described
    assert sum(share(label) for label in OPERATIONS) * 2 >= INPUTS * 0.99
