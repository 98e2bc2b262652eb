"""The command line: parse, call the service, show. Every verb is a few lines; what it shows is in `terminal`."""

import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from recsysops import __version__
from recsysops.domain.check_view import CheckForm
from recsysops.domain.severity import Severity
from recsysops.errors import NotFoundError, RecSysOpsError, SettingsError, SettingsNotFoundError, UsageError

EXIT_USAGE = 2
EXIT_FAILED = 3

app = typer.Typer(
    name="recsysops",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="""Predict how the recommender will treat each upcoming title, and flag what is off while it can be fixed.

A first session:

\b
    recsysops init                    write recsysops.toml and metadata.toml, then edit them
    recsysops run                     ingest, train, predict, check, detect, tell what changed
    recsysops explain TITLE           everything known about one title
    recsysops check --launching-within 7d     the gate for a pipeline
    recsysops up                      API and dashboard on this machine

Exit codes: 0 fine; 1 findings (or unknown cells) that fail a check; 2 wrong use or settings; 3 the run failed.""",
)

As_Of = Annotated[
    str | None, typer.Option("--as-of", metavar="TIME", help="Stand at this time (ISO, with offset) instead of now.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
By = Annotated[str, typer.Option(metavar="NAME", help="Who decides.")]
Reason = Annotated[str, typer.Option(metavar="TEXT", help="Why.")]
Actor = Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who decides. Default: your login name.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress bars.")]


model_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="""List and show models, compare them, and say which one answers.

Example: recsysops model list""",
)
app.add_typer(model_app, name="model")


@app.callback()
def root(
    context: typer.Context,
    settings: Annotated[
        Path, typer.Option(metavar="FILE", envvar="RECSYSOPS_SETTINGS", help="The settings file.")
    ] = Path("recsysops.toml"),
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """Hold the options that stand before the verb."""
    if version:
        typer.echo(f"recsysops {__version__}")
        raise typer.Exit
    context.obj = settings


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="Where to write.")] = Path(),
    name: Annotated[str, typer.Option(help="Name of the service.")] = "my service",
    data: Annotated[
        list[str] | None, typer.Option(metavar="PATH", help="File, folder or pattern to guess from; may be repeated.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that are there.")] = False,
    json: Json = False,
) -> None:
    """Guess recsysops.toml and metadata.toml from your files, write them, and show each guess with its reason.

    Without --data the folder itself is looked into. Only the first rows of a few files of each feed are read. What is
    sure stands as an entry, what is not as a comment. Existing files are left alone unless --force is given.

    Example: recsysops init --name "Prime Stream" --data exports
    """
    from recsysops import terminal
    from recsysops.bootstrap import write_starter

    report = write_starter(folder, name, data or (), force=force)
    terminal.show(report, render=terminal.started, as_json=json)


