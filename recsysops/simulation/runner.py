"""Runs a simulation from settings to files: builds the world, serves both markets, writes what the service would have.

The markets are served by processes of their own where `workers` allows; the result does not depend on it.
"""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
import pandas as pd

from recsysops.columns import HORIZON, LAUNCH_AT, MARKET, OBSERVED_AT, SURFACE, TITLE_ID
from recsysops.simulation import _fields as f
from recsysops.simulation.catalogue import People, Titles, make_people, make_titles
from recsysops.simulation.descriptions import describe
from recsysops.simulation.expectations import make_expectations
from recsysops.simulation.faults import INDEX_DELAY_DAYS, Fault, corrupt, plant
from recsysops.simulation.files import (
    CATALOGUE_DIRT,
    EXPECTATION_DIRT,
    PLAN_DIRT,
    LogCounts,
    LogNames,
    whole_numbers,
    write_csv,
    write_logs,
)  # fmt: skip
from recsysops.simulation.members import make_members
from recsysops.simulation.planning import PAST, UNANNOUNCED, UPCOMING, Slate, launch_plan, make_slate
from recsysops.simulation.recommender import Readings, read
from recsysops.simulation.report import DirtyRow, PlantedFault, SimulationReport
from recsysops.simulation.serving import MarketWorld, serve_market
from recsysops.simulation.state import TitleState, announcements
from recsysops.simulation.truth import Treatment, fault_table, repeats_table, treatment_table
from recsysops.simulation.versions import catalogue_rows, make_versions
from recsysops.simulation.world import MARKETS, Ints, WorldConfig

Progress = Callable[[str, float], None]
_NEVER: Final = 1_000_000
_CHUNK: Final = 15
_SERVE, _WRITE = "members watch, the recommender learns", "writing log files"
T = TypeVar("T")


@dataclass(frozen=True)
class World:
    """A world before its first day."""

    config: WorldConfig
    slate: Slate
    titles: Titles
    people: People
    described: pd.DataFrame
    versions: pd.DataFrame
    """As the service sees them, faults included, followed by those of the shadow titles without faults."""
    readings: Readings
    faults: tuple[Fault, ...]


def build_world(config: WorldConfig) -> World:
    """Build the titles, their metadata over time and the faults in it, and let the recommender read them."""
    slate = make_slate(config)
    people = make_people(config)
    titles = make_titles(config, slate, people)
    described = describe(config, slate, titles)
    clean = make_versions(config, slate, titles, described)
    faults = plant(config, slate, titles)
    shadow = {fault.row: len(slate.role) + k for k, fault in enumerate(faults)}
    shadows = clean[clean[f.TITLE].isin(shadow)]
    shadows = shadows.assign(**{f.TITLE: shadows[f.TITLE].map(shadow)})
    versions = pd.concat([corrupt(config, clean, faults), shadows], ignore_index=True)
    versions = versions.sort_values([OBSERVED_AT, f.TITLE], kind="stable", ignore_index=True)
    return World(config, slate, titles, people, described, versions, read(versions, people), faults)


def market_world(world: World, market: int) -> MarketWorld:
    """Return the world as one market's service needs it, small enough to hand to another process."""
    slate, n = world.slate, len(world.slate.role)
    original = np.concatenate([np.arange(n), [fault.row for fault in world.faults]]).astype(np.int64)
    launch_day = np.where(slate.cancelled, _NEVER, slate.launch_day)[original]
    first_day = launch_day.copy()
    for fault in world.faults:
        if fault.kind.name == "not_indexed":
            first_day[fault.row] += INDEX_DELAY_DAYS[fault.severity - 1]
    return MarketWorld(
        config=world.config, market=market, titles=world.titles, people=world.people, readings=world.readings,
        version_row=world.versions[f.TITLE].to_numpy(), version_at=_microseconds(world.versions[OBSERVED_AT]),
        original=original,
        launch_day=launch_day, first_day=first_day, n_known=n_known(slate),
        is_announced=(slate.role == PAST) | (slate.role == UPCOMING),
    )  # fmt: skip


def n_known(slate: Slate) -> int:
    """Return how many titles have been launched or announced by `as_of`; the others follow after them."""
    return int(np.count_nonzero(slate.role != UNANNOUNCED))


