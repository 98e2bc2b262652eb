"""Memory of `recsysops serve` over 10,000 requests and 20 cycles: flat or not. Loopback only."""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import numpy as np
from _goals import RESULTS, Goal, report

COMMAND = str(Path(sys.executable).parent / "recsysops")
GROWTH = 0.05
"""Of the memory after the first quarter, until the end: what still counts as flat."""


def measure(*, small: bool = False) -> list[Goal]:
    """Serve a simulated service through cycles and requests, and look at its memory after each cycle."""
    cycles, requests = (4, 200) if small else (20, 500)
    folder = RESULTS / "serve-memory"
    subprocess.run([COMMAND, "demo", "--small", "--oneshot", "--folder", str(folder)], check=True, capture_output=True)
    settings = folder / "recsysops.toml"
    key = ""
    memory: list[float] = []
    with _served(settings) as (at, process):
        key = (folder / ".recsysops" / "api.key").read_text().strip()
        with httpx.Client(
            base_url=at, headers={"Authorization": f"Bearer {key}"}, timeout=60, trust_env=False
        ) as client:
            as_of = datetime.fromisoformat(client.get("/v1/board").json()["as_of"]).astimezone(UTC)
            for cycle in range(cycles):
                stands_at = (as_of + timedelta(hours=cycle + 1)).isoformat()
                _run(settings, stands_at)
                _ask(client, requests)
                memory.append(_resident_mb(process.pid))
    settled = memory[len(memory) // 4 :]
    slope = float(np.polyfit(np.arange(len(settled)), settled, 1)[0])
    growth = settled[-1] / settled[0] - 1
    figure = (
        f"{memory[0]:.0f} MB after the first cycle, {settled[0]:.0f} MB after a quarter, "
        f"{settled[-1]:.0f} MB at the end ({growth:+.1%}; {slope:+.2f} MB a cycle)"
    )
    goal = f"memory of `serve` after {cycles * requests:,} requests and {cycles} cycles"
    return [Goal(goal, figure, f"flat: within {GROWTH:.0%}", abs(growth) <= GROWTH or growth < 0, len(memory))]


@contextmanager
def _served(settings: Path) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    command = [COMMAND, "--settings", str(settings), "serve", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().split()[1], process
    finally:
        process.terminate()
        process.wait(20)


def _run(settings: Path, as_of: str) -> None:
    done = subprocess.run(
        [COMMAND, "--settings", str(settings), "run", "--quiet", "--as-of", as_of],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SystemExit(f"The cycle at {as_of} failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")


def _ask(client: httpx.Client, n: int) -> None:
    """Ask as a dashboard does: the board, its pages and filters, titles, issues, metrics."""
    board = client.get("/v1/board").raise_for_status().json()
    titles = [row["title_id"] for row in board["rows"]]
    paths = [
        "/v1/board", "/v1/board?status=failing", "/v1/board?offset=5&limit=5", "/v1/missing-fields", "/v1/issues",
        "/v1/runs", "/metrics", "/v1/batches", *(f"/v1/titles/{title_id}" for title_id in titles[:20]),
    ]  # fmt: skip
    for number in range(n - 1):
        client.get(paths[number % len(paths)]).raise_for_status()


def _resident_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))) / 1024


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--small", action="store_true")
    began = time.perf_counter()
    code = report("serve_memory", measure(small=arguments.parse_args().small))
    print(json.dumps({"seconds": round(time.perf_counter() - began)}))
    sys.exit(code)
