"""Titles, launches, expectations and changes: from text to typed rows, each row accounted for."""

from collections.abc import Callable, Mapping, Sequence
from itertools import compress
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsysops import columns as c
from recsysops.domain.batch import NOT_POINT_IN_TIME
from recsysops.settings import Settings, SourceSettings
from recsysops.sources._account import Account
from recsysops.sources._columns import Wanted, map_columns
from recsysops.sources._expectations import read_expectation
from recsysops.sources._parse import MISSING_TIME, field_values, times, to_utc
from recsysops.sources._profile import profile_of
from recsysops.sources._raw import RawTable
from recsysops.sources._reading import Reading
from recsysops.sources._typed import TypedTable

LaunchTimes = Callable[[], Mapping[str, int]]
"""Returns the first launch of every title in the source of launches, in microseconds."""

MAX_CELL: Final = 1024**2
MAX_KEY: Final = 256
_DAY_US: Final = 86_400_000_000
_ALWAYS: Final = 0
"""Assumed time of observation of what never launches: 1970, so that it can serve as context."""
_WANTED: Final = {
    c.TITLES: Wanted(
        required=(c.TITLE_ID, c.OBSERVED_AT),
        optional={c.MARKET: c.ALL, c.NAME: "", c.SERIES_ID: "", c.PROVIDER: ""},
        has_fields=True,
    ),
    c.LAUNCHES: Wanted(
        required=(c.TITLE_ID, c.LAUNCH_AT, c.OBSERVED_AT),
        optional={c.MARKET: c.ALL, c.SURFACE: c.ALL, c.LAUNCH_STATUS: c.PLANNED},
    ),
    c.EXPECTATIONS: Wanted(
        required=(c.TITLE_ID, c.MEASURE, c.HORIZON, c.OBSERVED_AT, c.LOW, c.BEST, c.HIGH, c.UNIT),
        optional={c.MARKET: c.ALL, c.SURFACE: c.ALL, c.CONFIDENCE: "0.8", c.AUTHOR: "unknown"},
    ),
    c.CHANGES: Wanted(required=(c.TS, c.KIND, c.WHAT), optional={c.TITLE_ID: "", c.MARKET: ""}),
}
_COLUMNS: Final = {
    c.TITLES: tuple(name for name in c.TITLE_VERSION if name != c.FIELDS),
    c.LAUNCHES: c.LAUNCH_VERSION,
    c.EXPECTATIONS: c.EXPECTATION_VERSION,
    c.CHANGES: c.CHANGE,
}
_KEY: Final = {
    c.TITLES: [c.TITLE_ID, c.MARKET, c.OBSERVED_AT],
    c.LAUNCHES: [*c.CELL_KEY, c.OBSERVED_AT],
    c.EXPECTATIONS: [*c.TARGET_KEY, c.OBSERVED_AT],
    c.CHANGES: [*c.CHANGE],
}


def read_rows(
    table: str, raw: RawTable, source: SourceSettings, settings: Settings, launch_times: LaunchTimes
) -> TypedTable:
    """Type and account for the rows of one file.

    Args:
        table: `titles`, `launches`, `expectations` or `changes`.
        raw: The file as text.
        source: How its columns are named.
        settings: For the markets' times.
        launch_times: Asked where times of observation are assumed and the file does not say when its titles launch.

    Raises:
        SourceError: A column is missing or ambiguous, or too many rows cannot be used.
    """
    reading = _start(table, raw, source, settings)
    frame = pd.DataFrame(index=pd.RangeIndex(len(raw.frame)))
    _check_cells(reading)
    fields: dict[str, Sequence[Any]] = {}
    content: list[pd.Series[str]] = []
    if table == c.CHANGES:
        _read_change(reading, frame)
    else:
        _read_keys(reading, frame, [name for name in _KEY[table] if name in c.CELL_KEY])
        if table == c.LAUNCHES:
            _read_launch(reading, frame)
        if table == c.EXPECTATIONS:
            read_expectation(reading, frame)
        _read_observed_at(table, reading, frame, launch_times)
        if table == c.TITLES:
            fields, content = _read_title(reading, frame)
    duplicate = _duplicates(reading, frame, _KEY[table], content)
    return _typed(table, reading, frame.loc[:, list(_COLUMNS[table])], fields, duplicate)


