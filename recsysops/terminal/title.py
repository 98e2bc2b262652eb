"""Everything known about one title, in a terminal."""

from rich.console import Console

from recsysops.domain.distribution import PROBABILITIES
from recsysops.domain.title_view import Comparables, FieldRow, Target, TitleView
from recsysops.domain.verdict import CheckOutcome
from recsysops.terminal.words import moment, safe, severity_text, share, status_text, table, worth_words

_LOW, _MIDDLE, _HIGH = 1, 9, 17  # 0.1, 0.5 and 0.9 among the nineteen quantiles
_SIGNS = {
    CheckOutcome.PASSED: "✓ passed", CheckOutcome.FAILED: "✖ failed", CheckOutcome.NOT_RUN: "? not run",
    CheckOutcome.NOT_APPLICABLE: "- not applicable",
}  # fmt: skip


def explained(known: tuple[TitleView, Comparables | None], console: Console) -> None:
    """Print a title's page, and why it is green."""
    view, comparables = known
    console.print(
        f"{safe(view.name) or 'No name is known'} [{safe(view.title_id)}]  {safe(view.provider)}", style="bold"
    )
    if view.status is None:
        console.print("It is not upcoming, as far as the last run knows: nothing judged it.")
    else:
        console.print(status_text(view.status), f"as of {moment(view.as_of)} UTC", view.label)
    for notice in view.notices:
        console.print(safe(notice), style="yellow")
    _launches(view, console)
    _findings(view, console)
    _targets(view, console)
    _metadata(view.metadata, console)
    if comparables is not None:
        _comparables(comparables, console)
    _verdicts(view, console)
    _issues(view, console)


def _launches(view: TitleView, console: Console) -> None:
    rows = table("market", "surface", "launch (UTC)", "what happened", "known since (UTC)", title="\nLaunches")
    for event in view.launches:
        rows.add_row(event.market, event.surface, moment(event.launch_at), event.change, moment(event.observed_at))
    console.print(rows)


def _findings(view: TitleView, console: Console) -> None:
    if not view.findings:
        console.print("\nNo finding.")
        return
    rows = table("severity", "where", "why", "remedy", "worth", "fix by (UTC)", title="\nFindings")
    for finding in view.findings:
        worth = worth_words(finding.worth, finding.worth_low, finding.worth_high, finding.worth_unit)
        rows.add_row(
            severity_text(finding.severity), f"{finding.market} {finding.surface}", safe(finding.why),
            safe(finding.remedy), worth, moment(finding.latest_safe_fix_at),
        )  # fmt: skip
    console.print(rows)


def _targets(view: TitleView, console: Console) -> None:
    rows = table(
        "where", "measure", "horizon#", "predicted (80 %)#", "by", "comparable titles#", "plan (80 %)#", "gap#",
        title="\nPrediction against plan",
    )  # fmt: skip
    for target in view.targets:
        rows.add_row(*_target(target))
    if rows.row_count:
        console.print(rows)
        console.print(f"Intervals run from quantile {PROBABILITIES[_LOW]} to {PROBABILITIES[_HIGH]}.", style="dim")


def _target(target: Target) -> tuple[str, ...]:
    served = next((p for p in target.predictions if p.is_served), None)
    baseline = next((p for p in target.predictions if p.predictor == "comparable_titles"), None)
    reason = next((p.abstains for p in target.predictions if p.abstains), "no answer")
    by = "" if served is None else f"{served.predictor.replace('_', ' ')} {served.label}".strip()
    return (
        f"{target.market} {target.surface}",
        target.measure.replace("_", " "),
        f"{target.horizon} d",
        _interval(served.quantiles) if served else safe(reason),
        by,
        _interval(baseline.quantiles) if baseline else "-",
        _interval(target.expected.quantiles) if target.expected else "no expectation",
        "-" if target.gap is None else f"{target.gap:+.0%}",
    )


def _interval(quantiles: tuple[float, ...]) -> str:
    if not quantiles:
        return "-"
    return f"{share(quantiles[_MIDDLE])} ({share(quantiles[_LOW])} to {share(quantiles[_HIGH])})"


def _metadata(fields: tuple[FieldRow, ...], console: Console) -> None:
    rows = table("field", "state", "where", "due (UTC)", "owner", "found", title="\nRequired metadata")
    for row in fields:
        where = f"{', '.join(row.markets)} · {', '.join(row.surfaces)}"
        found = safe(row.value)[:60] or row.reason
        rows.add_row(row.field, row.state.value.replace("_", " "), where, moment(row.due_at), safe(row.owner), found)
    if rows.row_count:
        console.print(rows)


def _comparables(comparables: Comparables, console: Console) -> None:
    if comparables.problem:
        console.print(f"\nNo comparable titles: {safe(comparables.problem)}")
        return
    measure = comparables.measure.replace("_", " ")
    rows = table(
        "title",
        "where",
        "launched (UTC)",
        "distance#",
        f"{measure} {comparables.horizon} d#",
        title="\nComparable titles",
    )
    for title in comparables.titles[:10]:
        distance = "-" if title.distance is None else f"{title.distance:.2f}"
        name = f"{safe(title.name)} [{safe(title.title_id)}]"
        rows.add_row(name, f"{title.market} {title.surface}", moment(title.launch_at), distance, share(title.value))
    console.print(rows)


def _verdicts(view: TitleView, console: Console) -> None:
    rows = table("check", "where", "outcome", "why", "margin#", "rests on", title="\nEvery check that judged it")
    for verdict in view.verdicts:
        margin = "-" if verdict.margin is None else f"{verdict.margin:+.2f}"
        rows.add_row(
            f"{verdict.detector}: {verdict.rule}", f"{verdict.market} {verdict.surface}", _SIGNS[verdict.outcome],
            safe(verdict.reason), margin, safe(verdict.data),
        )  # fmt: skip
    if rows.row_count:
        console.print(rows)


def _issues(view: TitleView, console: Console) -> None:
    rows = table("when (UTC)", "what", "severity", "where", "why", title="\nHistory of its issues")
    for entry in view.issues:
        finding = entry.issue.finding
        for event in entry.events:
            what = event.kind.value if event.resolution is None else f"{event.kind.value}: {event.resolution.value}"
            where = f"{finding.market} {finding.surface}"
            rows.add_row(moment(event.at), what, severity_text(event.severity), where, safe(event.why))
    if rows.row_count:
        console.print(rows)
