"""Broken rules and what they mean now."""

from datetime import UTC, datetime, timedelta

import pytest

from recsysops import columns as c
from recsysops.testing.builders import frame_of
from recsysops_detectors.invalid_metadata import InvalidMetadataParams, detect, needs

LAUNCH = datetime(2026, 3, 20, tzinfo=UTC)
NEEDS = needs(InvalidMetadataParams())
PLACE = {c.TITLE_ID: "t", c.MARKET: "DE", c.SURFACE: "home"}


def _rule(check="language_is_a_code", **changes):
    return {
        c.CHECK: check, c.SUITE: "own", c.KIND: c.INVALID_VALUE, c.FIELD: "language", c.MARKET: c.ALL, c.SURFACE: c.ALL,
        c.OUTCOME: "passed", c.DETAIL: "", c.SEVERITY: "critical", c.WHY: "must be a code", c.REMEDY: "Correct it",
        c.OWNER: "desk", c.DAYS_TO_FIX: 3,
    } | changes  # fmt: skip


def _failure(check="language_is_a_code", **changes):
    return PLACE | {c.CHECK: check, c.FIELD: "language", c.VALUE: "English", c.DETAIL: ""} | changes


def _tables(rules=(), failures=(), ruled=1.0, **cell):
    rows = {
        c.CELLS: [PLACE | {c.LAUNCH_AT: LAUNCH, c.LAUNCH_STATUS: c.PLANNED} | cell],
        c.RULES: list(rules) or [_rule()],
        c.RULED: [PLACE | dict.fromkeys(c.RULE_KINDS, 0.0) | {c.INVALID_VALUE: ruled}] if ruled is not None else [],
        c.RULE_FAILURES: list(failures),
    }
    return {name: frame_of(rows[name], columns) for name, columns in NEEDS.items()}


def _detect(tables, days_before=6.0, **params):
    return detect(tables, InvalidMetadataParams(**params), as_of=LAUNCH - timedelta(days=days_before))


def _verdict(detection, kind=c.INVALID_VALUE):
    (row,) = detection.verdicts[detection.verdicts[c.RULE] == kind].to_dict("records")
    return row


@pytest.mark.parametrize(("days_before", "severity"), [(20, "warning"), (3, "warning"), (2.9, "critical")])
def test_a_broken_rule_is_critical_once_fixing_no_longer_fits(days_before, severity):
    detection = _detect(_tables(failures=[_failure()]), days_before)

    assert list(detection.findings[c.SEVERITY]) == [severity]
    assert _verdict(detection)[c.OUTCOME] == "failed"
    assert _verdict(detection)[c.REASON] == "Breaks rules: language."


def test_the_sentence_says_what_was_found_and_what_must_be():
    finding = _detect(_tables(failures=[_failure(**{c.DETAIL: "also 7"})]), 2).findings.iloc[0]

    assert finding[c.WHY] == (
        'Language "English" must be a code (also 7). Launch is in 2 days. '
        "Fixing it usually takes 3 days, which no longer fits."
    )
    assert finding[c.REMEDY] == "For desk: Correct it; it usually takes 3 days."
    assert finding[c.LATEST_SAFE_FIX_AT] == LAUNCH - timedelta(days=3)
    assert (finding[c.CLASS], finding[c.FIELD]) == ("setup", "language")


def test_without_owner_and_remedy_there_is_still_something_to_do():
    rule = _rule(**{c.OWNER: None, c.REMEDY: ""})

    finding = _detect(_tables([rule], [_failure(**{c.VALUE: ""})])).findings.iloc[0]

    assert finding[c.REMEDY] == "Correct the language; it usually takes 3 days."
    assert finding[c.WHY].startswith("Language must be a code.")


def test_several_rules_on_one_field_are_one_finding_of_the_worst():
    rules = [_rule(**{c.SEVERITY: "info"}), _rule("short", **{c.WHY: "must be short", c.SEVERITY: "warning"})]

    detection = _detect(_tables(rules, [_failure(), _failure("short")]))

    (finding,) = detection.findings.to_dict("records")
    assert finding[c.SEVERITY] == "warning"
    assert '"English" must be short; it also must be a code.' in finding[c.WHY]
    assert len(finding[c.EVIDENCE]["rules"]) == 2


def test_a_rule_that_only_informs_fails_nothing():
    detection = _detect(_tables([_rule(**{c.SEVERITY: "info"})], [_failure()]), 1)

    assert list(detection.findings[c.SEVERITY]) == ["info"]
    assert _verdict(detection)[c.OUTCOME] == "passed"
    assert _verdict(detection)[c.REASON] == "Only informative: language."


def test_a_title_that_keeps_its_rules_passes():
    assert _verdict(_detect(_tables(ruled=4.0)))[c.REASON] == "Keeps 4 rules."


@pytest.mark.parametrize(("ruled", "outcome"), [(0.0, "not_applicable"), (None, "not_run")])
def test_a_title_no_rule_looked_at_is_not_called_fine(ruled, outcome):
    assert _verdict(_detect(_tables(ruled=ruled)))[c.OUTCOME] == outcome


@pytest.mark.parametrize(("market", "outcome"), [(c.ALL, "not_run"), ("DE", "not_run"), ("FR", "passed")])
def test_a_rule_that_did_not_run_makes_its_cells_unknown(market, outcome):
    rule = _rule("gone", **{c.OUTCOME: "not_run", c.DETAIL: "no such field", c.MARKET: market})

    verdict = _verdict(_detect(_tables([_rule(), rule])))

    assert verdict[c.OUTCOME] == outcome
    assert outcome == "passed" or verdict[c.REASON] == "Rule gone did not run: no such field"


def test_what_is_only_informative_does_not_hide_that_a_rule_did_not_run():
    rules = [_rule(**{c.SEVERITY: "info"}), _rule("gone", **{c.OUTCOME: "not_run", c.DETAIL: None})]

    assert _verdict(_detect(_tables(rules, [_failure()])))[c.OUTCOME] == "not_run"


def test_ignored_rules_and_fields_are_not_judged():
    tables = _tables(failures=[_failure()])

    assert len(_detect(tables, ignore_rules=("language_is_a_code",)).findings) == 0
    assert len(_detect(tables, ignore_fields=("language",)).findings) == 0


def test_a_cancelled_launch_is_not_applicable():
    detection = _detect(_tables(failures=[_failure()], **{c.LAUNCH_STATUS: c.CANCELLED}))

    assert len(detection.findings) == 0
    assert _verdict(detection)[c.OUTCOME] == "not_applicable"


def test_a_launch_without_a_time_is_not_judged():
    detection = _detect(_tables(failures=[_failure()], **{c.LAUNCH_AT: None}))

    assert len(detection.findings) == 0
    assert _verdict(detection)[c.OUTCOME] == "not_run"
