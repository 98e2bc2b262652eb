"""The pre-launch gate: of what the store holds, and of titles that are handed in."""

import asyncio
import time
from datetime import timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response
from pydantic import TypeAdapter

from recsysops.domain.check_view import CheckAnswer, GivenAnswer
from recsysops.domain.given import EXAMPLE, GivenTitles
from recsysops.domain.severity import Severity
from recsysops.errors import BusyError
from recsysops.http._body import BodyError, body_schema, parse, read_body
from recsysops.http.context import ApiContext, Judge
from recsysops.http.parameters import Days, Text
from recsysops.http.problems import MEDIA_TYPE, Problem, problem
from recsysops.service.check_given import Judged

MAX_BYTES: Final = 8 * 1024 * 1024
ANSWER_SECONDS: Final = 60.0
"""An answer that is not there by then is given up."""
_ANSWER: Final = TypeAdapter(GivenAnswer)
_PROBLEM: Final = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    status: {"model": Problem, "description": meaning, "content": _PROBLEM}
    for status, meaning in {
        408: "The body took too long to arrive.",
        413: "The body is too large.",
        503: "Too much is asked at once, or the store cannot be used now; `Retry-After` says when to try again.",
    }.items()
}
_BODY: Final = {
    "required": True,
    "content": {"application/json": {"schema": body_schema(GivenTitles), "example": EXAMPLE}},
}


def check_router(context: ApiContext) -> APIRouter:
    """Return the routes of the gate."""
    router = APIRouter(tags=["board"])

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

    if context.judge is not None:
        _add_check_titles(router, context.judge)
    return router


def _add_check_titles(router: APIRouter, judge: Judge) -> None:
    @router.post(
        "/check",
        summary="The pre-launch gate for titles that are handed in",
        operation_id="check_titles",
        response_model=GivenAnswer,
        responses=_RESPONSES,
        openapi_extra={"requestBody": _BODY},
    )
    async def post_check(request: Request) -> Response:
        """Judge 1 to 1,000 titles by the metadata in the body; nothing of it is stored.

        The same checks, models and detectors as for stored titles. Of a title that is stored, what is given is judged
        instead: what would a fix change? Predictions stand at `history_as_of`, the last run. `Server-Timing` says what
        each part took. One call with many titles costs little more than one with a single title.
        """
        began = time.perf_counter()
        try:
            asked = parse(GivenTitles, await read_body(request, MAX_BYTES))
        except BodyError as error:
            return problem(request, error.status, detail=error.detail, code=error.code)
        parsed = time.perf_counter()
        try:
            judged = await _judged(judge, asked)
        except BusyError as error:
            retry = {"Retry-After": str(error.retry_after_seconds)}
            return problem(request, 503, detail=str(error), code=error.code, headers=retry)
        answered = time.perf_counter()
        body = _ANSWER.dump_json(judged.answer)
        timing = _server_timing(judged, parsed - began, answered - parsed, time.perf_counter() - answered)
        return Response(body, media_type="application/json", headers={"Server-Timing": timing})


async def _judged(judge: Judge, asked: GivenTitles) -> Judged:
    try:
        return await asyncio.wait_for(asyncio.wrap_future(judge(asked)), ANSWER_SECONDS)
    except TimeoutError as error:
        raise BusyError.after(ANSWER_SECONDS) from error


def _server_timing(judged: Judged, parse_seconds: float, waited: float, serialise: float) -> str:
    """Return the header's value: what each part took, in milliseconds; `wait` is for the call and for others' calls."""
    wait = max(waited - sum(judged.seconds.values()), 0.0)
    parts = {"parse": parse_seconds, "wait": wait, **judged.seconds, "serialise": serialise}
    said = [f"{name};dur={seconds * 1000:.1f}" for name, seconds in parts.items()]
    return ", ".join([*said, f'shared;desc="{judged.n_shared}"'])
