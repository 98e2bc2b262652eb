"""Past launches as they would have been without some fields: what the recommender's answers about them teach."""

import numpy as np
import pandas as pd
import pytest

from recsysops.columns import DROPPED, REACH_AS_IT_WAS, REACH_JOINT
from recsysops.model._cuts import leads_of
from recsysops.model._features import FeatureBuilder
from recsysops.model._known import Known
from recsysops.model._relabelled import relabelled
from recsysops.model.forecaster import LaunchForecaster
from recsysops.settings import ModelSettings

SETTINGS = ModelSettings(seed=1, threads=1, min_titles=50, rounds=120)
LOSS = 1.2
"""What a missing synopsis costs in the world, on the logit scale."""


def logit(share):
    return np.log(share / (1 - share))


def dropped(shadow, fields=("synopsis",), loss=LOSS, seed=3):
    """Return what the recommender says of titles with fields dropped: less, about as much as in the world."""
    last = shadow.drop_duplicates("title_id", keep="last", ignore_index=True)
    noise = np.random.default_rng(seed).normal(0, 0.1, len(last))
    fallen = 1 / (1 + np.exp(-(logit(last[REACH_JOINT]) - loss + noise)))
    return last.assign(**{REACH_AS_IT_WAS: last[REACH_JOINT], REACH_JOINT: fallen, DROPPED: [list(fields)] * len(last)})


@pytest.fixture
def world(make, shadow_of):
    """Return a history whose past titles have a synopsis and half of whose next ones have none, and as_of."""
    make_history, _, replace = make
    whole = make_history(n=400, missing=0.5, effect=LOSS, horizons=(7,))
    start = whole.launches["launch_at"].min()
    as_of = (start + pd.Timedelta(days=160)).to_pydatetime()
    fields = whole.titles.set_index("title_id")["fields"]
    launch = whole.launches.set_index("title_id")["launch_at"]
    kept = [title for title in fields.index if launch[title] > as_of or fields[title]["synopsis"] is not None]
    history = replace(
        whole,
        **{
            name: getattr(whole, name)[getattr(whole, name)["title_id"].isin(kept)].reset_index(drop=True)
            for name in ("titles", "launches", "outcomes")
        },
    )
    # Asked when each title was launched, and only weakly right.
    return replace(history, shadow=shadow_of(history, days_before=(28, 14, 7, 3, 1), noise=1.0)), as_of


def errors(history, as_of, make, quiet, folder):
    """Return absolute errors of the model's medians after as_of on the logit scale, with and without a synopsis."""
    _, make_cells, _ = make
    forecaster, cells = LaunchForecaster(), make_cells(history, as_of)
    cells = cells[cells["launch_at"] < as_of + pd.Timedelta(days=28)]  # beyond, no title is known yet
    card = forecaster.train(history, as_of, "reach", 7, SETTINGS, folder, quiet)
    found = forecaster.predict(history, cells, as_of, {("reach", 7): card}, SETTINGS, folder)
    model = found[(found["predictor"] == "model") & found["q50"].notna()].set_index("title_id")
    truth = history.outcomes.set_index("title_id")["value"][model.index]
    error = np.abs(logit(model["q50"]) - logit(truth))
    fields = history.titles.set_index("title_id")["fields"][model.index]
    lacks = np.array([each["synopsis"] is None for each in fields])
    return error[~lacks].mean(), error[lacks].mean(), card


def test_titles_with_a_missing_field_are_predicted_better_and_the_others_hardly_otherwise(world, make, quiet, tmp_path):
    history, as_of = world
    _, _, replace = make
    before = history.shadow["as_of"] > history.shadow["launch_at"] - pd.Timedelta(days=20)
    past = history.shadow[(history.shadow["launch_at"] < as_of) & before]

    whole, lacking, _ = errors(history, as_of, make, quiet, tmp_path)
    taught = replace(history, relabelled=dropped(past))
    whole_taught, lacking_taught, card = errors(taught, as_of, make, quiet, tmp_path)

    assert lacking_taught < 0.8 * lacking
    assert whole_taught < 1.1 * whole
    assert card.scores["relabelled"] > 100


