"""Runs every measurement of speed, one process each and one after the other, and puts their goals into one table.

`make bench-speed`; `--small` smokes all of them, `--only NAME` runs one. Results: build/bench/speed.json.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

from _goals import RESULTS, Goal, report

HERE = Path(__file__).resolve().parent
PARTS = ("aggregation", "sampling", "check_api", "detect_cycle", "board_browser", "bulk_load", "serve_memory")
WITH_PEER = {"detect_cycle"}
"""Parts whose peer lives in an environment of its own."""


def main() -> int:
    """Run the parts; return 1 where one fails or misses a goal."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--small", action="store_true", help="smoke every part in minutes; figures mean nothing")
    arguments.add_argument("--only", choices=PARTS, action="append")
    arguments.add_argument("--peer-python", default="", help="interpreter of the environment that has the peers")
    given = arguments.parse_args()
    goals: list[Goal] = []
    for part in given.only or PARTS:
        goals += _measured(part, small=given.small, peer_python=given.peer_python)
    return report("speed", goals)


def _measured(part: str, *, small: bool, peer_python: str) -> list[Goal]:
    kept = RESULTS / f"{part}.json"
    kept.unlink(missing_ok=True)
    command = [sys.executable, str(HERE / f"{part}.py"), *(["--small"] if small else [])]
    if part in WITH_PEER and peer_python:
        command += ["--peer-python", peer_python]
    began = time.perf_counter()
    print(f"\n=== {part}", flush=True)
    code = subprocess.run(command, check=False).returncode
    print(f"=== {part}: {time.perf_counter() - began:.0f} s", flush=True)
    if not kept.is_file():
        # Did not run is never found nothing.
        return [Goal(part, f"did not run: exit code {code}", "runs", ok=False, n=0)]
    return [Goal(**entry) for entry in json.loads(kept.read_text())]


if __name__ == "__main__":
    sys.exit(main())
