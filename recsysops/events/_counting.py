"""Counts cells and scopes in passes that fit into memory. Not for what was counted before."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final, Protocol

import pandas as pd

from recsysops.columns import ALL, DAY, EVENTS, LAUNCH_AT, MARKET, NEW_MEMBERS, SURFACE, TITLE_ID
from recsysops.domain.batch import LogFile
from recsysops.events._wanted import spread
from recsysops.events.coverage import DAY_US, N_DAYS, files_between
from recsysops.events.engine import Engine, EngineLimits
from recsysops.events.names import CELL, FROM_DAY, GAP, LOG_MARKET, LOG_SURFACE, MEMBERS, PHASE, TO_DAY

if TYPE_CHECKING:
    import ibis.expr.types as ir

_ROWS_PER_MEMBER_DAY: Final = 4
"""A pass over activity may read more rows: it groups by member and day, not by member and title."""
_CHUNK_DAYS: Final = 2 * N_DAYS
"""A long history is counted in stretches, so that a pass over some of the members need not read all of it."""
_CELL_COLUMNS: Final = [CELL, TITLE_ID, LOG_MARKET, LOG_SURFACE, LAUNCH_AT, FROM_DAY, TO_DAY]
_SCOPE_COLUMNS: Final = [CELL, LOG_MARKET, LOG_SURFACE, PHASE, FROM_DAY, TO_DAY]


class Members(Protocol):
    """Turns members into counts; may know members from before."""

    def new_members(self, first: "ir.Table") -> pd.DataFrame:
        """Count who is new, by first day (expression `first_days`): CELL, DAY, NEW_MEMBERS."""
        ...

    def gaps(self, days: "ir.Table") -> pd.DataFrame:
        """Count by gap, from `member_days`: CELL, DAY, GAP, MEMBERS, EVENTS."""
        ...


class Strangers:
    """Members of whom nothing is known from before."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def new_members(self, first: "ir.Table") -> pd.DataFrame:
        """See `Members`."""
        from recsysops.events.expressions import new_members  # loads Ibis

        return self._engine.compute(new_members(first))

    def gaps(self, days: "ir.Table") -> pd.DataFrame:
        """See `Members`."""
        from recsysops.events.expressions import gaps  # loads Ibis

        return self._engine.compute(gaps(days))


class Counting:
    """One engine, the files it may read, and its limits."""

    def __init__(self, engine: Engine, files: Sequence[LogFile], limits: EngineLimits) -> None:
        self._engine, self._files, self._limits = engine, files, limits

    def treatment(self, cells: pd.DataFrame, members: Members) -> pd.DataFrame:
        """Count the days wanted of cells (LAUNCH, CELL, FROM_DAY, TO_DAY).

        Returns:
            CELL, DAY, EVENTS, NEW_MEMBERS and position quantiles, one row per cell and day with an event.
        """
        stretch = (cells[LAUNCH_AT] - cells[LAUNCH_AT].min()) // (N_DAYS * DAY_US)
        return pd.concat([self._treatment(part, members) for _, part in cells.groupby(stretch)], ignore_index=True)

    def _treatment(self, cells: pd.DataFrame, members: Members) -> pd.DataFrame:
        from recsysops.events.expressions import day_counts, first_days  # loads Ibis

        start, end = (cells[LAUNCH_AT] + cells[day] * DAY_US for day in (FROM_DAY, TO_DAY))
        files = files_between(self._files, int(start.min()), int(end.max()))
        if not files:
            return pd.DataFrame(columns=[CELL, DAY, EVENTS, NEW_MEMBERS], dtype="int64")
        lent = self._engine.lend("cells_wanted", self._spread(files, cells)[_CELL_COLUMNS])
        days = self._engine.compute(day_counts(self._engine.events(files), lent))
        parts = self._parts(int(days[EVENTS].sum()), self._limits.rows_per_pass)
        new = [members.new_members(first_days(self._engine.events(files, part, parts), lent)) for part in range(parts)]
        return days.merge(_summed(new, [CELL, DAY], [NEW_MEMBERS]), how="left", on=[CELL, DAY])

    def gaps(self, scopes: pd.DataFrame, members: Members) -> pd.DataFrame:
        """Count activity of scopes (SCOPE, CELL, FROM_DAY, TO_DAY) by day and days since the member's day before.

        Returns:
            CELL, DAY, GAP, MEMBERS, EVENTS.
        """
        counted = [
            counts[counts[DAY] >= first] for part, first in _stretches(scopes) for counts in self._gaps(part, members)
        ]
        return _summed(counted, [CELL, DAY, GAP], [MEMBERS, EVENTS])

    def _gaps(self, scopes: pd.DataFrame, members: Members) -> Iterator[pd.DataFrame]:
        from recsysops.events.expressions import member_days  # loads Ibis

        start, end = (scopes[PHASE] + scopes[day] * DAY_US for day in (FROM_DAY, TO_DAY))
        files = files_between(self._files, int(start.min()), int(end.max()))
        if not files:
            return
        lent = self._engine.lend("scopes_wanted", self._spread(files, scopes)[_SCOPE_COLUMNS])
        rows = sum(file.rows for file in files) * scopes[PHASE].nunique()
        parts = self._parts(rows, _ROWS_PER_MEMBER_DAY * self._limits.rows_per_pass)
        for part in range(parts):
            yield members.gaps(member_days(self._engine.events(files, part, parts), lent))

    def _parts(self, rows: int, limit: int) -> int:
        """Say into how many parts the members are divided; a cluster divides the work itself."""
        return 1 if self._limits.spark_master else max(1, -(-rows // limit))

    def _spread(self, files: Sequence[LogFile], cells: pd.DataFrame) -> pd.DataFrame:
        from recsysops.events.expressions import places  # loads Ibis

        found = pd.DataFrame({LOG_MARKET: [], LOG_SURFACE: []}, dtype="str")
        if (cells[[MARKET, SURFACE]] == ALL).to_numpy().any():
            found = self._engine.compute(places(self._engine.events(files)))
        return spread(cells, found)


def _stretches(scopes: pd.DataFrame) -> Iterator[tuple[pd.DataFrame, int]]:
    """Yield scopes cut to a stretch of days, with as many before it as a gap can be long, and its first day."""
    start, end = int(scopes[FROM_DAY].min()), int(scopes[TO_DAY].max())
    for first in range(start, end, _CHUNK_DAYS):
        lowest = first if first == start else first - N_DAYS
        part = scopes.assign(
            **{FROM_DAY: scopes[FROM_DAY].clip(lower=lowest), TO_DAY: scopes[TO_DAY].clip(upper=first + _CHUNK_DAYS)}
        )
        part = part[part[FROM_DAY] < part[TO_DAY]]
        if len(part):
            yield part, first


def _summed(parts: Sequence[pd.DataFrame], keys: list[str], values: list[str]) -> pd.DataFrame:
    if not parts:
        return pd.DataFrame(columns=[*keys, *values], dtype="int64")
    return pd.concat(parts, ignore_index=True).groupby(keys, as_index=False)[values].sum()
