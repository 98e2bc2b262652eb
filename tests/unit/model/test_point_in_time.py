"""Nothing dated after the cut changes a feature, and nothing dated after as_of changes a prediction."""

import numpy as np
import pandas as pd
import pytest

from recsysops.model._asof import microseconds
from recsysops.model._cuts import leads_of
from recsysops.model._features import FeatureBuilder
from recsysops.model._known import Known
from recsysops.model._relabelled import relabelled
from recsysops.model.forecaster import LaunchForecaster
from recsysops.settings import ModelSettings

SETTINGS = ModelSettings(seed=1, threads=1)


def spoilt(frame, times, at, change):
    """Return the frame with `change` applied to rows dated after `at`, and their times pushed on."""
    later = pd.Series(microseconds(frame[times]) > at, index=frame.index)
    return change(frame.copy(), later)


def spoil_history(history, at, replace):
    """Return the history with everything learned after `at` (microseconds) changed beyond recognition."""

    def outcomes(frame, later):
        frame.loc[later, "value"] = 0.999
        return frame

    def titles(frame, later):
        frame["fields"] = [
            {"genres": ["zzz"]} if is_later else f for f, is_later in zip(frame["fields"], later, strict=True)
        ]
        extra = frame.assign(observed_at=pd.Timestamp(at, unit="us", tz="UTC").as_unit("us") + pd.Timedelta(seconds=1))
        extra["fields"] = [{"genres": ["zzz"], "director": "nobody"}] * len(extra)
        return pd.concat([frame, extra], ignore_index=True)

    def launches(frame, later):
        frame.loc[later, "launch_status"] = "cancelled"
        extra = frame.assign(observed_at=pd.Timestamp(at, unit="us", tz="UTC").as_unit("us") + pd.Timedelta(seconds=1))
        extra["launch_at"] = extra["launch_at"] + pd.Timedelta(days=90)
        return pd.concat([frame, extra], ignore_index=True)

    def shadow(frame, later):
        frame.loc[later, ["reach_joint", "reach_alone", "eligible_share"]] = 0.999
        frame.loc[later, "model_version"] = "vzzz"
        extra = frame.assign(as_of=pd.Timestamp(at, unit="us", tz="UTC").as_unit("us") + pd.Timedelta(seconds=1))
        extra[["reach_joint", "reach_alone", "rank_percentile", "margin_p50"]] = 0.5
        return pd.concat([frame, extra], ignore_index=True)

    def relabelled(frame, later):
        frame.loc[later, ["reach_joint", "reach_as_it_was"]] = [0.001, 0.999]
        extra = frame.assign(as_of=pd.Timestamp(at, unit="us", tz="UTC").as_unit("us") + pd.Timedelta(seconds=1))
        return pd.concat([frame, extra.assign(dropped=[["genres"]] * len(extra))], ignore_index=True)

    return replace(
        history,
        shadow=spoilt(history.shadow, "as_of", at, shadow),
        relabelled=spoilt(history.relabelled, "as_of", at, relabelled),
        outcomes=spoilt(history.outcomes, "known_at", at, outcomes),
        titles=spoilt(history.titles, "observed_at", at, titles),
        launches=spoilt(history.launches, "observed_at", at, launches),
    )


@pytest.fixture
def history(history, shadow_of, make):
    """Return a history in which the recommender was asked, without and with fields dropped, in a market of its own."""
    _, _, replace = make
    shadow = shadow_of(history)
    dropped = shadow[shadow["title_id"] < "t0100"].drop_duplicates("title_id", keep="last", ignore_index=True)
    dropped = dropped.assign(
        dropped=[["synopsis"]] * len(dropped), reach_as_it_was=dropped["reach_joint"],
        reach_joint=dropped["reach_joint"] / 2,
    )  # fmt: skip
    titles = history.titles.copy()
    rng = np.random.default_rng(9)
    titles["fields"] = [fields | {"vector": list(rng.normal(size=6))} for fields in titles["fields"]]
    return replace(history, titles=titles, shadow=shadow, relabelled=dropped, zones={"US": "America/New_York"})


