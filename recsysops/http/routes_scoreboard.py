"""After launch: how good predictions were, and the titles we were most wrong about."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Response
from pydantic import AwareDatetime

from recsysops.domain.measure import HORIZONS, LEADS, Measure
from recsysops.domain.scoreboard import Miss, MissList, Scoreboard, ScoreFilter
from recsysops.errors import UsageError
from recsysops.http.context import ApiContext
from recsysops.http.csv_export import to_csv
from recsysops.http.parameters import Limit, Offset
from recsysops.service.queries.scoreboard import misses, scoreboard

CSV_HEAD: Final = (
    "title_id", "name", "market", "surface", "measure", "horizon", "lead", "launch_at", "predicted_at", "predictor",
    "model_id", "actual", "median", "low_80", "high_80", "absolute_error", "is_covered", "cells",
)  # fmt: skip
CSV_ROWS: Final = 100_000


def score_filter(
    measure: Annotated[Measure | None, Query(description="Default: the first with scores.")] = None,
    horizon: Annotated[int | None, Query(description="Days after launch: 1, 7 or 28. Default: the first.")] = None,
    lead: Annotated[
        int | None,
        Query(description="Calibration, groups and titles so many days before launch. Default: where most are."),
    ] = None,
    predictor: Annotated[
        str | None,
        Query(max_length=60, description="Groups and titles: `model`, `comparable_titles` ... Default: `served`."),
    ] = None,
    since: Annotated[AwareDatetime | None, Query(description="The earliest launch, with its offset.")] = None,
    until: Annotated[AwareDatetime | None, Query(description="The latest launch, with its offset.")] = None,
) -> ScoreFilter:
    """Read the filters of the scoreboard."""
    for name, value, known in (("horizon", horizon, HORIZONS), ("lead", lead, LEADS)):
        if value is not None and value not in known:
            raise UsageError(
                f"There is no {name} of {value} days (there are: {', '.join(map(str, known))}). Ask for one of these."
            )
    return ScoreFilter(
        measure=measure.value if measure else None,
        horizon=horizon,
        lead=lead,
        predictor=predictor or None,
        since=since,
        until=until,
    )


Filters = Annotated[ScoreFilter, Depends(score_filter)]


def scoreboard_router(context: ApiContext) -> APIRouter:
    """Return the routes about what became of predictions."""
    router = APIRouter(tags=["scoreboard"])

    @router.get("/scoreboard", summary="How good predictions were", operation_id="scoreboard")
    def get_scoreboard(filters: Filters) -> Scoreboard:
        """Return errors, coverage and calibration per lead and predictor, by group, and the lead-time curve.

        On the transformed scale; intervals are 95 %, from resampling launch weeks.
        """
        return context.snapshot().derived(
            ("scoreboard", filters), lambda: scoreboard(context.store, filters, context.requirements)
        )

    @router.get("/scoreboard/titles", summary="Titles we were most wrong about", operation_id="scoreboard_titles")
    def get_titles(filters: Filters, offset: Offset = 0, limit: Limit = 100) -> MissList:
        """Return scored titles, each by its worst cell, the largest error of the median first."""
        return misses(context.store, filters, offset=offset, limit=limit)

    @router.get(
        "/scoreboard/titles.csv",
        summary="The same as CSV",
        operation_id="scoreboard_titles_csv",
        response_class=Response,
        responses={200: {"content": {"text/csv": {"example": ",".join(CSV_HEAD)}}}},
    )
    def get_titles_csv(filters: Filters) -> Response:
        """Return up to 100,000 titles; cells that a spreadsheet would run begin with an apostrophe."""
        found = misses(context.store, filters, limit=CSV_ROWS)
        return Response(
            to_csv(CSV_HEAD, (_csv_row(row) for row in found.rows)).encode(),
            media_type="text/csv; charset=utf-8; header=present",
            headers={"Content-Disposition": 'attachment; filename="scoreboard-titles.csv"'},
        )

    return router


def _csv_row(row: Miss) -> list[str]:
    times = [f"{at:%Y-%m-%dT%H:%M:%SZ}" for at in (row.launch_at, row.as_of)]
    numbers = [f"{value:.6g}" for value in (row.actual, row.median, row.low, row.high, row.absolute_error)]
    return [
        row.title_id, row.name, row.market, row.surface, row.measure, str(row.horizon), str(row.lead), *times,
        row.predictor, row.model_id, *numbers, "yes" if row.is_covered else "no", str(row.n_cells),
    ]  # fmt: skip
