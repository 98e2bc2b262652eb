"""Around every request: an id that its log lines share, its count and time, and headers that keep it out of caches.

Plain ASGI: wrapping each request in a task of its own, as the framework's helper does, costs more than most routes.
"""

import re
import time
from collections.abc import Callable
from typing import Any, Final
from uuid import uuid4

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_GIVEN_ID: Final = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_HEADERS: Final = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))
_QUIET: Final = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked every few seconds by machines: counted, not logged."""
OTHER: Final = "other"
"""Route of what was asked for where nothing is: a closed set, whatever is asked."""


class Envelope:
    """Puts every request of an application into its envelope."""

    def __init__(self, app: ASGIApp, observe: Callable[[str, int, float], None] | None) -> None:
        """Wrap `app`; `observe` is told route, status and seconds of every answer."""
        self._app = app
        self._observe = observe
        self._log = structlog.get_logger("recsysops.http")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        request_id = _request_id(scope)
        answered = 500  # of what raises before it answers

        async def send_on(message: Message) -> None:
            nonlocal answered
            if message["type"] == "http.response.start":
                answered = message["status"]
                message["headers"] = [
                    *message.get("headers", ()), *_HEADERS, (b"x-request-id", request_id.encode()),
                ]  # fmt: skip
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, receive, send_on)
            finally:
                self._tell(scope, answered, time.perf_counter() - began)

    def _tell(self, scope: Scope, status: int, seconds: float) -> None:
        route = _route(scope)
        if self._observe is not None:
            self._observe(route, status, seconds)
        if route not in _QUIET:
            # The path as declared, not as asked for: ids of unreleased titles stay out of logs.
            self._log.info(
                "request", method=scope["method"], route=route, status=status, milliseconds=round(seconds * 1000, 1)
            )


def _request_id(scope: Scope) -> str:
    """Return the id the caller gave, where it is one that may stand in a log; else a new one."""
    given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
    return given.decode() if _GIVEN_ID.fullmatch(given) else uuid4().hex


def _route(scope: Scope) -> str:
    # Newer versions of the framework keep the whole path apart from the route, whose own path lacks the prefix.
    route: Any = scope.get("fastapi", {}).get("effective_route_context") or scope.get("route")
    return str(getattr(route, "path_format", OTHER))
