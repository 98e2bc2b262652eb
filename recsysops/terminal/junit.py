"""The pre-launch gate as JUnit XML: a suite per title, a case per cell and check. Shows only; decides nothing.

A case fails or is in error just where the gate fails: both say the same as the exit code.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from recsysops.domain.check_view import CellCheck, CheckedCell, CheckReport
from recsysops.domain.issue import Finding
from recsysops.domain.text import plain
from recsysops.domain.verdict import CheckOutcome, Status

_LIMIT: Final = 2_000
_NOWHEN: Final = "1970-01-01T00:00:00"


@dataclass(frozen=True, kw_only=True)
class _Case:
    """One check of one cell."""

    classname: str
    name: str
    kind: str = ""
    """`failure`, `error`, `skipped`, or empty for one that passed."""
    type: str = ""
    message: str = ""
    remark: str = ""
    """What a case that passed has to say all the same."""


def junit(report: CheckReport) -> str:
    """Return the report as JUnit XML; text from users' files is escaped, and control characters are written out."""
    suites = [
        (title_id, [case for cell in cells for case in _cases(cell, report)], next(iter(cells)).name)
        for title_id, cells in _by_title(report.cells)
    ]
    if report.as_of is None or not suites:
        suites.append(("recsysops", [_whole(report)], ""))
    when = f"{report.as_of:%Y-%m-%dT%H:%M:%S}" if report.as_of else _NOWHEN
    cases = [case for _, of_suite, _ in suites for case in of_suite]
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f'<testsuites name="recsysops check" {_counts(cases)}>']
    for number, (title_id, of_suite, name) in enumerate(suites):
        lines += _suite(number, title_id, name, of_suite, when)
    return "\n".join([*lines, "</testsuites>"]) + "\n"


def _by_title(cells: Sequence[CheckedCell]) -> Iterator[tuple[str, list[CheckedCell]]]:
    """Yield titles, worst first, each with its cells, worst first."""
    order = {title_id: at for at, title_id in reversed([*enumerate(cell.title_id for cell in cells)])}
    ordered = sorted(cells, key=lambda cell: order[cell.title_id])
    for title_id, same in groupby(ordered, key=lambda cell: cell.title_id):
        yield title_id, list(same)


def _suite(number: int, title_id: str, name: str, cases: Sequence[_Case], when: str) -> Iterator[str]:
    head = f"{title_id} {name}".strip()
    yield (
        f'  <testsuite id="{number}" name={_attribute(head)} package="recsysops" timestamp="{when}" '
        f'hostname="localhost" {_counts(cases)}>'
    )
    yield f'    <properties><property name="title_id" value={_attribute(title_id)}/></properties>'
    for case in cases:
        yield from _case(case)
    yield f"    <system-out>{_body(chr(10).join(case.remark for case in cases if case.remark))}</system-out>"
    yield "    <system-err></system-err>"
    yield "  </testsuite>"


def _case(case: _Case) -> Iterator[str]:
    head = f'    <testcase classname={_attribute(case.classname)} name={_attribute(case.name)} time="0"'
    if not case.kind:
        yield f"{head}/>"
    elif case.kind == "skipped":
        yield f"{head}><skipped message={_attribute(case.message)}/></testcase>"
    else:
        yield f"{head}>"
        said = f"message={_attribute(case.message.splitlines()[0])} type={_attribute(case.type)}"
        yield f"      <{case.kind} {said}>{_body(case.message)}</{case.kind}>"
        yield "    </testcase>"


def _counts(cases: Sequence[_Case]) -> str:
    kinds = {kind: sum(case.kind == kind for case in cases) for kind in ("failure", "error", "skipped")}
    bad = f'failures="{kinds["failure"]}" errors="{kinds["error"]}"'
    return f'tests="{len(cases)}" {bad} skipped="{kinds["skipped"]}" time="0"'


def _cases(checked: CheckedCell, report: CheckReport) -> Iterator[_Case]:
    place = f"{checked.title_id}.{checked.cell.market}.{checked.cell.surface}"
    is_unknown = checked.cell.status is Status.UNKNOWN and not report.allow_unknown
    told: set[str] = set()
    for check in checked.checks:
        findings = [
            finding for finding in checked.findings if (finding.detector, finding.rule) == (check.detector, check.rule)
        ]
        told |= {finding.finding_key for finding in findings}
        yield _judged(place, check, findings, report, is_unknown=is_unknown)
    for finding in checked.findings:
        if finding.finding_key not in told:  # of a detector whose check says nothing of it
            yield _found(place, f"{finding.detector}: {finding.rule}", [finding], report)
    has_error = any(check.outcome is CheckOutcome.NOT_RUN for check in checked.checks)
    if is_unknown and not has_error:
        why = checked.cell.why or "No check that ran applies to it: nobody knows whether it is ready."
        yield _Case(classname=place, name="is judged", kind="error", type="unknown", message=why)


def _judged(
    place: str, check: CellCheck, findings: Sequence[Finding], report: CheckReport, *, is_unknown: bool
) -> _Case:
    name = f"{check.detector}: {check.rule}"
    if findings:
        return _found(place, name, findings, report)
    if check.outcome is CheckOutcome.NOT_RUN:
        kind = "error" if is_unknown else "skipped"
        return _Case(classname=place, name=name, kind=kind, type="not_run", message=check.reason or "It did not run.")
    if check.outcome is CheckOutcome.NOT_APPLICABLE:
        return _Case(classname=place, name=name, kind="skipped", message=check.reason or "It does not apply.")
    return _Case(classname=place, name=name)


def _found(place: str, name: str, findings: Sequence[Finding], report: CheckReport) -> _Case:
    failing = [finding for finding in findings if finding.severity.is_at_least(report.fail_on)]
    if not failing:
        remark = "\n".join(f"{place} {name}: {finding.severity.value}: {_words(finding)}" for finding in findings)
        return _Case(classname=place, name=name, remark=remark)
    message = "\n".join(_words(finding) for finding in failing)
    return _Case(classname=place, name=name, kind="failure", type=failing[0].severity.value, message=message)


def _words(finding: Finding) -> str:
    return plain(f"{finding.why} {finding.remedy}", _LIMIT)


def _whole(report: CheckReport) -> _Case:
    """Return the case of a gate that had nothing to look at."""
    notice = " ".join(report.notices) or "Nothing was checked."
    kind = "error" if report.exit_code else "skipped"
    return _Case(classname="recsysops", name="upcoming launches are known", kind=kind, type="unknown", message=notice)


def _attribute(text: str) -> str:
    return quoteattr(plain(text, _LIMIT) or "-")


def _body(text: str) -> str:
    return escape("\n".join(plain(line, _LIMIT) for line in text.splitlines()))
