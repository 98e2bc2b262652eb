from dataclasses import replace
from datetime import timedelta

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsysops import columns as c
from recsysops.domain.issue import Judged, follow
from recsysops.domain.requirement import applicable_requirements
from recsysops.domain.run import Run, StepReport
from recsysops.domain.severity import FindingClass, Severity
from recsysops.domain.verdict import CheckOutcome, Status, StepOutcome
from recsysops.domain.views import Board, BoardFilter, FieldState, IssueFilter, LaunchChange, MissingFieldFilter
from recsysops.errors import ModelError, NotFoundError, UsageError
from recsysops.service.queries import records, runs
from recsysops.service.queries.board import board
from recsysops.service.queries.metadata import Requirements, missing_fields
from recsysops.service.queries.snapshot import Snapshot, SnapshotCache
from recsysops.service.queries.title import comparables, title
from recsysops.settings import Settings
from recsysops.testing import sample_api
from recsysops.testing.fake_store import FakeStore
from recsysops.testing.sample_results import AS_OF, Sample, fill, requirements

N = 40


@pytest.fixture(scope="module")
def store() -> FakeStore:
    filled = FakeStore()
    fill(filled, Sample(n_titles=N, n_predicted=N))
    return filled


@pytest.fixture(scope="module")
def snapshot(store) -> Snapshot:
    return SnapshotCache(store).get()


def board_of(snapshot: Snapshot, now=AS_OF, offset: int = 0, limit: int = 500, **filters: object) -> Board:
    return board(snapshot, BoardFilter(**filters), service="sample", now=now, offset=offset, limit=limit)


def title_of(store: FakeStore, snapshot: Snapshot, title_id: str):
    return title(store, snapshot, title_id, requirements=requirements(), now=AS_OF)


def a_run(verb: str, minute: int, *steps: StepReport, is_finished: bool = True) -> Run:
    start = AS_OF + timedelta(days=1, minutes=minute)
    return Run(
        run_id=f"{verb}-{minute}", verb=verb, as_of=start, started_at=start,
        finished_at=start + timedelta(seconds=5) if is_finished else None, steps=steps,
    )  # fmt: skip


def test_the_board_is_ordered_by_status_then_severity_then_time_left(snapshot):
    found = board_of(snapshot)

    ranks = []
    for row in found.rows:
        severity, fix_at = row.severity.rank if row.severity else 9, row.latest_safe_fix_at
        ranks.append((row.status.rank, severity, fix_at is None, fix_at))
    assert [rank[:3] for rank in ranks] == sorted(rank[:3] for rank in ranks)
    failing = [rank[3] for rank in ranks if rank[0] == 0]
    assert failing == sorted(failing)
    assert len(found.rows) == found.total == N


def test_counts_ignore_the_status_filter_and_nothing_else(snapshot):
    everything = board_of(snapshot)
    failing = board_of(snapshot, statuses=(Status.FAILING,))
    one_provider = board_of(snapshot, providers=("Harbour Street",))

    assert failing.counts == everything.counts
    assert failing.total == everything.counts["failing"]
    assert {row.status for row in failing.rows} == {Status.FAILING}
    assert sum(one_provider.counts.values()) == one_provider.total == N // 4


def test_a_market_filter_judges_a_title_by_its_cells_there(snapshot):
    everywhere = {row.title_id: row for row in board_of(snapshot).rows}
    in_us = {row.title_id: row for row in board_of(snapshot, markets=("us",), surfaces=("home",)).rows}

    assert {cell.market for row in in_us.values() for cell in row.cells} == {"us"}
    assert all(len(row.cells) == 1 for row in in_us.values())
    assert len(everywhere["t-0000"].cells) == 4


