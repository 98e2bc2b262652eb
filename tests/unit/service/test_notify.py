from datetime import UTC, datetime, timedelta

import pytest

from recsysops.domain.verdict import StepOutcome
from recsysops.service.detect import detect
from recsysops.service.notify import compose, notify_into
from recsysops.service.recording import Recorder

AS_OF = datetime(2026, 3, 2, tzinfo=UTC)
DAY = timedelta(days=1)


def told(context, report):
    with context.store.read() as unit:
        return compose(context, unit, report.run, report.judgement, report.changes)


def titles(notices):
    return [notice.issue.finding.title_id for notice in notices]


def test_what_is_new_fixed_and_ended_is_told_apart(world):
    world.upcoming(stays="bad", mended="bad", gone="bad")
    context = world.context()
    first = told(context, detect(context))
    world.remark("mended", "good")
    world.launches(("gone", "us", "home", AS_OF, AS_OF + 5 * DAY, "cancelled"))
    world.upcoming(fresh="bad")

    second = told(context, detect(context, as_of=AS_OF + DAY))

    assert sorted(titles(first.opened)) == ["gone", "mended", "stays"]
    assert titles(second.opened) == ["fresh"]
    assert titles(second.fixed) == ["mended"]
    assert titles(second.ended) == ["gone"]
    assert second.n_open == 2


def test_a_notice_carries_the_titles_name_and_launch(world):
    world.upcoming(wrong="bad")
    context = world.context()

    notice = told(context, detect(context)).opened[0]

    assert (notice.title_name, notice.launch_at) == ("Name of wrong", AS_OF + 5 * DAY)


def test_what_did_not_run_is_told(world):
    world.upcoming(wrong="broken")
    context = world.context()

    notification = told(context, detect(context))

    assert notification.failed_steps == ("detector toy: RuntimeError: toy detector broke",)
    assert notification.n_unknown == 1


@pytest.mark.parametrize(
    ("refuses", "outcome", "reason"),
    [
        ("", StepOutcome.RAN, "detect-"),
        ("no such room", StepOutcome.FAILED, "no such room"),
        ("raise", StepOutcome.FAILED, "OSError: no line"),
    ],
)
def test_a_channel_that_fails_is_on_record_and_stops_no_other(world, channel, refuses, outcome, reason):
    world.upcoming(wrong="bad")
    other = channel()
    context = world.context(channels=(channel(refuses=refuses), other))
    recorder = Recorder(context, "run", AS_OF)

    notify_into(context, recorder, told(context, detect(context)))

    first, second = recorder.run.steps
    assert (first.outcome, first.reason[: len(reason)]) == (outcome, reason)
    assert second.outcome is StepOutcome.RAN
    assert len(other.messages) == 1
