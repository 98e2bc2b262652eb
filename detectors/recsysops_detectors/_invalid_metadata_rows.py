"""Broken rules of all cells, with the days left; and what the rules of one kind come to, cell by cell."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsysops import columns as c
from recsysops.contract.detector import Tables
from recsysops.domain.severity import Severity
from recsysops.domain.verdict import CheckOutcome
from recsysops_detectors._common import DAY, capped, cell_positions, listed

CELL: Final = "cell"
LAUNCH_IN: Final = "launch_in"
SAFE_IN: Final = "safe_in"
"""Columns of our own: position of the cell, days until launch, and until the usual time to fix no longer fits."""
_PER_CHECK: Final = (c.KIND, c.SUITE, c.SEVERITY, c.WHY, c.REMEDY, c.OWNER, c.DAYS_TO_FIX)


def states(rules: pd.DataFrame, ignored: Collection[str], ignored_fields: Collection[str]) -> pd.DataFrame:
    """Return the rules on titles that count."""
    is_wanted = rules[c.KIND].isin(c.RULE_KINDS) & ~rules[c.CHECK].isin(list(ignored))
    return rules[is_wanted & ~rules[c.FIELD].isin(list(ignored_fields))].reset_index(drop=True)


def failures(tables: Tables, known: pd.DataFrame, as_of: datetime) -> pd.DataFrame:
    """Return the failures of live cells with what their rule says and the days left, by cell, worst first."""
    cells = tables[c.CELLS].reset_index(drop=True)
    said = tables[c.RULE_FAILURES].merge(known[[c.CHECK, *_PER_CHECK]].drop_duplicates(c.CHECK), on=c.CHECK)
    said = said[said[c.FIELD].isin(set(known[c.FIELD].dropna()))].drop_duplicates([*c.CELL_KEY, c.CHECK, c.FIELD])
    said[CELL] = cell_positions(cells, said)
    said = said[said[CELL] >= 0].reset_index(drop=True)
    launches = cells[[c.LAUNCH_AT, c.LAUNCH_STATUS]].take(said[CELL].to_numpy()).reset_index(drop=True)
    said[c.LAUNCH_AT] = launches[c.LAUNCH_AT]
    said[LAUNCH_IN] = (said[c.LAUNCH_AT] - pd.Timestamp(as_of)) / DAY
    said[SAFE_IN] = said[LAUNCH_IN] - said[c.DAYS_TO_FIX].astype("float64")
    is_judged = np.isfinite(said[SAFE_IN]) & (launches[c.LAUNCH_STATUS] != c.CANCELLED) & said[c.SEVERITY].notna()
    said = said[is_judged].reset_index(drop=True)
    said[c.LATEST_SAFE_FIX_AT] = said[c.LAUNCH_AT] - pd.to_timedelta(said[c.DAYS_TO_FIX], unit="D")
    said[c.SEVERITY] = [
        capped(Severity.CRITICAL if left < 0 else Severity.WARNING, str(most)).value
        for left, most in zip(said[SAFE_IN], said[c.SEVERITY], strict=True)
    ]
    rank = pd.Series(said[c.SEVERITY]).map({severity.value: severity.rank for severity in Severity})
    order: pd.DataFrame = said.assign(rank=rank).sort_values([CELL, c.KIND, c.FIELD, "rank", SAFE_IN, c.CHECK])
    return order.drop(columns="rank").reset_index(drop=True)


def verdicts(tables: Tables, known: pd.DataFrame, broken: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Return what the rules of one kind come to, one row per cell in the order of the cells."""
    cells = tables[c.CELLS].reset_index(drop=True)
    counts = _counts(tables, cells, kind)
    quiet = {count: _quiet(count) for count in np.unique(counts).tolist()}
    said = [quiet[count] for count in counts.tolist()]
    for cell, reason in _not_run(cells, known[known[c.KIND] == kind]).items():
        said[cell] = (CheckOutcome.NOT_RUN.value, reason, np.nan, said[cell][3])
    own = broken[broken[c.KIND] == kind]
    rows = zip(own[CELL].tolist(), own[c.FIELD].to_list(), own[c.SEVERITY].to_list(), strict=True)
    for at, part in groupby(rows, key=lambda row: row[0]):
        said[at] = _loud([(field, severity) for _, field, severity in part], said[at])
    return pd.DataFrame(said, columns=[c.OUTCOME, c.REASON, c.MARGIN, c.DATA])


def _counts(tables: Tables, cells: pd.DataFrame, kind: str) -> npt.NDArray[np.float64]:
    """Return how many rules of the kind looked at each cell; below 0 for a cell that nobody looked at."""
    ruled = tables[c.RULED]
    at = cell_positions(cells, ruled)
    counts = np.full(len(cells), -1.0)
    counts[at[at >= 0]] = np.nan_to_num(ruled[kind].to_numpy(dtype=np.float64), nan=-1, posinf=-1, neginf=-1)[at >= 0]
    return counts


def _quiet(count: float) -> tuple[str, str, float, str]:
    """Say of a cell that breaks nothing how many rules it keeps."""
    if count < 0:
        return CheckOutcome.NOT_RUN.value, "The rules did not look at it.", np.nan, ""
    if count < 1:
        return CheckOutcome.NOT_APPLICABLE.value, "No rule looks at what this title has.", np.nan, ""
    n = f"{count:.0f} rule" if count == 1 else f"{count:.0f} rules"
    return CheckOutcome.PASSED.value, f"Keeps {n}.", np.nan, n


def _loud(part: Sequence[tuple[str, str]], quiet: tuple[str, str, float, str]) -> tuple[str, str, float, str]:
    """Say of a cell that breaks rules which fields it is; rules that only inform fail nothing."""
    weighty = [field for field, severity in part if severity != Severity.INFO.value]
    fields = listed(list(dict.fromkeys(weighty or [field for field, _ in part])))
    if weighty:
        return CheckOutcome.FAILED.value, f"Breaks rules: {fields}.", -float(len(weighty)), quiet[3]
    if quiet[0] == CheckOutcome.NOT_RUN.value:
        return quiet
    return CheckOutcome.PASSED.value, f"Only informative: {fields}.", 0.0, quiet[3]


def _not_run(cells: pd.DataFrame, known: pd.DataFrame) -> Mapping[int, str]:
    """Return, for the cells in which a rule holds that did not run, why; and for those without a launch time."""
    reasons: dict[int, str] = dict.fromkeys(
        np.flatnonzero(cells[c.LAUNCH_AT].isna()).tolist(), "Nobody knows when it launches."
    )
    for row in known[known[c.OUTCOME] == CheckOutcome.NOT_RUN.value].to_dict("records"):
        reason = f"Rule {row[c.CHECK]} did not run: {_text(row[c.DETAIL])}"
        reasons.update(dict.fromkeys(np.flatnonzero(_is_here(cells, row)).tolist(), reason))
    return reasons


def _is_here(cells: pd.DataFrame, row: Mapping[Any, Any]) -> npt.NDArray[np.bool_]:
    here = np.ones(len(cells), dtype=np.bool_)
    for column in (c.MARKET, c.SURFACE):
        if row[column] != c.ALL:
            here &= (cells[column] == row[column]).to_numpy()
    return here


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
