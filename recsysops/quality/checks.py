"""The port `TableChecks` on Great Expectations: one suite per owner of fields, each run apart."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd

from recsysops.columns import (
    CELL_KEY,
    CHECK,
    CHECK_RESULT,
    DETAIL,
    FIELD,
    OUTCOME,
    OWNER,
    SUITE,
    VALUE,
)
from recsysops.domain.requirement import applicable_requirements
from recsysops.domain.text import plain
from recsysops.domain.verdict import CheckOutcome
from recsysops.quality.missing import missing_reasons, shown
from recsysops.quality.suite import run_suite

IS_FILLED: Final = "is_filled"
NO_OWNER: Final = "metadata"
"""Suite of the fields nobody owns."""

_ROW: Final = "row"

SuiteRunner = Callable[[str, pd.DataFrame, Sequence[str]], Mapping[str, int | None]]
"""(suite, cleaned frame, fields) to the number of nulls by field; None for a field that is no column."""


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
        rows = cells[list(CELL_KEY)].assign(**{_ROW: cells.index})
        wanted = applicable_requirements(cells, requirements).merge(rows, on=list(CELL_KEY))
        owner = wanted[OWNER].fillna("").astype("str").str.strip()
        wanted[SUITE] = owner.where(owner != "", NO_OWNER)
        parts, broken = [], {}
        for name, part in wanted.groupby(SUITE, sort=True):
            suite = str(name)
            try:
                parts.append(self._check_suite(suite, cells, part))
            except Exception as error:  # noqa: BLE001 - whatever breaks one suite must not spoil the others
                broken[suite] = plain(f"{type(error).__name__}: {error}", 300)
                parts.append(_with(part, CheckOutcome.NOT_RUN, broken[suite]).assign(**{CHECK: IS_FILLED}))
        results = (
            pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(CHECK_RESULT), dtype="str")
        )
        return results[list(CHECK_RESULT)].astype("str"), broken

    def _check_suite(self, suite: str, titles: pd.DataFrame, wanted: pd.DataFrame) -> pd.DataFrame:
        judged, cleaned = [], pd.DataFrame(index=titles.index)
        for name, part in wanted.groupby(FIELD, sort=True):
            field = str(name)
            judged.append(self._judge(titles, part, field))
            if field in titles:
                cleaned[field] = _cleaned(judged[-1], titles.index)
        results = pd.concat(judged, ignore_index=True).assign(**{CHECK: IS_FILLED, SUITE: suite})
        fields = sorted(set(results[FIELD]))
        counted = self._run(suite, cleaned, fields)
        masked = (results[OUTCOME] == CheckOutcome.FAILED).groupby(results[FIELD]).sum()
        for field in fields:
            if counted[field] != (int(masked[field]) if field in titles else None):
                raise ValueError(
                    f'Great Expectations counts {counted[field]} missing values of "{field}", our mask {masked[field]}.'
                )
        return results

    def _judge(self, titles: pd.DataFrame, wanted: pd.DataFrame, field: str) -> pd.DataFrame:
        if field not in titles:
            return _with(wanted, CheckOutcome.FAILED, "empty: no title has this field, its column is gone")
        values = titles[field].loc[wanted[_ROW]]
        reasons = missing_reasons(values, field, self._placeholders).to_numpy(dtype=object)
        judged = wanted.copy()
        judged[VALUE], judged[DETAIL] = [shown(value) for value in values], reasons
        judged[OUTCOME] = np.where(judged[DETAIL] == "", CheckOutcome.PASSED.value, CheckOutcome.FAILED.value)
        return judged


def _cleaned(judged: pd.DataFrame, rows: pd.Index) -> pd.Series:
    """Return a column as Great Expectations sees it: null where missing, filled where it is or need not be."""
    column = pd.Series("not required", index=rows, dtype="object")
    missing = judged[OUTCOME] == CheckOutcome.FAILED
    column.loc[judged[_ROW]] = judged[VALUE].astype("object").where(~missing, None).to_numpy()
    return column


def _with(wanted: pd.DataFrame, outcome: CheckOutcome, detail: str) -> pd.DataFrame:
    return wanted.assign(**{OUTCOME: outcome.value, VALUE: "", DETAIL: detail})
