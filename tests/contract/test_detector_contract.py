"""Every registered detector keeps the contract, and every check can fail."""

from dataclasses import replace

import numpy as np
import pytest
from pydantic import Field

from recsysops import columns as c
from recsysops.contract.detector import Detection, Params
from recsysops.plugins import load_plugins
from recsysops.settings import Settings
from recsysops.testing import detectors as checks
from recsysops_detectors.feed_freshness import DETECTOR as FEEDS
from recsysops_detectors.missing_metadata import DETECTOR

LOADED = load_plugins(Settings()).detectors


def _answer(detector, change_findings=lambda f: f, change_verdicts=lambda v: v):
    """A `detect` that answers as a good one does, but for a change."""

    def detect(tables, params, *, as_of):
        detection = detector.detect(tables, params, as_of=as_of)
        return Detection(change_findings(detection.findings), change_verdicts(detection.verdicts))

    return detect


def _said(**changes):
    return replace(DETECTOR, detect=_answer(DETECTOR, **changes))


def _changing_input(tables, params, *, as_of):
    detection = DETECTOR.detect(tables, params, as_of=as_of)
    tables[c.CELLS].loc[:, c.LAUNCH_STATUS] = "touched"
    return detection


def _reading_order(tables, params, *, as_of):
    detection = DETECTOR.detect(tables, params, as_of=as_of)
    first = tables[c.CELLS][c.TITLE_ID].iloc[:1].tolist()
    return Detection(detection.findings.assign(**{c.REMEDY: f"see {first}"}), detection.verdicts)


def _reading_index(tables, params, *, as_of):
    detection = DETECTOR.detect(tables, params, as_of=as_of)
    return Detection(detection.findings.assign(**{c.REMEDY: f"see {list(tables[c.CELLS].index)}"}), detection.verdicts)


def _reading_all_columns(tables, params, *, as_of):
    detection = DETECTOR.detect(tables, params, as_of=as_of)
    return Detection(detection.findings.assign(**{c.REMEDY: str(len(tables[c.CELLS].columns))}), detection.verdicts)


def _always_finding(tables, params, *, as_of):
    tables = {name: frame if len(frame) else ALWAYS[name] for name, frame in tables.items()}
    return DETECTOR.detect(tables, params, as_of=as_of)


def _counting():
    calls = iter(range(10_000))
    return _said(change_findings=lambda findings: findings.assign(**{c.REMEDY: f"call {next(calls)}"}))


def _crowded(tables, params, *, as_of):
    detection = DETECTOR.detect(tables, params, as_of=as_of)
    return Detection(detection.findings.assign(**{c.REMEDY: f"one of {len(tables[c.CELLS])}"}), detection.verdicts)


class _Undescribed(Params):
    grace_days: float = 0
    ignore_fields: tuple[str, ...] = ()


class _Lossy(Params):
    grace_days: float = Field(default=np.inf, description="Infinite, which JSON has no word for.")


ALWAYS = checks.on.example_tables(DETECTOR, DETECTOR.examples[0])
BROKEN = {
    checks.check_worked_examples_flag_the_promised_titles: _said(change_findings=lambda findings: findings.iloc[:0]),
    checks.check_input_is_not_changed: replace(DETECTOR, detect=_changing_input),
    checks.check_row_order_does_not_matter: replace(DETECTOR, detect=_reading_order),
    checks.check_index_does_not_matter: replace(DETECTOR, detect=_reading_index),
    checks.check_declared_columns_are_enough: replace(DETECTOR, detect=_reading_all_columns),
    checks.check_no_titles_no_findings: replace(DETECTOR, detect=_always_finding),
    checks.check_missing_and_infinite_values_do_not_flag: replace(
        DETECTOR, flags_missing=False, detect=lambda tables, params, *, as_of: DETECTOR.detect(
            tables, params, as_of=as_of) if tables[c.REQUIREMENTS][c.DUE_DAYS].notna().all() else DETECTOR.detect(
            {**tables, c.REQUIREMENTS: tables[c.REQUIREMENTS].assign(**{c.DUE_DAYS: 99.0})}, params, as_of=as_of)),
    checks.check_same_input_same_output: _counting(),
    checks.check_a_stricter_setting_never_adds_findings: replace(DETECTOR, stricter={"grace_days": (30, 0)}),
    checks.check_each_title_is_judged_alone: replace(DETECTOR, detect=_crowded),
    checks.check_findings_are_complete: _said(change_findings=lambda findings: findings.assign(**{c.SCORE: np.inf})),
    checks.check_findings_are_worst_first: _said(
        change_findings=lambda findings: findings.assign(**{c.SCORE: np.arange(len(findings), dtype=float)})),
    checks.check_evidence_holds_the_quoted_numbers: _said(
        change_findings=lambda findings: findings.assign(**{c.WHY: "It was due 4711.5 days ago."})),
    checks.check_one_verdict_per_cell_and_rule: _said(change_verdicts=lambda verdicts: verdicts.iloc[:-1]),
    checks.check_a_failed_verdict_means_a_finding_of_weight: _said(
        change_verdicts=lambda verdicts: verdicts.assign(**{c.OUTCOME: "passed"})),
    checks.check_findings_lie_within_its_scope: _said(
        change_findings=lambda findings: findings.assign(**{c.MARKET: "elsewhere"})),
    checks.check_parameters_survive_json: replace(DETECTOR, params=_Undescribed),
    checks.check_the_name_is_its_entry_point: replace(DETECTOR, summary="Another object."),
    checks.check_it_is_described: replace(DETECTOR, summary=""),
}  # fmt: skip


