"""How well a what-if foretells what a repaired field does: against a world that served each title with and without.

Run alone: `python -m benchmarks.prediction.what_if_truth [--folder FOLDER]`. A folder that holds the service of an
earlier run is used again. Errors are on the scale of the model, logits of the first day's reach.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from recsysops.bootstrap import reading, writing
from recsysops.demo import REQUIREMENTS, SETTINGS
from recsysops.domain.measure import transform
from recsysops.domain.what_if import AskedWhatIf
from recsysops.service.run import ingest_as_run, run_cycle
from recsysops.service.shadow_past import shadow_past
from recsysops.service.what_if import WhatIfs
from recsysops.simulation import WorldConfig, simulate
from recsysops.simulation import _fields as f
from recsysops.simulation.runner import World, build_world

MARKET = "US"
"""The market whose metadata the general rows are."""
NO_FIELD = {"not_indexed", "market_lost"}
"""Faults that no field repairs, or that show elsewhere."""


def build(folder: Path) -> Path:
    """Simulate a service and do the whole job on it; return its settings file."""
    settings = folder / "recsysops.toml"
    if settings.exists():
        return settings
    made = simulate(WorldConfig.small(), folder)
    text = SETTINGS.format(as_of=made.as_of.strftime("%Y-%m-%dT%H:%M:%SZ"))
    settings.write_text(text.replace('"reach", "impression_share"', '"reach"'), encoding="utf-8")
    (folder / "metadata.toml").write_text(REQUIREMENTS, encoding="utf-8")
    with writing(settings, "run") as ports:
        ingest_as_run(ports)
        shadow_past(ports)
        run_cycle(ports)
    return settings


def repairs(world: World) -> Iterator[tuple[str, str, dict[str, object]]]:
    """Yield each upcoming faulty title, its fault, and the fields of its version without the fault."""
    known = world.versions[world.versions["observed_at"] <= world.config.as_of]
    for number, fault in enumerate(world.faults):
        is_upcoming = world.slate.launch_day[fault.row] >= world.config.n_history_days
        if is_upcoming and fault.kind.name not in NO_FIELD:
            rows = (fault.row, len(world.slate.role) + number)
            broken, clean = (known[known[f.TITLE] == row].iloc[-1] for row in rows)
            fields = {n: clean[n] for n in f.FIELDS if clean[n] != broken[n] and clean[n] == clean[n]}
            if fields:
                yield str(world.slate.item_id[fault.row]), fault.kind.name, fields


def measure(folder: Path) -> pd.DataFrame:
    """Return what each what-if told beside the truth, by way, fault and surface."""
    truth = pd.read_parquet(folder / "truth" / "treatment.parquet")
    truth = truth[(truth["horizon"] == 1) & (truth["market"] == MARKET)].set_index(["title_id", "surface"])
    rows = []
    with reading(build(folder)) as ports:
        ways = {"recommender": WhatIfs(ports), "model alone": WhatIfs(replace(ports, recommender=None))}
        for title_id, kind, fields in repairs(build_world(WorldConfig.small())):
            asked = AskedWhatIf.model_validate({"fields": fields, "market": MARKET})
            answers = ((way, target) for way, one in ways.items() for target in one.answer(title_id, asked).targets)
            for way, target in ((way, target) for way, target in answers if target.horizon == 1):
                real = truth.loc[(title_id, target.surface)]
                told = moved(target.before.median, target.after.median, target.denominator)
                done = moved(real["reach"], real["reach_without_faults"], real["n_active"])
                rows.append((way, kind, target.surface, done, told, abs(done - told)))
    return pd.DataFrame(rows, columns=["way", "fault", "surface", "truth", "told", "error"])


def moved(before: float | None, after: float | None, n: float | None) -> float:
    """Return a change of reach in logits."""
    if before is None or after is None or n is None:
        return np.nan
    first, last = transform("reach", [before, after], [n, n])
    return float(last - first)


def main() -> None:
    """Measure, and print each repair and the means."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path)
    folder = parser.parse_args().folder or Path(tempfile.mkdtemp())
    build(folder)
    found = measure(folder)
    print(found.round(2).to_string(index=False))
    print(found.groupby("way")[["truth", "told", "error"]].mean().round(2))


if __name__ == "__main__":
    main()
