"""Tables of the Model page."""

from collections.abc import Sequence

from recsysops.columns import CHALLENGER
from recsysops.domain.model import ModelCard
from recsysops.domain.scoreboard import GroupLine, Miss, Scoreboard, ScoreLine
from recsysops_dashboards._html import Part, Safe, badge, lines, link, small, table, text
from recsysops_dashboards._score_words import KIND, days_before, error, percent, predictor, skill
from recsysops_dashboards._words import count, day, place, share, target

GROUPS_OF_A_KIND = 8


def models_table(champions: Sequence[ModelCard], found: Scoreboard, challengers: Sequence[ModelCard] = ()) -> Safe:
    """Return every measure and horizon with the model that answers and the one that predicts beside it.

    Args:
        champions: The active ones.
        found: Tells how models did after launch, where one predicts the target that is shown.
        challengers: Cards of those that predict beside; of one without a card, what its scores say is shown.
    """
    beside = {(card.measure, card.horizon): card for card in challengers}
    rows = [
        [
            text(target(card.measure, card.horizon)),
            _card(card, found),
            _card(beside[card.measure, card.horizon], found) if (card.measure, card.horizon) in beside
            else _scored_beside(card, found),
        ]
        for card in champions
    ]  # fmt: skip
    head = ("Predicts", "Champion: answers", "Challenger: predicts beside it")
    return table(head, rows, label="Models in use", widths=("16%", "42%", "42%"))


def _card(card: ModelCard, found: Scoreboard) -> Safe:
    serves = badge("✔", "serves", "ok") if card.serves == "model" else badge("▲", "comparable titles serve", "at_risk")
    learned = f"learned from {count(card.n_titles, 'title')} ({card.n_rows:,} rows), trained as of "
    parts: list[Part] = [
        text(card.model_id, lines=2),
        serves,
        small(f"{learned}{day(card.trained_as_of)}{f' · {card.label}' if card.label else ''}"),
        small(_held_back(card)),
        small(_after_launch(card, found)),
    ]
    if card.reason:
        parts.append(text(card.reason, "rso-note", lines=3))
    return lines(parts)


def _scored_beside(champion: ModelCard, found: Scoreboard) -> Safe:
    """Return what is known of models that predicted beside the champion, from scores alone."""
    if (champion.measure, champion.horizon) != (found.measure, found.horizon):
        return small("No challenger.")
    own = {champion.model_id, ""}
    others = [line for line in found.lines if line.predictor == CHALLENGER and line.model_id not in own]
    names = dict.fromkeys(line.model_id for line in others)
    parts: list[Part] = []
    for name in names:
        parts += [text(name, lines=2), small(_record([line for line in others if line.model_id == name]))]
    return lines(parts) if parts else small("No challenger.")


def _held_back(card: ModelCard) -> str:
    mine, theirs = card.scores.get("model_pinball"), card.scores.get("comparable_titles_pinball")
    inside = card.scores.get("coverage_80")
    said = [f"pinball {mine:.3f}" if mine is not None else "", f"comparable titles {theirs:.3f}" if theirs else "",
            f"{inside:.0%} of outcomes in the 80 % interval" if inside is not None else ""]  # fmt: skip
    return f"On launches held back in training: {', '.join(filter(None, said)) or 'not known'}."


def _after_launch(card: ModelCard, found: Scoreboard) -> str:
    """Return how a model did on launches, where it is the target shown: longest lead first."""
    if (card.measure, card.horizon) != (found.measure, found.horizon):
        return ""
    own = [line for line in found.lines if line.model_id == card.model_id]
    if not own:
        return "After launch: no title it predicted has launched and had its window end."
    return _record(own)


def _record(own: Sequence[ScoreLine]) -> str:
    said = (f"{line.mae.value:.2f} off {days_before(line.lead)} ({line.n:,})" for line in own)
    return f"After launch (places scored): {', '.join(said)}."


def lines_table(found: Sequence[ScoreLine]) -> Safe:
    """Return the figures of each lead and predictor."""
    head = ("Lead", "Predicted by", "Error of the median", "CRPS", "In 80 % interval", "In 90 % interval",
            "Than comparable titles", "Launches")  # fmt: skip
    widths = ("12%", "16%", "13%", "11%", "12%", "12%", "13%", "11%")
    rows = (_line(line) for line in found if not line.model_id)
    return table(head, rows, label="Predicted against actual, by lead and predictor", widths=widths)


def _line(line: ScoreLine) -> list[Part]:
    return [
        days_before(line.lead),
        text(predictor(line.predictor), lines=2),
        _two(error(line.mae)),
        _two(error(line.crps)),
        _two(percent(line.coverage_80)),
        _two(percent(line.coverage_90)),
        _two(skill(line.skill)),
        lines([f"{line.n:,}", small(f"{count(line.n_titles, 'title')}, {count(line.n_weeks, 'week')}")]),
    ]


def groups_table(found: Sequence[GroupLine]) -> Safe:
    """Return the error by group, of each kind the worst first."""
    head = ("By", "Group", "Error of the median", "In 80 % interval", "The recommender did", "Launches")
    shown: dict[str, int] = {}
    rows = []
    for line in found:
        shown[line.kind] = shown.get(line.kind, 0) + 1
        if shown[line.kind] <= GROUPS_OF_A_KIND:
            rows.append(_group(line))
    return table(head, rows, label="Error by group, worst first", widths=("11%", "29%", "15%", "14%", "16%", "15%"))


def _group(line: GroupLine) -> list[Part]:
    few = badge("▲", f"only {count(line.n_titles, 'title')}", "none") if line.is_small else ""
    word = "more" if line.bias >= 0 else "less"
    return [
        KIND[line.kind],
        text(line.value or "none", lines=2),
        _two(error(line.mae)),
        f"{100 * line.coverage_80:.0f} %",
        f"{abs(line.bias):.2f} {word} than predicted",
        lines([f"{line.n:,}", few]),
    ]


def misses_table(found: Sequence[Miss]) -> Safe:
    """Return titles we were wrong about, the worst first."""
    head = ("Title", "Where", "Launched", "Predicted", "Actual", "Off by", "Predicted by")
    widths = ("27%", "13%", "13%", "17%", "9%", "9%", "12%")
    return table(head, (_miss(miss) for miss in found), label="Titles we were most wrong about", widths=widths)


def _miss(miss: Miss) -> list[Part]:
    outside = "" if miss.is_covered else badge("✖", "outside", "failing")
    cells = f"the worst of {miss.n_cells} places" if miss.n_cells > 1 else ""
    return [
        link(miss.name or miss.title_id, "title", {"title": miss.title_id}, lines=2),
        lines([text(place(miss.market, miss.surface), lines=2), small(cells) if cells else ""]),
        lines([day(miss.launch_at), small(f"predicted {day(miss.as_of)}")]),
        lines([share(miss.median), small(f"80 %: {share(miss.low)} to {share(miss.high)}")]),
        lines([share(miss.actual), outside]),
        f"{miss.absolute_error:.2f}",
        lines([text(predictor(miss.predictor), lines=2), text(miss.model_id, "rso-note", lines=2)]),
    ]


def _two(parts: tuple[str, str]) -> Safe:
    return lines([parts[0], small(parts[1]) if parts[1] else ""])
