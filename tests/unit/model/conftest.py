"""A seeded catalogue with a planted effect, as a history."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from recsysops.columns import ALL, LAUNCH_VERSION, OUTCOMES, PLANNED, SHADOW_SCORE, TITLE_VERSION
from recsysops.service.ports import History

START = pd.Timestamp("2025-01-01T09:00", tz="UTC")
WORDS = tuple(
    f"{a}{b}{c}"
    for a in ("ship", "moon", "king", "storm")
    for b in ("al", "or", "en", "is")
    for c in ("ta", "ro", "ve")
)
US = "datetime64[us, UTC]"


def make_history(n=240, seed=3, *, measure="reach", horizons=(1, 7), surfaces=("home",), missing=0.2, effect=1.2):
    """Return a history of `n` titles, two a day; a missing synopsis costs `effect` on the transformed scale."""
    rng = np.random.default_rng(seed)
    titles, launches, outcomes = [], [], []
    for at in range(n):
        launch, title = START + pd.Timedelta(hours=12 * at), f"t{at:04d}"
        genre, is_missing = int(rng.integers(0, 4)), rng.random() < missing
        fields = {
            "genres": [f"g{genre}", f"g{rng.integers(4, 8)}"],
            "synopsis": None if is_missing else " ".join(rng.choice(WORDS, 12)),
            "director": f"d{rng.integers(0, 20)}",
            "runtime": float(rng.integers(60, 180)),
        }
        known = launch - pd.Timedelta(days=30)
        titles.append((title, ALL, known, f"Title {at}", None, f"p{rng.integers(0, 3)}", fields))
        level = -2.0 + 0.5 * genre - effect * is_missing
        for surface in surfaces:
            launches.append((title, "US", surface, known, launch, PLANNED))
            share = 1 / (1 + np.exp(-(level + rng.normal(0, 0.25))))
            if measure == "uptake":
                share = rng.poisson(1.5 * np.exp(level + 1.5)) / 2000
            for horizon in horizons:
                end = launch + pd.Timedelta(days=horizon)
                row = (title, "US", surface, measure, horizon, launch, end, share, share * 2000, 2000.0, False)
                outcomes.append(row)
    return History(
        titles=_timed(pd.DataFrame(titles, columns=list(TITLE_VERSION)), "observed_at"),
        launches=_timed(pd.DataFrame(launches, columns=list(LAUNCH_VERSION)), "observed_at", "launch_at"),
        outcomes=_timed(pd.DataFrame(outcomes, columns=list(OUTCOMES)), "launch_at", "known_at"),
    )


def make_shadow(history, days_before=(14, 7, 3, 1), seed=5, noise=0.3):
    """Return what a recommender said of every title before its launch: its outcome, with noise, on the logit scale."""
    rng = np.random.default_rng(seed)
    launched = history.outcomes.drop_duplicates("title_id")
    upcoming = history.launches[~history.launches["title_id"].isin(launched["title_id"])]
    known = dict(zip(launched["title_id"], launched["value"], strict=True))
    rows = []
    for title, market, surface, launch in zip(
        *(pd.concat([launched, upcoming])[name] for name in ("title_id", "market", "surface", "launch_at")),
        strict=True,
    ):
        share = known.get(title, 0.1)
        level = np.log(share / (1 - share))
        for days in days_before:
            joint = float(1 / (1 + np.exp(-(level + rng.normal(0, noise)))))
            at = launch - pd.Timedelta(days=days)
            numbers = (500, 1.0, 0.9, joint, min(joint * 1.1, 1.0), 0.01, 0.7, -1.0, -0.2, 0.5)
            rows.append((title, market, surface, at, launch, *numbers, f"v{min(at.month, 3)}", ""))
    return _timed(pd.DataFrame(rows, columns=list(SHADOW_SCORE)), "as_of", "launch_at")


def _timed(frame, *columns):
    return frame.assign(**{column: frame[column].astype(US) for column in columns})


def make_cells(history, as_of):
    """Return the cells that launch after `as_of`."""
    upcoming = history.launches[history.launches["launch_at"] > as_of]
    return upcoming[["title_id", "market", "surface", "launch_at", "launch_status"]].reset_index(drop=True)


@pytest.fixture
def history():
    """Return a catalogue of 240 titles, of which 200 launched before `as_of`."""
    return make_history()


@pytest.fixture
def as_of():
    """Return the time at which 200 titles have launched."""
    return (START + pd.Timedelta(days=100)).to_pydatetime()


@pytest.fixture(scope="session")
def make():
    """Return the maker of histories, of cells, and of changed histories."""
    return make_history, make_cells, replace


@pytest.fixture(scope="session")
def shadow_of():
    """Return the maker of a recommender's answers."""
    return make_shadow


@pytest.fixture
def quiet():
    """Return a progress that says nothing."""
    return lambda what, done: None