@app.command()
def ingest(
    context: typer.Context,
    quarantine: Annotated[
        bool, typer.Option("--quarantine", help="Read nothing; list the rows kept out so far, latest batch first.")
    ] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Read what is new in the sources of the settings; publish each file whole or not at all.

    Rows in = accepted + duplicate + quarantined, for every file. The same file twice has one effect. A file that
    differs from those before it as broken sources do is held: `recsysops batches --held` says why. A row that was
    kept out has its file, row, column, value, rule and fix under --quarantine (of logs, samples of each kind).

    Example: recsysops ingest --quarantine
    """
    from recsysops import terminal
    from recsysops.bootstrap import reading, writing
    from recsysops.service.run import ingest_as_run

    if quarantine:
        with reading(context.obj) as ports, ports.store.read() as unit:
            rows = unit.batches.quarantine()
        terminal.show(rows, render=terminal.kept_out, as_json=json)
        return
    with terminal.progress(is_quiet=quiet or json) as progress, writing(context.obj, "ingest", progress) as ports:
        report = ingest_as_run(ports)
    terminal.show(report, render=terminal.ingested, as_json=json)
    raise typer.Exit(EXIT_FAILED if report.errors else 0)


@app.command()
def batches(
    context: typer.Context,
    held: Annotated[bool, typer.Option("--held", help="Only what is held and waits for a person.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="With --held: those decided on, too.")] = False,
    table: Annotated[str | None, typer.Option(metavar="NAME", help="Only batches of this table.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many to list.")] = 50,
    json: Json = False,
) -> None:
    """List the batches that came in, newest first, with their accounts; or those that are held, with the reasons.

    Example: recsysops batches --held
    """
    from recsysops import terminal
    from recsysops.bootstrap import reading
    from recsysops.domain.drift import HeldState
    from recsysops.service.queries import data

    with reading(context.obj) as ports:
        if held:
            state = None if everything else HeldState.HELD
            view = data.held_batches(ports.store, table=table, state=state, limit=limit)
            terminal.show(view, render=terminal.held_list, as_json=json)
            return
        published = data.batches(ports.store, table=table, limit=limit)
    terminal.show(published, render=terminal.batch_list, as_json=json)


@app.command()
def release(context: typer.Context, batch: str, by: By, reason: Reason, json: Json = False) -> None:
    """Publish a held batch as it is, from its file; who did it and why stays on record.

    Exit 2 when there is no such held batch, or its file is gone or says something else by now.

    Example: recsysops release titles-0123456789abcdef --by "Ann Lee" --reason "The catalogue was really cut."
    """
    from recsysops import terminal
    from recsysops.bootstrap import writing
    from recsysops.service.release import release_and_publish

    with writing(context.obj, "release") as ports:
        report = release_and_publish(ports, batch, by, reason)
    terminal.show(report, render=terminal.decided, as_json=json)


@app.command()
def discard(context: typer.Context, batch: str, by: By, reason: Reason, json: Json = False) -> None:
    """Refuse a held batch: its content is not published, however often it is delivered.

    Example: recsysops discard titles-0123456789abcdef --by "Ann Lee" --reason "Prices are in cents."
    """
    from recsysops import terminal
    from recsysops.bootstrap import writing
    from recsysops.service.release import discard as discard_

    with writing(context.obj, "discard") as ports:
        report = discard_(ports, batch, by, reason)
    terminal.show(report, render=terminal.decided, as_json=json)


@app.command()
def prune(context: typer.Context, json: Json = False) -> None:
    """Remove what the settings under [retention] no longer keep; `run` does it at its end.

    Batches, versions, treatment, models, issues, the latest results and the last followed run always stay.

    Example: recsysops prune
    """
    from recsysops import terminal
    from recsysops.bootstrap import writing
    from recsysops.service.prune import prune as prune_

    with writing(context.obj, "prune") as ports:
        report = prune_(ports)
    terminal.show(report, render=terminal.pruned, as_json=json)


@app.command()
def train(context: typer.Context, as_of: As_Of = None, json: Json = False, quiet: Quiet = False) -> None:
    """Train one model per measure and horizon on what was known, and make them the active ones.

    Example: recsysops train
    """
    from recsysops import terminal
    from recsysops.bootstrap import writing
    from recsysops.service.train import train as train_

    with terminal.progress(is_quiet=quiet or json) as progress, writing(context.obj, "train", progress) as ports:
        report = train_(ports, as_of=_time(as_of))
    terminal.show(report, render=terminal.trained, as_json=json)


@app.command()
def learn(context: typer.Context, as_of: As_Of = None, json: Json = False, quiet: Quiet = False) -> None:
    """Hold what was predicted before launch against what happened since; `run` does it for what is new.

    Every stored prediction is looked at again, so that corrected logs and replays count. Safe to repeat.

    Example: recsysops learn
    """
    from recsysops import terminal
    from recsysops.bootstrap import writing
    from recsysops.service.learn import learn as learn_

    with terminal.progress(is_quiet=quiet or json) as progress, writing(context.obj, "learn", progress) as ports:
        report = learn_(ports, as_of=_time(as_of))
    terminal.show(report, render=terminal.learned, as_json=json)


@app.command()
def scoreboard(  # noqa: PLR0913 - each is an option
    context: typer.Context,
    measure: Annotated[str | None, typer.Option(help="Of this measure; default: the first with scores.")] = None,
    horizon: Annotated[int | None, typer.Option(help="Of this horizon in days; default: the first.")] = None,
    lead: Annotated[
        int | None, typer.Option(help="Groups and titles so many days before launch; default: where most are.")
    ] = None,
    predictor: Annotated[
        str | None, typer.Option(help="Groups and titles of this one; default: what was served.")
    ] = None,
    since: Annotated[str | None, typer.Option(metavar="TIME", help="Only launches from here on.")] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="Only launches up to here.")] = None,
    json: Json = False,
) -> None:
    """How good predictions were, after launch: per lead and predictor, by group, and the titles we were most wrong on.

    Errors are on the transformed scale (0.1 is about 10 % off); intervals are 95 %, from resampling launch weeks.

    Example: recsysops scoreboard --measure reach --horizon 7
    """
    from recsysops import terminal
    from recsysops.bootstrap import reading
    from recsysops.domain.scoreboard import ScoreFilter
    from recsysops.service.queries.scoreboard import misses, scoreboard

    filters = ScoreFilter(
        measure=measure, horizon=horizon, lead=lead, predictor=predictor, since=_time(since), until=_time(until)
    )
    with reading(context.obj) as ports:
        report = scoreboard(ports.store, filters, ports.requirements), misses(ports.store, filters, limit=10)
    terminal.show(report, render=terminal.scored, as_json=json)


@app.command()
def shadow(
    context: typer.Context,
    past: Annotated[
        bool, typer.Option("--past", help="Ask about past launches as they were before launch, the latest first.")
    ] = False,
    as_of: As_Of = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Ask the recommender of [recommender] what it would do with upcoming titles; `run` does it before it predicts.

    It is asked about sampled members: whom each title would be shown to, alone and among all that launch about then.
    What it does not answer, or not in time, is said and predicted without. With --past models get answers to learn
    from; what the time did not suffice for is asked by the next --past.

    Example: recsysops shadow --past
    """
    from recsysops import terminal
    from recsysops.bootstrap import writing
    from recsysops.service.shadow import shadow as shadow_
    from recsysops.service.shadow_past import shadow_past

    with terminal.progress(is_quiet=quiet or json) as progress, writing(context.obj, "shadow", progress) as ports:
        report = (shadow_past if past else shadow_)(ports, as_of=_time(as_of))
    terminal.show(report, render=terminal.asked, as_json=json)


@app.command()
def predict(context: typer.Context, as_of: As_Of = None, json: Json = False, quiet: Quiet = False) -> None:
    """Predict the treatment of every upcoming title, per market, surface, measure and horizon.

    Example: recsysops predict --as-of 2026-03-02T00:00:00Z
    """
    from recsysops import terminal
    from recsysops.bootstrap import writing
    from recsysops.service.predict import predict as predict_

    with terminal.progress(is_quiet=quiet or json) as progress, writing(context.obj, "predict", progress) as ports:
        report = predict_(ports, as_of=_time(as_of))
    terminal.show(report, render=terminal.predicted, as_json=json)


@app.command()
def detect(context: typer.Context, as_of: As_Of = None, json: Json = False, quiet: Quiet = False) -> None:
    """Check metadata, compare predictions with expectations, and follow what is found as issues.

    Example: recsysops detect
    """
    from recsysops import terminal
    from recsysops.bootstrap import writing
    from recsysops.service.detect import detect as detect_

    with terminal.progress(is_quiet=quiet or json) as progress, writing(context.obj, "detect", progress) as ports:
        report = detect_(ports, as_of=_time(as_of))
    terminal.show(report, render=terminal.detected, as_json=json)
    raise typer.Exit(EXIT_FAILED if report.run.has_failed else 0)


@app.command()
def run(context: typer.Context, as_of: As_Of = None, json: Json = False, quiet: Quiet = False) -> None:
    """Do one whole cycle: ingest, train when due, predict, detect, follow issues, tell what changed.

    Safe to repeat: the same inputs and the same time give the same result. Meant for cron or a scheduler.

    Example: recsysops run
    """
    from recsysops import terminal
    from recsysops.bootstrap import writing
    from recsysops.service.run import run_cycle

    with terminal.progress(is_quiet=quiet or json) as progress, writing(context.obj, "run", progress) as ports:
        report = run_cycle(ports, as_of=_time(as_of))
    terminal.show(report, render=terminal.cycled, as_json=json)
    raise typer.Exit(EXIT_FAILED if report.run.has_failed else 0)


@app.command()
def check(  # noqa: PLR0913 - each is an option
    context: typer.Context,
    title: Annotated[list[str] | None, typer.Option(help="Check only this title; may be repeated.")] = None,
    launching_within: Annotated[
        str | None, typer.Option(metavar="7d", help="Check only what launches within this: 36h, 7d or 2w.")
    ] = None,
    titles: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Check the titles in this JSON file (the body of POST /v1/check) instead."),
    ] = None,
    fail_on: Annotated[Severity, typer.Option(help="The mildest severity that fails.")] = Severity.CRITICAL,
    allow_unknown: Annotated[bool, typer.Option(help="Let pass what could not be checked.")] = False,
    as_of: As_Of = None,
    form: Annotated[CheckForm, typer.Option("--format", help="How the answer is told.")] = CheckForm.TABLE,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write it there; the table is still printed.")
    ] = None,
    json: Json = False,
) -> None:
    """The pre-launch gate: judge now on what the store holds, and answer with the exit code. Changes nothing.

    Exit 0: every cell checked, nothing at or above --fail-on. Exit 1: something is, or (without --allow-unknown)
    something could not be checked. Exit 2: wrong use, such as a title that is not upcoming. Exit 3: it failed to run.

    With --titles the metadata in the file is judged before anybody ingests it; nothing of it is stored.

    Example: recsysops check --launching-within 7d --format junit --output recsysops.xml
    """
    from recsysops import terminal
    from recsysops.bootstrap import metadata_file, reading
    from recsysops.service.check_file import check_file_or_store as check_

    with reading(context.obj) as ports:
        report = check_(
            ports,
            file=titles,
            title_ids=title or (),
            launching_within=_span(launching_within),
            fail_on=fail_on,
            allow_unknown=allow_unknown,
            as_of=_time(as_of),
            with_checks=form is CheckForm.JUNIT,
        )
        detectors, file = [used.detector for used in ports.detectors], metadata_file(ports, context.obj)
    form = CheckForm.JSON if json else form
    terminal.tell_check(report, form, output, terminal.console(), detectors=detectors, file=file)
    raise typer.Exit(report.exit_code)


