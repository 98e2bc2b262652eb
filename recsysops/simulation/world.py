"""How large the simulated world is, where it plays and when: the settings of a simulation and its calendar.

Not for content or behaviour: the catalogue, the members and the recommender have modules of their own.
"""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, NamedTuple, Self
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from recsysops.errors import UsageError

LAUNCH_TIME: Final = time(9, 0)
"""Local time of every launch; the service's day runs from launch time to launch time."""
HORIZONS: Final = (1, 7, 28)
"""Days after launch over which treatment is counted."""
SURFACES: Final = ("home", "browse")
LANGUAGES: Final = ("en", "de", "es", "fr", "ko", "ja", "tr")

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


class Market(NamedTuple):
    """A market: where it is and which languages its members understand beside the main one."""

    code: str
    time_zone: str
    language: str
    second_language: str
    second_language_share: float


MARKETS: Final = (
    Market("US", "America/New_York", "en", "es", 0.18),
    Market("DE", "Europe/Berlin", "de", "en", 0.45),
)


@dataclass(frozen=True)
class WorldConfig:
    """Size, seed and time of a simulated service; the same values give the same bytes."""

    seed: int = 20260302
    """Seed of every random stream."""
    as_of: datetime = datetime(2026, 3, 2, tzinfo=UTC)
    """Aware UTC midnight at which the files end; launches after it are upcoming."""
    n_weeks: int = 30
    """Weeks of history before `as_of`."""
    launches_per_week: int = 100
    """Titles launched in each week."""
    n_upcoming: int = 80
    """Titles announced to launch within 28 days after `as_of`."""
    n_back_catalogue: int = 500
    """Older titles that compete for slots."""
    members_per_market: int = 8000
    """Members of each market, of whom some are active on a day."""
    active_per_cell: int = 2340
    """Members active per market, surface and day of the service; a little fewer fall on one UTC day."""
    candidates_per_cluster: int = 100
    """Titles the candidate stage hands to the ranker for each cluster of members."""
    fault_share: float = 0.13
    """Share of past titles with a planted fault, 0-1."""
    n_upcoming_faults: int = 11
    """Planted faults among the upcoming titles."""
    future_share: float = 0.5
    """Share of members simulated after `as_of`, 0-1: the future is only measured, never written."""
    taste_drift: float = 0.06
    """How far the logarithm of a market's weight of a topic moves in a week, standard deviation; 0: tastes stay."""
    n_repeats: int = 0
    """How often the launch day of every past title is served again, with another shock, other members and other noise:
    what no predictor can know. It changes nothing else; see `ceiling`."""
    workers: int = 2
    """Processes; the result does not depend on it."""

    def __post_init__(self) -> None:
        """Refuse a world that cannot be simulated.

        Raises:
            UsageError: A size is too small, or `as_of` is no aware midnight in UTC.
        """
        if self.as_of.tzinfo is None or self.as_of != datetime.combine(self.as_of.date(), time(), UTC):
            raise UsageError(f'The simulation ends at "{self.as_of}" (expected midnight, UTC). Pass such an as_of.')
        if min(self.n_weeks, self.launches_per_week, self.n_upcoming, self.workers) < 1:
            raise UsageError(
                "A simulated world is empty: weeks, launches, upcoming titles and workers are at least 1. Raise them."
            )
        if self.taste_drift < 0 or self.n_repeats < 0:
            raise UsageError("Taste drift or repeats are below 0 (expected 0 or more). Raise them.")
        if not 50 <= self.active_per_cell <= self.members_per_market * 0.5:
            raise UsageError(
                f"Active members per day: {self.active_per_cell} (expected 50 to half of "
                f"{self.members_per_market}). Change either."
            )

    @classmethod
    def small(cls, seed: int = 7) -> Self:
        """Return a world of ten weeks that is simulated in about a second, for tests."""
        return replace(
            cls(seed=seed), n_weeks=10, launches_per_week=25, n_upcoming=30, n_back_catalogue=120,
            members_per_market=1300, active_per_cell=400, candidates_per_cluster=60, n_upcoming_faults=8, workers=1,
        )  # fmt: skip

    @property
    def first_date(self) -> date:
        """UTC date of the first day written."""
        return self.as_of.date() - timedelta(weeks=self.n_weeks)

    @property
    def n_history_days(self) -> int:
        """Days of the service that begin before `as_of`, one more than the days written."""
        return 7 * self.n_weeks + 1

    @property
    def n_days(self) -> int:
        """All simulated days of the service: history, and after it as long as upcoming titles need."""
        return self.n_history_days + 2 * max(HORIZONS)

    def date_of(self, day: int) -> date:
        """Return the local date on which day number `day` of the service begins; day 0 precedes `first_date`."""
        return self.first_date + timedelta(days=int(day) - 1)


def day_start(config: WorldConfig, market: Market, day: int) -> datetime:
    """Return the aware UTC time at which day number `day` of the service begins in `market`."""
    local = datetime.combine(config.date_of(day), LAUNCH_TIME, ZoneInfo(market.time_zone))
    return local.astimezone(UTC)


def stream(config: WorldConfig, *names: int) -> np.random.Generator:
    """Return the random stream of one purpose, independent of every other purpose."""
    return np.random.default_rng([config.seed, *names])
