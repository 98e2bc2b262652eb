"""The pre-launch gate as SARIF 2.1.0: a result per finding, a rule per detector's rule. Shows only; decides nothing."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from recsysops import __version__
from recsysops.contract.detector import AnyDetector, Rule
from recsysops.domain.check_view import CheckedCell, CheckReport
from recsysops.domain.issue import Finding
from recsysops.domain.severity import Severity
from recsysops.domain.text import plain
from recsysops.domain.verdict import Status

SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
VERSION: Final = "2.1.0"
UNKNOWN: Final = "recsysops/unknown"
_LEVELS: Final = {Severity.CRITICAL: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
_LIMIT: Final = 4_000
_HOW_TO_READ: Final = "Read `recsysops explain TITLE`: it says which check did not run, and why."

Json = Mapping[str, Any]


def sarif(report: CheckReport, detectors: Sequence[AnyDetector], file: str = "") -> str:
    """Return the report as a SARIF log.

    Args:
        report: The gate's answer.
        detectors: The detectors that judged: their rules are described.
        file: The file the titles' metadata came from, absolute or relative to the folder the results are read in; empty
            where it is not known: then a result names its title only.
    """
    rules = _rules(report, detectors)
    places = {rule["id"]: at for at, rule in enumerate(rules)}
    uri = _uri(file)
    results = [_result(finding, cell, places, uri) for cell in report.cells for finding in cell.findings]
    results += [_unknown(cell, report, places, uri) for cell in report.cells if cell.cell.status is Status.UNKNOWN]
    driver = {"name": "RecSysOps", "version": __version__, "semanticVersion": __version__, "rules": rules}
    run = {
        "tool": {"driver": driver},
        "invocations": [_invocation(report)],
        "results": results,
        "columnKind": "unicodeCodePoints",
        "properties": {"as_of": report.as_of.isoformat() if report.as_of else None, "fail_on": report.fail_on.value},
    }
    return json.dumps({"$schema": SCHEMA, "version": VERSION, "runs": [run]}, indent=2, ensure_ascii=False) + "\n"


def _rules(report: CheckReport, detectors: Sequence[AnyDetector]) -> list[dict[str, Any]]:
    """Describe every rule, with the remedies of what it found; a rule nobody describes is named all the same."""
    remedies: dict[str, dict[str, None]] = {}
    for finding in (finding for cell in report.cells for finding in cell.findings):
        remedies.setdefault(_rule_id(finding), {})[finding.remedy] = None
    rules = {
        f"{detector.name}/{rule.name}": _rule(detector, rule, list(remedies.get(f"{detector.name}/{rule.name}", {})))
        for detector in detectors
        for rule in detector.rules
    }
    rules |= {rule_id: _described(rule_id, rule_id, "") for rule_id in sorted(remedies) if rule_id not in rules}
    rules[UNKNOWN] = _described(
        UNKNOWN, "A title could not be judged", f"A check did not run, or none applies. {_HOW_TO_READ}"
    )
    return list(rules.values())


def _rule(detector: AnyDetector, rule: Rule, remedies: Sequence[str]) -> dict[str, Any]:
    wanted = " ".join(remedies[:3]) or "Each result says what to do."
    words = f"{rule.meaning} {detector.summary} What to do: {wanted}"
    made = _described(f"{detector.name}/{rule.name}", rule.title, words)
    return made | {"properties": {"class": str(rule.finding_class), "tags": ["launch", detector.name]}}


def _described(rule_id: str, title: str, words: str) -> dict[str, Any]:
    name = "".join(part.capitalize() for part in rule_id.replace("/", "_").split("_"))
    return {
        "id": rule_id,
        "name": plain(name, 200),
        "shortDescription": {"text": plain(title, 200) or rule_id},
        "fullDescription": {"text": plain(words, 1_000) or rule_id},
        "help": {"text": plain(words, _LIMIT) or rule_id},
        "defaultConfiguration": {"level": "warning"},
    }


def _rule_id(finding: Finding) -> str:
    return f"{finding.detector}/{finding.rule}"


def _result(finding: Finding, cell: CheckedCell, places: Mapping[str, int], uri: str) -> Json:
    subject = finding.field or finding.measure
    return {
        "ruleId": _rule_id(finding),
        "ruleIndex": places[_rule_id(finding)],
        "kind": "fail",
        "level": _LEVELS[finding.severity],
        "message": _message(f"{cell.name} [{cell.title_id}]: {finding.why} {finding.remedy}"),
        "locations": [_location(cell, uri)],
        "fingerprints": {"findingKey/v1": finding.finding_key},
        "partialFingerprints": {"findingKey/v1": finding.finding_key},
        "properties": {
            "severity": finding.severity.value,
            "class": finding.finding_class.value,
            "subject": plain(subject, 200),
            "market": plain(finding.market, 200),
            "surface": plain(finding.surface, 200),
            "latest_safe_fix_at": finding.latest_safe_fix_at.isoformat() if finding.latest_safe_fix_at else None,
        },
    }


def _unknown(cell: CheckedCell, report: CheckReport, places: Mapping[str, int], uri: str) -> Json:
    why = cell.cell.why or "no check that ran applies to it."
    return {
        "ruleId": UNKNOWN,
        "ruleIndex": places[UNKNOWN],
        "kind": "fail",
        "level": "note" if report.allow_unknown else "error",
        "message": _message(f"{cell.name} [{cell.title_id}] could not be judged: {why}"),
        "locations": [_location(cell, uri)],
    }


def _message(words: str) -> Json:
    """Return a message; in SARIF braces are placeholders and `[text](target)` is a link: neither is left as it is."""
    text = plain(words, _LIMIT).replace("](", "] (")
    return {"text": text.replace("{", "{{").replace("}", "}}") or "-"}


def _uri(file: str) -> str:
    return Path(file).as_uri() if Path(file).is_absolute() else quote(file)


def _location(cell: CheckedCell, uri: str) -> Json:
    """Return where a finding is: in the title, and in the file its metadata came from where that is known."""
    parts = (cell.title_id, cell.cell.market, cell.cell.surface)
    name = " / ".join(plain(part, 200) for part in parts)
    location: dict[str, Any] = {
        "logicalLocations": [{"name": plain(cell.title_id, 200), "fullyQualifiedName": name, "kind": "title"}]
    }
    if uri:
        location["physicalLocation"] = {"artifactLocation": {"uri": uri}, "region": {"startLine": 1}}
    return location


def _invocation(report: CheckReport) -> Json:
    notes = [{"level": "warning", "message": _message(notice)} for notice in report.notices]
    return {"executionSuccessful": True, "exitCode": report.exit_code, "toolExecutionNotifications": notes}
