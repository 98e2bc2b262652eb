"""What every store must do with predictions held against outcomes (fixture `store`)."""

from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
import pandas as pd
import pytest

from recsysops import columns as c
from recsysops.domain.run import Run
from recsysops.errors import MissingColumnError
from recsysops.service.ports import Store
from recsysops.settings import RetentionSettings

T0: Final = datetime(2026, 3, 2, 12, 30, 15, 123456, tzinfo=UTC)
DAY: Final = timedelta(days=1)
LAUNCH: Final = datetime(2026, 4, 1, 9, tzinfo=UTC)


def predictions(*rows: dict[str, object]) -> pd.DataFrame:
    """Predictions of t1 on de/home by model m1, launching at LAUNCH; what a row names is different."""
    usual: dict[str, object] = {
        c.TITLE_ID: "t1", c.MARKET: "de", c.SURFACE: "home", c.MEASURE: "reach", c.HORIZON: 7, c.LEAD: 14,
        c.LAUNCH_AT: LAUNCH, c.PREDICTOR: c.MODEL, c.IS_SERVED: True, c.ABSTAINS: None, c.LABEL: "",
        c.DENOMINATOR: 100.0, c.MODEL_ID: "m1", **dict(zip(c.QUANTILES, np.arange(1, 20) / 100, strict=True)),
    }  # fmt: skip
    frame = pd.DataFrame([usual | row for row in rows], columns=[n for n in c.PREDICTION if n != c.AS_OF])
    texts = {c.ABSTAINS: "str", c.MODEL_ID: "str"}
    return frame.assign(**{c.AS_OF: pd.NaT}).astype({c.LAUNCH_AT: "datetime64[us, UTC]", **texts})


SILENT: Final = dict.fromkeys(c.QUANTILES, np.nan) | {c.ABSTAINS: "Nothing is known."}


def save(store: Store, days_before: float, *rows: dict[str, object]) -> None:
    with store.write() as work:
        at = LAUNCH - days_before * DAY
        work.results.save("predictions", predictions(*(rows or ({},))), "r1", at)
        work.commit()


def launch(title_id: str = "t1", at: datetime = LAUNCH) -> pd.DataFrame:
    frame = pd.DataFrame({c.TITLE_ID: [title_id], c.MARKET: "de", c.SURFACE: "home", c.LAUNCH_AT: [at]})
    return frame.astype({c.LAUNCH_AT: "datetime64[us, UTC]"})


def standing(store: Store, launches: pd.DataFrame | None = None) -> pd.DataFrame:
    with store.read() as work:
        return work.scores.standing(launch() if launches is None else launches)


def days_before(found: pd.DataFrame) -> dict[int, float]:
    """Return lead to the days before launch at which the prediction that counts for it was made."""
    made = (found[c.LAUNCH_AT] - found[c.AS_OF]) / DAY
    return dict(zip(found[c.LEAD].tolist(), made.tolist(), strict=True))


def scores(*rows: dict[str, object]) -> pd.DataFrame:
    usual: dict[str, object] = {
        c.TITLE_ID: "t1", c.MARKET: "de", c.SURFACE: "home", c.MEASURE: "reach", c.HORIZON: 7, c.LEAD: 7,
        c.AS_OF: T0, c.LAUNCH_AT: LAUNCH, c.PREDICTOR: c.MODEL, c.MODEL_ID: "m1", c.IS_SERVED: True, c.ACTUAL: 0.1,
        c.DENOMINATOR: 100.0, c.PIT: 0.5, c.CRPS: 0.2, c.PINBALL: 0.1, c.ABSOLUTE_ERROR: 0.25,
        c.KNOWN_AT: LAUNCH + 7 * DAY, **dict(zip(c.QUANTILES, np.arange(1, 20) / 100, strict=True)),
    }  # fmt: skip
    frame = pd.DataFrame([usual | row for row in rows], columns=list(c.LAUNCH_SCORE)).astype({c.MODEL_ID: "str"})
    return frame.astype(dict.fromkeys((c.AS_OF, c.LAUNCH_AT, c.KNOWN_AT), "datetime64[us, UTC]"))


def add(store: Store, *rows: dict[str, object]) -> int:
    with store.write() as work:
        n = work.scores.add(scores(*rows))
        work.commit()
    return n


def latest(store: Store, **asked: object) -> pd.DataFrame:
    with store.read() as work:
        return work.scores.latest(**asked)


# --- what had been predicted -----------------------------------------------------------------------------------------


