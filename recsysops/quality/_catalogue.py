"""The metadata of all cells as rules look at it: field by field, each different value once, the missing ones apart."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsysops.columns import ALL, CELL_KEY, CELLS, GROUP, GROUPS, LAUNCH_AT, MARKET, SURFACE, TITLE_ID, TITLES
from recsysops.quality._distinct import Distinct, distinct
from recsysops.quality.missing import reasons_of, shown

Bools = npt.NDArray[np.bool_]
_LISTS: Final = (list, tuple, np.ndarray)


@dataclass(frozen=True)
class Column:
    """One field of all cells."""

    found: Distinct
    is_filled: Bools
    """Per different value, and last, for cells that hold nothing, False."""

    @property
    def rows_filled(self) -> Bools:
        """Return, per cell, whether it holds a value."""
        return self.is_filled[self.found.codes]

    def items(self) -> tuple[npt.NDArray[np.int64], list[Any]]:
        """Return the values one by one, lists taken apart: position of the different value each belongs to, and it."""
        owners, items = [], []
        for at, value in enumerate(self.found.each):
            if self.is_filled[at]:
                parts = list(value) if isinstance(value, _LISTS) else [value]
                owners += [at] * len(parts)
                items += parts
        return np.asarray(owners, dtype=np.int64), items


class Catalogue:
    """Cells with their metadata; a field is taken apart when it is first asked for."""

    def __init__(self, tables: Mapping[str, pd.DataFrame], placeholders: Collection[str]) -> None:
        """Keep one row per cell: CELL_KEY and fields of TITLES, LAUNCH_AT of CELLS; GROUPS, where there are some."""
        titles, cells, groups = tables[TITLES], tables[CELLS], tables.get(GROUPS)
        launches = cells[[*CELL_KEY, LAUNCH_AT]].drop_duplicates(list(CELL_KEY))
        own = titles.drop(columns=LAUNCH_AT, errors="ignore").drop_duplicates(list(CELL_KEY))
        self.rows = own.merge(launches, on=list(CELL_KEY), how="left")
        self._placeholders = placeholders
        self._groups: dict[str, str] = {} if groups is None else dict(zip(groups[TITLE_ID], groups[GROUP], strict=True))
        self.column = cache(self._column)

    def has(self, field: str) -> bool:
        """Return whether any title has the field."""
        return field in self.rows.columns

    def group(self, title_id: str) -> str:
        """Return the group of titles a title may be compared with."""
        return str(self._groups.get(title_id, ""))

    def place(self, market: str, surface: str) -> Bools:
        """Return which cells lie in a market on a surface; `all` for any."""
        here = np.ones(len(self.rows), dtype=np.bool_)
        for column, wanted in ((MARKET, market), (SURFACE, surface)):
            if wanted != ALL:
                here &= (self.rows[column] == wanted).to_numpy()
        return here

    def value(self, field: str, row: int) -> str:
        """Return what stands in a cell, as text that can be shown."""
        column = self.column(field).found
        at = column.codes[row]
        return "" if at < 0 else shown(column.each[at])

    def fields(self) -> Sequence[str]:
        """Return the names of all fields."""
        return [name for name in self.rows.columns if name not in {*CELL_KEY, LAUNCH_AT}]

    def _column(self, field: str) -> Column:
        found = distinct(self.rows[field])
        filled = [reason == "" for reason in reasons_of(found, field, self._placeholders)]
        return Column(found, np.array([*filled, False], dtype=np.bool_))
