"""One error body for every error: RFC 9457 problem details. Of an unexpected error only its number leaves us."""

import traceback
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final
from uuid import uuid4

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from recsysops.errors import NotFoundError, RecSysOpsError, StoreError, StoreLockedError, UsageError

MEDIA_TYPE: Final = "application/problem+json"
RETRY_SECONDS: Final = "5"
"""When to try again after another process held the store."""
UNAUTHORIZED_DETAIL: Final = (
    "The API key is missing or wrong. Send it as `Authorization: Bearer <key>`; "
    "`recsysops serve` says where it is kept."
)


class Problem(BaseModel):
    """What went wrong, after RFC 9457."""

    model_config = ConfigDict(extra="forbid")

    type: str = Field(description="`about:blank`: the title says it all.", examples=["about:blank"])
    title: str = Field(description="Short name of the HTTP status.", examples=["Not Found"])
    status: int = Field(description="HTTP status.", examples=[404])
    detail: str = Field(
        description="What is wrong and what to do.", examples=['Title "t-1" is not known. Check the id.']
    )
    instance: str = Field(description="The path that was asked for.", examples=["/v1/titles/t-1"])
    code: str = Field(description="Stable name of the error.", examples=["not-found"])
    errors: list[str] = Field(default=[], description="Every parameter that is wrong, one sentence each.")


def problem(
    request: Request,
    status: int,
    *,
    detail: str,
    code: str,
    errors: list[str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """Return the one error body."""
    body = Problem(
        type="about:blank",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        instance=request.url.path[:500],
        code=code,
        errors=errors or [],
    )
    return JSONResponse(body.model_dump(), status, headers=dict(headers or {}), media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Make every error of `app` answer with the one body."""
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(RequestValidationError, _on_validation)
    app.add_exception_handler(RecSysOpsError, _on_ours)
    app.add_exception_handler(Exception, _on_unexpected)


async def _on_http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # what it is registered for
    details = {
        404: ("There is nothing at this path. See /openapi.json for what there is.", "no-route"),
        405: (
            f"{request.method[:20]} is not allowed at this path. See /openapi.json for what is.",
            "method-not-allowed",
        ),
        401: (UNAUTHORIZED_DETAIL, "unauthorized"),
    }
    detail, code = details.get(error.status_code, (str(error.detail), "http"))
    return problem(request, error.status_code, detail=detail, code=code, headers=error.headers)


async def _on_validation(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    errors = [f"{_place(e)}: {e['msg']}." for e in error.errors()]
    return problem(
        request, 422, detail="The request makes no sense as given: see `errors`.", code="usage", errors=errors
    )


async def _on_ours(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RecSysOpsError)
    status = 500
    for kind, number in ((NotFoundError, 404), (UsageError, 422), (StoreError, 503)):
        if isinstance(error, kind):
            status = number
    if status == 500:
        return await _on_unexpected(request, error)
    headers = {"Retry-After": RETRY_SECONDS} if isinstance(error, StoreLockedError) else None
    return problem(request, status, detail=str(error), code=error.code, headers=headers)


async def _on_unexpected(request: Request, error: Exception) -> JSONResponse:
    number = uuid4().hex[:12]
    # As text: what renders a live traceback may show local variables, and the key is one.
    trace = "".join(traceback.format_exception(error))
    structlog.get_logger("recsysops.http").error("request failed", path=request.url.path, number=number, trace=trace)
    detail = f"Something went wrong on our side. The log of `recsysops serve` tells more under the number {number}."
    return problem(request, 500, detail=detail, code="internal")


def _place(error: Any) -> str:  # noqa: ANN401  # pydantic's own shape
    return ".".join(str(part) for part in error["loc"] if part not in {"query", "path"})[:100] or "request"
