"""Data, Issues and runs, and what stands on a title's page beside its predictions: over an API in this process."""

from datetime import timedelta

import pytest
from streamlit.testing.v1 import AppTest

from recsysops.client import Client
from recsysops.domain.contribution import Contribution, Contributions
from recsysops.domain.data_view import BatchRow, QuarantinePage
from recsysops.domain.drift import HeldState
from recsysops.domain.issue import Judged, follow
from recsysops.domain.run import Run, StepReport
from recsysops.domain.timeline import TimelineEntry, TimelineKind, TimelinePlace
from recsysops.domain.verdict import StepOutcome
from recsysops.http import create_app
from recsysops.testing.fake_store import FakeStore
from recsysops.testing.sample_api import API_KEY, InProcessTransport, sample_context
from recsysops.testing.sample_data import SampleData, fill_data
from recsysops.testing.sample_results import AS_OF, Sample, fill
from recsysops_dashboards._contributions import contributions_table, sentence
from recsysops_dashboards._data_parts import batches_table, codes_line
from recsysops_dashboards._timeline import timeline_table


def data_page(client):
    from recsysops_dashboards import data

    data.show(client)


def issues_page(client):
    from recsysops_dashboards import issues

    issues.show(client)


def title_page(client):
    from recsysops_dashboards import title

    title.show(client)


def page(script, client: Client, **query: str | list[str]) -> AppTest:
    test = AppTest.from_function(script, args=(client,), default_timeout=60)
    for name, value in query.items():
        test.query_params[name] = value
    test.run()
    assert not test.exception
    return test


def html_of(test: AppTest) -> str:
    return "\n".join(element.proto.body for element in test.get("html"))


def client_of(store: FakeStore, **changes: object) -> Client:
    return Client(
        "http://api.test", API_KEY, transport=InProcessTransport(create_app(sample_context(store, **changes)))
    )


@pytest.fixture
def store() -> FakeStore:
    made = FakeStore()
    fill(made, Sample(n_titles=4, n_predicted=4))
    fill_data(made, SampleData(n_batches=50, n_held=5, n_changes=60))
    return made


@pytest.fixture
def client(store) -> Client:
    return client_of(store)


def decide(test: AppTest, button: str, by: str = "", reason: str = "") -> AppTest:
    test.text_input(key="decide_by").input(by)
    test.text_input(key="decide_reason").input(reason)
    next(each for each in test.button if each.label == button).click().run()
    assert not test.exception
    return test


def test_the_data_page_has_accounts_feeds_held_batches_and_changes(client):
    html = html_of(page(data_page, client))

    assert "52 published batches" in html
    assert "5 batches are held and not published" in html
    assert "it was renamed" in html
    assert "deliveries/titles-0000.csv" in html
    assert "bad-time" in html
    assert "Release 40 of the ranker." in html
    assert "✖</span> Absent" in html
    assert "1–20 of 52" in html
    assert "The latest 20 are shown" in html


def test_a_table_in_the_address_is_the_one_shown(client):
    test = page(data_page, client, table="Launches", batches_page="9", rows_page="9", held_page="9")
    html = html_of(test)

    assert test.selectbox(key="table").value == "Launches"
    assert "launches-0001.csv" in html
    assert "titles-0004.csv" not in html


def test_the_kept_out_rows_of_one_batch_are_shown_with_the_way_back(client):
    html = html_of(page(data_page, client, batch="sample-3", table="Impressions"))

    assert "Of batch sample-3" in html
    assert 'href="/data?table=Impressions"' in html
    assert "6 rows kept out." in html


def test_a_batch_without_such_rows_says_so(client):
    assert "No row was kept out here" in html_of(page(data_page, client, batch="sample-1"))


def test_a_batch_that_is_not_there_is_said_and_the_rest_of_the_page_stands(client):
    html = html_of(page(data_page, client, batch="no-such-batch"))

    assert "There is no such batch" in html
    assert "Show all batches" in html
    assert "Published batches, newest first" in html
    assert "What changed lately" in "".join(each.value for each in page(data_page, client, batch="x").subheader)