@pytest.mark.parametrize(
    ("filters", "wanted"),
    [
        ({"text": "quiet harb"}, {"t-0000"}),
        ({"text": "T-0007"}, {"t-0007"}),
        ({"text": "nothing like it"}, set()),
        ({"title_ids": ("t-0003", "t-0004")}, {"t-0003", "t-0004"}),
        ({"providers": ("nobody",)}, set()),
    ],
)
def test_filters_by_text_id_and_provider(snapshot, filters, wanted):
    assert {row.title_id for row in board_of(snapshot, **filters).rows} == wanted


def test_filters_by_class_and_by_time_to_launch(snapshot):
    algorithm = board_of(snapshot, classes=(FindingClass.ALGORITHM,))
    soon = board_of(snapshot, launching_within_days=3)

    assert {row.finding_class for row in algorithm.rows} <= {FindingClass.ALGORITHM, FindingClass.SETUP}
    assert 0 < algorithm.total < N
    assert all(0 <= row.days_to_launch <= 3 for row in soon.rows)
    assert 0 < soon.total < N


def test_pages_join_to_the_whole_and_bad_pages_are_refused(snapshot):
    whole = [row.title_id for row in board_of(snapshot).rows]
    pages = [row.title_id for at in range(0, N, 15) for row in board_of(snapshot, offset=at, limit=15).rows]

    assert pages == whole
    for offset, limit in ((-1, 10), (0, 0), (0, 501)):
        with pytest.raises(UsageError):
            board_of(snapshot, offset=offset, limit=limit)


def test_a_row_says_why_what_to_do_and_what_it_is_worth(snapshot):
    rows = {row.title_id: row for row in board_of(snapshot).rows}

    gap, fine, unknown = rows["t-0007"], rows["t-0001"], rows["t-0025"]
    assert gap.worth is not None
    assert gap.worth.low <= gap.worth.expected <= gap.worth.high
    assert gap.worth.unit == "members"
    assert gap.why.startswith("Predicted to reach")
    assert (fine.status, fine.worth, fine.remedy) == (Status.OK, None, "")
    assert "passed" in fine.why
    assert (unknown.status, unknown.severity) == (Status.UNKNOWN, None)
    assert "did not run" in unknown.why


def test_moved_and_cancelled_launches_are_told(snapshot):
    found = board_of(snapshot)
    rows = {row.title_id: row for row in found.rows}

    assert rows["t-0001"].launch_change is LaunchChange.MOVED
    assert rows["t-0002"].launch_change is LaunchChange.PART_CANCELLED
    assert rows["t-0004"].launch_change is LaunchChange.NONE
    assert found.n_cancelled == 1
    assert "gone" not in rows


def test_an_empty_store_has_an_empty_board_without_a_time():
    found = board_of(SnapshotCache(FakeStore()).get())

    assert (found.as_of, found.run, found.total, found.notices) == (None, None, 0, ())
    assert set(found.counts) == {status.value for status in Status}


def test_a_later_detection_that_found_nothing_upcoming_empties_the_board():
    store = FakeStore()
    fill(store, Sample(n_titles=3, n_predicted=3))
    with store.write() as unit:
        unit.runs.save(a_run("detect", 0, StepReport(kind="step", name="detect", outcome=StepOutcome.RAN)))
        unit.commit()

    found = board_of(SnapshotCache(store).get())

    assert found.as_of == AS_OF + timedelta(days=1)
    assert found.total == 0


def test_the_snapshot_is_kept_until_another_run_is_recorded():
    store = FakeStore()
    fill(store, Sample(n_titles=2, n_predicted=2))
    cache = SnapshotCache(store)
    first = cache.get()

    again = cache.get()
    with store.write() as unit:
        unit.runs.save(a_run("ingest", 0))
        unit.commit()
    after = cache.get()

    assert again is first
    assert after is not first


