"""The forecaster learns what was planted, says who is served and why, and keeps its model bit for bit."""

import hashlib
import json
from dataclasses import replace as changed

import numpy as np
import pandas as pd
import pytest

from recsysops.columns import QUANTILES
from recsysops.errors import ModelError
from recsysops.model import _artifacts, _signing
from recsysops.model._features import FeatureBuilder
from recsysops.model._known import Known
from recsysops.model.forecaster import LaunchForecaster
from recsysops.settings import ModelSettings

SETTINGS = ModelSettings(seed=1, threads=1)
MEDIAN = QUANTILES[9]


def served(frame):
    return frame[frame["is_served"]].set_index("title_id")


def test_a_planted_loss_for_a_missing_field_is_recovered(make, as_of, quiet, tmp_path):
    make_history, make_cells, _ = make
    history, cells = make_history(missing=0.3), None
    cells = make_cells(history, as_of)
    forecaster = LaunchForecaster()
    card = forecaster.train(history, as_of, "reach", 7, SETTINGS, tmp_path, quiet)

    found = served(
        forecaster.predict(history, cells, as_of, {(card.measure, card.horizon): card}, SETTINGS, tmp_path).query(
            "horizon == 7"
        )
    )
    fields = history.titles.set_index("title_id")["fields"].loc[found.index]
    is_missing = np.array([entry["synopsis"] is None for entry in fields])

    assert (found["predictor"] == "model").all()
    assert found[MEDIAN][is_missing].mean() < 0.7 * found[MEDIAN][~is_missing].mean()
    assert card.scores["model_pinball"] < card.scores["comparable_titles_pinball"]
    assert 0.65 <= card.scores["coverage_80"] <= 0.95


def test_a_model_predicts_the_same_bits_after_being_stored(history, as_of, quiet, tmp_path):
    forecaster = LaunchForecaster()
    card = forecaster.train(history, as_of, "reach", 7, SETTINGS, tmp_path, quiet)
    known = Known(history, as_of, SETTINGS)
    past = known.past("reach", 7)
    features = FeatureBuilder(known, known.recipe).build(past.rows(7), past)

    loaded = _artifacts.load(card, tmp_path)
    model_id, manifest = _artifacts.write(loaded, "again", {}, tmp_path)
    again = _artifacts.load(
        changed(card, model_id=model_id, folder=f"models/{model_id}", manifest_sha256=manifest), tmp_path
    )

    assert loaded.recipe.fingerprint == known.recipe.fingerprint
    assert (again.quantiles(features) == loaded.quantiles(features)).all()


def test_the_same_training_gives_the_same_card_and_repairs_a_damaged_copy(history, as_of, quiet, tmp_path):
    first = LaunchForecaster().train(history, as_of, "reach", 7, SETTINGS, tmp_path, quiet)
    (tmp_path / first.folder / "point_0.txt").write_text("damaged")

    second = LaunchForecaster().train(history, as_of, "reach", 7, SETTINGS, tmp_path, quiet)

    assert second == first
    assert _artifacts.load(second, tmp_path).point.columns


def test_no_artifact_is_a_pickle_and_every_file_is_listed(history, as_of, quiet, tmp_path):
    card = LaunchForecaster().train(history, as_of, "reach", 7, SETTINGS, tmp_path, quiet)
    place = tmp_path / card.folder

    manifest = json.loads((place / "manifest.json").read_text())

    assert {file.name for file in place.iterdir()} == {*manifest["files"], "manifest.json", "manifest.sig"}
    assert {file.suffix for file in place.iterdir()} == {".txt", ".json", ".npy", ".sig"}
    assert manifest["model_id"] == card.model_id


def test_a_file_that_names_a_way_out_of_the_folder_is_refused(history, as_of, quiet, tmp_path):
    card = LaunchForecaster().train(history, as_of, "reach", 7, SETTINGS, tmp_path, quiet)
    path = tmp_path / card.folder / "manifest.json"
    entries = json.loads(path.read_text())
    entries["files"]["../secret"] = {"sha256": "", "bytes": 0}
    path.write_text(json.dumps(entries))
    path.with_name("manifest.sig").write_bytes(_signing.sign(path.read_bytes(), tmp_path))
    forged = changed(card, manifest_sha256=hashlib.sha256(path.read_bytes()).hexdigest())

    with pytest.raises(ModelError, match="does not match its manifest"):
        _artifacts.load(forged, tmp_path)


def test_with_few_past_launches_comparable_titles_are_served_and_say_so(history, as_of, make, quiet, tmp_path):
    _, make_cells, _ = make
    settings = ModelSettings(min_titles=1000, threads=1)
    forecaster = LaunchForecaster()
    card = forecaster.train(history, as_of, "reach", 7, settings, tmp_path, quiet)

    found = served(
        forecaster.predict(
            history, make_cells(history, as_of), as_of, {(card.measure, card.horizon): card}, settings, tmp_path
        ).query("horizon == 7")
    )

    assert card.serves == "comparable_titles"
    assert (found["predictor"] == "comparable_titles").all()
    assert found["label"].str.startswith("fallback: 1").all()
    assert found["label"].str.contains("fewer than the 1000").all()