def test_each_lead_has_the_last_prediction_made_that_long_before_launch(store: Store) -> None:
    for days in (20, 15, 13.5, 8, 6.5, 3.5, 2, 1.5, 0.5):
        save(store, days)

    assert days_before(standing(store)) == {14: 15, 7: 8, 3: 3.5, 1: 1.5}


def test_a_prediction_made_exactly_a_lead_before_counts_for_it(store: Store) -> None:
    for days in (14, 7, 3, 1):
        save(store, days)

    assert days_before(standing(store)) == {14: 14, 7: 7, 3: 3, 1: 1}


def test_each_predictor_and_model_has_its_own(store: Store) -> None:
    baseline = {c.PREDICTOR: c.COMPARABLE_TITLES, c.MODEL_ID: None, c.IS_SERVED: False}
    save(store, 10, {}, baseline)
    save(store, 9, {c.MODEL_ID: "m2"}, baseline)

    found = standing(store)

    kept = zip(found[c.PREDICTOR], found[c.MODEL_ID].fillna("-"), (LAUNCH - found[c.AS_OF]) / DAY, strict=True)
    assert sorted(kept) == [("comparable_titles", "-", 9), ("model", "m1", 10), ("model", "m2", 9)]


def test_a_prediction_for_another_launch_time_counts_for_nothing(store: Store) -> None:
    save(store, 9)
    save(store, 8, {c.LAUNCH_AT: LAUNCH + DAY})

    assert days_before(standing(store)) == {7: 9}
    assert days_before(standing(store, launch(at=LAUNCH + DAY))) == {7: 9}
    assert standing(store, launch(at=LAUNCH + 2 * DAY)).empty


def test_where_the_last_prediction_abstains_none_counts(store: Store) -> None:
    save(store, 9)
    save(store, 8, SILENT)

    assert standing(store).empty


def test_a_launch_without_a_time_or_a_title_not_asked_for_is_left_out(store: Store) -> None:
    save(store, 8, {c.LAUNCH_AT: pd.NaT}, {c.TITLE_ID: "t2"})

    assert standing(store).empty
    assert len(standing(store, launch("t2"))) == 1


def test_what_stood_has_the_columns_and_dtypes_of_predictions(store: Store) -> None:
    with store.read() as work:
        usual = work.results.load("predictions").dtypes

    none = standing(store)
    save(store, 8)
    some = standing(store)

    assert none.dtypes.to_dict() == usual.to_dict()
    assert some.dtypes.to_dict() == usual.to_dict()
    assert standing(store, launch()[:0]).empty


def test_the_oldest_prediction_is_the_first_run_that_predicted(store: Store) -> None:
    with store.read() as work:
        before = work.scores.oldest_prediction()
    save(store, 8)
    save(store, 9)

    with store.read() as work:
        assert (before, work.scores.oldest_prediction()) == (None, LAUNCH - 9 * DAY)


# --- what became of it -----------------------------------------------------------------------------------------------


def test_a_score_comes_back_as_it_went_in(store: Store) -> None:
    bare = dict.fromkeys((c.ACTUAL, c.PIT, c.CRPS, c.PINBALL, c.ABSOLUTE_ERROR, *c.QUANTILES), np.nan)
    rows = ({}, {c.TITLE_ID: "t2", c.MODEL_ID: None, c.IS_SERVED: False, **bare})

    n = add(store, *rows)

    assert n == 2
    pd.testing.assert_frame_equal(latest(store), scores(*rows))


def test_the_same_row_is_added_once(store: Store) -> None:
    n = add(store, {}, {})

    assert (n, add(store, {}), len(latest(store))) == (1, 0, 1)


def test_of_a_key_the_row_added_last_counts_and_the_first_stays(store: Store) -> None:
    add(store, {})
    add(store, {c.ACTUAL: 0.3, c.KNOWN_AT: LAUNCH + 9 * DAY}, {c.MODEL_ID: "m2"}, {c.LEAD: 3})

    found = latest(store, names=(c.LEAD, c.MODEL_ID, c.ACTUAL))

    assert sorted(found.itertuples(index=False, name=None)) == [(3, "m1", 0.1), (7, "m1", 0.3), (7, "m2", 0.1)]


def test_without_a_model_id_the_row_added_last_counts_too(store: Store) -> None:
    for actual in (0.1, 0.2):
        add(store, {c.MODEL_ID: None, c.PREDICTOR: c.COMPARABLE_TITLES, c.ACTUAL: actual})

    assert latest(store)[c.ACTUAL].tolist() == [0.2]