def test_notices_say_what_failed_what_was_skipped_and_what_is_old():
    failed = a_run("run", 1, StepReport(kind="step", name="detect", outcome=StepOutcome.FAILED, reason="No disk."))
    skipped = a_run("run", 2, StepReport(kind="suite", name="required", outcome=StepOutcome.SKIPPED, reason="off"))
    killed = a_run("ingest", 3, is_finished=False)

    assert runs.run_notices((failed,), AS_OF, AS_OF)[0].startswith("`run` of 2026-03-03 00:01 UTC failed in step")
    assert runs.run_notices((skipped,), AS_OF, AS_OF) == ('Suite "required" was skipped: off',)
    assert "has not finished" in runs.run_notices((killed, skipped), AS_OF, AS_OF)[1]
    assert "This is old" in runs.run_notices((), AS_OF, AS_OF + timedelta(hours=37))[0]
    assert runs.run_notices((), AS_OF, AS_OF + timedelta(hours=35)) == ()


def test_step_health_reads_steps_of_any_verb_and_ignores_what_still_runs():
    bad = StepReport(kind="step", name="train", outcome=StepOutcome.FAILED)
    good = StepReport(kind="step", name="train", outcome=StepOutcome.RAN)
    skipped = StepReport(kind="step", name="predict", outcome=StepOutcome.SKIPPED)
    known = (a_run("run", 9, is_finished=False), a_run("train", 5, bad), a_run("run", 1, good, skipped))

    health = {step.step: step for step in runs.step_health(known)}

    assert health["train"].last_failed
    assert health["train"].last_success_at == known[2].finished_at
    assert health["run"].last_success_at == known[2].finished_at
    assert (health["predict"].last_success_at, health["predict"].last_failed) == (None, False)
    assert set(health) == set(runs.STEPS)


def test_runs_are_told_in_a_sentence(store):
    told = runs.runs(store).runs

    assert told[0].verb == "run"
    assert told[0].seconds == 20
    assert told[0].summary == "`run` of 2026-03-02 00:02 UTC finished in 20 s."


def test_a_title_shows_everything_known(store, snapshot):
    view = title_of(store, snapshot, "t-0007")

    assert (view.name, view.status) == ("Midnight Harbour", Status.FAILING)
    assert view.findings[0].detector == "expectation_gap"
    assert {verdict.outcome for verdict in view.verdicts} == {CheckOutcome.FAILED, CheckOutcome.PASSED}
    assert len(view.issues) == 4
    assert all(issue.events for issue in view.issues)
    assert view.issues[0].name == "Midnight Harbour"
    assert view.issues[0].launch_at == view.cells[0].launch_at
    assert view.fields["genres"].startswith("drama")


def test_a_titles_targets_hold_prediction_baseline_and_expectation(store, snapshot):
    targets = {(t.measure, t.horizon): t for t in title_of(store, snapshot, "t-0007").targets if t.market == "de"}

    planned, unplanned = targets["reach", 7], targets["impression_share", 1]
    assert [answer.predictor for answer in planned.predictions] == [c.MODEL, c.COMPARABLE_TITLES]
    assert planned.predictions[0].is_served
    assert planned.gap == pytest.approx(0.65, abs=0.02)
    assert planned.p_below > 0.9
    assert len(planned.expected.quantiles) == 19
    assert (unplanned.expected, unplanned.gap, unplanned.p_below) == (None, None, None)


def test_an_abstaining_model_says_why_and_the_baseline_is_served(store, snapshot):
    target = title_of(store, snapshot, "t-0010").targets[0]

    served, silent = target.predictions
    assert (served.predictor, served.is_served, served.label) == (c.COMPARABLE_TITLES, True, "fallback")
    assert (silent.quantiles, silent.abstains) == ((), "Too few titles like it.")


def test_launches_tell_moves_and_cancellations(store, snapshot):
    moved = title_of(store, snapshot, "t-0001").launches
    cancelled = title_of(store, snapshot, "t-0002").launches
    gone = title_of(store, snapshot, "gone")

    assert [event.change for event in moved][:2] == ["announced", "moved"]
    assert [event.change for event in cancelled if event.surface == "search"] == ["announced", "cancelled"] * 2
    assert (gone.status, gone.summary, gone.cells) == (None, None, ())
    assert [event.change for event in gone.launches] == ["cancelled"]


