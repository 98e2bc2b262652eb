"""Batches, held batches and decisions on them, kept-out rows, feeds and changes over HTTP."""

import csv
import io
from dataclasses import replace
from datetime import timedelta

import pytest

from recsysops.domain.data_view import BatchOrder
from recsysops.errors import NotFoundError, StoreLockedError, UsageError
from recsysops.http.csv_export import FORMULA_STARTS
from recsysops.http.routes_data import CSV_HEAD
from recsysops.service.release import DecisionReport
from recsysops.settings import Settings, SourceSettings
from recsysops.testing.fake_store import FakeStore
from recsysops.testing.sample_api import sample_context, sample_http
from recsysops.testing.sample_data import SampleData, fill_data
from recsysops.testing.sample_results import AS_OF


@pytest.fixture
def store() -> FakeStore:
    made = FakeStore()
    fill_data(made, SampleData(n_batches=14, n_held=4))
    return made


def api_of(store, **changes):
    return sample_http(sample_context(store, **changes))


def refusing(error: Exception):
    def decide(verb: str, batch_id: str, by: str, reason: str) -> DecisionReport:
        raise error

    return decide


def test_every_batch_shows_an_account_that_adds_up(store):
    found = api_of(store).get("/v1/batches").json()

    assert found["total"] == len(found["rows"]) == 14
    for row in found["rows"]:
        assert row["rows_in"] == row["accepted"] + row["duplicate"] + row["quarantined"]
    assert found["tables"] == {"expectations": 3, "impressions": 3, "launches": 4, "titles": 4}


def test_batches_are_filtered_by_table_ordered_and_cut_into_pages(store):
    api = api_of(store)

    def ids(**query: object) -> list[str]:
        return [row["batch_id"] for row in api.get("/v1/batches", params=query).json()["rows"]]

    newest = ids()
    assert newest == [f"sample-{at}" for at in range(14)]
    assert ids(sort="oldest") == newest[::-1]
    assert ids(sort="rows")[0] == "sample-12"
    assert ids(sort="quarantined")[:5] == ["sample-0", "sample-3", "sample-6", "sample-9", "sample-12"]
    assert ids(table="titles") == ["sample-0", "sample-4", "sample-8", "sample-12"]
    assert ids(offset=3, limit=4) == newest[3:7]
    for order in BatchOrder:
        assert ids(sort=order.value, limit=7) + ids(sort=order.value, offset=7) == ids(sort=order.value)


def test_one_batch_is_found_whether_published_or_held(store):
    api = api_of(store)

    published, held = api.get("/v1/batches/sample-3").json(), api.get("/v1/batches/held-1").json()

    assert published["published"]["quarantined"] == 6
    assert published["held"] is None
    assert held["published"] is None
    assert held["held"]["is_undecided"]
    assert api.get("/v1/batches/none").status_code == 404


def test_held_batches_that_wait_stand_first_with_their_drifts_in_words(store):
    found = api_of(store).get("/v1/held-batches").json()
    discarded = api_of(store).get("/v1/held-batches", params={"state": "discarded"}).json()

    assert (found["n_undecided"], found["total"]) == (4, 5)
    assert [row["is_undecided"] for row in found["rows"]] == [True] * 4 + [False]
    assert "it was renamed. 1,900 rows where 4,200 are usual" in found["rows"][0]["why"]
    assert [row["decisions"][0]["by"] for row in discarded["rows"]] == ["Ada"]


def test_kept_out_rows_are_paged_over_batches_without_gap_or_repeat(store):
    api = api_of(store)

    whole = api.get("/v1/quarantine").json()
    pages = [api.get("/v1/quarantine", params={"offset": at, "limit": 7}).json()["rows"] for at in range(0, 35, 7)]

    assert whole["total"] == whole["n_kept_out"] == 30
    assert [row for page in pages for row in page] == whole["rows"]
    assert whole["codes"] == {"bad-time": 10, "missing-key": 10, "bad-number": 10}
    assert api.get("/v1/quarantine", params={"table": "titles"}).json()["total"] == 12
    assert api.get("/v1/quarantine", params={"table": "nothing"}).json()["rows"] == []
    assert {row["batch_id"] for row in api.get("/v1/batches/sample-3/quarantine").json()["rows"]} == {"sample-3"}
    assert api.get("/v1/batches/none/quarantine").status_code == 404


@pytest.mark.parametrize(("path", "rows"), [("/v1/quarantine.csv", 30), ("/v1/batches/sample-3/quarantine.csv", 6),
                                            ("/v1/quarantine.csv?table=titles", 12)])  # fmt: skip
