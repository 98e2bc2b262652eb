"""Competition, earlier titles, histories, comparable titles and the baseline on hand-made pasts."""

import numpy as np
import pandas as pd
import pytest

from recsysops.columns import SHADOW_SCORE
from recsysops.domain.distribution import PROBABILITIES
from recsysops.model._asof import DAY
from recsysops.model._baseline import comparable_quantiles, forecast_denominator, smooth_quantiles
from recsysops.model._history import CellIndex, EarlierTitles, ValueHistory, Values
from recsysops.model._launches import LaunchBook
from recsysops.model._neighbours import nearest
from recsysops.model._past import Past, Rows, known_outcomes
from recsysops.model._shadow import ShadowBook

NOBODY = ShadowBook(pd.DataFrame(columns=list(SHADOW_SCORE)), 0)
T0 = pd.Timestamp("2026-01-01", tz="UTC")


def texts(*values):
    return np.array(values, dtype=object)


def past(launch_days, y, known_after=1, surface="home"):
    n = len(launch_days)
    launch = np.array(launch_days, dtype=np.int64) * DAY
    names = np.array([f"t{at}" for at in range(n)], dtype=object)
    cells = [np.array([value] * n, dtype=object) for value in ("US", surface)]
    return Past(names, *cells, launch, launch + known_after * DAY, np.array(y, dtype=float), np.arange(n) + 100.0)


def row(cut_day, title="new", surface="home"):
    cut = np.array([cut_day * DAY], dtype=np.int64)
    return Rows(texts(title), texts("US"), texts(surface), cut + 7 * DAY, cut, np.array([7.0]))


def book(*rows):
    columns = ["title_id", "market", "surface", "observed_at", "launch_at", "launch_status"]
    epoch = pd.Timestamp(0, tz="UTC")
    full = [(t, "US", "home", epoch + pd.Timedelta(days=o), epoch + pd.Timedelta(days=x), s) for t, o, x, s in rows]
    frame = pd.DataFrame(full, columns=columns)
    for column in ("observed_at", "launch_at"):
        frame[column] = frame[column].astype("datetime64[us, UTC]")
    return LaunchBook(frame, (epoch + pd.Timedelta(days=1000)).to_pydatetime())


def test_competition_counts_launches_planned_nearby_as_known_at_the_cut():
    launches = book(
        ("a", 0, 108, "planned"), ("b", 0, 106, "planned"), ("b", 50, 300, "planned"), ("c", 150, 107, "planned"),
        ("d", 0, 107, "cancelled"), ("new", 0, 107, "planned"), ("e", 0, 90, "planned"),
    )  # fmt: skip

    near, since, _ = launches.competition(row(100), 3, NOBODY)

    assert near.tolist() == [1.0]
    assert since.tolist() == [17.0]


def test_competition_is_missing_where_nothing_is_known():
    near, since, strength = book().competition(row(100), 3, NOBODY)

    assert near.tolist() == strength.tolist() == [0.0]
    assert np.isnan(since).all()


def test_a_title_has_launched_when_its_planned_time_came_and_not_where_it_was_moved_before():
    launched = book(
        ("a", 0, 10, "planned"), ("b", 0, 20, "planned"), ("b", 15, 40, "planned"), ("c", 0, 5, "cancelled")
    ).launched

    assert dict(zip(launched.title, launched.cut // DAY, strict=True)) == {"a": 10, "b": 40}


def test_earlier_titles_are_counted_by_value_up_to_the_cut():
    earlier = EarlierTitles(Values.of([("x", "y"), ("x",), ("x",)]), np.array([1, 2, 30], dtype=np.int64) * DAY)

    mean, most = earlier.counts(row(10), Values.of([("x", "y", "unseen")]))
    nothing, _ = earlier.counts(row(10), Values.of([()]))

    assert mean[0] == pytest.approx(1.0)
    assert most[0] == 2.0
    assert np.isnan(nothing[0])


def test_a_history_is_a_shrunken_deviation_of_what_was_known_at_the_cut():
    then = past([0, 1, 50], [2.0, 4.0, 100.0])
    history = ValueHistory(then, Values.of([("x",), ("x",), ("x",)]), CellIndex.of(then))

    mean, most, titles = history.means(row(10), Values.of([("x",)]), then.y - 1.0)

    assert mean[0] == (6.0 - 2 * 1.0) / (2 + 3)
    assert most[0] == mean[0]
    assert titles[0] == 2.0


def test_a_value_without_history_is_missing():
    then = past([0], [2.0])
    history = ValueHistory(then, Values.of([("x",)]), CellIndex.of(then))

    mean, _, _ = history.means(row(10), Values.of([("y",)]), then.y)
    elsewhere, _, _ = history.means(row(10, surface="browse"), Values.of([("x",)]), then.y)

    assert np.isnan(mean[0])
    assert np.isnan(elsewhere[0])


def test_the_nearest_titles_are_known_alike_and_other_than_itself():
    then = past([0, 1, 2, 50], [1.0, 2.0, 3.0, 4.0])
    vectors = np.array([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0], [1.0, 0.0]])

    found = nearest(row(10, title="t2"), np.array([[1.0, 0.0]]), then, vectors, 3)

    assert found.place.tolist() == [[0, 1, -1]]
    np.testing.assert_allclose(found.distance[0], [0.0, 0.4, np.nan], atol=1e-5)
    assert found.weights[0, 0] > found.weights[0, 1] > found.weights[0, 2] == 0


def test_comparable_titles_need_a_handful():
    few, enough = past([0, 1, 2, 3], [1.0] * 4), past(range(20), np.arange(20.0))

    def quantiles(then):
        near = nearest(row(30), np.ones((1, 1)), then, np.ones((len(then), 1)), 10)
        return comparable_quantiles(row(30), near, then, CellIndex.of(then))[0]

    assert np.isnan(quantiles(few)).all()
    assert (np.diff(quantiles(enough)) >= 0).all()
    assert 10 < quantiles(enough)[9] < 17


def test_smooth_quantiles_of_equal_weights_lie_between_the_middles():
    found = smooth_quantiles(np.arange(100.0)[None, :], np.ones((1, 100)))[0]

    np.testing.assert_allclose(found, 100 * PROBABILITIES - 0.5)


def test_the_denominator_is_the_median_of_the_latest_windows_and_missing_elsewhere():
    then = past(range(40), np.zeros(40))

    here = forecast_denominator(row(100), then, CellIndex.of(then))
    there = forecast_denominator(row(100, surface="browse"), then, CellIndex.of(then))

    assert here[0] == np.median(np.arange(120.0, 140.0))
    assert np.isnan(there[0])


def test_outcomes_that_are_partial_impossible_or_later_teach_nothing(make):
    make_history, _, _ = make
    frame = make_history(6, horizons=(1,)).outcomes
    frame.loc[0, "value"], frame.loc[1, "value"], frame.loc[2, "denominator"] = np.nan, 1.5, 0.0
    frame.loc[3, "is_partial"] = True

    kept = known_outcomes(frame, (frame["known_at"].iloc[4]).to_pydatetime())

    assert kept["title_id"].tolist() == ["t0004"]