def test_a_row_has_the_fields_dropped_its_own_answer_and_the_outcome_it_would_have_had(world, make):
    history, as_of = world
    known = Known(make[2](history, relabelled=dropped(history.shadow.query("title_id < 't0100'"))), as_of, SETTINGS)
    past = known.past("reach", 7)
    rows = past.rows(leads_of(past))
    builder = FeatureBuilder(known, known.recipe)

    real = builder.build(rows, past)
    found = relabelled(builder, known, rows, past, "reach")

    own = real.frame.iloc[found.source].reset_index(drop=True)
    assert (found.frame["synopsis|missing"] == 1).all()
    assert (own["synopsis|missing"] == 0).all()
    assert (found.frame["|shadow_reach"] < own["|shadow_reach"] + 4).all()
    np.testing.assert_allclose((past.y[found.source] - found.y).mean(), LOSS, atol=0.1)
    pd.testing.assert_series_equal(found.frame["runtime|value"], own["runtime|value"])
    pd.testing.assert_frame_equal(builder.build(rows, past).frame, real.frame)


def test_several_views_of_a_title_are_kept_apart_and_the_latest_answer_counts(world, make):
    history, as_of = world
    some = history.shadow.query("'t0050' < title_id < 't0070'")
    later = dropped(some, loss=3.0).assign(as_of=lambda frame: frame["as_of"] + pd.Timedelta(hours=1))
    both = pd.concat([dropped(some), dropped(some, ("genres", "director")), later], ignore_index=True)
    known = Known(make[2](history, relabelled=both), as_of, SETTINGS)
    past = known.past("reach", 7)
    rows = past.rows(leads_of(past))

    found = relabelled(FeatureBuilder(known, known.recipe), known, rows, past, "reach")

    n = some["title_id"].nunique()
    assert len(found) == 2 * n
    lacks = found.frame["synopsis|missing"] == 1
    assert (found.frame["genres|missing"] == 1 - lacks).all()
    assert lacks.sum() == n
    np.testing.assert_allclose((past.y[found.source] - found.y)[lacks].mean(), 3.0, atol=0.2)


def test_for_a_past_of_some_launches_rows_are_renumbered_and_later_answers_left_out(world, make):
    history, as_of = world
    known = Known(make[2](history, relabelled=dropped(history.shadow.query("title_id < 't0100'"))), as_of, SETTINGS)
    past = known.past("reach", 7)
    rows = past.rows(leads_of(past))
    found = relabelled(FeatureBuilder(known, known.recipe), known, rows, past, "reach")
    seen = np.arange(len(past)) % 2 == 0

    kept = found.within(seen, int(np.median(found.asked)))

    assert 0 < len(kept) < len(found) / 2 + 1
    assert (past.title[seen][kept.source] == past.title[found.source[np.isin(found.y, kept.y)]]).all()
    assert (kept.asked <= np.median(found.asked)).all()


def test_where_the_recommender_stopped_answering_the_prediction_is_about_that_of_metadata_alone(
    world, make, quiet, tmp_path
):
    history, as_of = world
    _, _, replace = make
    launched = replace(history, shadow=history.shadow[history.shadow["launch_at"] < as_of])

    never, _, _ = errors(replace(history, shadow=history.shadow.head(0)), as_of, make, quiet, tmp_path)
    silent, _, _ = errors(launched, as_of, make, quiet, tmp_path)

    assert silent < 1.3 * never


def test_without_answers_about_dropped_fields_nothing_is_added(world, make):
    history, as_of = world
    unanswered = dropped(history.shadow).assign(**{REACH_JOINT: np.nan})
    strangers = dropped(history.shadow).assign(title_id="nobody")
    for frame in (history.relabelled, unanswered, strangers):
        known = Known(make[2](history, relabelled=frame), as_of, SETTINGS)
        past = known.past("reach", 7)
        rows = past.rows(leads_of(past))

        assert relabelled(FeatureBuilder(known, known.recipe), known, rows, past, "reach") is None
