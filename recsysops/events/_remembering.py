"""Adds to what was counted before: only days that were not counted from these very files are read.

Each launch goes on from its last counted day, or is counted anew where any of its files changed; likewise activity by
scope (market, surface and time of day). See `_state.py` for what is kept.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import numpy as np
import pandas as pd

from recsysops.columns import (
    CELL_KEY,
    DAY,
    EVENTS,
    LAUNCH_AT,
    MEMBER_ID,
    NEW_MEMBERS,
    POSITION_P10,
    POSITION_P50,
    POSITION_P90,
)
from recsysops.domain.batch import LogFile
from recsysops.events._counting import Counting, Strangers
from recsysops.events._duckdb import DuckDBEngine
from recsysops.events._file_keys import FileKeys, Keys
from recsysops.events._state import State
from recsysops.events._wanted import LAUNCH, SCOPE
from recsysops.events.coverage import DAY_US, N_DAYS
from recsysops.events.engine import Engine
from recsysops.events.names import CELL, FILE_KEY, FROM_DAY, GAP, LAST_DAY, MEMBERS, PHASE, TO_DAY

if TYPE_CHECKING:
    import ibis.expr.types as ir

_POSITIONS: Final = [POSITION_P10, POSITION_P50, POSITION_P90]
_DAYS: Final = [CELL, *LAUNCH, DAY, *FILE_KEY, EVENTS, NEW_MEMBERS, *_POSITIONS]
_COUNTS: Final = [CELL, DAY, EVENTS, NEW_MEMBERS, *_POSITIONS]
_SCOPES: Final = [CELL, *SCOPE, FROM_DAY, TO_DAY, *FILE_KEY]
_GAPS: Final = [CELL, DAY, GAP, MEMBERS, EVENTS]
_LAG_DAYS: Final = 3
"""A scope that nobody asked for during so many days is counted anew."""
_KEPT_DAYS: Final = N_DAYS + _LAG_DAYS + 1


class Acquaintances:
    """Members who may be known from before; the port `Members` of `_counting`."""

    def __init__(self, engine: DuckDBEngine, state: State) -> None:
        self._engine, self._state = engine, state
        self.seen_until = self.last_until = 0
        """Until when the files of members written next are needed."""

    def new_members(self, first: "ir.Table") -> pd.DataFrame:
        """Count who is new, and remember them."""
        from recsysops.events.expressions import new_members, not_seen  # loads Ibis

        first = self._engine.keep("first_days", first)
        keyed = self._engine.keep_keyed("first_keyed", first, self._state.secret)
        seen = self._engine.view("seen", self._state.paths("seen"), {CELL: "int32", MEMBER_ID: "uuid"})
        new = self._engine.keep("new_keyed", not_seen(keyed, seen))
        counted = self._engine.compute(new_members(new))
        self._engine.write(f"SELECT {CELL}, {MEMBER_ID} FROM new_keyed", self._state.new_file("seen", self.seen_until))  # noqa: S608
        return counted

    def gaps(self, days: "ir.Table") -> pd.DataFrame:
        """Count by gap, and remember the last days."""
        from recsysops.events.expressions import gaps, last_days  # loads Ibis

        keyed = self._engine.keep_keyed("days_keyed", self._engine.keep("member_days", days), self._state.secret)
        shape = {CELL: "int32", MEMBER_ID: "uuid", LAST_DAY: "int32"}
        known = self._engine.view("last_known", self._state.paths("last"), shape)
        last = self._engine.keep("last_days", last_days(known, keyed))
        counted = self._engine.compute(gaps(keyed, last))
        newest = f"SELECT {CELL}, {MEMBER_ID}, max({DAY}) AS {LAST_DAY} FROM days_keyed GROUP BY ALL"  # noqa: S608
        self._engine.write(newest, self._state.new_file("last", self.last_until))
        return counted


class Remembering:
    """Counts with the help of the state folder, and brings it up to date."""

    def __init__(self, engine: Engine, counting: Counting, folder: Path, files: Sequence[LogFile], end: int) -> None:
        self._engine, self._counting, self._end = cast("DuckDBEngine", engine), counting, end
        self._state, self._keys = State.load(folder), FileKeys(files)
        self._members, self._strangers = Acquaintances(self._engine, self._state), Strangers(engine)

    def counted(self, cells: pd.DataFrame, scopes: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame | None]:
        """Count as `Counting` does, with numbers of cells and scopes as they were given."""
        days, all_days = self._treatment(cells)
        gaps, all_gaps, all_scopes = self._activity(scopes.astype({FROM_DAY: "int64"}))
        self._state.save({"days": all_days, "gaps": all_gaps, "scopes": all_scopes}, self._end)
        return days, gaps if len(scopes) else None

    def _treatment(self, cells: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
        stored = self._known_days()
        both = cells.merge(_span(stored), how="left", on=LAUNCH)
        is_known = both["number"].notna()
        is_open = both[LAUNCH_AT] + N_DAYS * DAY_US > self._end
        both["number"] = self._numbered(both["number"], is_known)
        todo = both.assign(**{CELL: both["number"], FROM_DAY: both["next"].fillna(0).astype("int64")})
        todo = todo[[*LAUNCH, CELL, FROM_DAY, TO_DAY]]
        is_remembered = (is_known | is_open) & (todo[FROM_DAY] < todo[TO_DAY])
        found = [stored[stored[CELL].isin(both["number"])]]
        for part, members in ((todo[is_remembered], self._members), (todo[~is_known & ~is_open], self._strangers)):
            if len(part):
                self._members.seen_until = int(part[LAUNCH_AT].max()) + N_DAYS * DAY_US
                found.append(self._filled(part, self._counting.treatment(part, members)))
        days = pd.concat(found, ignore_index=True)
        kept = pd.concat([days, stored[~stored[CELL].isin(both["number"])]], ignore_index=True)
        return _renumbered(days, both)[_COUNTS], self._still_needed(kept)[_DAYS]

    def _still_needed(self, days: pd.DataFrame) -> pd.DataFrame:
        """Leave out launches that are over: their members are forgotten, their counts a little later."""
        over = days[LAUNCH_AT] + N_DAYS * DAY_US
        is_whole = days.groupby(CELL)[DAY].transform("max") == N_DAYS - 1
        kept: pd.DataFrame = days[(over > self._end) | (is_whole & (over + _LAG_DAYS * DAY_US > self._end))]
        return kept

    def _known_days(self) -> pd.DataFrame:
        """Return the counted days of the launches whose files are still the same, every one of them."""
        known = self._state.tables.get("days", _empty(_DAYS))
        keys = self._day_keys(known)
        same = pd.Series((keys == known[list(FILE_KEY)].to_numpy()).all(axis=1), index=known.index)
        kept: pd.DataFrame = known[same.groupby(known[CELL]).transform("all")]
        return kept

    def _day_keys(self, days: pd.DataFrame) -> Keys:
        launched = days[LAUNCH_AT].to_numpy()
        return self._keys.between(launched, launched + (days[DAY].to_numpy() + 1) * DAY_US)

    def _filled(self, cells: pd.DataFrame, counted: pd.DataFrame) -> pd.DataFrame:
        """Return a row for every day wanted, also where nothing happened, with its key."""
        n = (cells[TO_DAY] - cells[FROM_DAY]).to_numpy()
        days = cells.loc[cells.index.repeat(n), [*LAUNCH, CELL, FROM_DAY]].reset_index(drop=True)
        days[DAY] = days[FROM_DAY] + days.groupby(CELL).cumcount()
        days[list(FILE_KEY)] = self._day_keys(days)
        days = days.merge(counted, how="left", on=[CELL, DAY]).reindex(columns=_DAYS)
        return days.fillna({EVENTS: 0, NEW_MEMBERS: 0}).astype({EVENTS: "int64", NEW_MEMBERS: "int64"})

    def _activity(self, scopes: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
        stored, known = self._state.tables.get("gaps", _empty(_GAPS)), self._known_scopes()
        ours = known.rename(columns={CELL: "number", FROM_DAY: "base", TO_DAY: "next"})
        both = scopes.merge(ours[[*SCOPE, "number", "base", "next"]], how="left", on=SCOPE)
        is_known = both["base"] <= both[FROM_DAY]
        for name in ("base", "next"):
            both[name] = both[name].where(is_known, both[FROM_DAY]).astype("int64")
        both["number"] = self._numbered(both["number"], is_known)
        todo = both.assign(**{CELL: both["number"], FROM_DAY: both["next"]})[[*SCOPE, CELL, FROM_DAY, TO_DAY]]
        todo = todo[todo[FROM_DAY] < todo[TO_DAY]]
        self._members.last_until = self._end + _KEPT_DAYS * DAY_US
        gaps = stored[stored[CELL].isin(both["number"])]
        if len(todo):
            gaps = pd.concat([gaps, self._counting.gaps(todo, self._members)[_GAPS]], ignore_index=True)
        reached = both[["next", TO_DAY]].max(axis=1)
        now = both.assign(**{CELL: both["number"], FROM_DAY: both["base"], TO_DAY: reached})[_SCOPES[: -len(FILE_KEY)]]
        others = known[~known.set_index(SCOPE).index.isin(scopes.set_index(SCOPE).index)]
        kept = self._keyed(pd.concat([now, others], ignore_index=True))
        kept_gaps = pd.concat([gaps, stored[stored[CELL].isin(others[CELL])]], ignore_index=True)
        kept_gaps = kept_gaps[kept_gaps[DAY] >= kept_gaps[CELL].map(kept.set_index(CELL)[FROM_DAY])]
        return _renumbered(gaps, both)[_GAPS], kept_gaps[_GAPS], kept

    def _known_scopes(self) -> pd.DataFrame:
        """Return the scopes whose files are still the same and whose members' last days are still there."""
        known = self._state.tables.get("scopes", _empty(_SCOPES))
        same = (self._keyed(known)[list(FILE_KEY)].to_numpy() == known[list(FILE_KEY)].to_numpy()).all(axis=1)
        is_near = known[PHASE] + (known[TO_DAY] + _LAG_DAYS) * DAY_US > self._end
        kept: pd.DataFrame = known[same & is_near.to_numpy()]
        return kept

    def _keyed(self, scopes: pd.DataFrame) -> pd.DataFrame:
        """Return scopes with the key of the files from which a gap in their latest days could come; older ones go."""
        first = scopes[[FROM_DAY]].assign(last=scopes[TO_DAY] - N_DAYS).max(axis=1).astype("int64")
        start, end = (scopes[PHASE] + day * DAY_US for day in (first, scopes[TO_DAY]))
        keyed = scopes.assign(**{FROM_DAY: first})
        keyed[list(FILE_KEY)] = self._keys.between(start.to_numpy("int64"), end.to_numpy("int64"))
        return keyed[_SCOPES]

    def _numbered(self, numbers: "pd.Series[int]", is_known: "pd.Series[bool]") -> "pd.Series[int]":
        """Give new numbers to what is not known."""
        found = numbers.where(is_known, 0).astype("int64")
        found[~is_known] = np.asarray(self._state.numbers(int((~is_known).sum())), dtype=np.int64)
        return found


def _span(known: pd.DataFrame) -> pd.DataFrame:
    """Return the number of each known launch, and its first day that was not counted."""
    last = known.groupby(LAUNCH, as_index=False).agg(number=(CELL, "first"), next=(DAY, "max"))
    return last.assign(next=last["next"] + 1)


def _renumbered(counted: pd.DataFrame, asked: pd.DataFrame) -> pd.DataFrame:
    """Put the numbers asked with in place of the state's."""
    pairs = asked[[CELL, "number"]].rename(columns={CELL: "asked"})
    answer = counted.merge(pairs, left_on=CELL, right_on="number")
    return answer.assign(**{CELL: answer["asked"]})


def _empty(columns: Sequence[str]) -> pd.DataFrame:
    text, real = {*CELL_KEY}, set(_POSITIONS)
    kinds = {name: "str" if name in text else "float64" if name in real else "int64" for name in columns}
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in kinds.items()})
