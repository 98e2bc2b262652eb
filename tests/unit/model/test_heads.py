"""Two heads: launches the recommender was asked about are answered by one that knows answers, others by the other."""

import numpy as np
import pandas as pd
import pytest

from recsysops.model._heads import Heads, fit_heads
from recsysops.model._relabelled import Relabelled
from recsysops.settings import ModelSettings

SETTINGS = ModelSettings(seed=1, threads=1)
JOINT = "|shadow_reach"


def launches(n=600, told=0.7, seed=3):
    """Return features and outcomes: the recommender knows nearly all, the metadata half of it."""
    rng = np.random.default_rng(seed)
    size, lack = rng.normal(0, 1, n), rng.normal(0, 1, n)
    y = size + lack
    answer = np.where(rng.random(n) < told, y + rng.normal(0, 0.1, n), np.nan)
    frame = pd.DataFrame(
        {"size|value": size, "noise|value": rng.normal(0, 1, n), "synopsis|missing": np.zeros(n), JOINT: answer,
         "|shadow_age": np.where(np.isfinite(answer), 2.0, np.nan)}
    )  # fmt: skip
    return frame, y


def without_synopsis(frame, y, loss=2.0):
    return Relabelled(
        frame.assign(**{"synopsis|missing": 1.0}), y - loss, np.arange(len(frame)), np.zeros(len(frame), dtype=np.int64)
    )  # fmt: skip


def mean_error(heads, frame, y):
    return np.abs(heads.predict(frame) - y).mean()


def test_each_row_is_answered_by_the_head_it_is_for():
    frame, y = launches()
    heads = fit_heads(frame, y, None, SETTINGS)
    is_told = frame[JOINT].notna()

    found = heads.predict(frame)

    assert not any(name.startswith("|shadow_") for name in heads.point.columns)
    assert JOINT in heads.informed.columns
    np.testing.assert_array_equal(found[is_told], heads.informed.predict(frame[is_told]))
    np.testing.assert_array_equal(found[~is_told], heads.point.predict(frame[~is_told]))
    assert mean_error(heads, frame[is_told], y[is_told]) < 0.4 < mean_error(heads, frame[~is_told], y[~is_told])


@pytest.mark.parametrize("told", [0.0, 1.0])
def test_rows_of_one_kind_are_answered_at_once_and_alike(told):
    frame, y = launches()
    heads = fit_heads(frame, y, None, SETTINGS)
    given = frame[frame[JOINT].notna() == bool(told)]

    alone = heads.predict_columns({name: given[name].to_numpy() for name in given})

    np.testing.assert_array_equal(alone, heads.predict(frame)[given.index])


def test_the_head_of_one_row_is_the_one_that_answers_it():
    frame, y = launches()
    heads = fit_heads(frame, y, None, SETTINGS)
    told, other = (frame[frame[JOINT].notna() == is_told].iloc[[0]] for is_told in (True, False))

    assert heads.of(told) is heads.informed
    assert heads.of(other) is heads.point
    assert heads.of(other.drop(columns=JOINT)) is heads.point
    assert Heads(heads.point).of(told) is heads.point


def test_a_recommender_that_never_tells_a_reach_is_heard_as_well():
    frame, y = launches()
    eligible = frame.assign(**{"|shadow_eligible_share": frame[JOINT], JOINT: np.nan})
    is_told = frame[JOINT].notna()

    heads = fit_heads(eligible, y, None, SETTINGS)

    assert JOINT not in heads.informed.columns
    assert heads.of(eligible[is_told].iloc[[0]]) is heads.informed
    assert heads.of(eligible[~is_told].iloc[[0]]) is heads.point
    assert mean_error(heads, eligible[is_told], y[is_told]) < 0.4


def test_with_few_answers_there_is_no_head_for_them():
    frame, y = launches(told=0.1)

    heads = fit_heads(frame, y, None, SETTINGS)

    assert heads.informed is None
    np.testing.assert_array_equal(heads.predict(frame), heads.point.predict(frame))


def test_what_a_field_is_worth_is_learned_from_relabelled_launches_where_hardly_any_lacks_it():
    frame, y = launches()
    blank = frame.assign(**{"synopsis|missing": 1.0})
    common = frame.assign(**{"synopsis|missing": (np.arange(len(frame)) % 3 == 0).astype(float)})

    taught = fit_heads(frame, y, without_synopsis(frame, y), SETTINGS)
    seen = fit_heads(common, y, without_synopsis(frame, y), SETTINGS)

    is_told = frame[JOINT].notna().to_numpy()
    fallen = taught.predict(frame) - taught.predict(blank)
    assert fallen[is_told].mean() > 1
    assert fallen[~is_told].mean() > 1
    # There real launches say that it is worth nothing, and with an answer they are believed.
    assert np.abs((seen.predict(frame) - seen.predict(blank))[is_told]).mean() < 0.1
