"""Titles that are stored nowhere are predicted like stored ones with the same metadata."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from recsysops.columns import ALL, DENOMINATOR, MODEL, PREDICTION, QUANTILES, TITLE_VERSION
from recsysops.model._catalogue import Catalogue
from recsysops.model._given import _GivenCatalogue
from recsysops.model._known import Known
from recsysops.model.forecaster import LaunchForecaster
from recsysops.settings import ModelSettings

SETTINGS = ModelSettings(min_titles=50, threads=1)
TARGETS = (("reach", 7),)


@pytest.fixture
def trained(history, as_of, tmp_path, quiet):
    forecaster = LaunchForecaster()
    cards = {
        target: forecaster.train(history, as_of, *target, SETTINGS, tmp_path, quiet) for target in TARGETS
    }  # fmt: skip
    return forecaster, cards


def given(history, title_ids):
    known = history.titles[history.titles["title_id"].isin(title_ids)]
    return known[list(TITLE_VERSION)].reset_index(drop=True)


def test_a_stored_title_given_again_is_predicted_as_it_was(history, as_of, tmp_path, trained, make):
    forecaster, cards = trained
    cells = make[1](history, as_of)
    stored = forecaster.predict(history, cells, as_of, cards, SETTINGS, tmp_path)

    ready = forecaster.ready(history, as_of, cards, SETTINGS, tmp_path)
    found = ready.predict(cells, given(history, cells["title_id"]))

    assert ready.as_of == as_of
    assert ready.model_ids == tuple(card.model_id for _, card in sorted(cards.items()))
    assert list(found.columns) == list(PREDICTION)
    assert MODEL in set(found["predictor"])
    pd.testing.assert_frame_equal(found, stored, rtol=1e-9)


def test_company_changes_nothing(history, as_of, tmp_path, trained, make):
    forecaster, cards = trained
    cells = make[1](history, as_of).head(12)
    ready = forecaster.ready(history, as_of, cards, SETTINGS, tmp_path)

    together = ready.predict(cells, given(history, cells["title_id"]))
    alone = pd.concat(
        [ready.predict(cells.iloc[[at]], given(history, [cells["title_id"].iloc[at]])) for at in range(len(cells))]
    )

    order = ["measure", "horizon", "predictor", "title_id"]
    pd.testing.assert_frame_equal(
        together.sort_values(order, ignore_index=True), alone.sort_values(order, ignore_index=True), rtol=1e-9
    )


def test_a_title_nobody_heard_of_is_predicted_by_its_metadata(history, as_of, tmp_path, trained, make):
    forecaster, cards = trained
    like = make[1](history, as_of).head(1)
    cells = like.assign(title_id="new")
    full = given(history, like["title_id"]).assign(title_id="new")
    full["fields"] = [{**full["fields"].iloc[0], "synopsis": "shipalta moonorro kingenve stormista shiporro moonalve"}]
    bare = full.assign(fields=[{**full["fields"].iloc[0], "synopsis": None}])
    ready = forecaster.ready(history, as_of, cards, SETTINGS, tmp_path)

    served = [
        found[found["is_served"] & (found["horizon"] == 7)] for found in (ready.predict(cells, t) for t in (full, bare))
    ]

    # A missing synopsis costs treatment in this world.
    assert served[0]["q50"].iloc[0] > served[1]["q50"].iloc[0]
    assert (served[0][DENOMINATOR] == 2000).all()


def test_what_was_given_leaves_no_trace(history, as_of, tmp_path, trained, make):
    forecaster, cards = trained
    cells = make[1](history, as_of).head(3)
    ready = forecaster.ready(history, as_of, cards, SETTINGS, tmp_path)
    titles = given(history, cells["title_id"])
    first = ready.predict(cells, titles)
    sizes = _sizes(ready)

    for number in range(3):
        ready.predict(cells.assign(title_id=f"other-{number}"), titles.assign(title_id=f"other-{number}").head(1))

    assert _sizes(ready) == sizes
    pd.testing.assert_frame_equal(ready.predict(cells, titles), first)


def _sizes(ready):
    return len(ready._known.catalogue.states), [len(builder.memory._kept) for builder in ready._builders.values()]


def test_without_models_comparable_titles_answer_alone(history, as_of, tmp_path, make):
    cells = make[1](history, as_of).head(2)
    ready = LaunchForecaster().ready(history, as_of, dict.fromkeys(TARGETS), SETTINGS, tmp_path)

    found = ready.predict(cells, given(history, cells["title_id"]))

    assert ready.model_ids == ()
    assert set(found.loc[found["is_served"], "predictor"]) == {"comparable_titles"}
    assert np.isfinite(found.loc[found["is_served"], list(QUANTILES)].to_numpy()).all()


def test_nothing_asked_is_nothing_answered(history, as_of, tmp_path, make):
    cells = make[1](history, as_of)
    without = LaunchForecaster().ready(history, as_of, {}, SETTINGS, tmp_path)
    ready = LaunchForecaster().ready(history, as_of, dict.fromkeys(TARGETS), SETTINGS, tmp_path)

    for found in (
        ready.predict(cells.head(0), given(history, [])), without.predict(cells, given(history, cells["title_id"])),
    ):  # fmt: skip
        assert list(found.columns) == list(PREDICTION)
        assert found.empty


def test_a_value_is_as_old_as_it_is_stored_and_new_where_it_is_not(history, as_of):
    known = Known(history, as_of, SETTINGS)
    title = history.titles["title_id"].iloc[-1]
    row = given(history, [title]).iloc[0]
    changed = pd.DataFrame([row]).assign(fields=[{**row["fields"], "director": "somebody new", "extra": 1}])

    catalogue = _GivenCatalogue(known.catalogue, changed, known.at)
    state = catalogue.states[int(catalogue.states_at([title], ["US"], np.array([known.at]))[0])]

    stored = known.catalogue.states[int(known.catalogue.states_at([title], ["US"], np.array([known.at]))[0])]
    assert state.since["runtime"] == stored.since["runtime"] < known.at
    assert state.since["director"] == state.since["extra"] == known.at
    assert state.fields["director"] == "somebody new"


def test_a_market_row_is_laid_over_the_general_one(history, as_of):
    known = Known(history, as_of, SETTINGS)
    general = given(history, [history.titles["title_id"].iloc[0]]).assign(title_id="new")
    german = general.assign(market="DE", name=None, fields=[{"runtime": 1.0}])
    catalogue = _GivenCatalogue(known.catalogue, pd.concat([general, german]), known.at)

    here, there, nowhere = catalogue.states_at(["new", "new", "unheard of"], ["DE", ALL, ALL], np.zeros(3))

    assert catalogue.states[here].fields["runtime"] == 1.0
    assert catalogue.states[there].fields["runtime"] != 1.0
    assert catalogue.states[here].name == general["name"].iloc[0]
    assert nowhere == 0
    assert isinstance(known.catalogue, Catalogue)


def test_a_damaged_model_abstains(history, as_of, tmp_path, trained, make):
    forecaster, cards = trained
    damaged = {target: replace(card, manifest_sha256="0" * 64) for target, card in cards.items()}
    cells = make[1](history, as_of).head(1)

    ready = forecaster.ready(history, as_of, damaged, SETTINGS, tmp_path)
    found = ready.predict(cells, given(history, cells["title_id"]))

    assert ready.model_ids == ()
    assert found.loc[found["predictor"] == MODEL, "abstains"].str.contains("does not match").all()
