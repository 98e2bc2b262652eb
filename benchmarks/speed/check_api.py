"""`POST /v1/check` over loopback beside a bare endpoint of the same framework; both are processes of their own.

    python benchmarks/speed/check_api.py [--small] [--folder FOLDER]

The peer (`_bare_endpoint.py`) makes one LightGBM prediction on a ready matrix and one Great Expectations validation
with as many checks, whatever is asked. Calls to both alternate. `--small` smokes it in about two minutes.
"""

import argparse
import importlib
import json
import re
import socket
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from _goals import RESULTS, Goal, report

HERE = Path(__file__).resolve().parent
COMMAND = str(Path(sys.executable).parent / "recsysops")
TARGET = 1.5
CLIENTS = 8
_PART = re.compile(r"(\w+);dur=([\d.]+)")

Titles = list[dict[str, Any]]


@dataclass
class Case:
    """One way of asking, and what came of it."""

    name: str
    n_titles: int
    n_calls: int
    clients: int = 1
    ours: list[float] = field(default_factory=list)
    """Seconds of each call."""
    theirs: list[float] = field(default_factory=list)
    parts: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """Milliseconds of each part, as told by `Server-Timing`."""
    shared: list[int] = field(default_factory=list)
    """Requests that shared each call."""


def measure(*, small: bool = False, folder: Path | None = None) -> list[Goal]:
    """Simulate a service, unless there is a `folder` with one, serve it, and ask it and the peer in turns."""
    if folder is None:
        folder = RESULTS / "check-api"
        words = [COMMAND, "demo", "--small", "--oneshot", "--folder", str(folder)]
        subprocess.run(words, check=True, capture_output=True)
    settings = folder / "recsysops.toml"
    titles, n_checks = stored_titles(settings), checks_of_a_call(settings)
    cases = [
        Case("one title", 1, 20 if small else 400),
        Case(f"one title, {CLIENTS} clients at once", 1, 40 if small else 400, CLIENTS),
        Case("1,000 titles in one call", 1_000, 3 if small else 40),
    ]
    with _ours(settings) as ours, _theirs(folder, n_checks) as theirs:
        for case in cases:
            _ask(case, titles, ours, theirs)
    goals = [_goal(case, n_checks) for case in cases]
    _keep(cases, n_checks)
    return goals


def stored_titles(settings: Path) -> Titles:
    """Return the upcoming titles of the store, each with its metadata, its first launch and the plans for it."""
    from recsysops.bootstrap import reading

    with reading(settings) as ports, ports.store.read() as unit:
        at = ports.as_of()
        versions, launches, plans = (unit.versions.known(t, at) for t in ("titles", "launches", "expectations"))
    ahead = launches[(launches["launch_at"] > at) & (launches["launch_status"] == "planned")]
    first = ahead.drop_duplicates("title_id")
    general = versions[versions["market"] == "all"].set_index("title_id")
    own = plans.merge(first[["title_id", "market", "surface"]])
    told = ["measure", "horizon", "low", "best", "high", "confidence", "unit"]
    return [
        {
            "title_id": row.title_id,
            "name": general.loc[row.title_id, "name"],
            "fields": general.loc[row.title_id, "fields"],
            "launches": [{"market": row.market, "surface": row.surface, "launch_at": row.launch_at.isoformat()}],
            "expectations": own.loc[own["title_id"] == row.title_id, told].to_dict("records"),
        }
        for row in first.itertuples()
    ]


def checks_of_a_call(settings: Path) -> int:
    """Return how many expectations Great Expectations is asked for one title."""
    from recsysops.bootstrap import reading
    from recsysops.domain.given import GivenTitles
    from recsysops.service.check_given import GivenCheck

    great, asked = importlib.import_module("recsysops.quality._great"), []
    ask = great._asked_together  # noqa: SLF001 - what is counted is what Great Expectations is asked

    def counted(batch: object, built: list[object], *rest: object) -> object:
        asked.append(len(built))
        return ask(batch, built, *rest)

    great._asked_together = counted  # noqa: SLF001
    body = json.dumps({"titles": stored_titles(settings)[:1]})
    with reading(settings) as ports:
        GivenCheck(ports).judge([GivenTitles.model_validate_json(body)])
    great._asked_together = ask  # noqa: SLF001
    return sum(asked)


def _bodies(case: Case, titles: Titles) -> Iterator[bytes]:
    """Yield bodies without end; titles that are asked for together have ids of their own."""
    number = 0
    while True:
        chosen = [{**titles[(number + k) % len(titles)], "title_id": f"t-{number + k}"} for k in range(case.n_titles)]
        yield json.dumps({"titles": chosen}).encode()
        number += case.n_titles


