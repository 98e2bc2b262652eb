"""Reports of the writing verbs, and the launch board."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from recsysops.domain.check_view import CheckReport
from recsysops.domain.issue import IssueChange
from recsysops.domain.verdict import Status, StepOutcome
from recsysops.domain.views import Board, BoardRow
from recsysops.service.detect import DetectReport, status_counts
from recsysops.service.ingest import IngestReport, said_of_held
from recsysops.service.judge import Judgement
from recsysops.service.predict import PredictReport
from recsysops.service.run import RunReport
from recsysops.service.shadow import ShadowReport
from recsysops.service.train import TrainReport
from recsysops.terminal.words import moment, safe, status_text, table, until, worth_words

BOARD_ROWS = 25
ASKED_ROWS = 20


def ingested(report: IngestReport, console: Console) -> None:
    """Print the account of every batch, by table: logs come in hundreds of files."""
    totals: dict[str, list[int]] = defaultdict(lambda: [0] * 5)
    for receipt in report.receipts:
        counts = [1, receipt.rows_in, receipt.accepted, receipt.duplicate, receipt.quarantined]
        totals[receipt.table] = [a + b for a, b in zip(totals[receipt.table], counts, strict=True)]
    if totals:
        rows = table("table", "files#", "rows in#", "accepted#", "duplicate#", "quarantined#", title="Ingested")
        for name, counts in totals.items():
            rows.add_row(name, *(f"{count:,}" for count in counts))
        console.print(rows)
    _kept_out(report, console)
    _held_back(report, console)
    if report.already_loaded:
        console.print(f"{len(report.already_loaded)} files were loaded before: nothing to do for them.")
    if not (totals or report.already_loaded or report.errors or report.held or report.still_held):
        console.print("The sources name no file: nothing was ingested.")
    if report.label:
        console.print(f"These data are {report.label}: what was known when is assumed.")
    for error in report.errors:
        console.print(f"{safe(error.file)}: {safe(error.message)}", style="red")


def _held_back(report: IngestReport, console: Console) -> None:
    """Print what is held and why, and what is worth knowing."""
    for held in (*report.held, *report.still_held):
        console.print(safe(said_of_held(held)), style="yellow")
    if report.held or report.still_held:
        console.print("`recsysops batches --held` lists what is held; `recsysops release` lets it through.")
    for note in report.notes:
        console.print(safe(note))


def _kept_out(report: IngestReport, console: Console) -> None:
    """Print how many rows were kept out, by table and code."""
    codes: dict[str, int] = defaultdict(int)
    for receipt in report.receipts:
        for code, count in receipt.codes.items():
            codes[f"{receipt.table} {code}"] += count
    if codes:
        kinds = ", ".join(f"{count:,} {code}" for code, count in sorted(codes.items()))
        console.print(f"Kept out: {kinds}. `recsysops ingest --quarantine` lists them with what to do.")


def trained(report: TrainReport, console: Console) -> None:
    """Print the models that were trained and why others were not."""
    if report.cards:
        rows = table(
            "measure", "horizon#", "titles#", "rows#", "served by", "coverage of 80 %#", "model", title="Trained"
        )
        for card in report.cards:
            coverage = card.scores.get("coverage_80")
            shown = "-" if coverage is None else f"{coverage:.2f}"
            served = card.serves.replace("_", " ")
            rows.add_row(
                card.measure,
                f"{card.horizon} d",
                f"{card.n_titles:,}",
                f"{card.n_rows:,}",
                served,
                shown,
                card.model_id,
            )
        console.print(rows)
    for reason in report.refused:
        console.print(safe(reason), style="yellow")


def asked(report: ShadowReport, console: Console) -> None:
    """Print how much the recommender answered, and why the rest is missing."""
    by = f" by {safe(report.version)}" if report.version else ""
    console.print(f"Asked about {report.n_cells:,} cells: {report.n_answered:,} answered{by}.")
    if report.n_without:
        console.print(f"Asked again without some of the metadata: {report.n_without:,} answers to learn from.")
    for step in report.run.steps:
        if step.outcome is StepOutcome.SKIPPED:
            console.print(safe(step.reason), style="yellow")
    if report.reasons:
        rows = table("cells#", "why not, or not of all members")
        for reason, n in sorted(report.reasons.items(), key=lambda entry: -entry[1])[:ASKED_ROWS]:
            rows.add_row(f"{n:,}", safe(reason))
        console.print(rows)


def predicted(report: PredictReport, console: Console) -> None:
    """Print how much was predicted, and by what."""
    console.print(
        f"Predicted {report.n_cells:,} cells as of {moment(report.run.as_of)} UTC: {report.n_served:,} answers, "
        f"{report.n_fallback:,} of them by comparable titles, {report.n_abstained:,} without an answer."
    )


def detected(report: DetectReport, console: Console) -> None:
    """Print what was found, by status, and what became of the issues."""
    _judged(report.judgement, console)
    _changes(report.changes, console)
    if not report.is_followed:
        console.print("A later run was followed already: issues were not touched.")
    _not_run(report.judgement, console)


def cycled(report: RunReport, console: Console) -> None:
    """Print a whole cycle; what changed was told by the channels."""
    ingested(report.ingested, console)
    for step in report.run.steps:
        if step.kind == "step" and step.reason:
            console.print(f"Step {step.name}: {safe(step.reason)}")
    _judged(report.judgement, console)
    _not_run(report.judgement, console)


def _judged(judgement: Judgement, console: Console) -> None:
    counts = status_counts(judgement)
    said = ", ".join(f"{counts[status.value]:,} {status.value.replace('_', ' ')}" for status in Status)
    console.print(f"Judged {len(judgement.cells):,} cells as of {moment(judgement.as_of)} UTC: {said}.")


def _changes(changes: Sequence[IssueChange], console: Console) -> None:
    kinds: dict[str, int] = defaultdict(int)
    for change in changes:
        kinds[change.event.kind.value] += 1
    said = ", ".join(f"{count:,} {kind}" for kind, count in sorted(kinds.items()))
    console.print(f"Issues: {said or 'nothing changed'}.")


def _not_run(judgement: Judgement, console: Console) -> None:
    for step in judgement.steps:
        if step.outcome is StepOutcome.FAILED:
            console.print(f"Did not run: {step.kind} {step.name}: {safe(step.reason)}", style="red")


def checked(report: CheckReport, console: Console) -> None:
    """Print the gate's answer, worst first."""
    rows = table("status", "title", "market", "surface", "launch (UTC)", "why")
    for entry in report.cells:
        if entry.cell.status is Status.OK and not entry.findings:
            continue
        name = f"{safe(entry.name)} [{safe(entry.title_id)}]"
        launch = moment(entry.cell.launch_at)
        why = safe(entry.cell.why)
        rows.add_row(status_text(entry.cell.status), name, entry.cell.market, entry.cell.surface, launch, why)
    if rows.row_count:
        console.print(rows)
    for notice in report.notices:
        console.print(safe(notice), style="yellow")
    n_ok = sum(entry.cell.status is Status.OK for entry in report.cells)
    console.print(
        f"{len(report.cells)} cells: {n_ok} ok, {report.n_unknown} unknown, {len(report.failed)} findings at "
        f"{report.fail_on.value} or above. {'Failed' if report.exit_code else 'Passed'}."
    )


