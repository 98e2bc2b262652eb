"""The HTTP API as a typed Python object, for dashboards, notebooks and scripts. Knows no store and no service."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Final, Self, TypeVar, cast
from urllib.parse import quote

import httpx
from pydantic import TypeAdapter, ValidationError

from recsysops.domain.check_view import CheckAnswer, GivenAnswer
from recsysops.domain.contribution import Contributions
from recsysops.domain.data_view import (
    BatchList,
    BatchOrder,
    BatchView,
    ChangeList,
    DecisionAnswer,
    FeedList,
    HeldList,
    QuarantinePage,
)
from recsysops.domain.drift import HeldState
from recsysops.domain.given import FieldValue, GivenTitle, GivenTitles
from recsysops.domain.registry import ModelAnswer, ModelDetail, ModelList
from recsysops.domain.scoreboard import MissList, Scoreboard, ScoreFilter
from recsysops.domain.severity import Severity
from recsysops.domain.timeline import Timeline, TimelineKind
from recsysops.domain.title_view import Comparables, TitleView
from recsysops.domain.views import (
    Board,
    BoardFilter,
    IssueFilter,
    IssueList,
    IssueView,
    MissingFieldFilter,
    MissingFields,
    ModelsView,
    RunList,
)
from recsysops.domain.what_if import WhatIf, WhatIfForm
from recsysops.errors import ApiError

T = TypeVar("T")
Parameter = str | int | float | bool | Sequence[str] | None
_ADAPTERS: Final[dict[type, TypeAdapter[Any]]] = {}
TIMEOUT_SECONDS: Final = 30.0
_ASKING_SECONDS: Final = 120.0
"""Of what asks the recommender, which has its own limit, and may wait for another that does."""


@dataclass(frozen=True)
class _ModelAnswers:
    answers: tuple[ModelAnswer, ...]


class Client:
    """Talks to one RecSysOps API; close it, or use it as a context manager."""

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        transport: httpx.BaseTransport | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        """Connect on first use.

        Args:
            base_url: Where `recsysops serve` listens, for example http://127.0.0.1:8350.
            api_key: Its key.
            transport: Stands in for the network, in tests.
            timeout_seconds: Of each request.
        """
        self.base_url = base_url.rstrip("/")
        self._http = httpx.Client(
            base_url=self.base_url,
            headers={"Authorization": f"Bearer {api_key}"},
            transport=transport,
            timeout=timeout_seconds,
            trust_env=False,  # a proxy from the environment must not see the key, nor be asked for loopback
            follow_redirects=False,
        )

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection."""
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def board(self, filters: BoardFilter | None = None, *, offset: int = 0, limit: int = 100) -> Board:
        """Return one page of the launch board, by risk x time left."""
        wanted = filters or BoardFilter()
        parameters: dict[str, Parameter] = {
            "market": wanted.markets,
            "surface": wanted.surfaces,
            "status": [status.value for status in wanted.statuses],
            "class": [kind.value for kind in wanted.classes],
            "provider": wanted.providers,
            "text": wanted.text,
            "launching_within_days": wanted.launching_within_days,
            "offset": offset,
            "limit": limit,
        }
        return self._get(Board, "/v1/board", parameters)

    def title(self, title_id: str) -> TitleView:
        """Return everything known about a title."""
        return self._get(TitleView, f"/v1/titles/{quote(title_id, safe='')}")

    def comparables(self, title_id: str, market: str, surface: str, measure: str, horizon: int) -> Comparables:
        """Return past launches like this one, nearest first."""
        parameters: dict[str, Parameter] = {
            "title": title_id,
            "market": market,
            "surface": surface,
            "measure": measure,
            "horizon": horizon,
        }
        return self._get(Comparables, "/v1/comparables", parameters)

    def timeline(
        self, title_id: str, *, kinds: Sequence[TimelineKind] = (), offset: int = 0, limit: int = 50
    ) -> Timeline:
        """Return one page of what happened around a title, newest first."""
        parameters: dict[str, Parameter] = {
            "kind": [kind.value for kind in kinds],
            "offset": offset,
            "limit": limit,
        }
        return self._get(Timeline, f"/v1/titles/{quote(title_id, safe='')}/timeline", parameters)

    def contributions(
        self, title_id: str, market: str, surface: str, measure: str, horizon: int, *, limit: int = 12
    ) -> Contributions:
        """Return what the model made of what it knows of one cell, largest first: context, not causes."""
        parameters: dict[str, Parameter] = {
            "market": market,
            "surface": surface,
            "measure": measure,
            "horizon": horizon,
            "limit": limit,
        }
        return self._get(Contributions, f"/v1/titles/{quote(title_id, safe='')}/contributions", parameters)

    def what_if_form(self, title_id: str) -> WhatIfForm:
        """Return what can be changed of a title, and how it stands now."""
        return self._get(WhatIfForm, f"/v1/titles/{quote(title_id, safe='')}/what-if")

    def what_if(
        self,
        title_id: str,
        fields: Mapping[str, FieldValue] | None = None,
        *,
        launch: str | None = None,
        market: str | None = None,
    ) -> WhatIf:
        """Ask how predictions would move if metadata or the launch of a title were otherwise; nothing is stored."""
        asked = {"fields": dict(fields or {}), "launch": launch, "market": market}
        path = f"/v1/titles/{quote(title_id, safe='')}/what-if"
        return self._read(WhatIf, self._send("POST", path, body=asked, seconds=_ASKING_SECONDS))

    def issues(
        self, filters: IssueFilter | None = None, *, sort: str = "risk", offset: int = 0, limit: int = 100
    ) -> IssueList:
        """Return one page of issues; without filters the open ones. `sort`: risk, opened, updated or title."""
        wanted = filters or IssueFilter()
        parameters: dict[str, Parameter] = {
            "state": {True: "open", False: "resolved", None: "any"}[wanted.is_open],
            "title": wanted.title_id,
            "severity": [str(severity) for severity in wanted.severities],
            "class": [str(kind) for kind in wanted.classes],
            "detector": wanted.detectors,
            "market": wanted.markets,
            "text": wanted.text,
            "sort": sort,
            "offset": offset,
            "limit": limit,
        }
        return self._get(IssueList, "/v1/issues", parameters)

    def issue(self, issue_id: str) -> IssueView:
        """Return one issue with its history."""
        return self._get(IssueView, f"/v1/issues/{quote(issue_id, safe='')}")

    def check(
        self,
        *,
        title_ids: Sequence[str] = (),
        launching_within_days: float | None = None,
        fail_on: Severity | str = Severity.CRITICAL,
        allow_unknown: bool = False,
    ) -> CheckAnswer:
        """Ask the pre-launch gate."""
        parameters: dict[str, Parameter] = {
            "title": title_ids,
            "launching_within_days": launching_within_days,
            "fail_on": str(fail_on),
            "allow_unknown": allow_unknown,
        }
        return self._get(CheckAnswer, "/v1/check", parameters)

    def check_titles(
        self, titles: Sequence[GivenTitle], *, fail_on: Severity | str = Severity.CRITICAL, allow_unknown: bool = False
    ) -> GivenAnswer:
        """Ask the pre-launch gate about titles whose metadata is stored nowhere; nothing of it is stored."""
        asked = GivenTitles(titles=tuple(titles), fail_on=Severity(fail_on), allow_unknown=allow_unknown)
        return self._read(GivenAnswer, self._send("POST", "/v1/check", body=asked.model_dump(mode="json")))

    def runs(self, *, verb: str | None = None, offset: int = 0, limit: int = 50) -> RunList:
        """Return one page of runs, latest first."""
        return self._get(RunList, "/v1/runs", {"verb": verb, "offset": offset, "limit": limit})

    def missing_fields(
        self, filters: MissingFieldFilter | None = None, *, sort: str = "due", offset: int = 0, limit: int = 100
    ) -> MissingFields:
        """Return one page of the required fields that upcoming titles lack.

        `sort`: due, provider, title or field.
        """
        wanted = filters or MissingFieldFilter()
        parameters: dict[str, Parameter] = {
            "provider": wanted.provider,
            "state": [str(state) for state in wanted.states],
            "field": wanted.fields,
            "owner": wanted.owner,
            "sort": sort,
            "offset": offset,
            "limit": limit,
        }
        return self._get(MissingFields, "/v1/missing-fields", parameters)

    def missing_fields_csv(self, provider: str | None = None) -> bytes:
        """Return the same as CSV, UTF-8."""
        return self._fetch("/v1/missing-fields.csv", {"provider": provider}).content

    def model(self) -> ModelsView:
        """Return the active models and the scores of the last backtest."""
        return self._get(ModelsView, "/v1/model")

    def models(self) -> ModelList:
        """Return every model with where it stands: active, challenger or retired; newest first."""
        return self._get(ModelList, "/v1/models")

    def model_detail(self, model_id: str) -> ModelDetail:
        """Return one model and what happened to it, oldest first, each with who, why and when."""
        return self._get(ModelDetail, f"/v1/models/{quote(model_id, safe='')}")

    def activate_model(self, model_id: str, *, by: str, reason: str) -> ModelAnswer:
        """Let a model answer from the next prediction on, after its files passed every check."""
        path = f"/v1/models/{quote(model_id, safe='')}/activate"
        return self._read(ModelAnswer, self._send("POST", path, body={"by": by, "reason": reason}))

    def rollback_models(
        self, *, by: str, reason: str, measure: str | None = None, horizon: int | None = None
    ) -> tuple[ModelAnswer, ...]:
        """Let the models that answered before answer again: all of them, or of one measure or horizon; or none."""
        body = {"by": by, "reason": reason, "measure": measure, "horizon": horizon}
        return self._read(_ModelAnswers, self._send("POST", "/v1/models/rollback", body=body)).answers

    def scoreboard(self, filters: ScoreFilter | None = None) -> Scoreboard:
        """Return how good predictions were, after launch."""
        return self._get(Scoreboard, "/v1/scoreboard", _score_parameters(filters))

    def scoreboard_titles(self, filters: ScoreFilter | None = None, *, offset: int = 0, limit: int = 100) -> MissList:
        """Return one page of titles, the largest error first."""
        parameters = {**_score_parameters(filters), "offset": offset, "limit": limit}
        return self._get(MissList, "/v1/scoreboard/titles", parameters)

    def scoreboard_titles_csv(self, filters: ScoreFilter | None = None) -> bytes:
        """Return the same as CSV, UTF-8."""
        return self._fetch("/v1/scoreboard/titles.csv", _score_parameters(filters)).content

    def batches(
        self, *, table: str | None = None, sort: BatchOrder = BatchOrder.NEWEST, offset: int = 0, limit: int = 100
    ) -> BatchList:
        """Return one page of published batches with their accounts."""
        parameters: dict[str, Parameter] = {"table": table, "sort": sort.value, "offset": offset, "limit": limit}
        return self._get(BatchList, "/v1/batches", parameters)

    def batch(self, batch_id: str) -> BatchView:
        """Return one batch, published or held."""
        return self._get(BatchView, f"/v1/batches/{quote(batch_id, safe='')}")

    def held_batches(
        self, *, table: str | None = None, state: HeldState | None = None, offset: int = 0, limit: int = 100
    ) -> HeldList:
        """Return one page of the batches ever held, those that wait for a person first."""
        parameters: dict[str, Parameter] = {
            "table": table,
            "state": state.value if state else None,
            "offset": offset,
            "limit": limit,
        }
        return self._get(HeldList, "/v1/held-batches", parameters)

    def release(self, batch_id: str, *, by: str, reason: str) -> DecisionAnswer:
        """Let a held batch through: the next ingest or run publishes it."""
        return self._decide("release", batch_id, by, reason)

    def discard(self, batch_id: str, *, by: str, reason: str) -> DecisionAnswer:
        """Refuse a held batch: its content is never published."""
        return self._decide("discard", batch_id, by, reason)

    def quarantine(
        self, *, batch_id: str | None = None, table: str | None = None, offset: int = 0, limit: int = 100
    ) -> QuarantinePage:
        """Return one page of the rows kept out, of one batch or of a table's or of all."""
        parameters: dict[str, Parameter] = {"offset": offset, "limit": limit}
        if batch_id is None:
            return self._get(QuarantinePage, "/v1/quarantine", {"table": table, **parameters})
        return self._get(QuarantinePage, f"/v1/batches/{quote(batch_id, safe='')}/quarantine", parameters)

    def quarantine_csv(self, *, batch_id: str | None = None, table: str | None = None) -> bytes:
        """Return the same as CSV, UTF-8."""
        if batch_id is None:
            return self._fetch("/v1/quarantine.csv", {"table": table}).content
        return self._fetch(f"/v1/batches/{quote(batch_id, safe='')}/quarantine.csv", {}).content

    def feeds(self) -> FeedList:
        """Return how every source delivers, worst first."""
        return self._get(FeedList, "/v1/feeds")

    def changes(
        self,
        *,
        title_id: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        offset: int = 0,
        limit: int = 100,
    ) -> ChangeList:
        """Return one page of deploys, model pushes and edits, latest first."""
        parameters: dict[str, Parameter] = {
            "title": title_id,
            "since": since.isoformat() if since else None,
            "until": until.isoformat() if until else None,
            "offset": offset,
            "limit": limit,
        }
        return self._get(ChangeList, "/v1/changes", parameters)

    def _decide(self, verb: str, batch_id: str, by: str, reason: str) -> DecisionAnswer:
        path = f"/v1/batches/{quote(batch_id, safe='')}/{verb}"
        return self._read(DecisionAnswer, self._send("POST", path, body={"by": by, "reason": reason}))

    def _get(self, kind: type[T], path: str, parameters: Mapping[str, Parameter] | None = None) -> T:
        return self._read(kind, self._fetch(path, parameters or {}))

    def _read(self, kind: type[T], response: httpx.Response) -> T:
        if kind not in _ADAPTERS:
            _ADAPTERS[kind] = TypeAdapter(kind)  # making one takes longer than reading an answer with it
        try:
            return cast(T, _ADAPTERS[kind].validate_json(response.content))
        except ValidationError as error:
            raise ApiError(
                f"The API at {self.base_url} answered something else than a {kind.__name__}. "
                "Use the same version on both sides.",
                status=response.status_code,
            ) from error

    def _fetch(self, path: str, parameters: Mapping[str, Parameter]) -> httpx.Response:
        return self._send("GET", path, {name: value for name, value in parameters.items() if value is not None})

    def _send(
        self, method: str, path: str, parameters: Mapping[str, Parameter] | None = None, body: object = None,
        seconds: float | None = None,
    ) -> httpx.Response:  # fmt: skip
        timeout = httpx.USE_CLIENT_DEFAULT if seconds is None else seconds
        try:
            response = self._http.request(method, path, params=parameters, json=body, timeout=timeout)
        except httpx.TimeoutException as error:
            raise ApiError(
                f"The API at {self.base_url} did not answer in time. Try again, or look at its log."
            ) from error
        except httpx.HTTPError as error:
            raise ApiError(
                f"The API at {self.base_url} cannot be reached ({type(error).__name__}). "
                "Start it with `recsysops serve`."
            ) from error
        if response.status_code != httpx.codes.OK:
            raise ApiError(_sentence(response, self.base_url), status=response.status_code)
        return response


def _score_parameters(filters: ScoreFilter | None) -> dict[str, Parameter]:
    wanted = filters or ScoreFilter()
    return {
        "measure": wanted.measure,
        "horizon": wanted.horizon,
        "lead": wanted.lead,
        "predictor": wanted.predictor,
        "since": wanted.since.isoformat() if wanted.since else None,
        "until": wanted.until.isoformat() if wanted.until else None,
    }


def _sentence(response: httpx.Response, base_url: str) -> str:
    """Return what the API says is wrong, in its own words where it has some."""
    try:
        body = response.json()
    except ValueError:
        body = None
    if not isinstance(body, dict) or not isinstance(body.get("detail"), str):
        return f"The API at {base_url} answered with HTTP {response.status_code}. Is it RecSysOps that listens there?"
    errors = [error for error in body.get("errors") or [] if isinstance(error, str)]
    return " ".join([body["detail"], *errors])
