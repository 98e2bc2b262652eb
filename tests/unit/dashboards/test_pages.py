from datetime import timedelta

import httpx
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from recsysops import columns as c
from recsysops.client import Client
from recsysops.clock import fixed_clock
from recsysops.domain.batch import BatchReceipt
from recsysops.domain.run import Run
from recsysops.http import create_app
from recsysops.testing.fake_store import FakeStore
from recsysops.testing.sample_api import API_KEY, InProcessTransport, sample_context
from recsysops.testing.sample_results import AS_OF, Sample, fill


def board_page(client):
    from recsysops_dashboards import board

    board.show(client)


def title_page(client):
    from recsysops_dashboards import title

    title.show(client)


def missing_page(client):
    from recsysops_dashboards import missing

    missing.show(client)


def data_page(client):
    from recsysops_dashboards import data

    data.show(client)


def issues_page(client):
    from recsysops_dashboards import issues

    issues.show(client)


def whole_app(client):
    from recsysops_dashboards import app

    app.show(client)


def page(script, client: Client, **query: str | list[str]) -> AppTest:
    test = AppTest.from_function(script, args=(client,), default_timeout=60)
    for name, value in query.items():
        test.query_params[name] = value
    test.run()
    assert not test.exception
    return test


def html_of(test: AppTest) -> str:
    return "\n".join(element.proto.body for element in test.get("html"))


def test_the_board_shows_titles_with_status_in_words_and_counts(client):
    html = html_of(page(board_page, client))

    assert "60 upcoming titles" in html
    assert html.count('<a href="/title?title=t-') == 50
    assert "✖</span> Failing" in html
    assert "1–50 of 60" in html
    assert "not yet known" in html
    assert "launch moved" in html


def test_the_second_page_shows_the_rest_and_a_page_too_far_the_first(client):
    second = html_of(page(board_page, client, page="2"))
    far = html_of(page(board_page, client, page="99"))

    assert "51–60 of 60" in second
    assert "‹ Previous" in second
    assert "1–50 of 60" in far


def test_filters_in_the_address_are_the_filters_shown(client):
    test = page(board_page, client, market="de", status="failing", within="within 7 days", page="1")
    html = html_of(test)

    assert test.multiselect(key="market").value == ["de"]
    assert test.selectbox(key="within").value == "within 7 days"
    assert 'aria-current="true"' in html
    assert "▲</span> At risk" not in html


def test_a_status_tile_keeps_the_other_filters_and_is_undone_by_itself(client):
    html = html_of(page(board_page, client, market="de", status="failing"))

    assert 'href="/?market=de" aria-current="true"' in html
    assert 'href="/?market=de&amp;status=ok"' in html


def test_changing_a_filter_returns_to_the_first_page(client):
    test = page(board_page, client, page="2")

    test.multiselect(key="surface").select("home").run()

    assert "page" not in test.query_params
    assert "1–50 of 60" in html_of(test)


def test_filters_that_nothing_passes_say_so(client):
    assert "No upcoming title passes these filters" in html_of(page(board_page, client, text="nothing like it"))


def test_filters_in_the_address_that_do_not_exist_are_left_out(client):
    test = page(board_page, client, market="nowhere", status="bad", within="never")

    assert test.multiselect(key="market").value == []
    assert "1–50 of 60" in html_of(test)


def test_an_empty_store_says_what_to_do_next(empty_client):
    test = page(board_page, empty_client)

    assert "Nothing has been judged yet" in html_of(test)
    assert "recsysops ingest" in test.code[0].value
    assert "Nothing has been checked yet" in html_of(page(missing_page, empty_client))


def test_a_title_page_shows_findings_charts_metadata_and_checks(client):
    test = page(title_page, client, title="t-0028")
    html = html_of(test)

    assert "65 % below plan" in html
    assert "in each place" in html
    assert len(test.get("arrow_vega_lite_chart") or test.get("vega_lite_chart")) == 6
    assert [head.value for head in test.subheader] == [
        "What is wrong, and what to do", "Where and when", "What the recommender is predicted to do with it",
        "Metadata against its due dates", "What the model made of it", "What if", "Comparable titles, field by field",
        "Every check", "Issues", "What changed, newest first",
    ]  # fmt: skip
    assert "Old title 0" in html


