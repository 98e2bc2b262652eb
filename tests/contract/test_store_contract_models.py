"""What every store must do with models, in memory or in a database (fixture `store`)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from recsysops.domain.model import ModelCard
from recsysops.domain.registry import ModelMove, ModelState, MoveKind
from recsysops.errors import StoreError
from recsysops.service.ports import Store

T0 = datetime(2026, 3, 2, tzinfo=UTC)


def card(model_id: str, days: int = 0, **changes: Any) -> ModelCard:
    values: dict[str, Any] = {
        "model_id": model_id, "measure": "reach", "horizon": 7, "trained_as_of": T0 + timedelta(days=days),
        "n_titles": 5, "n_rows": 9, "folder": f"models/{model_id}", "manifest_sha256": "0" * 64, "serves": "model",
        "scores": {"model_pinball": 0.25}, "recipe": "abc",
    }  # fmt: skip
    return ModelCard(**{**values, **changes})


def move(model_id: str, kind: MoveKind = MoveKind.ACTIVATED, previous: str | None = None) -> ModelMove:
    return ModelMove(
        measure="reach", horizon=7, model_id=model_id, kind=kind, previous_id=previous, actor="Ada", reason="why", at=T0
    )


def test_models_come_back_newest_first_with_where_they_stand(store: Store) -> None:
    with store.write() as unit:
        unit.models.add(card("old"))
        unit.models.activate(card("b", 2))
        unit.models.challenge(card("a", 2), T0)
        unit.commit()

    with store.read() as unit:
        found = unit.models.all()
        assert [known.card.model_id for known in found] == ["a", "b", "old"]
        assert [known.state for known in found] == [ModelState.CHALLENGER, ModelState.ACTIVE, ModelState.RETIRED]
        assert found[0].since == T0
        assert unit.models.challengers() == (found[0],)
        assert unit.models.find("b") == found[1]
        assert found[1].card == card("b", 2)
        assert unit.models.find("none") is None


def test_one_model_challenges_a_measure_and_horizon(store: Store) -> None:
    with store.write() as unit:
        unit.models.challenge(card("a"), T0)
        unit.models.challenge(card("b"), T0 + timedelta(days=1))
        unit.models.challenge(card("c", horizon=1), T0)
        unit.commit()
        assert [known.card.model_id for known in unit.models.challengers()] == ["c", "b"]

        unit.models.withdraw("reach", 7)
        unit.models.withdraw("uptake", 7)
        unit.commit()
        assert [known.card.model_id for known in unit.models.challengers()] == ["c"]


def test_a_challenger_that_becomes_active_challenges_no_more(store: Store) -> None:
    with store.write() as unit:
        unit.models.activate(card("a"))
        unit.models.challenge(card("b"), T0)
        unit.models.activate(card("b"))
        unit.commit()

    with store.read() as unit:
        assert unit.models.challengers() == ()
        assert [each.model_id for each in unit.models.active()] == ["b"]


def test_a_model_cannot_challenge_for_what_it_does_not_predict(store: Store) -> None:
    with pytest.raises(StoreError, match="refused"), store.write() as unit:  # noqa: PT012 - may come on leaving
        unit.models.challenge(card("a"), T0)
        unit.models.challenge(card("a", horizon=28), T0)
        unit.commit()


def test_moves_come_back_in_the_order_they_happened(store: Store) -> None:
    moves = (move("a"), move("b", MoveKind.PROMOTED, "a"), move("a", MoveKind.ROLLED_BACK, "b"))
    with store.write() as unit:
        for each in moves:
            unit.models.record(each)
        unit.commit()

    with store.read() as unit:
        assert unit.models.moves() == moves
        assert unit.models.moves(model_id="a") == (moves[0], moves[2])


def test_a_move_that_is_not_committed_did_not_happen(store: Store) -> None:
    with store.write() as unit:
        unit.models.activate(card("a"))
        unit.models.record(move("a"))

    with store.read() as unit:
        assert (unit.models.all(), unit.models.moves()) == ((), ())
