from datetime import UTC, datetime, timedelta

from recsysops.clock import fixed_clock, system_clock


def test_the_system_clock_says_the_present_in_utc() -> None:
    before = datetime.now(UTC)

    said = system_clock()

    assert before <= said <= before + timedelta(minutes=1)
    assert said.tzinfo is UTC


def test_a_fixed_clock_always_says_the_same() -> None:
    at = datetime(2026, 3, 2, tzinfo=UTC)

    clock = fixed_clock(at)

    assert [clock(), clock()] == [at, at]
