"""The benchmark's protocol: nothing from after an origin reaches a prediction, for us and for the peers."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from _matrix import matrix
from _ours import answers as our_answers
from _peers import answers as peer_answers
from _world import fit_origins, labels, origins, shuffled

from recsysops.columns import AS_OF, KNOWN_AT, LAUNCH_AT, VALUE
from recsysops.model.forecaster import LaunchForecaster


def other_future(world, origin):
    """Return the world with everything that is known after the origin turned into something else."""
    history = world.history
    outcomes, titles, shadow = history.outcomes.copy(), history.titles.copy(), history.shadow.copy()
    late = outcomes[KNOWN_AT] > origin
    outcomes.loc[late, VALUE] = 0.9 * (1 - outcomes.loc[late, VALUE])
    late_titles = (titles["observed_at"] > origin).to_numpy()
    titles["fields"] = [
        {"genres": ["else"], "runtime": 1.0} if late else fields
        for late, fields in zip(late_titles, titles["fields"], strict=True)
    ]
    shadow.loc[shadow[AS_OF] > origin, "reach_joint"] = 0.99
    return replace(world, history=replace(history, outcomes=outcomes, titles=titles, shadow=shadow))


def plan_of(world, weeks):
    return [(week.isoformat(), fit.isoformat()) for week, fit in fit_origins(world, weeks).items()]


def test_launches_are_predicted_weekly_once_enough_outcomes_are_known(planted_world):
    rows = labels(planted_world, 1)

    weeks = origins(planted_world, rows)

    assert len(weeks) >= 3
    assert {(later - earlier).days for earlier, later in pairwise(weeks)} == {7}
    assert (rows[KNOWN_AT] <= weeks[0]).sum() >= planted_world.warm_up
    assert (rows[KNOWN_AT] <= weeks[0] - pd.Timedelta(days=7)).sum() < planted_world.warm_up
    assert origins(replace(planted_world, warm_up=10_000), rows) == []


def test_everybody_is_fitted_at_the_same_origins(planted_world):
    weeks = [pd.Timestamp("2025-03-03", tz="UTC") + pd.Timedelta(days=7 * k) for k in range(4)]

    fitted = fit_origins(planted_world, weeks)

    assert list(fitted.values()) == [weeks[0], weeks[0], weeks[2], weeks[2]]


def test_an_outcome_known_before_its_horizon_is_over_is_refused(planted_world):
    outcomes = planted_world.history.outcomes.copy()
    outcomes.loc[0, KNOWN_AT] = outcomes.loc[0, LAUNCH_AT] + pd.Timedelta(hours=5)
    hasty = replace(planted_world, history=replace(planted_world.history, outcomes=outcomes))

    with pytest.raises(ValueError, match="1 outcomes over 1 days are known before these days are over"):
        labels(hasty, 1)


def test_no_feature_knows_what_comes_after_its_week_begins(planted_world):
    rows = matrix(planted_world, 1)
    week = origins(planted_world, rows)[1]

    changed = matrix(other_future(planted_world, week), 1)

    before = rows["week"] <= week
    features = [name for name in rows.columns if ":" in name and name in changed]
    pd.testing.assert_frame_equal(rows.loc[before, features], changed.loc[before, features])
    assert not rows.loc[~before, "hist:level"].equals(changed.loc[~before, "hist:level"])
    assert not rows.loc[~before, "shadow:reach_joint"].equals(changed.loc[~before, "shadow:reach_joint"])


@pytest.mark.parametrize(
    "name", ["global_median", "group_mean", "knn", "ridge", "lightgbm", "shadow_alone", "mapie_cqr"]
)
def test_what_is_known_later_changes_no_prediction_of_a_peer(planted_world, name):
    rows = matrix(planted_world, 1)
    weeks = origins(planted_world, rows)
    changed = matrix(other_future(planted_world, weeks[0]), 1)
    plan = plan_of(planted_world, weeks[:1])

    first, second = (peer_answers(name, frame, plan, 1) for frame in (rows, changed))

    asked = (rows["week"] == weeks[0]).to_numpy()
    assert np.isfinite(first[asked]).all()
    assert np.isnan(first[~asked]).all()
    np.testing.assert_array_equal(first, second)


def test_what_is_known_later_changes_no_prediction_of_ours(planted_world):
    rows = matrix(planted_world, 1)
    weeks = origins(planted_world, rows)[:2]
    changed = other_future(planted_world, weeks[1])

    first = our_answers(planted_world, rows, weeks, 1, lambda _what, _done: None)["model"]
    second = our_answers(changed, rows, weeks, 1, lambda _what, _done: None)["model"]

    asked = rows["week"].isin(weeks).to_numpy()
    assert np.isfinite(first[asked]).all()
    np.testing.assert_array_equal(first, second)


def test_our_forecaster_is_told_how_its_earlier_predictions_did_as_soon_as_that_is_known(planted_world, monkeypatch):
    rows = matrix(planted_world, 1)
    weeks, told = origins(planted_world, rows)[:3], {}
    predict = LaunchForecaster.predict

    def recording(self, history, cells, as_of, *rest):
        told[pd.Timestamp(as_of)] = history.scores
        return predict(self, history, cells, as_of, *rest)

    monkeypatch.setattr(LaunchForecaster, "predict", recording)
    our_answers(planted_world, rows, weeks, 1, lambda _what, _done: None)

    assert told[weeks[0]].empty
    for week in weeks[1:]:
        expected = rows[rows["week"].isin([each for each in weeks if each < week]) & (rows[KNOWN_AT] <= week)]
        model = told[week][told[week]["predictor"] == "model"]
        assert set(model["title_id"]) == set(expected["title_id"])
        assert model["pit"].between(0, 1).all()
        assert (told[week][KNOWN_AT] <= week).all()


def test_a_launch_not_planned_yet_teaches_but_is_not_asked(planted_world):
    launches = planted_world.history.launches.copy()
    launches.loc[100, "observed_at"] = launches.loc[100, LAUNCH_AT] - pd.Timedelta(hours=1)
    late = replace(planted_world, history=replace(planted_world.history, launches=launches))

    rows = matrix(late, 1).set_index("title_id")

    assert rows.loc["t0100", "is_asked"] == 0
    assert rows["is_asked"].sum() == len(rows) - 1


def test_shuffling_moves_outcomes_between_launches_and_keeps_their_times(planted_world):
    plain, mixed = planted_world.history.outcomes, shuffled(planted_world).history.outcomes

    keys = ["title_id", "horizon"]
    both = plain.merge(mixed, on=keys, suffixes=("", "_mixed"))
    assert len(both) == len(plain) == len(mixed)
    np.testing.assert_allclose(np.sort(both["value"]), np.sort(both["value_mixed"]))
    assert (both["value"] != both["value_mixed"]).mean() > 0.9
    assert both["known_at"].equals(both["known_at_mixed"])
    # Day 1 and day 7 of a launch move together.
    pivot = plain.pivot_table(index="title_id", columns="horizon", values="value")
    moved = mixed.pivot_table(index="title_id", columns="horizon", values="value")
    assert set(map(tuple, moved.to_numpy())) == set(map(tuple, pivot.to_numpy()))
