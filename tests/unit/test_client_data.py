"""What the client asks about data, the timeline and a model's answer, and what it decides: a real API in process."""

from datetime import timedelta

import httpx
import pytest

from recsysops.client import Client
from recsysops.domain.data_view import BatchOrder
from recsysops.domain.drift import HeldState
from recsysops.domain.registry import KnownModel, ModelAnswer, ModelState
from recsysops.domain.timeline import TimelineKind
from recsysops.errors import ApiError, ModelError
from recsysops.http import create_app
from recsysops.http.context import ApiContext
from recsysops.testing.fake_store import FakeStore
from recsysops.testing.model_kills import card
from recsysops.testing.sample_api import API_KEY, InProcessTransport, sample_context
from recsysops.testing.sample_data import SampleData, fill_data
from recsysops.testing.sample_results import AS_OF, Sample, fill


@pytest.fixture
def client():
    store = FakeStore()
    fill(store, Sample(n_titles=4, n_predicted=4))
    fill_data(store, SampleData())
    with Client("http://api.test", API_KEY, transport=InProcessTransport(create_app(sample_context(store)))) as made:
        yield made


def test_batches_arrive_filtered_ordered_and_paged(client):
    assert client.batches(limit=1).total == 14
    assert {row.table for row in client.batches(table="titles").rows} == {"titles"}
    assert client.batches(sort=BatchOrder.OLDEST).rows[0].batch_id == "sample-11"
    assert client.batches(offset=13).rows[0].batch_id == "sample-11"
    assert client.batch("held-0").held.is_undecided


def test_held_batches_arrive_and_are_decided_on(client):
    released = client.release("held-0", by="Ada", reason="Fine.")
    discarded = client.discard("held-1", by="Ada", reason="Broken.")

    assert (released.held.state, discarded.held.state) == (HeldState.RELEASED, HeldState.DISCARDED)
    assert client.held_batches(state=HeldState.RELEASED, table="titles").rows[0].decisions[0].by == "Ada"
    assert client.held_batches().n_undecided == 0


def test_a_refused_decision_is_one_error_with_the_apis_own_sentence(client):
    client.discard("held-1", by="Ada", reason="Broken.")

    with pytest.raises(ApiError, match="discarded already") as caught:
        client.release("held-1", by="Ada", reason="After all.")

    assert caught.value.status == 422


def test_kept_out_rows_arrive_of_all_of_a_table_and_of_one_batch(client):
    assert client.quarantine(limit=2).total == 24
    assert {row.table for row in client.quarantine(table="launches").rows} == {"launches"}
    assert client.quarantine(batch_id="sample-3", offset=4).rows[0].row.row == 14
    assert client.quarantine_csv().count(b"\r\n") == 25
    assert client.quarantine_csv(batch_id="sample-3").count(b"\r\n") == 7


def test_feeds_and_changes_arrive(client):
    assert len(client.feeds().rows) == 5
    assert client.changes(limit=3).has_more
    assert client.changes(since=AS_OF - timedelta(hours=6), until=AS_OF).rows[-1].what == "Release 39 of the ranker."
    assert client.changes(title_id="t-0000", offset=7).rows == client.changes(offset=7).rows


def test_the_timeline_arrives_by_kind_and_page(client):
    whole = client.timeline("t-0001")
    launches = client.timeline("t-0001", kinds=[TimelineKind.LAUNCH])

    assert {entry.kind for entry in launches.entries} == {TimelineKind.LAUNCH}
    assert client.timeline("t-0001", offset=1, limit=2).entries == whole.entries[1:3]


def test_a_models_answer_arrives_taken_apart(client):
    found = client.contributions("t-0001", "de", "home", "reach", 7, limit=3)

    assert (len(found.rows), found.n_rest, found.problem) == (3, 11, "")


def test_an_id_with_a_slash_reaches_its_timeline(client):
    with pytest.raises(ApiError, match='Title "a/b" is not known'):
        client.timeline("a/b")


def test_a_decision_is_posted_as_json_under_the_key():
    seen = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(503, json={"detail": "The store is being written."})

    client = Client("http://api.test", API_KEY, transport=httpx.MockTransport(answer))

    with client, pytest.raises(ApiError, match="is being written"):
        client.release("a/b", by="Ada", reason="x")

    assert seen[0].method == "POST"
    assert seen[0].url.raw_path == b"/v1/batches/a%2Fb/release"
    assert seen[0].headers["authorization"] == f"Bearer {API_KEY}"
    assert seen[0].content == b'{"by":"Ada","reason":"x"}'


WORDS = {"by": "Ada", "reason": "Off in Brazil."}


@pytest.fixture
def models():
    """Return a client of an API with two models, and what it was asked to move."""
    store, asked = FakeStore(), []
    with store.write() as unit:
        unit.models.activate(card("m0"))
        unit.models.challenge(card("m1/é"), AS_OF)
        unit.commit()

    def move(verb, by, reason, **rest):
        asked.append((verb, by, reason, rest))
        if rest["model_id"] == "broken":
            raise ModelError("It is broken.")
        return (ModelAnswer(answer="Done.", model=KnownModel(card=card("m1/é"), state=ModelState.ACTIVE)),)

    known = vars(sample_context(store)) | {"move_models": move}
    with Client("http://api.test", API_KEY, transport=InProcessTransport(create_app(ApiContext(**known)))) as made:
        yield made, asked


def test_models_arrive_one_and_all(models):
    client, _ = models

    assert [known.state for known in client.models().models] == [ModelState.ACTIVE, ModelState.CHALLENGER]
    assert client.model_detail("m0").model.card.model_id == "m0"
    with pytest.raises(ApiError, match="There is no model") as caught:
        client.model_detail("none")
    assert caught.value.status == 404


def test_a_model_is_activated_and_models_are_rolled_back(models):
    client, asked = models

    one = client.activate_model("m1", **WORDS)
    back = client.rollback_models(**WORDS, measure="reach", horizon=1)
    all_back = client.rollback_models(**WORDS)

    assert one.answer == "Done."
    assert [each.model.card.model_id for each in (*back, *all_back)] == ["m1/é", "m1/é"]
    assert asked == [
        ("activate", "Ada", "Off in Brazil.", {"model_id": "m1", "measure": None, "horizon": None}),
        ("rollback", "Ada", "Off in Brazil.", {"model_id": "", "measure": "reach", "horizon": 1}),
        ("rollback", "Ada", "Off in Brazil.", {"model_id": "", "measure": None, "horizon": None}),
    ]


def test_a_model_that_is_refused_is_one_error_with_the_apis_own_sentence(models):
    client, _ = models

    with pytest.raises(ApiError, match="It is broken") as caught:
        client.activate_model("broken", **WORDS)

    assert caught.value.status == 422
