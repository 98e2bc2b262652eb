"""Composition root: the only module that joins settings, store, engine and plug-ins. Opens nothing at import."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from recsysops import __version__
from recsysops.clock import Clock, system_clock
from recsysops.deciding import decide, move_models
from recsysops.domain.contribution import AnswerParts
from recsysops.domain.history import Progress
from recsysops.domain.model import ModelCard
from recsysops.domain.title_view import Comparables, TitleView
from recsysops.domain.views import Board
from recsysops.errors import UsageError
from recsysops.log import configure_log
from recsysops.plugins import DETECTORS, PluginReport, load_plugins
from recsysops.service.context import Context, ignore_progress
from recsysops.settings import FILE_NAME, Settings, read_settings, with_model_settings

if TYPE_CHECKING:
    import pandas as pd
    from fastapi import FastAPI

    from recsysops.events import EngineLimits
    from recsysops.service.ports import Store
    from recsysops.sources.guesses import Starter
    from recsysops.store.archive import ArchiveReport

REQUIREMENTS_FILE = "metadata.toml"


@contextmanager
def reading(
    settings_file: Path, clock: Clock = system_clock, progress: Progress = ignore_progress
) -> Iterator[Context]:
    """Yield the ports on a store that is only read."""
    from recsysops.store import open_store

    settings = read_settings(settings_file)
    configure_log(settings.log)
    with closing(open_store(settings.store_url, read_only=True)) as store:
        yield join(settings, store, clock=clock, progress=progress)


@contextmanager
def writing(
    settings_file: Path, verb: str, progress: Progress = ignore_progress, clock: Clock = system_clock
) -> Iterator[Context]:
    """Yield the ports for a writing verb: one process at a time, a later one waits or learns who holds the store."""
    from recsysops.store import open_store
    from recsysops.store.lock import writer_lock

    settings = read_settings(settings_file)
    configure_log(settings.log)
    load_plugins(settings)  # wrong settings of a plug-in are told before anything is waited for or made
    wait = settings.service.lock_wait_seconds
    folder, url = settings.data_folder, settings.store_url
    with (
        writer_lock(folder, wait_seconds=wait, verb=verb, store_url=url, progress=progress),
        closing(open_store(url)) as store,
    ):
        yield join(settings, store, clock=clock, progress=progress)


def write_backup(settings_file: Path, target: Path, *, force: bool) -> "ArchiveReport":
    """Write one moment of the store, and the models it names, to a file; nobody is held up.

    Raises:
        UsageError: The file is there and `force` is not given.
    """
    from recsysops.store.backup import write_backup as write

    settings = read_settings(settings_file)
    made_by = f"recsysops {__version__}"
    url, folder, now = settings.store_url, settings.data_folder, system_clock()
    return write(url, folder, target, now=now, made_by=made_by, force=force)


def restore_backup(
    settings_file: Path, source: Path, *, force: bool, progress: Progress = ignore_progress
) -> "ArchiveReport":
    """Put a backup into the settings' store, which must be empty unless `force` is given, and its models beside it."""
    from recsysops.model.signing import signed_elsewhere
    from recsysops.store.lock import writer_lock
    from recsysops.store.restore import restore_backup as restore

    settings = read_settings(settings_file)
    url, folder, wait = settings.store_url, settings.data_folder, settings.service.lock_wait_seconds
    with writer_lock(folder, wait_seconds=wait, verb="restore", store_url=url, progress=progress):
        report = restore(url, folder, source, force=force)
    with reading(settings_file) as context, context.store.read() as unit:
        answering = [card.folder for card in unit.models.active()]
    return replace(report, n_untrusted=len(signed_elsewhere(folder, answering)))


def join(
    settings: Settings, store: "Store", *, clock: Clock = system_clock, progress: Progress = ignore_progress
) -> Context:
    """Make the context of these settings on an open store."""
    from recsysops.events import IbisAggregator, IbisMemberSampler
    from recsysops.model.forecaster import LaunchForecaster
    from recsysops.quality import GreatExpectationsChecks, SuiteChecks, read_suites
    from recsysops.shadow import askable
    from recsysops.sources import FileReader, read_requirements

    plugins = load_plugins(settings)
    named = settings.metadata.requirements
    limits = _engine_limits(settings)
    return Context(
        settings=settings,
        clock=clock,
        store=store,
        reader=FileReader(settings.folder, settings.reading, data=settings.data_folder),
        aggregator=IbisAggregator(limits),
        forecaster=LaunchForecaster(),
        checks=GreatExpectationsChecks(settings.metadata.placeholders),
        rules=SuiteChecks(read_suites(settings.suites_folder), settings.metadata.placeholders),
        requirements=read_requirements(None if named is None else settings.folder / named),
        recommender=askable(plugins.recommender, settings.folder, plugins.refused_recommender),
        sampler=IbisMemberSampler(limits, settings.model.seed),
        detectors=plugins.detectors,
        channels=plugins.channels,
        refused_detectors={p.name: p.reason for p in plugins.refused if p.group == DETECTORS},
        progress=progress,
    )


