"""The launch board in a real browser against a bare Streamlit page that shows the same table whole.

Same rows, same browser, same run. Ours asks the API for one page of rows; the peer reads a Parquet file (kept in memory
after its first reading) and hands all of it to `st.dataframe`. A first view is a new browser profile, from the address
to the table; a filter is some letters of a name, from the key to the rows.

    python benchmarks/speed/board_browser.py [--small]
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pandas as pd
from _goals import ROOT, Goal, report
from playwright.sync_api import Browser, Page, sync_playwright

from recsysops.domain.views import BoardFilter
from recsysops.http import create_app
from recsysops.http.server import bind, server
from recsysops.service.queries.board import board_rows
from recsysops.service.queries.snapshot import SnapshotCache
from recsysops.store import open_store
from recsysops.testing.sample_api import API_KEY, sample_context
from recsysops.testing.sample_results import Sample, fill
from recsysops_dashboards.launch import OPTIONS, command, environment

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
PEER = """
import pandas as pd
import streamlit as st

st.set_page_config(layout="wide")


@st.cache_data
def read():
    return pd.read_parquet("board.parquet")


rows = read()
left, right = st.columns(2)
text = left.text_input("Title", key="text")
status = right.multiselect("Status", ["failing", "at_risk", "unknown", "ok"])
if text:
    rows = rows[rows["title"].str.contains(text, case=False, regex=False)]
if status:
    rows = rows[rows["status"].isin(status)]
st.dataframe(rows, width="stretch", hide_index=True)
st.text(f"showing {len(rows)} titles")
"""
LETTERS = ("Harbour", "Orchard", "Signal", "Kingdom", "Letters", "River", "Divide", "Garden", "Tide")
WAIT = 300_000


@contextmanager
def ours(folder: Path) -> Iterator[str]:
    """Serve API and dashboard over the store in `folder`, each a process; yield the dashboard's address."""
    (folder / "api.key").write_text(API_KEY)
    at, port = free_port(), free_port()
    serve = [sys.executable, str(Path(__file__).resolve()), "--serve", str(folder), str(at)]
    api = f"http://127.0.0.1:{at}"
    line = command(api, folder / "api.key", host="127.0.0.1", port=port)
    with running(serve, ROOT, f"{api}/healthz"), running(line, folder, health(port)):
        # A service that runs has read the board already; how long that took is told beside the figures.
        key = {"Authorization": f"Bearer {API_KEY}"}
        httpx.get(f"{api}/v1/board?limit=1", headers=key, timeout=WAIT / 1000).raise_for_status()
        yield f"http://127.0.0.1:{port}"


def serve_api(folder: Path, port: int) -> None:
    """Serve the API over the store in `folder` until terminated."""
    store = open_store(f"sqlite:///{folder / 'recsysops.sqlite'}", read_only=True)
    with bind("127.0.0.1", port) as listener:
        server(create_app(sample_context(store))).run(sockets=[listener])


@contextmanager
def bare(folder: Path) -> Iterator[str]:
    """Serve the peer with the options of our dashboard; yield its address."""
    (folder / "peer.py").write_text(PEER)
    port = free_port()
    options = [f"--{name}={value}" for name, value in OPTIONS.items()]
    line = [sys.executable, "-P", "-m", "streamlit", "run", str(folder / "peer.py"), *options]
    with running([*line, "--server.address=127.0.0.1", f"--server.port={port}"], folder, health(port)):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def running(line: list[str], folder: Path, url: str) -> Iterator[None]:
    """Run a server, from when `url` answers until the block ends."""
    process = subprocess.Popen(line, env=environment(dict(os.environ)), cwd=folder, stdout=subprocess.DEVNULL)
    until = time.monotonic() + 60
    while time.monotonic() < until and not is_up(url):
        time.sleep(0.2)
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


def health(port: int) -> str:
    """Return where a Streamlit server says that it is up."""
    return f"http://127.0.0.1:{port}/_stcore/health"


def is_up(url: str) -> bool:
    """Return whether a server answers there."""
    try:
        return httpx.get(url).status_code == 200
    except httpx.HTTPError:
        return False


def free_port() -> int:
    """Return a port nobody listens on."""
    with bind("127.0.0.1", 0) as listener:
        return int(listener.getsockname()[1])


def show_ours(page: Page, url: str) -> None:
    """Open the board and wait for its rows and what stands below them."""
    page.goto(url)
    page.locator('table[aria-label^="Upcoming titles"] tbody tr').first.wait_for()
    page.locator(".rso-pager").wait_for()


def show_peer(page: Page, url: str) -> None:
    """Open the bare page and wait for its table and what stands below it."""
    page.goto(url)
    page.locator('[data-testid="stDataFrame"] canvas').first.wait_for()
    page.get_by_text("showing ").wait_for()


def filter_ours(page: Page, letters: str) -> None:
    """Type a part of a name and wait until every row has it."""
    type_in(page, letters)
    page.wait_for_function(
        "l => { const r = [...document.querySelectorAll('table[aria-label^=\"Upcoming\"] tbody tr')];"
        " return r.length > 0 && r.every(x => x.innerText.includes(l)) }", arg=letters,
    )  # fmt: skip


