"""The delayed adaptive step brings coverage back after a change, and leaves alone what needs nothing."""

import numpy as np
import pandas as pd
import pytest

from recsysops.columns import LAUNCH_SCORE, QUANTILES
from recsysops.domain.distribution import PROBABILITIES, normal_quantile
from recsysops.domain.scoring import randomised_pit
from recsysops.model._adaptive import NOTHING, Adaptation, adaptation, adaptations
from recsysops.model._asof import DAY

WEEK = 7 * DAY
BASE = normal_quantile(PROBABILITIES)[None, :]


def simulate(horizon, *, mean=0.0, spread=1.0, changes=40, weeks=110, seed=0):
    """Return the coverage of 80 % intervals by week: 20 titles a week, judged when their outcome is known."""
    rng = np.random.default_rng(seed)
    pits, known, covered = np.zeros(0), np.zeros(0, dtype=np.int64), []
    for week in range(weeks):
        seen = known <= week * WEEK
        quantiles = np.repeat(adaptation(pits[seen], known[seen], horizon).apply(BASE), 20, axis=0)
        y = rng.normal(size=20)
        y = y if week < changes else mean + spread * y
        covered.append(((y >= quantiles[:, 1]) & (y <= quantiles[:, 17])).mean())
        pits = np.append(pits, randomised_pit(y, quantiles, rng.uniform(size=20)))
        known = np.append(known, np.full(20, week * WEEK + WEEK - 1 + horizon * DAY))
    return np.array(covered)


@pytest.mark.parametrize("horizon", [1, 28])
@pytest.mark.parametrize(("mean", "spread"), [(0.0, 1.8), (1.0, 1.0), (-0.8, 1.3), (0.0, 0.6)])
def test_coverage_comes_back_after_a_change(horizon, mean, spread):
    covered = np.mean([simulate(horizon, mean=mean, spread=spread, seed=seed) for seed in range(4)], axis=0)

    assert abs(covered[40:44].mean() - 0.8) > 0.06
    assert covered[70:].mean() == pytest.approx(0.8, abs=0.035)


@pytest.mark.parametrize("horizon", [1, 7, 28])
def test_without_a_change_coverage_stays_near_what_was_promised(horizon):
    covered = [simulate(horizon, changes=999, seed=seed)[10:].mean() for seed in range(4)]

    assert np.mean(covered) == pytest.approx(0.8, abs=0.015)
    assert max(abs(np.array(covered) - 0.8)) < 0.03


def test_however_bad_the_past_the_answer_is_bounded_and_ascends():
    weeks = np.repeat(np.arange(400), 20) * WEEK

    high = adaptation(np.ones(8000), weeks, 1)
    low = adaptation(np.zeros(8000), weeks, 1)
    calm = adaptation(np.full(8000, 0.5), weeks, 1)

    assert (high.shift, low.shift) == (1.5, -1.5)
    assert np.exp([high.upper, low.lower]) == pytest.approx([3.0, 3.0])
    assert np.exp([calm.upper, calm.lower]) == pytest.approx([0.5, 0.5])
    for found in (high, low, calm):
        assert (np.diff(found.apply(BASE)) > 0).all()


def test_few_outcomes_change_nothing():
    assert adaptation(np.ones(39), np.zeros(39, dtype=np.int64), 1) is NOTHING


def test_nothing_changes_not_a_bit():
    quantiles = np.sort(np.random.default_rng(0).normal(size=(3, 19)), axis=1)

    assert NOTHING.apply(quantiles) is quantiles
    assert Adaptation(shift=0.5).apply(quantiles)[0, 9] > quantiles[0, 9]


def scores(n=100, *, pit=1.0, predictor="model", horizon=7):
    """Return `n` scores, ten a week, of different titles."""
    known = pd.Timestamp("2025-01-08", tz="UTC") + pd.to_timedelta(np.arange(n) // 10 * 7, unit="D")
    rows = {
        "title_id": [f"t{at}" for at in range(n)], "market": "US", "surface": "home", "measure": "reach",
        "horizon": horizon, "lead": 1, "as_of": known - pd.Timedelta(days=horizon + 1),
        "launch_at": known - pd.Timedelta(days=horizon), "predictor": predictor, "model_id": "m", "is_served": True,
        "actual": 0.1, "denominator": 100.0, "pit": pit, "crps": 0.1, "pinball": 0.1, "absolute_error": 0.1,
        "known_at": known, **dict.fromkeys(QUANTILES, 0.1),
    }  # fmt: skip
    frame = pd.DataFrame(rows)[list(LAUNCH_SCORE)]
    return frame.astype(dict.fromkeys(("as_of", "launch_at", "known_at"), "datetime64[us, UTC]"))


LATER = pd.Timestamp("2026-01-01", tz="UTC").to_pydatetime()


def test_each_measure_horizon_and_predictor_learns_from_its_own():
    frame = pd.concat([scores(pit=1.0), scores(pit=0.0, predictor="comparable_titles"), scores(pit=0.5, horizon=28)])

    found = adaptations(frame, LATER)

    assert set(found) == {("reach", 7), ("reach", 28)}
    assert found["reach", 7]["model"].shift > 0 > found["reach", 7]["comparable_titles"].shift
    assert found["reach", 28]["model"].upper < 0


def test_nothing_scored_is_nothing_learned():
    assert adaptations(None, LATER) == {}
    assert adaptations(scores(0), LATER) == {}


def test_what_is_known_later_does_not_count():
    frame = scores(100)
    early = frame["known_at"].iloc[55].to_pydatetime()

    found = adaptations(frame, early)

    assert found == adaptations(frame.iloc[:60], early)
    assert found != adaptations(frame, LATER)


def test_a_title_predicted_on_many_days_counts_once_and_by_its_last_prediction():
    frame = scores(100)
    before = frame.assign(lead=14, pit=0.0, as_of=frame["as_of"] - pd.Timedelta(days=13))

    assert adaptations(pd.concat([before, frame]), LATER) == adaptations(frame, LATER)
    assert adaptations(pd.concat([frame, before]), LATER) == adaptations(frame, LATER)
