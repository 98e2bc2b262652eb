"""The benchmark's modules, and a small world with a planted effect."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[3] / "benchmarks" / "prediction"))

import numpy as np
import pandas as pd
import pytest
from _world import World

from recsysops.columns import LAUNCH_VERSION, OUTCOMES, PLANNED, SHADOW_SCORE, TITLE_VERSION
from recsysops.domain.history import History
from recsysops.settings import ModelSettings

START = pd.Timestamp("2025-01-06T09:00", tz="UTC")


def timed(rows, columns, *times):
    frame = pd.DataFrame(rows, columns=list(columns))
    return frame.assign(**{name: frame[name].astype("datetime64[us, UTC]") for name in times})


def make_history(n=240, seed=3):
    """Return titles launched three a day: the genre is worth a lot, a missing synopsis costs, the recommender knows."""
    rng = np.random.default_rng(seed)
    titles, launches, outcomes, shadow = [], [], [], []
    for at in range(n):
        launch, title = START + pd.Timedelta(hours=8 * at), f"t{at:04d}"
        genre, is_missing = int(rng.integers(0, 3)), bool(rng.random() < 0.2)
        known = launch - pd.Timedelta(days=20)
        synopsis = None if is_missing else " ".join(rng.choice(["moon", "ship", "king", "storm", "river", "gold"], 9))
        fields = {"genres": [f"g{genre}"], "runtime": float(rng.integers(60, 180)), "synopsis": synopsis}
        titles.append((title, "all", known, title.upper(), None, f"p{at % 3}", fields))
        launches.append((title, "US", "home", known, launch, PLANNED))
        truth = -2.5 + genre - is_missing
        for horizon in (1, 7):
            share = 1 / (1 + np.exp(-(truth + 0.1 * horizon + rng.normal(0, 0.3))))
            end = launch + pd.Timedelta(days=horizon)
            outcomes.append((title, "US", "home", "reach", horizon, launch, end, share, share * 900, 900.0, False))
        reach = 1 / (1 + np.exp(-(truth + rng.normal(0, 0.2))))
        asked = dict.fromkeys(SHADOW_SCORE, np.nan) | {
            "title_id": title, "market": "US", "surface": "home", "as_of": launch - pd.Timedelta(days=8),
            "launch_at": launch, "n_members": 400, "reach_joint": reach, "reach_alone": reach,
        }  # fmt: skip
        shadow.append([asked[name] for name in SHADOW_SCORE])
    return History(
        titles=timed(titles, TITLE_VERSION, "observed_at"),
        launches=timed(launches, LAUNCH_VERSION, "observed_at", "launch_at"),
        outcomes=timed(outcomes, OUTCOMES, "launch_at", "known_at"),
        shadow=timed(shadow, SHADOW_SCORE, "as_of", "launch_at"),
    )


@pytest.fixture(scope="session")
def planted_world():
    return World(
        name="planted", seed=1, history=make_history(), measure="reach", horizons=(1,),
        settings=ModelSettings(seed=1, threads=1, min_titles=50), warm_up=150, refit_weeks=2,
    )  # fmt: skip
