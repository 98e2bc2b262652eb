"""What-if: what is changed of a title, and the two distributions that come of it, as they are asked for and told.

Frozen values; shares lie in [0, 1], times are aware UTC. Knows no table.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from recsysops.domain.given import Fields, FieldValue, Given, Name

__all__ = [
    "EXAMPLE", "AskedWhatIf", "Changed", "FieldKind", "FieldNow", "LaunchNow", "LaunchTime", "Moved", "Outlook",
    "Through", "WhatIf", "WhatIfCell", "WhatIfForm", "WhatIfTarget",
]  # fmt: skip

_YEARS: Final = (1900, 2199)
_LAUNCH: Final = re.compile(
    r"(?P<day>\d{4}-\d{2}-\d{2})(?:[T ](?P<clock>\d{2}:\d{2}(?::\d{2})?)(?P<offset>Z|[+-]\d{2}:\d{2})?)?",
    re.ASCII,
)
_LAUNCH_MEANS: Final = (
    "a launch is a day (2026-12-01), or a day and a time (2026-12-01T08:00), with or without an offset"
)


@dataclass(frozen=True, kw_only=True)
class LaunchTime:
    """A launch as it is asked for; which moment it means depends on the market and on the launch as planned."""

    day: date
    clock: str | None
    """Hours, minutes and perhaps seconds; None: the time of day stays."""
    offset: str | None
    """`Z` or `+01:00`; None: by the clocks of the market."""

    @classmethod
    def read(cls, text: str) -> "LaunchTime":
        """Return what a text means; raises ValueError, with a sentence, where it means nothing."""
        match = _LAUNCH.fullmatch(text.strip())
        if match is None:
            raise ValueError(f"{_LAUNCH_MEANS}; correct it")
        try:
            day = date.fromisoformat(match["day"])
            datetime.fromisoformat(f"{match['day']}T{match['clock'] or '00:00'}{match['offset'] or ''}")
        except ValueError as error:
            raise ValueError("there is no such day or time; correct it") from error
        if not _YEARS[0] <= day.year <= _YEARS[1]:
            raise ValueError(f"it lies outside the years {_YEARS[0]} to {_YEARS[1]}; correct it")
        return cls(day=day, clock=match["clock"], offset=match["offset"])


def _means_something(text: str) -> str:
    LaunchTime.read(text)
    return text.strip()


class AskedWhatIf(Given):
    """The body of `POST /v1/titles/{id}/what-if`: what would be otherwise. All of it is optional."""

    fields: Fields = Field(default={})
    """Metadata by field, new values; null or an empty text: the field is missing. Text is read as `ingest` reads it."""
    launch: Annotated[str, Field(min_length=10, max_length=40), AfterValidator(_means_something)] | None = None
    """`2026-12-01` (the time of day stays), `2026-12-01T08:00` (by the clocks of each market), or with an offset."""
    market: Name | None = None
    """Change, and look at, this market alone; null: all markets where the title is still to launch."""


class Through(StrEnum):
    """By which way a change was judged."""

    RECOMMENDER = "recommender"
    """The recommender was asked twice, as it is and as changed, about the same members."""
    MODEL = "model"
    """Our own prediction alone, by model or comparable titles: an association, not an effect."""
    BOTH = "both"
    """The recommender in some markets and on some surfaces, the model alone in the others."""


@dataclass(frozen=True, kw_only=True)
class Changed:
    """One thing that would be otherwise."""

    what: str
    """The field; `launch` for the launch time."""
    market: str
    """The market where it is so; `all` for all that were asked about."""
    before: str
    """As it is, in words, cut to 200 characters; empty where it is missing."""
    after: str
    is_different: bool
    """False where the new value is the one that stands there already."""


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """What is predicted of one target on one side of the change."""

    launch_at: datetime
    predictor: str
    """`model` or `comparable_titles`; empty where it is unknown."""
    model_id: str
    label: str
    abstains: str
    """Why it is unknown; empty where there is a number."""
    median: float | None
    low_80: float | None
    high_80: float | None
    low_90: float | None
    high_90: float | None
    quantiles: tuple[float, ...]
    """Nineteen, of a share; empty where it is unknown."""


@dataclass(frozen=True, kw_only=True)
class Moved:
    """What the change does to a target, in shares (0.01 is one percentage point); after less before.

    The two distributions are held against each other quantile by quantile: what the change does to a title that fares
    as badly as one in ten, as well as one in ten, or in between.
    """

    median: float
    low: float
    """The least over the quantiles 0.1 to 0.9."""
    high: float
    """The most over the quantiles 0.1 to 0.9."""


@dataclass(frozen=True, kw_only=True)
class WhatIfTarget:
    """A measure over a horizon in one cell, as it is and as changed."""

    market: str
    surface: str
    measure: str
    horizon: int
    denominator: float | None
    """Active members, or impressions, the shares are of."""
    through: Through
    before: Outlook
    after: Outlook
    change: Moved | None
    """None where either side is unknown, or another predictor answers than before."""


@dataclass(frozen=True, kw_only=True)
class WhatIfCell:
    """By which way one market and surface was judged, and what the recommender said; shares of active members."""

    market: str
    surface: str
    through: Through
    reason: str
    """Why the recommender's answer was not used; what it said of eligibility where it was."""
    n_members: int
    """Members it was asked about; 0 where its answer was not used."""
    reach_before: float | None
    """Whom it would show the title to on launch day, among all that launch about then, as it is."""
    reach_after: float | None
    alone_before: float | None
    """The same without the others of the launch window."""
    alone_after: float | None
    standard_error: float | None
    """Of `reach_after`, from sampling members. Both sides are about the same members: their difference is surer."""


