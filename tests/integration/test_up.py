"""`recsysops up` with real processes: both servers answer, and one Ctrl-C ends both."""

import re
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from recsysops.cli import main
from recsysops.client import Client
from recsysops.errors import ApiError

COMMAND = (sys.executable, "-P", "-u", "-c", "from recsysops.cli import main; main()")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(url: str, seconds: float = 60) -> httpx.Response:
    end = time.monotonic() + seconds
    while True:
        try:
            return httpx.get(url, timeout=5)
        except httpx.HTTPError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)


@pytest.fixture
def folder(tmp_path) -> Path:
    ports = f"[api]\nport = {free_port()}\n[dashboard]\nport = {free_port()}\n"
    (tmp_path / "recsysops.toml").write_text(f'[service]\nname = "up"\n{ports}')
    with pytest.raises(SystemExit):
        main(["--settings", str(tmp_path / "recsysops.toml"), "detect", "-q"])
    return tmp_path


@pytest.fixture
def up(folder) -> Iterator[tuple[subprocess.Popen[str], str, str]]:
    words = [*COMMAND, "--settings", str(folder / "recsysops.toml"), "up"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    said = ""
    while "API" not in said:
        line = process.stdout.readline()
        assert line, f"it ended early after saying: {said}"
        said += line
    dashboard, api = (re.search(rf"{name}\s+(http://\S+)", said).group(1) for name in ("Dashboard", "API"))
    yield process, api, dashboard
    process.send_signal(signal.SIGINT)
    process.wait(20)
    process.stdout.close()


def test_both_answer_and_one_interrupt_ends_both(folder, up):
    process, api, dashboard = up
    key_file = folder / ".recsysops" / "api.key"

    assert wait_for(f"{api}/healthz").json()["status"] == "ok"
    assert wait_for(dashboard).status_code == 200
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    with Client(api, key_file.read_text()) as client:
        board = client.board()
    with Client(api, "wrong" * 5) as stranger, pytest.raises(ApiError):
        stranger.board()
    process.send_signal(signal.SIGINT)

    assert process.wait(20) in {0, 130}
    assert board.rows == ()
    for url in (api, dashboard):
        with pytest.raises(httpx.ConnectError):
            httpx.get(url, timeout=2)


def test_a_taken_port_is_one_sentence(folder, up):
    words = [*COMMAND, "--settings", str(folder / "recsysops.toml"), "serve"]

    second = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)

    assert second.returncode == 2
    assert second.stderr.startswith("Cannot listen on 127.0.0.1:")
    assert "Traceback" not in second.stderr


def test_a_server_that_is_killed_outright_leaves_no_dashboard_behind(up):
    process, api, dashboard = up
    assert wait_for(dashboard).status_code == 200

    process.kill()
    process.wait(20)

    until = time.monotonic() + 30
    while time.monotonic() < until and is_listening(dashboard):
        time.sleep(0.2)
    assert not is_listening(dashboard)
    assert not is_listening(api)


def is_listening(url: str) -> bool:
    try:
        httpx.get(url, timeout=2)
    except httpx.TimeoutException:
        return True
    except httpx.TransportError:
        return False
    return True
