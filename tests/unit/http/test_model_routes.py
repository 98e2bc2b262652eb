"""Models over the API: listed, shown, activated, rolled back."""

from datetime import UTC, datetime

import pytest

from recsysops.domain.registry import KnownModel, ModelAnswer, ModelState
from recsysops.errors import ModelError
from recsysops.http.context import ApiContext
from recsysops.testing.fake_store import FakeStore
from recsysops.testing.model_kills import card
from recsysops.testing.sample_api import sample_context, sample_http

WORDS = {"by": "Ada", "reason": "Off in Brazil."}


@pytest.fixture
def store():
    made = FakeStore()
    with made.write() as unit:
        unit.models.activate(card("m0"))
        unit.models.challenge(card("m1"), datetime(2026, 1, 2, tzinfo=UTC))
        unit.commit()
    return made


def asked(store, **changes):
    known = {name: getattr(sample_context(store), name) for name in ApiContext.__dataclass_fields__}
    return sample_http(ApiContext(**{**known, **changes}))


def test_models_are_listed_and_shown(store):
    with asked(store) as api:
        listed = api.get("/v1/models").json()["models"]
        shown = api.get("/v1/models/m1").json()

    assert [(each["card"]["model_id"], each["state"]) for each in listed] == [("m0", "active"), ("m1", "challenger")]
    assert shown["model"]["since"].startswith("2026-01-02")
    assert shown["moves"] == []


def test_an_unknown_model_is_404(store):
    with asked(store) as api:
        assert api.get("/v1/models/none").status_code == 404


def test_decisions_go_to_who_may_write(store):
    calls = []

    def move(verb, by, reason, **rest):
        calls.append((verb, by, reason, rest))
        return (ModelAnswer(answer="Done.", model=KnownModel(card=card("m1"), state=ModelState.ACTIVE)),)

    with asked(store, move_models=move) as api:
        one = api.post("/v1/models/m1/activate", json=WORDS)
        two = api.post("/v1/models/rollback", json={**WORDS, "measure": "reach", "horizon": 1})

    assert (one.status_code, one.json()["answer"]) == (200, "Done.")
    assert (two.status_code, two.json()["answers"][0]["model"]["state"]) == (200, "active")
    assert calls == [
        ("activate", "Ada", "Off in Brazil.", {"model_id": "m1", "measure": None, "horizon": None}),
        ("rollback", "Ada", "Off in Brazil.", {"model_id": "", "measure": "reach", "horizon": 1}),
    ]


def test_a_refused_model_and_an_api_that_only_reads_are_told(store):
    def move(*_, **__):
        raise ModelError("It is broken.")

    with asked(store, move_models=move) as api:
        assert api.post("/v1/models/m1/activate", json=WORDS).status_code == 422
    with asked(store, move_models=None) as api:
        assert api.post("/v1/models/rollback", json=WORDS).status_code == 503


def test_who_and_why_are_needed(store):
    with asked(store) as api:
        assert api.post("/v1/models/m1/activate", json={"by": "Ada"}).status_code == 422
        assert api.post("/v1/models/rollback", json={**WORDS, "horizon": 2}).status_code == 422
