"""What the command line shows: tables for people, JSON for programs. Shows only; decides nothing.

Text that comes from users' files is printed as text: never as markup, and without control characters.
"""

import json as json_library
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from recsysops.domain.check_view import CheckAnswer, CheckReport
from recsysops.domain.history import Progress as Report
from recsysops.terminal.archives import backed_up, restored
from recsysops.terminal.checks import tell_check
from recsysops.terminal.data import batch_list, decided, held_list, pruned
from recsysops.terminal.guesses import started
from recsysops.terminal.lists import backtested, examined, issue_list, kept_out, plugin_list
from recsysops.terminal.models import model_answers, model_comparisons, model_detail, model_list
from recsysops.terminal.scores import learned, scored
from recsysops.terminal.steps import asked, checked, cycled, detected, ingested, predicted, trained
from recsysops.terminal.title import explained
from recsysops.terminal.tuning import tuned
from recsysops.terminal.values import plain
from recsysops.terminal.what_if import moved

__all__ = [
    "asked",
    "backed_up",
    "backtested",
    "batch_list",
    "checked",
    "console",
    "cycled",
    "decided",
    "detected",
    "examined",
    "explained",
    "held_list",
    "ingested",
    "issue_list",
    "kept_out",
    "learned",
    "model_answers",
    "model_comparisons",
    "model_detail",
    "model_list",
    "moved",
    "plain",
    "plugin_list",
    "predicted",
    "progress",
    "pruned",
    "restored",
    "scored",
    "show",
    "started",
    "tell_check",
    "trained",
    "tuned",
]  # fmt: skip

T = TypeVar("T")


@contextmanager
def progress(*, is_quiet: bool) -> Iterator[Report]:
    """Show progress bars on stderr where a person watches; yield the function steps report to."""
    watched = Console(stderr=True)
    if is_quiet or not watched.is_terminal:
        yield _ignore
        return
    columns = SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()
    with Progress(*columns, console=watched, transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def report(what: str, done: float) -> None:
            # "train reach 7 d" and "train" are the same bar: its first word names it.
            name = what.split(maxsplit=1)[0]
            if name not in tasks:
                tasks[name] = bars.add_task(what, total=1.0)
            bars.update(tasks[name], completed=min(max(done, 0.0), 1.0), description=what)

        yield report


def _ignore(what: str, done: float) -> None:
    """Show nothing."""


def show(report: T, *, render: Callable[[T, Console], None], as_json: bool = False) -> None:
    """Print a report: `render` for people, one JSON document for programs."""
    if as_json:
        value = CheckAnswer.of(report) if isinstance(report, CheckReport) else report
        typer.echo(json_library.dumps(plain(value), indent=2, ensure_ascii=False))
        return
    render(report, console())


def console() -> Console:
    """Return the console reports are printed on: as wide as the terminal, wide where nobody watches."""
    made = Console(highlight=False, markup=False, emoji=False)
    return made if made.is_terminal else Console(highlight=False, markup=False, emoji=False, width=160)
