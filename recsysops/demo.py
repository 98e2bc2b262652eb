"""`recsysops demo`: a simulated streaming service, its data as files, and the whole job on them by the public path.

Everything after the simulation is what a user would do: a settings file, then ingest, train, predict and detect.
"""

import shutil
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import pandas as pd
from rich.console import Console

from recsysops import terminal
from recsysops.bootstrap import board_of, reading, writing
from recsysops.columns import BEST, CELL_KEY, FIELD, HORIZON, OUTCOME, RULE, SEVERITY, TITLE_ID
from recsysops.errors import UsageError
from recsysops.service.context import Context
from recsysops.service.detect import DetectReport, detect
from recsysops.service.judge import Judgement
from recsysops.service.learn import learn
from recsysops.service.predict import predict
from recsysops.service.run import ingest_as_run
from recsysops.service.train import train
from recsysops.simulation import PlantedFault, SimulationReport, WorldConfig, simulate
from recsysops.terminal.steps import board as show_board
from recsysops.terminal.words import moment, safe, share, table

EARLIER: Final = timedelta(days=3)
"""A first run stands this long before the demo's time, so that issues have a past: some opened, some fixed."""
WEEKS_BEFORE: Final = tuple(timedelta(days=7 * weeks) for weeks in range(1, 4))
"""Weekly predictions of the weeks before, by a model that knew no more than they could: what became of them is known.

They are replays: made now, of what was known then. A service that runs every day has them from its own past. Three
score some hundred launches; the more there are, the longer the demo takes.
"""
REACH: Final = "reach"
REPLAYED: Final = (1,)
"""Horizons of the replays: each costs a training, and those of 28 days have hardly ended."""
REPLAYED_DAYS: Final = 21
"""How far ahead replays predict: what launches later is predicted again a week on, in time for the longest lead."""
SHORT: Final = "is_short"
TOLERANCE: Final = 1.25
MARKER: Final = ".simulated-by-recsysops"

SETTINGS: Final = """\
# The simulated service, as its engineers would map it. Compare `recsysops init`, which explains every entry.

[service]
name = "Simulated service"
as_of = "{as_of}"            # the simulation ends here; leave it out to stand at the present

[markets.US]
launch_time = "09:00"
time_zone = "America/New_York"

[markets.DE]
launch_time = "09:00"
time_zone = "Europe/Berlin"

[sources.titles]
path = "catalogue.csv"
columns = {{ title_id = "item_id", name = "item_name" }}
lists = {{ genres = "|", tags = "|", cast = "|", dub_languages = "|", subtitle_languages = "|", markets = "|" }}

[sources.launches]
path = "launch_plan.csv"
columns = {{ title_id = "item_id", launch_status = "status" }}

[sources.expectations]
path = "expectations.csv"
columns = {{ title_id = "item_id" }}

[sources.impressions]
path = "impressions/*.parquet"
day = 'impressions-(?P<day>\\d{{4}}-\\d{{2}}-\\d{{2}})'
columns = {{ title_id = "item_id" }}

[sources.interactions]
path = "interactions/*.parquet"
day = 'interactions-(?P<day>\\d{{4}}-\\d{{2}}-\\d{{2}})'
columns = {{ title_id = "item_id" }}

[recommender]
type = "simulated"            # asked what it would do with a title; its state lies beside the files
path = "recommender"

[treatment]
measures = ["reach", "impression_share"]

[metadata]
requirements = "metadata.toml"
"""

REQUIREMENTS: Final = """\
# What must be there by when: days before launch, and how long it usually takes to get it.

""" + "\n".join(
    f"""[[require]]
field = "{field}"
market = "{market}"
due_days = {due}
days_to_fix = {fix}
owner = "{owner}"
max_severity = "{severity}"
"""
    for field, market, due, fix, owner, severity in (
        ("synopsis", "all", 7, 3, "editorial", "critical"),
        ("genres", "all", 14, 2, "editorial", "critical"),
        ("maturity_rating", "all", 7, 5, "ratings desk", "critical"),
        ("artwork_url", "all", 4, 2, "artwork studio", "critical"),
        ("dub_languages", "DE", 4, 2, "localisation", "warning"),
        ("cast", "all", 7, 2, "editorial", "warning"),
        ("original_language", "all", 14, 1, "editorial", "critical"),
        ("trailer_url", "all", 2, 1, "artwork studio", "warning"),
    )
)


def demo(folder: Path, *, oneshot: bool, is_small: bool) -> None:
    """Simulate, run the job twice (three days apart), print the board, and stay up unless `oneshot`."""
    console = terminal.console()
    config = WorldConfig.small() if is_small else WorldConfig()
    with terminal.progress(is_quiet=False) as progress:
        made = simulate(config, _emptied(folder), progress)
    console.print(
        f"Simulated {made.n_titles:,} titles and {made.n_impressions:,} impressions over {made.n_days} days "
        f"as files in {made.folder}."
    )
    settings = _write_settings(made)
    report = _whole_job(settings, config.as_of)
    with reading(settings) as ports:
        show_board(board_of(ports), console)
    _planted(made.planted, report.judgement, console)
    console.print(truth_of_gaps(report.judgement, pd.read_parquet(made.truth_treatment)))
    if not oneshot:
        from recsysops.processes import up

        up(settings)


