"""How a source delivers, from what is known of its deliveries. Not for finding out what is known."""

from collections.abc import Sequence
from datetime import datetime
from statistics import median
from typing import Final

from recsysops.domain.data_view import FeedCondition

LATE_AFTER: Final = 1.5
"""Deliveries' time without anything new after which a source is late."""
FROZEN_AFTER: Final = 3.0
"""Deliveries' time without anything new after which a source that is still found has stood still."""
SHORT_BELOW: Final = 0.7
"""Share of the usual rows below which a delivery is short."""
MIN_HISTORY: Final = 3
"""Batches needed before anything is called usual."""
_STEADY: Final = (0.75, 1.34)
"""Sizes are steady where four of five lie in this range around their median."""

Answer = tuple[FeedCondition, str]


def usual_rows(sizes: Sequence[int]) -> float | None:
    """Return the median size of earlier batches.

    Args:
        sizes: Rows of earlier batches, newest first; the ten newest count.

    Returns:
        None with fewer than three, and where sizes vary so much (a whole catalogue, then five edits) that a small batch
        says nothing.
    """
    counted = sizes[:10]
    if len(counted) < MIN_HISTORY:
        return None
    usual = float(median(counted))
    is_steady = len(steady_sizes(counted, usual)) >= 0.8 * len(counted)
    return usual if usual > 0 and is_steady else None


def steady_sizes(sizes: Sequence[int], usual: float) -> list[int]:
    """Return the sizes that lie near the usual one."""
    low, high = (factor * usual for factor in _STEADY)
    return [size for size in sizes if low <= size <= high]


def feed_condition(
    *,
    as_of: datetime,
    every_hours: float | None,
    last_seen_at: datetime | None,
    last_new_at: datetime | None,
    last_rows: int | None,
    usual: float | None,
) -> Answer:
    """Return how a source delivers, and one sentence why; the worst that is true of it.

    Args:
        as_of: The time it is judged at.
        every_hours: How often it should deliver; None where nobody says.
        last_seen_at: When anything of it was last found.
        last_new_at: When anything new of it was last published; None when never.
        last_rows: Rows of the batch published last.
        usual: What `usual_rows` gave for those before it.
    """
    if last_new_at is None:
        return FeedCondition.ABSENT, "Nothing of it was ever published."
    if every_hours is not None and (answer := _overdue(as_of, every_hours, last_seen_at, last_new_at)):
        return answer
    if usual is not None and last_rows is not None and last_rows < SHORT_BELOW * usual:
        said = f"Its last batch has {last_rows:,} rows where about {usual:,.0f} are usual."
        return FeedCondition.SHORT, said
    hours = _hours(as_of, last_new_at)
    if every_hours is None:
        said = f"Last new {hours}; the settings do not say how often it delivers (every_hours)."
        return FeedCondition.UNKNOWN, said
    return FeedCondition.FRESH, f"Last new {hours}; it delivers every {every_hours:g} h."


def _overdue(
    as_of: datetime, every_hours: float, last_seen_at: datetime | None, last_new_at: datetime
) -> Answer | None:
    late = (as_of - last_new_at).total_seconds() / 3600 / every_hours
    if late <= LATE_AFTER:
        return None
    facts = f"Last new {_hours(as_of, last_new_at)}, though it delivers every {every_hours:g} h"
    if late <= FROZEN_AFTER:
        return FeedCondition.LATE, f"{facts}."
    unseen = None if last_seen_at is None else (as_of - last_seen_at).total_seconds() / 3600 / every_hours
    if unseen is not None and unseen <= LATE_AFTER:
        return FeedCondition.FROZEN, f"{facts}; its files are found and say nothing new."
    return FeedCondition.ABSENT, f"{facts}; no ingest has found anything of it since."


def _hours(as_of: datetime, at: datetime) -> str:
    hours = (as_of - at).total_seconds() / 3600
    return f"{hours:,.0f} h ago" if hours < 72 else f"{hours / 24:,.0f} days ago"
