"""The prediction benchmark: every predictor, ours and the honest baselines, over the same worlds in the same run.

    python benchmarks/prediction/run.py [--world NAME] [--seeds N] [--horizon DAYS] [--small] [--only PREDICTOR]
        [--peer-python PATH]

`make bench-prediction` sets up the peers' environment and runs it. What each predictor said is kept by content in
build/bench/prediction/, so a run that broke goes on; the goals are written to build/bench/prediction.json.
"""

import argparse
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import _verdicts  # first: it knows where `_goals` lies
from _goals import RESULTS, Goal, report
from _results import Result, result_of
from _rolling import BASELINES, EXTRA, INTERVAL_PEERS, OPTIONAL, OURS, Answers, Desk
from _world import World, shuffled
from _worlds import LOADERS, WorldMissingError

HERE = Path(__file__).resolve().parent
EVERYBODY = (OURS, *BASELINES, *INTERVAL_PEERS, *EXTRA)
COSTS = ("shadow_cost", "model_cost")


def main() -> int:
    """Run the worlds; return 1 where a goal is missed or a world did not run."""
    given = _arguments()
    desk = Desk(given.out / "prediction", given.peer_python)
    desk.folder.mkdir(parents=True, exist_ok=True)
    wanted = tuple(given.only or [name for name in EVERYBODY if name not in OPTIONAL or _has(given.peer_python, name)])
    goals: list[Goal] = []
    tables: list[str] = []
    for name in given.world or LOADERS:
        try:
            found, control = _world(name, given, desk, wanted)
        except WorldMissingError as error:
            goals.append(Goal(f"{name}", f"did not run: {error}", "runs", ok=False, n=0))
            continue
        tables += [_verdicts.table(result) for result in [*found, *control]]
        goals += [goal for result in found for goal in _verdicts.verdicts(result)]
        goals += [_verdicts.control(result) for result in control]
    if not given.world and not given.only:
        goals += [goal for part in COSTS for goal in _verdicts.costs(_cost(part, small=given.small), part)]
    print("\n" + "\n\n".join(tables))
    (desk.folder / "tables.md").write_text("\n\n".join(tables) + "\n", encoding="utf-8")
    return report("prediction", goals)


def _arguments() -> argparse.Namespace:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--world", choices=sorted(LOADERS), action="append")
    arguments.add_argument("--seeds", type=int, default=5, help="seeds 1..N")
    arguments.add_argument("--small", action="store_true", help="small worlds; figures mean nothing")
    arguments.add_argument("--only", choices=EVERYBODY, action="append", help="these predictors only")
    arguments.add_argument("--horizon", type=int, action="append", help="these horizons only")
    arguments.add_argument("--data", type=Path, help="folder of MovieTweetings; else ../shared/data/movietweetings")
    arguments.add_argument("--out", type=Path, default=RESULTS)
    arguments.add_argument("--no-control", action="store_true", help="leave the run with shuffled labels out")
    arguments.add_argument("--peer-python", default=sys.executable, help="interpreter of the peers' environment")
    return arguments.parse_args()


def _has(python: str, name: str) -> bool:
    found = subprocess.run([python, "-c", f"import {name}"], capture_output=True, check=False)
    return found.returncode == 0


def _world(
    name: str, given: argparse.Namespace, desk: Desk, wanted: tuple[str, ...]
) -> tuple[list[Result], list[Result]]:
    """Return the results of a world by horizon, and those of its first seed with shuffled labels."""
    worlds: list[World] = []
    by_horizon: dict[int, dict[int, Answers]] = {}
    for seed in range(1, given.seeds + 1):
        world = LOADERS[name](seed, small=given.small, data=given.data)
        if given.horizon:
            world = replace(world, horizons=tuple(each for each in world.horizons if each in given.horizon))
        for horizon in world.horizons:
            by_horizon.setdefault(horizon, {})[seed] = desk.collect(world, horizon, wanted)
        # Seeds of a world may be whole worlds: only what is scored stays in memory.
        worlds.append(world if seed == 1 else _light(world, worlds[0]))
    found = [result_of(worlds, horizon, seeds) for horizon, seeds in by_horizon.items()]
    if given.no_control:
        return found, []
    blind = shuffled(worlds[0])
    named = wanted if "global_median" in wanted else ("global_median", *wanted)
    return found, [result_of([blind], horizon, {1: desk.collect(blind, horizon, named)}) for horizon in blind.horizons]


def _light(world: World, first: World) -> World:
    return replace(world, history=first.history)


def _cost(part: str, *, small: bool) -> list[Goal]:
    """Run a measurement of cost where it is; return its goals, none where it is not or did not run."""
    places = [folder / f"{part}.py" for folder in (HERE, HERE.parent / "speed")]
    script = next((place for place in places if place.is_file()), None)
    kept = RESULTS / f"{part}.json"
    kept.unlink(missing_ok=True)
    if script is None:
        return []
    subprocess.run([sys.executable, str(script), *(["--small"] if small else [])], check=False)
    return [Goal(**entry) for entry in json.loads(kept.read_text())] if kept.is_file() else []


if __name__ == "__main__":
    sys.exit(main())
