"""Impressions to title-days with exact reach: against the same query by hand, in bounded memory, and one day added.

    python benchmarks/speed/aggregation.py [--small] [--huge]

Each measurement is a process of its own, so that its peak memory is its own. `--huge` adds 200 million impressions.
"""

import argparse
import json
import resource
import shutil
import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pandas as pd
from _goals import RESULTS, Goal, report
from _impressions import launches, write_days

from recsysops import columns as c
from recsysops.domain.batch import LogFile
from recsysops.events import EngineLimits, IbisAggregator
from recsysops.events._counting import Counting, Strangers
from recsysops.events._ibis import named, sql_of
from recsysops.events._wanted import cells_of
from recsysops.events.engine import open_engine

DATA = RESULTS / "data" / "impressions"
FAR = datetime(2100, 1, 1, tzinfo=UTC)
MEMORY_MB = 1500
GIGABYTES = 2.0
REPEATS = 3
BY_HAND = """
WITH log AS (
    SELECT title_id, market, surface, member_id, position, epoch_us(ts) AS ts FROM read_parquet([{files}])
), shown AS (
    SELECT title_id, market, surface, launch_at, (ts - launch_at) // 86400000000 AS day, member_id, position
    FROM log JOIN launched USING (title_id, market, surface)
    WHERE ts >= launch_at AND ts < launch_at + 28 * 86400000000
), days AS (
    SELECT title_id, market, surface, launch_at, day, count(*) AS events,
        quantile_cont(position, [0.1, 0.5, 0.9]) AS ranks
    FROM shown GROUP BY ALL
), firsts AS (
    SELECT title_id, market, surface, launch_at, member_id, min(day) AS day FROM shown GROUP BY ALL
), reached AS (
    SELECT title_id, market, surface, launch_at, day, count(*) AS new_members FROM firsts GROUP BY ALL
)
SELECT * FROM days LEFT JOIN reached USING (title_id, market, surface, launch_at, day)
"""


def measure(*, small: bool = False, huge: bool = False) -> list[Goal]:
    """Measure all goals; `small` is a smoke test of a few seconds."""
    rows = 20_000 if small else 2_000_000
    goals = [_against_hand(rows), _added_day(rows, n_days=3 if small else 29)]
    if huge:
        goals.append(_bounded(2_000 if small else 7_200_000))
    return goals


def _against_hand(rows: int) -> Goal:
    write_days(DATA, range(30, 40), rows)
    runs = [(_alone("hand", rows), _alone("ours", rows), _alone("whole", rows)) for _ in range(REPEATS)]
    hand, ours, whole = (min(run[at]["seconds"] for run in runs) for at in range(3))
    if any(one["sum"] != other["sum"] for one, other, _ in runs):
        raise RuntimeError("The two queries do not give the same title-days.")
    memory = max(run["gigabytes"] for trio in runs for run in trio)
    figure = (
        f"{ours / hand:.2f}x ({ours:.2f} s, by hand {hand:.2f} s), peak {memory:.2f} GB; "
        f"with active members of every window {whole:.2f} s"
    )
    is_met = ours <= 1.1 * hand and memory <= GIGABYTES
    return Goal(f"{10 * rows:,} impressions to title-days, exact reach", figure, "<= 1.1x, <= 2 GB", is_met, REPEATS)


def _added_day(rows: int, n_days: int) -> Goal:
    write_days(DATA, range(59 - n_days + 1, 60), rows)
    runs = [_alone("added", rows, n_days) for _ in range(REPEATS)]
    ratio = statistics.median(run["added"] / run["alone"] for run in runs)
    best = min(runs, key=lambda run: run["added"])
    figure = (
        f"{ratio:.2f}x (added {best['added']:.2f} s, alone {best['alone']:.2f} s, all {n_days} days anew "
        f"{best['anew']:.1f} s), state {best['state_mb']:.0f} MB"
    )
    return Goal(f"one day of {rows:,} impressions added to a year", figure, "<= 3x", ratio <= 3, REPEATS)


def _bounded(rows: int) -> Goal:
    folder = DATA / "huge"
    needed = 28 * rows * 8
    folder.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(folder).free < 4 * needed:
        raise RuntimeError(f"Not enough room at {folder}: {4 * needed / 1e9:.0f} GB are needed.")
    try:
        write_days(folder, range(30, 58), rows, members=3_000_000)
        run = _alone("huge", rows)
    finally:
        shutil.rmtree(folder)
    figure = f"{run['seconds']:.0f} s, peak {run['gigabytes']:.2f} GB"
    name = f"{28 * rows:,} impressions, treatment and activity, in bounded memory"
    return Goal(name, figure, "<= 2 GB", run["gigabytes"] <= GIGABYTES, 1)


