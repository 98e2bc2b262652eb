"""Examines the installation and says, for each thing a run needs, whether it is there and what to do if not."""

import importlib
import shutil
from dataclasses import dataclass
from pathlib import Path

from recsysops.bootstrap import known_plugins, reading
from recsysops.errors import RecSysOpsError, SourceError
from recsysops.plugins import PluginReport
from recsysops.quality import great_expectations, read_suites
from recsysops.settings import Settings, SourceSettings, read_settings
from recsysops.sources import FileReader

MIN_FREE_BYTES = 1 << 30


@dataclass(frozen=True, kw_only=True)
class Examination:
    """One thing looked at."""

    what: str
    is_fine: bool
    found: str
    remedy: str = ""


def examine(settings_file: Path) -> tuple[Examination, ...]:
    """Look at everything; what cannot be looked at because something before it is wrong is left out."""
    done = [_library("lightgbm", "Install the OpenMP runtime: apt-get install libgomp1, or brew install libomp.")]
    done += [
        _library(name, "Install RecSysOps again.") for name in ("great_expectations", "ibis", "duckdb", "streamlit")
    ]
    try:
        settings = read_settings(settings_file)
        plugins = known_plugins(settings_file)
    except RecSysOpsError as error:
        return (*done, _wrong("settings", str(error), "Correct the settings file."))
    done.append(_fine("settings", str(settings_file.resolve())))
    done.append(_plugins(plugins))
    done.append(_suites(settings))
    done.append(_disk(settings))
    done += _durability(settings)
    done += _stored(settings_file, settings)
    done.append(_model_key(settings))
    return (*done, *_sources(settings))


def _fine(what: str, found: str) -> Examination:
    return Examination(what=what, is_fine=True, found=found)


def _wrong(what: str, found: str, remedy: str = "") -> Examination:
    return Examination(what=what, is_fine=False, found=found, remedy=remedy)


def _library(name: str, remedy: str) -> Examination:
    try:
        # Great Expectations has a door of its own: without it, it imports Spark where that is installed.
        module = great_expectations() if name == "great_expectations" else importlib.import_module(name)
        version = getattr(module, "__version__", "installed")
    except (ImportError, OSError) as error:
        return _wrong(name, str(error), remedy)
    return _fine(name, version)


def _plugins(report: PluginReport) -> Examination:
    if report.refused:
        reasons = "; ".join(f"{plugin.name}: {plugin.reason}" for plugin in report.refused)
        return _wrong("plug-ins", reasons, "See `recsysops plugins`.")
    asked = "" if report.recommender is None else f", recommender by {report.recommender.adapter.name}"
    return _fine("plug-ins", f"{len(report.detectors)} detectors, {len(report.channels)} channels{asked}")


def _suites(settings: Settings) -> Examination:
    try:
        suites = read_suites(settings.suites_folder)
    except RecSysOpsError as error:
        return _wrong("suites", str(error), "Correct the files of [metadata] suites; docs/table-checks.md says how.")
    return _fine("suites", f"{sum(len(suite.rule) for suite in suites)} rules in {len(suites)} suites")


def _disk(settings: Settings) -> Examination:
    folder = settings.data_folder
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    found = f"{free / 1e9:.1f} GB free at {folder}"
    return _fine("disk", found) if free >= MIN_FREE_BYTES else _wrong("disk", found, "Free at least 1 GB.")


def _stored(settings_file: Path, settings: Settings) -> tuple[Examination, ...]:
    """Look at store and models; a store that was never made is fine."""
    from recsysops.model.signing import signed_elsewhere

    if not settings.service.store and not settings.data_folder.exists():
        return (_fine("store", "not made yet; `recsysops ingest` makes it"),)
    try:
        with reading(settings_file) as context, context.store.read() as unit:
            runs, cards = unit.runs.list(limit=1), unit.models.active()
            gone = [card.model_id for card in cards if not (context.artifacts_folder / card.folder).is_dir()]
    except RecSysOpsError as error:
        return (_wrong("store", str(error)),)
    store = _fine("store", f"last run: {runs[0].run_id}" if runs else "no run yet")
    if gone:
        return store, _wrong("models", f"folders gone: {', '.join(gone)}", "Run `recsysops train`.")
    if strange := signed_elsewhere(settings.data_folder, [card.folder for card in cards]):
        remedy = "Copy model.key from where they were trained into the data folder, or run `recsysops train`."
        return store, _wrong("models", f"{len(strange)} were signed with a key that is not here", remedy)
    return store, _fine("models", f"{len(cards)} active")


def _model_key(settings: Settings) -> Examination:
    """Look at the key that models are signed with: who may write or read it may make models that are trusted."""
    from recsysops.model.signing import key_problem

    if problem := key_problem(settings.data_folder):
        return _wrong("model key", problem, "chmod 600 it, or restore it; without it models are trained anew.")
    return _fine("model key", "fine, or made by the first `recsysops train`")


def _durability(settings: Settings) -> tuple[Examination, ...]:
    """Look at whether the store keeps what it acknowledges."""
    from recsysops.store.durability import look_at_durability

    try:
        looked = look_at_durability(settings.store_url)
    except RecSysOpsError as error:
        return (_wrong("durability", str(error)),)
    if looked is None:
        return ()
    if looked.problems:
        return (_wrong("durability", f"{looked.found}: {'; '.join(looked.problems)}", looked.remedy),)
    return (_fine("durability", looked.found),)


def _sources(settings: Settings) -> tuple[Examination, ...]:
    reader = FileReader(settings.folder, settings.reading, data=settings.data_folder)
    return tuple(_source(reader, table, source) for table, source in settings.sources.items())


def _source(reader: FileReader, table: str, source: SourceSettings) -> Examination:
    """Look at a source without reading it: a database is asked whether it answers, not for its rows."""
    try:
        found = reader.look(table, source)
    except SourceError as error:
        return _wrong(f"source {table}", str(error))
    if found:
        return _fine(f"source {table}", found)
    remedy = f"Correct sources.{table}.path, or deliver the files."
    return _wrong(f"source {table}", f"no file at {source.path}", remedy)
