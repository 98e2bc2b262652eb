"""Time, passed in wherever it is needed. Not for formatting."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Returns the present as aware UTC."""


def system_clock() -> datetime:
    """Return the wall clock's time as aware UTC."""
    return datetime.now(UTC)


def fixed_clock(at: datetime) -> Clock:
    """Return a clock that always says `at`, for replays, demos and tests."""
    return lambda: at
