import itertools
import re
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsysops.domain.check_view import CellCheck, CheckedCell, CheckReport
from recsysops.domain.issue import Finding
from recsysops.domain.severity import FindingClass, Severity
from recsysops.domain.verdict import CheckOutcome, Status, status_of
from recsysops.domain.views import CellView
from recsysops.terminal.junit import junit

AT = datetime(2026, 3, 2, tzinfo=UTC)
HOSTILE = 'a"b<c>&\x1b[31m\x00\ud800\ufffe]]>\n\u202e'

# What the XML schemas in use (Jenkins' and the Ant task's) allow: attributes needed and allowed, children in order.
SHAPES = {
    "testsuites": ({"name", "tests", "failures", "errors"}, {"skipped", "time"}, ["testsuite"]),
    "testsuite": (
        {"id", "name", "package", "timestamp", "hostname", "tests", "failures", "errors", "time"}, {"skipped"},
        ["properties", "testcase", "system-out", "system-err"],
    ),
    "properties": (set(), set(), ["property"]),
    "property": ({"name", "value"}, set(), []),
    "testcase": ({"name", "classname", "time"}, set(), ["skipped", "failure", "error"]),
    "skipped": (set(), {"message"}, []),
    "failure": ({"message", "type"}, set(), []),
    "error": ({"message", "type"}, set(), []),
    "system-out": (set(), set(), []),
    "system-err": (set(), set(), []),
}  # fmt: skip


def finding(
    severity=Severity.CRITICAL,
    rule="required",
    why="The synopsis is missing.",
    title_id="t1",
    detector="missing_metadata",
):
    return Finding(
        finding_key=f"{detector}{rule}{title_id}{severity}",
        detector=detector,
        rule=rule,
        title_id=title_id,
        market="US",
        surface="home",
        severity=severity,
        finding_class=FindingClass.SETUP,
        why=why,
        remedy="Send it.",
        score=1.0,
        evidence={},
    )


def said(outcome, rule="required", reason="because", detector="missing_metadata"):
    return CellCheck(detector=detector, rule=rule, outcome=outcome, reason=reason)


def cell(checks=(), findings=(), title_id="t1", name="One", market="US"):
    status = status_of([check.outcome for check in checks], [each.severity for each in findings])
    view = CellView(
        market=market, surface="home", launch_at=AT, previous_launch_at=None, launch_status="planned", status=status,
        severity=None, why=findings[0].why if findings else "", n_findings=len(findings), has_expectation=False,
    )  # fmt: skip
    return CheckedCell(title_id=title_id, name=name, cell=view, findings=tuple(findings), checks=tuple(checks))


def report(*cells, fail_on=Severity.CRITICAL, allow_unknown=False, as_of=AT, notices=()):
    return CheckReport(as_of=as_of, fail_on=fail_on, allow_unknown=allow_unknown, cells=cells, notices=notices)


def parsed(text):
    root = ET.fromstring(text.encode())
    expect_valid(root)
    return root


def expect_valid(element):
    needed, allowed, children = SHAPES[element.tag]
    assert needed <= set(element.attrib) <= needed | allowed
    assert [child.tag for child in element] == sorted((child.tag for child in element), key=children.index)
    for name in ("tests", "failures", "errors", "skipped"):
        if name in element.attrib:
            kind = {"tests": "testcase", "failures": "failure", "errors": "error"}.get(name, name)
            assert int(element.get(name)) == len(list(element.iter(kind)))
    if "timestamp" in element.attrib:
        assert re.fullmatch(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}", element.get("timestamp"))
    for child in element:
        expect_valid(child)


def kinds(root):
    return {case.get("name"): next((child.tag for child in case), "passed") for case in root.iter("testcase")}


def test_each_cell_and_check_is_a_case():
    outcomes = (CheckOutcome.PASSED, CheckOutcome.NOT_APPLICABLE)
    cells = [cell([said(each, rule=str(each)) for each in outcomes], market=market) for market in ("US", "DE")]

    root = parsed(junit(report(*cells)))

    assert [suite.get("name") for suite in root] == ["t1 One"]
    assert [case.get("classname") for case in root.iter("testcase")] == ["t1.US.home"] * 2 + ["t1.DE.home"] * 2
    assert kinds(root) == {"missing_metadata: passed": "passed", "missing_metadata: not_applicable": "skipped"}


def test_a_finding_fails_its_case_and_says_what_to_do():
    root = parsed(junit(report(cell([said(CheckOutcome.FAILED)], [finding()]))))

    (failure,) = root.iter("failure")
    assert failure.get("type") == "critical"
    assert failure.text == "The synopsis is missing. Send it."


