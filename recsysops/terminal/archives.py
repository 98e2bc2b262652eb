"""What was backed up and restored."""

from typing import TYPE_CHECKING

from rich.console import Console

from recsysops.terminal.words import safe

if TYPE_CHECKING:
    from recsysops.store.archive import ArchiveReport


def backed_up(report: "ArchiveReport", console: Console) -> None:
    """Print what a backup holds."""
    console.print(f"Wrote {safe(report.path)}: {_held(report)}, {report.bytes / 1e6:,.1f} MB.")


def restored(report: "ArchiveReport", console: Console) -> None:
    """Print what was restored."""
    console.print(f"Restored {safe(report.path)} of {report.made_at}: {_held(report)}.")
    if report.n_untrusted:
        console.print(
            f"{report.n_untrusted} models were signed with a key that is not here and will not answer: copy model.key "
            "from where they were trained into the data folder, or run `recsysops train`.",
            style="yellow",
        )


def _held(report: "ArchiveReport") -> str:
    n_full = sum(1 for n in report.rows.values() if n)
    return f"{sum(report.rows.values()):,} rows of {n_full} tables, {report.n_files} files of models"