def _engine_limits(settings: Settings) -> "EngineLimits":
    from recsysops.events import EngineLimits

    return EngineLimits(
        spark_master=settings.engine.spark_master if settings.engine.kind == "spark" else "",
        memory_mb=settings.engine.memory_mb,
        threads=settings.model.threads,
        rows_per_pass=settings.engine.rows_per_pass,
        folder=settings.data_folder / "engine",
        keeps_state=settings.engine.keeps_state,
    )


def known_plugins(settings_file: Path) -> PluginReport:
    """Return what is installed; without a settings file everything stands at its defaults."""
    return load_plugins(read_settings(settings_file) if settings_file.is_file() else Settings())


def write_model_settings(settings_file: Path, values: Mapping[str, float]) -> None:
    """Write model settings into [model] of the settings file; every other line stays as it is.

    Raises:
        UsageError: The file cannot be changed safely.
    """
    text = with_model_settings(settings_file.read_text(encoding="utf-8"), values)
    settings_file.write_text(text, encoding="utf-8")
    read_settings(settings_file)


def write_starter(folder: Path, name: str, data: Sequence[str] = (), *, force: bool) -> "Starter":
    """Write commented settings and requirements into `folder`, guessed from the files that are there or named.

    Args:
        folder: Where to write; looked into when `data` names nothing.
        name: Name of the service.
        data: Files, folders and patterns to look into.
        force: Whether files that are there may be overwritten.

    Raises:
        UsageError: A file is there already and `force` is not given, or `data` names nothing; nothing was written.
    """
    from recsysops.sources import starter_requirements, starter_settings
    from recsysops.sources.guess import guess
    from recsysops.sources.guesses import Starter

    paths = folder / FILE_NAME, folder / REQUIREMENTS_FILE
    there = [str(path) for path in paths if path.exists()]
    if there and not force:
        raise UsageError(f"{' and '.join(there)} exist. Nothing was written; pass --force to overwrite.")
    guesses = guess(folder, data)
    texts = starter_settings(name, guesses), starter_requirements(guesses)
    folder.mkdir(parents=True, exist_ok=True)
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text, encoding="utf-8")
    return Starter(written=tuple(map(str, paths)), guesses=guesses)


def metadata_file(context: Context, settings_file: Path) -> str:
    """Return where the titles' metadata comes from: its file where it is one, else the settings, which name the source.

    Relative to the working directory where it lies below it.
    """
    source = context.settings.sources.get("titles")
    files = context.reader.files("titles", source) if source and source.path and source.format != "delta" else ()
    file = (files[0] if len(files) == 1 else settings_file).resolve()
    return str(file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file)


def find_comparables(context: Context, cell: tuple[str, str, str], as_of: datetime, measure: str, horizon: int) -> Any:  # noqa: ANN401 - a frame
    """Return the comparable titles of a cell; see `Forecaster.comparables`."""
    from recsysops.service.history import read_history

    with context.store.read() as unit:
        history = read_history(context, unit)
    return context.forecaster.comparables(history, cell, as_of, measure, horizon, context.settings.model)


def take_apart(context: Context, cell: "pd.DataFrame", as_of: datetime, card: ModelCard) -> AnswerParts:
    """Take a model's answer for one cell apart; see `Forecaster.contributions`."""
    from recsysops.service.history import read_history

    with context.store.read() as unit:
        history = read_history(context, unit)
    return context.forecaster.contributions(
        history, cell, as_of, card, context.settings.model, context.artifacts_folder
    )  # fmt: skip


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
    from recsysops.metrics import CONTENT_TYPE, HttpMetrics, exposition
    from recsysops.service.check import check
    from recsysops.service.check_given import GivenCheck, SharedCheck
    from recsysops.service.sharing import one_at_a_time
    from recsysops.service.what_if import WhatIfs

    counted = HttpMetrics()
    asking, judging, given = Lock(), Lock(), GivenCheck(context)  # both ask the forecaster; both run the table checks
    return create_app(
        ApiContext(
            store=context.store,
            clock=context.as_of,
            api_key=api_key,
            version=__version__,
            service=context.settings.service.name,
            requirements=context.requirements,
            check=one_at_a_time(partial(check, context), judging),
            judge=SharedCheck(one_at_a_time(given.judge, judging)).submit,
            what_if=WhatIfs(context, given.standings, judging),
            exposition=lambda vitals: exposition(vitals, __version__, counted),
            observe=counted.observe,
            exposition_type=CONTENT_TYPE,
            comparables=one_at_a_time(partial(find_comparables, context), asking),
            settings=context.settings,
            decide=partial(decide, context),
            move_models=partial(move_models, context),
            take_apart=one_at_a_time(partial(take_apart, context), asking),
            ready=partial(_ready, context),
        )
    )


def _ready(context: Context) -> None:
    """Raise StoreError where the store's schema is not the one this version needs."""
    from recsysops.store import open_store

    open_store(context.settings.store_url, read_only=True).close()