def filter_peer(page: Page, letters: str) -> None:
    """Type a part of a name and wait until the number of titles below the table is another one."""
    said = page.get_by_text("showing ").inner_text()
    type_in(page, letters)
    page.wait_for_function(
        "said => [...document.querySelectorAll('[data-testid=\"stText\"]')].some("
        "x => x.innerText.startsWith('showing') && x.innerText != said)", arg=said,
    )  # fmt: skip


def type_in(page: Page, letters: str) -> None:
    """Put letters into the field for titles, and send them."""
    field = page.get_by_label("Title", exact=True)
    field.fill(letters)
    field.press("Enter")


def seconds(work: Callable[[], None]) -> float:
    """Return how long it took."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def views(browser: Browser, url: str, show: Callable[[Page, str], None], times: int) -> list[float]:
    """Return how long first views took, each in a profile of its own; one before them is not counted."""
    taken = []
    for _ in range(times + 1):
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        page = context.new_page()
        page.set_default_timeout(WAIT)
        taken.append(seconds(lambda page=page: show(page, url)))
        context.close()
    return taken[1:]


def filters(browser: Browser, url: str, show: Callable[[Page, str], None], ask: Callable[[Page, str], None], times: int,
            between: Callable[[Page], None]) -> list[float]:  # fmt: skip
    """Return how long filters took on one open page; one before them is not counted."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(WAIT)
    show(page, url)
    taken = []
    for letters in LETTERS[: times + 1]:
        taken.append(seconds(lambda letters=letters: ask(page, letters)))
        between(page)
    context.close()
    return taken[1:]


def clear_peer(page: Page) -> None:
    """Show everything again, so that each filter starts from the whole table."""
    filter_peer(page, "")


def clear_ours(page: Page) -> None:
    """Show everything again."""
    before = page.locator(".rso-pager").inner_text() if page.locator(".rso-pager").count() else ""
    type_in(page, "")
    page.wait_for_function("b => document.querySelector('.rso-pager')?.innerText != b", arg=before)


def prepare(folder: Path, n: int) -> float:
    """Fill a store and write the same rows for the peer; return how long the API's first reading of them takes."""
    store = open_store(f"sqlite:///{folder / 'recsysops.sqlite'}")
    fill(store, Sample(n_titles=n, n_predicted=0))
    cache = SnapshotCache(store)
    cold = seconds(cache.get)
    rows = [
        {
            "status": row.status.value,
            "title": row.name,
            "provider": row.provider,
            "launch": row.launch_at,
            "why": row.why,
            "what to do": row.remedy,
            "worth": row.worth.expected if row.worth else None,
            "fix by": row.latest_safe_fix_at,
            "where": ", ".join(f"{cell.market} {cell.surface} {cell.status}" for cell in row.cells),
        }
        for row in board_rows(cache.get(), BoardFilter())
    ]
    pd.DataFrame(rows).to_parquet(folder / "board.parquet")
    store.close()
    return cold


def spread(taken: list[float]) -> str:
    """Return median and range."""
    return f"{statistics.median(taken):.2f} s ({min(taken):.2f}–{max(taken):.2f})"


def compared(name: str, mine: list[float], peer: list[float], most: float) -> Goal:
    """Return the goal that the median of `mine` is at most `most` of the peer's."""
    ratio = statistics.median(mine) / statistics.median(peer)
    figure = f"{spread(mine)}, bare page {spread(peer)}: {ratio:.2f} of it"
    return Goal(name, figure, f"at most {most:.2f} of it", ratio <= most, len(mine))


def of_size(browser: Browser, n: int, times: int) -> list[Goal]:
    """Measure both pages with n titles."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as servers:
        folder = Path(name)
        cold = prepare(folder, n)
        mine, peer = servers.enter_context(ours(folder)), servers.enter_context(bare(folder))
        first = compared(
            f"board, {n:,} titles: first view",
            views(browser, mine, show_ours, times), views(browser, peer, show_peer, times), 1 / 2,
        )  # fmt: skip
        asked = compared(
            f"board, {n:,} titles: filter",
            filters(browser, mine, show_ours, filter_ours, times, clear_ours),
            filters(browser, peer, show_peer, filter_peer, times, clear_peer), 1 / 3,
        )  # fmt: skip
    note = f"{cold:.2f} s once after each detection, before the first view"
    return [first, asked, Goal(f"board, {n:,} titles: API reads the detection", note, "reported", ok=True, n=1)]


def measure(*, small: bool = False) -> list[Goal]:
    """Measure at both sizes; small ones show in seconds that it works."""
    sizes, times = ((300, 1_000), 1) if small else ((5_000, 100_000), 5)
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        goals = []
        for n in sizes:
            goals += of_size(browser, n, times)
            print(*(f"{goal.goal}: {goal.figure}" for goal in goals[-3:]), sep="\n", flush=True)
        browser.close()
    return goals


if __name__ == "__main__":
    if "--serve" in sys.argv:
        serve_api(Path(sys.argv[2]), int(sys.argv[3]))
        raise SystemExit(0)
    raise SystemExit(report("board_browser", measure(small="--small" in sys.argv)))
