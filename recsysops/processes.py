"""Starts and ends the servers: the API in this process, the dashboard as a child. Loopback only."""

import os
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

import typer

from recsysops.bootstrap import api_application, reading
from recsysops.errors import PluginError
from recsysops.http.server import address, bind, serve
from recsysops.settings import Settings, read_settings

KEY_FILE = "api.key"
DASHBOARDS = "recsysops.dashboards"
END_SECONDS = 10


def serve_api(settings_file: Path, port: int | None) -> None:
    """Serve the API until interrupted."""
    with reading(settings_file) as context:
        listener = bind(context.settings.api.host, context.settings.api.port if port is None else port)
        key = api_key(context.settings)
        typer.echo(f"API        {address(listener)}  (described at /openapi.json; key in {key_file(context.settings)})")
        serve(api_application(context, key), listener)


def run_dashboard(settings_file: Path, port: int | None, api: str | None) -> None:
    """Run the dashboard until interrupted."""
    settings = read_settings(settings_file)
    api_key(settings)
    at = api or f"http://{settings.api.host}:{settings.api.port}"
    with _dashboard(settings, at, settings.dashboard.port if port is None else port) as child:
        _wait(child)


def up(settings_file: Path) -> None:
    """Run API and dashboard until interrupted; the end of either ends both."""
    with reading(settings_file) as context:
        settings = context.settings
        listener = bind(settings.api.host, settings.api.port)
        key = api_key(settings)
        with _dashboard(settings, address(listener), settings.dashboard.port):
            typer.echo(f"API        {address(listener)}  (described at /openapi.json; key in {key_file(settings)})")
            typer.echo("Ctrl-C ends both.")
            serve(api_application(context, key), listener)


def key_file(settings: Settings) -> Path:
    """Return where the API key is kept."""
    return settings.data_folder / KEY_FILE


def api_key(settings: Settings) -> str:
    """Return the API key, made on first use and readable by its user only."""
    path = key_file(settings)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="utf-8").strip()
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        key = secrets.token_urlsafe(32)
        file.write(key)
    return key


@contextmanager
def _dashboard(settings: Settings, api: str, port: int) -> Iterator["subprocess.Popen[bytes]"]:
    """Run the dashboard as a child; whatever happens here, it ends."""
    launch = _launcher()
    # A port held here until the child binds it would refuse the child: it is probed, closed and named.
    probe = bind(settings.dashboard.host, port)
    port = probe.getsockname()[1]
    probe.close()
    command = launch.command(api, key_file(settings), host=settings.dashboard.host, port=port, ends_with_stdin=True)
    # The pipe ends with this process, however it ends, and the child with the pipe: nothing is ever written to it.
    child = subprocess.Popen(command, env=launch.environment(dict(os.environ)), stdin=subprocess.PIPE)  # noqa: S603 - our own command line
    try:
        typer.echo(f"Dashboard  http://{settings.dashboard.host}:{port}")
        yield child
    finally:
        child.terminate()
        try:
            child.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        if child.stdin is not None:
            child.stdin.close()


def _wait(child: "subprocess.Popen[bytes]") -> None:
    try:
        child.wait()
    except KeyboardInterrupt:
        typer.echo("Stopped.")


def _launcher() -> Any:  # noqa: ANN401 - a plug-in's module
    """Return the module that knows how to start the dashboard, found as any plug-in is: the core imports none."""
    found = sorted(metadata.entry_points(group=DASHBOARDS), key=lambda point: point.name)
    if not found:
        raise PluginError(f'No dashboard is installed (expected an entry point in "{DASHBOARDS}"). Run `make setup`.')
    return found[0].load()
