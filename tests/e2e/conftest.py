"""The dashboard in a real browser, over the real API and a real store, at three sizes of data, on ports of loopback."""

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from recsysops.http import create_app
from recsysops.http.server import address, bind, server
from recsysops.store import open_store
from recsysops.testing.sample_api import API_KEY, sample_context
from recsysops.testing.sample_data import SampleData, fill_data
from recsysops.testing.sample_results import Sample, fill
from recsysops.testing.sample_scores import SampleScores, fill_scores
from recsysops_dashboards.launch import command, environment

NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next((path for name in NAMES if (path := shutil.which(name))), None)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
         "--disable-sync", "--no-first-run"]  # fmt: skip
WAIT = 60_000
EVIL = (
    " <img src=http://example.com/x.png onerror=window.ran=1><script>window.ran=1</script>"
    " ![x](http://example.com/a.png) [l](javascript:window.ran=1)"
)
LONG = " and the subtitle that somebody insisted on, part two of the definitive director's cut, remastered" * 2


@contextmanager
def dashboard(
    folder: Path, sample: Sample | None = None, data: SampleData | None = None, scores: SampleScores | None = None
) -> Iterator[str]:
    """Start API and dashboard over a store, and yield the dashboard's address."""
    store = open_store(f"sqlite:///{folder / 'recsysops.sqlite'}")
    if sample:
        fill(store, sample)
    if data:
        fill_data(store, data)
    if scores:
        fill_scores(store, scores)
    (folder / "api.key").write_text(API_KEY, encoding="utf-8")
    with bind("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    with bind("127.0.0.1", 0) as listener:
        api = server(create_app(sample_context(store)))
        thread = threading.Thread(target=api.run, kwargs={"sockets": [listener]})
        thread.start()
        line = command(address(listener), folder / "api.key", host="127.0.0.1", port=port)
        process = subprocess.Popen(line, env=environment(dict(os.environ)), cwd=folder, stdout=subprocess.DEVNULL)
        try:
            wait_for(f"http://127.0.0.1:{port}/_stcore/health")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(timeout=30)
            api.should_exit = True
            thread.join(timeout=30)
    store.close()


def wait_for(url: str) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            if httpx.get(url, timeout=5).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.2)
    raise TimeoutError(f"{url} did not answer")


@pytest.fixture(scope="session")
def empty(tmp_path_factory) -> Iterator[str]:
    """Address of a dashboard over a store in which nothing ran yet."""
    with dashboard(tmp_path_factory.mktemp("empty")) as url:
        yield url


@pytest.fixture(scope="session")
def filled(tmp_path_factory) -> Iterator[str]:
    """Address of a dashboard over some sixty titles, all of whose texts are hostile."""
    sample = Sample(n_titles=60, n_predicted=20, suffix=EVIL)
    scores = SampleScores(suffix=EVIL)
    with dashboard(tmp_path_factory.mktemp("filled"), sample, SampleData(suffix=EVIL), scores) as url:
        yield url


@pytest.fixture(scope="session")
def large(tmp_path_factory) -> Iterator[str]:
    """Address of a dashboard over 5,000 titles with long names, hundreds of batches, changes and scores."""
    data = SampleData(n_batches=300, n_held=30, n_quarantined=20, n_changes=900, suffix=LONG)
    sample = Sample(n_titles=5000, n_predicted=40, suffix=LONG)
    scores = SampleScores(n_titles=500, per_week=10, suffix=LONG)
    with dashboard(tmp_path_factory.mktemp("large"), sample, data, scores) as url:
        yield url


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A headless browser, or a reason why there is none; while it is open no other test can run an event loop."""
    if CHROMIUM is None:
        pytest.skip("no browser here: install chromium (apt-get install chromium)")
    sync_api = pytest.importorskip("playwright.sync_api", reason="install playwright for Python (make setup)")
    with sync_api.sync_playwright() as play:
        opened = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def page(browser) -> Iterator[Any]:
    """A page of its own; whatever it showed, it asked no foreign host and ran nobody's script."""
    foreign: list[str] = []
    context = browser.new_context(viewport={"width": 1280, "height": 800}, accept_downloads=True)
    opened = context.new_page()
    opened.set_default_timeout(WAIT)
    opened.on("request", lambda sent: foreign.append(sent.url) if is_foreign(sent.url) else None)
    yield opened
    ran = opened.evaluate("window.ran")
    context.close()
    assert foreign == []
    assert ran is None


def is_foreign(url: str) -> bool:
    """Return whether a request leaves this machine."""
    return not url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:", "about:"))