def _emptied(folder: Path) -> Path:
    """Make the folder afresh; one that holds anything but an earlier simulation is left alone."""
    if folder.exists() and any(folder.iterdir()) and not (folder / MARKER).exists():
        raise UsageError(
            f'Folder "{folder}" holds files that no simulation made (expected an empty folder). '
            "Name another with --folder."
        )
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / MARKER).touch()
    return folder


def _write_settings(made: SimulationReport) -> Path:
    settings = made.folder / "recsysops.toml"
    settings.write_text(SETTINGS.format(as_of=made.as_of.strftime("%Y-%m-%dT%H:%M:%SZ")), encoding="utf-8")
    (made.folder / "metadata.toml").write_text(REQUIREMENTS, encoding="utf-8")
    return settings


def _whole_job(settings: Path, as_of: datetime) -> DetectReport:
    """Run the verbs as a user would: weekly in the past, three days earlier, and at the demo's time."""
    with terminal.progress(is_quiet=False) as progress:
        with writing(settings, "ingest", progress) as ports:
            ingested = ingest_as_run(ports)
        with writing(settings, "predict", progress) as ports:
            _replay(ports, as_of)
        with writing(settings, "train", progress) as ports:
            trained = train(ports, as_of=as_of - EARLIER)
            predict(ports, as_of=as_of - EARLIER)
            detect(ports, as_of=as_of - EARLIER)
        with writing(settings, "detect", progress) as ports:
            learned = learn(ports, as_of=as_of)
            predicted = predict(ports, as_of=as_of)
            detected = detect(ports, as_of=as_of)
    terminal.show(ingested, render=terminal.ingested)
    terminal.show(learned, render=terminal.learned)
    terminal.show(trained, render=terminal.trained)
    terminal.show(predicted, render=terminal.predicted)
    terminal.show(detected, render=terminal.detected)
    return detected


def _replay(ports: Context, as_of: datetime) -> None:
    """Predict reach as it could have been predicted in the weeks before, by a model trained before all of them."""
    treatment = ports.settings.treatment.model_copy(update={"measures": (REACH,), "horizons": REPLAYED})
    model = ports.settings.model.model_copy(update={"upcoming_days": REPLAYED_DAYS})
    settings = ports.settings.model_copy(update={"treatment": treatment, "model": model})
    past = replace(ports, settings=settings, histories={})
    train(past, as_of=as_of - max(WEEKS_BEFORE))
    for before in sorted(WEEKS_BEFORE, reverse=True):
        predict(past, as_of=as_of - before)


def _planted(planted: tuple[PlantedFault, ...], judgement: Judgement, console: Console) -> None:
    """Print each planted fault and whether it was found: by its field, by a gap, or not at all."""
    rows = table(
        "title", "fault", "field", "launch (UTC)", "reach with / without it", "found", title="\nPlanted faults"
    )
    for fault in planted:
        reach = f"{share(fault.reach)} / {share(fault.reach_without_faults)}"
        name = f"{safe(fault.title)} [{fault.title_id}]"
        rows.add_row(name, fault.words, fault.field, moment(fault.launch_at), reach, _found(fault, judgement))
    console.print(rows)


def truth_of_gaps(judgement: Judgement, truth: pd.DataFrame) -> str:
    """Say how often a predicted shortfall is a true one: the simulation goes on after the demo's time and knows.

    Args:
        judgement: What was found.
        truth: The simulation's treatment table, as it will come to be.
    """
    plans = judgement.expectations.merge(truth, on=[*CELL_KEY, HORIZON])
    plans[SHORT] = plans[REACH] < plans[BEST] / TOLERANCE
    short = plans.groupby(list(CELL_KEY))[SHORT].any()
    findings = judgement.findings
    flagged = findings[(findings[RULE] == "under_served") & (findings[SEVERITY] != "info")]
    is_flagged = short.index.isin(flagged.set_index(list(CELL_KEY)).index)
    others = f"of the {(~is_flagged).sum()} others, {short[~is_flagged].sum()} will as well"
    return (
        f"\nOf {is_flagged.sum()} planned cells flagged as under-served, {short[is_flagged].sum()} will fall short of "
        f"their plan by more than 20 % on some horizon; {others}."
    )


def _found(fault: PlantedFault, judgement: Judgement) -> str:
    findings = judgement.findings[judgement.findings[TITLE_ID] == fault.title_id]
    blocking = findings[findings[SEVERITY] != "info"]
    if (blocking[FIELD] == fault.field).any():
        return "yes, by its field"
    checks = judgement.checks
    is_seen = (
        (checks[TITLE_ID] == fault.title_id) & (checks[FIELD] == fault.field) & (checks[OUTCOME] == "failed")
    ).any()
    rules = ", ".join(sorted(set(blocking[RULE]))).replace("_", " ")
    if is_seen:
        return f"field missing, not due yet{f'; {rules}' if rules else ''}"
    return f"only as {rules}" if rules else "no"
