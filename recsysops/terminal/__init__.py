"""What the command line shows: tables for people, JSON for programs. Shows only; decides nothing.

Text that comes from users' files is printed as text: never as markup, and without control characters.
"""

import dataclasses
import json as json_library
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from enum import Enum
from typing import TypeVar

import typer
from pydantic import BaseModel
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from recsysops.domain.history import Progress as Report
from recsysops.domain.views import CheckAnswer, CheckReport
from recsysops.terminal.lists import backtested, examined, issue_list, kept_out, plugin_list
from recsysops.terminal.steps import checked, cycled, detected, ingested, predicted, trained
from recsysops.terminal.title import explained

__all__ = [
    "backtested", "checked", "console", "cycled", "detected", "examined", "explained", "ingested", "issue_list",
    "kept_out", "plain", "plugin_list", "predicted", "progress", "show", "trained",
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


def plain(value: object) -> object:
    """Return a value as JSON can say it: times in ISO, what is missing or not finite as null."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(entry) for entry in value]
    if hasattr(value, "to_dict") and hasattr(value, "columns"):
        return [plain(row) for row in value.to_dict("records")]
    return _plain_scalar(value)


def _plain_scalar(value: object) -> object:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return None if value != value else value.isoformat()
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if callable(value):
        return f"{value.__module__}.{getattr(value, '__qualname__', '')}"
    if hasattr(value, "item"):
        value = value.item()  # a numpy number
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, str | int) else str(value)