@dataclass(frozen=True, kw_only=True)
class WhatIf:
    """The answer: ranges before and after a change that nobody made."""

    title_id: str
    name: str
    as_of: datetime
    """The present: metadata and launches are as known now."""
    history_as_of: datetime
    """The last run: what predictions rest on."""
    models: tuple[str, ...]
    recommender: str
    """The recommender's model that was asked; empty where none was."""
    through: Through
    reason: str
    """Why the recommender was not asked, or its answer not used; empty where it was everywhere."""
    changes: tuple[Changed, ...]
    cells: tuple[WhatIfCell, ...]
    """By market and surface."""
    targets: tuple[WhatIfTarget, ...]
    """By market, surface, measure and horizon."""
    notices: tuple[str, ...]
    """How to read it, and what makes it doubtful."""


class FieldKind(StrEnum):
    """How the text of a new value is read."""

    TEXT = "text"
    NUMBER = "number"
    LIST = "list"


@dataclass(frozen=True, kw_only=True)
class FieldNow:
    """A field that can be changed."""

    field: str
    kind: FieldKind
    separator: str
    """Between the values of a list; else empty."""
    value: str
    """As it stands, whole, as it would be typed; empty where it is missing."""


@dataclass(frozen=True, kw_only=True)
class LaunchNow:
    """A launch that is ahead."""

    market: str
    surface: str
    launch_at: datetime
    local: str
    """By the clocks of the market, `2026-12-01T08:00`."""


@dataclass(frozen=True, kw_only=True)
class WhatIfForm:
    """What can be changed of a title, and how it stands now."""

    title_id: str
    fields: tuple[FieldNow, ...]
    """Those with a value first; each by name."""
    launches: tuple[LaunchNow, ...]
    """By time, market and surface; none where nothing is ahead."""
    problem: str
    """Why nothing can be asked; empty where it can."""


EXAMPLE: Final[dict[str, dict[str, FieldValue] | str]] = {
    "fields": {"genres": ["drama", "crime"], "synopsis": ""},
    "launch": "2026-03-20",
}
"""A body that is accepted; its launch lies after the demo's time."""


def moment_of(launch: LaunchTime, planned: datetime, zone: str) -> datetime:
    """Return the moment a launch means where it is planned for `planned` (aware) and clocks show the time of `zone`."""
    from zoneinfo import ZoneInfo

    local = planned.astimezone(ZoneInfo(zone))
    clock = local.strftime("%H:%M:%S") if launch.clock is None else launch.clock
    at = datetime.fromisoformat(f"{launch.day.isoformat()}T{clock}{(launch.offset or '').replace('Z', '+00:00')}")
    return (at if launch.offset else at.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)
