"""The pre-launch gate's answer, on the terminal or in a file, in the forms that pipelines read."""

import json
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

import typer
from rich.console import Console

from recsysops.contract.detector import AnyDetector
from recsysops.domain.check_view import CheckAnswer, CheckForm, CheckReport
from recsysops.errors import UsageError
from recsysops.terminal.junit import junit
from recsysops.terminal.sarif import sarif
from recsysops.terminal.steps import checked
from recsysops.terminal.values import plain

_WIDTH = 160


def tell_check(
    report: CheckReport,
    form: CheckForm,
    output: Path | None,
    console: Console,
    *,
    detectors: Sequence[AnyDetector],
    file: str,
) -> None:
    """Print the answer; where another form goes to a file, a person still reads it as a table.

    Args:
        report: The gate's answer; for JUnit with what each rule said.
        form: How it is told.
        output: File to write; None for standard output.
        console: Where a table is printed.
        detectors: The detectors that judged.
        file: Where the titles' metadata came from; see `sarif`.

    Raises:
        UsageError: The file cannot be written.
    """
    if output is None and form is CheckForm.TABLE:
        checked(report, console)
        return
    text = _text(report, form, detectors, file)
    if output is None:
        typer.echo(text, nl=False)
        return
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f'"{output}" cannot be written: {error.strerror}. Name another file.') from error
    if form is not CheckForm.TABLE:
        checked(report, console)


def _text(report: CheckReport, form: CheckForm, detectors: Sequence[AnyDetector], file: str) -> str:
    match form:
        case CheckForm.JUNIT:
            return junit(report)
        case CheckForm.SARIF:
            return sarif(report, detectors, file)
        case CheckForm.JSON:
            return json.dumps(plain(CheckAnswer.of(report)), indent=2, ensure_ascii=False) + "\n"
        case CheckForm.TABLE:
            return _table(report)


def _table(report: CheckReport) -> str:
    written = Console(file=StringIO(), highlight=False, markup=False, emoji=False, width=_WIDTH)
    checked(report, written)
    return str(written.file.getvalue())  # type: ignore[attr-defined]  # the StringIO above
