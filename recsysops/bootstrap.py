"""Composition root: the only module that joins settings, store, engine and plug-ins. Opens nothing at import."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial, wraps
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from recsysops import __version__
from recsysops.clock import Clock, system_clock
from recsysops.domain.history import Progress
from recsysops.domain.title_view import Comparables, TitleView
from recsysops.domain.views import Board
from recsysops.errors import UsageError
from recsysops.plugins import DETECTORS, PluginReport, load_plugins
from recsysops.service.context import Context, ignore_progress
from recsysops.settings import FILE_NAME, Settings, read_settings

if TYPE_CHECKING:
    from fastapi import FastAPI

    from recsysops.service.ports import Store

REQUIREMENTS_FILE = "metadata.toml"

P = ParamSpec("P")
T = TypeVar("T")


@contextmanager
def reading(settings_file: Path, clock: Clock = system_clock) -> Iterator[Context]:
    """Yield the ports on a store that is only read."""
    from recsysops.store import open_store

    settings = read_settings(settings_file)
    yield join(settings, open_store(settings.store_url, read_only=True), clock=clock)


@contextmanager
def writing(
    settings_file: Path, verb: str, progress: Progress = ignore_progress, clock: Clock = system_clock
) -> Iterator[Context]:
    """Yield the ports for a writing verb: one process at a time, a later one waits or learns who holds the store."""
    from recsysops.store import open_store
    from recsysops.store.lock import writer_lock

    settings = read_settings(settings_file)
    load_plugins(settings)  # wrong settings of a plug-in are told before anything is waited for or made
    wait = settings.service.lock_wait_seconds
    with writer_lock(settings.data_folder, wait_seconds=wait, verb=verb, progress=progress):
        yield join(settings, open_store(settings.store_url), clock=clock, progress=progress)


def join(
    settings: Settings, store: "Store", *, clock: Clock = system_clock, progress: Progress = ignore_progress
) -> Context:
    """Make the context of these settings on an open store."""
    from recsysops.events import EngineLimits, IbisAggregator
    from recsysops.model.forecaster import LaunchForecaster
    from recsysops.quality import GreatExpectationsChecks
    from recsysops.sources import FileReader, read_requirements

    plugins = load_plugins(settings)
    named = settings.metadata.requirements
    return Context(
        settings=settings,
        clock=clock,
        store=store,
        reader=FileReader(settings.folder),
        aggregator=IbisAggregator(EngineLimits(folder=settings.data_folder / "engine", threads=settings.model.threads)),
        forecaster=LaunchForecaster(),
        checks=GreatExpectationsChecks(settings.metadata.placeholders),
        requirements=read_requirements(None if named is None else settings.folder / named),
        detectors=plugins.detectors,
        channels=plugins.channels,
        refused_detectors={p.name: p.reason for p in plugins.refused if p.group == DETECTORS},
        progress=progress,
    )


def known_plugins(settings_file: Path) -> PluginReport:
    """Return what is installed; without a settings file everything stands at its defaults."""
    return load_plugins(read_settings(settings_file) if settings_file.is_file() else Settings())


def write_starter(folder: Path, name: str, *, force: bool) -> tuple[Path, ...]:
    """Write commented settings and requirements into `folder`.

    Raises:
        UsageError: A file is there already and `force` is not given; nothing was written.
    """
    from recsysops.sources import starter_requirements, starter_settings

    texts = {folder / FILE_NAME: starter_settings(name), folder / REQUIREMENTS_FILE: starter_requirements()}
    there = [str(path) for path in texts if path.exists()]
    if there and not force:
        raise UsageError(f"{' and '.join(there)} exist. Nothing was written; pass --force to overwrite.")
    folder.mkdir(parents=True, exist_ok=True)
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")
    return tuple(texts)


def find_comparables(context: Context, cell: tuple[str, str, str], as_of: datetime, measure: str, horizon: int) -> Any:  # noqa: ANN401 - a frame
    """Return the comparable titles of a cell; see `Forecaster.comparables`."""
    from recsysops.service.history import read_history

    with context.store.read() as unit:
        history = read_history(context, unit)
    return context.forecaster.comparables(history, cell, as_of, measure, horizon, context.settings.model)


def explained(context: Context, title_id: str) -> tuple[TitleView, Comparables | None]:
    """Return a title's page, and the comparable titles of its first target that has a plan, else of its first."""
    from recsysops.service.queries.snapshot import take_snapshot
    from recsysops.service.queries.title import comparables, title

    with context.store.read() as unit:
        snapshot = take_snapshot(unit)
    now = context.as_of()
    view = title(context.store, snapshot, title_id, requirements=context.requirements, now=now)
    if not view.targets:
        return view, None
    first = next((target for target in view.targets if target.expected), view.targets[0])
    target = (title_id, first.market, first.surface), first.measure, first.horizon
    return view, comparables(context.store, snapshot, target, find=partial(find_comparables, context), now=now)


def board_of(context: Context) -> Board:
    """Return the first page of the launch board."""
    from recsysops.domain.views import BoardFilter
    from recsysops.service.queries.board import board
    from recsysops.service.queries.snapshot import take_snapshot

    with context.store.read() as unit:
        snapshot = take_snapshot(unit)
    return board(snapshot, BoardFilter(), service=context.settings.service.name, now=context.as_of())


def api_application(context: Context, api_key: str) -> "FastAPI":
    """Return the HTTP API on these ports."""
    from recsysops.http import ApiContext, create_app
    from recsysops.metrics import CONTENT_TYPE, exposition
    from recsysops.service.check import check

    return create_app(
        ApiContext(
            store=context.store,
            clock=context.as_of,
            api_key=api_key,
            version=__version__,
            service=context.settings.service.name,
            requirements=context.requirements,
            check=_one_at_a_time(partial(check, context)),
            exposition=lambda vitals: exposition(vitals, __version__),
            exposition_type=CONTENT_TYPE,
            comparables=_one_at_a_time(partial(find_comparables, context)),
            ready=partial(_ready, context),
        )
    )


def _one_at_a_time(work: Callable[P, T]) -> Callable[P, T]:
    """Return `work` behind a lock: requests come in threads, table checks and forecaster keep state between calls."""
    lock = Lock()

    @wraps(work)
    def alone(*args: P.args, **kwargs: P.kwargs) -> T:
        with lock:
            return work(*args, **kwargs)

    return alone


def _ready(context: Context) -> None:
    """Raise StoreError where the store's schema is not the one this version needs."""
    from recsysops.store import open_store

    open_store(context.settings.store_url, read_only=True).close()