@pytest.mark.parametrize(("button", "state"), [("Release", HeldState.RELEASED), ("Discard", HeldState.DISCARDED)])
def test_a_decision_is_stored_and_told_once(store, client, button, state):
    test = decide(page(data_page, client), button, "Ada", "The source was cleaned up.")

    with store.read() as unit:
        decided = {held.batch_id: held for held in unit.batches.held(state=state)}["held-0"]
    assert [(each.by, each.reason) for each in decided.decisions] == [("Ada", "The source was cleaned up.")]
    assert f"held-0 is {state}." in html_of(test)
    assert "4 batches are held" in html_of(test)
    assert f"held-0 is {state}." not in html_of(test.run())


@pytest.mark.parametrize(("by", "reason"), [("", "x"), ("Ada", " "), ("", "")])
def test_without_name_and_reason_nothing_is_decided(store, client, by, reason):
    test = decide(page(data_page, client), "Release", by, reason)

    with store.read() as unit:
        assert unit.batches.held(state=HeldState.RELEASED) == ()
    assert "A name and a reason are needed" in html_of(test)


def test_a_decision_the_api_refuses_is_told_and_the_page_stands(store):
    test = decide(page(data_page, client_of(store, decide=None)), "Release", "Ada", "x")

    html = html_of(test)
    assert "Nothing was decided" in html
    assert "only reads" in html
    assert "Published batches" in [head.value for head in test.subheader]


def test_where_nobody_need_decide_there_is_no_form():
    store = FakeStore()
    fill_data(store, SampleData(n_held=0, n_changes=0))
    test = page(data_page, client_of(store))

    assert not test.button
    assert "No batch was ever held" in html_of(test)
    assert "No deploy, model push or edit is known" in html_of(test)


def test_before_the_first_ingest_the_page_says_what_to_do():
    from recsysops.settings import Settings

    html = html_of(page(data_page, client_of(FakeStore(), settings=Settings())))

    assert "Nothing has come in yet" in html
    assert "name no source" in html


def test_issues_are_shown_with_runs_and_what_failed_in_them(store, client):
    steps = tuple(StepReport(kind="detector", name=f"d{at}", outcome=StepOutcome.SKIPPED, reason="no plan")
                  for at in range(9))  # fmt: skip
    with store.write() as unit:
        unit.runs.save(Run(run_id="x", verb="run", as_of=AS_OF, started_at=AS_OF + timedelta(days=1), steps=steps))
        unit.commit()

    html = html_of(page(issues_page, client))

    assert "Trailer is missing" in html
    assert "Not finished" in html
    assert "Skipped: detector d0, no plan" in html
    assert "and 3 more" in html


def test_resolved_issues_say_how_they_ended_and_which_time_it_is(store, client):
    with store.write() as unit:
        before = dict(unit.issues.latest())
        cells = dict.fromkeys([(f"t-{i:04d}", m, s) for i in range(4) for m in ("de", "us")
                               for s in ("home", "search")], "launched")  # fmt: skip
        ended = follow(before, (), Judged(cells=cells, silent=frozenset()), AS_OF + timedelta(days=1))
        unit.issues.apply(ended)
        finding = ended[0].issue.finding
        again = follow(dict(unit.issues.latest()), [finding], Judged(cells={}, silent=frozenset()),
                       AS_OF + timedelta(days=2))  # fmt: skip
        unit.issues.apply(again)
        unit.commit()

    open_now = html_of(page(issues_page, client))
    resolved = html_of(page(issues_page, client, state="Resolved", page="99"))

    assert "opened for the 2. time" in open_now
    assert "launched Tue 3 Mar" in resolved


def test_issues_under_filters_and_a_store_without_any(client):
    nothing = html_of(page(issues_page, client, about="nothing like it", severity="Critical", cause="Recommender"))
    empty = html_of(page(issues_page, client_of(FakeStore())))

    assert "No issue passes these filters" in nothing
    assert "No issue is open" in empty
    assert "Nothing ran yet" in empty


