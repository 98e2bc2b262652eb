from datetime import UTC, datetime, timedelta

import pytest

from recsysops.domain.severity import Severity
from recsysops.errors import NotFoundError
from recsysops.service.check import check

AS_OF = datetime(2026, 3, 2, tzinfo=UTC)


def test_a_warning_fails_only_a_gate_that_fails_on_warnings(world):
    world.upcoming(wrong="bad")
    context = world.context()

    assert check(context).exit_code == 0
    assert check(context, fail_on=Severity.WARNING).exit_code == 1


def test_what_could_not_be_checked_fails_unless_allowed(world):
    world.upcoming(fine="good", silent=None)
    context = world.context()

    assert check(context).exit_code == 1
    assert check(context, allow_unknown=True).exit_code == 0


def test_only_the_titles_asked_for_count(world):
    world.upcoming(fine="good", wrong="bad")
    context = world.context()

    report = check(context, title_ids=("fine",), fail_on=Severity.WARNING)

    assert [entry.title_id for entry in report.cells] == ["fine"]
    assert report.exit_code == 0


def test_a_title_that_is_not_upcoming_was_not_checked(world):
    world.upcoming(fine="good")

    with pytest.raises(NotFoundError, match='"ghost" does not launch within 28 days'):
        check(world.context(), title_ids=("fine", "ghost"))


def test_a_window_without_launches_passes_and_says_so(world):
    world.upcoming(fine="bad")

    report = check(world.context(), launching_within=timedelta(days=1), fail_on=Severity.INFO)

    assert report.exit_code == 0
    assert "Nothing launches in this window; the next launch is at 2026-03-07 00:00 UTC." in report.notices


def test_an_empty_store_is_unknown_never_fine(world):
    report = check(world.context())

    assert report.exit_code == 1
    assert "nothing was checked" in report.notices[0]


def test_checking_changes_nothing(world):
    world.upcoming(wrong="bad")

    check(world.context())

    with world.store.read() as unit:
        assert unit.issues.latest() == {}
        assert unit.results.load("findings").empty
        assert unit.runs.list() == ()


def test_a_check_that_did_not_run_is_named(world):
    world.upcoming(wrong="broken")

    report = check(world.context())

    assert report.notices == ("Detector toy did not run: RuntimeError: toy detector broke",)
    assert report.exit_code == 1


def test_cells_come_worst_first(world):
    world.upcoming(a="good", b="bad", d="odd")

    report = check(world.context())

    assert [entry.title_id for entry in report.cells] == ["b", "d", "a"]
