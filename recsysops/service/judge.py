"""Judges every upcoming cell: table checks, then detectors, then one status per cell. Writes nothing.

Shared by `detect`, which stores and follows what is found, and `check`, which only tells.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from recsysops.columns import (
    AS_OF,
    CELL_KEY,
    CELLS,
    CHALLENGER,
    CHECKS,
    DETECTOR,
    EARLIER,
    EXPECTATIONS,
    FEEDS,
    OUTCOME,
    PREDICTION,
    PREDICTIONS,
    PREDICTOR,
    REQUIREMENTS,
    RULE,
    SUITE,
    TITLES,
)
from recsysops.contract.detector import Detection
from recsysops.domain.run import StepReport
from recsysops.domain.verdict import CheckOutcome, StepOutcome
from recsysops.errors import MissingColumnError
from recsysops.service.answers import expect_whole
from recsysops.service.board import board_cells
from recsysops.service.cells import cell_metadata, upcoming_cells
from recsysops.service.context import Context, DetectorInUse
from recsysops.service.expectations import expectations_known
from recsysops.service.feeds import feed_states
from recsysops.service.frames import ANY_RULE, empty_findings, findings_in_order, verdicts_not_run
from recsysops.service.ports import UnitOfWork
from recsysops.service.rules import earlier_identities, with_rules


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What was judged, frame by frame; see the columns of the same names."""

    as_of: datetime
    cells: pd.DataFrame
    """BOARD_CELL."""
    expectations: pd.DataFrame
    checks: pd.DataFrame
    verdicts: pd.DataFrame
    findings: pd.DataFrame
    steps: tuple[StepReport, ...]
    """Every suite and detector: ran, failed or skipped."""


def judge(context: Context, unit: UnitOfWork, as_of: datetime) -> Judgement:
    """Judge the cells that launch within `model.upcoming_days` of `as_of`, on what was known then."""
    cells = upcoming_cells(unit, as_of, context.settings.model.upcoming_days)
    tables, suites = _tables(context, unit, cells, as_of)
    return judge_tables(context, tables, suites, as_of)


def judge_tables(
    context: Context, tables: Mapping[str, pd.DataFrame], suites: tuple[StepReport, ...], as_of: datetime
) -> Judgement:
    """Judge the cells of tables that are at hand, wherever they came from; `suites` tells what became of the checks."""
    cells = tables[CELLS]
    tables, of_rules = with_rules(context, tables, as_of)
    detections, reports = [], []
    in_use = [used for used in context.detectors if used.detector.scope == "cell" or FEEDS in tables]
    for used in in_use:
        detection, report = _detect(used, tables, as_of)
        detections.append(detection)
        reports.append(report)
    for name, reason in context.refused_detectors.items():
        detections.append(Detection(empty_findings(), verdicts_not_run(cells, name, (ANY_RULE,), reason)))
        reports.append(StepReport(kind="detector", name=name, outcome=StepOutcome.FAILED, reason=reason))
    verdicts = pd.concat([d.verdicts for d in detections], ignore_index=True) if detections else verdicts_not_run(cells)
    found = [d.findings for d in detections if len(d.findings)]
    findings = findings_in_order(pd.concat(found, ignore_index=True)) if found else empty_findings()
    return Judgement(
        as_of=as_of,
        cells=board_cells(cells, _of_cells(verdicts, in_use), findings, tables[EXPECTATIONS]),
        expectations=tables[EXPECTATIONS],
        checks=tables[CHECKS],
        verdicts=_in_order(verdicts),
        findings=findings,
        steps=(*suites, *of_rules, *reports),
    )


def _in_order(verdicts: pd.DataFrame) -> pd.DataFrame:
    """Return verdicts by cell, detector and rule; numbers are sorted, as there may be millions of rows of text."""
    by = [pd.factorize(verdicts[column], sort=True)[0] for column in (*CELL_KEY, DETECTOR, RULE)]
    return verdicts.take(np.lexsort(by[::-1])).reset_index(drop=True)


def _of_cells(verdicts: pd.DataFrame, in_use: Sequence[DetectorInUse]) -> pd.DataFrame:
    """Return the verdicts a cell's status follows from: that the service is sound makes no cell ok."""
    of_service = [used.detector.name for used in in_use if used.detector.scope == "service"]
    passed = verdicts[OUTCOME] == CheckOutcome.PASSED.value
    return verdicts[~(passed & verdicts[DETECTOR].isin(of_service))]


