"""A model that was worse than comparable titles on launches that happened is not served; one in doubt is."""

import numpy as np
import pandas as pd
import pytest

from recsysops.model._behind import behind

END = pd.Timestamp("2026-01-01", tz="UTC")


def scores(n_weeks=12, n=8, *, worse=0.1, noise=0.02, seed=1, ends=END):
    """Return scores of model and comparable titles on the same launches; the model's loss is higher by `worse`."""
    rng = np.random.default_rng(seed)
    launch = ends - pd.to_timedelta(7 * np.repeat(np.arange(n_weeks), n) + 9, unit="D")
    base = {
        "title_id": [f"t{at}" for at in range(n_weeks * n)], "market": "US", "surface": "home", "measure": "reach",
        "horizon": 7, "lead": 3, "launch_at": launch, "known_at": launch + pd.Timedelta(days=7),
    }  # fmt: skip
    loss = rng.uniform(0.2, 0.4, n_weeks * n)
    mine = loss + worse + rng.normal(0, noise, n_weeks * n)
    both = [
        pd.DataFrame(base | {"predictor": name, "pinball": value})
        for name, value in (("model", mine), ("comparable_titles", loss))
    ]
    frame = pd.concat(both, ignore_index=True)
    return frame.astype(dict.fromkeys(("launch_at", "known_at"), "datetime64[us, UTC]"))


def test_comparable_titles_that_were_clearly_better_are_named_with_the_figures():
    found = behind(scores(), END.to_pydatetime())

    assert set(found) == {("reach", 7)}
    assert "comparable titles were better on the last 96 launched titles (pinball loss 0.3" in found["reach", 7]


@pytest.mark.parametrize(
    "frame",
    [
        scores(worse=-0.1),
        scores(worse=0.01, noise=0.3),
        scores(n_weeks=7, n=20),
        scores(n_weeks=12, n=3),
        scores(ends=END - pd.Timedelta(weeks=60)),
        scores(ends=END + pd.Timedelta(weeks=60)),
        scores().query("predictor == 'model'"),
        scores().iloc[:0],
        scores().assign(pinball=np.nan),
        None,
    ],
    ids=["better", "in doubt", "few weeks", "few titles", "long ago", "not yet known", "alone", "none", "nan", "no"],
)
def test_a_model_keeps_its_place(frame):
    assert behind(frame, END.to_pydatetime()) == {}


def test_one_odd_week_does_not_take_its_place():
    frame = scores(worse=0.0)
    odd = (frame["launch_at"] == frame["launch_at"].max()) & (frame["predictor"] == "model")
    frame.loc[odd, "pinball"] += 3.0

    assert behind(frame, END.to_pydatetime()) == {}


def test_equal_predictors_are_told_apart_in_one_of_twenty_cases_at_most():
    flagged = [bool(behind(scores(worse=0.0, noise=0.1, seed=seed), END.to_pydatetime())) for seed in range(120)]

    assert np.mean(flagged) <= 0.1
