"""Request bodies read with a limit, before anything is parsed, and the JSON schema of what may stand in them."""

import asyncio
from typing import Any, Final, TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

M = TypeVar("M", bound=BaseModel)
READ_SECONDS: Final = 30.0
"""A body that is still arriving by then is given up."""
_MAX_ERRORS: Final = 50
"""Errors of one body that are told."""


class BodyError(Exception):
    """A body is not read to its end; the route answers with what stands here."""

    def __init__(self, status: int, detail: str, code: str) -> None:
        """Keep status, sentence and stable code."""
        self.status, self.detail, self.code = status, detail, code
        super().__init__(detail)


async def read_body(request: Request, max_bytes: int) -> bytes:
    """Return the whole body.

    Raises:
        BodyError: It is larger than `max_bytes`, says so, or takes too long to arrive.
    """
    said = request.headers.get("content-length", "")
    if said.isdigit() and int(said) > max_bytes:
        raise _too_large(max_bytes)
    try:
        return await asyncio.wait_for(_gathered(request, max_bytes), READ_SECONDS)
    except TimeoutError as error:
        detail = f"The body was still arriving after {READ_SECONDS:.0f} s. Send it again, in smaller calls."
        raise BodyError(408, detail, "timeout") from error


async def _gathered(request: Request, max_bytes: int) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > max_bytes:
            raise _too_large(max_bytes)
    return bytes(body)


def _too_large(max_bytes: int) -> BodyError:
    detail = f"The body is larger than {max_bytes // 1024:,} KiB. Divide the titles over several calls."
    return BodyError(413, detail, "too-large")


def parse(model: type[M], body: bytes) -> M:
    """Return the body as a model.

    Raises:
        RequestValidationError: It is no JSON, nests too deep, or does not fit; errors by place, without the values.
    """
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise RequestValidationError(_told(error)) from error


def _told(error: ValidationError) -> list[dict[str, Any]]:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    told = [{**each, "loc": ("body", *each["loc"]), "msg": _sentence(each["msg"])} for each in found[:_MAX_ERRORS]]
    if len(found) > _MAX_ERRORS:
        rest = f"{len(found) - _MAX_ERRORS} more errors are not listed"
        told.append({"type": "more", "loc": ("body",), "msg": rest})
    return told


def _sentence(message: str) -> str:
    text = message.removeprefix("Value error, ")
    return text[:1].upper() + text[1:]


def body_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Return the JSON schema of a model with every reference written out: the document's own names stay untouched."""
    schema = model.model_json_schema()
    definitions = schema.pop("$defs", {})

    def written_out(part: Any) -> Any:  # noqa: ANN401 - JSON
        if isinstance(part, dict):
            if "$ref" in part:
                target = definitions[part["$ref"].rsplit("/", 1)[-1]]
                return written_out({**target, **{key: value for key, value in part.items() if key != "$ref"}})
            return {key: written_out(value) for key, value in part.items()}
        return [written_out(each) for each in part] if isinstance(part, list) else part

    result: dict[str, Any] = written_out(schema)
    return result
