"""One title, and what it can be compared with."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from recsysops.domain.measure import HORIZONS, Measure
from recsysops.domain.title_view import Comparables, TitleView
from recsysops.errors import UsageError
from recsysops.http.context import ApiContext
from recsysops.http.parameters import Text
from recsysops.service.queries.title import comparables, title


def title_router(context: ApiContext) -> APIRouter:
    """Return the routes about one title."""
    router = APIRouter(tags=["title"])

    @router.get("/comparables", summary="Comparable titles of one cell", operation_id="comparables")
    def get_comparables(
        title: Annotated[Text, Query(description="The title's id.")],
        market: Text,
        surface: Text,
        measure: Measure,
        horizon: Annotated[int, Query(description="Days after launch: 1, 7 or 28.")],
    ) -> Comparables:
        """Return past launches like this one, nearest first, to be read field by field. May take some seconds."""
        if horizon not in HORIZONS:
            raise UsageError(f"There is no horizon of {horizon} days (there are: 1, 7, 28). Ask for one of these.")
        target = ((title, market, surface), measure.value, horizon)
        return comparables(
            context.store, context.snapshot(), target, find=context.comparables, now=context.clock()
        )  # fmt: skip

    # `path`, so that an id may hold a slash.
    @router.get("/titles/{title_id:path}", summary="Everything about one title", operation_id="title")
    def get_title(title_id: Annotated[str, Path(min_length=1, max_length=1000)]) -> TitleView:
        """Return launches, findings, predictions against plans, metadata against due dates, and why it is green."""
        return title(
            context.store, context.snapshot(), title_id, requirements=context.requirements, now=context.clock()
        )  # fmt: skip

    return router
