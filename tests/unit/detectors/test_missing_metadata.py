"""Required metadata against its due dates."""

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from recsysops import columns as c
from recsysops.testing.builders import frame_of
from recsysops_detectors.missing_metadata import MissingMetadataParams, detect, needs

LAUNCH = datetime(2026, 3, 20, tzinfo=UTC)
NEEDS = needs(MissingMetadataParams())


def _tables(outcome="failed", *, detail="empty", requirement=None, cell=None, checks=None):
    required = {
        c.FIELD: "synopsis", c.MARKET: "all", c.SURFACE: "all", c.DUE_DAYS: 9, c.DAYS_TO_FIX: 5,
        c.OWNER: "metadata desk", c.MAX_SEVERITY: "critical",
    } | (requirement or {})  # fmt: skip
    one = {
        c.TITLE_ID: "t", c.MARKET: "DE", c.SURFACE: "home", c.LAUNCH_AT: LAUNCH, c.LAUNCH_STATUS: c.PLANNED,
    } | (cell or {})  # fmt: skip
    check = {
        c.TITLE_ID: "t", c.MARKET: "DE", c.SURFACE: "home", c.FIELD: "synopsis", c.OUTCOME: outcome, c.VALUE: "",
        c.DETAIL: detail,
    }  # fmt: skip
    rows = {c.CELLS: [one], c.CHECKS: [check] if checks is None else checks, c.REQUIREMENTS: [required]}
    return {name: frame_of(rows[name], columns) for name, columns in NEEDS.items()}


def _detect(tables, days_before, **params):
    return detect(tables, MissingMetadataParams(**params), as_of=LAUNCH - timedelta(days=days_before))


def _verdict(detection):
    (row,) = detection.verdicts.to_dict("records")
    return row


@pytest.mark.parametrize(
    ("days_before", "severity"), [(9, "warning"), (6, "warning"), (5, "warning"), (4.9, "critical"), (0.1, "critical")]
)
def test_a_missing_field_is_a_warning_once_due_and_critical_once_too_late(days_before, severity):
    detection = _detect(_tables(), days_before)

    assert list(detection.findings[c.SEVERITY]) == [severity]
    assert _verdict(detection)[c.OUTCOME] == "failed"
    assert _verdict(detection)[c.MARGIN] <= 0


def test_a_missing_field_that_is_not_yet_due_is_no_finding_and_says_when_it_is():
    detection = _detect(_tables(), 14.2)

    assert len(detection.findings) == 0
    assert _verdict(detection)[c.OUTCOME] == "passed"
    assert _verdict(detection)[c.REASON] == "Missing, but due in 5.2 days: synopsis."
    assert _verdict(detection)[c.MARGIN] == pytest.approx(5.2)


def test_the_sentence_has_its_numbers():
    finding = _detect(_tables(detail='placeholder "TBA"'), 6).findings.iloc[0]

    assert finding[c.WHY] == (
        'Missing: synopsis (found: placeholder "TBA"). It was due 3 days ago; launch is in 6 days.'
    )
    assert finding[c.REMEDY] == "Ask metadata desk for the synopsis; it usually takes 5 days."
    assert finding[c.LATEST_SAFE_FIX_AT] == pd.Timestamp(LAUNCH) - pd.Timedelta(days=5)
    assert finding[c.CLASS] == "setup"
    assert pd.isna(finding[c.WORTH])


def test_without_an_owner_somebody_must_fill_it():
    finding = _detect(_tables(requirement={c.OWNER: None, c.DAYS_TO_FIX: 1}), 3).findings.iloc[0]

    assert finding[c.REMEDY] == "Fill in the synopsis; it usually takes 1 day."


@pytest.mark.parametrize(
    ("most", "severity"), [("warning", "warning"), ("info", "info"), ("critical", "critical"), ("", "critical")]
)
def test_severity_is_capped_by_the_requirement(most, severity):
    detection = _detect(_tables(requirement={c.MAX_SEVERITY: most}), 1)

    assert list(detection.findings[c.SEVERITY]) == [severity]


def test_an_info_finding_goes_with_a_passed_verdict():
    verdict = _verdict(_detect(_tables(requirement={c.MAX_SEVERITY: "info"}), 1))

    assert verdict[c.OUTCOME] == "passed"
    assert verdict[c.REASON] == "Missing, but within its grace or only informative: synopsis."
    assert verdict[c.MARGIN] == 0


def test_too_late_comes_before_the_due_date_where_fixing_takes_longer():
    finding = _detect(_tables(requirement={c.DUE_DAYS: 2}), 4).findings.iloc[0]

    assert finding[c.SEVERITY] == "critical"
    assert "is due in 2 days" in finding[c.WHY]


def test_a_filled_field_passes():
    verdict = _verdict(_detect(_tables("passed", detail=""), 1))

    assert (verdict[c.OUTCOME], verdict[c.REASON]) == ("passed", "All 1 required fields are filled.")


@pytest.mark.parametrize("tables", [_tables("not_run", detail="RuntimeError: gone"), _tables(checks=[])])
def test_a_check_that_did_not_run_is_no_verdict(tables):
    detection = _detect(tables, 1)

    assert len(detection.findings) == 0
    assert _verdict(detection)[c.OUTCOME] == "not_run"
    assert _verdict(detection)[c.REASON].startswith("Not checked: synopsis")


def test_a_launch_without_a_time_is_not_judged():
    assert _verdict(_detect(_tables(cell={c.LAUNCH_AT: None}), 1))[c.OUTCOME] == "not_run"


def test_nothing_required_is_not_applicable():
    detection = _detect(_tables(requirement={c.MARKET: "FR"}), 1)

    assert _verdict(detection)[c.OUTCOME] == "not_applicable"
    assert len(detection.findings) == 0


def test_a_cancelled_launch_is_not_applicable():
    detection = _detect(_tables(cell={c.LAUNCH_STATUS: c.CANCELLED}), 1)

    assert _verdict(detection)[c.OUTCOME] == "not_applicable"
    assert len(detection.findings) == 0


def test_grace_puts_off_the_warning_but_never_the_latest_safe_time():
    assert len(_detect(_tables(), 8, grace_days=2).findings) == 0
    assert list(_detect(_tables(), 4, grace_days=10).findings[c.SEVERITY]) == ["critical"]


def test_an_ignored_field_is_not_judged():
    assert _verdict(_detect(_tables(), 1, ignore_fields=("synopsis",)))[c.OUTCOME] == "not_applicable"


def test_a_finding_keeps_its_key_when_time_passes():
    keys = {_detect(_tables(), days).findings[c.FINDING_KEY].iloc[0] for days in (8, 6, 1)}

    assert len(keys) == 1


def test_several_missing_fields_are_counted():
    second = {c.FIELD: "artwork", c.MARKET: "all", c.SURFACE: "all", c.DUE_DAYS: 3, c.DAYS_TO_FIX: 1, c.OWNER: "x",
              c.MAX_SEVERITY: "critical"}  # fmt: skip
    tables = _tables()
    tables[c.REQUIREMENTS] = pd.concat([tables[c.REQUIREMENTS], frame_of([second], NEEDS[c.REQUIREMENTS])])
    tables[c.CHECKS] = pd.concat([tables[c.CHECKS], tables[c.CHECKS].assign(**{c.FIELD: "artwork"})])

    assert _verdict(_detect(tables, 12))[c.REASON] == "Missing, but due in 3 days: synopsis and 1 more."
    assert _verdict(_detect(tables, 6))[c.REASON] == "1 of 2 required fields missing and due: synopsis."