def test_a_title_nobody_knows_is_not_found(store, snapshot):
    with pytest.raises(NotFoundError, match="is not known"):
        title_of(store, snapshot, "nobody")


def test_a_title_can_be_read_before_the_first_detection():
    store = FakeStore()
    fill(store, Sample(n_titles=2, n_predicted=2))
    nothing = replace(SnapshotCache(FakeStore()).get(), runs=())

    view = title(store, nothing, "t-0001", requirements=requirements(), now=AS_OF)

    assert (view.as_of, view.status, view.findings) == (None, None, ())
    assert view.name


def test_required_fields_stand_against_their_due_dates(store, snapshot):
    rows = {(row.field, row.markets): row for row in title_of(store, snapshot, "t-0000").metadata}

    trailer, rating = rows["trailer", ("de", "us")], rows["maturity_rating", ("de",)]
    assert trailer.state is FieldState.OVERDUE
    assert trailer.surfaces == ("home", "search")
    assert "TBA" in trailer.reason
    assert trailer.days_to_due < 0
    assert (rating.state, rating.owner, rating.reason) == (FieldState.FILLED, "team-legal", "")


def test_a_check_that_did_not_run_leaves_the_field_not_checked(store, snapshot):
    states = {row.field: row.state for row in title_of(store, snapshot, "t-0012").metadata}

    assert states["artwork"] is FieldState.NOT_CHECKED


def test_the_most_exact_requirement_holds_and_none_means_no_date():
    frame = pd.DataFrame(
        [("f", c.ALL, c.ALL, 5.0, 1.0, "a", "critical"), ("f", "de", c.ALL, 9.0, 1.0, "b", "critical"),
         ("f", "de", "home", 7.0, 1.0, "c", "critical"), ("f", c.ALL, "home", 3.0, 1.0, "d", "critical")],
        columns=list(c.REQUIREMENT),
    )  # fmt: skip

    read = Requirements(frame)

    found = [read.of("f", market, surface).owner for market, surface in
             (("de", "home"), ("de", "search"), ("us", "home"), ("us", "search"))]  # fmt: skip
    assert found == ["c", "b", "d", "a"]
    assert read.of("g", "de", "home") is None


@given(
    st.lists(
        st.tuples(st.just("f"), st.sampled_from([c.ALL, "de", "us"]), st.sampled_from([c.ALL, "home"]),
                  st.integers(0, 3), st.integers(0, 2), st.sampled_from("ab"), st.just("critical")),
        min_size=1, max_size=12,
    )
)  # fmt: skip
def test_requirements_hold_where_detectors_say_they_hold(rows):
    frame = pd.DataFrame(rows, columns=list(c.REQUIREMENT)).astype({c.DUE_DAYS: "float64", c.DAYS_TO_FIX: "float64"})
    cells = pd.DataFrame([("t", m, s) for m in ("de", "us") for s in ("home", "tv")], columns=list(c.CELL_KEY))
    columns = (c.MARKET, c.SURFACE, c.DUE_DAYS, c.DAYS_TO_FIX, c.OWNER)
    expected = list(applicable_requirements(cells, frame)[list(columns)].itertuples(index=False, name=None))
    read = Requirements(frame)

    held = [(market, surface, read.of("f", market, surface)) for _, market, surface in cells.itertuples(index=False)]

    assert [(m, s, one.due_days, one.days_to_fix, one.owner) for m, s, one in held if one] == expected