def test_many_issues_and_runs_are_cut_into_pages():
    store = FakeStore()
    fill(store, Sample(n_titles=60, n_predicted=0))
    with store.write() as unit:
        for at in range(30):
            begin = AS_OF + timedelta(hours=at)
            unit.runs.save(Run(run_id=f"p{at}", verb="predict", as_of=AS_OF, started_at=begin, finished_at=begin))
        unit.commit()
    client = client_of(store)

    first = html_of(page(issues_page, client))
    far = html_of(page(issues_page, client, runs_page="99"))

    assert "1–50 of " in first
    assert "1–20 of 33" in first
    assert "1–20 of 33" in far


def test_the_prediction_is_taken_apart_only_when_asked(client):
    closed = html_of(page(title_page, client, title="t-0001"))
    opened = html_of(page(title_page, client, title="t-0001", parts="true"))

    assert "Which fields raised the prediction" in closed
    assert "lowers it much" in opened
    assert "2 more things count for less" in opened
    assert "It is no cause" in opened


def test_where_a_prediction_cannot_be_taken_apart_the_reason_stands(store):
    html = html_of(page(title_page, client_of(store, take_apart=None), title="t-0001", parts="true"))

    assert "this service has none" in html


def test_the_timeline_is_filtered_by_the_address_and_cut_into_pages(client):
    everything = html_of(page(title_page, client, title="t-0001"))
    launches = html_of(page(title_page, client, title="t-0001", changed="Launch", timeline_page="9"))
    plans = html_of(page(title_page, client, title="t-0001", changed="Plan"))

    assert "Release 40 of the ranker." in everything
    assert "1–25 of " in everything
    assert "the whole service" in everything
    assert "Launch moved" in launches
    assert "Release 40" not in launches
    assert "Nothing of this kind is known" in plans


def entry(**changes: object) -> TimelineEntry:
    values: dict[str, object] = {
        "at": AS_OF,
        "known_at": None,
        "kind": TimelineKind.METADATA,
        "what": "synopsis filled",
    }
    return TimelineEntry(**(values | changes))


def test_what_happened_at_one_time_shows_the_time_once():
    later = AS_OF + timedelta(hours=3)
    shown = timeline_table(
        [
            entry(at=later, known_at=AS_OF + timedelta(days=1)),
            entry(at=later, known_at=AS_OF + timedelta(days=1), what="artwork emptied", before="a.jpg"),
            entry(places=(TimelinePlace(market="de", surface="all"),)),
        ]
    ).markup

    assert shown.count("Mon 2 Mar 2026") == 1
    assert shown.count("03:00 UTC") == 1
    assert shown.count("known to us Tue 3 Mar 00:00") == 1
    assert "<small>nothing</small>" in shown


def test_a_contribution_that_does_not_show_in_the_share_is_said_to_hardly_count():
    rows = (Contribution(name="a", value="x", amount=0.9, without=0.05),
            Contribution(name="b", value="", amount=0.0001, without=0.1))  # fmt: skip
    found = Contributions(title_id="t", market="de", surface="home", measure="reach", horizon=7, base=0.05, answer=0.1,
                          median=0.11, rows=rows, n_rest=1)  # fmt: skip

    shown = contributions_table(found).markup

    assert "▲ raises it much" in shown
    assert "hardly moves it from 10 %" in shown
    assert "starts at 5 % of members" in sentence(found)


def test_many_files_and_codes_are_cut():
    row = BatchRow(
        batch_id="b", table="odd", files=("a/b/c.csv", "d.csv", "e.csv", "f.csv"), rows_in=1, accepted=0, duplicate=0,
        quarantined=1, loaded_at=AS_OF, label="", codes={"x": 1}, released_by="Ada",
    )  # fmt: skip
    codes = {f"code-{at}": 1 for at in range(11)}
    found = QuarantinePage(rows=(), codes=codes, n_kept_out=11, total=4, offset=0, limit=1)

    table, line = batches_table([row]).markup, codes_line(found).markup

    assert "b/c.csv" in table
    assert "and 2 more files" in table
    assert "held, released by Ada" in table
    assert "and 3 more codes" in line
    assert "4 of them can be listed" in line
