"""Predictions against plans."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from recsysops import columns as c
from recsysops.testing.builders import frame_of
from recsysops_detectors._common import days, listed, percent
from recsysops_detectors.expectation_gap import ExpectationGapParams, detect, needs

NEEDS = needs(ExpectationGapParams())
LAUNCH = datetime(2026, 3, 8, tzinfo=UTC)
AS_OF = datetime(2026, 3, 2, tzinfo=UTC)


def _quantiles(median, factor):
    return {name: min(median * factor ** ((step - 9) / 9), 1.0) for step, name in enumerate(c.QUANTILES)}


def _target(horizon=1, measure="reach", n=20000.0):
    return {
        c.TITLE_ID: "t",
        c.MARKET: "DE",
        c.SURFACE: "home",
        c.MEASURE: measure,
        c.HORIZON: horizon,
        c.DENOMINATOR: n,
    }


def _predicted(median, factor=1.6, *, by=c.MODEL, served=True, label="", **target):
    return _target(**target) | _quantiles(median, factor) | {
        c.PREDICTOR: by, c.IS_SERVED: served, c.ABSTAINS: None, c.LABEL: label,
    }  # fmt: skip


def _comparable(median, factor=2.0, *, served=False, **target):
    return _predicted(
        median, factor, by=c.COMPARABLE_TITLES, served=served, label="fallback" if served else "", **target
    )


def _abstains(why, **target):
    return _target(**target) | {c.PREDICTOR: c.MODEL, c.IS_SERVED: False, c.ABSTAINS: why, c.LABEL: ""}


def _planned(best, author="launch team", **target):
    return _target(**target) | _quantiles(best, 1.5) | {
        c.LOW: best * 0.75, c.BEST: best, c.HIGH: best * 1.33, c.AUTHOR: author,
    }  # fmt: skip


def _detect(predictions, plans, *, failed=(), status=c.PLANNED, **params):
    cell = {c.TITLE_ID: "t", c.MARKET: "DE", c.SURFACE: "home", c.LAUNCH_AT: LAUNCH, c.LAUNCH_STATUS: status}
    key = {name: cell[name] for name in c.CELL_KEY}
    rows = {
        c.CELLS: [cell],
        c.PREDICTIONS: predictions,
        c.EXPECTATIONS: plans,
        c.CHECKS: [key | {c.FIELD: field, c.OUTCOME: "failed"} for field in failed],
    }
    tables = {name: frame_of(rows[name], columns) for name, columns in NEEDS.items()}
    return detect(tables, ExpectationGapParams(**params), as_of=AS_OF)


def _found(detection):
    return {row[c.RULE]: row for row in detection.findings.to_dict("records")}


def _outcomes(detection):
    return {row[c.RULE]: row for row in detection.verdicts.to_dict("records")}


def test_half_of_the_plan_lost_is_critical():
    detection = _detect([_predicted(0.02)], [_planned(0.06)])

    finding = _found(detection)["under_served"]
    assert (finding[c.SEVERITY], finding[c.CLASS], finding[c.WORTH_UNIT]) == ("critical", "algorithm", "members")
    assert 700 < finding[c.WORTH] < 900
    assert 0 <= finding[c.WORTH_LOW] < finding[c.WORTH] < finding[c.WORTH_HIGH]
    assert finding[c.LATEST_SAFE_FIX_AT] == pd.Timestamp(LAUNCH) - pd.Timedelta(days=2)
    verdict = _outcomes(detection)["under_served"]
    assert verdict[c.OUTCOME] == "failed"
    assert verdict[c.MARGIN] < 0


def test_the_sentence_has_its_numbers():
    why = _found(_detect([_predicted(0.02)], [_planned(0.06)]))["under_served"][c.WHY]

    assert why.startswith(
        "Day-1 reach on home in DE is predicted at 2.0 % (80 % interval 1.3 to 3.0 %) where the plan says 6.0 % "
        "(4.5 to 8.0 %): 99 % sure that it falls short by more than 20 %, about 822 of the 1,200 members planned."
    )


def test_a_smaller_loss_is_a_warning():
    finding = _found(_detect([_predicted(0.034, 1.2)], [_planned(0.06)], min_probability=0.8))["under_served"]

    assert finding[c.SEVERITY] == "warning"


def test_as_planned_is_silent_with_its_margin():
    detection = _detect([_predicted(0.06)], [_planned(0.06)])

    assert len(detection.findings) == 0
    verdict = _outcomes(detection)["under_served"]
    assert verdict[c.OUTCOME] == "passed"
    assert 0 < verdict[c.MARGIN] < 0.8
    assert verdict[c.DATA] == "1 plan; decisive: day-1 reach on home in DE, predicted by model"


def test_more_than_planned_is_a_warning_at_most():
    detection = _detect([_predicted(0.4)], [_planned(0.02)])

    finding = _found(detection)["over_served"]
    assert finding[c.SEVERITY] == "warning"
    assert pd.isna(finding[c.WORTH])
    assert "exceeds the plan by more than 25 %" in finding[c.WHY]
    assert "under_served" not in _found(detection)


def test_missing_metadata_comes_first():
    finding = _found(_detect([_predicted(0.02)], [_planned(0.06)], failed=("synopsis", "artwork")))["under_served"]

    assert finding[c.CLASS] == "setup"
    assert finding[c.REMEDY] == "Fill in artwork and synopsis first, then predict again."
    assert "Required metadata is missing: artwork and synopsis." in finding[c.WHY]


def test_a_plan_from_comparable_titles_alone_never_pages():
    detection = _detect([_predicted(0.005)], [_planned(0.06, author=c.COMPARABLE_TITLES)])

    finding = _found(detection)["under_served"]
    assert finding[c.SEVERITY] == "info"
    assert "rests on comparable titles alone" in finding[c.WHY]
    assert _outcomes(detection)["under_served"][c.OUTCOME] == "passed"
    assert "comparable titles alone" in _outcomes(detection)["under_served"][c.REASON]


def test_a_fallback_prediction_is_a_warning_at_most_and_says_so():
    detection = _detect([_comparable(0.01, served=True), _abstains("no model")], [_planned(0.06)])

    finding = _found(detection)["under_served"]
    assert finding[c.SEVERITY] == "warning"
    assert "Only comparable titles could predict it." in finding[c.WHY]
    assert "labelled: fallback" in finding[c.WHY]
    assert _outcomes(detection)["unfit_expectation"][c.OUTCOME] == "not_applicable"


def test_an_unsure_prediction_is_no_fault():
    detection = _detect([_predicted(0.04, 8.0)], [_planned(0.06)])

    finding = _found(detection)["under_served"]
    assert (finding[c.SEVERITY], finding[c.CLASS]) == ("info", "prediction")
    assert "too unsure to tell" in finding[c.WHY]
    verdict = _outcomes(detection)["under_served"]
    assert verdict[c.OUTCOME] == "passed"
    assert "too unsure to tell" in verdict[c.REASON]


def test_a_prediction_that_comparable_titles_contradict_is_suspected():
    finding = _found(_detect([_predicted(0.01, 1.3), _comparable(0.06, 1.5)], [_planned(0.06)]))["under_served"]

    assert finding[c.CLASS] == "prediction"
    assert "Our own prediction may be off: comparable titles say 6.0 %" in finding[c.WHY]


def test_a_plan_far_outside_of_both_predictors_is_unusual():
    detection = _detect([_predicted(0.03), _comparable(0.028)], [_planned(0.3)])

    found = _found(detection)
    assert (found["unfit_expectation"][c.SEVERITY], found["unfit_expectation"][c.CLASS]) == ("info", "plan")
    assert (found["under_served"][c.SEVERITY], found["under_served"][c.CLASS]) == ("warning", "plan")
    assert "The plan itself looks unusual" in found["under_served"][c.WHY]
    assert "(launch team)" in found["under_served"][c.REMEDY]
    assert _outcomes(detection)["unfit_expectation"][c.OUTCOME] == "passed"


def test_an_unusual_plan_does_not_hide_missing_metadata():
    found = _found(_detect([_predicted(0.03), _comparable(0.028)], [_planned(0.3)], failed=("synopsis",)))

    assert (found["under_served"][c.SEVERITY], found["under_served"][c.CLASS]) == ("critical", "setup")


def test_no_plan_is_not_applicable():
    detection = _detect([_predicted(0.001)], [])

    assert {row[c.OUTCOME] for row in _outcomes(detection).values()} == {"not_applicable"}
    assert _outcomes(detection)["under_served"][c.REASON] == "No expectation."


@pytest.mark.parametrize(
    ("predictions", "reason"),
    [([], "there is no prediction"), ([_abstains("too few past launches")], "too few past launches")],
)
def test_no_served_prediction_is_not_run_with_its_reason(predictions, reason):
    verdict = _outcomes(_detect(predictions, [_planned(0.06)]))["under_served"]

    assert verdict[c.OUTCOME] == "not_run"
    assert verdict[c.REASON] == f"No comparison of day-1 reach on home in DE: {reason}."


def test_a_plan_that_is_no_share_is_not_run():
    plan = _planned(0.06) | dict.fromkeys(c.QUANTILES, np.nan)

    verdict = _outcomes(_detect([_predicted(0.02)], [plan]))["under_served"]

    assert verdict[c.OUTCOME] == "not_run"
    assert "cannot be read" in verdict[c.REASON]


def test_one_horizon_without_a_prediction_leaves_the_cell_unjudged_unless_another_fails():
    plans = [_planned(0.06), _planned(0.1, horizon=7)]

    assert _outcomes(_detect([_predicted(0.06)], plans))["under_served"][c.OUTCOME] == "not_run"
    assert _outcomes(_detect([_predicted(0.01)], plans))["under_served"][c.OUTCOME] == "failed"


def test_the_worst_horizon_speaks_and_the_evidence_lists_all():
    detection = _detect(
        [_predicted(0.035, 1.2), _predicted(0.01, horizon=7)],
        [_planned(0.06), _planned(0.1, horizon=7)],
        min_probability=0.8,
    )

    (finding,) = detection.findings.to_dict("records")
    assert finding[c.WHY].startswith("7-day reach")
    assert [entry["horizon_days"] for entry in finding[c.EVIDENCE]["horizons"]] == [7, 1]


def test_measures_are_separate_findings_with_their_names_and_units():
    detection = _detect(
        [_predicted(0.002, measure="uptake"), _predicted(0.0001, measure="impression_share", n=1e7)],
        [_planned(0.02, measure="uptake"), _planned(0.001, measure="impression_share", n=1e7)],
    )

    found = {row[c.MEASURE]: row for row in detection.findings.to_dict("records")}
    assert set(found) == {"uptake", "impression_share"}
    assert "reach" not in found["uptake"][c.WHY]
    assert found["impression_share"][c.WHY].startswith(
        "Day-1 share of impressions on home in DE is predicted at 0.010 %"
    )
    assert found["impression_share"][c.WORTH_UNIT] == "impressions"


def test_a_difference_worth_less_than_asked_is_no_finding():
    detection = _detect([_predicted(0.02)], [_planned(0.06)], min_worth=5000)

    assert len(detection.findings) == 0
    assert _outcomes(detection)["under_served"][c.MARGIN] == 0


def test_a_cancelled_launch_is_not_applicable():
    detection = _detect([_predicted(0.01)], [_planned(0.06)], status=c.CANCELLED)

    assert len(detection.findings) == 0
    assert {row[c.OUTCOME] for row in _outcomes(detection).values()} == {"not_applicable"}


def test_many_plans_are_compared_in_blocks_as_one():
    cells = [f"t{i}" for i in range(2100)]
    cell = {c.MARKET: "DE", c.SURFACE: "home", c.LAUNCH_AT: LAUNCH, c.LAUNCH_STATUS: c.PLANNED}
    rows = {
        c.CELLS: [cell | {c.TITLE_ID: title} for title in cells],
        c.PREDICTIONS: [_predicted(0.06) | {c.TITLE_ID: title} for title in cells],
        c.EXPECTATIONS: [_planned(0.06) | {c.TITLE_ID: title} for title in cells],
        c.CHECKS: [],
    }

    detection = detect(
        {name: frame_of(rows[name], columns) for name, columns in NEEDS.items()}, ExpectationGapParams(), as_of=AS_OF
    )

    assert detection.verdicts[c.MARGIN].groupby(detection.verdicts[c.RULE]).nunique().max() == 1
    assert len(detection.verdicts) == 3 * 2100


@pytest.mark.parametrize(
    ("share", "shown"),
    [(0.0, "0"), (0.06, "6.0"), (0.1211, "12.1"), (0.0034, "0.34"), (0.00012, "0.012"), (np.nan, "unknown")],
)
def test_percentages_show_two_digits_at_least(share, shown):
    assert percent(share) == shown


def test_words_for_days_and_lists():
    assert [days(1), days(5.0), days(3.24), days(0)] == ["1 day", "5 days", "3.2 days", "0 days"]
    assert [listed([]), listed(["a"]), listed(["a", "b", "c"]), listed(["a", "b", "c"], 2)] == [
        "", "a", "a, b and c", "a, b and 1 more",
    ]  # fmt: skip