def _title_state(world: World, plan: pd.DataFrame) -> TitleState:
    """Return what the recommender knows of titles at `as_of`."""
    config, slate = world.config, world.slate
    at, row = _microseconds(world.versions[OBSERVED_AT]), world.versions[f.TITLE].to_numpy()
    as_of = np.array([int(config.as_of.timestamp()) * 1_000_000])
    known = np.flatnonzero((at <= as_of[0]) & (row < n_known(slate)))
    return TitleState(
        title_id=np.array(slate.item_id[: n_known(slate)]), version_row=row[known], version_at=at[known],
        readings=world.readings.take(known), people=world.people.topics, as_of=as_of,
        **announcements(config, slate, plan, world.titles.in_market),
    )  # fmt: skip


def _microseconds(times: pd.Series) -> Ints:
    return np.asarray(times.dt.tz_localize(None).to_numpy().astype("datetime64[us]").astype(np.int64))


def simulate(config: WorldConfig, folder: Path, progress: Progress | None = None) -> SimulationReport:
    """Simulate a streaming service and write its files into `folder`.

    Args:
        config: Size, seed and time of the world.
        folder: Where to write; made if absent, files of the same name are replaced.
        progress: Told the name of a step and how much of it is done, 0-1.

    Returns:
        The files, counts, planted faults and dirty rows.
    """
    tell = progress or (lambda _step, _done: None)
    tell("building the world", 0.0)
    world = build_world(config)
    parts = folder / ".parts"
    for name in ("impressions", "interactions", "truth", "recommender"):
        shutil.rmtree(folder / name, ignore_errors=True)
        (folder / name).mkdir(parents=True)
    shutil.rmtree(parts, ignore_errors=True)
    parts.mkdir()
    tell("building the world", 1.0)
    try:
        with _executor(config.workers) as executor:
            treatment = _serve(world, parts, executor, tell)
            counts = _write_logs(world, parts, executor, tell)
    finally:
        shutil.rmtree(parts, ignore_errors=True)
    return _write_tables(world, treatment, counts, folder)


@contextmanager
def _executor(workers: int) -> Iterator[Executor | None]:
    """Start worker processes that compute with one thread each; None where the work is done in this process."""
    if workers == 1:
        yield None
        return
    # Spawned processes read these when they load numpy; several threads in each would fight for the same cores.
    names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        with ProcessPoolExecutor(min(workers, 8), mp_context=get_context("spawn")) as executor:
            yield executor
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def _run(
    executor: Executor | None, work: Callable[..., T], jobs: Sequence[tuple[Any, ...]], watch: Callable[[int], None]
) -> list[T]:
    """Do all jobs, here or in the workers, and return their results in order; `watch` is told how many are done."""
    if executor is None:
        results = []
        for job in jobs:
            results.append(work(*job))
            watch(len(results))
        return results
    futures: list[Future[T]] = [executor.submit(work, *job) for job in jobs]
    open_futures = set(futures)
    while open_futures:
        done, open_futures = wait(open_futures, timeout=0.3, return_when=FIRST_COMPLETED)
        for future in done:
            future.result()
        watch(len(futures) - len(open_futures))
    return [future.result() for future in futures]


def _serve(world: World, parts: Path, executor: Executor | None, tell: Progress) -> list[Treatment]:
    n_parts = 2 * len(MARKETS) * 7 * world.config.n_weeks
    tell(_SERVE, 0.0)
    jobs = [(market_world(world, m), parts) for m in range(len(MARKETS))]
    return _run(executor, serve_market, jobs, lambda _done: tell(_SERVE, sum(1 for _ in parts.iterdir()) / n_parts))


def _write_logs(world: World, parts: Path, executor: Executor | None, tell: Progress) -> LogCounts:
    config, folder = world.config, parts.parent
    members = tuple(make_members(config, m).pseudonym for m in range(len(MARKETS)))
    names = LogNames(members, world.slate.item_id[: n_known(world.slate)])
    dates = range(7 * config.n_weeks)
    jobs = [(config, names, parts, folder, dates[k : k + _CHUNK]) for k in range(0, len(dates), _CHUNK)]
    tell(_WRITE, 0.0)
    counts = _run(executor, write_logs, jobs, lambda done: tell(_WRITE, done / len(jobs)))
    return LogCounts(
        sum(c.n_impressions for c in counts), sum(c.n_interactions for c in counts), min(c.min_active for c in counts)
    )