def _ask(case: Case, titles: Titles, ours: httpx.Client, theirs: httpx.Client) -> None:
    bodies = _bodies(case, titles)
    for _ in range(3):  # what is imported and made ready once
        body = next(bodies)
        ours.post("/v1/check", content=body).raise_for_status()
        theirs.post("/check", content=body).raise_for_status()
    rounds = max(case.n_calls // case.clients, 1) if case.clients == 1 else 4
    each = case.n_calls // rounds
    for _ in range(rounds):
        asked = [next(bodies) for _ in range(each)]
        _timed(case, asked, lambda body: ours.post("/v1/check", content=body), case.ours, told=True)
        _timed(case, asked, lambda body: theirs.post("/check", content=body), case.theirs)


def _timed(
    case: Case, bodies: list[bytes], post: Callable[[bytes], httpx.Response], seconds: list[float], *,
    told: bool = False,
) -> None:  # fmt: skip
    def one(body: bytes) -> tuple[float, str]:
        began = time.perf_counter()
        answer = post(body)
        took = time.perf_counter() - began
        answer.raise_for_status()
        return took, answer.headers.get("server-timing", "")

    with ThreadPoolExecutor(case.clients) as pool:
        answers = list(pool.map(one, bodies))
    seconds += [took for took, _ in answers]
    for _, timing in answers if told else ():
        case.shared += [int(n) for n in re.findall(r'shared;desc="(\d+)"', timing)]
        for name, value in _PART.findall(timing):
            case.parts[name].append(float(value))


@contextmanager
def _ours(settings: Path) -> Iterator[httpx.Client]:
    command = [COMMAND, "--settings", str(settings), "serve", "--port", "0"]
    with _process(command) as process:
        assert process.stdout is not None
        at = process.stdout.readline().split()[1]
        key = (settings.parent / ".recsysops" / "api.key").read_text().strip()
        with _client(at, {"Authorization": f"Bearer {key}"}) as client:
            yield client


@contextmanager
def _theirs(folder: Path, n_checks: int) -> Iterator[httpx.Client]:
    model = next((folder / ".recsysops" / "models").glob("*/point_0.txt"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = ["--model", str(model), "--checks", str(n_checks), "--port", str(port)]
    with (
        _process([sys.executable, str(HERE / "_bare_endpoint.py"), *words]),
        _client(f"http://127.0.0.1:{port}", {}) as client,
    ):
        for _ in range(600):
            try:
                client.get("/openapi.json")
                break
            except httpx.HTTPError:
                time.sleep(0.2)
        yield client


@contextmanager
def _process(command: list[str]) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(20)


def _client(at: str, headers: Mapping[str, str]) -> httpx.Client:
    return httpx.Client(
        base_url=at, headers={"Content-Type": "application/json", **headers}, timeout=120, trust_env=False
    )


def _goal(case: Case, n_checks: int) -> Goal:
    ours, theirs = _percentiles(case.ours), _percentiles(case.theirs)
    ratio = ours[1] / theirs[1]
    parts = {name: float(np.mean(values)) for name, values in case.parts.items()}
    whole = sum(parts.values()) or 1.0
    shares = ", ".join(
        f"{name} {value / whole:.0%}" for name, value in sorted(parts.items(), key=lambda part: -part[1])
    )
    figure = (
        f"p99 {ratio:.2f}x (p50 {ours[0] / theirs[0]:.2f}x): {ours[0]:.0f}/{ours[1]:.0f} ms against "
        f"{theirs[0]:.0f}/{theirs[1]:.0f} ms (p50/p99), {n_checks} checks, {np.mean(case.shared):.1f} requests a call; "
        f"{shares}"
    )
    name = f"POST /v1/check, {case.name}"
    return Goal(name, figure, f"p99 within {TARGET}x of the bare endpoint", ok=ratio <= TARGET, n=len(case.ours))


def _percentiles(seconds: list[float]) -> tuple[float, float]:
    p50, p99 = np.percentile(np.array(seconds) * 1000, [50, 99])
    return float(p50), float(p99)


def _keep(cases: list[Case], n_checks: int) -> None:
    """Write the mean milliseconds of each part to build/bench/check_api_parts.json."""
    told = {
        case.name: {name: round(float(np.mean(values)), 2) for name, values in case.parts.items()} for case in cases
    }
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "check_api_parts.json").write_text(json.dumps({"checks": n_checks, "parts": told}, indent=1) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="Few calls, in two minutes.")
    parser.add_argument("--folder", type=Path, help="A simulated service that was run already.")
    given = parser.parse_args()
    raise SystemExit(report("check_api", measure(small=given.small, folder=given.folder)))
