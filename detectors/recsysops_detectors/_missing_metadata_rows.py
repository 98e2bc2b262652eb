"""Required fields of all cells as numbers, in words only where something is missing: there are millions of them."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsysops import columns as c
from recsysops.contract.detector import Tables
from recsysops.domain.requirement import requirement_positions
from recsysops.domain.severity import Severity
from recsysops.domain.verdict import CheckOutcome
from recsysops_detectors._common import DAY, capped, cell_positions, days, listed, rows_of

DUE_IN: Final = "due_in"
LAUNCH_IN: Final = "launch_in"
SAFE_IN: Final = "safe_in"
"""Columns of our own: days until the field is due, the title launches, and the usual time to fix it no longer fits."""
_CELL: Final = "cell"
_NONE: Final = (CheckOutcome.NOT_APPLICABLE.value, "No metadata is required here.", np.nan, "")
_WEIGHTY: Final = frozenset({Severity.CRITICAL.value, Severity.WARNING.value})

Row = tuple[Any, ...]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Judged:
    """One entry per cell and required field, by cell and field; the columns are those of a table, kept as numbers."""

    cell: Ints
    """Position among the cells."""
    requirement: Ints
    """Position among the requirements."""
    check: Ints
    """Position of the check's row; -1 where it was not checked."""
    passed: npt.NDArray[np.bool_]
    failed: npt.NDArray[np.bool_]
    """Neither: it was not checked, or nobody knows when it is due."""
    requirements: pd.DataFrame
    """Those that count."""


def judge(tables: Tables, ignored: Collection[str], as_of: datetime) -> Judged:
    """Return every required field with what its check said."""
    cells = tables[c.CELLS].reset_index(drop=True)
    wanted = tables[c.REQUIREMENTS]
    wanted = wanted[~wanted[c.FIELD].isin(list(ignored))].reset_index(drop=True)
    cell, requirement = requirement_positions(cells, wanted)
    is_live = (cells[c.LAUNCH_STATUS] != c.CANCELLED).to_numpy()[cell]
    cell, requirement = cell[is_live], requirement[is_live]
    check = _checks(tables, cells, wanted, cell, requirement)
    outcome = np.append(_outcomes(tables[c.CHECKS]), 0)[check]
    numbers = [_days_to(cells[c.LAUNCH_AT], as_of)[cell]]
    numbers += [wanted[name].to_numpy(dtype=np.float64)[requirement] for name in (c.DUE_DAYS, c.DAYS_TO_FIX)]
    is_dated = np.isfinite(numbers).all(axis=0)
    return Judged(cell, requirement, check, (outcome == 1) & is_dated, (outcome == 2) & is_dated, wanted)


def wanting_rows(tables: Tables, judged: Judged) -> pd.DataFrame:
    """Return the entries that did not pass, in words and with their days, by cell and field."""
    at = np.flatnonzero(~judged.passed)
    said = tables[c.CHECKS][[c.OUTCOME, c.VALUE, c.DETAIL]].reset_index(drop=True)
    rows = pd.concat(
        [
            tables[c.CELLS][[*c.CELL_KEY, c.LAUNCH_AT]].take(judged.cell[at]).reset_index(drop=True),
            judged.requirements.drop(columns=[c.MARKET, c.SURFACE]).take(judged.requirement[at]).reset_index(drop=True),
            said.reindex(pd.Index(judged.check[at])).reset_index(drop=True),
        ],
        axis=1,
    )
    rows[c.OUTCOME] = np.where(judged.failed[at], CheckOutcome.FAILED.value, CheckOutcome.NOT_RUN.value)
    return rows.assign(**{_CELL: judged.cell[at]})


def with_severity(rows: pd.DataFrame, grace_days: float, as_of: datetime) -> pd.DataFrame:
    """Return the rows with the days left and how bad that is; an empty text where it is not bad yet."""
    launch_in = _days_to(rows[c.LAUNCH_AT], as_of)
    due_in = launch_in - rows[c.DUE_DAYS].to_numpy(dtype=np.float64)
    safe_in = launch_in - rows[c.DAYS_TO_FIX].to_numpy(dtype=np.float64)
    is_missing = (rows[c.OUTCOME] == CheckOutcome.FAILED).to_numpy()
    level = np.full(len(rows), "", dtype=object)
    level[is_missing & (due_in <= -grace_days)] = Severity.WARNING.value
    level[is_missing & (safe_in < 0)] = Severity.CRITICAL.value
    severity = [
        capped(Severity(at), str(limit)).value if at else ""
        for at, limit in zip(level, rows[c.MAX_SEVERITY], strict=True)
    ]
    return rows.assign(**{LAUNCH_IN: launch_in, DUE_IN: due_in, SAFE_IN: safe_in, c.SEVERITY: severity})