def _tables(
    context: Context, unit: UnitOfWork, cells: pd.DataFrame, as_of: datetime
) -> tuple[dict[str, pd.DataFrame], tuple[StepReport, ...]]:
    titles = cell_metadata(cells, unit.versions.known(TITLES, as_of))
    predictions = _recent_predictions(context, unit, cells, as_of)
    checks, failed = context.checks.check(titles, context.requirements)
    tables = {
        CELLS: cells,
        TITLES: titles,
        PREDICTIONS: predictions,
        EXPECTATIONS: expectations_known(unit, cells, predictions, as_of),
        CHECKS: checks,
        REQUIREMENTS: context.requirements,
        EARLIER: earlier_identities(unit, cells, as_of),
        FEEDS: feed_states(unit, context.settings, as_of),
    }
    return tables, suite_reports(checks, failed)


def _recent_predictions(context: Context, unit: UnitOfWork, cells: pd.DataFrame, as_of: datetime) -> pd.DataFrame:
    """Return the latest predictions, none when they are older than the settings allow: an old number is no check."""
    predictions = unit.results.load(PREDICTIONS, as_of)
    oldest = as_of - timedelta(hours=context.settings.model.max_prediction_age_hours)
    # What a challenger says is no detector's business: it is never served.
    predictions = predictions[(predictions[AS_OF] >= oldest) & (predictions[PREDICTOR] != CHALLENGER)]
    return predictions.merge(cells[list(CELL_KEY)], on=list(CELL_KEY))[list(PREDICTION)]


def suite_reports(checks: pd.DataFrame, failed: Mapping[str, str]) -> tuple[StepReport, ...]:
    """Tell what became of every suite of table checks."""
    counts = {str(name): int(n) for name, n in checks[SUITE].value_counts().items()}
    return tuple(
        StepReport(
            kind="suite",
            name=name,
            outcome=StepOutcome.FAILED if name in failed else StepOutcome.RAN,
            reason=failed.get(name, ""),
            n=counts.get(name, 0),
        )
        for name in sorted({*counts, *failed})
    )


def _detect(used: DetectorInUse, tables: Mapping[str, pd.DataFrame], as_of: datetime) -> tuple[Detection, StepReport]:
    """Run one detector on copies of what it needs; what it raises makes its checks not_run, and stops no other."""
    detector = used.detector
    cells = tables[CELLS]
    if cells.empty and detector.scope == "cell":
        nothing = Detection(empty_findings(), verdicts_not_run(cells))
        skipped = StepOutcome.SKIPPED
        return nothing, StepReport(kind="detector", name=detector.name, outcome=skipped, reason="Nothing is upcoming.")
    try:
        detection = detector.detect(_needed(used, tables), used.params, as_of=as_of)
        expect_whole(detector, detection, cells)
    except Exception as error:  # noqa: BLE001 - a stranger's detector may raise anything, and must not stop the others
        reason = f"{type(error).__name__}: {error}"
        rules = tuple(rule.name for rule in detector.rules)
        silent = Detection(empty_findings(), verdicts_not_run(cells, detector.name, rules, reason))
        return silent, StepReport(kind="detector", name=detector.name, outcome=StepOutcome.FAILED, reason=reason)
    n_judged = int((detection.verdicts[OUTCOME] != CheckOutcome.NOT_RUN.value).sum())
    return detection, StepReport(kind="detector", name=detector.name, outcome=StepOutcome.RAN, n=n_judged)


def _needed(used: DetectorInUse, tables: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    needed = {CELLS: tables[CELLS].copy(deep=False)}  # pandas copies what is written to, when it is written to
    for table, columns in used.detector.needs(used.params).items():
        if table not in tables:
            raise MissingColumnError(f'Detector "{used.detector.name}" needs a table "{table}", which does not exist.')
        frame = tables[table]
        for column in columns:
            if column not in frame.columns:
                hint = f'Map it under [sources.{table}.columns] or disable detector "{used.detector.name}".'
                raise MissingColumnError.of(table, column, list(frame.columns), hint)
        needed[table] = frame[list(columns)] if columns else frame.copy(deep=False)
    return needed
