"""The registry as a person sees and moves it: list, show, compare, activate, roll back."""

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from recsysops.columns import MODEL_ID
from recsysops.domain.model import ModelCard
from recsysops.domain.registry import (
    POLICY,
    KnownModel,
    ModelAnswer,
    ModelComparison,
    ModelDetail,
    ModelList,
    ModelMove,
    ModelState,
    MoveKind,
)
from recsysops.errors import ModelError, NotFoundError, UsageError
from recsysops.service._contest import contest, pair
from recsysops.service.context import Context
from recsysops.service.ports import Store, UnitOfWork
from recsysops.service.settling import move, target

MAX_WORDS = 500
_ANSWERS = (
    MoveKind.ACTIVATED, MoveKind.REFRESHED, MoveKind.PROMOTED, MoveKind.RETURNED, MoveKind.ROLLED_BACK,
)  # fmt: skip
"""Moves after which a model answers."""
_BACK = (MoveKind.RETURNED, MoveKind.ROLLED_BACK)


def models(store: Store) -> ModelList:
    """Return every model, the latest trained first."""
    with store.read() as unit:
        return ModelList(models=tuple(_finite(known) for known in unit.models.all()))


def model(context: Context, model_id: str) -> ModelDetail:
    """Return one model, what happened to it, and whether its files can be trusted now.

    Raises:
        NotFoundError: There is no such model.
    """
    with context.store.read() as unit:
        known, moves = _find(unit, model_id), unit.models.moves(model_id=model_id)
    refused = context.forecaster.why_refused(known.card, context.artifacts_folder)
    return ModelDetail(model=_finite(known), moves=moves, refused=refused)


def model_on_record(store: Store, model_id: str) -> ModelDetail:
    """Return one model and what happened to it, without a look at its files; see `model`."""
    with store.read() as unit:
        return ModelDetail(model=_finite(_find(unit, model_id)), moves=unit.models.moves(model_id=model_id))


def compare(store: Store, first: str | None = None, second: str | None = None) -> tuple[ModelComparison, ...]:
    """Return how models did on the launches both predicted: two by id, else each active one and its challenger.

    Raises:
        NotFoundError: There is no such model.
        UsageError: Only one is named, or they predict different things.
    """
    with store.read() as unit:
        if (first is None) != (second is None):
            raise UsageError("One model is no comparison. Name two, or none for each active model and its challenger.")
        if first is not None and second is not None:
            pairs = [(_find(unit, first), _find(unit, second))]
        else:
            active = {target(card): KnownModel(card=card, state=ModelState.ACTIVE) for card in unit.models.active()}
            beside = unit.models.challengers()
            pairs = [(active[target(known.card)], known) for known in beside if target(known.card) in active]
        return tuple(_compared(unit, one, two) for one, two in pairs)


def activate(context: Context, model_id: str, by: str, reason: str) -> ModelAnswer:
    """Let a model answer from now on; who said so and why stays on record.

    Raises:
        NotFoundError: There is no such model.
        ModelError: Its files cannot be trusted; nothing was changed.
        UsageError: `by` or `reason` is empty or too long.
    """
    by, reason = _words(by, reason)
    with context.store.read() as unit:
        known = _find(unit, model_id)
    if known.state is ModelState.ACTIVE:
        return ModelAnswer(answer=f"{model_id} answers already; nothing was changed.", model=_finite(known))
    _trusted(context, [known.card])
    with context.store.write() as unit:
        _swap(unit, known.card, MoveKind.ACTIVATED, by, reason, now=context.as_of(), at=context.clock())
        unit.commit()
        after = _find(unit, model_id)
    answer = f"{model_id} answers for {after.card.measure} over {after.card.horizon} days from the next prediction on."
    return ModelAnswer(answer=answer, model=_finite(after))


