"""Titles that are stored nowhere, as someone hands them in to be judged. Frozen and checked; knows no table.

Every limit stands here once, so that the HTTP API, its client and the command line refuse the same things.
"""

import re
from datetime import UTC, datetime
from typing import Annotated, Final, Literal, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    GetPydanticSchema,
    StringConstraints,
    model_validator,
)
from pydantic_core import core_schema

from recsysops.columns import ALL, CELL_KEY, NAME, PROVIDER, SERIES_ID
from recsysops.domain.measure import Measure
from recsysops.domain.severity import Severity

MAX_TITLES: Final = 1_000
MAX_CELLS: Final = 5_000
"""Launches of one request, over all its titles."""
MAX_FIELDS: Final = 200
MAX_TEXT: Final = 20_000
_MAX_ITEMS: Final = 500
_MAX_NUMBER: Final = 1e15
_YEARS: Final = (1900, 2199)
_RESERVED: Final = (*CELL_KEY, PROVIDER, NAME, SERIES_ID)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


def _printable(text: str) -> str:
    if _CONTROL.search(text):
        raise ValueError("holds control characters; remove them")
    return text


def _in_years(at: datetime) -> datetime:
    if not _YEARS[0] <= at.year <= _YEARS[1]:
        raise ValueError(f"lies outside the years {_YEARS[0]} to {_YEARS[1]}; correct it")
    return at.astimezone(UTC)


Name = Annotated[
    str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True), AfterValidator(_printable)
]
Moment = Annotated[AwareDatetime, Field(strict=True), AfterValidator(_in_years)]
_AT_LEAST_ONE: Final = {"minItems": 1}
"""For the schema; the validators tell it in one sentence, where a limit of the type would add one to every error."""
_Number = Annotated[float, Field(ge=-_MAX_NUMBER, le=_MAX_NUMBER)]
_Whole = Annotated[int, Field(ge=-int(_MAX_NUMBER), le=int(_MAX_NUMBER))]
_Text = Annotated[str, StringConstraints(max_length=MAX_TEXT)]
_Scalar = bool | _Whole | _Number | _Text | None
_ANY_VALUE: Final = (
    f"Metadata is text (at most {MAX_TEXT} characters), a finite number, true or false, null, "
    f"or a list of these (at most {_MAX_ITEMS})"
)
FieldValue = Annotated[
    _Scalar | Annotated[list[_Scalar], Field(max_length=_MAX_ITEMS)],
    # One sentence instead of one error for each shape it might have had.
    GetPydanticSchema(
        lambda source, handler: core_schema.custom_error_schema(
            handler(source), custom_error_type="metadata_value", custom_error_message=_ANY_VALUE
        )
    ),
]
Fields = Annotated[dict[Name, FieldValue], Field(max_length=MAX_FIELDS)]


