"""The step `promote` of a run: challengers take the active model's place, give it back, or retire, by what happened."""

from datetime import datetime

from recsysops.columns import AS_OF, CHALLENGER, MODEL, PREDICTOR
from recsysops.domain.model import ModelCard
from recsysops.domain.registry import POLICY, KnownModel, MoveKind
from recsysops.service._contest import contest, pair
from recsysops.service._promotion import Reason, Ruling, breach, on_outcomes
from recsysops.service.context import Context
from recsysops.service.ports import UnitOfWork
from recsysops.service.recording import Recorder
from recsysops.service.settling import move, target

_ANSWERS = (MoveKind.ACTIVATED, MoveKind.PROMOTED, MoveKind.RETURNED, MoveKind.ROLLED_BACK)


def promote_into(context: Context, recorder: Recorder, as_of: datetime) -> None:
    """Decide on every challenger by what it and the active model predicted; no step where there is none."""
    with context.store.read() as unit:
        challengers = unit.models.challengers()
    if not challengers:
        return
    with recorder.step("promote") as step:
        refused = {
            known.card.model_id: context.forecaster.why_refused(known.card, context.artifacts_folder)
            for known in challengers
        }
        with context.store.write() as unit:
            said = [_settle(context, unit, known, refused[known.card.model_id], as_of) for known in challengers]
            unit.commit()
        step.n = len(challengers)
        step.reason = " ".join(said)


def _settle(context: Context, unit: UnitOfWork, known: KnownModel, refused: str, as_of: datetime) -> str:
    """Do what is ruled for one challenger; return the sentence that says it."""
    card = known.card
    active = next((each for each in unit.models.active() if target(each) == target(card)), None)
    if active is None:
        return f"{card.model_id}: nothing answers that it could challenge."
    ruling = _ruling(context, unit, known, active, refused)
    if ruling.kind is None:
        return f"{card.model_id} goes on beside {active.model_id} ({ruling.text})."
    if ruling.kind is MoveKind.PROPOSED and any(
        each.kind is MoveKind.PROPOSED for each in unit.models.moves(model_id=card.model_id)
    ):
        return f"{card.model_id} waits for a person: `recsysops model activate` ({ruling.text})."
    if ruling.kind in {MoveKind.PROMOTED, MoveKind.RETURNED}:
        unit.models.activate(card)
    if ruling.kind is MoveKind.PROMOTED:
        # The one before predicts on beside it: should this prove wrong, that is seen, and who answers then is ready.
        unit.models.challenge(active, as_of)
    elif ruling.kind is MoveKind.RETIRED:
        unit.models.withdraw(*target(card))
    move(unit, card, active.model_id, ruling.kind, POLICY, ruling.text, context.clock())
    return f"{card.model_id} {ruling.kind.value.replace('_', ' ')} ({ruling.text})."


def _ruling(context: Context, unit: UnitOfWork, known: KnownModel, active: ModelCard, refused: str) -> Ruling:
    if refused:
        return Ruling(kind=MoveKind.RETIRED, reason=Reason.FILES_REFUSED, said=refused)
    scores = unit.scores.latest(measure=active.measure, horizon=active.horizon)
    if known.since is not None:
        scores = scores[scores[AS_OF] >= known.since]
    pairs = pair(scores[scores[PREDICTOR] == MODEL], scores[scores[PREDICTOR] == CHALLENGER])
    n = context.settings.model.promotion_launches
    ruling, _ = on_outcomes(pairs, n)
    if _was_replaced(unit, known.card):
        back = breach(contest(pairs), n)
        if back is not None:
            return back
        if ruling.kind is MoveKind.PROMOTED:
            return Ruling(kind=MoveKind.RETURNED, reason=ruling.reason, said=ruling.said)
    elif ruling.kind is MoveKind.PROMOTED and context.settings.model.promotion == "manual":
        return Ruling(kind=MoveKind.PROPOSED, reason=ruling.reason, said=ruling.said)
    return ruling


def _was_replaced(unit: UnitOfWork, card: ModelCard) -> bool:
    """Say whether this model answered until the active one was promoted in its place."""
    moves = [
        each
        for each in unit.models.moves()
        if (each.measure, each.horizon) == target(card) and each.kind in _ANSWERS
    ]  # fmt: skip
    return bool(moves) and moves[-1].kind is MoveKind.PROMOTED and moves[-1].previous_id == card.model_id
