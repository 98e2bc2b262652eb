"""Expectations without a mask of our own: judged on the whole table, which then has to say itself which rows fail."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pandas as pd

from recsysops.quality._catalogue import Bools, Catalogue
from recsysops.quality._great import Asked, Verdict, validate
from recsysops.quality._suite_file import SuiteRule
from recsysops.quality.missing import shown

MAX_ROWS: Final = 20_000
"""Cells for which Great Expectations is asked which rows fail; of larger tables it takes too long."""


@dataclass(frozen=True)
class Whole:
    """What became of an expectation on the whole table."""

    verdict: Verdict
    rows: Sequence[int]
    """Positions of the cells that fail."""


def judge(rule: SuiteRule, field: str, catalogue: Catalogue, here: Bools) -> Whole:
    """Judge a rule on the cells it holds in, missing values as nulls, lists as texts.

    Where it fails and no row can be named, the verdict is a problem: nothing can be said of any single cell.
    """
    positions = here.nonzero()[0]
    frame = pd.DataFrame({name: _column(catalogue, name, here) for name in catalogue.fields()})
    asked = Asked(rule.expectation, {**_column_of(rule, field), **rule.kwargs})
    (verdict,) = validate(frame, [asked], name=rule.name, with_rows=len(frame) <= MAX_ROWS)
    if verdict.problem or verdict.is_met:
        return Whole(verdict, ())
    if verdict.rows:
        return Whole(verdict, [int(positions[row]) for row in verdict.rows])
    found = f" (observed: {verdict.observed})" if verdict.observed else ""
    many = f" Great Expectations is asked for rows up to {MAX_ROWS:,} cells." if len(frame) > MAX_ROWS else ""
    said = f"The table as a whole breaks this{found}; which rows do cannot be told.{many}"
    return Whole(Verdict(problem=said), ())


def _column_of(rule: SuiteRule, field: str) -> dict[str, str]:
    """Return the argument that names the field: expectations on pairs and lists of columns name theirs in kwargs."""
    is_one = rule.expectation.startswith("expect_column_") and not rule.expectation.startswith("expect_column_pair_")
    return {"column": field} if is_one else {}


def _column(catalogue: Catalogue, field: str, here: Bools) -> pd.Series:
    column = catalogue.column(field)
    values = [each if isinstance(each, (str, int, float)) else shown(each) for each in column.found.each]
    filled = [value if column.is_filled[at] else None for at, value in enumerate(values)]
    cells = pd.Series([*filled, None], dtype="object").take(column.found.codes[here]).reset_index(drop=True)
    numbers = pd.to_numeric(cells, errors="coerce")
    return numbers.astype("float64") if numbers.notna().sum() == cells.notna().sum() else cells
