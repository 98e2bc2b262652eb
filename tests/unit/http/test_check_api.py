import asyncio
import json
from concurrent.futures import Future

import httpx
import pytest

from recsysops.domain.check_view import GivenAnswer, GivenVerdict
from recsysops.domain.given import EXAMPLE, GivenTitles
from recsysops.domain.severity import Severity
from recsysops.domain.verdict import Status
from recsysops.errors import BusyError, StoreError, UsageError
from recsysops.http import _body, routes_check
from recsysops.http.problems import MEDIA_TYPE
from recsysops.service.check_given import Judged
from recsysops.testing.sample_api import sample_context, sample_http
from recsysops.testing.sample_results import AS_OF

PARTS = {"ready": 0.0, "predict": 0.002, "checks": 0.005}


def answer_to(asked: GivenTitles) -> GivenAnswer:
    titles = tuple(
        GivenVerdict(title_id=t.title_id, name=t.name, is_known=False, status=Status.OK, cells=(), predictions=())
        for t in asked.titles
    )
    return GivenAnswer(
        exit_code=0, n_failed=0, n_unknown=0, as_of=AS_OF, history_as_of=AS_OF, models=("m-1",),
        fail_on=asked.fail_on, allow_unknown=asked.allow_unknown, titles=titles,
    )  # fmt: skip


class Judge:
    """Says that everything is ok, or raises, or never answers."""

    def __init__(self, error: Exception | None = None, *, is_silent: bool = False) -> None:
        self.error, self.is_silent = error, is_silent
        self.asked: list[GivenTitles] = []

    def __call__(self, request: GivenTitles) -> "Future[Judged]":
        if isinstance(self.error, BusyError):
            raise self.error
        self.asked.append(request)
        future: Future[Judged] = Future()
        if self.error is not None:
            future.set_exception(self.error)
        elif not self.is_silent:
            future.set_result(Judged(answer_to(request), PARTS, 3, None))  # type: ignore[arg-type]
        return future


@pytest.fixture
def serve(filled):
    return lambda judge: sample_http(sample_context(filled, judge=judge))


def assert_problem(answer: httpx.Response, status: int, code: str) -> dict[str, object]:
    assert answer.status_code == status
    assert answer.headers["content-type"] == MEDIA_TYPE
    body: dict[str, object] = answer.json()
    assert body["code"] == code
    return body


def test_the_documented_example_is_accepted_and_answered(serve):
    judge = Judge()
    api = serve(judge)
    documented = api.get("/openapi.json").json()["paths"]["/v1/check"]["post"]["requestBody"]
    example = documented["content"]["application/json"]["example"]

    answer = api.post("/v1/check", json=example)

    assert answer.status_code == 200
    assert answer.json()["titles"][0]["title_id"] == "night-market"
    assert judge.asked[0].n_cells == 2
    assert example == EXAMPLE


def test_the_schema_of_the_body_has_no_reference_into_nowhere(serve):
    spec = serve(Judge()).get("/openapi.json").json()

    schema = spec["paths"]["/v1/check"]["post"]["requestBody"]["content"]["application/json"]["schema"]

    assert "$ref" not in json.dumps(schema)
    assert schema["properties"]["titles"]["minItems"] == 1
    assert schema["properties"]["titles"]["maxItems"] == 1000
    assert schema["additionalProperties"] is False


def test_options_reach_the_judge(serve):
    judge = Judge()

    serve(judge).post("/v1/check", json={**EXAMPLE, "fail_on": "warning", "allow_unknown": True})

    assert (judge.asked[0].fail_on, judge.asked[0].allow_unknown) == (Severity.WARNING, True)


def test_the_time_of_each_part_is_told(serve):
    timing = serve(Judge()).post("/v1/check", json=EXAMPLE).headers["server-timing"]

    parts = [part.split(";")[0] for part in timing.split(", ")]
    assert parts == ["parse", "wait", "ready", "predict", "checks", "serialise", "shared"]
    assert "checks;dur=5.0" in timing
    assert 'shared;desc="3"' in timing


