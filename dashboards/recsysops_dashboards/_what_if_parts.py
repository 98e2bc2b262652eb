"""Tables and sentences of a what-if: ranges, never a number alone."""

from collections.abc import Sequence

from recsysops.domain.what_if import Changed, Outlook, Through, WhatIf, WhatIfTarget
from recsysops_dashboards._html import Part, Safe, badge, lines, small, table, text
from recsysops_dashboards._words import MEASURE_OF, PREDICTOR, place, points, share
from recsysops_dashboards._words import target as target_name

THROUGH = {
    Through.RECOMMENDER: ("⇄", "Through the recommender", "ok"),
    Through.MODEL: ("∿", "Through the model alone", "at_risk"),
    Through.BOTH: ("⇄", "Through the recommender in part, else the model alone", "at_risk"),
}


def way(told: WhatIf) -> Safe:
    """Return by which way it was judged, and why."""
    asked = f"The recommender that was asked: {told.recommender}. " if told.recommender else ""
    return lines([badge(*THROUGH[told.through]), small(f"{asked}{told.reason}")])


def changes_table(changes: Sequence[Changed]) -> Safe:
    """Return what would be otherwise."""
    rows: list[list[Part]] = [
        [
            text(change.what, lines=2),
            "everywhere" if change.market == "all" else text(change.market, lines=2),
            text(change.before or "nothing", lines=2),
            text(change.after or "nothing", lines=2) if change.is_different else "the same",
        ]
        for change in changes
    ]
    return table(
        ("What", "Where", "As it is", "As changed"), rows, label="What would be otherwise",
        widths=("18%", "14%", "34%", "34%"),
    )  # fmt: skip


def ranges_table(targets: Sequence[WhatIfTarget]) -> Safe:
    """Return the ranges of every target."""
    head = ("Where", "What", "As it is", "As changed", "Change of median", "Through")
    return table(
        head, (_ranges_row(target) for target in targets), label="Ranges before and after",
        widths=("14%", "17%", "20%", "20%", "16%", "13%"),
    )  # fmt: skip


def target_sentence(target: WhatIfTarget) -> str:
    """Return what the change does to one target, in words."""
    if target.change is None:
        unknown = [f"{name} unknown: {_why(side)}" for name, side in _sides(target) if not side.quantiles]
        known = [f"{name} {_range(side)}" for name, side in _sides(target) if side.quantiles]
        return f"{'; '.join([*known, *unknown])}."
    change = target.change
    by = f" By {PREDICTOR.get(target.after.predictor, target.after.predictor).lower()}, {_through(target)}."
    return (
        f"From {_range(target.before)} to {_range(target.after)} {MEASURE_OF.get(target.measure, '')}; the median "
        f"{points(change.median)} points ({points(change.low)} to {points(change.high)}).{by}"
    )


def said_sentence(told: WhatIf, market: str, surface: str) -> str:
    """Return what the recommender said in one place; empty where its answer was not used."""
    cell = next((each for each in told.cells if (each.market, each.surface) == (market, surface)), None)
    if cell is None or cell.through is not Through.RECOMMENDER:
        return ""
    said = f" It said: {cell.reason}" if cell.reason else ""
    return (
        f"Asked about {cell.n_members:,} members of {place(market, surface)}, the recommender would show it to "
        f"{share(cell.reach_before)} of a day's active members as it is, and to {share(cell.reach_after)} as changed "
        f"(without the titles that launch beside it: {share(cell.alone_before)} and {share(cell.alone_after)}).{said}"
    )


def _sides(target: WhatIfTarget) -> tuple[tuple[str, Outlook], ...]:
    return ("As it is", target.before), ("As changed", target.after)


def _ranges_row(target: WhatIfTarget) -> list[Part]:
    change = target.change
    moved = "unknown" if change is None else lines(
        [f"{points(change.median)} points", small(f"{points(change.low)} to {points(change.high)}")]
    )  # fmt: skip
    return [
        place(target.market, target.surface),
        target_name(target.measure, target.horizon),
        _cell(target.before),
        _cell(target.after),
        moved,
        small(_through(target)),
    ]


def _cell(side: Outlook) -> Part:
    if not side.quantiles:
        return small(f"unknown: {_why(side)}")
    by = f"{PREDICTOR.get(side.predictor, side.predictor)}{f', {side.label}' if side.label else ''}"
    wide = f"90 %: {_span(side.low_90, side.high_90)}"
    return lines([_range(side), small(wide), small(by)])


def _range(side: Outlook) -> str:
    return f"{share(side.median)} ({_span(side.low_80, side.high_80)})"


def _span(low: float | None, high: float | None) -> str:
    return f"{share(low).removesuffix(' %')}–{share(high).removesuffix(' %')}"


def _why(side: Outlook) -> str:
    return side.abstains.rstrip(".") or "nothing answers"


def _through(target: WhatIfTarget) -> str:
    return "through the recommender" if target.through is Through.RECOMMENDER else "without the recommender"
