"""What each rule said of each cell that the gate looked at. Judges nothing itself."""

from collections import defaultdict
from dataclasses import replace

import pandas as pd

from recsysops.columns import CELL_KEY, DETECTOR, OUTCOME, REASON, RULE
from recsysops.domain.check_view import CellCheck, CheckReport
from recsysops.domain.verdict import CheckOutcome


def explained(report: CheckReport, verdicts: pd.DataFrame) -> CheckReport:
    """Add to every cell what each rule said of it.

    Args:
        report: The gate's answer.
        verdicts: VERDICT rows of the same judgement.
    """
    by_cell: dict[tuple[str, ...], list[CellCheck]] = defaultdict(list)
    columns = [*CELL_KEY, DETECTOR, RULE, OUTCOME, REASON]
    for *cell, detector, rule, outcome, reason in verdicts[columns].itertuples(index=False, name=None):
        said = CellCheck(detector=detector, rule=rule, outcome=CheckOutcome(outcome), reason=reason)
        by_cell[tuple(cell)].append(said)
    for said_of in by_cell.values():
        said_of.sort(key=lambda check: (check.detector, check.rule))
    cells = (
        replace(cell, checks=tuple(by_cell[cell.title_id, cell.cell.market, cell.cell.surface]))
        for cell in report.cells
    )
    return replace(report, cells=tuple(cells))
