"""Rules on two fields of a title: one needs the other, limits it, contains it, or must not come after it."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsysops.columns import LAUNCH_AT
from recsysops.quality._catalogue import Bools, Catalogue, Column
from recsysops.quality._dates import moments, spans
from recsysops.quality._great import Asked
from recsysops.quality._prepared import COLUMN, Prepared
from recsysops.quality._suite_file import SuiteRule

IN_SET: Final = "expect_column_values_to_be_in_set"
NOT_LESS: Final = "expect_column_pair_values_a_to_be_greater_than_b"

_Case = tuple[SuiteRule, str, Catalogue]
Relate = Callable[[SuiteRule, str, Catalogue, Bools], Prepared]


def filled_together(rule: SuiteRule, field: str, catalogue: Catalogue, here: Bools) -> Prepared:
    """Where the field holds a value (one of `when`), the other must hold one."""
    judged = here & _is_when(rule, catalogue.column(field))
    is_there = catalogue.column(rule.other).rows_filled[judged] if catalogue.has(rule.other) else np.zeros(judged.sum())
    is_there = is_there.astype(np.bool_)
    seen = np.where(is_there, "filled", "empty")
    asked = Asked(IN_SET, {"value_set": ["filled"]})
    return _prepared((rule, field, catalogue), judged, ~is_there, asked, {COLUMN: list(seen)})


def in_set_when(rule: SuiteRule, field: str, catalogue: Catalogue, here: Bools) -> Prepared:
    """Where the field is one of `when`, the other must be one of `allowed`, where it is filled."""
    other = catalogue.column(rule.other)
    judged = here & _is_when(rule, catalogue.column(field)) & other.rows_filled
    allowed = {_plain(value) for value in rule.allowed}
    plain = np.array([*(_plain(value) for value in other.found.each), ""], dtype=object)[other.found.codes][judged]
    broken = np.array([value not in allowed for value in plain], dtype=np.bool_)
    return _prepared(
        (rule, field, catalogue), judged, broken, Asked(IN_SET, {"value_set": sorted(allowed)}), {COLUMN: list(plain)}
    )


def includes(rule: SuiteRule, field: str, catalogue: Catalogue, here: Bools) -> Prepared:
    """The list in the field must contain what the other holds, where both are filled."""
    column, other = catalogue.column(field), catalogue.column(rule.other)
    judged = here & column.rows_filled & other.rows_filled & _is_when(rule, column)
    lists, wanted = _sets(column), _sets(other)
    pairs = zip(column.found.codes[judged], other.found.codes[judged], strict=True)
    broken = np.array([not wanted[b] <= lists[a] for a, b in pairs], dtype=np.bool_)
    seen = np.where(broken, "lacks", "includes")
    return _prepared(
        (rule, field, catalogue), judged, broken, Asked(IN_SET, {"value_set": ["includes"]}), {COLUMN: list(seen)}
    )


def not_after(rule: SuiteRule, field: str, catalogue: Catalogue, here: Bools) -> Prepared:
    """The date in the field must not come after the other one, by more than `slack_days`."""
    first, second = (_spans(catalogue, name) for name in (field, rule.other))
    earliest, latest = first[:, 0], second[:, 1] + rule.slack_days
    judged = here & np.isfinite(earliest) & np.isfinite(latest)
    if field != LAUNCH_AT:
        judged &= _is_when(rule, catalogue.column(field))
    seen = {"column_A": latest[judged], "column_B": earliest[judged]}
    asked = Asked(NOT_LESS, {"or_equal": True, "ignore_row_if": "both_values_are_missing"})
    return _prepared((rule, field, catalogue), judged, seen["column_B"] > seen["column_A"], asked, seen)


def _prepared(case: _Case, judged: Bools, broken: Bools, asked: Asked, seen: Mapping[str, Any]) -> Prepared:
    rule, field, catalogue = case
    cells = np.flatnonzero(judged)[broken]
    return Prepared(
        expectation=asked.expectation, kwargs=asked.kwargs, columns=seen, broken=broken, judged=judged, cells=cells,
        found=[_shown(catalogue, field, int(row)) for row in cells],
        details=[f"{_named(rule.other)}: {_shown(catalogue, rule.other, int(row)) or 'empty'}" for row in cells],
    )  # fmt: skip


def _is_when(rule: SuiteRule, column: Column) -> Bools:
    """Return, per cell, whether the field holds a value, and one of `when` where the rule names some."""
    if not rule.when:
        return column.rows_filled
    when = {_plain(value) for value in rule.when}
    is_one = [bool(found & when) for found in _sets(column)]
    return np.array(is_one, dtype=np.bool_)[column.found.codes] & column.rows_filled


def _sets(column: Column) -> list[frozenset[str]]:
    """Return the elements of each different value, compared without case and space; and nothing for no value."""
    found: list[set[str]] = [set() for _ in range(len(column.found.each) + 1)]
    for owner, item in zip(*column.items(), strict=True):
        found[owner].add(_plain(item))
    return [frozenset(each) for each in found]


def _plain(value: object) -> str:
    """Return a value as it is compared: `true`, `12`, `en`, whatever case and type it came in."""
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        value = int(value)
    return " ".join(str(value).casefold().split())


def _spans(catalogue: Catalogue, field: str) -> npt.NDArray[np.float64]:
    if field == LAUNCH_AT:
        return moments(catalogue.rows[LAUNCH_AT])
    column = catalogue.column(field)
    of_each = np.vstack([spans(column.found.each), [np.nan, np.nan]])
    of_each[~column.is_filled] = np.nan
    return of_each[column.found.codes]


def _shown(catalogue: Catalogue, field: str, row: int) -> str:
    if field == LAUNCH_AT:
        at = catalogue.rows[LAUNCH_AT].iloc[row]
        return "" if pd.isna(at) else f"{at:%Y-%m-%d %H:%M} UTC"
    return catalogue.value(field, row) if catalogue.has(field) else ""


def _named(field: str) -> str:
    return "launch" if field == LAUNCH_AT else field.replace("_", " ")


RELATIONS: Final[Mapping[str, Relate]] = {
    "filled_together": filled_together, "in_set_when": in_set_when, "includes": includes, "not_after": not_after,
}  # fmt: skip