def _write_tables(world: World, by_market: Sequence[Treatment], counts: LogCounts, folder: Path) -> SimulationReport:
    """Write catalogue, launch plan, expectations and truth, and sum everything up."""
    config, slate, titles = world.config, world.slate, world.titles
    treatment = treatment_table(config, slate, by_market, world.faults, titles.in_market)
    faults = fault_table(world.faults, treatment)
    known = np.flatnonzero(slate.role != UNANNOUNCED)
    catalogue = catalogue_rows(slate, world.versions, known, pd.Timestamp(config.as_of))
    catalogue = whole_numbers(catalogue, (f.ARTWORK_WIDTH, f.ARTWORK_HEIGHT))
    plan = launch_plan(config, slate, titles.in_market)
    _title_state(world, plan).save(folder / "recommender")
    dirty: list[DirtyRow] = []
    dirty += write_csv(folder / "catalogue.csv", catalogue, CATALOGUE_DIRT)
    dirty += write_csv(folder / "launch_plan.csv", plan, PLAN_DIRT)
    dirty += write_csv(folder / "expectations.csv", make_expectations(config, slate, treatment), EXPECTATION_DIRT)
    treatment.drop(columns=f.TITLE).to_parquet(folder / "truth" / "treatment.parquet", index=False)
    faults.to_csv(folder / "truth" / "faults.csv", index=False, lineterminator="\n")
    if config.n_repeats:
        repeats = repeats_table(config, slate, by_market, world.faults, titles.in_market).drop(columns=f.TITLE)
        repeats.to_parquet(folder / "truth" / "repeats.parquet", index=False)
    n_past = sum(slate.role[fault.row] == PAST for fault in world.faults)
    return SimulationReport(
        folder=folder, catalogue=folder / "catalogue.csv", launch_plan=folder / "launch_plan.csv",
        expectations=folder / "expectations.csv", impressions=folder / "impressions",
        interactions=folder / "interactions",
        truth_treatment=folder / "truth" / "treatment.parquet", truth_faults=folder / "truth" / "faults.csv",
        as_of=config.as_of, n_days=7 * config.n_weeks, n_impressions=counts.n_impressions,
        n_interactions=counts.n_interactions, n_titles=len(known),
        n_upcoming=int(np.count_nonzero((slate.role == UPCOMING) & ~slate.cancelled)), n_past_faults=int(n_past),
        min_active=counts.min_active, planted=_planted(world, treatment, faults), dirty=tuple(dirty),
    )  # fmt: skip


def _planted(world: World, treatment: pd.DataFrame, faults: pd.DataFrame) -> tuple[PlantedFault, ...]:
    """Describe the faults of upcoming titles by the cell each costs most, earliest launch first."""
    first = treatment[treatment[HORIZON] == 1]
    planted = []
    for fault in world.faults:
        if world.slate.role[fault.row] != UPCOMING:
            continue
        cells = first[first[f.TITLE] == fault.row]
        worst = cells.iloc[int((cells[f.REACH_WITHOUT_FAULTS] - cells[f.REACH]).to_numpy().argmax())]
        title_id = world.slate.item_id[fault.row]
        planted.append(PlantedFault(
            title_id=title_id, title=str(world.described[f.ITEM_NAME].iloc[fault.row]), field=fault.kind.field,
            kind=fault.kind.name, severity=fault.severity, market=worst[MARKET], surface=worst[SURFACE],
            launch_at=worst[LAUNCH_AT].to_pydatetime(), reach=float(worst[f.REACH]),
            reach_without_faults=float(worst[f.REACH_WITHOUT_FAULTS]),
            material=bool(faults.loc[faults[TITLE_ID] == title_id, f.MATERIAL].any()), words=fault.kind.words,
        ))  # fmt: skip
    return tuple(sorted(planted, key=lambda p: (p.launch_at, p.title_id)))
