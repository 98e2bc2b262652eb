"""The `http` adapter: a recommender that answers JSON over HTTP. The contract is in docs/recommender.md."""

import ipaddress
import json
import math
import ssl
import time
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Self
from urllib.parse import urlsplit

import httpx
import numpy as np
import numpy.typing as npt
from pydantic import Field, SecretStr, field_validator, model_validator

from recsysops.contract.recommender import (
    Ability,
    Adapter,
    AskedTitle,
    Eligibility,
    Place,
    RecommenderSettings,
    Scores,
)
from recsysops.errors import RecommenderError

_MB: Final = 1 << 20
_ANSWERS: Final = frozenset({type(None), float, int})


class HttpSettings(RecommenderSettings):
    """Settings of the `http` adapter."""

    url: str
    """Where it answers, for example https://recommender.internal/shadow; `/about`, `/score` ... are added to it."""
    token: SecretStr | None = None
    """Sent as a bearer token; better in a file of its own, `token_file`."""
    token_file: Path | None = None
    """File with the token, relative to the settings file; read when the recommender is first asked."""
    ca_file: Path | None = None
    """Certificates to trust in place of the bundled ones, relative to the settings file."""
    connect_seconds: Annotated[float, Field(gt=0, le=300)] = 3
    """Time to connect."""
    answer_seconds: Annotated[float, Field(gt=0, le=3600)] = 10
    """Time for one whole answer; [shadow] timeout_seconds limits it, too."""
    max_answer_mb: Annotated[int, Field(ge=1, le=1024)] = 64
    """Largest answer that is read, unpacked."""

    @field_validator("url")
    @classmethod
    def _is_address(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("must be an http or https address with a host")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError("must have no user, password, query or fragment: a secret belongs into token_file")
        return url.rstrip("/")

    @model_validator(mode="after")
    def _token_is_safe(self) -> Self:
        if self.token is not None and self.token_file is not None:
            raise ValueError("token and token_file exclude each other")
        has_token = self.token is not None or self.token_file is not None
        if has_token and self.url.startswith("http:") and not _is_loopback(urlsplit(self.url).hostname or ""):
            raise ValueError("a token would be sent readable by everybody on the way: use https")
        return self


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class HttpRecommender:
    """A recommender behind HTTP; keeps its connections."""

    def __init__(self, client: httpx.Client, settings: HttpSettings) -> None:
        """Ask through `client`, which is closed with it; what it can answer is asked first."""
        self._client, self._settings = client, settings
        weakref.finalize(self, client.close)
        about = self._asked("GET", "about", None)
        named = about.get("abilities")
        if not isinstance(named, list):
            raise self._nonsense("about", 'an "abilities" list')
        known = {ability.value for ability in Ability}
        # An ability of a later version is none we could make use of.
        self._abilities = frozenset(Ability(name) for name in named if isinstance(name, str) and name in known)
        version = about.get("version")
        self._version = version if isinstance(version, str) else ""

    @property
    def abilities(self) -> frozenset[Ability]:
        """What it says it can answer."""
        return self._abilities

    @property
    def version(self) -> str:
        """The model it says answers; empty where it does not say."""
        return self._version

    def score(self, members: Sequence[str], titles: Sequence[AskedTitle], place: Place) -> Scores:
        """See `Recommender.score`; null stands for -inf."""
        if not (members and titles):
            return np.zeros((len(members), len(titles)))
        rows = self._rows("score", "scores", self._asked("POST", "score", _body(titles, place, members)))
        if any(type(value) not in _ANSWERS for row in rows for value in row):
            raise self._nonsense("score", "numbers or null")
        scores = np.array(rows, dtype=np.float64)
        return np.where(np.isnan(scores), -math.inf, scores)

    def candidates(self, members: Sequence[str], titles: Sequence[AskedTitle], place: Place) -> npt.NDArray[np.bool_]:
        """See `Recommender.candidates`."""
        if not (members and titles):
            return np.zeros((len(members), len(titles)), dtype=np.bool_)
        rows = self._rows("candidates", "candidates", self._asked("POST", "candidates", _body(titles, place, members)))
        if any(type(value) is not bool for row in rows for value in row):
            raise self._nonsense("candidates", "true or false")
        return np.array(rows, dtype=np.bool_)

    def eligibility(self, titles: Sequence[AskedTitle], place: Place) -> list[Eligibility]:
        """See `Recommender.eligibility`."""
        found = self._asked("POST", "eligibility", _body(titles, place)).get("eligibility")
        if not isinstance(found, list):
            raise self._nonsense("eligibility", 'an "eligibility" list')
        return [self._eligibility(entry) for entry in found]

    def _eligibility(self, entry: object) -> Eligibility:
        known = entry if isinstance(entry, dict) else {}
        title, is_eligible, reason = (known.get(name) for name in ("title_id", "eligible", "reason"))
        if not isinstance(title, str) or not isinstance(is_eligible, bool):
            raise self._nonsense("eligibility", '"title_id" and "eligible" in every entry')
        return Eligibility(title_id=title, is_eligible=is_eligible, reason=reason if isinstance(reason, str) else "")

    def _rows(self, path: str, name: str, answer: Mapping[str, Any]) -> list[list[Any]]:
        rows = answer.get(name)
        if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
            raise self._nonsense(path, f'"{name}" as a list of lists, a row a member')
        if len({len(row) for row in rows}) > 1:
            raise self._nonsense(path, "rows of one length")
        return rows

    def _asked(self, method: str, path: str, body: Mapping[str, Any] | None) -> Mapping[str, Any]:
        """Ask once, and once more where a kept connection had been closed by the other side."""
        content = None if body is None else json.dumps(body, allow_nan=False).encode()
        try:
            try:
                text = self._read(method, path, content)
            except httpx.RemoteProtocolError:
                text = self._read(method, path, content)
        except httpx.HTTPError as error:
            said = f"{type(error).__name__}: {error}"
            raise RecommenderError(
                f"The recommender cannot be asked: {self._settings.url}/{path}: {said}. Look whether it runs, and "
                "whether url and time-outs under [recommender] fit."
            ) from error
        try:
            answer = json.loads(text, parse_constant=_refused)
        except (ValueError, RecursionError) as error:
            raise self._nonsense(path, "JSON without NaN or Infinity") from error
        if not isinstance(answer, dict):
            raise self._nonsense(path, "a JSON object")
        return answer

    def _read(self, method: str, path: str, content: bytes | None) -> bytes:
        """Return the body of an answer, read no further than allowed in size and time."""
        until = time.monotonic() + self._settings.answer_seconds
        limit = self._settings.max_answer_mb * _MB
        address = f"{self._settings.url}/{path}"
        with self._client.stream(method, address, content=content) as response:
            if response.status_code != httpx.codes.OK:
                raise RecommenderError(
                    f"The recommender answered {address} with status {response.status_code} (200 is expected). Its own "
                    "log says why."
                )
            pieces, size = [], 0
            for piece in response.iter_bytes():
                pieces.append(piece)
                size += len(piece)
                if size > limit:
                    raise RecommenderError(
                        f"The recommender's answer to {address} is larger than {self._settings.max_answer_mb} MB. Ask "
                        "about less at once ([shadow] members_per_call), or raise max_answer_mb."
                    )
                if time.monotonic() > until:
                    raise RecommenderError(
                        f"The recommender's answer to {address} took longer than {self._settings.answer_seconds:g} s. "
                        "Ask about less at once ([shadow] members_per_call), or raise answer_seconds."
                    )
        return b"".join(pieces)

    def _nonsense(self, path: str, expected: str) -> RecommenderError:
        return RecommenderError(
            f"The recommender's answer to {self._settings.url}/{path} makes no sense: {expected} is expected. Compare "
            "it with docs/recommender.md."
        )


def _refused(constant: str) -> float:
    raise ValueError(constant)


def _title(title: AskedTitle) -> dict[str, Any]:
    """Return a title as it is sent; what is not changed is left out."""
    fields = {} if title.fields is None else {"fields": dict(title.fields)}
    launch = {} if title.launch_at is None else {"launch_at": title.launch_at.isoformat()}
    return {"title_id": title.title_id} | fields | launch


def _body(titles: Sequence[AskedTitle], place: Place, members: Sequence[str] | None = None) -> dict[str, Any]:
    body: dict[str, Any] = {
        "titles": [_title(title) for title in titles], "market": place.market, "surface": place.surface,
        "at": place.at.isoformat(),
    }  # fmt: skip
    if place.known_at is not None:
        body |= {"known_at": place.known_at.isoformat()}
    return body if members is None else body | {"members": list(members)}


def connect(settings: HttpSettings, folder: Path) -> HttpRecommender:
    """Connect to the recommender and ask what it can answer.

    Raises:
        RecommenderError: It cannot be reached, its token or its certificates cannot be read, or it answers nonsense.
    """
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    token = _token(settings, folder)
    if token:
        headers["Authorization"] = f"Bearer {token}"
    verify = True if settings.ca_file is None else _trusted(folder / settings.ca_file)
    client = httpx.Client(
        headers=headers,
        timeout=httpx.Timeout(settings.answer_seconds, connect=settings.connect_seconds),
        verify=verify,
        trust_env=False,  # a proxy from the environment must not see the token
        follow_redirects=False,  # nor whoever the recommender points at
    )
    return HttpRecommender(client, settings)


def _token(settings: HttpSettings, folder: Path) -> str:
    if settings.token_file is None:
        return "" if settings.token is None else settings.token.get_secret_value()
    try:
        token = (folder / settings.token_file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise RecommenderError(
            f'The recommender\'s token cannot be read from "{settings.token_file}": {type(error).__name__}. Correct '
            "token_file under [recommender]."
        ) from error
    if not token or not token.isascii() or not token.isprintable():
        raise RecommenderError(
            f'The recommender\'s token in "{settings.token_file}" is empty or more than one line of plain characters. '
            "Write the token alone into it."
        )
    return token


def _trusted(file: Path) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=str(file))
    except (OSError, ssl.SSLError) as error:
        raise RecommenderError(
            f'Certificates cannot be read from "{file}": {type(error).__name__}. Correct ca_file under [recommender].'
        ) from error


ADAPTER: Final = Adapter(
    name="http",
    summary="Asks a recommender that answers JSON over HTTP.",
    settings=HttpSettings,
    connect=connect,
)
