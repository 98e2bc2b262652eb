"""The dashboard in a real browser, over the real API and a real store, on free ports of loopback."""

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from recsysops.http import create_app
from recsysops.http.server import address, bind, server
from recsysops.store import open_store
from recsysops.testing.sample_api import API_KEY, sample_context
from recsysops.testing.sample_results import Sample, fill
from recsysops_dashboards.launch import command, environment

NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next((path for name in NAMES if (path := shutil.which(name))), None)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
         "--disable-sync", "--no-first-run"]  # fmt: skip
WAIT = 60_000
EVIL = " <img src=http://example.com/x.png> ![x](http://example.com/a.png)"

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(CHROMIUM is None, reason="no browser here: install chromium (apt-get install chromium)"),
]


@contextmanager
def dashboard(folder: Path, sample: Sample | None) -> Iterator[str]:
    """Start API and dashboard over a store, and yield the dashboard's address."""
    store = open_store(f"sqlite:///{folder / 'recsysops.sqlite'}")
    if sample:
        fill(store, sample)
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


@pytest.fixture(scope="module")
def filled(tmp_path_factory) -> Iterator[str]:
    with dashboard(tmp_path_factory.mktemp("filled"), Sample(n_titles=60, n_predicted=20, suffix=EVIL)) as url:
        yield url


@pytest.fixture
def page(request) -> Iterator[object]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="install playwright for Python (uv sync)")
    foreign: list[str] = []
    with sync_api.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        opened = browser.new_page(viewport={"width": 1440, "height": 900})
        opened.set_default_timeout(WAIT)
        opened.on("request", lambda sent: foreign.append(sent.url) if is_foreign(sent.url) else None)
        yield opened
        browser.close()
    assert foreign == []


def is_foreign(url: str) -> bool:
    return not url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:"))


def rows(page) -> list[str]:
    page.wait_for_selector('table[aria-label^="Upcoming titles"] tbody tr')
    return page.locator('table[aria-label^="Upcoming titles"] tbody tr').all_inner_texts()


def test_the_board_shows_titles_and_a_row_opens_its_title(filled, page):
    page.goto(filled)
    shown = rows(page)

    page.locator('table[aria-label^="Upcoming titles"] a').first.click()
    page.wait_for_selector("text=Where and when")

    assert len(shown) == 50
    assert "Failing" in shown[0]
    assert "/title?title=t-" in page.url
    assert page.locator(".rso-h1").get_attribute("title") in shown[0]
    page.wait_for_selector('table[aria-label="Every check of this title"]')
    page.wait_for_selector("canvas, svg.marks")


def test_a_filter_changes_address_and_rows_and_the_address_gives_the_same_view(filled, page):
    page.goto(filled)
    before = rows(page)

    page.get_by_label("Title", exact=True).fill("Harbour")
    page.get_by_label("Title", exact=True).press("Enter")
    page.wait_for_url("**/?text=Harbour*")
    page.wait_for_function("document.querySelectorAll('table.rso tbody tr').length < 50")
    page.locator(".rso-tile", has_text="Failing").click()
    page.wait_for_selector('.rso-tile[aria-current="true"]')
    after = rows(page)
    shared = page.url
    page.goto("about:blank")
    page.goto(shared)
    again = rows(page)

    assert "text=Harbour" in shared
    assert "status=failing" in shared
    assert again == after
    assert 0 < len(after) < len(before)
    assert all("Harbour" in row and "Failing" in row for row in after)


def test_hostile_names_are_shown_as_text(filled, page):
    page.goto(filled)

    shown = rows(page)

    assert "<img src=http://example.com/x.png>" in shown[0]
    assert page.locator("table.rso img").count() == 0


def test_missing_fields_are_downloaded_for_one_provider(filled, page):
    page.goto(f"{filled}/missing")
    page.wait_for_selector('table[aria-label^="Missing fields"]')

    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()

    body = Path(download.value.path()).read_text(encoding="utf-8")
    assert download.value.suggested_filename == "missing-fields.csv"
    assert body.startswith("provider,title_id,name,field")
    assert "team-trailer" in body


def test_an_empty_store_says_what_to_do(tmp_path, page):
    with dashboard(tmp_path, None) as url:
        page.goto(url)
        page.wait_for_selector("text=Nothing has been judged yet")

        assert "recsysops ingest" in page.locator("code").inner_text()
