"""One title, and what it can be compared with."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from recsysops.domain.contribution import Contributions
from recsysops.domain.measure import HORIZONS, Measure
from recsysops.domain.timeline import Timeline, TimelineKind
from recsysops.domain.title_view import Comparables, TitleView
from recsysops.errors import UsageError
from recsysops.http.context import ApiContext
from recsysops.http.parameters import Limit, Offset, Text
from recsysops.service.queries.contributions import SHOWN, contributions
from recsysops.service.queries.timeline import timeline
from recsysops.service.queries.title import comparables, title

TitleId = Annotated[str, Path(min_length=1, max_length=1000, description="The title's id.", examples=["t-0001"])]
Market = Annotated[str, Query(max_length=200, description="The market.", examples=["de"])]
Surface = Annotated[str, Query(max_length=200, description="The surface.", examples=["home"])]
Horizon = Annotated[int, Query(description="Days after launch: 1, 7 or 28.", examples=[7])]
Kinds = Annotated[list[TimelineKind], Query(description="Only entries of these kinds.")]
Largest = Annotated[int, Query(ge=1, le=100, description="Rows to return, largest first.")]


def title_router(context: ApiContext) -> APIRouter:
    """Return the routes about one title."""
    router = APIRouter(tags=["title"])

    @router.get("/comparables", summary="Comparable titles of one cell", operation_id="comparables")
    def get_comparables(
        title: Annotated[Text, Query(description="The title's id.", examples=["t-0001"])],
        market: Market,
        surface: Surface,
        measure: Measure,
        horizon: Horizon,
    ) -> Comparables:
        """Return past launches like this one, nearest first, to be read field by field. May take some seconds."""
        target = ((title, market, surface), measure.value, _known(horizon))
        return comparables(
            context.store, context.snapshot(), target, find=context.comparables, now=context.clock()
        )  # fmt: skip

    # `path`, so that an id may hold a slash; both come before the title itself, which would take their paths.
    @router.get(
        "/titles/{title_id:path}/timeline", summary="What changed around one title", operation_id="title_timeline"
    )
    def get_timeline(title_id: TitleId, kind: Kinds = [], offset: Offset = 0, limit: Limit = 50) -> Timeline:  # noqa: B006
        """Return metadata, launches, plans, issues, predictions and changes around a title, newest first."""
        page = (offset, limit)
        return timeline(
            context.store, context.snapshot(), title_id, now=context.clock(), kinds=kind, page=page
        )  # fmt: skip

    @router.get(
        "/titles/{title_id:path}/contributions",
        summary="What the model made of one title",
        operation_id="title_contributions",
    )
    def get_contributions(
        title_id: TitleId, market: Market, surface: Surface, measure: Measure, horizon: Horizon, limit: Largest = SHOWN
    ) -> Contributions:
        """Return what raised and lowered the model's prediction, largest first. Context, not causes. Takes seconds."""
        target = ((title_id, market, surface), measure.value, _known(horizon))
        return contributions(
            context.store, context.snapshot(), target, take_apart=context.take_apart, now=context.clock(), limit=limit
        )  # fmt: skip

    @router.get("/titles/{title_id:path}", summary="Everything about one title", operation_id="title")
    def get_title(title_id: TitleId) -> TitleView:
        """Return launches, findings, predictions against plans, metadata against due dates, and why it is green."""
        return title(
            context.store, context.snapshot(), title_id, requirements=context.requirements, now=context.clock()
        )  # fmt: skip

    return router


def _known(horizon: int) -> int:
    if horizon not in HORIZONS:
        raise UsageError(f"There is no horizon of {horizon} days (there are: 1, 7, 28). Ask for one of these.")
    return horizon