def test_comparable_titles_are_served_where_the_model_was_worse(as_of, make, quiet, tmp_path):
    from recsysops.model.forecaster import _serves

    serves, reason = _serves({"model_pinball": 0.3, "comparable_titles_pinball": 0.2}, 500, SETTINGS)

    assert serves == "comparable_titles"
    assert "0.200 against 0.300" in reason


def test_labels_name_early_launches_and_assumed_times(history, as_of, make, tmp_path):
    _, make_cells, replace = make
    assumed = replace(history, label="not point-in-time")

    found = served(
        LaunchForecaster()
        .predict(assumed, make_cells(history, as_of), as_of, {("reach", 7): None}, SETTINGS, tmp_path)
        .query("horizon == 7")
    )
    days = (found["launch_at"] - pd.Timestamp(as_of)).dt.total_seconds() / 86400

    assert (found["label"].str.contains("early") == (days > 14)).all()
    assert found["label"].str.endswith("; not point-in-time").all()
    assert (found["lead"][days > 14] == 14).all()
    assert (found["lead"][(days > 3) & (days <= 7)] == 7).all()


def test_a_launch_without_time_or_cancelled_or_elsewhere_abstains_with_its_reason(history, as_of, make, tmp_path):
    _, make_cells, _ = make
    cells = make_cells(history, as_of).head(3)
    cells.loc[0, "launch_at"], cells.loc[1, "launch_status"], cells.loc[2, "surface"] = pd.NaT, "cancelled", "elsewhere"

    found = (
        LaunchForecaster()
        .predict(history, cells, as_of, {("reach", 7): None}, SETTINGS, tmp_path)
        .query("horizon == 7")
    )
    reasons = dict(zip(found["title_id"], found["abstains"], strict=True))

    assert not found["is_served"].any()
    assert [word in reason for word, reason in zip(("time", "cancelled", "window"), reasons.values(), strict=True)] == [
        True
    ] * 3
    assert found[list(QUANTILES)].isna().all(axis=None)


def test_uptake_is_predicted_in_whole_members_and_may_be_nobody(make, as_of, quiet, tmp_path):
    make_history, make_cells, _ = make
    history = make_history(measure="uptake", effect=2.0)
    forecaster = LaunchForecaster()
    card = forecaster.train(history, as_of, "uptake", 7, SETTINGS, tmp_path, quiet)

    found = served(
        forecaster.predict(
            history, make_cells(history, as_of), as_of, {(card.measure, card.horizon): card}, SETTINGS, tmp_path
        ).query("horizon == 7")
    )
    members = found[list(QUANTILES)].to_numpy() * 2000

    np.testing.assert_allclose(members, np.rint(members), atol=1e-6)
    assert (members[:, 0] == 0).any()
    assert 0.65 <= card.scores["coverage_80"] <= 0.95


def test_comparables_are_nearest_first_and_known(history, as_of):
    forecaster = LaunchForecaster()

    found = forecaster.comparables(history, ("t0230", "US", "home"), as_of, "reach", 7, SETTINGS)
    none = forecaster.comparables(history, ("t0230", "US", "elsewhere"), as_of, "reach", 7, SETTINGS)

    assert list(found.columns) == ["title_id", "name", "market", "surface", "launch_at", "distance", "value", "fields"]
    assert len(found) == SETTINGS.n_comparables
    assert found["distance"].is_monotonic_increasing
    assert (found["launch_at"] + pd.Timedelta(days=7) <= pd.Timestamp(as_of)).all()
    truth = history.outcomes.query("horizon == 7").set_index("title_id")["value"]
    np.testing.assert_allclose(found["value"], truth.loc[found["title_id"]], atol=1e-9)
    assert none.empty


def test_too_little_to_learn_from_is_an_error_that_says_how_much(history, quiet, tmp_path):
    early = history.launches["launch_at"].iloc[10].to_pydatetime()

    with pytest.raises(ModelError, match="past launches with a known outcome"):
        LaunchForecaster().train(history, early, "reach", 7, SETTINGS, tmp_path, quiet)


def test_many_launches_learn_how_hard_a_case_is(make, quiet, tmp_path):
    make_history, make_cells, _ = make
    history = make_history(1100, horizons=(1,), surfaces=("home", "browse"))
    as_of = history.launches["launch_at"].iloc[-20].to_pydatetime()
    forecaster = LaunchForecaster()

    card = forecaster.train(history, as_of, "reach", 1, SETTINGS, tmp_path, quiet)
    found = forecaster.predict(
        history, make_cells(history, as_of), as_of, {(card.measure, card.horizon): card}, SETTINGS, tmp_path
    )

    assert _artifacts.load(card, tmp_path).difficulty is not None
    assert served(found)[MEDIAN].notna().all()
    assert 0.7 <= card.scores["coverage_80"] <= 0.9
