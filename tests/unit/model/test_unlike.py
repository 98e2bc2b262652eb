"""A title unlike anything launched before is not predicted, and says how far it is from what; ordinary ones are."""

import re

import numpy as np
import pandas as pd
import pytest

from recsysops.columns import QUANTILES
from recsysops.model._unlike import Usual, distances
from recsysops.model.forecaster import LaunchForecaster
from recsysops.settings import ModelSettings

SETTINGS = ModelSettings(seed=1, threads=1)
ALIEN = {"genres": ["opera", "mime"], "synopsis": "zzz qqq xxx", "director": "nobody", "runtime": 9_000.0}


def changed(history, title, **fields):
    """Return the history with other metadata of one title."""
    titles = history.titles.copy()
    own = (titles["title_id"] == title).to_numpy()
    titles.loc[own, "fields"] = [{**entry, **fields} for entry in titles.loc[own, "fields"]]
    return titles


@pytest.fixture(scope="module")
def predicted(make, tmp_path_factory):
    """Return a function that predicts with the metadata of one title changed, without a trained model."""
    make_history, make_cells, replace = make
    history = make_history(400)
    as_of = (pd.Timestamp("2025-01-01T09:00", tz="UTC") + pd.Timedelta(days=170)).to_pydatetime()
    cells, folder = make_cells(history, as_of), tmp_path_factory.mktemp("data")

    def predict(settings=SETTINGS, **fields):
        title = cells["title_id"].iloc[5]
        given = replace(history, titles=changed(history, title, **fields))
        frame = LaunchForecaster().predict(
            given, cells, as_of, {("reach", 1): None, ("reach", 7): None}, settings, folder
        )  # fmt: skip
        return frame[frame["title_id"] == title], frame[frame["title_id"] != title]

    return predict


def test_a_title_like_nothing_before_is_not_predicted_by_anyone(predicted):
    alien, others = predicted(**ALIEN)

    assert not alien["is_served"].any()
    assert alien[list(QUANTILES)].isna().all(axis=None)
    for reason in alien["abstains"]:
        assert re.match(r"it is unlike anything launched here before: it shares \d+% of what is known of it", reason)
        assert 'nearest titles ("Title ' in reason
        assert "where 99% of past launches shared" in reason
    assert others[others["predictor"] == "comparable_titles"]["is_served"].mean() > 0.95


def test_an_ordinary_title_is_predicted(predicted):
    own, _ = predicted()

    assert own[own["predictor"] == "comparable_titles"]["is_served"].all()


@pytest.mark.parametrize("name", ["genres", "synopsis", "director"])
def test_one_strange_field_is_a_fault_to_be_found_not_a_strange_title(predicted, name):
    own, _ = predicted(**{name: ALIEN[name]})

    assert own[own["predictor"] == "comparable_titles"]["is_served"].all()


def test_what_is_missing_does_not_make_a_title_strange(predicted):
    own, _ = predicted(synopsis=None, director=None)
    empty, _ = predicted(synopsis=None, director=None, genres=None, runtime=None)

    assert own[own["predictor"] == "comparable_titles"]["is_served"].all()
    assert empty[empty["predictor"] == "comparable_titles"]["is_served"].all()


def test_nobody_abstains_where_the_settings_say_so(predicted):
    alien, _ = predicted(settings=ModelSettings(seed=1, threads=1, unlike_ratio=0.0), **ALIEN)

    assert alien[alien["predictor"] == "comparable_titles"]["is_served"].all()


def test_of_ordinary_titles_about_one_in_a_hundred_abstains(make, tmp_path):
    make_history, make_cells, _ = make
    history = make_history(1400, seed=8)
    as_of = (pd.Timestamp("2025-01-01T09:00", tz="UTC") + pd.Timedelta(days=350)).to_pydatetime()

    found = LaunchForecaster().predict(
        history, make_cells(history, as_of), as_of, {("reach", 1): None}, SETTINGS, tmp_path
    )  # fmt: skip
    share = found[found["predictor"] == "comparable_titles"]["abstains"].notna().mean()

    assert share <= 0.03