@app.command()
def explain(context: typer.Context, title: str, json: Json = False) -> None:
    """Print everything known about one title, and why it is green where it is.

    Its launches, findings, remedies, predictions against plan and baseline, metadata against due dates, comparable
    titles, and each check that ran, on which data, with its margin.

    Example: recsysops explain t00123
    """
    from recsysops import terminal
    from recsysops.bootstrap import explained, reading

    with reading(context.obj) as ports:
        view, comparables = explained(ports, title)
    terminal.show((view, comparables), render=terminal.explained, as_json=json)


@app.command()
def whatif(
    context: typer.Context,
    title: str,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="FIELD=VALUE", help="A new value; may be repeated.")
    ] = None,
    launch: Annotated[
        str | None, typer.Option(metavar="TIME", help="Another launch: 2026-12-01 or 2026-12-01T08:00.")
    ] = None,
    market: Annotated[str | None, typer.Option(help="Change and show only this market.")] = None,
    as_of: As_Of = None,
    json: Json = False,
) -> None:
    """Show how the predictions would move if metadata or the launch of a title were otherwise. Nothing is stored.

    Several values of a field are divided as in its files, or by commas; no value: the field is missing. A launch
    without a time keeps the time of day, one without an offset goes by the clocks of each market. Where the recommender
    can be asked about changes it is asked, else the model alone says how such launches fared; the answer says which.

    Example: recsysops whatif t00123 --set genres=Drama,Crime --launch 2026-12-01
    """
    from recsysops import terminal
    from recsysops.bootstrap import reading
    from recsysops.service.what_if import WhatIfs, asked_in_words

    asked = asked_in_words(set_ or (), launch, market)
    with reading(context.obj) as ports:
        answer = WhatIfs(ports).answer(title, asked, _time(as_of))
    terminal.show(answer, render=terminal.moved, as_json=json)


