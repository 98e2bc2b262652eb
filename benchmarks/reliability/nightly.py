"""Model promises with large counts: hostile models (C1), kills (C3), challengers against themselves (C7).

    python -P benchmarks/reliability/nightly.py [--mutants 100000] [--kills 1000] [--replays 1000]

Prints a table and writes build/bench/nightly.json. Needs nothing but the project's environment.
"""

import argparse
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "speed"))

from _goals import Goal, report

from recsysops import columns as c
from recsysops.domain.registry import MoveKind
from recsysops.errors import ModelError
from recsysops.model import _artifacts
from recsysops.model._artifacts import Layers
from recsysops.model._structure import RejectedError, trees_of
from recsysops.service._contest import looks
from recsysops.service._promotion import on_outcomes
from recsysops.testing import model_kills
from recsysops.testing.hostile_models import N_COLUMNS, forged, kept, mutant, small_model

EVERY = 20
"""Of the mutants the structural check refuses, one in so many is handed to the child all the same."""


def hostile_models(mutants: int) -> list[Goal]:
    """Mutate a model; let the structural check, the child and the golden predictions stop what they can."""
    folder = Path(tempfile.mkdtemp())
    model = small_model()
    card = kept(model, folder)
    text = (folder / card.folder / "point_0.txt").read_bytes()
    probe = {f"c{at}": values for at, values in enumerate(np.random.default_rng(5).normal(size=(N_COLUMNS, 500)))}
    probe["|level"] = np.zeros(500)
    kinds = np.zeros(500, dtype=np.int64)
    truth = model.quantiles_of(probe, kinds).tobytes()
    generator, slowest, accepted, asked, lost, loaded, changed = np.random.default_rng(1), 0.0, 0, 0, 0, 0, 0
    for at in range(mutants):
        hostile = mutant(text, generator)
        began = time.process_time()
        try:
            trees_of(hostile, N_COLUMNS)
            is_sound = True
        except RejectedError:
            is_sound = False
        slowest = max(slowest, time.process_time() - began)
        accepted += is_sound
        if hostile == text or not (is_sound or at % EVERY == 0):
            continue
        asked += 1
        try:
            found = _artifacts.load(
                forged(card, folder, {"point_0.txt": hostile}), folder, layers=Layers(structure=False)
            )
        except ModelError as error:
            lost += "did not survive" in str(error)
            continue
        loaded += 1
        changed += found.quantiles_of(probe, kinds).tobytes() != truth
    refused = f"{accepted:,} of {mutants:,} accepted, slowest {slowest:.2f} s of the processor"
    return [
        Goal("C1 structural check ends on every mutant", refused, "each <= 5 s", slowest <= 5, mutants),
        Goal(
            "C1 mutants that killed the child",
            f"{lost:,} of {asked:,} it was asked",
            "no goal: it is there to die",
            lost >= 0,
            asked,
        ),
        Goal(
            "C1 activations with changed predictions", f"{changed} of {loaded:,} let through", "0", changed == 0, asked
        ),
    ]


def survived(mutants: int) -> list[Goal]:
    """Do it in a process of its own, so that its death would be seen."""
    name, target = "C1 the process that would serve lives to the end", "0 deaths"
    try:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            found = pool.submit(hostile_models, mutants).result()
    except BrokenProcessPool:
        return [Goal(name, "it died", target, ok=False, n=mutants)]
    return [Goal(name, "0 deaths", target, ok=True, n=mutants), *found]


def kills(n: int) -> list[Goal]:
    """Kill activations on SQLite."""
    url = f"sqlite:///{Path(tempfile.mkdtemp()) / 'store.sqlite'}"
    model_kills.prepare(url)
    fine, swaps = model_kills.killed(url, np.random.default_rng(1), n)
    figure = f"{fine:,} of {n:,} kills, {swaps:,} swaps"
    return [Goal("C3 exactly one active model after a kill", figure, "all", fine == n, n)]


def replays(n: int) -> list[Goal]:
    """Replay challengers that are as good as the active model, and worse ones."""
    same = sum(_promotes(np.random.default_rng(seed), 0.0) for seed in range(n))
    worse = sum(_promotes(np.random.default_rng(seed), -0.05) for seed in range(n))
    return [
        Goal("C7 promotions of a model against itself", f"{same / n:.1%}", "<= 5 %", same <= 0.05 * n, n),
        Goal("C7 promotions of a worse model", f"{worse}", "0", worse == 0, n),
    ]


def _promotes(generator: np.random.Generator, gain: float, titles: int = 900, per_week: int = 20) -> bool:
    week = np.arange(titles) // per_week
    gains = gain + generator.normal(0, 0.05, week.max() + 1)[week] + generator.standard_t(4, titles) * 0.2
    pairs = pd.DataFrame({
        c.TITLE_ID: np.arange(titles).astype(str), c.MARKET: "us", c.KNOWN_AT: pd.Timestamp("2026-01-01", tz="UTC"),
        "week": week, "gain": gains, "covered_first": 0.8, "covered_second": 0.8,
    })  # fmt: skip
    return any(on_outcomes(pairs.head(size), 100)[0].kind is MoveKind.PROMOTED for size, _ in looks(pairs, 100))


def main() -> int:
    """Measure all of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mutants", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=1_000)
    parser.add_argument("--replays", type=int, default=1_000)
    asked = parser.parse_args()
    return report("nightly", [*survived(asked.mutants), *kills(asked.kills), *replays(asked.replays)])


if __name__ == "__main__":
    sys.exit(main())
