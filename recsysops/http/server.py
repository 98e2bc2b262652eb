"""Serves the API with uvicorn on loopback, and says where."""

import signal
import socket
from contextlib import suppress
from typing import Final

import uvicorn
from fastapi import FastAPI

from recsysops.errors import UsageError

LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
GRACE_SECONDS: Final = 5


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket, so that the address is known before anything is served.

    Args:
        host: A loopback address: there are no accounts yet.
        port: 0 for any free one.

    Raises:
        UsageError: The host is no loopback address, or the port is taken.
    """
    if host not in LOOPBACK:
        raise UsageError(f'"{host}" is no loopback address (there are no accounts yet). Listen on 127.0.0.1.')
    listener = socket.socket(socket.AF_INET6 if host == "::1" else socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise UsageError(
            f"Cannot listen on {host}:{port}: {error.strerror}. "
            "Stop what listens there, or choose another api.port (0 for any)."
        ) from error
    return listener


def address(listener: socket.socket) -> str:
    """Return the base URL of a listening socket."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def server(app: FastAPI) -> uvicorn.Server:
    """Return a server that can be run here or in a thread, and told to stop by `should_exit`."""
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=GRACE_SECONDS,
        h11_max_incomplete_event_size=64 * 1024, limit_concurrency=200, log_config=None,
    )  # fmt: skip
    return uvicorn.Server(config)


def serve(app: FastAPI, listener: socket.socket) -> None:
    """Serve until interrupted or terminated; requests under way get a few seconds to end. Call it in the main thread.

    It returns either way, so that the caller can end what else it started.
    """
    # uvicorn raises the signals it caught once more when it has stopped: SIGTERM would end the caller as well.
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with suppress(KeyboardInterrupt):
            server(app).run(sockets=[listener])
    finally:
        signal.signal(signal.SIGTERM, before)
