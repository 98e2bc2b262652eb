"""Rolls the origin for every predictor and keeps what each said, by content: a broken run goes on where it stopped.

One file per world, horizon, seed and predictor lies in build/bench/prediction/; it is used again as long as the
matrix, the plan, the code and the libraries behind it are the same.
"""

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import _ours
import numpy as np
import pandas as pd
from _matrix import matrix
from _world import World, fit_origins, origins

import recsysops
from recsysops.columns import (
    COMPARABLE_TITLES,
    LAUNCH_VERSION,
    MODEL,
    OUTCOMES,
    RELABELLED,
    SHADOW_SCORE,
    TITLE_VERSION,
)

HERE = Path(__file__).resolve().parent
LOCK = HERE.parents[1] / "requirements" / "peers.lock"
OURS = "recsysops"
FALLBACK = "comparable_titles"
BASELINES = ("global_median", "group_mean", "knn", "ridge", "lightgbm", "catboost", "shadow_alone", "autogluon")
INTERVAL_PEERS = ("raw_quantiles", "mapie_cqr", "crepes")
EXTRA = ("lightgbm_shadow",)
"""Not one of the baselines: LightGBM that is handed the shadow score as well, for who asks what the rest is worth."""
OPTIONAL = {"autogluon"}
DETERMINISTIC = {"global_median", "group_mean", "knn", "ridge", "shadow_alone"}
"""Their answers do not depend on the seed; on shared data they are made once."""
NEEDS_SHADOW = {"shadow_alone", "lightgbm_shadow"}


@dataclass
class Answers:
    """What was asked in one world, horizon and seed, and what everybody said."""

    rows: pd.DataFrame
    """The matrix's rows that were asked, without their features: keys, `week`, `y`, `n_missing`."""
    quantiles: dict[str, np.ndarray]
    n_filled: dict[str, int]
    """Answers that were missing and are the global quantiles instead: silence must not pay."""