def test_scores_are_filtered_by_target_and_launch(store: Store) -> None:
    add(store, {}, {c.MEASURE: "uptake"}, {c.HORIZON: 28}, {c.TITLE_ID: "t2", c.LAUNCH_AT: LAUNCH + DAY})

    assert len(latest(store, measure="reach")) == 3
    assert len(latest(store, measure="reach", horizon=7)) == 2
    assert latest(store, since=LAUNCH + DAY)[c.TITLE_ID].tolist() == ["t2"]
    assert len(latest(store, until=LAUNCH)) == 3
    assert latest(store, horizon=1).empty


def test_a_row_that_counts_no_longer_does_not_come_back_by_its_launch(store: Store) -> None:
    add(store, {})
    add(store, {c.LAUNCH_AT: LAUNCH + 5 * DAY})

    assert latest(store, until=LAUNCH).empty


def test_every_measure_and_horizon_with_a_score_is_known(store: Store) -> None:
    with store.read() as work:
        before = work.scores.targets()
    add(store, {}, {c.MEASURE: "uptake", c.HORIZON: 1}, {c.HORIZON: 1}, {c.LEAD: 1})

    with store.read() as work:
        assert before == ()
        assert work.scores.targets() == (("reach", 1), ("reach", 7), ("uptake", 1))


def test_no_score_has_the_same_columns_and_dtypes(store: Store) -> None:
    none = latest(store)
    add(store, {})

    assert none.dtypes.to_dict() == latest(store).dtypes.to_dict()


def test_a_score_without_a_needed_column_is_refused(store: Store) -> None:
    with store.write() as work, pytest.raises(MissingColumnError, match="crps"):
        work.scores.add(scores({}).drop(columns=c.CRPS))


# --- retention -------------------------------------------------------------------------------------------------------

POLICY: Final = RetentionSettings(results_days=1, runs_days=1, unscored_days=5, scores_days=30)


def prune(store: Store, now: datetime) -> dict[str, int]:
    with store.write() as work:
        removed = work.housekeeping.prune(POLICY, now)
        work.commit()
    return dict(removed)


def save_for_pruning(store: Store) -> None:
    save(store, 30, {}, {c.HORIZON: 28}, {c.TITLE_ID: "undated", c.LAUNCH_AT: pd.NaT})
    save(store, 20)
    save(store, -90, {c.TITLE_ID: "later", c.LAUNCH_AT: LAUNCH + 100 * DAY})
    with store.write() as work:
        work.runs.save(Run(run_id="r1", verb="predict", as_of=T0, started_at=T0 - 50 * DAY))
        work.commit()


def kept(store: Store) -> list[tuple[str, int]]:
    with store.read() as work:
        frame = work.results.load("predictions", LAUNCH - 30 * DAY)
    return list(zip(frame[c.TITLE_ID], frame[c.HORIZON].tolist(), strict=True))


def test_a_prediction_stays_until_its_outcome_can_no_longer_come(store: Store) -> None:
    save_for_pruning(store)

    first = prune(store, LAUNCH + 11 * DAY)
    before = kept(store)
    second = prune(store, LAUNCH + 12 * DAY)
    after = kept(store)
    third = prune(store, LAUNCH + 33 * DAY)

    assert (first["predictions"], before) == (1, [("t1", 7), ("t1", 28)])
    assert (second["predictions"], after) == (2, [("t1", 28)])
    assert (third["predictions"], kept(store)) == (1, [])


def test_a_run_stays_while_predictions_of_it_do(store: Store) -> None:
    save_for_pruning(store)
    with store.write() as work:
        work.results.save("predictions", predictions({}), "r2", LAUNCH + 90 * DAY)
        work.commit()

    prune(store, LAUNCH + 12 * DAY)
    with store.read() as work:
        n_before = work.runs.count()
    prune(store, LAUNCH + 90 * DAY)

    with store.read() as work:
        assert (n_before, work.runs.count()) == (1, 0)


def test_the_latest_predictions_stay_however_old(store: Store) -> None:
    save(store, 30)

    assert prune(store, LAUNCH + 500 * DAY)["predictions"] == 0
    assert kept(store) == [("t1", 7)]


def test_scores_stay_as_long_as_the_settings_say(store: Store) -> None:
    add(store, {}, {c.TITLE_ID: "t2", c.LAUNCH_AT: LAUNCH + DAY})

    early = prune(store, LAUNCH + 30 * DAY)["launch_scores"]
    late = prune(store, LAUNCH + 30 * DAY + timedelta(seconds=1))["launch_scores"]

    assert (early, late, latest(store)[c.TITLE_ID].tolist()) == (0, 1, ["t2"])
