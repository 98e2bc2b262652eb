"""What a measurement reports: goals with their figures, and how they are printed and kept. Measures nothing."""

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "build" / "bench"


@dataclass(frozen=True)
class Goal:
    """One line of the result, computed in this run."""

    goal: str
    figure: str
    """What was measured, with its unit and spread, as a reader wants it."""
    target: str
    ok: bool
    n: int
    """How many times it was measured, or how many cases it rests on."""


def machine() -> str:
    """Say on what and when this was measured."""
    model = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.processor(),
    )
    return f"{os.cpu_count()} cores, {model}, Python {platform.python_version()}, {datetime.now(UTC):%Y-%m-%d}"


def write(name: str, goals: Sequence[Goal], folder: Path) -> None:
    """Write `<name>.json` for programs."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps([asdict(goal) for goal in goals], indent=1) + "\n")


def report(name: str, goals: Sequence[Goal]) -> int:
    """Print a table, write build/bench/<name>.json; return the exit code: 1 where a goal is missed."""
    write(name, goals, RESULTS)
    print(f"\n{name}: {machine()}\n")
    print("| goal | figure | target | met | n |\n| --- | --- | --- | --- | --- |")
    for goal in goals:
        print(f"| {goal.goal} | {goal.figure} | {goal.target} | {'yes' if goal.ok else 'NO'} | {goal.n} |")
    return 0 if all(goal.ok for goal in goals) else 1