def test_missing_fields_are_listed_by_provider_soonest_due_first(snapshot):
    everything = missing_fields(snapshot, requirements())
    one = missing_fields(snapshot, requirements(), MissingFieldFilter(provider="Harbour Street"))
    nobody = missing_fields(snapshot, requirements(), MissingFieldFilter(provider=""))

    due = [row.due_at for row in everything.rows]
    assert due == sorted(due)
    assert sum(everything.providers.values()) == len(everything.rows)
    assert {row.provider for row in one.rows} == {"Harbour Street"}
    assert len(one.rows) == everything.providers["Harbour Street"]
    assert nobody.rows == ()
    assert all(row.state in {FieldState.MISSING, FieldState.OVERDUE} for row in everything.rows)


def test_a_field_no_longer_required_has_no_due_date(snapshot):
    rows = missing_fields(snapshot, requirements().iloc[:0]).rows

    assert rows
    assert {(row.due_at, row.latest_safe_fix_at, row.owner, row.state) for row in rows} == {
        (None, None, "", FieldState.MISSING)
    }


def test_issues_are_paged_and_one_is_found_with_its_history(store):
    page = records.issues(store, limit=3)
    first = page.issues[0]

    one = records.issue(store, first.issue.issue_id)

    assert page.total > len(page.issues) == 3
    assert first.events == ()
    assert [event.kind for event in one.events] == ["opened"]
    assert records.issues(store, IssueFilter(is_open=False)).issues == ()
    mine = records.issues(store, IssueFilter(title_id="t-0007"))
    assert {view.issue.finding.title_id for view in mine.issues} == {"t-0007"}
    with pytest.raises(NotFoundError):
        records.issue(store, "nothing")


def test_a_resolved_issue_is_listed_as_resolved():
    store = FakeStore()
    fill(store, Sample(n_titles=1, n_predicted=1))
    with store.write() as unit:
        latest = unit.issues.latest()
        cells = {(i.finding.title_id, i.finding.market, i.finding.surface): "launched" for i in latest.values()}
        unit.issues.apply(follow(latest, [], Judged(cells=cells, silent=frozenset()), AS_OF + timedelta(days=9)))
        unit.commit()

    resolved = records.issues(store, IssueFilter(is_open=False))

    assert resolved.total == len(latest)
    assert {view.issue.resolution for view in resolved.issues} == {"launched"}


def test_scores_that_are_not_numbers_are_absent():
    store = FakeStore()
    fill(store, Sample(n_titles=1, n_predicted=1))
    with store.write() as unit:
        card = unit.models.active()[0]
        unit.models.activate(replace(card, model_id="m-2", scores={"model_pinball": float("nan"), "n": 1.0}))
        unit.results.save_scores("b", [replace(score, value=float("nan")) for score in unit.results.scores()])
        unit.commit()

    view = records.models(store)

    assert view.active[0].scores == {"n": 1.0}
    assert view.scores == ()


def test_vital_signs_count_cells_and_open_issues_without_titles(store, snapshot):
    signs = records.vitals(store, snapshot, Settings(), AS_OF)

    assert sum(signs.cells.values()) == sum(len(title.cells) for title in snapshot.titles)
    assert signs.open_issues[Severity.CRITICAL, FindingClass.SETUP] > 0
    assert signs.quarantined == {"titles": 2, "launches": 2}
    assert {(predictor, value) for (_, _, predictor), value in signs.pinball.items()} == {
        ("model", 0.1),
        ("comparable_titles", 0.14),
    }
    assert "t-0001" not in repr(signs)


def test_comparable_titles_stand_field_by_field(store, snapshot):
    target = (("t-0001", "de", "home"), "reach", 7)

    found = comparables(store, snapshot, target, find=sample_api.comparables, now=AS_OF)

    assert found.problem == ""
    assert found.fields["runtime_minutes"] == "81"
    assert found.titles[0].fields["genres"] == "drama, comedy"
    assert found.titles[0].value > 0


