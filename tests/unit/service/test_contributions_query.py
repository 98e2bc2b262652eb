"""What the model made of one cell, as a face shows it: the sum holds, and where there is none a sentence says why."""

import math
from dataclasses import replace

import pandas as pd
import pytest

from recsysops import columns as c
from recsysops.domain.contribution import AnswerPart, AnswerParts
from recsysops.domain.measure import inverse
from recsysops.domain.model import ModelCard
from recsysops.errors import ModelError
from recsysops.service.queries.contributions import contributions
from recsysops.service.queries.snapshot import SnapshotCache
from recsysops.testing.fake_store import FakeStore
from recsysops.testing.sample_results import AS_OF, Sample, fill

TARGET = (("t-0001", "de", "home"), "reach", 7)
PARTS = AnswerParts(
    base=-2.0,
    answer=-2.0 + 0.5 - 0.9 + 0.1,
    parts=(
        AnswerPart(name="synopsis", value="", amount=-0.9),
        AnswerPart(name="genres", value="drama, " * 200, amount=0.5),
        AnswerPart(name="runtime", value="90", amount=0.1),
    ),
    denominator=1000.0,
    median=0.1,
)


@pytest.fixture
def store() -> FakeStore:
    filled = FakeStore()
    fill(filled, Sample(n_titles=4, n_predicted=4))
    return filled


def stored(store: FakeStore) -> pd.Series:
    with store.read() as unit:
        frame = unit.results.load("predictions", title_ids=("t-0001",))
    key = (frame["market"] == "de") & (frame["surface"] == "home") & (frame["horizon"] == 7)
    return frame[key & (frame["measure"] == "reach") & frame["is_served"]].iloc[0]


def asked(store: FakeStore, take_apart, target=TARGET, **options: object):
    return contributions(
        store, SnapshotCache(store).get(), target, take_apart=take_apart, now=AS_OF, **options
    )  # fmt: skip


def told_apart(cell: pd.DataFrame, as_of: object, card: ModelCard) -> AnswerParts:
    return PARTS


def use_model_of_predictions(store: FakeStore) -> None:
    model_id = stored(store)["model_id"]
    with store.write() as unit:
        unit.models.activate(replace(unit.models.active()[0], model_id=model_id))
        unit.commit()


def test_every_line_says_where_the_answer_would_be_without_it(store):
    use_model_of_predictions(store)

    found = asked(store, told_apart)

    assert found.problem == ""
    assert [row.name for row in found.rows] == ["synopsis", "genres", "runtime"]
    assert found.base == pytest.approx(float(inverse("reach", -2.0, 1000)))
    assert found.answer == pytest.approx(float(inverse("reach", -2.3, 1000)))
    assert found.rows[0].without > found.answer > found.rows[1].without
    assert found.rows[0].without == pytest.approx(float(inverse("reach", -1.4, 1000)))
    assert len(found.rows[1].value) <= 200
    assert found.model_id == stored(store)["model_id"]


def test_what_is_left_out_is_summed_up_so_that_all_adds_up(store):
    use_model_of_predictions(store)

    found = asked(store, told_apart, limit=1)

    assert (len(found.rows), found.n_rest) == (1, 2)
    total = found.transformed["base"] + found.rows[0].amount + found.transformed["rest"]
    assert total == pytest.approx(found.transformed["answer"])


def test_the_cell_asked_for_is_the_one_that_was_predicted_at_that_time_by_that_model(store):
    use_model_of_predictions(store)
    seen = []

    def take_apart(cell, as_of, card):
        seen.append((cell.iloc[0], as_of, card.model_id))
        return PARTS

    asked(store, take_apart)

    cell, as_of, model_id = seen[0]
    assert tuple(cell[list(c.CELL_KEY)]) == TARGET[0]
    assert cell[c.LAUNCH_AT] == stored(store)[c.LAUNCH_AT]
    assert (as_of, model_id) == (AS_OF, stored(store)["model_id"])


def test_a_past_that_changed_since_is_said(store):
    use_model_of_predictions(store)
    same = replace(PARTS, median=float(stored(store)[c.QUANTILES[9]]))

    other = asked(store, told_apart)

    assert asked(store, lambda *_: same).note == ""
    assert "agree with those over other horizons" in other.note
    assert "has changed since" in other.note
    assert other.median == float(stored(store)[c.QUANTILES[9]])


def test_a_share_of_nothing_is_no_number(store):
    use_model_of_predictions(store)

    found = asked(store, lambda *_: replace(PARTS, denominator=math.nan))

    assert "has changed since" in found.problem
    assert found.rows == ()


def raising(error: Exception):
    def take_apart(*_: object) -> AnswerParts:
        raise error

    return take_apart


@pytest.mark.parametrize(
    ("take_apart", "target", "says"),
    [
        (None, TARGET, "this service has none"),
        (told_apart, (("nobody", "de", "home"), "reach", 7), "There is no prediction"),
        (raising(ModelError("Its files are gone. Run `recsysops train`.")), TARGET, "Its files are gone"),
        (raising(KeyError("secret")), TARGET, "could not be taken apart (KeyError)"),
    ],
)
def test_what_is_in_the_way_is_said_in_a_sentence(store, take_apart, target, says):
    use_model_of_predictions(store)

    found = asked(store, take_apart, target)

    assert says in found.problem
    assert "secret" not in found.problem
    assert (found.rows, found.answer) == ((), None)


def test_a_model_that_is_no_longer_in_use_is_not_asked(store):
    with store.write() as unit:
        unit.models.activate(replace(unit.models.active()[0], model_id="another"))
        unit.commit()

    assert "no longer in use" in asked(store, told_apart).problem


def test_where_comparable_titles_answer_there_is_nothing_to_take_apart(store):
    with store.write() as unit:
        frame = unit.results.load("predictions").drop(columns=[])
        frame["is_served"] = frame["predictor"] != "model"
        frame["label"] = "fallback: there is no trained model"
        unit.results.save("predictions", frame[list(c.PREDICTION)], "run-1", AS_OF)
        unit.commit()

    assert asked(store, told_apart).problem == (
        "Comparable titles answer here, not the model (there is no trained model): see them below."
    )