def test_what_is_dated_after_as_of_changes_neither_model_nor_prediction(history, as_of, make, quiet, tmp_path):
    _, make_cells, replace = make
    at = int(pd.Timestamp(as_of).timestamp() * 1e6)
    other = spoil_history(history, at, replace)
    cells = make_cells(history, as_of)

    card = LaunchForecaster().train(history, as_of, "reach", 7, SETTINGS, tmp_path, quiet)
    same = LaunchForecaster().train(other, as_of, "reach", 7, SETTINGS, tmp_path, quiet)
    before = LaunchForecaster().predict(history, cells, as_of, {(card.measure, card.horizon): card}, SETTINGS, tmp_path)
    after = LaunchForecaster().predict(other, cells, as_of, {(card.measure, card.horizon): card}, SETTINGS, tmp_path)

    assert card == same
    pd.testing.assert_frame_equal(before, after, check_exact=True)


@pytest.mark.parametrize("row", [60, 120, 199])
def test_what_is_dated_after_a_rows_own_cut_changes_none_of_its_features(history, as_of, make, row):
    _, _, replace = make
    known = Known(history, as_of, SETTINGS)
    past = known.past("reach", 7)
    rows = past.rows(leads_of(past)).take(np.array([min(row, len(past) - 1)]))
    other = Known(spoil_history(history, int(rows.cut[0]), replace), as_of, SETTINGS)

    expected = FeatureBuilder(known, known.recipe).build(rows, past)
    found = FeatureBuilder(other, known.recipe).build(rows, other.past("reach", 7))

    assert (other.past("reach", 7).y != past.y).any()
    assert expected.frame[["|shadow_reach", "|shadow_others", "|shadow_age"]].notna().all(axis=None)
    assert [name for name in expected.frame if name.startswith(("vector|direction", "|comparables_without|"))]
    pd.testing.assert_frame_equal(found.frame, expected.frame, check_exact=True)
    assert found.level[0] == expected.level[0]


def test_relabelled_launches_are_learned_from_as_asked_by_as_of(history, as_of, make):
    _, _, replace = make
    at = int(pd.Timestamp(as_of).timestamp() * 1e6)
    found = []
    for each in (
        history,
        spoil_history(history, at, replace),
        replace(history, relabelled=history.relabelled.head(30)),
    ):
        known = Known(each, as_of, SETTINGS)
        past = known.past("reach", 7)
        rows = past.rows(leads_of(past))
        found.append(relabelled(FeatureBuilder(known, known.recipe), known, rows, past, "reach"))

    expected, spoilt_later, fewer = found

    pd.testing.assert_frame_equal(spoilt_later.frame, expected.frame, check_exact=True)
    np.testing.assert_array_equal(spoilt_later.y, expected.y)
    assert len(fewer) == 30 < len(expected) == 100


def test_a_known_outcome_before_the_cut_does_change_the_features(history, as_of, make):
    _, _, replace = make
    known = Known(history, as_of, SETTINGS)
    past = known.past("reach", 7)
    rows = past.rows(7).take(np.array([len(past) - 1]))
    other = Known(replace(history, outcomes=history.outcomes.assign(value=0.5)), as_of, SETTINGS)

    expected = FeatureBuilder(known, known.recipe).build(rows, past)
    found = FeatureBuilder(other, known.recipe).build(rows, other.past("reach", 7))

    assert not found.frame.equals(expected.frame)


def test_an_ignored_field_is_used_in_no_way(history, as_of):
    settings = ModelSettings(ignore_fields=("synopsis", "provider"))

    known = Known(history, as_of, settings)
    past = known.past("reach", 7)
    features = FeatureBuilder(known, known.recipe).build(past.rows(7), past)

    assert not [name for name in features.frame if name.startswith(("synopsis", "provider"))]
    assert not [name for name in features.frame if name.endswith(("without|synopsis", "without|text"))]
    assert not any({"synopsis", "provider"} & set(state.fields) for state in known.catalogue.states)
    assert features.frame["|missing_total"].max() == 0