def _typed(
    table: str,
    reading: Reading,
    frame: pd.DataFrame,
    fields: Mapping[str, Sequence[Any]],
    duplicate: npt.NDArray[np.bool_],
) -> TypedTable:
    accepted = reading.account.kept & ~duplicate
    rows = frame.loc[accepted].reset_index(drop=True)
    is_assumed = bool(reading.source.observed_at) and table != c.CHANGES
    bad = (*reading.raw.quarantined, *reading.account.rows)
    return TypedTable(
        rows=rows,
        fields={name: list(compress(values, accepted)) for name, values in fields.items()},
        rows_in=reading.raw.rows_in,
        duplicate=int(duplicate.sum()),
        quarantined=tuple(sorted(bad, key=lambda row: row.row)),
        label=NOT_POINT_IN_TIME if is_assumed else "",
        profile=profile_of(
            reading.raw,
            len(bad),
            reading.source,
            # Of assumed times nobody can say that they are late or early.
            None if is_assumed else rows[c.TS if table == c.CHANGES else c.OBSERVED_AT],
        ),
    )


def _start(table: str, raw: RawTable, source: SourceSettings, settings: Settings) -> Reading:
    wanted = _WANTED[table]
    if source.observed_at and table != c.CHANGES:
        wanted = Wanted(
            required=tuple(name for name in wanted.required if name != c.OBSERVED_AT),
            optional=wanted.optional,
            has_fields=wanted.has_fields,
        )
    if table == c.LAUNCHES and source.launches_from:
        source = source.model_copy(update={"columns": source.columns | {c.LAUNCH_AT: source.launches_from}})
    plan = map_columns(table, raw.file, list(raw.frame.columns), source, wanted)
    texts = {ours: raw.frame[theirs].str.strip() for ours, theirs in plan.columns.items()}
    texts |= {
        ours: pd.Series(value, index=raw.frame.index, dtype=object)
        for ours, value in plan.constants.items()
        if ours in wanted.required or ours in wanted.optional
    }
    return Reading(
        raw=raw,
        plan=plan,
        source=source,
        settings=settings,
        account=Account(raw.file, raw.numbers),
        texts=texts,
    )


def _check_cells(reading: Reading) -> None:
    """Keep out rows with a cell that is too long or that no store can hold."""
    for theirs in (*reading.plan.columns.values(), *reading.plan.fields.values()):
        cells = reading.raw.frame[theirs]
        reading.account.keep_out((cells.str.len() > MAX_CELL).to_numpy(dtype=bool), theirs, "too-long", cells)
        has_nul = cells.str.contains("\x00", regex=False).to_numpy(dtype=bool)
        reading.account.keep_out(has_nul, theirs, "control-character", cells)


def _read_keys(reading: Reading, frame: pd.DataFrame, keys: Sequence[str]) -> None:
    for name in keys:
        texts = reading.texts[name]
        if name != c.TITLE_ID:
            texts = texts.where(texts != "", c.ALL)
        reading.keep_out((texts == "").to_numpy(dtype=bool), name, "missing-key")
        reading.keep_out((texts.str.len() > MAX_KEY).to_numpy(dtype=bool), name, "too-long")
        frame[name] = texts.astype("str")


def _read_launch(reading: Reading, frame: pd.DataFrame) -> None:
    frame[c.LAUNCH_AT] = to_utc(reading.times(c.LAUNCH_AT, frame[c.MARKET]))
    status = reading.texts[c.LAUNCH_STATUS].str.lower()
    frame[c.LAUNCH_STATUS] = status.where(status != "", c.PLANNED).astype("str")
    reading.expect_one_of(frame[c.LAUNCH_STATUS], c.LAUNCH_STATUS, (c.PLANNED, c.CANCELLED))


