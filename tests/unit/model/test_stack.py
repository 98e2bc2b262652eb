"""The stack: non-negative weights from out-of-sample predictions, shrunk to the model."""

import numpy as np
import pytest

from recsysops.model._shadow import NEAR
from recsysops.model._stack import COMPARABLES, SHADOW, Line, Stack, fit_stack, non_negative, opinions

COLUMN = "|comparables_25"


def world(n=600, seed=1):
    """Return outcomes, a noisy model, an independent noisy shadow score and useless comparable titles."""
    rng = np.random.default_rng(seed)
    y = rng.normal(size=n)
    return y, y + rng.normal(0, 0.5, n), y + rng.normal(0, 0.5, n), rng.normal(0, 3, n)


def test_an_independent_opinion_as_good_as_the_model_gets_about_half():
    y, model, shadow, useless = world()

    stack = fit_stack(model, {SHADOW: shadow, COMPARABLES: useless}, y, None, COLUMN)

    assert 0.3 < stack.weights[SHADOW] < 0.55
    assert stack.weights.get(COMPARABLES, 0.0) < 0.05
    assert stack.reason == ""
    assert stack.scores()["stack_model"] == pytest.approx(1 - sum(stack.weights.values()))


def test_weights_shrink_to_the_model_where_launches_are_few():
    y, model, shadow, _ = world()

    many = fit_stack(model, {SHADOW: shadow}, y, None, COLUMN).weights[SHADOW]
    few = fit_stack(model[:120], {SHADOW: shadow[:120]}, y[:120], None, COLUMN).weights[SHADOW]
    none = fit_stack(model[:90], {SHADOW: shadow[:90]}, y[:90], None, COLUMN)

    assert few < many
    assert none.weights == {}
    assert "90 launches" in none.reason


def test_an_opinion_that_makes_it_worse_gets_nothing_and_the_reason_is_told():
    rng = np.random.default_rng(4)
    model = rng.normal(size=600)
    y = model * 1.1 + rng.normal(0, 0.5, 600)

    stack = fit_stack(model, {SHADOW: -3 * model}, y, None, COLUMN)

    assert stack.weights == {}
    assert "no other opinion" in stack.reason


def test_weights_are_the_best_non_negative_ones_that_sum_to_one_at_most():
    rng = np.random.default_rng(2)
    x = rng.normal(size=(300, 2))
    grid = [np.array([a, b]) for a in np.linspace(0, 1, 101) for b in np.linspace(0, 1, 101) if a + b <= 1 + 1e-9]

    for true in ([0.3, 0.4], [0.9, 0.8], [-0.5, 0.5], [-1.0, -1.0], [1.5, -0.3]):
        y = x @ np.array(true) + rng.normal(0, 0.1, 300)
        found = non_negative(x, y, 0.0)
        best = min(((y - x @ w) ** 2).sum() for w in grid)

        assert found.min() >= 0
        assert found.sum() <= 1 + 1e-9
        assert ((y - x @ found) ** 2).sum() <= best + 1e-9


def test_where_an_opinion_is_missing_the_model_answers_alone():
    stack = Stack({SHADOW: 0.5}, Line(0.0, 1.0, -5.0, 5.0), COLUMN)
    columns = {"|level": np.zeros(2), COLUMN: np.zeros(2), NEAR: np.array([2.0, np.nan])}

    assert stack.level(np.array([1.0, 1.0]), columns).tolist() == [1.5, 1.0]
    assert {name: list(part) for name, part in stack.added(np.ones(2), columns).items()} == {SHADOW: [0.5, 0.0]}


def test_a_model_without_these_columns_is_answered_by_the_model():
    assert Stack({SHADOW: 0.5}).level(np.ones(1), {"|level": np.zeros(1)}).tolist() == [1.0]
    assert np.isnan(opinions({"|level": np.zeros(1)}, None, "")[COMPARABLES]).all()


def test_the_recommenders_answer_is_put_on_the_scale_of_outcomes_and_never_falls():
    rng = np.random.default_rng(3)
    said = rng.normal(-2, 1, 200)
    y = 0.5 + 0.8 * said + rng.normal(0, 0.1, 200)

    line = Line.fit(np.where(np.arange(200) < 20, np.nan, said), y)

    assert line.slope == pytest.approx(0.8, abs=0.05)
    assert line(np.array([1e9]))[0] == line(np.array([line.high]))[0]
    assert np.isnan(line(np.array([np.nan]))[0])


@pytest.mark.parametrize("said", [np.full(50, 1.0), np.full(50, np.nan), -np.arange(50.0), np.arange(20.0)])
def test_an_answer_that_says_nothing_is_not_used(said):
    assert Line.fit(said, np.arange(len(said), dtype=float)) is None


def test_a_stack_survives_json():
    for stack in (Stack(), Stack({SHADOW: 0.25}, Line(0.1, 1 / 3, -2.0, 2.0), COLUMN, 300, "")):
        assert Stack.from_json(stack.to_json()) == stack


def test_a_stack_answers_the_same_bit_for_bit_when_it_was_stored():
    rng = np.random.default_rng(5)
    columns = {"|level": rng.normal(size=500), COLUMN: rng.normal(size=500), NEAR: rng.normal(size=500)}
    stack = Stack({SHADOW: 0.37, COMPARABLES: 0.11}, Line(0.1, 1 / 3, -2.0, 2.0), COLUMN, 300, "")

    again = Stack.from_json(stack.to_json())

    model = rng.normal(size=500)
    np.testing.assert_array_equal(again.level(model, columns), stack.level(model, columns))
