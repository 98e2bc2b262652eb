"""One answer per cell: status, cause, remedy and worth, from its verdicts and findings."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from recsysops.columns import (
    BOARD_CELL,
    CELL_KEY,
    CLASS,
    HAS_EXPECTATION,
    LATEST_SAFE_FIX_AT,
    N_FINDINGS,
    OUTCOME,
    REASON,
    REMEDY,
    SEVERITY,
    STATUS,
    WHY,
    WORTH,
    WORTH_HIGH,
    WORTH_LOW,
    WORTH_UNIT,
)
from recsysops.domain.severity import Severity
from recsysops.domain.verdict import CheckOutcome, Status, status_of

_FROM_WORST = (SEVERITY, CLASS, WHY, REMEDY)
_FROM_WORTH = (WORTH, WORTH_LOW, WORTH_HIGH, WORTH_UNIT)


def board_cells(
    cells: pd.DataFrame, verdicts: pd.DataFrame, findings: pd.DataFrame, expectations: pd.DataFrame
) -> pd.DataFrame:
    """Join each cell with what was said of it.

    Args:
        cells: CELL.
        verdicts: VERDICT.
        findings: FINDING, worst first; info findings are counted and explain nothing.
        expectations: EXPECTATION.

    Returns:
        Columns BOARD_CELL, in the order of `cells`. `why` and `remedy` are those of the worst finding, or why the cell
        is unknown; worth is that of the finding worth most; latest_safe_fix_at the earliest.
    """
    key = list(CELL_KEY)
    blocking = findings[findings[SEVERITY] != Severity.INFO.value]
    worst = blocking.drop_duplicates(key)[[*key, *_FROM_WORST]]
    priced = blocking.sort_values(WORTH, ascending=False, kind="stable").dropna(subset=[WORTH])
    priced = priced.drop_duplicates(key)[[*key, *_FROM_WORTH]]
    by_cell = blocking.groupby(key)
    totals = by_cell.agg(**{LATEST_SAFE_FIX_AT: (LATEST_SAFE_FIX_AT, "min"), N_FINDINGS: (WHY, "size")}).reset_index()
    board = cells.merge(worst, on=key, how="left").merge(priced, on=key, how="left").merge(totals, on=key, how="left")
    board[N_FINDINGS] = board[N_FINDINGS].fillna(0).astype("int64")
    planned = expectations[key].drop_duplicates().assign(**{HAS_EXPECTATION: True})
    board = board.merge(planned, on=key, how="left")
    board[HAS_EXPECTATION] = board[HAS_EXPECTATION].notna()
    board = board.merge(_statuses(cells, verdicts, findings), on=key, how="left")
    board[WHY] = board[WHY].where(board[WHY].notna(), board[REASON])
    return board[list(BOARD_CELL)]


def _statuses(cells: pd.DataFrame, verdicts: pd.DataFrame, findings: pd.DataFrame) -> pd.DataFrame:
    """Return status and the reason where no finding gives one, per cell; cells that heard the same are judged once."""
    key = list(CELL_KEY)
    severities = findings.groupby(key)[SEVERITY].agg(list).to_dict()
    of_cell = pd.concat([cells[key], verdicts[key]], ignore_index=True).groupby(key, sort=False).ngroup().to_numpy()
    heard, answers = verdicts.groupby([OUTCOME, REASON], sort=False, dropna=False).ngroup().to_numpy(), {}
    first = verdicts[[OUTCOME, REASON]].drop_duplicates().itertuples(index=False, name=None)
    said = list(first)
    order = np.argsort(of_cell[len(cells) :], kind="stable")
    groups, starts = np.unique(of_cell[len(cells) :][order], return_index=True)
    parts = dict(zip(groups.tolist(), np.split(heard[order], starts[1:]), strict=True)) if len(groups) else {}
    rows = []
    keys = zip(*(cells[column].to_numpy(dtype=object) for column in key), strict=True)
    for number, cell in zip(of_cell[: len(cells)].tolist(), keys, strict=True):
        part, worst = parts.get(number, heard[:0]), tuple(severities.get(cell, ()))
        known = part.tobytes(), worst
        if known not in answers:
            answers[known] = _status([said[at] for at in part.tolist()], worst)
        rows.append((*cell, *answers[known]))
    return pd.DataFrame(rows, columns=[*CELL_KEY, STATUS, REASON])


def _status(heard: Sequence[tuple[str, str]], severities: Sequence[str]) -> tuple[str, str]:
    outcomes, reasons = [outcome for outcome, _ in heard], [reason for _, reason in heard]
    status = status_of(map(CheckOutcome, outcomes), map(Severity, severities))
    return status.value, _reason(status, outcomes, reasons)


def _reason(status: Status, outcomes: list[str], reasons: list[str]) -> str:
    if status is Status.UNKNOWN:
        missing = [r for o, r in zip(outcomes, reasons, strict=True) if o == CheckOutcome.NOT_RUN.value]
        return next((r for r in missing if isinstance(r, str) and r), "No check applied to it.")
    n_passed = outcomes.count(CheckOutcome.PASSED.value)
    if n_passed < len(outcomes):
        return f"{n_passed} of {len(outcomes)} checks passed, the others do not apply."
    return f"All {n_passed} checks passed."
