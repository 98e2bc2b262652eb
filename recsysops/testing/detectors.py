"""What every detector must hold, whoever wrote it: run each of `DETECTOR_CHECKS` on yours.

    @pytest.mark.parametrize("check", DETECTOR_CHECKS)
    def test_my_detector_keeps_the_contract(check):
        check(my_package.DETECTOR)

A check returns nothing, or raises AssertionError with what was found and what was expected.
"""

import copy
from collections.abc import Callable
from importlib import metadata
from typing import Final

from pydantic import ValidationError

from recsysops import columns as c
from recsysops.contract.detector import AnyDetector, Detection
from recsysops.domain.severity import FindingClass, Severity
from recsysops.domain.verdict import CheckOutcome
from recsysops.plugins import DETECTORS
from recsysops.testing import _detector_cases as on

Check = Callable[[AnyDetector], None]


def check_worked_examples_flag_the_promised_titles(detector: AnyDetector) -> None:
    """Each example flags the titles it promises and no other; there is one that flags and one that is silent."""
    for example, tables in on.cases(detector):
        found = on.flagged(on.run(detector, example, tables))
        on.require(found == example.flagged, detector, example, f"flags {sorted(found)}, not {sorted(example.flagged)}")
    kinds = {bool(example.flagged) for example in detector.examples}
    if kinds != {True, False}:
        on.fail(detector, "needs an example that flags something and one that stays silent")


def check_input_is_not_changed(detector: AnyDetector) -> None:
    """The tables are the same after as before."""
    for example, tables in on.cases(detector):
        before = copy.deepcopy(tables)
        on.run(detector, example, tables)
        for name, frame in before.items():
            on.require(frame.equals(tables[name]), detector, example, f'changes its input "{name}"')


def check_row_order_does_not_matter(detector: AnyDetector) -> None:
    """Findings are the same whatever the order of the rows, and verdicts follow the order of the cells."""
    for example, tables in on.cases(detector):
        turned = {name: frame.iloc[::-1].reset_index(drop=True) for name, frame in tables.items()}
        on.same(detector, example, on.run(detector, example, tables), on.run(detector, example, turned), "row order")


def check_index_does_not_matter(detector: AnyDetector) -> None:
    """The labels of the rows are not looked at, even if they repeat."""
    for example, tables in on.cases(detector):
        labelled = {name: frame.set_axis([7] * len(frame), axis=0) for name, frame in tables.items()}
        on.same(detector, example, on.run(detector, example, tables), on.run(detector, example, labelled), "the index")


def check_declared_columns_are_enough(detector: AnyDetector) -> None:
    """It runs on the tables and columns it names under `needs`, in any column order, and ignores others."""
    for example, tables in on.cases(detector):
        more = {name: frame.iloc[:, ::-1].assign(undeclared="x") for name, frame in tables.items()}
        on.same(
            detector,
            example,
            on.run(detector, example, tables),
            on.run(detector, example, more),
            "an undeclared column",
        )


def check_no_titles_no_findings(detector: AnyDetector) -> None:
    """Without cells there is no finding and no verdict, in the declared columns and types."""
    for example, tables in on.cases(detector):
        none = {name: frame.iloc[:0] for name, frame in tables.items()}
        detection = on.run(detector, example, none)
        on.require(not len(detection.findings), detector, example, "finds something without titles")
        said = on.without_service(detector, detection.verdicts)
        on.require(not len(said), detector, example, "judges something without titles")
        on.check_types(detector, example, detection)


def check_missing_and_infinite_values_do_not_flag(detector: AnyDetector) -> None:
    """Damaged values neither crash it nor flag a title that was not flagged (unless `flags_missing`)."""
    for example, tables in on.cases(detector):
        sound = on.flagged(on.run(detector, example, tables))
        for what, damaged in on.damaged(tables):
            found = on.flagged(on.run(detector, example, damaged))
            is_fine = detector.flags_missing or found <= sound
            on.require(is_fine, detector, example, f"flags {sorted(found - sound)} because of {what}")


def check_same_input_same_output(detector: AnyDetector) -> None:
    """Twice the same tables, twice the same answer."""
    for example, tables in on.cases(detector):
        on.same(detector, example, on.run(detector, example, tables), on.run(detector, example, tables), "a second run")


def check_a_stricter_setting_never_adds_findings(detector: AnyDetector) -> None:
    """What `stricter` declares holds: the stricter value finds a part of what the looser one finds."""
    for name, values in detector.stricter.items():
        for example, tables in on.cases(detector):
            loose, strict = (
                set(on.run(detector, on.with_params(example, {name: value}), tables).findings[c.FINDING_KEY])
                for value in values
            )
            on.require(strict <= loose, detector, example, f'finds more with "{name}" {values[1]!r} than {values[0]!r}')


def check_each_title_is_judged_alone(detector: AnyDetector) -> None:
    """A title's findings and verdicts do not depend on other titles (unless `judges_jointly`)."""
    for example, tables in on.cases(detector):
        together = on.run(detector, example, tables)
        for title_id in () if detector.judges_jointly else tables[c.CELLS][c.TITLE_ID].unique():
            own = {name: on.of_title(frame, title_id, detector) for name, frame in tables.items()}
            alone = on.run(detector, example, own)
            expected = Detection(*(on.of_title(part, title_id, detector) for part in on.parts(together)))
            on.same(detector, example, expected, alone, f'titles beside "{title_id}"')


