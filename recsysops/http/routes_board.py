"""The board, the gate and the missing fields."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Response

from recsysops.domain.severity import Severity
from recsysops.domain.views import Board, CheckAnswer, MissingFieldRow, MissingFields
from recsysops.http.context import ApiContext
from recsysops.http.csv_export import to_csv
from recsysops.http.parameters import Days, Filters, Limit, Offset, Text
from recsysops.service.queries.board import board
from recsysops.service.queries.metadata import missing_fields

CSV_HEAD = (
    "provider", "title_id", "name", "field", "markets", "surfaces", "state", "due_on", "latest_safe_fix_on",
    "launch_on", "owner", "found", "reason",
)  # fmt: skip
Provider = Annotated[
    str | None, Query(max_length=200, description="Only this provider's titles; empty for titles without one.")
]


def board_router(context: ApiContext) -> APIRouter:
    """Return the routes about many titles."""
    router = APIRouter(tags=["board"])

    @router.get("/board", summary="The launch board", operation_id="board")
    def get_board(filters: Filters, offset: Offset = 0, limit: Limit = 100) -> Board:
        """Return upcoming titles by risk x time left: status, then severity, then the time left to fix, then worth.

        A title stands by its worst cell among the markets and surfaces asked for.
        """
        return board(
            context.snapshot(),
            filters,
            service=context.service,
            now=context.clock(),
            offset=offset,
            limit=limit,
        )

    @router.get("/check", summary="The pre-launch gate", operation_id="check")
    def get_check(
        title: Annotated[list[Text], Query(description="Only these titles.")] = [],  # noqa: B006
        launching_within_days: Days = None,
        fail_on: Annotated[Severity, Query(description="The mildest severity that fails.")] = Severity.CRITICAL,
        allow_unknown: Annotated[bool, Query(description="Let pass what could not be judged.")] = False,  # noqa: FBT002
    ) -> CheckAnswer:
        """Judge now, on what the store holds, and answer as `recsysops check` does; the status is 200 either way."""
        within = None if launching_within_days is None else timedelta(days=launching_within_days)
        report = context.check(
            title_ids=tuple(title), launching_within=within, fail_on=fail_on, allow_unknown=allow_unknown
        )
        return CheckAnswer.of(report)

    @router.get("/missing-fields", summary="Required metadata that is missing", operation_id="missing_fields")
    def get_missing_fields(provider: Provider = None) -> MissingFields:
        """Return the required fields that upcoming titles lack, soonest due first."""
        return missing_fields(context.snapshot(), context.requirements, provider=provider)

    @router.get(
        "/missing-fields.csv",
        summary="The same as CSV, to send to a provider",
        operation_id="missing_fields_csv",
        response_class=Response,
        responses={200: {"content": {"text/csv": {"example": ",".join(CSV_HEAD)}}}},
    )
    def get_missing_fields_csv(provider: Provider = None) -> Response:
        """Return the missing fields as RFC 4180; cells that a spreadsheet would run begin with an apostrophe."""
        found = missing_fields(context.snapshot(), context.requirements, provider=provider)
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
