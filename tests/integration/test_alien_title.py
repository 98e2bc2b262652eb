"""A planted alien, from history to board: no detector can compare it with its plan, the board says unknown and why."""

import numpy as np
import pandas as pd
import pytest

from recsysops import columns as c
from recsysops.domain.distribution import expectation_quantiles
from recsysops.domain.history import History
from recsysops.model.forecaster import LaunchForecaster
from recsysops.service.board import board_cells
from recsysops.service.frames import findings_in_order
from recsysops.settings import ModelSettings
from recsysops_detectors.expectation_gap import DETECTOR

START = pd.Timestamp("2025-01-01", tz="UTC")
AS_OF = (START + pd.Timedelta(days=200)).to_pydatetime()
TIMES = ("observed_at", "launch_at", "known_at")
ALIEN = {"genres": ["opera", "mime"], "director": "nobody", "language": "tlh", "studio": "kitchen"}


def history(n=412):
    """Return `n` titles, two a day, the twelve last ones still to launch; the sixth of these is an alien."""
    rng = np.random.default_rng(2)
    titles, launches, outcomes = [], [], []
    for at in range(n):
        launch, title, genre = START + pd.Timedelta(hours=12 * at), f"t{at:03d}", int(rng.integers(0, 4))
        fields = {
            "genres": [f"g{genre}"], "director": f"d{rng.integers(0, 12)}", "language": f"l{rng.integers(0, 3)}",
            "studio": f"s{rng.integers(0, 5)}",
        }  # fmt: skip
        known = launch - pd.Timedelta(days=25)
        titles.append((title, c.ALL, known, f"Title {at}", None, f"p{at % 3}", ALIEN if at == n - 6 else fields))
        launches.append((title, "US", "home", known, launch, c.PLANNED))
        share = 1 / (1 + np.exp(2.0 - 0.4 * genre - rng.normal(0, 0.3)))
        end = launch + pd.Timedelta(days=1)
        outcomes.append((title, "US", "home", "reach", 1, launch, end, share, share * 2000, 2000.0, False))
    frames = [
        pd.DataFrame(rows, columns=list(columns))
        for rows, columns in ((titles, c.TITLE_VERSION), (launches, c.LAUNCH_VERSION), (outcomes, c.OUTCOMES))
    ]
    timed = [frame.astype({name: "datetime64[us, UTC]" for name in TIMES if name in frame.columns}) for frame in frames]
    return History(titles=timed[0], launches=timed[1], outcomes=timed[2])


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    """Return the board, by title, of a trained model and one plan for every upcoming title."""
    known, folder = history(), tmp_path_factory.mktemp("data")
    settings = ModelSettings(seed=1, threads=1)
    upcoming = known.launches[known.launches["launch_at"] > AS_OF]
    cells = upcoming[[*c.CELL_KEY, c.LAUNCH_AT, c.LAUNCH_STATUS]].reset_index(drop=True)
    forecaster = LaunchForecaster()
    card = forecaster.train(known, AS_OF, "reach", 1, settings, folder, lambda what, done: None)
    predictions = forecaster.predict(known, cells, AS_OF, {("reach", 1): card}, settings, folder)
    served = predictions[predictions[c.IS_SERVED]].set_index(c.TITLE_ID)[c.QUANTILES[9]]
    best = cells[c.TITLE_ID].map(served).fillna(0.1).to_numpy()
    plan = np.column_stack([0.8 * best, best, 1.25 * best])
    expectations = cells[list(c.CELL_KEY)].assign(
        measure="reach", horizon=1, low=plan[:, 0], best=plan[:, 1], high=plan[:, 2], confidence=0.8, author="team",
        observed_at=pd.Timestamp(AS_OF), denominator=2000.0,
    )  # fmt: skip
    shares = expectation_quantiles("reach", plan, np.full(len(plan), 0.8), np.full(len(plan), 2000.0))
    expectations = expectations.assign(**{name: shares[:, at] for at, name in enumerate(c.QUANTILES)})
    checks = pd.DataFrame(columns=[*c.CELL_KEY, c.FIELD, c.OUTCOME])
    tables = {c.CELLS: cells, c.PREDICTIONS: predictions, c.EXPECTATIONS: expectations, c.CHECKS: checks}
    found = DETECTOR.detect(tables, DETECTOR.params(), as_of=AS_OF)
    whole = cells.assign(previous_launch_at=pd.NaT, name=None, series_id=None, provider=None)
    shown = board_cells(whole, found.verdicts, findings_in_order(found.findings), expectations)
    return shown.set_index(c.TITLE_ID), predictions


def test_the_alien_is_unknown_with_the_reason_and_the_nearest_titles(board):
    shown, _ = board

    assert shown.loc["t406", c.STATUS] == "unknown"
    assert "it is unlike anything launched here before" in shown.loc["t406", c.WHY]
    assert 'nearest titles ("Title ' in shown.loc["t406", c.WHY]


def test_neither_the_model_nor_comparable_titles_answer_for_it(board):
    _, predictions = board
    own = predictions[predictions[c.TITLE_ID] == "t406"]

    assert set(own[c.PREDICTOR]) == {c.MODEL, c.COMPARABLE_TITLES}
    assert not own[c.IS_SERVED].any()
    assert own[list(c.QUANTILES)].isna().all(axis=None)


def test_the_others_are_judged(board):
    shown, _ = board

    assert (shown.drop("t406")[c.STATUS] == "ok").all()