def test_with_a_short_past_nobody_can_be_called_strange(make, tmp_path):
    make_history, make_cells, replace = make
    history = make_history(110)
    as_of = (pd.Timestamp("2025-01-01T09:00", tz="UTC") + pd.Timedelta(days=45)).to_pydatetime()
    cells = make_cells(history, as_of)
    title = cells["title_id"].iloc[0]
    given = replace(history, titles=changed(history, title, **ALIEN))

    found = LaunchForecaster().predict(given, cells, as_of, {("reach", 1): None}, SETTINGS, tmp_path)

    assert found[(found["title_id"] == title) & found["is_served"]]["predictor"].tolist() == ["comparable_titles"]


def test_p_values_of_past_titles_are_spread_evenly_and_unknown_places_have_none(make):
    from recsysops.model._features import FeatureBuilder
    from recsysops.model._known import Known

    make_history, _, _ = make
    history = make_history(300)
    known = Known(history, (pd.Timestamp("2026-01-01", tz="UTC")).to_pydatetime(), SETTINGS)
    builder, past = FeatureBuilder(known, known.recipe), known.past("reach", 1)

    usual = Usual.of(builder, past)
    rows = past.launched
    far = distances(builder, rows, past)
    p = usual.p_values(rows, far)

    assert Usual.of(builder, past) is usual
    assert np.isnan(far[:5]).all()
    assert (p[np.isnan(far)] == 1).all()
    assert p[np.isfinite(far)].min() == pytest.approx(2 / (1 + np.isfinite(far).sum()))
    assert np.median(p[np.isfinite(far)]) == pytest.approx(0.5, abs=0.1)
    elsewhere = type(rows)(rows.title, np.full(len(rows), "XX", dtype=object), *(
        getattr(rows, name) for name in ("surface", "launch", "cut", "lead")
    ))  # fmt: skip
    assert (usual.p_values(elsewhere, far) == 1).all()


@pytest.fixture(scope="module")
def told(make, shadow_of, tmp_path_factory):
    """Return a function that predicts a strange title with a model that learned from answers of the recommender."""
    make_history, make_cells, replace = make
    plain = make_history(400)
    as_of = (pd.Timestamp("2025-01-01T09:00", tz="UTC") + pd.Timedelta(days=170)).to_pydatetime()
    cells, folder = make_cells(plain, as_of), tmp_path_factory.mktemp("told")
    title = cells["title_id"].iloc[5]
    history = replace(plain, shadow=shadow_of(plain, days_before=(28, 14, 7, 3, 1)))
    card = LaunchForecaster().train(history, as_of, "reach", 1, SETTINGS, folder, lambda _what, _done: None)

    def predict(*, is_asked):
        known = history.shadow if is_asked else history.shadow[history.shadow["title_id"] != title]
        given = replace(history, titles=changed(history, title, **ALIEN), shadow=known)
        frame = LaunchForecaster().predict(given, cells, as_of, {("reach", 1): card}, SETTINGS, folder)
        return frame[frame["title_id"] == title].set_index("predictor"), frame[frame["title_id"] != title]

    return predict


def test_a_strange_title_the_recommender_was_asked_about_is_predicted_by_the_model_alone_and_says_so(told):
    alien, others = told(is_asked=True)

    assert alien.loc["model", "is_served"]
    assert alien.loc["model", list(QUANTILES)].notna().all()
    assert alien.loc["model", "label"].startswith("unlike earlier titles: rests on what the recommender said of it")
    assert not alien.loc["comparable_titles", "is_served"]
    assert alien.loc["comparable_titles", "abstains"].startswith("it is unlike anything launched here before")
    assert not others["label"].str.contains("unlike").any()


def test_a_strange_title_it_was_not_asked_about_is_predicted_by_nobody(told):
    alien, _ = told(is_asked=False)

    assert not alien["is_served"].any()
    assert alien["abstains"].str.startswith("it is unlike anything launched here before").all()
