"""Models, what happened to them, and how two of them did."""

from collections.abc import Sequence

from rich.console import Console

from recsysops.domain.registry import ModelAnswer, ModelComparison, ModelDetail, ModelList
from recsysops.terminal.words import moment, safe, table


def model_list(view: ModelList, console: Console) -> None:
    """Print every model, newest first."""
    if not view.models:
        console.print("No model was trained yet. Run `recsysops train`.")
        return
    rows = table("model", "state", "trained at (UTC)", "launches#", "pinball#", "recipe", "serves")
    for known in view.models:
        card = known.card
        rows.add_row(
            card.model_id, known.state.value, moment(card.trained_as_of), f"{card.n_rows:,}",
            _figure(card.scores.get("model_pinball")), card.recipe or "-", card.serves.replace("_", " "),
        )  # fmt: skip
    console.print(rows)


def model_detail(view: ModelDetail, console: Console) -> None:
    """Print one model and what happened to it, oldest first."""
    card = view.model.card
    console.print(f"{card.model_id}: {view.model.state.value}, {card.measure} over {card.horizon} days")
    console.print(
        f"    trained as of {moment(card.trained_as_of)} UTC on {card.n_rows:,} launches, recipe {card.recipe}"
    )
    if card.reason:
        console.print(f"    comparable titles are served: {safe(card.reason)}")
    for name, value in sorted(card.scores.items()):
        console.print(f"    {name.replace('_', ' ')}: {value:.4f}")
    if view.refused:
        console.print(safe(view.refused), style="red")
    else:
        console.print("    its files can be trusted: signed, sound, golden predictions as in training")
    for move in view.moves:
        said = f"{move.kind.value.replace('_', ' ')} by {safe(move.actor)}: {safe(move.reason)}"
        console.print(f"    {moment(move.at)} UTC  {said}")


def model_answers(view: Sequence[ModelAnswer], console: Console) -> None:
    """Print what became of a decision."""
    for answer in view:
        console.print(safe(answer.answer))


def model_comparisons(view: Sequence[ModelComparison], console: Console) -> None:
    """Print how two models did on the launches both predicted."""
    if not view:
        console.print("No challenger predicts beside an active model. Name two models to compare them.")
        return
    rows = table("first", "second", "launches#", "weeks#", "gain in CRPS [95 %]#", "coverage of 80 %#", "second's#")
    for each in view:
        spread = "" if each.low is None or each.high is None else f" [{each.low:.4f}, {each.high:.4f}]"
        rows.add_row(
            each.first.card.model_id, each.second.card.model_id, f"{each.n:,}", str(each.weeks),
            _figure(each.gain) + spread, _figure(each.coverage_first), _figure(each.coverage_second),
        )  # fmt: skip
    console.print(rows)
    console.print("A gain above 0: the second is better.")


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
