"""What `recsysops init` guessed: a line per column with its reason, what was left, and what to check."""

from rich.console import Console

from recsysops.sources.guesses import ColumnGuess, Starter, TableGuess
from recsysops.terminal.words import safe, table

_MAX_LEFT = 20


def started(report: Starter, console: Console) -> None:
    """Print the guesses, worst news last, and what was written."""
    guesses = report.guesses
    console.print(f"Looked in {safe(', '.join(guesses.looked_in))}.")
    if not guesses.tables:
        console.print("No data was recognised: the settings hold examples only. Name your files with --data.")
    for guess in guesses.tables:
        _table(guess, console)
    if guesses.fields:
        required = [field.field for field in guesses.fields if field.is_required]
        said = f": {safe(', '.join(required[:12]))}" + (", ..." if len(required) > 12 else "") if required else ""
        console.print(f"\n{len(guesses.fields)} metadata fields, {len(required)} of them required{said}.")
    _left(report, console)
    if guesses.to_check:
        console.print("\nTo check before the first ingest", style="bold")
    for sentence in guesses.to_check:
        console.print(f"  - {safe(sentence)}", style="yellow")
    for path in report.written:
        console.print(f"Wrote {safe(path)}")


def _table(guess: TableGuess, console: Console) -> None:
    files = "1 file" if guess.n_files == 1 else f"{guess.n_files:,} files"
    part = "" if guess.is_whole else " looked at"
    console.print(
        f"\n{guess.table} <- {safe(guess.path)} ({files}, {guess.n_rows:,} rows{part}), {guess.confidence:.0%} sure",
        style="bold",
    )
    console.print(f"  {safe(guess.reason)}", style="dim")
    rows = table("", "ours", "yours", "sure#", "because")
    for column in guess.columns:
        rows.add_row(_sign(column), column.ours, safe(column.theirs), f"{column.confidence:.0%}", safe(column.reason))
    for each in guess.ignore:
        what = "ignore" if each.is_sure else "ignore?"
        rows.add_row(_sign(each), what, safe(each.theirs), f"{each.confidence:.0%}", safe(each.reason))
    for each in guess.lists:
        rows.add_row(_sign(each), f'list "{each.ours}"', safe(each.theirs), f"{each.confidence:.0%}", safe(each.reason))
    console.print(rows)
    for name, value in _entries(guess):
        console.print(f"  {name} = {safe(value)}")
    for sentence in guess.missing:
        console.print(f"  missing {safe(sentence)}", style="red")
    if not guess.is_live:
        console.print("  Not sure enough to be read: it stands as a comment in the settings.", style="yellow")


def _sign(guess: ColumnGuess) -> str:
    return "✓" if guess.is_sure else "?"


def _entries(guess: TableGuess) -> list[tuple[str, str]]:
    said = {
        "observed_at": guess.observed_at,
        "launches_from": guess.launches_from,
        "epoch_unit": guess.epoch_unit,
        "day": guess.day,
        **{name: str(value) for name, value in guess.defaults.items()},
    }
    return [(name, value) for name, value in said.items() if value]


def _left(report: Starter, console: Console) -> None:
    left = report.guesses.left
    if left:
        console.print("\nNot used", style="bold")
    for each in left[:_MAX_LEFT]:
        more = f" and {each.n_files - 1:,} more" if each.n_files > 1 and "*" not in each.path else ""
        place = f"{safe(each.path)}{more}: " if each.path else ""
        console.print(f"  {place}{safe(each.reason)}", style="red" if each.is_broken else None)
    if len(left) > _MAX_LEFT:
        console.print(f"  ... and {len(left) - _MAX_LEFT} more.")
