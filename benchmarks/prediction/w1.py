"""World W1: a simulated service with drift, faults and known truth, ingested and asked by recsysops' own verbs.

    python benchmarks/prediction/w1.py [--seed N] [--small]

prints what a world holds and how long it took to make. A world lies in build/bench/w1-<seed> and is made anew when its
size or the code that makes it changes.
"""

import argparse
import hashlib
import shutil
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
from _world import World

import recsysops.shadow
import recsysops.simulation
from recsysops.bootstrap import writing
from recsysops.columns import CELL_KEY
from recsysops.domain.history import History
from recsysops.service.history import read_history
from recsysops.service.run import ingest_as_run
from recsysops.service.shadow import shadow
from recsysops.settings import ModelSettings
from recsysops.simulation import SimulationReport, WorldConfig, simulate
from recsysops.simulation.ceiling import Ceiling, load_ceiling

ROOT = Path(__file__).resolve().parents[2]
UPCOMING_DAYS = 14
"""Titles that launch within so many days are asked about every Monday, so each title twice."""
DROPPED_SHARE, DROPPED_LIMIT = 0.25, 200
"""Share of titles asked about once more without each of two fields, and how many such questions a Monday may bring."""
_MADE = "made.txt"


def config_of(seed: int, *, small: bool) -> WorldConfig:
    """Return the settings of the world: 40 weeks of 100 launches, 15 % of them faulty."""
    if small:
        return replace(WorldConfig.small(seed), fault_share=0.15, n_repeats=1)
    return replace(WorldConfig(seed=seed), n_weeks=40, fault_share=0.15, n_repeats=1)


def world(seed: int, *, small: bool) -> World:
    """Return the world of a seed, made if it is not there yet.

    What the harness may show predictors is `history`: launches, metadata and outcomes as ingested, and what the
    recommender said every Monday of the titles about to launch, and of some of them without one of their fields.
    `ceiling` and `planted` are truth.
    """
    config = config_of(seed, small=small)
    folder = ROOT / "build" / "bench" / f"w1-{seed}{'-small' if small else ''}"
    if not _is_made(folder, config):
        make(folder, config)
    history, settings = _read(folder / "recsysops.toml")
    best = ceiling(folder, history)
    return World(
        name="w1", seed=seed, history=history, measure="reach", horizons=(1, 7) if small else (1, 7, 28),
        settings=settings.model_copy(update={"seed": seed, "threads": 1}), first_origin=_mondays(config)[0],
        warm_up=200 if small else 8000, refit_weeks=4 if small else 3,
        ceiling={1: best.r2_before_launch}, hindsight={1: best.r2}, planted=_planted(folder),
    )  # fmt: skip


def make(folder: Path, config: WorldConfig) -> SimulationReport:
    """Simulate, ingest, and ask the recommender every Monday as it stood then."""
    shutil.rmtree(folder, ignore_errors=True)
    made = simulate(config, folder)
    settings = _write_settings(made)
    with writing(settings, "benchmark") as ports:
        ingest_as_run(ports)
        for monday in _mondays(config):
            shadow(ports, as_of=monday)
    (folder / _MADE).write_text(_signature(config), encoding="utf-8")
    return made


def ceiling(folder: Path, history: History) -> Ceiling:
    """Return the best R2 of first-day reach over the cells whose outcome is known."""
    return load_ceiling(folder, history.outcomes)


def _write_settings(made: SimulationReport) -> Path:
    """Write the demo's settings, with [shadow] and [model] for many questions about the past."""
    from recsysops.demo import _write_settings as of_demo

    settings = of_demo(made)
    asking = f"total_seconds = 3600\ndropped_share = {DROPPED_SHARE}\ndropped_limit = {DROPPED_LIMIT}"
    more = f"\n[shadow]\n{asking}\n\n[model]\nupcoming_days = {UPCOMING_DAYS}\n"
    settings.write_text(settings.read_text(encoding="utf-8") + more, encoding="utf-8")
    return settings


def _mondays(config: WorldConfig) -> list[datetime]:
    """Return every Monday of the history, 00:00 UTC: the origins the harness predicts from."""
    first = datetime.combine(config.first_date, datetime.min.time(), UTC)
    first += timedelta(days=-first.weekday() % 7)
    return [first + timedelta(days=7 * week) for week in range(config.n_weeks)]


def _read(settings: Path) -> tuple[History, ModelSettings]:
    with writing(settings, "benchmark") as ports, ports.store.read() as unit:
        return read_history(ports, unit), ports.settings.model


def _planted(folder: Path) -> pd.DataFrame:
    faults = pd.read_csv(folder / "truth" / "faults.csv", dtype="str")
    return faults[list(CELL_KEY)].drop_duplicates(ignore_index=True)


def _is_made(folder: Path, config: WorldConfig) -> bool:
    made = folder / _MADE
    return made.is_file() and made.read_text(encoding="utf-8") == _signature(config)


def _signature(config: WorldConfig) -> str:
    """Return what a world depends on: its settings and the code of the simulation and of the asking."""
    digest = hashlib.sha256()
    for package in (recsysops.simulation, recsysops.shadow):
        for path in sorted(Path(str(package.__file__)).parent.glob("*.py")):
            digest.update(path.read_bytes())
    asked = f"asked about {UPCOMING_DAYS} days ahead, {DROPPED_SHARE} without fields, {DROPPED_LIMIT} times a week"
    return f"{config!r}\n{asked}\n{digest.hexdigest()}\n"


def main() -> int:
    """Make a world and say what it holds."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--small", action="store_true", help="a small world in less than a minute")
    given = arguments.parse_args()
    began = time.perf_counter()
    made = world(given.seed, small=given.small)
    seconds = time.perf_counter() - began
    history = made.history
    of_day = history.outcomes[(history.outcomes["measure"] == "reach") & (history.outcomes["horizon"] == 1)]
    folder = ROOT / "build" / "bench" / f"w1-{given.seed}{'-small' if given.small else ''}"
    best = ceiling(folder, history)
    print(f"W1, seed {given.seed}: {seconds:.0f} s")
    print(f"{of_day['title_id'].nunique():,} launched titles, {len(of_day):,} cells with a first day, "
          f"{len(made.planted):,} of them faulty")  # fmt: skip
    n_answered = history.shadow["reach_joint"].notna().sum()
    print(f"{len(history.shadow):,} answers of the recommender, {n_answered:,} of them with reach")
    print(f"{len(history.relabelled):,} answers about titles without one of their fields")
    print(f"ceiling of R2, first day: {best.r2:.3f}; {best.r2_before_launch:.3f} for who cannot know which titles the "
          f"index will lack (variance {best.variance:.3f}, chance and shock {best.unpredictable:.3f}, "
          f"index {best.hidden:.3f}, {best.n_cells:,} cells)")  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
