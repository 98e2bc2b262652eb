"""The data that came in: batches and their accounts, held batches and what is decided on them, feeds, changes."""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Path, Query, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from recsysops.domain.data_view import (
    BatchList,
    BatchOrder,
    BatchView,
    ChangeList,
    DecisionAnswer,
    FeedList,
    HeldList,
    QuarantineLine,
    QuarantinePage,
)
from recsysops.domain.drift import HeldState
from recsysops.errors import StoreError
from recsysops.http.context import ApiContext
from recsysops.http.csv_export import to_csv
from recsysops.http.parameters import Limit, Offset
from recsysops.service.queries import data

CSV_HEAD: Final = (
    "batch", "table", "loaded_at", "file", "row", "column", "code", "value", "rule", "fix",
)  # fmt: skip
CSV_ROWS: Final = 100_000
"""More kept-out rows than a spreadsheet is good for; the API pages through all of them."""
PIECE: Final = 5_000

BatchId = Annotated[str, Path(min_length=1, max_length=200, description="The batch's id.", examples=["b-titles"])]
Table = Annotated[str | None, Query(max_length=50, description="Only this table's, such as `titles`.")]
CSV_RESPONSE: Final[dict[int | str, dict[str, Any]]] = {200: {"content": {"text/csv": {"example": ",".join(CSV_HEAD)}}}}


