"""Keeps the board ready while the API serves, so that nobody waits for the first read after a run. Answers nothing."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Final

from fastapi import FastAPI

from recsysops.domain.views import BoardFilter
from recsysops.http.context import ApiContext
from recsysops.service.queries.board import board

SECONDS_BETWEEN: Final = 5.0
"""How soon a run of another process is noticed; a look at an unchanged store takes milliseconds."""


def warming(context: ApiContext) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """Return the life of an API that reads the board at its start and after each run."""

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        task = asyncio.create_task(_keep_ready(context))
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    return life


async def _keep_ready(context: ApiContext) -> None:
    while True:
        # Whatever is wrong with the store, who asks next is told.
        with suppress(Exception):
            await asyncio.to_thread(_read, context)
        await asyncio.sleep(SECONDS_BETWEEN)


def _read(context: ApiContext) -> None:
    board(context.snapshot(), BoardFilter(), service=context.service, now=context.clock(), limit=1)
