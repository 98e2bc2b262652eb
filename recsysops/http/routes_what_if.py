"""What would change if a title were otherwise. Only asks: nothing of the body is stored."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import TypeAdapter

from recsysops.domain.what_if import EXAMPLE, AskedWhatIf, WhatIf, WhatIfForm
from recsysops.errors import BusyError
from recsysops.http._body import BodyError, body_schema, parse, read_body
from recsysops.http.context import ApiContext, AskWhatIf
from recsysops.http.problems import MEDIA_TYPE, Problem, problem

MAX_BYTES: Final = 1024 * 1024
TitleId = Annotated[str, Path(min_length=1, max_length=1000, description="The title's id.", examples=["t-0001"])]
_ANSWER: Final = TypeAdapter(WhatIf)
_PATH: Final = "/titles/{title_id:path}/what-if"
_PROBLEM: Final = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    status: {"model": Problem, "description": meaning, "content": _PROBLEM}
    for status, meaning in {
        408: "The body took too long to arrive.",
        413: "The body is too large.",
        503: "Another what-if is being answered, or the store cannot be used; `Retry-After` says when to try again.",
    }.items()
}
_BODY: Final = {
    "required": True,
    "content": {"application/json": {"schema": body_schema(AskedWhatIf), "example": EXAMPLE}},
}


def what_if_router(context: ApiContext) -> APIRouter:
    """Return the routes of what-ifs; none where nothing answers them."""
    router = APIRouter(tags=["title"])
    if context.what_if is not None:
        _add(router, context.what_if)
    return router


def _add(router: APIRouter, what_if: AskWhatIf) -> None:
    # `path`, so that an id may hold a slash.
    @router.get(_PATH, summary="What can be changed of a title, and how it stands", operation_id="what_if_form")
    def get_form(title_id: TitleId) -> WhatIfForm:
        """Return every field with its value, whole, and the launches that are ahead: what a form is filled with."""
        return what_if.form(title_id)

    @router.post(
        _PATH,
        summary="What if a title were otherwise",
        operation_id="what_if",
        response_model=WhatIf,
        responses=_RESPONSES,
        openapi_extra={"requestBody": _BODY},
    )
    async def post_what_if(title_id: TitleId, request: Request) -> Response:
        """Return what is predicted as it is and as changed: ranges for every market, surface, measure and horizon.

        Through the recommender where it can be asked about changes, else by the model alone: `through` and `reason` say
        which, and why. Takes seconds. Nothing is stored.
        """
        try:
            asked = parse(AskedWhatIf, await read_body(request, MAX_BYTES))
            answer = await run_in_threadpool(what_if.answer, title_id, asked)
        except BodyError as error:
            return problem(request, error.status, detail=error.detail, code=error.code)
        except BusyError as error:
            retry = {"Retry-After": str(error.retry_after_seconds)}
            return problem(request, 503, detail=str(error), code=error.code, headers=retry)
        return Response(_ANSWER.dump_json(answer), media_type="application/json")
