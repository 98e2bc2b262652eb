"""Tables of issues and runs."""

from collections.abc import Sequence

from recsysops.domain.run import StepReport
from recsysops.domain.verdict import StepOutcome
from recsysops.domain.views import IssueView, RunView
from recsysops_dashboards._html import Part, Safe, badge, lines, link, small, table, text, when
from recsysops_dashboards._words import CLASS, SEVERITY, place, short_day

STEP = {
    StepOutcome.RAN: ("✔", "Ran", "ok"),
    StepOutcome.FAILED: ("✖", "Failed", "failing"),
    StepOutcome.SKIPPED: ("?", "Skipped", "unknown"),
}
SHOWN_STEPS = 6


def issues_table(views: Sequence[IssueView]) -> Safe:
    """Return issues, one row each."""
    head = ("Severity", "Title", "Where", "Why", "What to do", "Fix by", "Since")
    widths = ("9%", "16%", "10%", "26%", "19%", "9%", "11%")
    return table(head, (_issue(view) for view in views), label="Issues, worst first", widths=widths)


def runs_table(runs: Sequence[RunView]) -> Safe:
    """Return runs with what failed or was skipped in them."""
    head = ("Started", "Verb", "Stands at", "Went", "What did not run, and why", "Took")
    widths = ("13%", "8%", "13%", "11%", "47%", "8%")
    return table(head, (_run(run) for run in runs), label="Runs, latest first", widths=widths)


def _issue(view: IssueView) -> list[Part]:
    issue, finding = view.issue, view.issue.finding
    ended = f"{issue.resolution} {short_day(issue.resolved_at)}" if issue.resolved_at else ""
    again = f"opened for the {issue.episode}. time" if issue.episode > 1 else ""
    return [
        lines([badge(*SEVERITY[finding.severity]), small(ended)]),
        link(view.name or finding.title_id, "title", {"title": finding.title_id}, lines=2),
        small(place(finding.market, finding.surface)),
        lines([text(finding.why, lines=3), small(CLASS[finding.finding_class])]),
        text(finding.remedy, lines=3),
        short_day(finding.latest_safe_fix_at),
        lines([short_day(issue.opened_at), small(again)]),
    ]


def _run(run: RunView) -> list[Part]:
    went = ("?", "Not finished", "unknown") if run.finished_at is None else (
        STEP[StepOutcome.FAILED] if run.has_failed else STEP[StepOutcome.RAN]
    )  # fmt: skip
    amiss = [step for step in run.steps if step.outcome is not StepOutcome.RAN]
    said: list[Part] = [text(_step(step), lines=2) for step in amiss[:SHOWN_STEPS]]
    if len(amiss) > SHOWN_STEPS:
        said.append(small(f"and {len(amiss) - SHOWN_STEPS} more"))
    return [
        when(run.started_at),
        run.verb,
        when(run.as_of),
        badge(*went),
        lines(said) if said else "–",
        f"{run.seconds:,.0f} s" if run.seconds is not None else "–",
    ]


def _step(step: StepReport) -> str:
    return f"{STEP[step.outcome][1]}: {step.kind} {step.name}{f', {step.reason}' if step.reason else ''}"