@dataclass(frozen=True)
class Desk:
    """Where answers are kept and who makes the peers'."""

    folder: Path
    peer_python: str

    def collect(self, world: World, horizon: int, wanted: Sequence[str]) -> Answers:
        """Return what everybody wanted says at every origin, made now or kept from before."""
        rows = matrix(world, horizon)
        weeks = origins(world, rows)
        asked = (rows["week"].isin(weeks) & (rows["is_asked"] == 1)).to_numpy()
        print(
            f"{world.name}, seed {world.seed}, {horizon} d: {len(weeks)} origins, {asked.sum():,} launches asked of "
            f"{len(rows):,}; {(rows['week'].isin(weeks) & (rows['is_asked'] == 0)).sum()} not planned yet",
            flush=True,
        )
        if not asked.any():
            raise ValueError(f"World {world.name} has nothing to predict: {len(rows)} labels, warm-up {world.warm_up}.")
        found: dict[str, np.ndarray] = {}
        for name in wanted:
            found |= self._one(world, horizon, name, rows, weeks)
        filler = found if "global_median" in found else self._one(world, horizon, "global_median", rows, weeks)
        whole = filler["global_median"]
        kept, filled = {}, {}
        for name, values in found.items():
            silent = ~np.isfinite(values).all(axis=1)
            kept[name] = np.where(silent[:, None], whole, values)[asked]
            filled[name] = int((silent & asked).sum())
        shown = [name for name in rows.columns if ":" not in name]
        return Answers(rows.loc[asked, shown].assign(n_missing=rows.loc[asked, "num:n_missing"]), kept, filled)

    def _one(
        self, world: World, horizon: int, name: str, rows: pd.DataFrame, weeks: list[pd.Timestamp]
    ) -> dict[str, np.ndarray]:
        if name in NEEDS_SHADOW and "shadow:reach_joint" not in rows:
            return {}
        plan = [(week.isoformat(), fit.isoformat()) for week, fit in fit_origins(world, weeks).items()]
        seed = 0 if name in DETERMINISTIC else world.seed
        parts = [name, seed, plan, _hash(rows), _code_of(name)]
        if name == OURS:
            parts += [_history_hash(world), world.settings.model_dump_json(exclude={"threads"})]
        key = hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()[:16]
        place = self.folder / f"{world.name.replace(', ', '-').replace(' ', '-')}-{horizon}d-{name}-{seed}-{key}"
        began = time.perf_counter()
        if name == OURS:
            made = self._ours(place, world, horizon, rows, weeks)
        else:
            made = self._peer(place, name, rows, plan, seed)
        print(f"  {name}: {time.perf_counter() - began:.1f} s", flush=True)
        return made

    @staticmethod
    def _ours(
        place: Path, world: World, horizon: int, rows: pd.DataFrame, weeks: list[pd.Timestamp]
    ) -> dict[str, np.ndarray]:
        names = {MODEL: OURS, COMPARABLE_TITLES: FALLBACK}
        files = {ours: place.with_name(f"{place.name}-{ours}.parquet") for ours in names.values()}
        if not all(file.is_file() for file in files.values()):
            said = _ours.answers(world, rows, weeks, horizon, _told)
            for name, values in said.items():
                _keep(pd.DataFrame(values).add_prefix("q"), files[names[name]])
        return {ours: pd.read_parquet(file).to_numpy(dtype=float) for ours, file in files.items()}

    def _peer(
        self, place: Path, name: str, rows: pd.DataFrame, plan: list[tuple[str, str]], seed: int
    ) -> dict[str, np.ndarray]:
        out = place.with_name(f"{place.name}.parquet")
        if not out.is_file():
            given, work = out.with_suffix(".matrix"), out.with_suffix(".plan")
            rows.to_parquet(given)
            work.write_text(json.dumps({"plan": plan, "seed": seed}))
            command = [self.peer_python, str(HERE / "_peers.py"), name, str(given), str(work), str(out)]
            environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
            environment.pop("PYTHONPATH", None)  # what is ours is for our Python, not for the peers'
            done = subprocess.run(command, env=environment, stderr=subprocess.PIPE, text=True, check=False)
            given.unlink()
            work.unlink()
            if done.returncode:
                lines = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
                print(f"  {name} did not run: {lines[0]}", flush=True)
                return {}
        return {name: pd.read_parquet(out).to_numpy(dtype=float)}


def _told(what: str, done: float) -> None:
    print(f"    {OURS}: {what} ({done:.0%})", flush=True)


def _keep(frame: pd.DataFrame, file: Path) -> None:
    part = file.with_name(file.name + ".part")
    frame.to_parquet(part)
    part.replace(file)


def _hash(frame: pd.DataFrame) -> str:
    return hashlib.sha256(pd.util.hash_pandas_object(frame, index=False).to_numpy().tobytes()).hexdigest()


def _history_hash(world: World) -> str:
    history = world.history
    digest = hashlib.sha256()
    for whole, columns in (
        (history.titles, TITLE_VERSION), (history.launches, LAUNCH_VERSION),
        (history.outcomes, OUTCOMES), (history.shadow, SHADOW_SCORE), (history.relabelled, RELABELLED),
    ):  # fmt: skip
        # These columns alone: when a row was loaded differs from run to run and is nothing a model looks at.
        frame = whole[[name for name in columns if name in whole]]
        texts = frame.astype({name: "str" for name in frame.columns if frame[name].dtype == object})
        digest.update(_hash(texts).encode())
    return digest.hexdigest()


def _code_of(name: str) -> str:
    """Hash the code and the libraries behind an answer."""
    if name == OURS:
        package = Path(recsysops.__file__).parent
        files = [*sorted(package.glob("model/**/*.py")), *sorted(package.glob("domain/*.py"))]
        files += [package / "service" / "learn.py", HERE / "_ours.py"]
    else:
        files = [HERE / "_peers.py", HERE / "_designs.py", LOCK]
    digest = hashlib.sha256(sys.version.encode())
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()