class DecisionBody(BaseModel):
    """Who decides on a held batch, and why: both are kept for good."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"by": "Ada", "reason": "The source was cleaned up."}]}
    )

    by: str = Field(min_length=1, max_length=500, description="Name of the person who decides.")
    reason: str = Field(min_length=1, max_length=500, description="Why, for those who ask later.")


def data_router(context: ApiContext) -> APIRouter:
    """Return the routes about data that came in."""
    router = APIRouter(tags=["data"])
    _batch_routes(router, context)
    _quarantine_routes(router, context)
    _decision_routes(router, context)

    @router.get("/feeds", summary="How every source delivers, worst first", operation_id="feeds")
    def get_feeds() -> FeedList:
        """Return whether each source of the settings is fresh, late, short, absent or frozen, as of now."""
        return data.feeds(context.store, context.settings, now=context.clock())

    @router.get("/changes", summary="Deploys, model pushes and edits, latest first", operation_id="changes")
    def get_changes(
        title: Annotated[str | None, Query(max_length=1000, description="Only this title's, and those of all.")] = None,
        since: Annotated[AwareDatetime | None, Query(description="The earliest, with its offset.")] = None,
        until: Annotated[AwareDatetime | None, Query(description="The latest, with its offset.")] = None,
        offset: Annotated[int, Query(ge=0, le=100_000, description="Rows to skip.")] = 0,
        limit: Limit = 100,
    ) -> ChangeList:
        """Return what the `changes` feed told."""
        return data.changes(
            context.store, title_id=title, since=since, until=until, offset=offset, limit=limit
        )  # fmt: skip

    return router


def _batch_routes(router: APIRouter, context: ApiContext) -> None:
    @router.get("/batches", summary="Published batches and their accounts", operation_id="batches")
    def get_batches(
        table: Table = None,
        sort: Annotated[BatchOrder, Query(description="Which stands first.")] = BatchOrder.NEWEST,
        offset: Offset = 0,
        limit: Limit = 100,
    ) -> BatchList:
        """Return batches; of each, rows in = accepted + duplicate + quarantined."""
        return data.batches(context.store, table=table, order=sort, offset=offset, limit=limit)

    @router.get("/held-batches", summary="Batches that were held before publish", operation_id="held_batches")
    def get_held_batches(
        table: Table = None,
        state: Annotated[HeldState | None, Query(description="Where they stand.")] = None,
        offset: Offset = 0,
        limit: Limit = 100,
    ) -> HeldList:
        """Return every batch ever held, those that wait for a person first, with what differs in words."""
        return data.held_batches(context.store, table=table, state=state, offset=offset, limit=limit)

    @router.get("/batches/{batch_id}", summary="One batch, published or held", operation_id="batch")
    def get_batch(batch_id: BatchId) -> BatchView:
        """Return what became of a batch."""
        return data.batch(context.store, batch_id)


def _quarantine_routes(router: APIRouter, context: ApiContext) -> None:
    @router.get("/quarantine", summary="Rows that were kept out", operation_id="quarantine")
    def get_quarantine(table: Table = None, offset: Offset = 0, limit: Limit = 100) -> QuarantinePage:
        """Return rows with what was expected and what to do, by batch (newest first) and row."""
        return data.quarantine(context.store, table=table, offset=offset, limit=limit)

    @router.get("/quarantine.csv", summary="The same as CSV", operation_id="quarantine_csv",
                response_class=Response, responses=CSV_RESPONSE)  # fmt: skip
    def get_quarantine_csv(table: Table = None) -> Response:
        """Return up to 100,000 kept-out rows; cells that a spreadsheet would run begin with an apostrophe."""
        return _csv(context, "quarantine.csv", table=table)

    @router.get("/batches/{batch_id}/quarantine", summary="Rows kept out of one batch",
                operation_id="batch_quarantine")  # fmt: skip
    def get_batch_quarantine(batch_id: BatchId, offset: Offset = 0, limit: Limit = 100) -> QuarantinePage:
        """Return the kept-out rows of one published batch, by row."""
        return data.quarantine(context.store, batch_id=batch_id, offset=offset, limit=limit)

    @router.get("/batches/{batch_id}/quarantine.csv", summary="The same as CSV", operation_id="batch_quarantine_csv",
                response_class=Response, responses=CSV_RESPONSE)  # fmt: skip
    def get_batch_quarantine_csv(batch_id: BatchId) -> Response:
        """Return the kept-out rows of one batch; cells that a spreadsheet would run begin with an apostrophe."""
        return _csv(context, "quarantine-of-batch.csv", batch_id=batch_id)


def _decision_routes(router: APIRouter, context: ApiContext) -> None:
    def decided(verb: Literal["release", "discard"], batch_id: str, body: DecisionBody) -> DecisionAnswer:
        if context.decide is None:
            raise StoreError("Nothing can be decided here: this API only reads. Use `recsysops release` or `discard`.")
        report = context.decide(verb, batch_id, body.by, body.reason)
        return DecisionAnswer(answer=report.answer, held=data.held_row(report.held))

    @router.post("/batches/{batch_id}/release", summary="Let a held batch through", operation_id="release_batch")
    def release_batch(batch_id: BatchId, body: DecisionBody) -> DecisionAnswer:
        """Record who lets it through and why; the next ingest or run publishes it.

        While another process writes it answers 503 with `Retry-After`.
        """
        return decided("release", batch_id, body)

    @router.post("/batches/{batch_id}/discard", summary="Refuse a held batch", operation_id="discard_batch")
    def discard_batch(batch_id: BatchId, body: DecisionBody) -> DecisionAnswer:
        """Record who refuses it and why: this content is never published; a corrected delivery is read as usual.

        While another process writes it answers 503 with `Retry-After`.
        """
        return decided("discard", batch_id, body)


def _csv(context: ApiContext, name: str, *, batch_id: str | None = None, table: str | None = None) -> Response:
    def lines() -> Iterator[list[str]]:
        for offset in range(0, CSV_ROWS, PIECE):
            page = data.quarantine(context.store, batch_id=batch_id, table=table, offset=offset, limit=PIECE)
            yield from (_csv_row(line) for line in page.rows)
            if len(page.rows) < PIECE:
                return

    return Response(
        to_csv(CSV_HEAD, lines()).encode(),
        media_type="text/csv; charset=utf-8; header=present",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _csv_row(line: QuarantineLine) -> list[str]:
    row = line.row
    at = "" if row.row < 0 else str(row.row)
    return [
        line.batch_id, line.table, _utc(line.loaded_at), row.file, at, row.column, row.code, row.value, row.rule,
        row.fix,
    ]  # fmt: skip


def _utc(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
