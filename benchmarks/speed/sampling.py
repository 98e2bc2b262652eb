"""What sampling members and counting them approximately cost in accuracy: the formula of docs/scaling.md, checked.

python benchmarks/speed/sampling.py [--small]
"""

import argparse
import sys
import tempfile
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
from _goals import Goal, report

from recsysops.errors import EngineError
from recsysops.events.engine import EngineLimits

MEMBERS = 200_000
REACH = 0.02
FRACTION = 0.05
CELLS = 400


def standard_error(reach: float, members: int, fraction: float) -> float:
    """Return the standard error of a reach counted from the members whose hash falls into `fraction` of all."""
    return float(np.sqrt(reach * (1 - reach) * (1 - fraction) / (fraction * members)))


def measure(*, small: bool = False) -> list[Goal]:
    """Measure all."""
    return [_sampling(100 if small else 1_000), *_sketches(CELLS // 10 if small else CELLS)]


def _sampling(repeats: int) -> Goal:
    """Sample the same members again and again, each time by another salt, and hold the spread against the formula."""
    with duckdb.connect() as link:
        members = f"SELECT 'member-' || i AS id, i < {int(MEMBERS * REACH)} AS hit FROM range({MEMBERS}) AS numbers(i)"
        link.execute(f"CREATE TABLE m AS {members}")
        limit = int(FRACTION * 1_000_000)
        query = f"SELECT avg(hit::INT) FROM m WHERE hash(id || ?) % 1000000 < {limit}"
        found = [link.execute(query, [f"salt-{n}"]).fetchall()[0][0] for n in range(repeats)]
    expected = standard_error(REACH, MEMBERS, FRACTION)
    ratio = float(np.std(found)) / expected
    bias = abs(float(np.mean(found)) / REACH - 1)
    figure = f"spread {ratio:.2f}x the formula's {expected:.5f}, mean off by {bias:.2%}"
    tolerance = 4 / np.sqrt(2 * repeats)
    return Goal("error of reach from sampled members", figure, "1x", bool(abs(ratio - 1) < tolerance), repeats)


def _sketches(cells: int) -> list[Goal]:
    """Count members of cells of many sizes approximately, on each engine that is here."""
    rng = np.random.default_rng(1)
    truth = np.unique(np.geomspace(100, 20_000, cells).astype(int))
    cell = np.repeat(np.arange(len(truth)), truth)
    member = np.concatenate([rng.choice(10_000_000, size=n, replace=False) for n in truth])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "shown.parquet"
        pd.DataFrame({"cell": cell, "member_id": member}).astype({"member_id": "str"}).to_parquet(path)
        found = {"DuckDB": _duckdb(path), "Spark": _spark(path, Path(folder))}
    goals = []
    for name, counts in found.items():
        if counts is None:
            print(f"{name} is not here: its sketch was not measured.")
            continue
        error = np.abs(counts / truth - 1)
        figure = f"median {np.median(error):.1%}, p99 {np.quantile(error, 0.99):.1%}, worst {error.max():.1%}"
        goals.append(Goal(f"error of approximate reach on {name}", figure, target="reported", ok=True, n=len(truth)))
    return goals


def _duckdb(path: Path) -> np.ndarray:
    with duckdb.connect() as link:
        query = f"SELECT approx_count_distinct(member_id) AS n FROM '{path}' GROUP BY cell ORDER BY cell"
        return np.asarray(link.execute(query).fetchnumpy()["n"])


def _spark(path: Path, folder: Path) -> np.ndarray | None:
    from recsysops.events._spark import spark_session

    try:
        session = spark_session(EngineLimits(folder=folder, spark_master="local[2]"))
    except EngineError:
        return None
    session.read.parquet(str(path)).createOrReplaceTempView("shown")
    rows = session.sql("SELECT approx_count_distinct(member_id) AS n FROM shown GROUP BY cell ORDER BY cell").collect()
    return np.asarray([row[0] for row in rows])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true")
    return report("sampling", measure(small=parser.parse_args().small))


if __name__ == "__main__":
    sys.exit(main())