@app.command()
def backtest(
    context: typer.Context,
    first_origin: Annotated[
        str | None, typer.Option(metavar="TIME", help="The first week to predict; default: as early as it can.")
    ] = None,
    measure: Annotated[list[str] | None, typer.Option(help="Only this measure; may be repeated.")] = None,
    horizon: Annotated[list[int] | None, typer.Option(help="Only this horizon in days; may be repeated.")] = None,
    as_of: As_Of = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Roll the origin through history, week by week, and score every predictor on what it could have known.

    Prints model, comparable titles, group mean and global median: pinball, MAE and Spearman on the transformed scale,
    coverage of the 80 % interval, n; intervals are 95 % week-block bootstrap.

    Example: recsysops backtest --measure reach --horizon 1
    """
    from recsysops import terminal
    from recsysops.bootstrap import writing
    from recsysops.service.backtest import backtest as backtest_

    with terminal.progress(is_quiet=quiet or json) as progress, writing(context.obj, "backtest", progress) as ports:
        report = backtest_(
            ports,
            as_of=_time(as_of),
            first_origin=_time(first_origin),
            measures=tuple(measure or ()),
            horizons=tuple(horizon or ()),
        )
    terminal.show(report, render=terminal.backtested, as_json=json)


@app.command()
def tune(
    context: typer.Context,
    trials: Annotated[int, typer.Option(help="How many settings to try, 1 to 200.")] = 12,
    measure: Annotated[list[str] | None, typer.Option(help="Only this measure; may be repeated.")] = None,
    horizon: Annotated[list[int] | None, typer.Option(help="Only this horizon in days; may be repeated.")] = None,
    write: Annotated[bool, typer.Option("--write", help="Write settings that are better into [model].")] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Search for better model settings on past launches; without --write, only say what was found.

    Each trial is scored by models that had not seen the launches they predict. The best is chosen on the earlier
    launches and held against the bundled settings on the later ones: where the 95 % interval of the gain contains 0,
    the bundled settings are not beaten and nothing is suggested.

    Example: recsysops tune --trials 30 --measure reach
    """
    from recsysops import terminal
    from recsysops.bootstrap import reading, write_model_settings
    from recsysops.service.tune import tune as tune_

    measures, horizons = tuple(measure or ()), tuple(horizon or ())
    with terminal.progress(is_quiet=quiet or json) as progress, reading(context.obj, progress=progress) as ports:
        report = tune_(ports, n_trials=trials, measures=measures, horizons=horizons)
    terminal.show(report, render=terminal.tuned, as_json=json)
    if write and report.suggestion:
        write_model_settings(context.obj, report.suggestion)


@app.command()
def issues(
    context: typer.Context,
    title: Annotated[str | None, typer.Option(help="Only issues of this title.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Resolved issues too.")] = False,
    json: Json = False,
) -> None:
    """List issues, worst first.

    Example: recsysops issues --all
    """
    from recsysops import terminal
    from recsysops.bootstrap import reading

    with reading(context.obj) as ports, ports.store.read() as unit:
        found = unit.issues.list(is_open=None if everything else True, title_id=title)
    terminal.show(found, render=terminal.issue_list, as_json=json)


@model_app.command("list")
def model_list(context: typer.Context, json: Json = False) -> None:
    """List all models, newest first: active, challenger or retired.

    Example: recsysops model list
    """
    from recsysops import terminal
    from recsysops.bootstrap import reading
    from recsysops.service.models import models

    with reading(context.obj) as ports:
        report = models(ports.store)
    terminal.show(report, render=terminal.model_list, as_json=json)


@model_app.command("show")
def model_show(context: typer.Context, model: str, json: Json = False) -> None:
    """Show one model, what happened to it and why, and whether its files can be trusted now.

    Exit 3 when they cannot.

    Example: recsysops model show reach-1d-0123456789abcdef
    """
    from recsysops import terminal
    from recsysops.bootstrap import reading
    from recsysops.service.models import model as model_

    with reading(context.obj) as ports:
        report = model_(ports, model)
    terminal.show(report, render=terminal.model_detail, as_json=json)
    raise typer.Exit(EXIT_FAILED if report.refused else 0)


@model_app.command("compare")
def model_compare(
    context: typer.Context,
    first: Annotated[str | None, typer.Argument(help="A model; left out: each active one.")] = None,
    second: Annotated[str | None, typer.Argument(help="Another one; left out: its challenger.")] = None,
    json: Json = False,
) -> None:
    """Compare two models on the launches both predicted: CRPS with its 95 % interval by launch week, and coverage.

    Example: recsysops model compare
    """
    from recsysops import terminal
    from recsysops.bootstrap import reading
    from recsysops.service.models import compare

    with reading(context.obj) as ports:
        report = compare(ports.store, first, second)
    terminal.show(report, render=terminal.model_comparisons, as_json=json)


@model_app.command("activate")
def model_activate(context: typer.Context, model: str, reason: Reason, by: Actor = None, json: Json = False) -> None:
    """Let a model answer from the next prediction on, after its files passed every check.

    Example: recsysops model activate reach-1d-0123456789abcdef --reason "Back to the settings of May."
    """
    from recsysops import terminal
    from recsysops.bootstrap import writing
    from recsysops.service.models import activate

    with writing(context.obj, "model activate") as ports:
        report = (activate(ports, model, by or _login(), reason),)
    terminal.show(report, render=terminal.model_answers, as_json=json)


@model_app.command("rollback")
def model_rollback(
    context: typer.Context,
    reason: Reason,
    measure: Annotated[str | None, typer.Option(help="Only this measure.")] = None,
    horizon: Annotated[int | None, typer.Option(help="Only this horizon, days.")] = None,
    by: Actor = None,
    json: Json = False,
) -> None:
    """Let the models that answered before answer again: all of them or none, after their files passed every check.

    Example: recsysops model rollback --measure reach --reason "Brazil is off since Monday's training."
    """
    from recsysops import terminal
    from recsysops.bootstrap import writing
    from recsysops.service.models import rollback

    with writing(context.obj, "model rollback") as ports:
        report = rollback(ports, by or _login(), reason, measure=measure, horizon=horizon)
    terminal.show(report, render=terminal.model_answers, as_json=json)


@app.command()
def plugins(context: typer.Context, json: Json = False) -> None:
    """List detectors, channels and the recommender, where they come from, and why any could not be loaded.

    Works without a settings file: then everything stands at its defaults.

    Example: recsysops plugins
    """
    from recsysops import terminal
    from recsysops.bootstrap import known_plugins

    report = known_plugins(context.obj)
    terminal.show(report, render=terminal.plugin_list, as_json=json)
    raise typer.Exit(EXIT_FAILED if report.refused else 0)


@app.command()
def backup(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The file to write, for example recsysops-2026-03-02.zip.")],
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    json: Json = False,
) -> None:
    """Write the store and the models it names to one file, while everything goes on.

    The file shows one moment, is readable by you only, and restores into SQLite as well as into PostgreSQL. Log files,
    settings, the API key and the key that models are signed with are not in it.

    Example: recsysops backup recsysops-2026-03-02.zip
    """
    from recsysops import terminal
    from recsysops.bootstrap import write_backup

    report = write_backup(context.obj, file, force=force)
    terminal.show(report, render=terminal.backed_up, as_json=json)


@app.command()
def restore(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="What `recsysops backup` wrote.")],
    force: Annotated[bool, typer.Option("--force", help="Replace what the store holds.")] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Put a backup into the store of the settings, which must be empty unless --force is given.

    The file is compared with its own hashes first; a damaged or newer one changes nothing. Who reads meanwhile sees
    what was there before, or what is there after.

    Example: recsysops restore recsysops-2026-03-02.zip
    """
    from recsysops import terminal
    from recsysops.bootstrap import restore_backup

    with terminal.progress(is_quiet=quiet or json) as progress:
        report = restore_backup(context.obj, file, force=force, progress=progress)
    terminal.show(report, render=terminal.restored, as_json=json)


@app.command()
def doctor(context: typer.Context, json: Json = False) -> None:
    """Examine the installation: settings, libraries, store, models, sources, plug-ins. Changes nothing.

    Exit 3 when something would keep a run from working.

    Example: recsysops doctor
    """
    from recsysops import terminal
    from recsysops.doctor import examine

    report = examine(context.obj)
    terminal.show(report, render=terminal.examined, as_json=json)
    raise typer.Exit(EXIT_FAILED if any(not entry.is_fine for entry in report) else 0)


@app.command()
def serve(
    context: typer.Context,
    port: Annotated[int | None, typer.Option(help="Port; 0 for any free one. Default: [api] port.")] = None,
) -> None:
    """Serve the HTTP API on loopback. It only reads. Ctrl-C ends it.

    The API key is in `<data folder>/api.key`, readable by you only. /openapi.json describes every route.

    Example: recsysops serve --port 8350
    """
    from recsysops.processes import serve_api

    serve_api(context.obj, port)


@app.command()
def dashboard(
    context: typer.Context,
    port: Annotated[int | None, typer.Option(help="Port. Default: [dashboard] port.")] = None,
    api: Annotated[str | None, typer.Option(metavar="URL", help="Address of the API. Default: from [api].")] = None,
) -> None:
    """Open the dashboard on loopback, beside an API that runs already. Ctrl-C ends it.

    Example: recsysops dashboard
    """
    from recsysops.processes import run_dashboard

    run_dashboard(context.obj, port, api)


@app.command()
def up(context: typer.Context) -> None:
    """Start API and dashboard together and print their addresses. Ctrl-C ends both.

    Example: recsysops up
    """
    from recsysops.processes import up as up_

    up_(context.obj)


@app.command()
def demo(
    folder: Annotated[Path, typer.Option(help="Where to put the simulated service.")] = Path("demo-service"),
    oneshot: Annotated[bool, typer.Option("--oneshot", help="Stop after the board: start no server.")] = False,
    small: Annotated[bool, typer.Option("--small", help="A service a hundred times smaller, in seconds.")] = False,
) -> None:
    """Simulate a streaming service, write its data as files, run the whole job on them, open the dashboard.

    Everything is made below --folder; a run begins afresh. Ctrl-C ends what it started.

    Example: recsysops demo --oneshot
    """
    from recsysops.demo import demo as demo_

    demo_(folder, oneshot=oneshot, is_small=small)


def _login() -> str:
    """Return who runs this program, by the system's word."""
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may know no name for its user
        return f"user {os.getuid()}"