class Given(BaseModel):
    """Base of everything given: unknown keys are refused, numbers are finite."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)


class GivenLaunch(Given):
    """When and where a title launches."""

    market: Name = ALL
    """The literal `all` where the service knows no markets."""
    surface: Name = ALL
    """The literal `all` where the service knows no surfaces."""
    launch_at: Moment
    """With an offset; after the time the judgement stands at."""


class GivenExpectation(Given):
    """What the launch team plans."""

    measure: Measure
    horizon: Literal[1, 7, 28]
    """Days after launch."""
    low: Annotated[float, Field(ge=0, le=_MAX_NUMBER)]
    best: Annotated[float, Field(ge=0, le=_MAX_NUMBER)]
    high: Annotated[float, Field(ge=0, le=_MAX_NUMBER)]
    confidence: Annotated[float, Field(gt=0, lt=1)] = 0.8
    """Probability that the truth lies between low and high."""
    unit: Literal["share", "members", "impressions"] = "share"
    """A share of the active members or impressions, or a count of them."""
    market: Name | None = None
    """Only for launches in this market; null for all of the title's."""
    surface: Name | None = None
    """Only for launches on this surface; null for all of the title's."""
    author: Name = "given"
    """Who planned it; `comparable_titles` for a plan that rests on comparable titles alone, which pages nobody."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if not self.low <= self.best <= self.high:
            raise ValueError("low <= best <= high does not hold; correct the plan")
        if self.unit == "share" and self.high > 1:
            raise ValueError("a share lies between 0 and 1; correct it, or give its unit")
        if self.unit not in {"share", self.measure.worth_unit}:
            raise ValueError(f"{self.measure.value} is counted in {self.measure.worth_unit}; correct the unit")
        return self

    def concerns(self, launch: GivenLaunch) -> bool:
        """Return whether it is a plan for this launch."""
        return self.market in {None, launch.market} and self.surface in {None, launch.surface}


class GivenTitle(Given):
    """A title with its metadata, its launches and its plans."""

    title_id: Name
    """Yours; the answer names the title by it. Of a title that is stored, the metadata given here is judged instead."""
    name: Annotated[str, StringConstraints(max_length=500)] = ""
    provider: Name | None = None
    series_id: Name | None = None
    fields: Fields = Field(default={})
    """Metadata by field, as in the catalogue; null is missing."""
    overrides: Annotated[dict[Name, Fields], Field(max_length=300)] = Field(default={})
    """Market to the fields that differ there, such as rating, dub or artwork."""
    launches: Annotated[tuple[GivenLaunch, ...], Field(max_length=500, json_schema_extra=_AT_LEAST_ONE)]
    """Where it is judged."""
    expectations: Annotated[tuple[GivenExpectation, ...], Field(max_length=500)] = ()

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        for fields in (self.fields, *self.overrides.values()):
            if reserved := sorted(fields.keys() & set(_RESERVED)):
                raise ValueError(f'"{reserved[0]}" is no metadata field; give it as a key of the title')
        if ALL in self.overrides:
            raise ValueError('"all" is no market to override for; put these values under "fields"')
        if not self.launches:
            raise ValueError("it has no launch; give at least one")
        places = [(launch.market, launch.surface) for launch in self.launches]
        if len(set(places)) < len(places):
            raise ValueError("a market and surface is named by two launches; keep one")
        self._check_plans()
        return self

    def _check_plans(self) -> None:
        planned: set[tuple[object, ...]] = set()
        for plan in self.expectations:
            concerned = [launch for launch in self.launches if plan.concerns(launch)]
            if not concerned:
                raise ValueError("an expectation is for a market or surface without a launch; correct it")
            for launch in concerned:
                target = launch.market, launch.surface, plan.measure, plan.horizon
                if target in planned:
                    raise ValueError("two expectations are for the same measure, horizon and launch; keep one")
                planned.add(target)


class GivenTitles(Given):
    """The body of `POST /v1/check`."""

    titles: Annotated[tuple[GivenTitle, ...], Field(max_length=MAX_TITLES, json_schema_extra=_AT_LEAST_ONE)]
    """Each title once."""
    fail_on: Severity = Severity.CRITICAL
    """The mildest severity that fails."""
    allow_unknown: bool = False
    """Let pass what could not be judged."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if not self.titles:
            raise ValueError("there is no title; give at least one")
        ids = [title.title_id for title in self.titles]
        if len(set(ids)) < len(ids):
            twice = next(name for at, name in enumerate(ids) if name in ids[:at])
            raise ValueError(f'title "{twice}" is given twice; keep one')
        if self.n_cells > MAX_CELLS:
            raise ValueError(f"there are {self.n_cells} launches (at most {MAX_CELLS}); divide the titles over calls")
        return self

    @property
    def n_cells(self) -> int:
        """Launches over all titles."""
        return sum(len(title.launches) for title in self.titles)


EXAMPLE: Final = {
    "titles": [
        {
            "title_id": "night-market",
            "name": "The Night Market",
            "provider": "Harbour Street",
            "fields": {
                "synopsis": "A cook and a pickpocket run the last stall of a night market that is to be torn down.",
                "genres": ["drama", "crime"],
                "runtime_minutes": 104,
                "trailer_url": "",
            },
            "overrides": {"DE": {"maturity_rating": "12"}},
            "launches": [
                {"market": "US", "surface": "home", "launch_at": "2026-03-12T09:00:00-04:00"},
                {"market": "DE", "surface": "home", "launch_at": "2026-03-12T09:00:00+01:00"},
            ],
            "expectations": [{"measure": "reach", "horizon": 7, "low": 0.1, "best": 0.2, "high": 0.35}],
        }
    ],
    "fail_on": "critical",
    "allow_unknown": False,
}
"""A body that is accepted; its launches lie after the demo's time."""
