import httpx
import pytest

from recsysops.client import Client
from recsysops.domain.severity import FindingClass, Severity
from recsysops.domain.title_view import TitleView
from recsysops.domain.verdict import Status
from recsysops.domain.views import Board, BoardFilter, MissingFieldFilter
from recsysops.errors import ApiError
from recsysops.http import create_app
from recsysops.service.queries.board import board
from recsysops.service.queries.snapshot import SnapshotCache
from recsysops.service.queries.title import title
from recsysops.testing.fake_store import FakeStore
from recsysops.testing.sample_api import API_KEY, InProcessTransport, sample_context
from recsysops.testing.sample_results import AS_OF, Sample, fill, requirements


@pytest.fixture(scope="module")
def store() -> FakeStore:
    filled = FakeStore()
    fill(filled, Sample(n_titles=30, n_predicted=30))
    return filled


@pytest.fixture
def client(store):
    transport = InProcessTransport(create_app(sample_context(store)))
    with Client("http://api.test/", API_KEY, transport=transport) as made:
        yield made


def answering(status: int, body: object) -> Client:
    transport = httpx.MockTransport(lambda _: httpx.Response(status, json=body))
    return Client("http://api.test", API_KEY, transport=transport)


def failing(error: type[Exception]) -> Client:
    def fail(_: httpx.Request) -> httpx.Response:
        raise error("no")

    return Client("http://api.test", API_KEY, transport=httpx.MockTransport(fail))


def test_the_board_arrives_as_the_service_made_it(client, store):
    expected = board(SnapshotCache(store).get(), BoardFilter(), service="sample service", now=AS_OF)

    found = client.board()

    assert isinstance(found, Board)
    assert found == expected


def test_a_title_arrives_as_the_service_made_it(client, store):
    expected = title(store, SnapshotCache(store).get(), "t-0007", requirements=requirements(), now=AS_OF)

    found = client.title("t-0007")

    assert isinstance(found, TitleView)
    assert found == expected


def test_filters_travel(client):
    wanted = BoardFilter(
        markets=("de",), surfaces=("home",), statuses=(Status.FAILING,), classes=(FindingClass.SETUP,),
        providers=("Northlight Pictures", "Harbour Street"), text="t", launching_within_days=20,
    )  # fmt: skip

    found = client.board(wanted, limit=5)

    assert found.rows
    assert all(row.status is Status.FAILING and row.days_to_launch <= 20 for row in found.rows)
    assert {cell.market for row in found.rows for cell in row.cells} == {"de"}
    assert found.limit == 5


def test_an_id_with_odd_characters_reaches_the_api_whole(client):
    with pytest.raises(ApiError, match=r'Title "a/b \?&=ü" is not known') as caught:
        client.title("a/b ?&=ü")

    assert caught.value.status == 404


def test_the_other_reads_arrive(client):
    issues = client.issues(limit=2)
    one = client.issue(issues.issues[0].issue.issue_id)

    assert one.issue == issues.issues[0].issue
    assert client.runs(limit=1).runs[0].verb == "run"
    assert client.model().active[0].model_id == "m-1"
    assert client.missing_fields(MissingFieldFilter(provider="Harbour Street")).rows[0].provider == "Harbour Street"
    assert client.missing_fields_csv().startswith(b"provider,title_id")
    assert client.check(title_ids=("t-0001",), fail_on=Severity.INFO).exit_code == 0
    assert len(client.comparables("t-0001", "de", "home", "reach", 7).titles) == 8


def test_a_wrong_key_is_said_plainly(store):
    transport = InProcessTransport(create_app(sample_context(store)))

    with Client("http://api.test", "wrong", transport=transport) as client, pytest.raises(ApiError) as caught:
        client.board()

    assert caught.value.status == 401
    assert "API key is missing or wrong" in str(caught.value)
    assert "wrong" in str(caught.value)


@pytest.mark.parametrize(
    ("client", "sentence"),
    [
        (failing(httpx.ConnectError), "cannot be reached"),
        (failing(httpx.ReadTimeout), "did not answer in time"),
        (answering(200, {"some": "thing"}), "something else than a Board"),
        (answering(502, "bad gateway"), "answered with HTTP 502"),
        (answering(422, {"detail": "It makes no sense.", "errors": ["limit: too large.", 3]}), "limit: too large."),
    ],
)
def test_what_goes_wrong_is_one_error_with_one_sentence(client, sentence):
    with client, pytest.raises(ApiError, match=sentence) as caught:
        client.board()

    assert API_KEY not in str(caught.value)
