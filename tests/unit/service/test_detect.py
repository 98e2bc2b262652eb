from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from recsysops import columns as c
from recsysops.domain.issue import IssueEventKind, Resolution
from recsysops.domain.verdict import StepOutcome
from recsysops.errors import RunFailedError
from recsysops.service.detect import detect

AS_OF = datetime(2026, 3, 2, tzinfo=UTC)
DAY = timedelta(days=1)


def statuses(report):
    cells = report.judgement.cells
    return dict(zip(cells[c.TITLE_ID], cells[c.STATUS], strict=True))


def kinds(report):
    return [(change.issue.finding.title_id, change.event.kind) for change in report.changes]


def test_each_cell_gets_the_status_its_checks_deserve(world):
    world.upcoming(fine="good", wrong="bad", silent=None, aside="odd")

    report = detect(world.context())

    assert statuses(report) == {"fine": "ok", "wrong": "at_risk", "silent": "unknown", "aside": "unknown"}


def test_a_detector_that_breaks_makes_its_cells_unknown_and_the_run_failed(world):
    world.upcoming(fine="good", wrong="broken")

    report = detect(world.context())

    assert statuses(report) == {"fine": "unknown", "wrong": "unknown"}
    assert report.run.has_failed
    assert "toy detector broke" in report.judgement.cells[c.WHY].iloc[0]


def test_a_detector_that_leaves_a_cell_out_has_not_run(world):
    world.upcoming(fine="good", wrong="omitted")

    report = detect(world.context())

    assert statuses(report) == {"fine": "unknown", "wrong": "unknown"}
    assert report.run.has_failed
    assert "it gives no verdict on 1 of 2 cells" in report.judgement.cells[c.WHY].iloc[0]


def test_a_detector_that_could_not_be_loaded_makes_every_cell_unknown(world):
    world.upcoming(fine="good")

    report = detect(world.context(refused_detectors={"stranger": "ImportError: gone"}))

    assert statuses(report) == {"fine": "unknown"}
    assert any(step.name == "stranger" and step.outcome is StepOutcome.FAILED for step in report.run.steps)


def test_without_any_detector_nothing_is_called_ok(world):
    world.upcoming(fine="good")

    report = detect(world.context(detectors=()))

    assert statuses(report) == {"fine": "unknown"}


def test_a_needed_column_nobody_has_is_named(world):
    world.upcoming(silent=None)

    report = detect(world.context())

    step = next(step for step in report.run.steps if step.name == "toy")
    assert 'has no column "mark"' in step.reason


def test_findings_open_once_and_stay_open_when_seen_again(world):
    world.upcoming(wrong="bad")
    context = world.context()

    first, again = detect(context), detect(context)

    assert kinds(first) == [("wrong", IssueEventKind.OPENED)]
    assert kinds(again) == []


def test_a_mended_title_is_resolved_as_fixed_and_comes_back_as_the_next_episode(world):
    world.upcoming(wrong="bad")
    context = world.context()
    detect(context)

    world.remark("wrong", "good")
    fixed = detect(context, as_of=AS_OF + DAY)
    world.remark("wrong", "bad", AS_OF + DAY)
    back = detect(context, as_of=AS_OF + 2 * DAY)

    assert fixed.changes[0].issue.resolution is Resolution.FIXED
    assert (back.changes[0].event.kind, back.changes[0].issue.episode) == (IssueEventKind.REOPENED, 2)


def test_a_broken_detector_resolves_nothing(world):
    world.upcoming(wrong="bad", other="good")
    context = world.context()
    detect(context)

    world.remark("wrong", "good")
    world.remark("other", "broken")
    report = detect(context, as_of=AS_OF + DAY)

    assert kinds(report) == []


def test_a_detector_switched_off_resolves_nothing(world):
    world.upcoming(wrong="bad")
    detect(world.context())

    report = detect(world.context(detectors=()), as_of=AS_OF + DAY)

    assert kinds(report) == []


def test_a_launched_title_ends_its_issues_as_launched(world):
    world.upcoming(wrong="bad")
    context = world.context()
    detect(context)

    report = detect(context, as_of=AS_OF + 6 * DAY)

    assert report.changes[0].issue.resolution is Resolution.LAUNCHED


def test_a_cancelled_title_ends_its_issues_as_withdrawn(world):
    world.upcoming(wrong="bad")
    context = world.context()
    detect(context)
    world.launches(("wrong", "us", "home", AS_OF, AS_OF + 5 * DAY, c.CANCELLED))

    report = detect(context, as_of=AS_OF + DAY)

    assert report.changes[0].issue.resolution is Resolution.WITHDRAWN


def test_a_run_older_than_the_last_followed_one_touches_no_issue(world):
    world.upcoming(wrong="bad")
    context = world.context()
    detect(context)

    world.remark("wrong", "good", AS_OF - 3 * DAY)
    report = detect(context, as_of=AS_OF - DAY)

    assert not report.is_followed
    assert kinds(report) == []


def test_results_of_the_same_time_replace_each_other(world):
    world.upcoming(wrong="bad")
    context = world.context()
    detect(context)
    detect(context)

    with world.store.read() as unit:
        assert len(unit.results.load("findings", AS_OF)) == 1
        assert len(unit.issues.events()) == 1


def test_failed_suites_are_on_record(world):
    from_checks = {"editorial": "suite could not be built"}
    world.upcoming(fine="good")
    context = world.context()
    broken = replace(context, checks=type(context.checks)(from_checks))

    report = detect(broken)

    assert [s.reason for s in report.run.steps if s.kind == "suite"] == ["suite could not be built"]
    assert report.run.has_failed


def test_what_breaks_outside_a_detector_is_one_recorded_error_and_publishes_nothing(world):
    world.upcoming(wrong="bad")

    class Broken:
        def check(self, titles, requirements):
            raise RuntimeError("disk on fire")

    with pytest.raises(RunFailedError, match="disk on fire"):
        detect(world.context(checks=Broken()))

    with world.store.read() as unit:
        assert unit.runs.list()[0].has_failed
        assert unit.results.load("findings").empty
        assert unit.issues.latest() == {}
