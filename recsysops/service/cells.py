"""What is upcoming: a title that launches in a market on a surface, and the metadata that holds there."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import pandas as pd

from recsysops.columns import (
    ALL,
    CELL,
    CELL_KEY,
    FIELDS,
    LAUNCH_AT,
    LAUNCH_STATUS,
    MARKET,
    NAME,
    OBSERVED_AT,
    PLANNED,
    PREVIOUS_LAUNCH_AT,
    PROVIDER,
    SERIES_ID,
    TITLE_ID,
    TITLES,
)
from recsysops.service.ports import UnitOfWork


def upcoming_cells(unit: UnitOfWork, as_of: datetime, days: int) -> pd.DataFrame:
    """Return the cells that launch in (as_of, as_of + days], as known at `as_of`.

    Returns:
        Columns CELL, by launch time, title, market, surface. A title without metadata is there, without a name.
    """
    launches = unit.versions.known("launches", as_of)
    until = as_of + timedelta(days=days)
    is_upcoming = (launches[LAUNCH_STATUS] == PLANNED) & (launches[LAUNCH_AT] > as_of) & (launches[LAUNCH_AT] <= until)
    cells = launches[is_upcoming].drop(columns=OBSERVED_AT)
    cells = cells.merge(_previous(unit, cells, as_of), on=list(CELL_KEY), how="left")
    titles = unit.versions.known(TITLES, as_of)
    general = titles[titles[MARKET] == ALL][[TITLE_ID, NAME, SERIES_ID, PROVIDER]]
    cells = cells.merge(general, on=TITLE_ID, how="left")
    return cells.sort_values([LAUNCH_AT, *CELL_KEY])[list(CELL)].reset_index(drop=True)


def _previous(unit: UnitOfWork, cells: pd.DataFrame, as_of: datetime) -> pd.DataFrame:
    """Return the launch time before the last move of each cell that moved."""
    history = unit.versions.history("launches", sorted(set(cells[TITLE_ID])))
    history = history[history[OBSERVED_AT] <= as_of].sort_values([*CELL_KEY, OBSERVED_AT])
    before = history.groupby(list(CELL_KEY))[LAUNCH_AT].shift()
    moved = history[before.notna() & (before != history[LAUNCH_AT])].assign(**{PREVIOUS_LAUNCH_AT: before})
    return moved.drop_duplicates(list(CELL_KEY), keep="last")[[*CELL_KEY, PREVIOUS_LAUNCH_AT]]


def launch_states(unit: UnitOfWork, as_of: datetime) -> dict[tuple[str, str, str], str]:
    """Return `planned`, `launched` or `withdrawn` for every cell known at `as_of`."""
    launches = unit.versions.known("launches", as_of)
    state = pd.Series("planned", index=launches.index, dtype="str")
    state[launches[LAUNCH_AT] <= as_of] = "launched"
    state[launches[LAUNCH_STATUS] != PLANNED] = "withdrawn"
    keys = zip(*(launches[column] for column in CELL_KEY), strict=True)
    return dict(zip(keys, state, strict=True))


def cell_metadata(cells: pd.DataFrame, titles: pd.DataFrame) -> pd.DataFrame:
    """Return the metadata that holds in each cell: the general row, overridden field by field by the market's row.

    Args:
        cells: CELL.
        titles: TITLE_VERSION, one row per title and market.

    Returns:
        Columns CELL_KEY, PROVIDER and one per metadata field; rows as in `cells`. `name` and `series_id` are fields
        too, where some title has them.
    """
    fields = _fields_by_key(titles)
    rows: list[Mapping[str, object]] = []
    for title_id, market in zip(cells[TITLE_ID], cells[MARKET], strict=True):
        rows.append({**fields.get((title_id, ALL), {}), **fields.get((title_id, market), {})})
    frame = pd.DataFrame(rows, index=cells.index)
    return pd.concat([cells[[*CELL_KEY, PROVIDER]], frame.drop(columns=[*CELL_KEY, PROVIDER], errors="ignore")], axis=1)


def _fields_by_key(titles: pd.DataFrame) -> dict[tuple[str, str], dict[str, object]]:
    fields = {}
    columns = (titles[c] for c in (TITLE_ID, MARKET, NAME, SERIES_ID, FIELDS))
    for title_id, market, name, series, values in zip(*columns, strict=True):
        named = {NAME: name} if isinstance(name, str) else {}
        if isinstance(series, str):
            named[SERIES_ID] = series
        fields[title_id, market] = {**named, **values}
    return fields
