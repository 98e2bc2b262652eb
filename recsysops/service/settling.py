"""Freshly trained models find their place in the registry, and files that are refused are kept on record."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from recsysops.domain.model import ModelCard
from recsysops.domain.registry import POLICY, ModelMove, MoveKind
from recsysops.service._promotion import Reason, Ruling, on_training
from recsysops.service.context import Context
from recsysops.service.ports import UnitOfWork

FILES: Final = f"{Reason.FILES_REFUSED.value}: "


def settle(context: Context, cards: Sequence[ModelCard], as_of: datetime) -> list[str]:
    """Give each new model its place, all in one transaction; return a sentence for each that does not answer."""
    folder, said = context.artifacts_folder, []
    with context.store.read() as unit:
        active = {(card.measure, card.horizon): card for card in unit.models.active()}
    refused = {card.model_id: context.forecaster.why_refused(card, folder) for card in cards}
    refused_now = refusals(context, [active[card.measure, card.horizon] for card in cards if target(card) in active])
    with context.store.write() as unit:
        for card in cards:
            before = active.get(target(card))
            ruling = on_training(
                card, before, refused=refused[card.model_id],
                active_refused=refused_now.get(before.model_id, "") if before else "",
                retired=_retired_recipes(unit, card),
            )  # fmt: skip
            if before is None or before.model_id != card.model_id:
                _apply(unit, card, before, ruling, as_of=as_of, at=context.clock())
            if ruling.kind in {MoveKind.KEPT_OUT, MoveKind.CHALLENGED}:
                said.append(f"{card.model_id} does not answer ({ruling.text}).")
        unit.commit()
    return said


def refusals(context: Context, cards: Sequence[ModelCard]) -> dict[str, str]:
    """Return, by model id, why files of these models cannot be trusted; those that can be are left out."""
    found = {card.model_id: context.forecaster.why_refused(card, context.artifacts_folder) for card in cards}
    return {model_id: why for model_id, why in found.items() if why}


def record_refusals(unit: UnitOfWork, refused: Mapping[str, str], at: datetime) -> None:
    """Keep that files were refused, once until something else happens to the model."""
    for model_id, why in refused.items():
        moves, known = unit.models.moves(model_id=model_id), unit.models.find(model_id)
        if known is not None and not (moves and moves[-1].kind is MoveKind.REFUSED):
            move(unit, known.card, None, MoveKind.REFUSED, POLICY, FILES + why, at)


def move(
    unit: UnitOfWork, card: ModelCard, previous_id: str | None, kind: MoveKind, actor: str, reason: str, at: datetime
) -> None:
    """Append what happened to a model."""
    unit.models.record(
        ModelMove(
            measure=card.measure, horizon=card.horizon, model_id=card.model_id, kind=kind, previous_id=previous_id,
            actor=actor, reason=reason, at=at,
        )
    )  # fmt: skip


def _apply(
    unit: UnitOfWork, card: ModelCard, before: ModelCard | None, ruling: Ruling, *, as_of: datetime, at: datetime
) -> None:
    kind = ruling.kind
    assert kind is not None
    if kind in {MoveKind.ACTIVATED, MoveKind.REFRESHED}:
        unit.models.activate(card)
    elif kind is MoveKind.CHALLENGED:
        current = next((known for known in unit.models.challengers() if target(known.card) == target(card)), None)
        is_refresh = current is not None and current.card.recipe == card.recipe and current.since is not None
        # What a challenger of the same recipe predicted so far counts on.
        since = current.since if is_refresh and current is not None and current.since else as_of
        unit.models.challenge(card, since)
    else:
        unit.models.add(card)
    move(unit, card, before.model_id if before else None, kind, POLICY, ruling.text, at)


def _retired_recipes(unit: UnitOfWork, card: ModelCard) -> list[str]:
    """Return the recipes that lost against the active one of this target, by policy."""
    recipe_of = {known.card.model_id: known.card.recipe for known in unit.models.all()}
    moves = [each for each in unit.models.moves() if (each.measure, each.horizon) == target(card)]
    # Who returned took the place of the one that lost.
    lost = [each.previous_id or "" for each in moves if each.kind is MoveKind.RETURNED]
    lost += [each.model_id for each in moves if each.kind is MoveKind.RETIRED and FILES not in each.reason]
    return [recipe_of[model_id] for model_id in lost if model_id in recipe_of]


def target(card: ModelCard) -> tuple[str, int]:
    """Return the measure and horizon of a model."""
    return card.measure, card.horizon
