"""Which models exist, which one answers, which one predicts beside it, and what happened to them."""

from collections.abc import Sequence
from datetime import datetime
from typing import cast

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from recsysops.domain.model import ModelCard
from recsysops.domain.registry import KnownModel, ModelMove, ModelState, MoveKind
from recsysops.store.bulk import wanted_text
from recsysops.store.tables_followed import ActiveModelRow, ModelRow
from recsysops.store.tables_predicted import ChallengerRow, ModelMoveRow, ModelRecipeRow


class SqlModels:
    """See `ModelRepository`."""

    def __init__(self, session: Session) -> None:
        """Work in the transaction of `session`."""
        self._session = session

    def add(self, card: ModelCard) -> None:
        """Add the card, if new; nothing points at it yet."""
        if self._session.get(ModelRow, card.model_id) is None:
            values = dict(vars(card))
            recipe = values.pop("recipe")
            self._session.add(ModelRow(**values))
            self._session.flush()
            self._session.add(ModelRecipeRow(model_id=card.model_id, recipe=recipe))
            self._session.flush()

    def activate(self, card: ModelCard) -> None:
        """Add the card, if new, and make it the active one of its measure and horizon."""
        self.add(card)
        self._session.merge(ActiveModelRow(measure=card.measure, horizon=card.horizon, model_id=card.model_id))
        self._session.flush()
        self._session.execute(delete(ChallengerRow).where(ChallengerRow.model_id == card.model_id))

    def challenge(self, card: ModelCard, since: datetime) -> None:
        """Add the card, if new, and let it predict beside the active one of its measure and horizon, since then."""
        self.add(card)
        row = ChallengerRow(measure=card.measure, horizon=card.horizon, model_id=card.model_id, since=since)
        self._session.merge(row)
        self._session.flush()

    def withdraw(self, measure: str, horizon: int) -> None:
        """Let no challenger predict this measure and horizon any more."""
        of_target = (ChallengerRow.measure == wanted_text(measure)) & (ChallengerRow.horizon == horizon)
        self._session.execute(delete(ChallengerRow).where(of_target))

    def active(self) -> tuple[ModelCard, ...]:
        """Return the active cards by measure and horizon."""
        return tuple(known.card for known in self._in_order() if known.state is ModelState.ACTIVE)

    def challengers(self) -> tuple[KnownModel, ...]:
        """Return the challengers by measure and horizon."""
        return tuple(known for known in self._in_order() if known.state is ModelState.CHALLENGER)

    def all(self) -> tuple[KnownModel, ...]:
        """Return every model, the latest trained first, then by id."""
        active = set(self._session.scalars(select(ActiveModelRow.model_id)))
        since = {row.model_id: row.since for row in self._session.scalars(select(ChallengerRow))}
        recipes = {row.model_id: row.recipe for row in self._session.scalars(select(ModelRecipeRow))}
        rows = self._session.scalars(select(ModelRow).order_by(ModelRow.trained_as_of.desc(), ModelRow.model_id))
        return tuple(
            KnownModel(
                card=_card(row, recipes.get(row.model_id, "")),
                state=_state(row.model_id, active, since),
                since=since.get(row.model_id),
            )
            for row in rows
        )

    def find(self, model_id: str) -> KnownModel | None:
        """Return the model with this id, if any."""
        return next((known for known in self.all() if known.card.model_id == model_id), None)

    def record(self, move: ModelMove) -> None:
        """Append what happened to a model."""
        self._session.execute(insert(ModelMoveRow), [vars(move) | {"kind": move.kind.value}])

    def moves(self, *, model_id: str | None = None) -> tuple[ModelMove, ...]:
        """Return what happened, in the order it did; to this model, where given."""
        wanted = select(ModelMoveRow).order_by(ModelMoveRow.sequence)
        if model_id is not None:
            wanted = wanted.where(ModelMoveRow.model_id == wanted_text(model_id))
        return tuple(_move(row) for row in self._session.scalars(wanted))

    def _in_order(self) -> Sequence[KnownModel]:
        return sorted(self.all(), key=lambda known: (known.card.measure, known.card.horizon))


def _state(model_id: str, active: set[str], since: dict[str, datetime]) -> ModelState:
    if model_id in active:
        return ModelState.ACTIVE
    return ModelState.CHALLENGER if model_id in since else ModelState.RETIRED


def _move(row: ModelMoveRow) -> ModelMove:
    return ModelMove(
        measure=row.measure, horizon=row.horizon, model_id=row.model_id, kind=MoveKind(row.kind),
        previous_id=row.previous_id, actor=row.actor, reason=row.reason, at=row.at,
    )  # fmt: skip


def _card(row: ModelRow, recipe: str) -> ModelCard:
    return ModelCard(
        model_id=row.model_id, measure=row.measure, horizon=row.horizon, trained_as_of=row.trained_as_of,
        n_titles=row.n_titles, n_rows=row.n_rows, folder=row.folder, manifest_sha256=row.manifest_sha256,
        serves=row.serves, reason=row.reason, scores=cast("dict[str, float]", row.scores), label=row.label,
        recipe=recipe,
    )  # fmt: skip