def check_findings_are_complete(detector: AnyDetector) -> None:
    """Columns and types, known severity, class and rule, finite score, words, and evidence that survives JSON."""
    for example, tables in on.cases(detector):
        detection = on.run(detector, example, tables)
        on.check_types(detector, example, detection)
        for row in detection.findings.to_dict("records"):
            problem = on.incomplete(detector, row)
            on.require(not problem, detector, example, f"has a finding {problem}")


def check_findings_lie_within_its_scope(detector: AnyDetector) -> None:
    """Findings are about cells it was given; of a service scope, about the service, with a field that says what of it.

    And of a service scope no cell fails: it is sound, or nothing can be said.
    """
    for example, tables in on.cases(detector):
        detection = on.run(detector, example, tables)
        places = {on.SERVICE} if detector.scope == "service" else set(on.cells_of(tables[c.CELLS]))
        on.require(set(on.cells_of(detection.findings)) <= places, detector, example, "finds fault out of its scope")
        if detector.scope == "service":
            cells = on.without_service(detector, detection.verdicts)
            on.require(bool((detection.findings[c.FIELD] != "").all()), detector, example, "does not say what is wrong")
            on.require(CheckOutcome.FAILED not in set(cells[c.OUTCOME]), detector, example, "fails a cell")


def check_findings_are_worst_first(detector: AnyDetector) -> None:
    """Findings come by severity, then by score."""
    for example, tables in on.cases(detector):
        findings = on.run(detector, example, tables).findings
        order = [(Severity(row[c.SEVERITY]).rank, -row[c.SCORE]) for row in findings.to_dict("records")]
        on.require(order == sorted(order), detector, example, "does not put the worst finding first")


def check_evidence_holds_the_quoted_numbers(detector: AnyDetector) -> None:
    """Every number of `why` is in the evidence, as it is, as a percentage, or rounded as shown."""
    for example, tables in on.cases(detector):
        for row in on.run(detector, example, tables).findings.to_dict("records"):
            unexplained = on.unexplained_numbers(row[c.WHY], row[c.EVIDENCE])
            on.require(not unexplained, detector, example, f"quotes {unexplained}, which its evidence does not hold")


def check_one_verdict_per_cell_and_rule(detector: AnyDetector) -> None:
    """There is exactly one verdict for every cell and rule, with a known outcome and a reason, in the cells' order."""
    rules = {rule.name for rule in detector.rules}
    for example, tables in on.cases(detector):
        verdicts, cells = on.run(detector, example, tables).verdicts, tables[c.CELLS]
        places = on.places(detector, cells)
        wanted = [(*place, rule) for place in places for rule in rules]
        found = [*zip(*(verdicts[column] for column in (*c.CELL_KEY, c.RULE)), strict=True)]
        on.require(sorted(found) == sorted(wanted), detector, example, "does not give one verdict per cell and rule")
        on.require(
            [*dict.fromkeys(on.cells_of(verdicts))] == places,
            detector,
            example,
            "does not follow the cells",
        )
        on.require(set(verdicts[c.OUTCOME]) <= set(CheckOutcome), detector, example, "has an unknown outcome")
        on.require(bool((verdicts[c.REASON] != "").all()), detector, example, "has a verdict without a reason")


def check_a_failed_verdict_means_a_finding_of_weight(detector: AnyDetector) -> None:
    """A verdict is failed if and only if there is a finding of warning or critical for its cell and rule."""
    key = [*c.CELL_KEY, c.RULE]
    for example, tables in on.cases(detector):
        detection = on.run(detector, example, tables)
        weighty = detection.findings[detection.findings[c.SEVERITY] != Severity.INFO]
        failed = detection.verdicts[detection.verdicts[c.OUTCOME] == CheckOutcome.FAILED]
        said, found = (set(zip(*(part[column] for column in key), strict=True)) for part in (failed, weighty))
        on.require(said == found, detector, example, f"has verdicts and findings that disagree: {sorted(said ^ found)}")


def check_parameters_survive_json(detector: AnyDetector) -> None:
    """Parameters have defaults, each a description, and are the same after a round trip through JSON."""
    params = detector.params()
    try:
        is_kept = detector.params.model_validate_json(params.model_dump_json()) == params
    except ValidationError:
        is_kept = False
    if not is_kept:
        on.fail(detector, "has parameters that JSON changes")
    for name, field in detector.params.model_fields.items():
        if not field.description:
            on.fail(detector, f'does not say what its parameter "{name}" means')
    for name in detector.stricter:
        if name not in detector.params.model_fields:
            on.fail(detector, f'declares "{name}" stricter, which is no parameter')


def check_the_name_is_its_entry_point(detector: AnyDetector) -> None:
    """It is registered under its name in the group `recsysops.detectors`."""
    for point in metadata.entry_points(group=DETECTORS, name=detector.name):
        if point.load() is detector:
            return
    on.fail(detector, f"is not registered under its name in the entry-point group {DETECTORS}")


def check_it_is_described(detector: AnyDetector) -> None:
    """Summary, source, rules and their meanings are there; the class of each rule is known."""
    if not detector.summary or not detector.source or not detector.rules:
        on.fail(detector, "lacks a summary, a source or rules")
    for rule in detector.rules:
        if not rule.title or not rule.meaning or rule.finding_class not in set(FindingClass):
            on.fail(detector, f'does not describe its rule "{rule.name}"')


DETECTOR_CHECKS: Final[tuple[Check, ...]] = tuple(
    check for name, check in list(globals().items()) if name.startswith("check_")
)
"""All of them."""
