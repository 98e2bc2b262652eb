import json
from datetime import UTC, datetime, timedelta

import pytest

from recsysops.contract.detector import Detection, Detector, Example, Params, Rule
from recsysops.domain.check_view import CheckedCell, CheckReport
from recsysops.domain.issue import Finding
from recsysops.domain.severity import FindingClass, Severity
from recsysops.domain.verdict import Status
from recsysops.domain.views import CellView
from recsysops.terminal.sarif import UNKNOWN, sarif

AT = datetime(2026, 3, 2, tzinfo=UTC)
LEVELS = {"none", "note", "warning", "error"}
HOSTILE = "a\x1b[31m\u202e\n<script>{0}\ud800"


class NoParams(Params):
    """None."""


def detect(tables, params, *, as_of):
    return Detection(tables["findings"], tables["verdicts"])


DETECTOR = Detector(
    name="missing_metadata",
    summary="Finds what is missing.",
    params=NoParams,
    detect=detect,
    needs=lambda params: {},
    rules=(Rule(name="required", title="Missing", finding_class=FindingClass.SETUP, meaning="It is missing."),),
    examples=(Example(name="silent", tables={}, flagged=frozenset(), as_of=AT),),
    source="Somebody.",
)


def finding(severity=Severity.CRITICAL, rule="required", why="The synopsis is missing."):
    return Finding(
        finding_key=f"key-{rule}-{severity}",
        detector="missing_metadata",
        rule=rule,
        title_id="t1",
        market="US",
        surface="home",
        field="synopsis",
        severity=severity,
        finding_class=FindingClass.SETUP,
        why=why,
        remedy="Send it.",
        score=1.0,
        evidence={},
        latest_safe_fix_at=AT - timedelta(days=1),
    )


def cell(*findings, status=Status.FAILING, title_id="t1", name="One", why=""):
    view = CellView(
        market="US", surface="home", launch_at=AT, previous_launch_at=None, launch_status="planned", status=status,
        severity=None, why=why, n_findings=len(findings), has_expectation=False,
    )  # fmt: skip
    return CheckedCell(title_id=title_id, name=name, cell=view, findings=findings)


def report(*cells, as_of=AT, allow_unknown=False, notices=()):
    return CheckReport(
        as_of=as_of, fail_on=Severity.CRITICAL, allow_unknown=allow_unknown, cells=cells, notices=notices
    )


def log(gate, detectors=(DETECTOR,), file=""):
    text = sarif(gate, detectors, file)
    made = json.loads(text)
    expect_valid(made)
    return made["runs"][0]


def expect_valid(made):
    """Assert what SARIF 2.1.0 requires of the parts that are written."""
    assert set(made) == {"$schema", "version", "runs"}
    assert made["version"] == "2.1.0"
    for run in made["runs"]:
        driver = run["tool"]["driver"]
        ids = [rule["id"] for rule in driver["rules"]]
        assert driver["name"]
        assert len(ids) == len(set(ids))
        for rule in driver["rules"]:
            assert rule["defaultConfiguration"]["level"] in LEVELS
            assert all(rule[part]["text"] for part in ("shortDescription", "fullDescription", "help"))
        for result in run["results"]:
            assert ids[result["ruleIndex"]] == result["ruleId"]
            assert result["message"]["text"]
            assert result["level"] in LEVELS
            assert result["kind"] == "fail"
            assert all(isinstance(value, str) for value in result.get("partialFingerprints", {}).values())
            assert all(
                each["fullyQualifiedName"] for place in result["locations"] for each in place["logicalLocations"]
            )
        for invocation in run["invocations"]:
            assert isinstance(invocation["executionSuccessful"], bool)
            assert all(
                note["message"]["text"] and note["level"] in LEVELS for note in invocation["toolExecutionNotifications"]
            )


@pytest.mark.parametrize(
    ("severity", "level"), [(Severity.CRITICAL, "error"), (Severity.WARNING, "warning"), (Severity.INFO, "note")]
)
def test_a_finding_is_a_result_with_level_words_and_fingerprint(severity, level):
    run = log(report(cell(finding(severity))))

    (result,) = run["results"]
    assert result["level"] == level
    assert result["message"]["text"] == "One [t1]: The synopsis is missing. Send it."
    assert result["fingerprints"] == {"findingKey/v1": f"key-required-{severity}"}
    assert result["locations"] == [
        {"logicalLocations": [{"name": "t1", "fullyQualifiedName": "t1 / US / home", "kind": "title"}]}
    ]
    assert result["properties"]["latest_safe_fix_at"] == "2026-03-01T00:00:00+00:00"


def test_rules_are_described_with_help_and_the_remedies_found():
    run = log(report(cell(finding())))

    rule = run["tool"]["driver"]["rules"][0]
    assert rule["id"] == "missing_metadata/required"
    assert rule["name"] == "MissingMetadataRequired"
    assert rule["help"]["text"] == "It is missing. Finds what is missing. What to do: Send it."


def test_a_rule_nobody_describes_is_named_all_the_same():
    run = log(report(cell(finding(rule="odd"))))

    assert "missing_metadata/odd" in [rule["id"] for rule in run["tool"]["driver"]["rules"]]


@pytest.mark.parametrize(
    ("file", "uri"),
    [("data/titles 1.csv", "data/titles%201.csv"), ("/srv/titles.csv", "file:///srv/titles.csv")],
)
def test_the_file_is_named_where_it_is_known(file, uri):
    run = log(report(cell(finding())), file=file)

    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": uri}, "region": {"startLine": 1}}


@pytest.mark.parametrize(("allow_unknown", "level"), [(False, "error"), (True, "note")])
def test_a_cell_that_could_not_be_judged_is_a_result_too(allow_unknown, level):
    run = log(report(cell(status=Status.UNKNOWN), allow_unknown=allow_unknown))

    (result,) = run["results"]
    assert (result["ruleId"], result["level"]) == (UNKNOWN, level)
    assert "could not be judged" in result["message"]["text"]


def test_the_exit_code_and_what_did_not_run_are_told():
    run = log(report(as_of=None, notices=("Detector x did not run: it broke.",)))

    (invocation,) = run["invocations"]
    assert invocation["exitCode"] == 1
    assert invocation["toolExecutionNotifications"][0]["message"]["text"] == "Detector x did not run: it broke."
    assert run["properties"]["as_of"] is None


def test_text_of_a_title_is_neither_a_placeholder_nor_a_link():
    run = log(report(cell(finding(why="{0} [x](https://example.com)"))))

    assert "{{0}} [x] (https://example.com)" in run["results"][0]["message"]["text"]


def test_hostile_text_is_made_harmless():
    text = sarif(report(cell(finding(why=HOSTILE), title_id=HOSTILE, name=HOSTILE), notices=(HOSTILE,)), [DETECTOR])

    expect_valid(json.loads(text))
    assert all(char.isprintable() or char == "\n" for char in text)
    text.encode()
