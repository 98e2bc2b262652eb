"""Columns of the counting itself, which no table of the product has."""

from typing import Final

CELL: Final = "cell"
"""Number of a launch, or of a scope (market, surface and time of day) of activity."""
LOG_MARKET: Final = "log_market"
LOG_SURFACE: Final = "log_surface"
"""Where an event took place, while the cell may be of all places."""
FROM_DAY: Final = "from_day"
TO_DAY: Final = "to_day"
"""The first day wanted, and the one after the last."""
PHASE: Final = "phase"
"""Time of day at which the days of a scope begin, in microseconds."""
GAP: Final = "gap"
"""Days since a member's previous active day; 28 where there was none in so many days."""
LAST_DAY: Final = "last_day"
MEMBERS: Final = "members"
WINDOW: Final = "window_number"
FILE_KEY: Final = ("key_low", "key_high")
"""Which files a count was made from."""
