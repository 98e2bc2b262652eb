"""The API over a sample store, served without a network: for tests of client and dashboards."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import httpx
import pandas as pd

from recsysops import columns as c
from recsysops.clock import fixed_clock
from recsysops.domain.check_view import CheckedCell, CheckReport
from recsysops.domain.contribution import AnswerPart, AnswerParts
from recsysops.domain.drift import Decision, HeldState
from recsysops.domain.model import ModelCard
from recsysops.domain.severity import Severity
from recsysops.domain.verdict import Status
from recsysops.domain.views import BoardFilter
from recsysops.http import ApiContext, create_app
from recsysops.metrics import CONTENT_TYPE, exposition
from recsysops.service.ports import Store
from recsysops.service.queries.board import cells_of
from recsysops.service.queries.snapshot import SnapshotCache
from recsysops.service.release import DecisionReport
from recsysops.settings import Settings, SourceSettings
from recsysops.testing.sample_results import AS_OF, requirements
from recsysops.testing.sample_what_if import sample_what_if

API_KEY: Final = "sample-key-0123456789"
VERSION: Final = "0.0.1"
SOURCES: Final = ("titles", "launches", "expectations", "impressions", "changes")


def sample_context(store: Store, **changes: Any) -> ApiContext:  # noqa: ANN401  # any attribute of the context
    """Return what an API over `store` answers from; `changes` replace attributes."""
    sources = {name: SourceSettings(path=f"{name}.csv", every_hours=24) for name in SOURCES}
    settings, clock = Settings(sources=sources), fixed_clock(AS_OF)
    values: dict[str, Any] = {
        "store": store,
        "clock": clock,
        "api_key": API_KEY,
        "version": VERSION,
        "service": "sample service",
        "requirements": requirements(),
        "check": _Gate(store),
        "exposition": lambda vitals: exposition(vitals, VERSION),
        "exposition_type": CONTENT_TYPE,
        "comparables": comparables,
        "take_apart": take_apart,
        "decide": _Decide(store),
        "settings": settings,
        "what_if": sample_what_if(store, clock, settings),
    }
    return ApiContext(**(values | changes))


def comparables(cell: tuple[str, str, str], as_of: datetime, measure: str, horizon: int) -> pd.DataFrame:
    """Return eight past titles that are like any title."""
    rows = [
        {
            c.TITLE_ID: f"old-{i}",
            c.NAME: f"Old title {i}",
            c.MARKET: cell[1],
            c.SURFACE: cell[2],
            c.LAUNCH_AT: pd.Timestamp(as_of - timedelta(days=100 + i)),
            "distance": 0.1 * i,
            c.VALUE: 0.05 + 0.01 * i + 0.001 * horizon * len(measure),
            c.FIELDS: {"genres": ["drama", "comedy"], "runtime_minutes": 90 + i, "director": "Jane Doe"},
        }
        for i in range(8)
    ]
    return pd.DataFrame(rows)


def take_apart(cell: pd.DataFrame, as_of: datetime, card: ModelCard) -> AnswerParts:
    """Return fourteen parts that add up, alike for every title."""
    parts = [
        AnswerPart(name="synopsis", value="", amount=-0.9),
        AnswerPart(name="Market and surface", value=f"{cell[c.MARKET].iloc[0]}, {card.measure}", amount=0.5),
        AnswerPart(name="Launch day and hour", value=f"{cell[c.LAUNCH_AT].iloc[0] - as_of} ahead", amount=0.3),
        *(AnswerPart(name=f"field {at}", value=f"value {at}", amount=0.3 / at) for at in range(2, 13)),
    ]
    answer = -2.0 + sum(part.amount for part in parts)
    return AnswerParts(base=-2.0, answer=answer, parts=tuple(parts), denominator=1000.0, median=0.1)


class InProcessTransport(httpx.BaseTransport):
    """Answers a client's requests by calling an ASGI application in this process."""

    def __init__(self, app: Any) -> None:  # noqa: ANN401  # an ASGI application
        """Call `app`."""
        self._transport = httpx.ASGITransport(app, raise_app_exceptions=False)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Return the application's answer, read as a whole."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return asyncio.run(self._answer(request))
        # A browser's driver, for one, leaves a loop running in the thread of its tests: another thread has none.
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(lambda: asyncio.run(self._answer(request))).result()

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        answer = await self._transport.handle_async_request(request)
        return httpx.Response(answer.status_code, headers=answer.headers, content=await answer.aread())


def sample_http(context: ApiContext, *, api_key: str = API_KEY) -> httpx.Client:
    """Return a plain HTTP client of an API that answers from `context`."""
    headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
    return httpx.Client(transport=InProcessTransport(create_app(context)), base_url="http://api.test", headers=headers)


class _Gate:
    """Answers like the gate from what the store holds; judges nothing anew."""

    def __init__(self, store: Store) -> None:
        self._cache = SnapshotCache(store)

    def __call__(
        self, *, title_ids: tuple[str, ...], launching_within: timedelta | None, fail_on: Severity, allow_unknown: bool
    ) -> CheckReport:
        """Return the report on the cells asked for."""
        snapshot = self._cache.get()
        cells = [
            CheckedCell(title_id=title.title_id, name=title.name, cell=cell.view, findings=cell.findings)
            for title in snapshot.titles
            for cell in cells_of(title, BoardFilter(title_ids=title_ids))
        ]
        until = None if launching_within is None or snapshot.as_of is None else snapshot.as_of + launching_within
        wanted = tuple(cell for cell in cells if until is None or cell.cell.launch_at <= until)
        order = [*sorted(Status, key=lambda status: status.rank)]
        ranked = tuple(sorted(wanted, key=lambda cell: (order.index(cell.cell.status), cell.title_id)))
        return CheckReport(as_of=snapshot.as_of, fail_on=fail_on, allow_unknown=allow_unknown, cells=ranked)


class _Decide:
    """Decides on held batches in a store that may be written; publishes nothing."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self, verb: Literal["release", "discard"], batch_id: str, by: str, reason: str) -> DecisionReport:
        """Record the decision."""
        state = HeldState.RELEASED if verb == "release" else HeldState.DISCARDED
        with self._store.write() as unit:
            held = unit.batches.decide(batch_id, Decision(state=state, by=by, reason=reason, at=AS_OF))
            unit.commit()
        return DecisionReport(held=held, is_published=False, answer=f"{batch_id} is {state}.")
