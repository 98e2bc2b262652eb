"""The envelope of a request: its id, its headers, its count."""

import asyncio
import io
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
import structlog

from recsysops.http import create_app
from recsysops.log import configure_log
from recsysops.settings import LogSettings
from recsysops.testing.sample_api import sample_context, sample_http


@pytest.fixture
def said(monkeypatch):
    out = io.StringIO()
    configure_log(LogSettings(), out)
    yield out
    structlog.reset_defaults()


@pytest.mark.parametrize(("given", "is_kept"), [("abc-1.2_3", True), ("x" * 65, False), ("a b", False), ("", False)])
def test_a_caller_may_give_a_harmless_id_and_gets_a_new_one_otherwise(api, given, is_kept):
    answer = api.get("/healthz", headers={"X-Request-ID": given})

    assert (answer.headers["x-request-id"] == given) is is_kept
    assert answer.headers["x-request-id"]


def test_the_log_line_names_the_route_as_declared_and_no_title(api, said):
    api.get("/v1/titles/secret-title", headers={"X-Request-ID": "mine"})

    (line,) = [json.loads(text) for text in said.getvalue().splitlines()]
    assert line["route"] == "/v1/titles/{title_id}"
    assert line["request_id"] == "mine"
    assert line["status"] == 404
    assert "secret-title" not in said.getvalue()


def test_probes_are_answered_and_not_logged(api, said):
    api.get("/healthz")

    assert said.getvalue() == ""


def test_every_answer_is_counted_by_a_closed_set_of_routes(filled):
    counted = []
    context = sample_context(
        filled, observe=lambda route, status, seconds: counted.append((route, status, seconds > 0))
    )

    with sample_http(context) as client:
        client.get("/v1/board")
        client.get("/nowhere/at/all")
        client.get("/v1/titles/a-title", headers={"Authorization": "Bearer wrong"})

    assert counted == [
        ("/v1/board", 200, True),
        ("other", 404, True),
        ("/v1/titles/{title_id}", 401, True),
    ]


def test_what_is_no_request_passes_through_untouched(filled):
    with sample_http(sample_context(filled)):  # a client's start and end are messages of another kind
        assert create_app(sample_context(filled)).title == "RecSysOps"


def test_an_api_in_this_process_answers_within_a_running_event_loop_too(filled):
    async def ask():
        with sample_http(sample_context(filled)) as client:
            return client.get("/healthz").status_code

    # In a thread of its own: a browser's driver may have left a loop running in this one.
    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(lambda: asyncio.run(ask())).result() == 200
