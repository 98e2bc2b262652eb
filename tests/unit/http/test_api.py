import csv
import io
from dataclasses import replace

import httpx
import pytest

from recsysops.errors import NotFoundError, RunFailedError, StoreError
from recsysops.http import ApiContext
from recsysops.http.problems import MEDIA_TYPE
from recsysops.testing.fake_store import FakeStore
from recsysops.testing.sample_api import API_KEY, sample_context, sample_http
from recsysops.testing.sample_results import Sample, fill

OPEN = {"/healthz", "/readyz", "/metrics", "/openapi.json"}
KEYS = {"type", "title", "status", "detail", "instance", "code", "errors"}


def routes(api: httpx.Client) -> list[tuple[str, str]]:
    paths = api.get("/openapi.json").json()["paths"]
    ids = {"title_id": "nobody", "issue_id": "nothing", "batch_id": "none", "model_id": "none"}
    return [(verb, path.format(**ids)) for path, verbs in paths.items() for verb in verbs]


def assert_problem(answer: object, status: int) -> dict[str, object]:
    assert answer.status_code == status
    assert answer.headers["content-type"] == MEDIA_TYPE
    body = answer.json()
    assert set(body) == KEYS
    assert body["status"] == status
    assert body["detail"].endswith((".", "?"))
    return body


def test_every_route_below_v1_refuses_a_request_without_the_key(api):
    guarded = [(verb, path) for verb, path in routes(api) if path.startswith("/v1")]

    assert len(guarded) >= 22
    for verb, path in guarded:
        for header in ({"Authorization": ""}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {API_KEY}"},
                       {"Authorization": "Bearer schl\xfcssel".encode("latin-1")}):  # fmt: skip
            body = assert_problem(api.request(verb, path, headers=header), 401)
            assert API_KEY not in str(body)


def test_routes_for_monitoring_need_no_key_and_name_no_title(filled):
    anonymous = sample_http(sample_context(filled), api_key="")

    for path in OPEN:
        answer = anonymous.get(path)
        assert answer.status_code == 200
        # The description's examples are the same whatever is stored.
        assert "t-0001" not in answer.text or path == "/openapi.json"
        assert "Harbour" not in answer.text


def test_every_error_of_every_route_has_the_one_body(api):
    for _, path in routes(api):
        assert_problem(api.delete(path), 405)
    assert_problem(api.get("/nowhere"), 404)
    assert_problem(api.get("/v1/nowhere"), 404)
    assert_problem(api.get("/v1/titles/nobody"), 404)
    assert_problem(api.get("/v1/issues/nothing"), 404)
    assert_problem(api.get("/v1/board", params={"limit": 501}), 422)


def test_an_unexpected_error_says_nothing_of_itself(filled):
    def check(**_: object) -> None:
        raise KeyError("secret-detail")

    api = sample_http(sample_context(filled, check=check))

    body = assert_problem(api.get("/v1/check"), 500)

    assert "secret-detail" not in str(body)
    assert body["code"] == "internal"


@pytest.mark.parametrize(
    ("error", "status"),
    [(StoreError("The store cannot be read."), 503), (NotFoundError("No."), 404), (RunFailedError("It broke."), 500)],
)
def test_our_own_errors_keep_their_meaning(filled, error, status):
    def check(**_: object) -> None:
        raise error

    api = sample_http(sample_context(filled, check=check))

    body = assert_problem(api.get("/v1/check"), status)

    assert (str(error) in str(body["detail"])) == (status != 500)


def test_readyz_answers_503_when_the_schema_is_wrong(filled):
    def not_ready() -> None:
        raise StoreError("The store's schema does not fit.")

    api = sample_http(sample_context(filled, ready=not_ready))

    assert_problem(api.get("/readyz"), 503)
    assert api.get("/healthz").status_code == 200


def test_validation_names_every_wrong_parameter(api):
    body = assert_problem(api.get("/v1/board", params={"limit": 0, "offset": -1, "status": "bad"}), 422)

    assert len(body["errors"]) == 3
    assert all(error.split(":")[0].split(".")[0] in {"limit", "offset", "status"} for error in body["errors"])


def test_a_horizon_that_does_not_exist_is_refused(api):
    query = {"title": "t-0001", "market": "de", "surface": "home", "measure": "reach", "horizon": 3}

    assert_problem(api.get("/v1/comparables", params=query), 422)


def test_openapi_describes_every_route_and_parameter(api):
    spec = api.get("/openapi.json").json()

    for path, verbs in spec["paths"].items():
        assert set(verbs) <= {"get", "post"}, path
        for described in verbs.values():
            assert described["summary"]
            assert described["description"]
            assert "500" in described["responses"]


def test_answers_are_kept_out_of_caches(api):
    answer = api.get("/v1/board")

    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_csv_has_a_line_per_missing_field_of_one_provider(api):
    answer = api.get("/v1/missing-fields.csv", params={"provider": "Harbour Street"})

    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert answer.headers["content-type"].startswith("text/csv")
    assert {row["provider"] for row in rows} == {"Harbour Street"}
    assert all(row["owner"].startswith("team-") and row["due_on"] for row in rows)
    assert [row["due_on"] for row in rows] == sorted(row["due_on"] for row in rows)


def test_the_check_answers_with_its_exit_code(api):
    failing = api.get("/v1/check").json()
    fine = api.get("/v1/check", params={"title": "t-0001", "launching_within_days": 20}).json()
    absent = api.get("/v1/check", params={"title": "t-0001", "launching_within_days": 0}).json()

    assert failing["exit_code"] == 1
    assert failing["n_failed"] > 0
    assert (fine["exit_code"], fine["n_failed"], fine["n_unknown"]) == (0, 0, 0)
    assert (absent["exit_code"], absent["report"]["cells"]) == (0, [])


def test_an_empty_store_has_a_board_that_says_so(empty_api):
    board = empty_api.get("/v1/board").json()

    assert board["as_of"] is None
    assert board["rows"] == []
    assert board["run"] is None
    assert empty_api.get("/v1/missing-fields").json()["rows"] == []
    assert empty_api.get("/readyz").status_code == 200


def test_metrics_see_runs_of_other_processes():
    store = FakeStore()
    api = sample_http(sample_context(store))
    before = api.get("/metrics").text

    fill(store, Sample(n_titles=3, n_predicted=0))
    after = api.get("/metrics").text

    assert 'recsysops_last_success_timestamp_seconds{step="run"}' not in before
    assert 'recsysops_last_success_timestamp_seconds{step="run"} 1.7' in after
    assert api.get("/metrics").text == after
    assert 'recsysops_cells{status="ok"}' in after


def test_a_short_key_is_refused():
    context = sample_context(FakeStore())

    with pytest.raises(ValueError, match="too short"):
        replace(context, api_key="short")
    assert API_KEY not in repr(context)
    assert isinstance(context, ApiContext)
