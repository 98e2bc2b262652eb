"""The fake store's models. Frozen values in plain containers."""

from dataclasses import replace
from datetime import datetime

from recsysops.domain.model import ModelCard
from recsysops.domain.registry import KnownModel, ModelMove, ModelState
from recsysops.errors import StoreError
from recsysops.testing._fake_records import RecordState, check_storable


class FakeModels:
    """See `ModelRepository`."""

    def __init__(self, state: RecordState) -> None:
        """Work on `state`."""
        self._state = state

    def add(self, card: ModelCard) -> None:
        """Add the card, if new; nothing points at it yet."""
        check_storable(card)
        self._state.models.setdefault(card.model_id, card)

    def activate(self, card: ModelCard) -> None:
        """Add the card, if new, and make it the active one of its measure and horizon."""
        target = self._added(card)
        self._state.active[target] = card.model_id
        if self._state.challengers.get(target, ("",))[0] == card.model_id:
            del self._state.challengers[target]

    def challenge(self, card: ModelCard, since: datetime) -> None:
        """Add the card, if new, and let it predict beside the active one of its measure and horizon, since then."""
        self._state.challengers[self._added(card)] = (card.model_id, since)

    def withdraw(self, measure: str, horizon: int) -> None:
        """Let no challenger predict this measure and horizon any more."""
        self._state.challengers.pop((measure, horizon), None)

    def active(self) -> tuple[ModelCard, ...]:
        """Return the active cards by measure and horizon."""
        return tuple(self._state.models[model_id] for _, model_id in sorted(self._state.active.items()))

    def challengers(self) -> tuple[KnownModel, ...]:
        """Return the challengers by measure and horizon."""
        return tuple(self._known(model_id) for _, (model_id, _) in sorted(self._state.challengers.items()))

    def all(self) -> tuple[KnownModel, ...]:
        """Return every model, the latest trained first, then by id."""
        ids = sorted(self._state.models)
        return tuple(sorted(map(self._known, ids), key=lambda known: known.card.trained_as_of, reverse=True))

    def find(self, model_id: str) -> KnownModel | None:
        """Return the model with this id, if any."""
        return self._known(model_id) if model_id in self._state.models else None

    def record(self, move: ModelMove) -> None:
        """Append what happened to a model."""
        check_storable(move)
        self._state.moves.append(replace(move))

    def moves(self, *, model_id: str | None = None) -> tuple[ModelMove, ...]:
        """Return what happened, in the order it did; to this model, where given."""
        return tuple(move for move in self._state.moves if model_id in {None, move.model_id})

    def _added(self, card: ModelCard) -> tuple[str, int]:
        self.add(card)
        known = self._state.models[card.model_id]
        if (known.measure, known.horizon) != (card.measure, card.horizon):
            raise StoreError(f"The store refused a change: model {card.model_id} is of another measure or horizon.")
        return card.measure, card.horizon

    def _known(self, model_id: str) -> KnownModel:
        card = self._state.models[model_id]
        challenger, since = self._state.challengers.get((card.measure, card.horizon), ("", None))
        if self._state.active.get((card.measure, card.horizon)) == model_id:
            return KnownModel(card=card, state=ModelState.ACTIVE)
        if challenger == model_id:
            return KnownModel(card=card, state=ModelState.CHALLENGER, since=since)
        return KnownModel(card=card, state=ModelState.RETIRED)