def test_what_goes_wrong_with_comparable_titles_costs_that_section_alone(store, snapshot):
    def refuses(*_: object) -> pd.DataFrame:
        raise ModelError("There is nothing to learn from.")

    def breaks(*_: object) -> pd.DataFrame:
        raise ZeroDivisionError

    def finds_none(*_: object) -> pd.DataFrame:
        return pd.DataFrame()

    target = (("t-0001", "de", "home"), "reach", 7)
    finders = (refuses, breaks, finds_none, None)

    problems = [comparables(store, snapshot, target, find=find, now=AS_OF).problem for find in finders]

    assert problems[0] == "There is nothing to learn from."
    assert "ZeroDivisionError" in problems[1]
    assert "No past launch" in problems[2]
    assert "need a predictor" in problems[3]


@pytest.mark.parametrize("sort", ["risk", "opened", "updated", "title"])
def test_pages_of_issues_add_up_to_all_of_them_in_every_order(store, sort):
    whole = records.issues(store, sort=sort, limit=500)

    pages = [records.issues(store, sort=sort, offset=start, limit=7) for start in range(0, whole.total, 7)]

    ids = [view.issue.issue_id for page in pages for view in page.issues]
    assert ids == [view.issue.issue_id for view in whole.issues]
    assert len(set(ids)) == whole.total


def test_issues_are_filtered_by_each_thing_said_of_them(store):
    whole = records.issues(store, limit=500)
    finding = whole.issues[0].issue.finding

    def found(**wanted):
        return [view.issue.finding for view in records.issues(store, IssueFilter(**wanted), limit=500).issues]

    assert {each.severity for each in found(severities=(finding.severity,))} == {finding.severity}
    assert {each.finding_class for each in found(classes=(finding.finding_class,))} == {finding.finding_class}
    assert {each.detector for each in found(detectors=(finding.detector,))} == {finding.detector}
    assert {each.market for each in found(markets=(finding.market,))} == {finding.market}
    assert {each.title_id for each in found(text=finding.title_id.upper())} == {finding.title_id}
    assert found(text="no issue says this") == []


@pytest.mark.parametrize("sort", ["due", "provider", "title", "field"])
def test_pages_of_missing_fields_add_up_to_all_of_them_in_every_order(snapshot, sort):
    whole = missing_fields(snapshot, requirements(), sort=sort)

    pages = [
        missing_fields(snapshot, requirements(), sort=sort, offset=start, limit=5) for start in range(0, whole.total, 5)
    ]

    assert tuple(row for page in pages for row in page.rows) == whole.rows
    assert whole.total == len(whole.rows)


def test_missing_fields_are_filtered_by_state_field_and_owner(snapshot):
    whole = missing_fields(snapshot, requirements())
    row = whole.rows[0]

    def found(**wanted):
        return missing_fields(snapshot, requirements(), MissingFieldFilter(**wanted)).rows

    assert {each.state for each in found(states=(row.state,))} == {row.state}
    assert {each.field for each in found(fields=(row.field,))} == {row.field}
    assert {each.owner for each in found(owner=row.owner)} == {row.owner}
    assert found(owner="nobody at all") == ()


@pytest.mark.parametrize(
    ("sort", "key"),
    [
        ("launch", lambda row: row.launch_at),
        ("name", lambda row: row.name.casefold()),
        ("worth", lambda row: -(row.worth.expected if row.worth else -1)),
    ],
)
def test_the_board_is_sorted_as_asked_and_by_risk_where_alike(snapshot, sort, key):
    by_risk = board(snapshot, BoardFilter(), service="s", now=AS_OF, limit=500).rows

    shown = board(snapshot, BoardFilter(), service="s", now=AS_OF, sort=sort, limit=500).rows

    assert list(shown) == sorted(by_risk, key=key)


def test_runs_are_paged_and_filtered_by_verb(store):
    whole = runs.runs(store, limit=500)
    verb = whole.runs[0].verb

    pages = [runs.runs(store, offset=start, limit=1).runs for start in range(whole.total)]

    assert tuple(run for page in pages for run in page) == whole.runs
    assert {run.verb for run in runs.runs(store, verb=verb).runs} == {verb}
    assert runs.runs(store, verb="nothing").total == 0