def board(view: Board, console: Console) -> None:
    """Print the launch board: one row a title, by risk and time left."""
    if view.as_of is None:
        console.print("Nothing was judged yet. Run `recsysops run`.")
        return
    said = ", ".join(f"{view.counts[status.value]} {status.value.replace('_', ' ')}" for status in Status)
    label = f" ({view.label})" if view.label else ""
    console.print(f"Launch board of {safe(view.service)} as of {moment(view.as_of)} UTC{label}: {said}.", style="bold")
    for notice in view.notices:
        console.print(safe(notice), style="yellow")
    for row in view.rows[:BOARD_ROWS]:
        _board_row(row, view.as_of, console)
    if view.total > BOARD_ROWS:
        console.print(f"... and {view.total - BOARD_ROWS} more titles: `recsysops check` or the dashboard shows all.")


def _board_row(row: BoardRow, as_of: datetime, console: Console) -> None:
    """Print one title: a line of facts, and below it why and what to do, so that it reads at any width."""
    head = status_text(row.status)
    head.pad_right(12 - len(head))
    facts = [f"{safe(row.name)} [{safe(row.title_id)}]", f"launches {until(row.launch_at, as_of)}"]
    if row.status is not Status.OK:
        worth = row.worth
        known = (worth.expected, worth.low, worth.high, worth.unit) if worth else (None, None, None, "")
        facts.append(f"worth {worth_words(*known)}")
        facts.append(f"fix by {moment(row.latest_safe_fix_at)}")
    if not row.has_expectation:
        facts.append("no expectation")
    console.print(head.append("  ".join(facts), style="default"))
    if row.status is not Status.OK:
        console.print(Padding(Text(f"{safe(row.why)} {safe(row.remedy)}"), (0, 0, 0, 12)))
