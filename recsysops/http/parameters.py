"""Query parameters that several routes take."""

from typing import Annotated, Literal

from fastapi import Depends, Query

from recsysops.domain.severity import FindingClass, Severity
from recsysops.domain.verdict import Status
from recsysops.domain.views import BoardFilter, FieldState, IssueFilter, MissingFieldFilter
from recsysops.service.queries.board import MAX_LIMIT

Text = Annotated[str, Query(max_length=200)]
Offset = Annotated[int, Query(ge=0, le=10_000_000, description="Rows to skip.")]
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description=f"Rows to return, at most {MAX_LIMIT}.")]
Days = Annotated[
    float | None, Query(ge=0, le=3650, description="Only what launches within so many days of the last detection.")
]


def board_filter(
    market: Annotated[list[Text], Query(description="Judge titles by their cells in these markets.")] = [],  # noqa: B006
    surface: Annotated[list[Text], Query(description="Judge titles by their cells on these surfaces.")] = [],  # noqa: B006
    status: Annotated[list[Status], Query(description="Worst status of a title's cells.")] = [],  # noqa: B006
    classes: Annotated[
        list[FindingClass], Query(alias="class", description="Titles with a finding of one of these classes.")
    ] = [],  # noqa: B006
    provider: Annotated[list[Text], Query(description="Exactly these providers.")] = [],  # noqa: B006
    text: Annotated[str, Query(max_length=200, description="Part of the name or the id.")] = "",
    launching_within_days: Days = None,
) -> BoardFilter:
    """Read the filters of the board."""
    return BoardFilter(
        markets=tuple(market),
        surfaces=tuple(surface),
        statuses=tuple(status),
        classes=tuple(classes),
        providers=tuple(provider),
        text=text,
        launching_within_days=launching_within_days,
    )


Filters = Annotated[BoardFilter, Depends(board_filter)]


def issue_filter(
    state: Annotated[Literal["open", "resolved", "any"], Query(description="Which issues.")] = "open",
    title: Annotated[str | None, Query(max_length=1000, description="Only this title's.")] = None,
    severity: Annotated[list[Severity], Query(description="Only of these severities.")] = [],  # noqa: B006
    classes: Annotated[list[FindingClass], Query(alias="class", description="Only of these classes.")] = [],  # noqa: B006
    detector: Annotated[list[Text], Query(description="Only found by these detectors.")] = [],  # noqa: B006
    market: Annotated[list[Text], Query(description="Only in these markets.")] = [],  # noqa: B006
    text: Annotated[str, Query(max_length=200, description="Part of the title's id, the sentence or the field.")] = "",
) -> IssueFilter:
    """Read the filters of issues."""
    return IssueFilter(
        is_open={"open": True, "resolved": False, "any": None}[state],
        title_id=title,
        severities=tuple(severity),
        classes=tuple(classes),
        detectors=tuple(detector),
        markets=tuple(market),
        text=text,
    )


def missing_filter(
    provider: Annotated[
        str | None, Query(max_length=200, description="Only this provider's titles; empty for titles without one.")
    ] = None,
    state: Annotated[list[FieldState], Query(description="Only in these states.")] = [],  # noqa: B006
    field: Annotated[list[Text], Query(description="Only these fields.")] = [],  # noqa: B006
    owner: Annotated[
        str | None, Query(max_length=200, description="Only this owner's; empty for fields without one.")
    ] = None,
) -> MissingFieldFilter:
    """Read the filters of missing fields."""
    return MissingFieldFilter(provider=provider, states=tuple(state), fields=tuple(field), owner=owner)


IssueFilters = Annotated[IssueFilter, Depends(issue_filter)]
MissingFilters = Annotated[MissingFieldFilter, Depends(missing_filter)]
