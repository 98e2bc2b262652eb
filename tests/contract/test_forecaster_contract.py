"""What every forecaster promises: honest shapes, one answer served, the same again, and reasons when it has none."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from recsysops.columns import LAUNCH_VERSION, OUTCOMES, PREDICTION, QUANTILES, TITLE_VERSION
from recsysops.errors import ModelError
from recsysops.model.forecaster import LaunchForecaster
from recsysops.service.ports import History
from recsysops.settings import ModelSettings

SETTINGS = ModelSettings(seed=1, threads=1, min_titles=50)
START = pd.Timestamp("2025-06-01", tz="UTC")
AS_OF = (START + pd.Timedelta(days=75)).to_pydatetime()


def timed(rows, columns, *times):
    frame = pd.DataFrame(rows, columns=list(columns))
    return frame.assign(**{name: frame[name].astype("datetime64[us, UTC]") for name in times})


def make_history():
    """Return 100 titles in two cells, one every day; 75 of them launched before AS_OF."""
    rng = np.random.default_rng(11)
    titles, launches, outcomes = [], [], []
    for at in range(100):
        launch, title, genre = START + pd.Timedelta(days=at), f"t{at:03d}", int(rng.integers(0, 3))
        known = launch - pd.Timedelta(days=20)
        fields = {"genres": [f"g{genre}"], "runtime": 90.0 + at % 7, "rating": None if at % 5 == 0 else "16"}
        titles.append((title, "all", known, title.upper(), None, f"p{at % 3}", fields))
        for surface in ("home", "browse"):
            share = 1 / (1 + np.exp(2.5 - 0.6 * genre - rng.normal(0, 0.2)))
            launches.append((title, "US", surface, known, launch, "planned"))
            end = launch + pd.Timedelta(days=1)
            outcomes.append((title, "US", surface, "reach", 1, launch, end, share, share * 900, 900.0, False))
    return History(
        titles=timed(titles, TITLE_VERSION, "observed_at"),
        launches=timed(launches, LAUNCH_VERSION, "observed_at", "launch_at"),
        outcomes=timed(outcomes, OUTCOMES, "launch_at", "known_at"),
    )


def make_cells(history):
    upcoming = history.launches[history.launches["launch_at"] > AS_OF]
    return upcoming[["title_id", "market", "surface", "launch_at", "launch_status"]].reset_index(drop=True)


HISTORY = make_history()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def card(folder):
    return train(HISTORY, folder)


def train(history, folder):
    return LaunchForecaster().train(history, AS_OF, "reach", 1, SETTINGS, folder, lambda what, done: None)


def predict(history, folder, card, cells=None):
    cells = make_cells(HISTORY) if cells is None else cells
    return LaunchForecaster().predict(history, cells, AS_OF, {("reach", 1): card}, SETTINGS, folder)


def test_columns_are_those_of_a_prediction(folder, card):
    assert list(predict(HISTORY, folder, card).columns) == list(PREDICTION)


def test_quantiles_ascend_within_zero_and_one(folder, card):
    found = predict(HISTORY, folder, card)[list(QUANTILES)].to_numpy()

    assert ((found >= 0) & (found <= 1)).all()
    assert (np.diff(found, axis=1) >= 0).all()


def test_each_target_is_served_exactly_once(folder, card):
    found = predict(HISTORY, folder, card)

    assert (found.groupby(["title_id", "market", "surface", "measure", "horizon"])["is_served"].sum() == 1).all()
    assert len(found) == 2 * len(make_cells(HISTORY))
    assert found.loc[found["is_served"], "abstains"].isna().all()


def test_the_same_input_gives_the_same_card_and_the_same_rows(folder, card):
    assert train(HISTORY, folder) == card
    pd.testing.assert_frame_equal(predict(HISTORY, folder, card), predict(HISTORY, folder, card))


def test_the_order_of_rows_does_not_matter(folder, card):
    shuffled = History(
        titles=HISTORY.titles.sample(frac=1, random_state=1),
        launches=HISTORY.launches.sample(frac=1, random_state=2),
        outcomes=HISTORY.outcomes.sample(frac=1, random_state=3),
    )

    assert train(shuffled, folder) == card
    pd.testing.assert_frame_equal(
        predict(shuffled, folder, card, make_cells(HISTORY).sample(frac=1, random_state=4)),
        predict(HISTORY, folder, card),
    )


def test_the_input_is_not_changed(folder, card):
    before = make_history()

    predict(HISTORY, folder, card)

    pd.testing.assert_frame_equal(HISTORY.titles, before.titles)
    pd.testing.assert_frame_equal(HISTORY.outcomes, before.outcomes)


def test_an_empty_history_abstains_with_a_reason(folder, card):
    empty = History(
        titles=HISTORY.titles.head(0),
        launches=HISTORY.launches.head(0),
        outcomes=HISTORY.outcomes.head(0),
    )

    found = predict(empty, folder, card)

    assert len(found) == 2 * len(make_cells(HISTORY))
    assert not found["is_served"].any()
    assert found["abstains"].str.len().gt(10).all()
    with pytest.raises(ModelError, match="too little to learn"):
        train(empty, folder)


def test_without_a_model_comparable_titles_answer_alone(folder):
    found = predict(HISTORY, folder, None)

    assert (found.loc[found["is_served"], "predictor"] == "comparable_titles").all()
    assert (found.loc[found["is_served"], "label"].str.startswith("fallback: there is no trained model")).all()


def test_an_empty_history_without_a_model_abstains_for_every_target(folder):
    empty = History(titles=HISTORY.titles.head(0), launches=HISTORY.launches.head(0), outcomes=HISTORY.outcomes.head(0))

    found = predict(empty, folder, None)

    assert len(found) == 2 * len(make_cells(HISTORY))
    assert found["abstains"].notna().all()


def test_no_cells_give_no_rows_and_the_same_columns(folder, card):
    found = predict(HISTORY, folder, card, make_cells(HISTORY).head(0))

    assert list(found.columns) == list(PREDICTION)
    assert found.empty


def test_values_and_titles_never_seen_are_fine(folder, card):
    titles = HISTORY.titles.copy()
    titles["fields"] = [
        f if at < 75 else {"genres": ["new"], "rating": "new", "more": "x"} for at, f in enumerate(titles["fields"])
    ]
    cells = pd.concat([make_cells(HISTORY), make_cells(HISTORY).head(1).assign(title_id="never seen")])

    found = predict(replace(HISTORY, titles=titles), folder, card, cells)

    assert found.loc[found["is_served"], QUANTILES[9]].notna().all()
    assert "never seen" in set(found.loc[found["is_served"], "title_id"])


def test_values_that_are_no_numbers_are_fine(folder, card):
    odd = [np.nan, np.inf, -np.inf, 1e308, "x", None, [], {}, ""]
    titles = HISTORY.titles.copy()
    titles["fields"] = [
        {**fields, "runtime": odd[at % len(odd)], "rating": odd[at % 3]} for at, fields in enumerate(titles["fields"])
    ]
    history = replace(HISTORY, titles=titles)

    found = predict(history, folder, train(history, folder))

    assert found[list(QUANTILES)].notna().all(axis=None)


@pytest.mark.parametrize("name", ["point_0.txt", "recipe.json", "calibration.json", "text_idf.npy", "manifest.json"])
def test_a_damaged_file_costs_the_model_and_not_the_answer(folder, card, name):
    path = folder / card.folder / name
    sound = path.read_bytes()
    path.write_bytes(sound[:-2] + b"!!")

    found = predict(HISTORY, folder, card)
    path.write_bytes(sound)

    assert found.loc[found["predictor"] == "model", "abstains"].unique().tolist() == [
        "the model file does not match its manifest"
    ]
    assert (found.loc[found["is_served"], "predictor"] == "comparable_titles").all()
    assert found.loc[found["is_served"], "label"].str.startswith("fallback: the model file").all()


def test_a_model_that_is_gone_costs_the_model_and_not_the_answer(folder, card):
    found = predict(HISTORY, folder, replace(card, folder="models/none"))

    assert (found.loc[found["is_served"], "predictor"] == "comparable_titles").all()
