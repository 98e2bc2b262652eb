"""Batches, held ones and what was decided on them, and what was pruned."""

from pathlib import PurePath

from rich.console import Console

from recsysops.domain.data_view import BatchList, HeldList, HeldRow
from recsysops.service.prune import PruneReport
from recsysops.service.release import DecisionReport
from recsysops.terminal.words import moment, safe, table


def batch_list(view: BatchList, console: Console) -> None:
    """Print published batches with their accounts, newest first."""
    if not view.rows:
        console.print("No batch was published yet. Run `recsysops ingest`.")
        return
    rows = table("batch", "file", "loaded (UTC)", "rows in#", "accepted#", "duplicate#", "quarantined#", "released by")
    for row in view.rows:
        counts = (row.rows_in, row.accepted, row.duplicate, row.quarantined)
        rows.add_row(
            row.batch_id, _file(row.files), moment(row.loaded_at), *(f"{count:,}" for count in counts),
            safe(row.released_by) or "-",
        )  # fmt: skip
    console.print(rows)
    if view.total > len(view.rows):
        console.print(f"... and {view.total - len(view.rows):,} older ones: --limit shows more.")


def held_list(view: HeldList, console: Console) -> None:
    """Print held batches, each with why it is held and what was decided."""
    if not view.rows:
        console.print("No batch is held.")
        return
    for row in view.rows:
        _held(row, console)
    if view.n_undecided:
        console.print(
            "`recsysops release BATCH --by NAME --reason TEXT` publishes one as it is, `recsysops discard` refuses it; "
            "a corrected delivery takes its place by itself."
        )


def decided(report: DecisionReport, console: Console) -> None:
    """Print what became of a held batch."""
    console.print(safe(report.answer))


def pruned(report: PruneReport, console: Console) -> None:
    """Print how many rows of which tables were removed."""
    said = ", ".join(f"{count:,} of {name}" for name, count in report.removed.items() if count)
    console.print(f"Removed {said}." if said else "Nothing is older than it need be: nothing was removed.")


def _held(row: HeldRow, console: Console) -> None:
    facts = f"{row.rows_in:,} rows, {row.accepted:,} of them good"
    head = f"{row.state.value}  {row.batch_id}  {_file(row.files)}  {facts}, held {moment(row.held_at)} UTC"
    console.print(head, style="yellow" if row.is_undecided else None)
    for drift in row.drifts:
        console.print(f"    {drift.kind.value.replace('_', ' ')}: {safe(drift.why)}")
    for each in row.decisions:
        said = f"{each.state.value} by {safe(each.by)} {moment(each.at)} UTC: {safe(each.reason)}"
        console.print(f"    {said}")


def _file(files: tuple[str, ...]) -> str:
    return safe(PurePath(files[0]).name) if files else "-"
