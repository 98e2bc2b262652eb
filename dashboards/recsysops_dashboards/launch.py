"""The command that starts the dashboard: every option that matters is on it, so that no file or habit changes it."""

import sys
from pathlib import Path
from typing import Final

APP: Final = Path(__file__).with_name("app.py")
LEASH: Final = "recsysops_dashboards.leash"
OPTIONS: Final = {
    "server.headless": "true",
    "server.fileWatcherType": "none",
    "server.enableAgentApi": "false",
    "server.disconnectedSessionTTL": "60",
    "server.showEmailPrompt": "false",
    "browser.gatherUsageStats": "false",
    "client.showErrorDetails": "none",
    "client.showErrorLinks": "false",
    "client.toolbarMode": "minimal",
    "logger.level": "warning",
    "theme.base": "light",
    "theme.primaryColor": "#1f4e79",
    "theme.font": "sans-serif",
}
ALLOWED_HOSTS: Final = ("127.0.0.1", "localhost", "::1")
"""A foreign page must not reach it under a name of its own."""


def command(api_url: str, key_file: Path, *, host: str, port: int, ends_with_stdin: bool = False) -> list[str]:
    """Return the command line of the dashboard.

    Args:
        api_url: Where the API listens.
        key_file: File that holds its key; the key itself never stands on a command line.
        host: Loopback address to listen on.
        port: Port to listen on, > 0.
        ends_with_stdin: Whether it ends when its standard input is closed: then it outlives nobody who holds that.
    """
    # -P: files of the folder it is started in must not stand in for modules.
    start = [sys.executable, "-P", "-m", LEASH if ends_with_stdin else "streamlit", "run", str(APP)]
    listen = [f"--server.address={host}", f"--server.port={port}", f"--browser.serverAddress={host}"]
    options = [f"--{name}={value}" for name, value in OPTIONS.items()]
    options += [f"--server.allowedHosts={name}" for name in ALLOWED_HOSTS]
    return [*start, *listen, *options, "--", "--api", api_url, "--key-file", str(key_file)]


def environment(inherited: dict[str, str]) -> dict[str, str]:
    """Return an environment in which no variable overrides what the command says."""
    return {name: value for name, value in inherited.items() if not name.startswith("STREAMLIT_")}
