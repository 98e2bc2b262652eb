"""A recommender behind real HTTP on loopback, which can fail in every way a real one does. For tests of its clients."""

import json
import math
import socket
import threading
import time
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final, Self

import numpy as np

from recsysops.columns import TITLE_ID
from recsysops.contract.recommender import AskedTitle, Place, Recommender

_HUGE: Final = 8 << 20


class HttpFault(StrEnum):
    """What a server may do wrong."""

    SLOW = "slow"
    """Waits `slow_seconds` before it answers."""
    DRIPS = "drips"
    """Sends a byte every tenth of a second."""
    WRONG_SHAPE = "wrong_shape"
    RAGGED = "ragged"
    NAN = "nan"
    TEXT_FOR_NUMBERS = "text_for_numbers"
    NOT_JSON = "not_json"
    NOT_AN_OBJECT = "not_an_object"
    NESTED = "nested"
    """JSON thousands of lists deep."""
    STATUS_500 = "status_500"
    REDIRECT = "redirect"
    """Points at another address."""
    HANG_UP = "hang_up"
    """Closes the connection without an answer."""
    HUGE_BODY = "huge_body"


class RecommenderServer:
    """Serves a recommender by the contract of docs/recommender.md; a context manager.

    `fault` may be set at any time; requests to `/about` are answered rightly unless `is_about_faulty`.
    """

    def __init__(self, recommender: Recommender, *, token: str = "", fault: HttpFault | None = None) -> None:
        """Serve `recommender`, to those with `token` where one is given."""
        self.recommender, self.token, self.fault = recommender, token, fault
        self.slow_seconds = 1.0
        self.is_about_faulty = False
        self.requests: list[tuple[str, Mapping[str, Any]]] = []
        """Path and body of every request with the right token."""
        self.n_connections = 0
        self.n_broken = 0
        self._stopped = threading.Event()
        self._server = _Server(("127.0.0.1", 0), self)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def url(self) -> str:
        """Where it listens."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    def wait(self, seconds: float) -> None:
        """Wait, but not beyond the server's own end."""
        self._stopped.wait(seconds)

    @property
    def is_stopped(self) -> bool:
        """Whether nobody waits for an answer any more."""
        return self._stopped.is_set()

    def __enter__(self) -> Self:
        """Begin to serve."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self._stopped.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], owner: RecommenderServer) -> None:
        self.owner = owner
        super().__init__(address, _Handler)

    def get_request(self) -> tuple[socket.socket, Any]:
        self.owner.n_connections += 1
        return super().get_request()

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002 - the library's signature
        """Count it and say nothing: clients that leave are what is tested."""
        self.owner.n_broken += 1


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Keep it to ourselves: what was asked stands in `requests`."""
        del format, args

    def do_GET(self) -> None:
        """Answer `/about`."""
        self._answer({})

    def do_POST(self) -> None:
        """Answer a question."""
        size = int(self.headers.get("Content-Length", "0"))
        self._answer(json.loads(self.rfile.read(size)))

    def _answer(self, body: Mapping[str, Any]) -> None:
        owner, path = self.server.owner, self.path.strip("/")
        if owner.token and self.headers.get("Authorization") != f"Bearer {owner.token}":
            self._send(401, b'{"error": "no"}')
            return
        owner.requests.append((path, body))
        fault = owner.fault if path != "about" or owner.is_about_faulty else None
        answer = answer_of(owner.recommender, path, body)
        if fault is None:
            self._send(200, json.dumps(answer).encode())
        else:
            self._fail(fault, answer)

    def _fail(self, fault: HttpFault, answer: dict[str, Any]) -> None:
        owner = self.server.owner
        if fault is HttpFault.HANG_UP:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
        elif fault is HttpFault.DRIPS:
            self._drip(json.dumps(answer).encode())
        elif fault is HttpFault.STATUS_500:
            self._send(500, b"out of memory")
        elif fault is HttpFault.REDIRECT:
            self._send(302, b"", Location="http://127.0.0.1:9/elsewhere")
        else:
            if fault is HttpFault.SLOW:
                owner.wait(owner.slow_seconds)
            self._send(200, _spoiled(fault, answer))

    def _send(self, status: int, content: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _drip(self, content: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        for byte in content:
            if self.server.owner.is_stopped:
                return
            self.wfile.write(bytes([byte]))
            time.sleep(0.1)


def _asked(title: Mapping[str, Any]) -> AskedTitle:
    launch_at = title.get("launch_at")
    return AskedTitle(
        title_id=title[TITLE_ID], fields=title.get("fields"),
        launch_at=None if launch_at is None else datetime.fromisoformat(launch_at),
    )  # fmt: skip


def answer_of(recommender: Recommender, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a server answers to a question, as the contract has it."""
    if path == "about":
        return {"abilities": sorted(recommender.abilities), "version": recommender.version}
    titles = [_asked(title) for title in body["titles"]]
    known_at = body.get("known_at")
    place = Place(
        market=body["market"], surface=body["surface"], at=datetime.fromisoformat(body["at"]),
        known_at=None if known_at is None else datetime.fromisoformat(known_at),
    )  # fmt: skip
    if path == "score":
        scores = np.asarray(recommender.score(body["members"], titles, place))
        return {"scores": [[value if math.isfinite(value) else None for value in row] for row in scores.tolist()]}
    if path == "candidates":
        return {"candidates": np.asarray(recommender.candidates(body["members"], titles, place)).tolist()}
    found = recommender.eligibility(titles, place)
    listed = [{"title_id": each.title_id, "eligible": each.is_eligible, "reason": each.reason} for each in found]
    return {"eligibility": listed}


def _spoiled(fault: HttpFault, answer: dict[str, Any]) -> bytes:
    """Return an answer with a fault in it."""
    name, value = next(iter(answer.items()))
    match fault:
        case HttpFault.WRONG_SHAPE:
            value = value[:-1]
        case HttpFault.RAGGED:
            value = [*value[:-1], value[-1][:-1]]
        case HttpFault.NAN:
            value = [[math.nan, *value[0][1:]], *value[1:]]
        case HttpFault.TEXT_FOR_NUMBERS:
            value = [[str(each) for each in row] for row in value]
        case HttpFault.NOT_JSON:
            return b"<html>busy</html>"
        case HttpFault.NOT_AN_OBJECT:
            return b"[1, 2]"
        case HttpFault.NESTED:
            return b"[" * 200_000
        case HttpFault.HUGE_BODY:
            return json.dumps({name: value, "padding": "x" * _HUGE}).encode()
        case _:
            pass
    return json.dumps(answer | {name: value}).encode()
