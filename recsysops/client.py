"""The HTTP API as a typed Python object, for dashboards, notebooks and scripts. Knows no store and no service."""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Final, Literal, Self, TypeVar
from urllib.parse import quote

import httpx
from pydantic import TypeAdapter, ValidationError

from recsysops.domain.severity import Severity
from recsysops.domain.title_view import Comparables, TitleView
from recsysops.domain.views import (
    Board,
    BoardFilter,
    CheckAnswer,
    IssueList,
    IssueView,
    MissingFields,
    ModelsView,
    RunList,
)
from recsysops.errors import ApiError

T = TypeVar("T")
Parameter = str | int | float | bool | Sequence[str] | None
TIMEOUT_SECONDS: Final = 30.0


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

    def issues(
        self,
        *,
        state: Literal["open", "resolved", "any"] = "open",
        title_id: str | None = None,
        offset: int = 0,
        limit: int = 100,
    ) -> IssueList:
        """Return one page of issues, worst first."""
        return self._get(
            IssueList, "/v1/issues", {"state": state, "title": title_id, "offset": offset, "limit": limit}
        )  # fmt: skip

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

    def runs(self, *, limit: int = 50) -> RunList:
        """Return the last runs."""
        return self._get(RunList, "/v1/runs", {"limit": limit})

    def missing_fields(self, provider: str | None = None) -> MissingFields:
        """Return the required fields that upcoming titles lack; None asks for all providers."""
        return self._get(MissingFields, "/v1/missing-fields", {"provider": provider})

    def missing_fields_csv(self, provider: str | None = None) -> bytes:
        """Return the same as CSV, UTF-8."""
        return self._fetch("/v1/missing-fields.csv", {"provider": provider}).content

    def model(self) -> ModelsView:
        """Return the active models and the scores of the last backtest."""
        return self._get(ModelsView, "/v1/model")

    def _get(self, kind: type[T], path: str, parameters: Mapping[str, Parameter] | None = None) -> T:
        response = self._fetch(path, parameters or {})
        try:
            return TypeAdapter(kind).validate_json(response.content)
        except ValidationError as error:
            raise ApiError(
                f"The API at {self.base_url} answered something else than a {kind.__name__}. "
                "Use the same version on both sides.",
                status=response.status_code,
            ) from error

    def _fetch(self, path: str, parameters: Mapping[str, Parameter]) -> httpx.Response:
        given = {name: value for name, value in parameters.items() if value is not None}
        try:
            response = self._http.get(path, params=given)
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
