"""Backtest scores, issues, plug-ins and the doctor's findings."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console

from recsysops.domain.batch import QuarantinedRow
from recsysops.domain.issue import Issue
from recsysops.domain.model import BacktestScore
from recsysops.service.backtest import BacktestReport
from recsysops.terminal.words import moment, safe, severity_text, table

if TYPE_CHECKING:
    from recsysops.doctor import Examination
    from recsysops.plugins import PluginReport


def backtested(report: BacktestReport, console: Console) -> None:
    """Print scores by measure, horizon and predictor, and how much worse than the model each baseline is."""
    for measure, horizon in dict.fromkeys((score.measure, score.horizon) for score in report.scores):
        scores = [s for s in report.scores if (s.measure, s.horizon) == (measure, horizon)]
        rows = table(
            "predictor", "pinball#", "MAE#", "Spearman#", "coverage of 80 %#", "MAE minus model's [95 %]#", "n#",
            title=f"{measure}, {horizon} d",
        )  # fmt: skip
        for predictor in dict.fromkeys(score.predictor for score in scores):
            mine = {score.metric: score for score in scores if score.predictor == predictor}
            cells = (_figure(mine.get(m)) for m in ("pinball", "mae", "spearman", "coverage_80", "mae_minus_model"))
            n = next(iter(mine.values())).n
            rows.add_row(predictor.replace("_", " "), *cells, f"{n:,}")
        console.print(rows)
    for reason in report.refused:
        console.print(safe(reason), style="yellow")
    if report.label:
        console.print(f"These results are {report.label}.")


def _figure(score: BacktestScore | None) -> str:
    if score is None:
        return "-"
    spread = "" if score.low is None or score.high is None else f" [{score.low:.3f}, {score.high:.3f}]"
    return f"{score.value:.3f}{spread}"


def issue_list(issues: Sequence[Issue], console: Console) -> None:
    """Print issues, worst first."""
    if not issues:
        console.print("No issue.")
        return
    rows = table("severity", "title", "market", "surface", "opened (UTC)", "state", "why")
    for issue in issues:
        finding = issue.finding
        state = "open" if issue.resolution is None else issue.resolution.value
        rows.add_row(
            severity_text(finding.severity), safe(finding.title_id), finding.market, finding.surface,
            moment(issue.opened_at), state, safe(finding.why),
        )  # fmt: skip
    console.print(rows)


def kept_out(rows: Sequence[tuple[str, QuarantinedRow]], console: Console) -> None:
    """Print quarantined rows, with what would let each in."""
    if not rows:
        console.print("No row is in quarantine.")
        return
    shown = table("file", "row#", "column", "code", "value", "expected", "what to do")
    for _, row in rows:
        number = str(row.row) if row.row > 0 else "-"
        name = safe(row.file.rsplit("/", 1)[-1])
        shown.add_row(name, number, safe(row.column), row.code, safe(row.value)[:40], safe(row.rule), safe(row.fix))
    console.print(shown)


def plugin_list(report: "PluginReport", console: Console) -> None:
    """Print what is loaded, what is off, and what could not be loaded."""
    rows = table("kind", "name", "from", "what it does")
    for used in report.detectors:
        rows.add_row("detector", used.detector.name, used.distribution, used.detector.summary)
    for sent in report.channels:
        rows.add_row("channel", sent.instance, sent.distribution, sent.channel.summary)
    if report.recommender is not None:
        asked = report.recommender
        rows.add_row("recommender", asked.adapter.name, asked.distribution, asked.adapter.summary)
    console.print(rows)
    if report.disabled:
        console.print(f"Switched off in the settings: {', '.join(report.disabled)}.")
    for refused in report.refused:
        console.print(
            f"Could not be loaded: {refused.name} of {refused.distribution}: {safe(refused.reason)}", style="red"
        )


def examined(report: "Sequence[Examination]", console: Console) -> None:
    """Print what the doctor looked at."""
    rows = table("", "what", "found", "what to do")
    for entry in report:
        rows.add_row("✓" if entry.is_fine else "✖", entry.what, safe(entry.found), safe(entry.remedy))
    console.print(rows)
