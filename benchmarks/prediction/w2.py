"""World W2: MovieTweetings' members and titles, with the trained recommender as production and planted faults.

    python benchmarks/prediction/w2.py [--seed N] [--small] [--data FOLDER]

prints what a world holds and how long it took to make. Who comes is drawn from the days on which members rated; what
they are shown is what the adapter `trained` answers for that day, on a page with noise of its own; what a fault in the
metadata does is computed by asking again with the metadata as they should be. Nothing about an effect is assumed. A
world lies in build/bench/w2-<seed> and is made anew when its size or the code that makes it changes.
"""

import argparse
import hashlib
import shutil
import sys
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import _w2_catalogue
import _w2_run
import _w2_service
import numpy as np
import pandas as pd
from _w2_catalogue import LISTS, READ, make_plan
from _w2_run import Service, ceiling_of, run
from _w2_service import PLACE, Members
from _world import World, labels, origins

import recsysops.shadow
import recsysops.trained
from recsysops.bootstrap import writing
from recsysops.columns import DENOMINATOR, MARKET, SURFACE, TITLE_ID
from recsysops.domain.history import History
from recsysops.service.history import read_history
from recsysops.service.run import ingest_as_run
from recsysops.service.shadow import shadow
from recsysops.settings import ModelSettings
from recsysops.simulation.ceiling import Ceiling
from recsysops.trained.adapter import TrainedSettings
from recsysops.trained.asked import TrainedRecommender

ROOT = Path(__file__).resolve().parents[2]
UPCOMING_DAYS = 14
"""Titles that launch within so many days are asked about every Monday, so each title twice."""
_MADE = "made.txt"
_DAY = timedelta(days=1)

RECOMMENDER = {
    "type": "trained", "events": "events.csv.gz", "titles": "catalogue.csv", "columns": {"member_id": "user_id"},
    "epoch_unit": "s", "lists": dict.fromkeys(LISTS, "|"), "bins": dict.fromkeys(READ, 10), "new_days": 14,
    "retrain_from": "2013-01-05", "new_bonus": 0.01, "candidates": 150,
}  # fmt: skip
"""Settings of the adapter, for production and for who is asked: trained on Saturdays, asked on Mondays."""

SETTINGS = """\
[service]
name = "MovieTweetings, served by the trained recommender"

[markets.all]
launch_time = "00:00"
time_zone = "UTC"

[sources.titles]
path = "catalogue.csv"
lists = {{ {lists} }}
ignore = ["launch_at"]

[sources.launches]
path = "launches.csv"

[sources.impressions]
path = "impressions/*.parquet"
day = 'impressions-(?P<day>\\d{{4}}-\\d{{2}}-\\d{{2}})'

[treatment]
measures = ["reach"]

[recommender]
type = "trained"
events = "events.csv.gz"
titles = "catalogue.csv"
columns = {{ member_id = "user_id" }}
epoch_unit = "s"
lists = {{ {lists} }}
bins = {{ {bins} }}
retrain_from = "{retrain_from}"
new_days = {new_days}
new_bonus = {new_bonus}
candidates = {candidates}

[shadow]
members = 3000
window_days = 1
total_seconds = 3600
timeout_seconds = 120

[model]
upcoming_days = {upcoming}
"""


@dataclass(frozen=True)
class Config:
    """The size of a world."""

    seed: int
    first: datetime = datetime(2013, 4, 22, tzinfo=UTC)
    """First day of the logs, a Monday."""
    n_weeks: int = 28
    n_launches: int = 5500
    n_repeats: int = 2
    """How often each launch day is served again, for the ceiling."""
    warm_up: int = 2000
    refit_weeks: int = 3
    horizons: tuple[int, ...] = (1, 7, 28)

    @property
    def days(self) -> tuple[pd.Timestamp, pd.Timestamp]:
        """First day, and the day after the last."""
        return pd.Timestamp(self.first), pd.Timestamp(self.first + self.n_weeks * 7 * _DAY)


def config_of(seed: int, *, small: bool) -> Config:
    """Return the size of a world: 5,500 launches in 28 weeks, 15 % of them faulty; small: 1,200 in 12 weeks."""
    config = Config(seed)
    return replace(config, n_weeks=12, n_launches=1200, warm_up=300, horizons=(1, 7)) if small else config


def world(seed: int, data: Path, *, small: bool) -> World:
    """Return the world of a seed, made if it is not there yet; see `w1.world`."""
    return loaded(folder_of(seed, small=small), config_of(seed, small=small), data)


def loaded(folder: Path, config: Config, data: Path) -> World:
    """Return the world that lies in a folder, made if it is not there yet."""
    if not _is_made(folder, config):
        make(folder, config, data)
    history, settings = _read(folder / "recsysops.toml")
    faults = pd.read_csv(folder / "truth" / "faults.csv", dtype="str")
    planted = faults[[TITLE_ID]].drop_duplicates(ignore_index=True).assign(**{MARKET: PLACE, SURFACE: PLACE})
    made = World(
        name="w2", seed=config.seed, history=history, measure="reach", horizons=config.horizons,
        settings=settings.model_copy(update={"seed": config.seed, "threads": 1}), first_origin=config.first,
        warm_up=config.warm_up, refit_weeks=config.refit_weeks, planted=planted,
    )  # fmt: skip
    best = ceiling(folder, made)
    return replace(made, ceiling={1: best.r2_before_launch}, hindsight={1: best.r2})


