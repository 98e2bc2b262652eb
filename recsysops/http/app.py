"""Puts the API together: one key for everything below /v1, one error body."""

from collections.abc import Callable
from secrets import compare_digest
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, FastAPI, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from recsysops.http.context import ApiContext
from recsysops.http.middleware import Envelope
from recsysops.http.problems import MEDIA_TYPE, Problem, install
from recsysops.http.routes_board import board_router
from recsysops.http.routes_check import check_router
from recsysops.http.routes_data import data_router
from recsysops.http.routes_models import models_router
from recsysops.http.routes_records import records_router
from recsysops.http.routes_scoreboard import scoreboard_router
from recsysops.http.routes_title import title_router
from recsysops.http.routes_vitals import vitals_router
from recsysops.http.routes_what_if import what_if_router
from recsysops.http.warming import warming

DESCRIPTION: Final = """
What the recommender will do with each title that launches: which titles are at risk, why, and what to do.

Everything below `/v1` needs the API key (`Authorization: Bearer <key>`). Nothing is stored but what a person decides on
a held batch (`release`, `discard`) or on models (`activate`, `rollback`); `POST /v1/check` and what-ifs only ask.
`/healthz`, `/readyz` and `/metrics` need no key, name no title and are meant for the machine's own monitoring. Every
error has the same body (RFC 9457). Times are UTC.
"""
TAGS: Final = [
    {"name": "board", "description": "Upcoming titles by risk x time left, the gate, and what metadata is missing."},
    {"name": "title", "description": "Everything known about one title."},
    {"name": "data", "description": "Batches and their accounts, held batches and decisions on them, feeds, changes."},
    {"name": "records", "description": "Issues, runs and models."},
    {"name": "scoreboard", "description": "After launch: what was predicted against what happened."},
    {"name": "monitoring", "description": "Is it alive, can it answer, how is it doing. No key."},
]


def create_app(context: ApiContext) -> FastAPI:
    """Return the API as an ASGI application.

    Args:
        context: What it answers from; nothing is opened before the first request.
    """
    app = FastAPI(
        title="RecSysOps",
        version=context.version,
        description=DESCRIPTION,
        openapi_tags=TAGS,
        docs_url=None,  # both pages load scripts from elsewhere; openapi.json is for any viewer
        redoc_url=None,
        responses=_problem_responses(401, 404, 405, 422, 500, 503),
        separate_input_output_schemas=False,
        lifespan=warming(context),
    )
    install(app)
    app.add_middleware(Envelope, observe=context.observe)
    guarded = APIRouter(prefix="/v1", dependencies=[Depends(_key_check(context.api_key))])
    for router in (
        board_router(context),
        check_router(context),
        what_if_router(context),  # before the title itself, which would take its paths
        title_router(context),
        data_router(context),
        records_router(context),
        models_router(context),
        scoreboard_router(context),
    ):
        guarded.include_router(router)
    app.include_router(guarded)
    app.include_router(vitals_router(context))
    return app


def _key_check(api_key: str) -> Callable[..., None]:
    bearer = HTTPBearer(auto_error=False, description="The key in the data folder; `recsysops serve` says where.")
    expected = api_key.encode()

    def check_key(given: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]) -> None:
        if given is None or not compare_digest(given.credentials.encode(), expected):
            raise HTTPException(401, headers={"WWW-Authenticate": "Bearer"})

    return check_key


def _problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    meaning = {
        401: "The API key is missing or wrong.",
        404: "There is no such thing.",
        405: "Not with this method.",
        422: "The request makes no sense as given.",
        500: "Something went wrong on our side.",
        503: "The store cannot be used now; `Retry-After` says when to try again, where that is known.",
    }
    return {status: {"model": Problem, "description": meaning[status], "content": content} for status in statuses}