def verdicts(cells: pd.DataFrame, judged: Judged, wanting: pd.DataFrame) -> pd.DataFrame:
    """Return one verdict per cell, in the order of the cells; only cells that lack something are looked at singly."""
    said = _passed(len(cells), judged)
    columns = (_CELL, c.FIELD, c.OUTCOME, c.SEVERITY, DUE_IN, SAFE_IN, c.DETAIL)
    rows = (tuple(row.values()) for row in rows_of(wanting[list(columns)]))
    for cell, part in groupby(rows, key=lambda row: row[0]):
        said[cell] = _verdict(list(part), said[cell][3])
    return pd.DataFrame(said, columns=[c.OUTCOME, c.REASON, c.MARGIN, c.DATA])


def _passed(n_cells: int, judged: Judged) -> list[Row]:
    """Return for every cell what is said where all its fields are filled; there are few sets of fields."""
    said = [_NONE] * n_cells
    names = judged.requirements[c.FIELD].to_list()
    starts = np.flatnonzero(np.diff(judged.cell, prepend=-1))
    known: dict[bytes, Row] = {}
    for start, end in zip(starts, [*starts[1:], len(judged.cell)][: len(starts)], strict=True):
        of_cell = judged.requirement[start:end]
        key = of_cell.tobytes()
        if key not in known:
            data = f"{len(of_cell)} required fields: {', '.join(names[at] for at in of_cell)}"
            filled = f"All {len(of_cell)} required fields are filled."
            known[key] = (CheckOutcome.PASSED.value, filled, np.nan, data)
        said[judged.cell[start]] = known[key]
    return said


def _verdict(rows: list[Row], data: str) -> Row:
    """Say of one cell what its required fields come to."""
    missing = sorted((row for row in rows if row[2] == CheckOutcome.FAILED), key=lambda row: (row[4], row[1]))
    overdue = [row for row in missing if row[3] in _WEIGHTY]
    n = data.partition(" ")[0]
    if overdue:
        reason = f"{len(overdue)} of {n} required fields missing and due: {listed([row[1] for row in overdue])}."
        return CheckOutcome.FAILED.value, reason, min(min(row[4], row[5]) for row in overdue), data
    if len(missing) < len(rows):
        unchecked = [row for row in rows if row[2] != CheckOutcome.FAILED]
        why = _first(row[6] for row in unchecked)
        reason = f"Not checked: {listed([row[1] for row in unchecked])}{f' ({why})' if why else ''}."
        return CheckOutcome.NOT_RUN.value, reason, np.nan, data
    margin, first = missing[0][4], missing[0][1]
    when = f"due in {days(margin)}" if margin > 0 else "within its grace or only informative"
    reason = f"Missing, but {when}: {first}" + (f" and {len(missing) - 1} more." if len(missing) > 1 else ".")
    return CheckOutcome.PASSED.value, reason, max(margin, 0.0), data


def _first(details: Iterable[object]) -> str:
    return next((detail for detail in details if isinstance(detail, str) and detail), "")


def _checks(tables: Tables, cells: pd.DataFrame, wanted: pd.DataFrame, cell: Ints, requirement: Ints) -> Ints:
    """Return for each cell and required field the position of its check; the first where there are several."""
    checks = tables[c.CHECKS]
    field, names = pd.factorize(pd.concat([wanted[c.FIELD], checks[c.FIELD]], ignore_index=True))
    of_check = cell_positions(cells, checks)
    is_known = np.flatnonzero((of_check >= 0) & (field[len(wanted) :] >= 0))[::-1]
    found = np.full(len(cells) * max(len(names), 1), -1, dtype=np.int64)
    found[of_check[is_known] * len(names) + field[len(wanted) :][is_known]] = is_known
    at: Ints = found[cell * len(names) + field[: len(wanted)][requirement]]
    return at


def _outcomes(checks: pd.DataFrame) -> npt.NDArray[np.int8]:
    """Return 1 for passed, 2 for failed, 0 for anything else."""
    is_passed, is_failed = (checks[c.OUTCOME] == said.value for said in (CheckOutcome.PASSED, CheckOutcome.FAILED))
    return is_passed.to_numpy(dtype=np.int8) + 2 * is_failed.to_numpy(dtype=np.int8)


def _days_to(times: pd.Series, as_of: datetime) -> npt.NDArray[np.float64]:
    return np.asarray((times - pd.Timestamp(as_of)) / DAY, dtype=np.float64)
