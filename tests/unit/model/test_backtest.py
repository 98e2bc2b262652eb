"""The rolling-origin backtest sees only what was known, and the planted effect beats the naive predictors."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from recsysops.errors import ModelError
from recsysops.model.forecaster import LaunchForecaster
from recsysops.settings import ModelSettings

SETTINGS = ModelSettings(seed=1, threads=1)


def scores_of(history, first_origin=None):
    said = []
    found = LaunchForecaster().backtest(
        history, "reach", 1, SETTINGS, first_origin=first_origin, progress=lambda what, done: said.append(done)
    )
    return {(score.predictor, score.metric): score for score in found}, said


def test_the_model_beats_the_global_median_where_an_effect_is_planted(make):
    make_history, _, _ = make

    scores, said = scores_of(make_history(220, missing=0.3))

    assert {name for name, _ in scores} == {"model", "comparable_titles", "group_mean", "global_median"}
    assert scores["model", "pinball"].value < scores["global_median", "pinball"].value
    assert scores["global_median", "mae_minus_model"].low > 0
    assert scores["model", "spearman"].value > 0.5
    assert 0.65 < scores["model", "coverage_80"].value < 0.95
    assert len({score.n for score in scores.values()}) == 1
    assert said == sorted(said)
    assert said[-1] == 1.0


def test_metadata_observed_after_every_cut_changes_no_score(make):
    make_history, _, replace = make
    history = make_history(200)
    first = history.launches["launch_at"].iloc[170]
    titles = history.titles.copy()
    titles["fields"] = [{"genres": ["zzz"]}] * len(titles)
    # The last launch is cut seven days before it, when title 185 of two a day launches.
    titles["observed_at"] = history.launches["launch_at"].iloc[186]
    late = replace(history, titles=pd.concat([history.titles, titles], ignore_index=True))

    before, _ = scores_of(history, first.to_pydatetime())
    after, _ = scores_of(late, first.to_pydatetime())

    assert before == after


def test_launches_before_the_first_origin_are_not_scored(make):
    make_history, _, _ = make
    history = make_history(200)
    first = history.launches["launch_at"].iloc[180]

    scores, _ = scores_of(history, first.to_pydatetime())

    assert scores["model", "mae"].n == 20


@pytest.mark.parametrize("n", [30, 45])
def test_too_short_a_history_is_an_error(make, n):
    make_history, _, _ = make

    with pytest.raises(ModelError, match="too little history to test on"):
        scores_of(make_history(n))


@pytest.mark.parametrize("together", [45, 120])
def test_many_launches_of_one_day_at_the_start_do_not_stop_it(make, together):
    make_history, _, _ = make
    history = make_history(240)
    first = history.launches["launch_at"].min()
    late = history.launches["launch_at"].sort_values().iloc[together]
    launches, outcomes = (
        frame.assign(launch_at=frame["launch_at"].mask(frame["launch_at"] < late, first))
        for frame in (history.launches, history.outcomes)
    )
    outcomes["known_at"] = outcomes["launch_at"] + pd.to_timedelta(outcomes["horizon"], unit="D")

    scores, _ = scores_of(replace(history, launches=launches, outcomes=outcomes))

    assert {name for name, _ in scores} == {"model", "comparable_titles", "group_mean", "global_median"}
    assert all(np.isfinite(score.value) for score in scores.values())