def test_a_green_title_says_first_why_it_is_green(client):
    test = page(title_page, client, title="t-0001")
    html = html_of(test)

    assert test.subheader[0].value == "Why it is green: every check"
    assert "All 4 required fields are filled." in html
    assert "moved to" in html
    assert "moved from" in html


@pytest.mark.parametrize("title_id", ["t-0000", "t-0002", "t-0010", "t-0012", "t-0025", "gone"])
def test_every_kind_of_title_can_be_shown(client, title_id):
    html = html_of(page(title_page, client, title=title_id))

    assert title_id in html


def test_a_launched_title_shows_what_was_done_with_it():
    store = FakeStore()
    fill(store, Sample(n_titles=2, n_predicted=0))
    with store.write() as unit:
        for title_id, is_partial in (("t-0000", False), ("t-0001", True)):
            cell = {c.TITLE_ID: title_id, c.MARKET: "de", c.SURFACE: "home"}
            day = dict.fromkeys(c.TREATMENT_DAY, 1.0) | {
                c.SIGNAL: c.IMPRESSIONS, c.LAUNCH_AT: pd.Timestamp(AS_OF), c.DAY: 0, c.EVENTS: 1234,
                c.NEW_MEMBERS: 99, c.IS_PARTIAL: is_partial,
            }  # fmt: skip
            days = pd.DataFrame([day | cell], columns=list(c.TREATMENT_DAY))
            unit.treatment.replace(c.IMPRESSIONS, days, pd.DataFrame(columns=list(c.ACTIVITY)), pd.DataFrame([cell]))
        unit.commit()
    client = Client("http://api.test", API_KEY, transport=InProcessTransport(create_app(sample_context(store))))

    complete = html_of(page(title_page, client, title="t-0000"))
    partial = html_of(page(title_page, client, title="t-0001"))

    assert "1,234" in complete
    assert "complete" in complete
    assert "some are gone" in partial
    assert "There is no prediction of this title" in complete


def test_a_board_with_nothing_upcoming_and_a_label_says_so():
    store = FakeStore()
    with store.write() as unit:
        unit.runs.save(Run(run_id="r", verb="run", as_of=AS_OF, started_at=AS_OF, finished_at=AS_OF))
        unit.batches.add(
            BatchReceipt(batch_id="b", table="titles", content_hash="h", files=(), rows_in=0, accepted=0, duplicate=0,
                         quarantined=0, loaded_at=AS_OF, as_of_label="not point-in-time"), [],
        )  # fmt: skip
        unit.commit()
    context = sample_context(store, clock=fixed_clock(AS_OF + timedelta(days=3)), comparables=None)
    client = Client("http://api.test", API_KEY, transport=InProcessTransport(create_app(context)))

    html = html_of(page(board_page, client))

    assert "Nothing launches in the coming weeks" in html
    assert "not point-in-time" in html
    assert "This is old" in html
    assert "No required field is missing" in html_of(page(missing_page, client))


def test_without_a_title_the_page_asks_for_one(client):
    test = page(title_page, client)

    test.text_input(key="wanted").input(" t-0001 ").run()

    assert test.query_params["title"] in ("t-0001", ["t-0001"])


def test_missing_fields_are_shown_for_the_provider_in_the_address(client):
    html = html_of(page(missing_page, client, provider="Harbour Street"))

    assert "Harbour Street" in html
    assert "Kestrel" not in html
    assert "Overdue" in html


@pytest.mark.parametrize("script", [board_page, missing_page, title_page, data_page, issues_page])
def test_hostile_names_stay_text(hostile_client, script):
    html = html_of(page(script, hostile_client, title="t-0000", parts="true"))

    assert "&lt;img src=x" in html
    assert "<img" not in html
    assert 'href="http' not in html
    assert "\u202e" not in html


def test_an_api_that_cannot_be_reached_is_said_in_a_sentence(client):
    def fail(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no")

    broken = Client("http://api.test", API_KEY, transport=httpx.MockTransport(fail))

    html = html_of(page(whole_app, broken))

    assert "This page cannot be shown" in html
    assert "Start it with <code>recsysops serve</code>" in html


def test_the_app_shows_the_board_first(client):
    assert "Launch board" in html_of(page(whole_app, client))
