"""The real Prometheus scrapes the real API, evaluates our rules and answers every query of the dashboard."""

import json
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from recsysops.http import create_app
from recsysops.http.server import address, bind, server
from recsysops.metrics import HttpMetrics, exposition
from recsysops.testing.fake_store import FakeStore
from recsysops.testing.sample_api import sample_context
from recsysops.testing.sample_results import Sample, fill
from recsysops_alerts.rules import RULES
from recsysops_dashboards._grafana import ROWS

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 60


@pytest.fixture(scope="module")
def api() -> Iterator[str]:
    store = FakeStore()
    fill(store, Sample(n_titles=40, n_predicted=40))
    counted = HttpMetrics()
    context = sample_context(
        store, observe=counted.observe, exposition=lambda vitals: exposition(vitals, "1.2.3", counted)
    )
    with bind("127.0.0.1", 0) as listener:
        running = server(create_app(context))
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
        thread.start()
        yield address(listener)
        running.should_exit = True
        thread.join(timeout=20)


@pytest.fixture(scope="module")
def prometheus(api: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    command = shutil.which("prometheus")
    if command is None:
        pytest.skip("prometheus is not installed: install the package prometheus")
    folder = tmp_path_factory.mktemp("prometheus")
    settings = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(ROOT / "alerts" / "rules" / "recsysops.yaml")],
        "scrape_configs": [{"job_name": "recsysops", "static_configs": [{"targets": [api.removeprefix("http://")]}]}],
    }
    (folder / "prometheus.yml").write_text(json.dumps(settings), encoding="utf-8")  # JSON is YAML
    with bind("127.0.0.1", 0) as free:
        at = address(free)
    process = subprocess.Popen(
        [
            command, f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={at.removeprefix('http://')}", "--log.level=warn",
        ],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        with httpx.Client(base_url=at, timeout=10, trust_env=False) as client:
            until(lambda: client.get("/-/ready").status_code == 200)
            yield client
    finally:
        process.terminate()
        process.wait(20)


def until(is_so: Callable[[], Any]) -> Any:
    """Wait until `is_so` returns something true, and return it."""
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        try:
            if found := is_so():
                return found
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    pytest.fail("it did not happen in time")


def query(client: httpx.Client, expr: str) -> list[Any]:
    answer = client.get("/api/v1/query", params={"query": expr}).json()
    assert answer["status"] == "success", answer
    return answer["data"]["result"]


def test_the_target_is_up_and_its_values_are_those_of_the_api(api, prometheus):
    until(lambda: query(prometheus, 'up{job="recsysops"} == 1'))
    text = httpx.get(f"{api}/metrics", timeout=20).text

    scraped = until(lambda: query(prometheus, "recsysops_cells"))

    said = {
        line.split('"')[1]: float(line.split()[-1]) for line in text.splitlines() if line.startswith("recsysops_cells")
    }
    assert {each["metric"]["status"]: float(each["value"][1]) for each in scraped} == said
    assert sum(said.values()) > 0


def test_every_request_to_the_api_is_counted_there(api, prometheus):
    httpx.get(f"{api}/v1/board", timeout=20)  # without a key: refused, and counted all the same

    counted = until(lambda: query(prometheus, 'recsysops_http_requests_total{route="/v1/board", status="4xx"} >= 1'))

    assert len(counted) == 1


def test_prometheus_has_loaded_every_rule_and_evaluates_it(prometheus):
    def healthy() -> dict[str, str]:
        groups = prometheus.get("/api/v1/rules").json()["data"]["groups"]
        rules = {rule["name"]: rule["health"] for group in groups for rule in group["rules"]}
        return rules if set(rules.values()) == {"ok"} else {}

    assert set(until(healthy)) == {rule.name for rule in RULES}


def test_a_service_whose_last_check_is_old_becomes_an_alert(prometheus):
    alerts = until(lambda: query(prometheus, 'ALERTS{alertname="RecSysOpsRunStale"}'))

    assert alerts[0]["metric"]["step"] == "detect"


@pytest.mark.parametrize("panel", [panel for _, row in ROWS for panel in row], ids=lambda panel: panel.title)
def test_prometheus_understands_every_query_of_the_dashboard(prometheus, panel):
    for expr, _legend in panel.queries:
        query(prometheus, expr)