def _read_observed_at(table: str, reading: Reading, frame: pd.DataFrame, launch_times: LaunchTimes) -> None:
    if not reading.source.observed_at:
        frame[c.OBSERVED_AT] = to_utc(reading.times(c.OBSERVED_AT, frame[c.MARKET]))
        return
    days = int(reading.source.observed_at.removeprefix("assume:launch-").removesuffix("d"))
    launched = _launched(table, reading, frame, launch_times)
    at = np.where(launched == MISSING_TIME, _ALWAYS, launched - days * _DAY_US)
    frame[c.OBSERVED_AT] = to_utc(at)


def _launched(table: str, reading: Reading, frame: pd.DataFrame, launch_times: LaunchTimes) -> npt.NDArray[np.int64]:
    """Return when each row's title launches: as the row says, as a column of the file says, or as the launches say."""
    if table == c.LAUNCHES:
        return np.asarray(frame[c.LAUNCH_AT].dt.tz_localize(None).to_numpy(), dtype="datetime64[us]").astype(np.int64)
    launches = reading.settings.sources.get("launches")
    column = reading.source.launches_from or (launches.launches_from if launches else None)
    if column in reading.raw.frame.columns:
        texts = reading.raw.frame[column].str.strip()
        return times(texts, frame[c.MARKET], reading.settings, reading.source.epoch_unit)[0]
    known = launch_times()
    return np.asarray([known.get(title_id, MISSING_TIME) for title_id in frame[c.TITLE_ID]], dtype=np.int64)


def _read_title(reading: Reading, frame: pd.DataFrame) -> tuple[dict[str, Sequence[Any]], list["pd.Series[str]"]]:
    """Read name, series and provider; return the metadata, and the texts that make up the row's content."""
    for name in (c.NAME, c.SERIES_ID, c.PROVIDER):
        frame[name] = _or_missing(reading.texts[name])
    values: dict[str, Sequence[Any]] = {}
    texts = []
    for field, theirs in reading.plan.fields.items():
        cells = reading.raw.frame[theirs].str.strip()
        separator = reading.source.lists.get(field, reading.source.lists.get(theirs, reading.raw.lists.get(theirs)))
        values[field], infinite = field_values(cells, separator)
        reading.account.keep_out(infinite, theirs, "not-a-number", cells)
        texts.append(cells)
    constants = {name: value for name, value in reading.plan.constants.items() if name not in reading.texts}
    for field, value in constants.items():
        values[field], _ = field_values(
            pd.Series(value, index=frame.index, dtype=object), reading.source.lists.get(field)
        )
    return values, texts


def _read_change(reading: Reading, frame: pd.DataFrame) -> None:
    for name in (c.TITLE_ID, c.MARKET):
        reading.keep_out((reading.texts[name].str.len() > MAX_KEY).to_numpy(dtype=bool), name, "too-long")
        frame[name] = _or_missing(reading.texts[name])
    frame[c.TS] = to_utc(reading.times(c.TS, frame[c.MARKET]))
    for name in (c.KIND, c.WHAT):
        reading.expect_filled(name, "missing-value")
        frame[name] = reading.texts[name].astype("str")


def _or_missing(texts: "pd.Series[str]") -> "pd.Series[str]":
    return texts.where(texts != "", None).astype("str")


def _duplicates(
    reading: Reading, frame: pd.DataFrame, key: list[str], content: Sequence["pd.Series[str]"]
) -> npt.NDArray[np.bool_]:
    """Flag rows that repeat an earlier one; a row that contradicts the first one of its key is quarantined."""
    kept = reading.account.kept
    key_group = frame.loc[kept, key].groupby(key, sort=False, dropna=False).ngroup()
    again = key_group[key_group.duplicated(keep=False)]
    whole = pd.concat(
        [frame.loc[again.index], *(texts[again.index].rename(i) for i, texts in enumerate(content))], axis=1
    )
    whole_group = whole.groupby(list(whole.columns), sort=False, dropna=False).ngroup()
    is_first = ~again.duplicated().to_numpy(dtype=bool)
    is_same = (whole_group == whole_group.groupby(again).transform("first")).to_numpy(dtype=bool)
    duplicate, conflicting = (np.zeros(len(frame), dtype=bool) for _ in range(2))
    duplicate[again.index] = ~is_first & is_same
    conflicting[again.index] = ~is_first & ~is_same
    reading.keep_out(conflicting, key[0], "conflicting-duplicate")
    return duplicate