def _time(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f'"{text}" is no time (expected ISO, such as 2026-03-02T00:00:00Z). Correct it.') from error
    if at.tzinfo is None:
        raise UsageError(f'"{text}" has no offset: nobody can know which zone is meant. Write 2026-03-02T00:00:00Z.')
    return at.astimezone(UTC)


def _span(text: str | None) -> timedelta | None:
    if text is None:
        return None
    number, unit = text[:-1], text[-1:]
    units = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
    if unit not in units or not number.isdigit() or int(number) > 10_000:
        raise UsageError(f'"{text}" is no span (expected a number and h, d or w, such as 7d). Correct it.')
    return int(number) * units[unit]


def main(argv: list[str] | None = None) -> None:
    """Run the command line; our own errors become one sentence on stderr and an exit code."""
    sys.exit(_run(argv))


def _run(argv: list[str] | None) -> int:
    command: Callable[..., Any] = typer.main.get_command(app)
    try:
        code = command(argv, standalone_mode=False)
    except (SettingsError, SettingsNotFoundError, UsageError, NotFoundError) as error:
        return _say(error, EXIT_USAGE)
    except RecSysOpsError as error:
        return _say(error, EXIT_FAILED)
    except (typer.Abort, KeyboardInterrupt):
        return _say("Stopped.", 130)
    except BrokenPipeError:
        # The reader left (head, less): nobody is there to be told, and Python must not try again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # noqa: BLE001 - a traceback helps no launch manager
        return _unexpected(error)
    return code if isinstance(code, int) else 0


def _unexpected(error: Exception) -> int:
    if hasattr(error, "show") and hasattr(error, "exit_code"):  # typer's own: a wrong option or argument
        error.show()
        return EXIT_USAGE
    if os.environ.get("RECSYSOPS_TRACEBACK"):
        raise error
    return _say(
        f"Something unforeseen: {type(error).__name__}: {error}. Please report it with RECSYSOPS_TRACEBACK=1 set.",
        EXIT_FAILED,
    )


def _say(what: object, code: int) -> int:
    typer.echo(str(what), err=True)
    return code
