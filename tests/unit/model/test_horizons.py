"""Horizons agree: members reached never fall from one horizon to a longer one."""

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from recsysops.model._horizons import agree, coherent
from recsysops.model.forecaster import LaunchForecaster
from recsysops.settings import ModelSettings

SHARES = arrays(np.float64, (3, 4, 19), elements=st.floats(0, 1))
DENOMINATORS = arrays(np.float64, (3, 4), elements=st.floats(1, 1e6))
MISSING = arrays(np.bool_, (3, 4))


@given(SHARES, DENOMINATORS, MISSING, st.booleans())
def test_members_never_fall_and_quantiles_still_ascend(shares, denominators, missing, is_whole):
    denominators = np.sort(denominators, axis=0)  # a longer window has no fewer active members
    shares = np.where(missing[:, :, None], np.nan, np.sort(shares, axis=2))

    found = np.array(coherent(list(shares), list(denominators), is_whole=is_whole))

    members = found * denominators[:, :, None]
    for cell in range(4):
        known = members[~missing[:, cell], cell]
        slack = 1e-6 * (1 + np.abs(known).max(initial=0.0))
        assert (np.diff(known, axis=0) >= -slack).all()
        assert (np.diff(known, axis=1) >= -slack).all()
    assert (np.isnan(found) == np.isnan(shares)).all()
    assert np.nanmin(found, initial=0.0) >= 0
    assert np.nanmax(found, initial=0.0) <= 1


def test_what_agrees_already_stays_as_it_was_bit_for_bit():
    rng = np.random.default_rng(1)
    shares = np.sort(np.sort(rng.uniform(size=(3, 5, 19)), axis=2), axis=0)
    denominators = [np.full(5, 1000.0)] * 3

    found = coherent(list(shares), denominators)

    np.testing.assert_array_equal(np.array(found), shares)


def test_a_fall_is_shared_between_the_horizons():
    day, week = np.full((1, 19), 0.4), np.full((1, 19), 0.1)

    found = coherent([day, week], [np.array([1000.0]), np.array([1000.0])])

    assert found[0][0, 0] == found[1][0, 0]
    assert 0.1 < found[0][0, 0] < 0.4


def test_a_lower_share_of_more_members_is_no_fall():
    day, week = np.full((1, 19), 0.4), np.full((1, 19), 0.3)

    found = coherent([day, week], [np.array([1000.0]), np.array([2000.0])])

    np.testing.assert_array_equal(found[1], week)


def test_measures_that_count_no_members_need_not_agree():
    assert agree("reach")
    assert agree("uptake")
    assert not agree("impression_share")


def test_what_is_served_agrees_over_horizons_whoever_answers(make, quiet, tmp_path):
    make_history, make_cells, replace = make
    history = make_history(n=160, horizons=(1, 7), missing=0.1)
    # The week is made the shorter one: without agreement its predictions would lie below the day's.
    week = history.outcomes["horizon"] == 7
    outcomes = history.outcomes.assign(value=np.where(week, history.outcomes["value"] * 0.8, history.outcomes["value"]))
    history = replace(history, outcomes=outcomes)
    as_of = (history.launches["launch_at"].min() + pd.Timedelta(days=70)).to_pydatetime()
    settings, forecaster = ModelSettings(seed=1, threads=1, min_titles=50, rounds=30), LaunchForecaster()
    card = forecaster.train(history, as_of, "reach", 1, settings, tmp_path, quiet)

    cards = {("reach", 1): card, ("reach", 7): None}
    found = forecaster.predict(history, make_cells(history, as_of), as_of, cards, settings, tmp_path)

    served = found[found["is_served"]].sort_values(["title_id", "horizon"], kind="stable")
    quantiles = [name for name in found.columns if name.startswith("q")]
    members = served[quantiles].to_numpy() * served["denominator"].to_numpy()[:, None]
    assert set(served["predictor"]) == {"model", "comparable_titles"}
    assert (members[1::2] - members[::2] >= -1e-6).all()
    assert (np.diff(members, axis=1) >= -1e-6).all()