def _two_in_one_example():
    """The worst-first toy needs an example with two findings."""
    example = DETECTOR.examples[0]
    late = [{**row, c.DUE_DAYS: 20.0} for row in example.tables[c.REQUIREMENTS]]
    return replace(example, tables={**example.tables, c.REQUIREMENTS: late})


BROKEN[checks.check_findings_are_worst_first] = replace(
    BROKEN[checks.check_findings_are_worst_first], examples=(_two_in_one_example(),)
)


@pytest.mark.parametrize("loaded", LOADED, ids=lambda loaded: loaded.detector.name)
@pytest.mark.parametrize("check", checks.DETECTOR_CHECKS, ids=lambda check: check.__name__)
def test_every_registered_detector_keeps_the_contract(loaded, check):
    check(loaded.detector)


@pytest.mark.parametrize("check", checks.DETECTOR_CHECKS, ids=lambda check: check.__name__)
def test_every_check_finds_its_broken_toy(check):
    with pytest.raises(AssertionError, match='Detector "missing_metadata"'):
        check(BROKEN[check])


def test_our_own_detectors_are_registered():
    ours = {"missing_metadata", "expectation_gap", "invalid_metadata", "feed_freshness"}

    assert {loaded.detector.name for loaded in LOADED} >= ours


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"change_findings": lambda findings: findings.assign(**{c.SURFACE: "home"})}, "out of its scope"),
        ({"change_findings": lambda findings: findings.assign(**{c.FIELD: ""})}, "does not say what is wrong"),
        ({"change_verdicts": lambda verdicts: verdicts.assign(**{c.OUTCOME: "failed"})}, "fails a cell"),
    ],
)
def test_a_detector_of_the_service_must_speak_of_the_service(change, said):
    detect = _answer(FEEDS, **change)

    with pytest.raises(AssertionError, match=said):
        checks.check_findings_lie_within_its_scope(replace(FEEDS, detect=detect))


def test_a_detector_of_the_service_must_judge_the_service():
    detect = _answer(FEEDS, change_verdicts=lambda verdicts: verdicts[verdicts[c.TITLE_ID] != c.ALL])

    with pytest.raises(AssertionError, match="one verdict per cell and rule"):
        checks.check_one_verdict_per_cell_and_rule(replace(FEEDS, detect=detect))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({c.DETECTOR: "other"}, "of another detector"),
        ({c.RULE: "other"}, "of an unknown rule"),
        ({c.FINDING_KEY: "k"}, "with a key of its own making"),
        ({c.SEVERITY: "fatal"}, "of unknown severity"),
        ({c.CLASS: "weather"}, "of unknown class"),
        ({c.REMEDY: ""}, "without words"),
        ({c.WORTH_HIGH: np.inf}, "with an infinite worth"),
    ],
)
def test_an_incomplete_finding_is_named(change, said):
    broken = _said(change_findings=lambda findings: findings.assign(**change))

    with pytest.raises(AssertionError, match=said):
        checks.check_findings_are_complete(broken)


@pytest.mark.parametrize(("evidence", "said"), [({}, "without evidence"), ({"x": object()}, "no JSON")])
def test_evidence_must_be_there_and_be_json(evidence, said):
    broken = _said(change_findings=lambda findings: findings.assign(**{c.EVIDENCE: [evidence] * len(findings)}))

    with pytest.raises(AssertionError, match=said):
        checks.check_findings_are_complete(broken)


def test_examples_that_never_stay_silent_are_found():
    broken = replace(DETECTOR, examples=DETECTOR.examples[:1])

    with pytest.raises(AssertionError, match="one that stays silent"):
        checks.check_worked_examples_flag_the_promised_titles(broken)


def test_a_wrong_type_is_found():
    broken = _said(change_findings=lambda findings: findings.astype({c.SCORE: "object"}))

    with pytest.raises(AssertionError, match='"score" as object'):
        checks.check_findings_are_complete(broken)


def test_parameters_that_json_changes_are_found():
    with pytest.raises(AssertionError, match="JSON changes"):
        checks.check_parameters_survive_json(replace(DETECTOR, params=_Lossy, stricter={}))


def test_a_stricter_setting_that_does_not_exist_is_found():
    with pytest.raises(AssertionError, match="is no parameter"):
        checks.check_parameters_survive_json(replace(DETECTOR, stricter={"nothing": (1, 2)}))


def test_a_rule_without_a_meaning_is_found():
    rule = replace(DETECTOR.rules[0], meaning="")

    with pytest.raises(AssertionError, match="does not describe its rule"):
        checks.check_it_is_described(replace(DETECTOR, rules=(rule,)))
