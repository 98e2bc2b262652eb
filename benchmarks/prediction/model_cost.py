"""What the model costs: training on past launches, predicting many titles, memory. Goals of issue 4.

Run alone: `python -m benchmarks.prediction.model_cost [--small]`; threads as many as cores, at most 2.
"""

import argparse
import resource
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.speed._goals import Goal, report
from recsysops.columns import ALL, LAUNCH_VERSION, OUTCOMES, PLANNED, SHADOW_SCORE, TITLE_VERSION
from recsysops.domain.history import History
from recsysops.model.forecaster import LaunchForecaster
from recsysops.settings import ModelSettings

AS_OF = datetime(2026, 1, 1, tzinfo=UTC)
US = "datetime64[us, UTC]"
TRAIN_SECONDS, PREDICT_SECONDS, MEMORY_GB = 120.0, 10.0, 4.0


@dataclass(frozen=True)
class Size:
    """How much of everything."""

    n_past: int
    n_upcoming: int


@dataclass(frozen=True)
class Clocks:
    """Seconds by the clock, and of the processor: on a machine that does other things the clock says little."""

    wall: float
    processor: float

    @classmethod
    def now(cls) -> "Clocks":
        return cls(time.perf_counter(), time.process_time())

    def since(self) -> "Clocks":
        now = Clocks.now()
        return Clocks(now.wall - self.wall, now.processor - self.processor)

    def __str__(self) -> str:
        return f"{self.wall:.1f} s ({self.processor:.1f} s of the processor)"


FULL, SMALL = Size(10_000, 100_000), Size(500, 2_000)


def measure(size: Size = FULL) -> list[Goal]:
    """Train one model and predict every upcoming title with it, as `recsysops train` and `predict` do."""
    history, cells = made(size)
    settings = ModelSettings(threads=2)
    with tempfile.TemporaryDirectory() as folder:
        begun = Clocks.now()
        card = LaunchForecaster().train(history, AS_OF, "reach", 1, settings, Path(folder), lambda *_: None)
        trained = begun.since()
        begun = Clocks.now()
        found = LaunchForecaster().predict(history, cells, AS_OF, {("reach", 1): card}, settings, Path(folder))
        predicted = begun.since()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    answered = found[found["q50"].notna()].groupby("predictor").size().to_dict()
    said = ", ".join(f"{n:,} by {name.replace('_', ' ')}" for name, n in sorted(answered.items()))
    return [
        Goal(
            f"train one model on {size.n_past:,} launches", str(trained), f"{TRAIN_SECONDS:.0f} s",
            trained.wall <= TRAIN_SECONDS, 1,
        ),
        Goal(
            f"predict {size.n_upcoming:,} titles with it (answered {said})", str(predicted),
            f"{PREDICT_SECONDS:.0f} s", predicted.wall <= PREDICT_SECONDS, 1,
        ),
        Goal("memory, at most", f"{peak:.2f} GB", f"{MEMORY_GB:.0f} GB", peak <= MEMORY_GB, 1),
    ]  # fmt: skip


def made(size: Size) -> tuple[History, pd.DataFrame]:
    """Return a history with metadata, outcomes and shadow scores, and the upcoming cells."""
    rng = np.random.default_rng(1)
    n = size.n_past + size.n_upcoming
    is_past = np.arange(n) < size.n_past
    days = np.where(is_past, -rng.uniform(2, 700, n), rng.uniform(0.5, 28, n))
    launch = (pd.Timestamp(AS_OF) + pd.to_timedelta(days, unit="D")).as_unit("us")
    title = np.array([f"t{at:06d}" for at in range(n)], dtype=object)
    market = rng.choice(["US", "DE", "FR", "JP"], n)
    seen = launch - pd.Timedelta(days=30)
    provider = rng.choice([f"p{at}" for at in range(40)], n)
    versions = (title, ALL, seen, title, None, provider, fields(rng, n))
    titles = pd.DataFrame(dict(zip(TITLE_VERSION, versions, strict=True)))
    launches = pd.DataFrame(dict(zip(LAUNCH_VERSION, (title, market, "home", seen, launch, PLANNED), strict=True)))
    level = rng.normal(-2, 1, n)
    share = 1 / (1 + np.exp(-(level + rng.normal(0, 0.4, n))))
    end = launch + pd.Timedelta(days=1)
    counted = (title, market, "home", "reach", 1, launch, end, share, share * 1e4, 1e4, False)
    outcomes = pd.DataFrame(dict(zip(OUTCOMES, counted, strict=True)))[is_past]
    shadow = answers(rng, (title, market, launch, level))
    history = History(
        titles=timed(titles, "observed_at"), launches=timed(launches, "observed_at", "launch_at"),
        outcomes=timed(outcomes, "launch_at", "known_at"), shadow=timed(shadow, "as_of", "launch_at"),
    )  # fmt: skip
    cells = launches[~is_past][["title_id", "market", "surface", "launch_at", "launch_status"]]
    return history, timed(cells.reset_index(drop=True), "launch_at")


def fields(rng: np.random.Generator, n: int) -> list[dict[str, object]]:
    """Return metadata: genres, people, a text, numbers; some of it missing. Some people and words are everywhere."""
    genres, people = rng.integers(0, 20, (n, 2)), (rng.random((n, 5)) ** 3 * n / 4).astype(np.int64)
    words, numbers = (rng.random((n, 25)) ** 3 * 20_000).astype(np.int64), rng.uniform(60, 180, n)
    lacks, rating = rng.random(n) < 0.1, rng.integers(0, 5, n)
    return [
        {
            "genres": [f"g{g}" for g in genres[at].tolist()], "cast": [f"c{c}" for c in people[at, :4].tolist()],
            "director": f"d{people[at, 4]}", "runtime": float(numbers[at]), "maturity_rating": f"r{rating[at]}",
            "synopsis": None if lacks[at] else " ".join(f"w{w}" for w in words[at].tolist()),
        }
        for at in range(n)
    ]  # fmt: skip


def answers(rng: np.random.Generator, of: tuple[np.ndarray, ...]) -> pd.DataFrame:
    """Return what a recommender said of every title two weeks and a day before its launch, if that has been."""
    title, market, launch, level = of
    parts = []
    for before in (28, 14, 1):
        joint = 1 / (1 + np.exp(-(level + rng.normal(0, 0.5, len(level)))))
        at = launch - pd.Timedelta(days=before)
        values = (title, market, "home", at, launch, 2000, 1.0, 0.9, joint, np.minimum(joint * 1.1, 1), 0.01, 0.7, -1.0,
                  -0.2, 0.5, "v1", "")  # fmt: skip
        parts.append(pd.DataFrame(dict(zip(SHADOW_SCORE, values, strict=True)))[at <= pd.Timestamp(AS_OF)])
    return pd.concat(parts, ignore_index=True)


def timed(frame: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Return the frame with times of one resolution."""
    return frame.assign(**{column: pd.to_datetime(frame[column], utc=True).astype(US) for column in columns})


def main() -> int:
    """Measure, print, write build/bench/model_cost.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="a smoke test in seconds")
    given = parser.parse_args()
    return report("model_cost", measure(SMALL if given.small else FULL))


if __name__ == "__main__":
    sys.exit(main())
