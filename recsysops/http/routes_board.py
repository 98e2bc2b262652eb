"""The board and the missing fields."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from recsysops.domain.views import Board, MissingFieldRow, MissingFields
from recsysops.http.context import ApiContext
from recsysops.http.csv_export import to_csv
from recsysops.http.parameters import Filters, Limit, MissingFilters, Offset
from recsysops.service.queries.board import BoardSort, board
from recsysops.service.queries.metadata import MissingFieldSort, missing_fields

CSV_HEAD = (
    "provider", "title_id", "name", "field", "markets", "surfaces", "state", "due_on", "latest_safe_fix_on",
    "launch_on", "owner", "found", "reason",
)  # fmt: skip


def board_router(context: ApiContext) -> APIRouter:
    """Return the routes about many titles."""
    router = APIRouter(tags=["board"])

    @router.get("/board", summary="The launch board", operation_id="board")
    def get_board(
        filters: Filters,
        sort: Annotated[BoardSort, Query(description="`risk` is risk x time left; then by risk.")] = "risk",
        offset: Offset = 0,
        limit: Limit = 100,
    ) -> Board:
        """Return upcoming titles by risk x time left: status, then severity, then the time left to fix, then worth.

        A title stands by its worst cell among the markets and surfaces asked for.
        """
        return board(
            context.snapshot(),
            filters,
            service=context.service,
            now=context.clock(),
            sort=sort,
            offset=offset,
            limit=limit,
        )

    @router.get("/missing-fields", summary="Required metadata that is missing", operation_id="missing_fields")
    def get_missing_fields(
        filters: MissingFilters,
        sort: Annotated[MissingFieldSort, Query(description="Then by due date.")] = "due",
        offset: Offset = 0,
        limit: Limit = 100,
    ) -> MissingFields:
        """Return the required fields that upcoming titles lack, soonest due first."""
        return missing_fields(
            context.snapshot(), context.requirements, filters, sort=sort, offset=offset, limit=limit
        )  # fmt: skip

    @router.get(
        "/missing-fields.csv",
        summary="The same as CSV, to send to a provider",
        operation_id="missing_fields_csv",
        response_class=Response,
        responses={200: {"content": {"text/csv": {"example": ",".join(CSV_HEAD)}}}},
    )
    def get_missing_fields_csv(filters: MissingFilters) -> Response:
        """Return all of the missing fields as RFC 4180; cells a spreadsheet would run begin with an apostrophe."""
        found = missing_fields(context.snapshot(), context.requirements, filters)
        body = to_csv(CSV_HEAD, (_csv_row(row) for row in found.rows))
        return Response(
            body.encode(),
            media_type="text/csv; charset=utf-8; header=present",
            headers={"Content-Disposition": 'attachment; filename="missing-fields.csv"'},
        )

    return router


def _csv_row(row: MissingFieldRow) -> list[str]:
    return [
        row.provider,
        row.title_id,
        row.name,
        row.field,
        " ".join(row.markets),
        " ".join(row.surfaces),
        row.state.value,
        f"{row.due_at:%Y-%m-%d}" if row.due_at else "",
        f"{row.latest_safe_fix_at:%Y-%m-%d}" if row.latest_safe_fix_at else "",
        f"{row.launch_at:%Y-%m-%d}",
        row.owner,
        row.value,
        row.reason,
    ]