def test_without_the_key_nothing_is_read(filled):
    judge = Judge()
    anonymous = sample_http(sample_context(filled, judge=judge), api_key="")

    assert_problem(anonymous.post("/v1/check", json=EXAMPLE), 401, "unauthorized")
    assert judge.asked == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "Invalid JSON"),
        (b"[" * 100_000, "recursion limit"),
        (b'{"titles": [{"title_id": "\\ud800"}]}', "Invalid JSON"),
        (b"\xff\xfe", "Invalid JSON"),
        (b"[]", "body: Input should be an object."),
        (b'{"titles": []}', "body: There is no title; give at least one."),
        (b'{"titles": [{"title_id": "a", "launches": [], "fields": {"x": NaN}}]}', "body.titles.0.fields.x: Metadata"),
        (b'{"titles": [], "extra": 1}', "body.extra: Extra inputs are not permitted."),
    ],
)
def test_a_body_that_makes_no_sense_is_refused_by_place(serve, body, said):
    judge = Judge()

    told = assert_problem(serve(judge).post("/v1/check", content=body), 422, "usage")

    assert any(said in error for error in told["errors"])
    assert judge.asked == []


def test_the_errors_of_one_body_are_counted_not_all_listed(serve):
    titles = [{"title_id": "", "launches": []} for _ in range(80)]

    told = assert_problem(serve(Judge()).post("/v1/check", json={"titles": titles}), 422, "usage")

    assert len(told["errors"]) == 51
    assert told["errors"][-1] == "body: 30 more errors are not listed."


def test_a_body_that_says_it_is_too_large_is_not_read(serve):
    headers = {"Content-Length": str(routes_check.MAX_BYTES + 1)}

    answer = serve(Judge()).post("/v1/check", content=b"{}", headers=headers)

    assert_problem(answer, 413, "too-large")


def test_a_body_that_grows_too_large_is_given_up(serve, monkeypatch):
    monkeypatch.setattr(routes_check, "MAX_BYTES", 64)
    sent = []

    def parts():
        for number in range(100):
            sent.append(number)
            yield b" " * 10

    judge = Judge()
    answer = serve(judge).post("/v1/check", content=b"".join(parts()), headers={"Content-Length": "x"})

    assert_problem(answer, 413, "too-large")
    assert judge.asked == []


def test_a_body_that_never_ends_is_given_up(monkeypatch):
    monkeypatch.setattr(_body, "READ_SECONDS", 0.01)

    class Slow:
        def __init__(self) -> None:
            self.headers: dict[str, str] = {}

        async def stream(self):
            yield b"{"
            await asyncio.sleep(60)

    with pytest.raises(_body.BodyError, match="still arriving") as refused:
        asyncio.run(_body.read_body(Slow(), 100))  # type: ignore[arg-type]

    assert (refused.value.status, refused.value.code) == (408, "timeout")


def test_too_much_at_once_is_turned_away_and_told_when_to_come_back(serve):
    answer = serve(Judge(BusyError.of(5000))).post("/v1/check", json=EXAMPLE)

    assert_problem(answer, 503, "busy")
    assert answer.headers["retry-after"] == "2"


def test_an_answer_that_does_not_come_is_given_up(serve, monkeypatch):
    monkeypatch.setattr(routes_check, "ANSWER_SECONDS", 0.01)

    answer = serve(Judge(is_silent=True)).post("/v1/check", json=EXAMPLE)

    assert_problem(answer, 503, "busy")
    assert answer.headers["retry-after"] == "5"


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (UsageError("That launch is past. Correct it."), 422, "usage"),
        (StoreError("The store cannot be read."), 503, "store"),
        (KeyError("secret-detail"), 500, "internal"),
    ],
)
def test_what_goes_wrong_in_the_judgement_has_the_one_error_body(serve, error, status, code):
    told = assert_problem(serve(Judge(error)).post("/v1/check", json=EXAMPLE), status, code)

    assert "secret-detail" not in str(told)


def test_a_service_that_judges_no_given_titles_says_so(filled):
    answer = sample_http(sample_context(filled)).post("/v1/check", json=EXAMPLE)

    assert_problem(answer, 405, "method-not-allowed")


def test_the_client_asks_with_typed_titles(filled):
    from recsysops.client import Client
    from recsysops.http import create_app
    from recsysops.testing.sample_api import API_KEY, InProcessTransport

    judge = Judge()
    transport = InProcessTransport(create_app(sample_context(filled, judge=judge)))
    titles = GivenTitles.model_validate_json(json.dumps(EXAMPLE)).titles

    with Client("http://api.test", API_KEY, transport=transport) as client:
        answer = client.check_titles(titles, fail_on="warning")

    assert answer == answer_to(judge.asked[0])
    assert judge.asked[0].titles == titles
    assert judge.asked[0].fail_on is Severity.WARNING