def ceiling(folder: Path, made: World) -> Ceiling:
    """Return the best R2 of first-day reach over the cells that are predicted; over all, where none is yet."""
    known = labels(made, 1)
    asked = known[known["week"].isin(origins(made, known))]
    return ceiling_of(folder, asked if len(asked) else known)


def make(folder: Path, config: Config, data: Path) -> None:
    """Serve every day, ingest, and ask the recommender every Monday as it stood then."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "impressions").mkdir(parents=True)
    (folder / "truth").mkdir()
    plan = make_plan(data, config.seed, config.days, config.n_launches)
    plan.catalogue.to_csv(folder / "catalogue.csv", index=False)
    plan.launches.to_csv(folder / "launches.csv", index=False)
    plan.faults.to_csv(folder / "truth" / "faults.csv", index=False)
    (folder / "events.csv.gz").symlink_to((data / "events.csv.gz").resolve())
    settings = _write_settings(folder)
    options = {name: value for name, value in RECOMMENDER.items() if name != "type"}
    production = TrainedRecommender(TrainedSettings.model_validate(options), folder)
    service = Service(config.seed, plan, Members(data, _days(config)), production, config.n_repeats)
    run(service, folder, _days(config)).to_parquet(folder / "truth" / "repeats.parquet")
    with writing(settings, "benchmark") as ports:
        ingest_as_run(ports)
        for week in range(config.n_weeks):
            shadow(ports, as_of=config.first + timedelta(days=7 * week))
    (folder / _MADE).write_text(_signature(config), encoding="utf-8")


def _days(config: Config) -> pd.DatetimeIndex:
    return pd.date_range(*config.days, inclusive="left")


def _write_settings(folder: Path) -> Path:
    settings = folder / "recsysops.toml"
    filled = SETTINGS.format(
        lists=", ".join(f'{name} = "|"' for name in LISTS), upcoming=UPCOMING_DAYS,
        bins=", ".join(f"{name} = 10" for name in READ),
        **{name: RECOMMENDER[name] for name in ("retrain_from", "new_days", "new_bonus", "candidates")},
    )  # fmt: skip
    settings.write_text(filled, encoding="utf-8")
    return settings


def folder_of(seed: int, *, small: bool) -> Path:
    """Return where the world of a seed lies."""
    return ROOT / "build" / "bench" / f"w2-{seed}{'-small' if small else ''}"


def _read(settings: Path) -> tuple[History, ModelSettings]:
    with writing(settings, "benchmark") as ports, ports.store.read() as unit:
        return read_history(ports, unit), ports.settings.model


def _is_made(folder: Path, config: Config) -> bool:
    made = folder / _MADE
    return made.is_file() and made.read_text(encoding="utf-8") == _signature(config)


def _signature(config: Config) -> str:
    """Return what a world depends on: its size and the code of production, of the page and of the asking."""
    digest = hashlib.sha256()
    for package in (recsysops.trained, recsysops.shadow):
        for path in sorted(Path(str(package.__file__)).parent.glob("*.py")):
            digest.update(path.read_bytes())
    for module in (_w2_catalogue, _w2_run, _w2_service):
        digest.update(Path(str(module.__file__)).read_bytes())
    digest.update(Path(__file__).read_bytes())
    return f"{config!r}\nasked about {UPCOMING_DAYS} days ahead\n{digest.hexdigest()}\n"


def main() -> int:
    """Make a world and say what it holds."""
    from _worlds import DATA

    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--small", action="store_true", help="a small world in about two minutes")
    arguments.add_argument("--data", type=Path, default=DATA, help="folder of MovieTweetings")
    given = arguments.parse_args()
    began = time.perf_counter()
    made = world(given.seed, given.data, small=given.small)
    print(f"W2, seed {given.seed}: {time.perf_counter() - began:.0f} s")
    describe(folder_of(given.seed, small=given.small), made)
    return 0


def describe(folder: Path, made: World) -> None:
    """Print what a world holds."""
    known, history = labels(made, 1), made.history
    reach = 1.0 / (1.0 + np.exp(-known["y"].median()))
    print(f"{len(known):,} launches with a first day, {len(made.planted):,} titles with faults; "
          f"{known[DENOMINATOR].median():,.0f} members a day, median reach {reach:.2%}")  # fmt: skip
    n_answered = history.shadow["reach_joint"].notna().sum()
    print(f"{len(history.shadow):,} answers of the recommender, {n_answered:,} of them with reach")
    best = ceiling(folder, made)
    print(f"ceiling of R2, first day: {best.r2:.3f}; {best.r2_before_launch:.3f} for who knows no more than production "
          f"did on the Monday before (variance {best.variance:.3f}, chance and shock {best.unpredictable:.3f}, "
          f"learned since {best.hidden:.3f}, {best.n_cells:,} cells)")  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
