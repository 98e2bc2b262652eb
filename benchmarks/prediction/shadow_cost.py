"""What asking a recommender costs: 1,000 titles of one launch window, 10,000 members, on two cores and in 4 GB.

The recommender is in memory and does what the simplest real one would: an inner product of 64 numbers for each member
and title. Everything else is what a run does: thresholds of the whole catalogue, the window alone and jointly,
estimates and their standard error. Run alone: `python -m benchmarks.prediction.shadow_cost [--small]`.
"""

import argparse
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.speed._goals import Goal, report
from recsysops import columns as c
from recsysops.contract.recommender import Ability, AskedTitle, Place
from recsysops.domain.shadow import LaunchWindow, MemberSample
from recsysops.settings import ShadowSettings
from recsysops.shadow.asking import ShadowSession
from recsysops.shadow.guarded import GuardedRecommender

SECONDS, GIGABYTES, N_DIMENSIONS, RUNS = 60.0, 4.0, 64, 3
AT = datetime(2026, 3, 2, tzinfo=UTC)


@dataclass
class Factors:
    """A recommender of factors: the number in an id is its row."""

    members: np.ndarray
    titles: np.ndarray
    abilities: frozenset[Ability] = frozenset({Ability.SCORE})
    version: str = "factors"
    seconds: float = field(default=0.0)

    def score(self, members: Sequence[str], titles: Sequence[AskedTitle], place: Place) -> np.ndarray:  # noqa: ARG002
        began = time.perf_counter()
        rows = self.members[[int(each) for each in members]]
        scores = rows @ self.titles[[int(each.title_id) for each in titles]].T
        self.seconds += time.perf_counter() - began
        return scores


def question(n_titles: int, n_members: int, n_offered: int) -> tuple[Factors, LaunchWindow, MemberSample]:
    rng = np.random.default_rng(1)
    factors = Factors(
        members=rng.standard_normal((n_members, N_DIMENSIONS), dtype=np.float32),
        titles=rng.standard_normal((n_titles + n_offered, N_DIMENSIONS), dtype=np.float32),
    )
    asked = [str(i) for i in range(n_titles)]
    cells = pd.DataFrame({c.TITLE_ID: asked, c.MARKET: "all", c.SURFACE: "all", c.LAUNCH_AT: AT + timedelta(days=7)})
    window = LaunchWindow(
        market="all", surface="all", at=AT + timedelta(days=7), as_of=AT, cells=cells,
        on_offer=tuple(str(n_titles + i) for i in range(n_offered)),
    )  # fmt: skip
    strata = np.arange(1, 15)
    sample = MemberSample(
        members=tuple(str(i) for i in range(n_members)), stratum=rng.integers(0, 14, n_members),
        shares=strata / strata.sum(), sizes=np.full(14, n_members),
    )  # fmt: skip
    return factors, window, sample


def measure(*, small: bool = False) -> list[Goal]:
    n_titles, n_members, n_offered = (50, 500, 400) if small else (1_000, 10_000, 10_000)
    factors, window, sample = question(n_titles, n_members, n_offered)
    settings = ShadowSettings(members=n_members)
    took, processor, answered = [], [], 0
    for _ in range(1 if small else RUNS):
        factors.seconds = 0.0
        began, busy = time.perf_counter(), time.process_time()
        frame = ShadowSession(GuardedRecommender(factors, settings), settings).ask(window, sample)
        took.append(time.perf_counter() - began)
        processor.append(time.process_time() - busy)
        answered = int(frame[c.REACH_JOINT].notna().sum())
    gigabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)
    what = f"{n_titles:,} titles x {n_members:,} members, {n_offered:,} titles on offer"
    seconds = float(np.median(took))
    figure = (
        f"{seconds:.1f} s (worst {max(took):.1f} s; {np.median(processor):.1f} s of the processor; "
        f"{factors.seconds:.1f} s in the recommender)"
    )
    return [
        Goal(f"shadow: {what}", figure, f"<= {SECONDS:.0f} s", seconds <= SECONDS and answered == n_titles, len(took)),
        Goal("shadow: largest memory", f"{gigabytes:.2f} GB", f"<= {GIGABYTES:.0f} GB", gigabytes <= GIGABYTES, 1),
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="see in seconds that it runs; the figures mean nothing")
    sys.exit(report("shadow_cost", measure(small=parser.parse_args().small)))