def test_a_finding_milder_than_what_fails_the_gate_passes_and_is_told():
    mild = cell([said(CheckOutcome.FAILED)], [finding(Severity.WARNING)])

    root = parsed(junit(report(mild)))
    strict = parsed(junit(report(mild, fail_on=Severity.WARNING)))

    assert kinds(root) == {"missing_metadata: required": "passed"}
    assert "warning: The synopsis is missing." in root.find("testsuite/system-out").text
    assert kinds(strict) == {"missing_metadata: required": "failure"}


@pytest.mark.parametrize(("allow_unknown", "kind"), [(False, "error"), (True, "skipped")])
def test_what_did_not_run_is_an_error_unless_unknown_is_allowed(allow_unknown, kind):
    unknown = cell([said(CheckOutcome.NOT_RUN, reason="No prediction.")])

    root = parsed(junit(report(unknown, allow_unknown=allow_unknown)))

    assert kinds(root) == {"missing_metadata: required": kind}
    assert "No prediction." in ET.tostring(root, encoding="unicode")


def test_what_did_not_run_beside_a_warning_does_not_fail_a_gate_that_passes():
    checks = [said(CheckOutcome.NOT_RUN, rule="gap"), said(CheckOutcome.FAILED)]

    root = parsed(junit(report(cell(checks, [finding(Severity.WARNING)]))))

    assert kinds(root) == {"missing_metadata: gap": "skipped", "missing_metadata: required": "passed"}


def test_a_cell_to_which_nothing_applies_is_an_error():
    root = parsed(junit(report(cell([said(CheckOutcome.NOT_APPLICABLE)]))))

    assert kinds(root)["is judged"] == "error"


def test_a_store_that_knows_no_launch_is_an_error_and_an_empty_window_is_not():
    unknown = parsed(junit(report(as_of=None, notices=("No upcoming launch is known: nothing was checked.",))))
    quiet = parsed(junit(report(notices=("Nothing launches in this window.",))))

    assert kinds(unknown) == {"upcoming launches are known": "error"}
    assert kinds(quiet) == {"upcoming launches are known": "skipped"}


def test_a_finding_no_check_speaks_of_is_a_case_of_its_own():
    root = parsed(junit(report(cell([], [finding(rule="other")]))))

    assert kinds(root) == {"missing_metadata: other": "failure"}


def test_titles_come_worst_first_and_their_cells_together():
    cells = [
        cell([said(CheckOutcome.FAILED)], [finding(title_id=title_id)], title_id=title_id, market=market)
        for title_id, market in (("b", "US"), ("a", "US"), ("b", "DE"))
    ]

    root = parsed(junit(report(*cells)))

    assert [suite.get("name") for suite in root] == ["b One", "a One"]
    assert [suite.get("id") for suite in root] == ["0", "1"]


def test_hostile_text_is_escaped_and_controls_are_written_out():
    bad = cell(
        [said(CheckOutcome.NOT_RUN, rule=HOSTILE, reason=HOSTILE), said(CheckOutcome.FAILED)],
        [finding(why=HOSTILE), finding(Severity.INFO, why=HOSTILE)],
        title_id=HOSTILE, name=HOSTILE, market=HOSTILE,
    )  # fmt: skip

    text = junit(report(bad, notices=(HOSTILE,)))

    parsed(text)
    assert all(char.isprintable() or char == "\n" for char in text)
    assert r"\x1b" in text


OUTCOMES = st.lists(st.sampled_from(CheckOutcome), max_size=3)
SEVERITIES = st.lists(st.sampled_from(Severity), max_size=2)


@given(
    st.lists(st.tuples(OUTCOMES, SEVERITIES), max_size=3),
    st.sampled_from(Severity),
    st.booleans(),
    st.text(max_size=20),
)
def test_something_fails_just_where_the_exit_code_does(cells, fail_on, allow_unknown, name):
    numbers = itertools.count()
    made = [
        cell(
            [said(outcome, rule=f"r{next(numbers)}") for outcome in outcomes],
            [finding(severity, rule=f"f{next(numbers)}") for severity in severities],
            title_id=f"t{k}", name=name,
        )
        for k, (outcomes, severities) in enumerate(cells)
    ]  # fmt: skip
    gate = report(*made, fail_on=fail_on, allow_unknown=allow_unknown)

    root = parsed(junit(gate))

    assert (int(root.get("failures")) + int(root.get("errors")) > 0) == (gate.exit_code == 1)
    assert all(entry.cell.status in Status for entry in made)
