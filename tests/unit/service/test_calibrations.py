"""The alarm on calibration, from the scores of launches."""

import numpy as np
import pandas as pd

from recsysops.service.calibration import NEEDED, calibrations

START = pd.Timestamp("2025-01-06", tz="UTC")
LATER = pd.Timestamp("2027-01-01", tz="UTC").to_pydatetime()


def scores(pit, *, predictor="model", measure="reach"):
    """Return one score per PIT, twenty a week."""
    n = len(pit)
    known = START + pd.to_timedelta(7 * (np.arange(n) // 20), unit="D")
    frame = pd.DataFrame(
        {
            "title_id": [f"t{at}" for at in range(n)], "market": "US", "surface": "home", "measure": measure,
            "horizon": 7, "as_of": known - pd.Timedelta(days=8), "predictor": predictor, "is_served": True, "pit": pit,
            "known_at": known,
        }
    )[list(NEEDED)]  # fmt: skip
    return frame.astype(dict.fromkeys(("as_of", "known_at"), "datetime64[us, UTC]"))


UNIFORM = np.random.default_rng(3).uniform(size=400)


def test_each_predictor_and_measure_is_judged_by_its_own_scores():
    frame = pd.concat([
        scores(UNIFORM), scores(UNIFORM**3, predictor="comparable_titles"), scores(UNIFORM, measure="impression_share"),
    ])  # fmt: skip

    found = calibrations(frame, LATER)

    assert [(each.measure, each.predictor, each.is_broken) for each in found] == [
        ("impression_share", "model", False),
        ("reach", "comparable_titles", True),
        ("reach", "model", False),
    ]
    assert found[2].n == 400
    assert found[2].n_weeks == 20


def test_scores_known_later_and_earlier_predictions_of_a_title_do_not_count():
    frame = scores(UNIFORM)
    early = frame["known_at"].iloc[100].to_pydatetime() - pd.Timedelta(seconds=1)
    before = frame.assign(as_of=frame["as_of"] - pd.Timedelta(days=6), pit=0.0)

    found = calibrations(pd.concat([frame, before]), early)

    assert found == calibrations(frame.iloc[:100], LATER)
    assert found[0].n == 100


def test_nothing_scored_is_nothing_judged():
    assert calibrations(scores([]), LATER) == ()
    assert calibrations(scores(np.full(5, np.nan)), LATER) == ()
