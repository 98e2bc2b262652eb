"""The what-if routes: their example, their schema, every refusal, and that they only ask."""

import json

import pytest

from recsysops.domain.what_if import EXAMPLE, Through
from recsysops.errors import BusyError
from recsysops.http import routes_what_if
from recsysops.http.problems import MEDIA_TYPE
from recsysops.testing.sample_api import sample_context, sample_http

PATH = "/v1/titles/t-0001/what-if"


class Busy:
    """Turns everybody away."""

    def answer(self, title_id, asked):
        raise BusyError("Another what-if is being answered. Try again.", retry_after_seconds=5)


def assert_problem(answer, status, code):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert answer.json()["code"] == code
    return answer.json()


def test_the_documented_example_is_accepted_and_answered_in_ranges(api):
    documented = api.get("/openapi.json").json()["paths"]["/v1/titles/{title_id}/what-if"]["post"]["requestBody"]
    example = documented["content"]["application/json"]["example"]

    answer = api.post(PATH, json=example)

    assert answer.status_code == 200
    told = answer.json()
    assert example == EXAMPLE
    assert told["through"] == Through.MODEL
    assert {change["what"] for change in told["changes"]} == {"genres", "synopsis", "launch"}
    assert len(told["targets"]) == 12
    for target in told["targets"]:
        after = target["after"]
        assert after["low_90"] <= after["low_80"] <= after["median"] <= after["high_80"] <= after["high_90"]
        assert target["change"]["low"] <= target["change"]["median"] <= target["change"]["high"]


def test_the_schema_of_the_body_has_no_reference_into_nowhere(api):
    spec = api.get("/openapi.json").json()["paths"]["/v1/titles/{title_id}/what-if"]["post"]

    schema = spec["requestBody"]["content"]["application/json"]["schema"]

    assert "$ref" not in json.dumps(schema)
    assert set(schema["properties"]) == {"fields", "launch", "market"}
    assert schema["additionalProperties"] is False


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "Invalid JSON"),
        (b"[]", "body: Input should be an object."),
        (b'{"field": {}}', "body.field: Extra inputs are not permitted."),
        (b'{"launch": "2026-02-30"}', "body.launch: There is no such day or time; correct it."),
        (b'{"launch": "next Monday"}', "body.launch: A launch is a day"),
        (b'{"fields": {"x": {"y": 1}}}', "body.fields.x: Metadata is text"),
        (b'{"fields": {"x": NaN}}', "body.fields.x: Metadata is text"),
    ],
)
def test_a_body_that_makes_no_sense_is_refused_by_place(api, body, said):
    told = assert_problem(api.post(PATH, content=body), 422, "usage")

    assert any(said in error for error in told["errors"]), told["errors"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"fields": {"genre": "x"}}, "There is no metadata field"),
        ({"fields": {"runtime_minutes": "long"}}, "holds numbers"),
        ({"launch": "2020-01-01"}, "is not ahead"),
        ({"market": "fr"}, "is not to launch in market"),
    ],
)
def test_what_makes_no_sense_of_this_title_is_said_in_a_sentence(api, body, said):
    told = assert_problem(api.post(PATH, json=body), 422, "usage")

    assert said in told["detail"]


def test_a_title_nobody_knows_is_not_found(api):
    assert_problem(api.post("/v1/titles/nobody/what-if", json={}), 404, "not-found")
    assert_problem(api.get("/v1/titles/nobody/what-if"), 404, "not-found")


def test_an_id_with_a_slash_reaches_its_title(api):
    told = assert_problem(api.post("/v1/titles/no%2Fbody/what-if", json={}), 404, "not-found")

    assert 'Title "no/body" is not known' in told["detail"]


def test_a_large_body_is_not_read(api, monkeypatch):
    monkeypatch.setattr(routes_what_if, "MAX_BYTES", 64)

    assert_problem(api.post(PATH, content=b" " * 100), 413, "too-large")


def test_who_comes_behind_too_many_is_told_when_to_come_back(filled):
    answer = sample_http(sample_context(filled, what_if=Busy())).post(PATH, json={})

    assert_problem(answer, 503, "busy")
    assert answer.headers["retry-after"] == "5"


def test_without_the_key_nothing_is_asked(filled):
    anonymous = sample_http(sample_context(filled, what_if=Busy()), api_key="")

    assert_problem(anonymous.post(PATH, json={}), 401, "unauthorized")


def test_where_nothing_answers_what_ifs_there_is_no_such_route(filled):
    paths = sample_http(sample_context(filled, what_if=None)).get("/openapi.json").json()["paths"]

    assert not any("what-if" in path for path in paths)


def test_the_form_tells_values_and_launches(api):
    form = api.get(PATH).json()

    values = {field["field"]: field for field in form["fields"]}
    assert values["genres"]["kind"] == "list"
    assert values["runtime_minutes"]["kind"] == "number"
    assert form["launches"][0]["local"] == "2026-03-10T08:00"
    assert form["problem"] == ""