def test_kept_out_rows_as_csv_hold_no_formula(store, path, rows):
    answer = api_of(store).get(path)

    found = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert len(found) == rows
    assert tuple(found[0]) == CSV_HEAD
    assert answer.headers["content-disposition"].startswith('attachment; filename="quarantine')
    assert not [cell for row in found for cell in row.values() if cell.startswith(FORMULA_STARTS)]
    assert {row["value"] for row in found} == {"'=1+1 31.02.2026"}


def test_a_csv_goes_through_all_pieces(store, monkeypatch):
    monkeypatch.setattr("recsysops.http.routes_data.PIECE", 4)

    found = list(csv.DictReader(io.StringIO(api_of(store).get("/v1/quarantine.csv").text, newline="")))

    assert len(found) == 30
    assert len({(row["batch"], row["row"]) for row in found}) == 30


def test_feeds_tell_how_each_source_of_the_settings_delivers(store):
    settings = Settings(sources={"titles": SourceSettings(path="t.csv"), "changes": SourceSettings(path="c.csv")})

    found = api_of(store, settings=settings).get("/v1/feeds").json()

    assert {row["feed"] for row in found["rows"]} == {"titles", "changes"}
    assert found["rows"][0]["feed"] == "changes"
    assert found["rows"][0]["state"] == "absent"
    assert api_of(store, settings=Settings()).get("/v1/feeds").json()["rows"] == []


def test_changes_are_the_latest_first_within_the_time_asked_for(store):
    api = api_of(store)

    def whats(**query: object) -> list[str]:
        return [row["what"] for row in api.get("/v1/changes", params=query).json()["rows"]]

    every = whats()
    assert every == [f"Release {40 - at} of the ranker." for at in range(8)]
    assert whats(since=(AS_OF - timedelta(hours=11)).isoformat()) == every[:3]
    assert whats(until=(AS_OF - timedelta(hours=31)).isoformat()) == every[7:]
    assert whats(offset=2, limit=3) == every[2:5]
    assert api.get("/v1/changes", params={"limit": 7}).json()["has_more"]
    assert not api.get("/v1/changes", params={"limit": 8}).json()["has_more"]
    assert api.get("/v1/changes", params={"since": "2026-01-01T00:00:00"}).status_code == 422


@pytest.mark.parametrize(("verb", "state"), [("release", "released"), ("discard", "discarded")])
def test_a_decision_is_recorded_with_who_and_why(store, verb, state):
    api = api_of(store)

    answer = api.post(f"/v1/batches/held-0/{verb}", json={"by": "Ada", "reason": "The source was cleaned up."})

    assert answer.status_code == 200
    assert answer.json()["held"]["state"] == state
    kept = api.get("/v1/batches/held-0").json()["held"]["decisions"]
    assert [(row["by"], row["reason"], row["state"]) for row in kept] == [("Ada", "The source was cleaned up.", state)]


@pytest.mark.parametrize("body", [{}, {"by": "Ada"}, {"by": "", "reason": "x"}, {"by": "A", "reason": "x" * 501},
                                  {"by": "A", "reason": "x", "force": True}, [], "text"])  # fmt: skip
def test_a_decision_without_name_or_reason_changes_nothing(store, body):
    before = store.records.copied()

    answer = api_of(store).post("/v1/batches/held-0/release", json=body)

    assert answer.status_code == 422
    assert store.records == before


@pytest.mark.parametrize(
    ("error", "status", "retry"),
    [
        (StoreLockedError.by("`recsysops ingest` (process 1)", 2), 503, "5"),
        (NotFoundError("No such batch was ever held."), 404, None),
        (UsageError("It was published already."), 422, None),
    ],
)
def test_what_is_in_the_way_of_a_decision_is_said(store, error, status, retry):
    api = api_of(store, decide=refusing(error))

    answer = api.post("/v1/batches/held-0/release", json={"by": "Ada", "reason": "x"})

    assert answer.status_code == status
    assert str(error) in answer.json()["detail"]
    assert answer.headers.get("retry-after") == retry


def test_an_api_that_only_reads_says_so(store):
    answer = api_of(store, decide=None).post("/v1/batches/held-0/discard", json={"by": "Ada", "reason": "x"})

    assert answer.status_code == 503
    assert "only reads" in answer.json()["detail"]


def test_a_row_whose_place_is_not_known_has_no_number_in_the_csv(store):
    with store.write() as unit:
        receipt = replace(unit.batches.all()[0], batch_id="x", content_hash="x")
        rows = [replace(row, row=-1) for _, row in unit.batches.quarantine("sample-0")]
        unit.batches.add(receipt, rows)
        unit.commit()

    found = list(csv.DictReader(io.StringIO(api_of(store).get("/v1/batches/x/quarantine.csv").text, newline="")))

    assert {row["row"] for row in found} == {""}
