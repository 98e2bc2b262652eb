"""The port `TableChecks` on Great Expectations: one suite per owner of fields, each run apart."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsysops.columns import (
    CELL_KEY,
    CHECK,
    CHECK_RESULT,
    DETAIL,
    FIELD,
    IS_FILLED,
    OUTCOME,
    OWNER,
    SUITE,
    VALUE,
)
from recsysops.domain.requirement import Positions, requirement_positions
from recsysops.domain.text import plain
from recsysops.domain.verdict import CheckOutcome
from recsysops.quality._distinct import distinct
from recsysops.quality.missing import reasons_of, shown_of
from recsysops.quality.suite import run_suite

NO_OWNER: Final = "metadata"
"""Suite of the fields nobody owns."""

SuiteRunner = Callable[[str, pd.DataFrame, Sequence[str]], Mapping[str, int | None]]
"""(suite, frame with nulls where a value is missing, fields) to the number of nulls by field; None: no such column."""


@dataclass(frozen=True)
class _Judged:
    """One field of one suite, judged in the cells where it is required."""

    suite: str
    field: str
    rows: Positions
    """Of cells."""
    outcome: npt.NDArray[np.object_]
    value: pd.Series
    detail: pd.Series


class GreatExpectationsChecks:
    """Checks whether required metadata is filled; implements `TableChecks`."""

    def __init__(self, placeholders: Sequence[str], run: SuiteRunner = run_suite) -> None:
        """Keep the texts that count as missing, and how a suite is run."""
        self._placeholders = tuple(placeholders)
        self._run = run

    def check(self, titles: pd.DataFrame, requirements: pd.DataFrame) -> tuple[pd.DataFrame, Mapping[str, str]]:
        """Check the metadata of cells against the requirements.

        Great Expectations gives each suite's verdict; which rows fail is a mask of our own (asking it for them is an
        order of magnitude slower). Where the two disagree, the suite counts as not run.

        Args:
            titles: One row per cell: CELL_KEY, PROVIDER and one column per metadata field as known.
            requirements: REQUIREMENT.

        Returns:
            CHECK_RESULT, one row per cell and required field that applies there (none for no cells: an empty table
            passes nothing), and suite to reason for every suite that failed to run; its checks are not_run.
        """
        cells = titles.drop_duplicates(list(CELL_KEY), ignore_index=True)
        parts: list[_Judged] = []
        broken: dict[str, str] = {}
        for suite, fields in _suites(cells, requirements).items():
            try:
                parts += self._check_suite(suite, cells, fields)
            except Exception as error:  # noqa: BLE001 - whatever breaks one suite must not spoil the others
                broken[suite] = plain(f"{type(error).__name__}: {error}", 300)
                parts += [_all(suite, *each, CheckOutcome.NOT_RUN, broken[suite]) for each in fields.items()]
        return _results(cells, parts), broken

    def _check_suite(self, suite: str, cells: pd.DataFrame, fields: Mapping[str, Positions]) -> list[_Judged]:
        judged, filled = [], pd.DataFrame(index=cells.index)
        for field, rows in fields.items():
            judged.append(self._judge(suite, cells, field, rows))
            if field in cells:
                filled[field] = _filled(judged[-1], len(cells))
        counted = self._run(suite, filled, list(fields))
        for part in judged:
            masked = int((part.outcome == CheckOutcome.FAILED.value).sum())
            if counted[part.field] != (masked if part.field in cells else None):
                raise ValueError(
                    f'Great Expectations counts {counted[part.field]} missing values of "{part.field}", '
                    f"our mask {masked}."
                )
        return judged

    def _judge(self, suite: str, cells: pd.DataFrame, field: str, rows: Positions) -> _Judged:
        if field not in cells:
            said = "empty: no title has this field, its column is gone"
            return _all(suite, field, rows, CheckOutcome.FAILED, said)
        found = distinct(cells[field].take(rows))
        reasons = reasons_of(found, field, self._placeholders)
        is_missing = found.flags(np.array([reason != "" for reason in reasons], dtype=np.bool_), of_nothing=True)
        return _Judged(
            suite, field, rows,
            outcome=np.where(is_missing, CheckOutcome.FAILED.value, CheckOutcome.PASSED.value).astype(object),
            value=found.spread(shown_of(found), ""), detail=found.spread(reasons, "empty"),
        )  # fmt: skip


def _suites(cells: pd.DataFrame, requirements: pd.DataFrame) -> dict[str, dict[str, Positions]]:
    """Return, by suite and field, the cells in which the field is required; suites and fields by name."""
    if requirements.empty:
        return {}
    of_cell, of_requirement = requirement_positions(cells, requirements)
    owner = requirements[OWNER].fillna("").astype("str").str.strip()
    suite = owner.where(owner != "", NO_OWNER)
    both = pd.MultiIndex.from_arrays([suite, requirements[FIELD]]).factorize(sort=True)
    order = np.argsort(both[0][of_requirement], kind="stable")
    sizes = np.bincount(both[0][of_requirement], minlength=len(both[1]))
    found: dict[str, dict[str, Positions]] = {}
    for (name, field), rows in zip(both[1], np.split(of_cell[order], np.cumsum(sizes)[:-1]), strict=True):
        if len(rows):
            found.setdefault(str(name), {})[str(field)] = rows
    return found


def _filled(judged: _Judged, n: int) -> npt.NDArray[np.float64]:
    """Return a column as Great Expectations sees it: null where missing, 1 where filled or not required.

    The values themselves would be hashed with every call, which takes longer than all the judging.
    """
    column = np.ones(n)
    column[judged.rows[judged.outcome == CheckOutcome.FAILED.value]] = np.nan
    return column


def _all(suite: str, field: str, rows: Positions, outcome: CheckOutcome, detail: str) -> _Judged:
    said = np.full(len(rows), outcome.value, dtype=object)
    return _Judged(suite, field, rows, said, _repeated([""], [len(rows)]), _repeated([detail], [len(rows)]))


def _repeated(texts: Sequence[str], times: Sequence[int]) -> pd.Series:
    return pd.Series(pd.array(list(texts), dtype="str").take(np.repeat(np.arange(len(texts)), times)))


def _results(cells: pd.DataFrame, parts: Sequence[_Judged]) -> pd.DataFrame:
    if not parts:
        return pd.DataFrame(columns=list(CHECK_RESULT), dtype="str")
    sizes = [len(part.rows) for part in parts]
    results = cells[list(CELL_KEY)].astype("str").take(np.concatenate([part.rows for part in parts]))
    results = results.reset_index(drop=True)
    results[FIELD] = _repeated([part.field for part in parts], sizes)
    results[CHECK] = _repeated([IS_FILLED], [len(results)])
    outcomes, values = pd.factorize(np.concatenate([part.outcome for part in parts]))
    results[OUTCOME] = pd.Series(pd.array(values, dtype="str").take(outcomes))
    results[VALUE] = pd.concat([part.value for part in parts], ignore_index=True)
    results[DETAIL] = pd.concat([part.detail for part in parts], ignore_index=True)
    results[SUITE] = _repeated([part.suite for part in parts], sizes)
    return results[list(CHECK_RESULT)]
