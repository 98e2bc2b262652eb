"""One detect cycle - table checks and all detectors - beside Evidently's drift and summary reports on the same rows.

    python benchmarks/speed/detect_cycle.py [--small] [--peer-python PATH]

Evidently needs pandas < 3: its Python stands in an environment of its own (`python -m venv E; E/bin/pip install
"evidently==0.7.23" "pandas<3" pyarrow`). Each measurement is a process of its own; peak memory is the process's. A peer
that takes longer than ten minutes is stopped: its figures are then lower bounds, and say so.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from _goals import Goal, report

HERE = Path(__file__).resolve().parent
SIZES = ((5_000, 3.0), (100_000, 10.0))
SMALL = ((500, 3.0),)
REPEATS = 3
PEER_SECONDS = 600


def measure(*, small: bool = False, peer_python: str = "") -> list[Goal]:
    """Measure every size, ours and the peer's, each in a fresh process."""
    goals: list[Goal] = []
    for n, factor in SMALL if small else SIZES:
        with tempfile.TemporaryDirectory() as folder:
            rows = _rows_for(n, Path(folder))
            ours = _run(sys.executable, [str(Path(__file__).resolve()), "--one", str(rows)])
            theirs = None
            if peer_python:
                theirs = _run(peer_python, [str(HERE / "_evidently_peer.py"), str(rows)], seconds=PEER_SECONDS)
        goals += _goals(n, factor, ours, theirs)
    return goals


def _rows_for(n: int, folder: Path) -> Path:
    from _detect_rows import catalogue

    path = folder / "titles.parquet"
    catalogue(n).to_parquet(path)
    return path


def _run(python: str, arguments: Sequence[str], seconds: float | None = None) -> dict[str, Any]:
    """Run one process; it prints its figures as the last line.

    Where it is not done within `seconds`, it is stopped: the figures are the time and the memory it had.
    """
    environment = {**os.environ, "PYTHONWARNINGS": "ignore", "PYTHONPATH": str(HERE)}
    pipe = subprocess.PIPE
    with subprocess.Popen([python, *arguments], stdout=pipe, stderr=pipe, text=True, env=environment) as process:
        try:
            said, wrong = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
            peak = next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM:"))
            process.kill()
            return {"seconds": [seconds], "peak_mb": peak, "is_stopped": True}
    if process.returncode:
        raise SystemExit(f"{python} failed:\n{wrong[-2000:]}")
    figures: dict[str, Any] = json.loads(said.strip().splitlines()[-1])
    return figures


def _goals(n: int, factor: float, ours: dict[str, Any], theirs: dict[str, Any] | None) -> list[Goal]:
    own = f"{statistics.median(ours['seconds']):.2f} s ({min(ours['seconds']):.2f}-{max(ours['seconds']):.2f})"
    parts = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in ours["parts"].items())
    named = f"detect cycle, {n:,} titles x 20 fields"
    if theirs is None:
        figure = f"{own}: {parts}; {ours['peak_mb']:.0f} MB; peer not installed"
        return [Goal(named, figure, f"{factor:g}x faster than Evidently", ok=False, n=len(ours["seconds"]))]
    ratio = statistics.median(theirs["seconds"]) / statistics.median(ours["seconds"])
    peer = f"{statistics.median(theirs['seconds']):.2f} s"
    least = "at least " if "is_stopped" in theirs else ""
    if least:
        peer += ", after which Evidently was stopped"
    return [
        Goal(
            named,
            f"{least}{ratio:.1f}x: {own} ({parts}) against {peer}",
            f"{factor:g}x faster than Evidently",
            ok=ratio >= factor,
            n=len(ours["seconds"]),
        ),
        Goal(
            f"{named}, peak memory",
            f"{ours['peak_mb']:.0f} MB against {least}{theirs['peak_mb']:.0f} MB",
            "lower than Evidently",
            ok=ours["peak_mb"] < theirs["peak_mb"],
            n=1,
        ),
    ]


def one(path: Path) -> dict[str, Any]:
    """Judge the rows of a file several times in this process."""
    seconds: list[float] = []
    parts: list[dict[str, float]] = []
    titles = pd.read_parquet(path)
    cycle(titles.head(50))  # what is imported and compiled once
    for _ in range(REPEATS):
        began = time.perf_counter()
        parts.append(cycle(titles))
        seconds.append(time.perf_counter() - began)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    middle = parts[seconds.index(sorted(seconds)[len(seconds) // 2])]
    return {"seconds": seconds, "parts": middle, "peak_mb": peak}


def cycle(titles: pd.DataFrame) -> dict[str, float]:
    """Check and judge once, from the metadata of all cells to the status of each; return the seconds of each part."""
    from _detect_rows import AS_OF, cells, requirements

    from recsysops import columns as c
    from recsysops.plugins import load_plugins
    from recsysops.quality import GreatExpectationsChecks, SuiteChecks, read_suites
    from recsysops.service.context import Context
    from recsysops.service.judge import judge_tables, suite_reports
    from recsysops.service.rules import with_rules
    from recsysops.settings import Settings

    settings = Settings()
    placeholders = settings.metadata.placeholders
    upcoming = cells(len(titles))
    wanted = requirements(list(titles.columns))
    context: Any = Context(
        settings=settings, clock=lambda: AS_OF, store=None, reader=None, aggregator=None, forecaster=None,  # type: ignore[arg-type]
        checks=GreatExpectationsChecks(placeholders), rules=SuiteChecks(read_suites(None), placeholders),
        requirements=wanted, detectors=load_plugins(settings).detectors, channels=(),
    )  # fmt: skip
    fields = titles.astype("object").where(titles.notna(), None)
    metadata = pd.concat([upcoming[[*c.CELL_KEY, c.PROVIDER]], fields], axis=1)
    seconds: dict[str, float] = {}
    began = time.perf_counter()
    checks, failed = context.checks.check(metadata, wanted)
    seconds["required fields"] = time.perf_counter() - began
    empty = {name: pd.DataFrame(columns=list(columns), dtype="str") for name, columns in (
        (c.PREDICTIONS, c.PREDICTION), (c.EXPECTATIONS, c.EXPECTATION))}  # fmt: skip
    tables = {c.CELLS: upcoming, c.TITLES: metadata, c.CHECKS: checks, c.REQUIREMENTS: wanted, **empty}
    began = time.perf_counter()
    tables, reports = with_rules(context, tables, AS_OF)
    seconds["rules"] = time.perf_counter() - began
    began = time.perf_counter()
    judgement = judge_tables(context, tables, (*suite_reports(checks, failed), *reports), AS_OF)
    seconds["detectors and status"] = time.perf_counter() - began
    broken = [step.reason for step in judgement.steps if step.outcome == "failed"]
    if broken or len(judgement.cells) != len(titles):
        raise SystemExit(f"The cycle did not run: {broken}")
    return seconds


def main() -> int:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="500 titles: a smoke test")
    parser.add_argument("--peer-python", default="", help="Python of the environment in which Evidently is installed")
    parser.add_argument("--one", type=Path, help="measure this file in this process and print its figures")
    wanted = parser.parse_args()
    if wanted.one:
        print(json.dumps(one(wanted.one)))
        return 0
    return report("detect_cycle", measure(small=wanted.small, peer_python=wanted.peer_python))


if __name__ == "__main__":
    sys.exit(main())