def _alone(what: str, rows: int, n_days: int = 0) -> dict[str, float]:
    """Measure one thing in a process of its own."""
    command = [sys.executable, __file__, "--part", what, "--rows", str(rows), "--days", str(n_days)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


# --- one process each ---


def part(what: str, rows: int, n_days: int) -> dict[str, float]:
    load_expressions()  # not part of a query's time
    match what:
        case "hand":
            found = _hand(rows)
        case "ours":
            found = _ours(rows)
        case "whole":
            found = _whole(DATA, range(30, 40), rows, launches(range(2, 40)))
        case "huge":
            found = _whole(DATA / "huge", range(30, 58), rows, launches(range(2, 58)))
        case _:
            found = _added(rows, range(59 - n_days + 1, 60))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return found | {"gigabytes": peak / 1e9}


def load_expressions() -> None:
    from recsysops.events import expressions

    sql_of(expressions.places(named("log", dict.fromkeys((c.MARKET, c.SURFACE), "string"))), "duckdb")


def _hand(rows: int) -> dict[str, float]:
    files = ", ".join(f"'{file.path}'" for file in write_days(DATA, range(30, 40), rows))
    began = time.perf_counter()
    limits = {"threads": 2, "memory_limit": f"{MEMORY_MB}MB", "temp_directory": str(DATA / "spill")}
    with duckdb.connect(config=limits) as link:
        link.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
        launched = launches(range(2, 40))
        launched[c.LAUNCH_AT] = launched[c.LAUNCH_AT].astype("int64")
        link.register("launched", launched)
        days = link.sql(BY_HAND.format(files=files)).to_arrow_table().to_pandas()
    return {"seconds": time.perf_counter() - began, "sum": float(days[c.NEW_MEMBERS].sum() + len(days) * 1e9)}


def _ours(rows: int) -> dict[str, float]:
    """Count what the query by hand counts, with the parts the aggregator counts it with; days before the log too."""
    files = write_days(DATA, range(30, 40), rows)
    began = time.perf_counter()
    wanted = launches(range(2, 40))
    wanted[c.LAUNCH_AT] = wanted[c.LAUNCH_AT].astype("int64")
    days = wanted.merge(pd.DataFrame({c.DAY: [27]}), how="cross")
    limits = EngineLimits(memory_mb=MEMORY_MB, threads=2, folder=DATA / "engine")
    with open_engine(limits) as engine:
        cells = cells_of(days)
        counted = Counting(engine, files, limits).treatment(cells, Strangers(engine))
        counted = counted.merge(cells, on="cell")
    return {"seconds": time.perf_counter() - began, "sum": float(counted[c.NEW_MEMBERS].sum() + len(counted) * 1e9)}


def _whole(folder: Path, days: range, rows: int, wanted: pd.DataFrame) -> dict[str, float]:
    files = write_days(folder, days, rows)
    began = time.perf_counter()
    limits = EngineLimits(memory_mb=MEMORY_MB, threads=2, folder=DATA / "engine")
    IbisAggregator(limits).aggregate(files, wanted, c.IMPRESSIONS, FAR)
    return {"seconds": time.perf_counter() - began}


def _added(rows: int, days: range) -> dict[str, float]:
    """Count the last day alone, and added to the days before it; files older than 28 days are none of both."""
    folder = DATA / "state"
    shutil.rmtree(folder, ignore_errors=True)
    files, wanted = write_days(DATA, days, rows), launches(range(max(days) - 27, max(days) + 1))
    older = wanted[wanted[c.LAUNCH_AT] < wanted[c.LAUNCH_AT].max()]
    limits = EngineLimits(memory_mb=MEMORY_MB, threads=2, folder=folder, keeps_state=True)
    plain = IbisAggregator(EngineLimits(memory_mb=MEMORY_MB, threads=2, folder=DATA / "engine"))
    remembering = IbisAggregator(limits)
    remembering.aggregate(files[:-1], older, c.IMPRESSIONS, FAR)
    alone = min(_timed(plain, files[-1:], wanted) for _ in range(2))
    added = _timed(remembering, files, wanted)
    anew = _timed(plain, files, wanted)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    shutil.rmtree(folder)
    return {"alone": alone, "added": added, "anew": anew, "state_mb": size / 1e6}


def _timed(aggregator: IbisAggregator, files: list[LogFile], wanted: pd.DataFrame) -> float:
    began = time.perf_counter()
    aggregator.aggregate(files, wanted, c.IMPRESSIONS, FAR)
    return time.perf_counter() - began


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--huge", action="store_true")
    parser.add_argument("--part")
    parser.add_argument("--rows", type=int, default=0)
    parser.add_argument("--days", type=int, default=0)
    asked = parser.parse_args()
    if asked.part:
        print(json.dumps(part(asked.part, asked.rows, asked.days)))
        return 0
    return report("aggregation", measure(small=asked.small, huge=asked.huge))


if __name__ == "__main__":
    sys.exit(main())
