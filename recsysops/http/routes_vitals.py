"""Alive, ready, and the metrics: no key, no titles."""

from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from recsysops.http.context import ApiContext


class Alive(BaseModel):
    """The process answers."""

    status: Literal["ok"] = Field(default="ok", examples=["ok"])
    version: str = Field(description="Of RecSysOps.", examples=["0.1.0"])


def vitals_router(context: ApiContext) -> APIRouter:
    """Return the routes for monitoring. They need no key: a prober has none, and they name no title."""
    router = APIRouter(tags=["monitoring"])

    @router.get("/healthz", summary="Is the process alive", operation_id="healthz")
    def get_healthz() -> Alive:
        """Answer without touching the store."""
        return Alive(version=context.version)

    @router.get("/readyz", summary="Can it answer", operation_id="readyz")
    def get_readyz() -> Alive:
        """Answer 200 when the store can be read and has the right schema, else 503."""
        context.ready()
        with context.store.read() as unit:
            unit.runs.list(limit=1)
        return Alive(version=context.version)

    @router.get(
        "/metrics",
        summary="Metrics for Prometheus",
        operation_id="metrics",
        response_class=Response,
        responses={200: {"content": {"text/plain": {"example": 'recsysops_cells{status="failing"} 3.0'}}}},
    )
    def get_metrics() -> Response:
        """Compute every metric from the store as it stands now, so that runs of the command line are seen."""
        body = context.exposition(context.vitals())
        return Response(body, headers={"Content-Type": context.exposition_type})

    return router
