"""What would change, in a terminal: ranges before and after, and through what they come."""

from rich.console import Console

from recsysops.domain.what_if import Changed, Outlook, Through, WhatIf, WhatIfCell, WhatIfTarget
from recsysops.terminal.words import safe, share, table

THROUGH = {
    Through.RECOMMENDER: "through the recommender", Through.MODEL: "through the model alone",
    Through.BOTH: "through the recommender in part, elsewhere through the model alone",
}  # fmt: skip


def moved(answer: WhatIf, console: Console) -> None:
    """Print what a change would do."""
    console.print(f"{safe(answer.name) or 'No name is known'} [{safe(answer.title_id)}]", style="bold")
    asked = f" ({safe(answer.recommender)})" if answer.recommender else ""
    console.print(f"What if: judged {THROUGH[answer.through]}{asked}.", safe(answer.reason))
    _changes(answer.changes, console)
    rows = table(
        "where", "measure", "horizon#", "as it is#", "as changed#", "change of median#",
        "by", "through", title="\nBefore and after",
    )  # fmt: skip
    for target in answer.targets:
        rows.add_row(*_target(target))
    console.print(rows)
    console.print(
        "Medians with 80 % and 90 % intervals; changes in percentage points, from the least to the most of quantiles.",
        style="dim",
    )
    labels = dict.fromkeys(side.label for t in answer.targets for side in (t.before, t.after) if ":" in side.label)
    for label in labels:
        console.print(safe(label), style="dim")
    _said(answer.cells, console)
    for notice in answer.notices:
        console.print(f"! {safe(notice)}", style="yellow")


def _changes(changes: tuple[Changed, ...], console: Console) -> None:
    rows = table("what", "where", "as it is", "as changed", title="\nChanged")
    for change in changes:
        after = safe(change.after) or "(missing)"
        where = "everywhere" if change.market == "all" else safe(change.market)
        now = safe(change.before) or "(missing)"
        rows.add_row(safe(change.what), where, now, after if change.is_different else f"{after} (the same)")
    if changes:
        console.print(rows)


def _target(target: WhatIfTarget) -> tuple[str, ...]:
    before, after, change = target.before, target.after, target.change
    by = " / ".join(dict.fromkeys(_by(side) for side in (before, after)))
    return (
        f"{safe(target.market)} {safe(target.surface)}",
        target.measure.replace("_", " "),
        f"{target.horizon} d",
        _range(before),
        _range(after),
        "unknown" if change is None else f"{_points(change.median)} ({_points(change.low)} to {_points(change.high)})",
        by,
        "model" if target.through is Through.MODEL else "recommender",
    )


def _range(side: Outlook) -> str:
    if not side.quantiles:
        return f"unknown: {safe(side.abstains)}"
    return f"{share(side.median)} ({_span(side.low_80, side.high_80)}; {_span(side.low_90, side.high_90)})"


def _span(low: float | None, high: float | None) -> str:
    return f"{share(low).removesuffix(' %')}–{share(high).removesuffix(' %')}"


def _by(side: Outlook) -> str:
    """Return who answers; the whole label of a fallback, a sentence, stands below the table."""
    label = side.label.partition(":")[0]
    return f"{side.predictor.replace('_', ' ')}{f' ({label})' if label else ''}" if side.predictor else "nobody"


def _points(change: float) -> str:
    points = 100 * change
    return "0" if points == 0 else f"{points:+.1f}" if abs(points) >= 1 else f"{points:+.2g}"


def _said(cells: tuple[WhatIfCell, ...], console: Console) -> None:
    asked = [cell for cell in cells if cell.through is Through.RECOMMENDER]
    rows = table(
        "where", "members#", "would show it to#", "as changed#", "alone#", "as changed#", "error#", "said",
        title="\nWhat the recommender said, share of a day's active members",
    )  # fmt: skip
    for cell in asked:
        rows.add_row(
            f"{safe(cell.market)} {safe(cell.surface)}", f"{cell.n_members:,}", share(cell.reach_before),
            share(cell.reach_after), share(cell.alone_before), share(cell.alone_after), share(cell.standard_error),
            safe(cell.reason),
        )  # fmt: skip
    if asked:
        console.print(rows)