def rollback(
    context: Context, by: str, reason: str, *, measure: str | None = None, horizon: int | None = None
) -> tuple[ModelAnswer, ...]:
    """Let the models that answered before answer again: of one measure or horizon where given, else of all.

    Raises:
        UsageError: None answered before, or `by` or `reason` is empty or too long.
        ModelError: The files of one cannot be trusted; nothing was changed.
    """
    by, reason = _words(by, reason)
    with context.store.read() as unit:
        moves = unit.models.moves()
        wanted = [c for c in unit.models.active() if measure in {None, c.measure} and horizon in {None, c.horizon}]
        ids = [(card, _before(moves, card)) for card in wanted]
        found = [(card, _find(unit, model_id)) for card, model_id in ids if model_id is not None]
    if not found:
        raise UsageError("There is nothing to go back to: no other model answered before. See `recsysops model list`.")
    _trusted(context, [known.card for _, known in found])
    answers = []
    with context.store.write() as unit:
        for card, known in found:
            _swap(unit, known.card, MoveKind.ROLLED_BACK, by, reason, now=context.as_of(), at=context.clock())
            said = f"{known.card.model_id} answers again in place of {card.model_id}."
            answers.append(ModelAnswer(answer=said, model=_finite(_find(unit, known.card.model_id))))
        unit.commit()
    return tuple(answers)


def _swap(
    unit: UnitOfWork, card: ModelCard, kind: MoveKind, by: str, reason: str, *, now: datetime, at: datetime
) -> None:
    """Point at a model; a challenger goes on, but what it predicted beside another model counts no more."""
    before = next((each for each in unit.models.active() if target(each) == target(card)), None)
    unit.models.activate(card)
    for known in unit.models.challengers():
        if target(known.card) == target(card):
            unit.models.challenge(known.card, now)
    move(unit, card, before.model_id if before else None, kind, by, reason, at)


def _before(moves: Sequence[ModelMove], card: ModelCard) -> str | None:
    """Return the model that answered before this one came to answer, other than by going back to it."""
    came = [
        each for each in moves
        if each.model_id == card.model_id and each.kind in _ANSWERS and each.kind not in _BACK
    ]  # fmt: skip
    return came[-1].previous_id if came else None


def _trusted(context: Context, cards: Sequence[ModelCard]) -> None:
    for card in cards:
        if why := context.forecaster.why_refused(card, context.artifacts_folder):
            raise ModelError(why)


def _compared(unit: UnitOfWork, first: KnownModel, second: KnownModel) -> ModelComparison:
    if target(first.card) != target(second.card):
        raise UsageError(
            f"{first.card.model_id} and {second.card.model_id} predict different things. Name two of one measure and "
            "horizon."
        )
    scores = unit.scores.latest(measure=first.card.measure, horizon=first.card.horizon)
    found = contest(pair(*(scores[scores[MODEL_ID] == known.card.model_id] for known in (first, second))))
    return ModelComparison(
        first=_finite(first), second=_finite(second), n=found.n, weeks=found.weeks, gain=_known(found.gain),
        low=_known(found.low), high=_known(found.high), coverage_first=_known(found.coverage_first),
        coverage_second=_known(found.coverage_second),
    )  # fmt: skip


def _find(unit: UnitOfWork, model_id: str) -> KnownModel:
    known = unit.models.find(model_id)
    if known is None:
        raise NotFoundError(f'There is no model "{model_id[:100]}". `recsysops model list` shows those there are.')
    return known


def _words(by: str, reason: str) -> tuple[str, str]:
    by, reason = by.strip(), reason.strip()
    for name, text in (("by", by), ("reason", reason)):
        if not text or len(text) > MAX_WORDS:
            raise UsageError(
                f'"{name}" has {len(text)} characters (expected 1 to {MAX_WORDS}). Say who decides, and why.'
            )
    if by == POLICY:
        raise UsageError(f'"{POLICY}" is the name under which runs decide. Give the name of a person.')
    return by, reason


def _finite(known: KnownModel) -> KnownModel:
    """Return a model whose scores are numbers: what could not be computed is absent."""
    scores = {name: value for name, value in known.card.scores.items() if math.isfinite(value)}
    return replace(known, card=replace(known.card, scores=scores))


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
