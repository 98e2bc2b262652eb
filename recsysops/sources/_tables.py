"""Titles, launches and expectations: from text to typed rows, each row accounted for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsysops import columns as c
from recsysops.domain.batch import NOT_POINT_IN_TIME
from recsysops.domain.measure import HORIZONS, Measure
from recsysops.domain.reading import ReadTable
from recsysops.settings import Settings, SourceSettings
from recsysops.sources._account import Account
from recsysops.sources._columns import ColumnPlan, Wanted, map_columns
from recsysops.sources._parse import MISSING_TIME, field_values, numbers, times, to_utc
from recsysops.sources._raw import RawTable

LaunchTimes = Callable[[], Mapping[str, int]]
"""Returns the first launch of every title in the source of launches, in microseconds."""

MAX_CELL: Final = 1024**2
MAX_KEY: Final = 256
UNIT_VALUES: Final = ("share", "members", "impressions")
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
}
_VERSION: Final = {
    c.TITLES: c.TITLE_VERSION,
    c.LAUNCHES: c.LAUNCH_VERSION,
    c.EXPECTATIONS: c.EXPECTATION_VERSION,
}
_KEY: Final = {
    c.TITLES: [c.TITLE_ID, c.MARKET, c.OBSERVED_AT],
    c.LAUNCHES: [*c.CELL_KEY, c.OBSERVED_AT],
    c.EXPECTATIONS: [*c.TARGET_KEY, c.OBSERVED_AT],
}


@dataclass(frozen=True, kw_only=True)
class _Reading:
    """One file on its way from text to rows."""

    raw: RawTable
    plan: ColumnPlan
    source: SourceSettings
    settings: Settings
    account: Account
    texts: Mapping[str, "pd.Series[str]"]
    """Our columns as text without surrounding space."""

    def keep_out(self, mask: npt.NDArray[np.bool_], ours: str, code: str, rule: str = "") -> None:
        self.account.keep_out(mask, self.plan.theirs(ours), code, self.texts[ours], rule)


def read_rows(
    table: str, raw: RawTable, source: SourceSettings, settings: Settings, launch_times: LaunchTimes
) -> ReadTable:
    """Type and account for the rows of one file.

    Args:
        table: `titles`, `launches` or `expectations`.
        raw: The file as text.
        source: How its columns are named.
        settings: For the markets' times.
        launch_times: Asked where times of observation are assumed and the file does not say when its titles launch.

    Raises:
        SourceError: A column is missing or ambiguous.
    """
    reading = _start(table, raw, source, settings)
    frame = pd.DataFrame(index=pd.RangeIndex(len(raw.frame)))
    _check_cells(reading)
    _read_keys(reading, frame, [name for name in _KEY[table] if name in (c.TITLE_ID, c.MARKET, c.SURFACE)])
    if table == c.LAUNCHES:
        _read_launch(reading, frame)
    if table == c.EXPECTATIONS:
        _read_expectation(reading, frame)
    _read_observed_at(table, reading, frame, launch_times)
    content = _read_title(reading, frame) if table == c.TITLES else []
    duplicate = _duplicates(reading, frame, _KEY[table], content)
    rows = frame.loc[reading.account.kept & ~duplicate, list(_VERSION[table])].reset_index(drop=True)
    kept_out = sorted((*raw.quarantined, *reading.account.rows), key=lambda row: row.row)
    return ReadTable(
        rows=rows,
        rows_in=raw.rows_in,
        duplicate=int(duplicate.sum()),
        quarantined=tuple(kept_out),
        label=NOT_POINT_IN_TIME if source.observed_at else "",
    )


def _start(table: str, raw: RawTable, source: SourceSettings, settings: Settings) -> _Reading:
    wanted = _WANTED[table]
    if source.observed_at:
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
    return _Reading(
        raw=raw,
        plan=plan,
        source=source,
        settings=settings,
        account=Account(raw.file, raw.numbers),
        texts=texts,
    )


def _check_cells(reading: _Reading) -> None:
    """Keep out rows with a cell that is too long or that no store can hold."""
    for theirs in (*reading.plan.columns.values(), *reading.plan.fields.values()):
        cells = reading.raw.frame[theirs]
        reading.account.keep_out((cells.str.len() > MAX_CELL).to_numpy(dtype=bool), theirs, "too-long", cells)
        has_nul = cells.str.contains("\x00", regex=False).to_numpy(dtype=bool)
        reading.account.keep_out(has_nul, theirs, "control-character", cells)


def _read_keys(reading: _Reading, frame: pd.DataFrame, keys: Sequence[str]) -> None:
    for name in keys:
        texts = reading.texts[name]
        if name != c.TITLE_ID:
            texts = texts.where(texts != "", c.ALL)
        reading.keep_out((texts == "").to_numpy(dtype=bool), name, "missing-key")
        reading.keep_out((texts.str.len() > MAX_KEY).to_numpy(dtype=bool), name, "too-long")
        frame[name] = texts.astype("str")


def _read_time(reading: _Reading, frame: pd.DataFrame, ours: str) -> npt.NDArray[np.int64]:
    at, code = times(reading.texts[ours], frame[c.MARKET], reading.settings, reading.source.epoch_unit)
    reading.keep_out((reading.texts[ours] == "").to_numpy(dtype=bool), ours, "missing-key")
    for wrong in ("impossible-date", "naive-time"):
        reading.keep_out(np.asarray(code == wrong, dtype=bool), ours, wrong)
    return at


def _read_launch(reading: _Reading, frame: pd.DataFrame) -> None:
    frame[c.LAUNCH_AT] = to_utc(_read_time(reading, frame, c.LAUNCH_AT))
    status = reading.texts[c.LAUNCH_STATUS].str.lower()
    frame[c.LAUNCH_STATUS] = status.where(status != "", c.PLANNED).astype("str")
    _one_of(reading, frame, c.LAUNCH_STATUS, (c.PLANNED, c.CANCELLED))


def _one_of(reading: _Reading, frame: pd.DataFrame, ours: str, values: Sequence[str]) -> None:
    unknown = ~frame[ours].isin(list(values)).to_numpy(dtype=bool)
    reading.keep_out(unknown, ours, "unknown-value", f"One of: {', '.join(values)}.")


def _read_expectation(reading: _Reading, frame: pd.DataFrame) -> None:
    for name, values in ((c.MEASURE, tuple(map(str, Measure))), (c.UNIT, UNIT_VALUES)):
        frame[name] = reading.texts[name].str.lower().astype("str")
        _one_of(reading, frame, name, values)
    horizon = numbers(reading.texts[c.HORIZON])
    known = np.isin(horizon, HORIZONS)
    reading.keep_out(~known, c.HORIZON, "unknown-value", f"One of: {', '.join(map(str, HORIZONS))} (days).")
    frame[c.HORIZON] = np.where(known, horizon, 0).astype("int64")
    for name in (c.LOW, c.BEST, c.HIGH, c.CONFIDENCE):
        frame[name] = numbers(reading.texts[name])
        is_empty = (reading.texts[name] == "").to_numpy(dtype=bool)
        reading.keep_out(is_empty, name, "missing-value")
        reading.keep_out(frame[name].isna().to_numpy() & ~is_empty, name, "not-a-number")
    _check_ranges(reading, frame)
    author = reading.texts[c.AUTHOR]
    frame[c.AUTHOR] = author.where(author != "", "unknown").astype("str")


def _check_ranges(reading: _Reading, frame: pd.DataFrame) -> None:
    low, best, high, sure = (frame[name].to_numpy() for name in (c.LOW, c.BEST, c.HIGH, c.CONFIDENCE))
    reading.keep_out(low < 0, c.LOW, "out-of-range", "At least 0.")
    reading.keep_out((best < low) | (best > high), c.BEST, "out-of-range", "Low <= best <= high.")
    is_share = (frame[c.UNIT] == "share").to_numpy(dtype=bool)
    reading.keep_out(is_share & (high > 1), c.HIGH, "out-of-range", "A share lies between 0 and 1.")
    reading.keep_out((sure <= 0) | (sure >= 1), c.CONFIDENCE, "out-of-range", "A confidence lies between 0 and 1.")
    counted = frame[c.MEASURE].map({str(measure): measure.worth_unit for measure in Measure})
    misfit = ~is_share & (frame[c.UNIT] != counted).to_numpy(dtype=bool)
    reading.keep_out(misfit, c.UNIT, "unknown-value", "Reach and uptake count members, impression_share impressions.")


def _read_observed_at(table: str, reading: _Reading, frame: pd.DataFrame, launch_times: LaunchTimes) -> None:
    if not reading.source.observed_at:
        frame[c.OBSERVED_AT] = to_utc(_read_time(reading, frame, c.OBSERVED_AT))
        return
    days = int(reading.source.observed_at.removeprefix("assume:launch-").removesuffix("d"))
    launched = _launched(table, reading, frame, launch_times)
    at = np.where(launched == MISSING_TIME, _ALWAYS, launched - days * _DAY_US)
    frame[c.OBSERVED_AT] = to_utc(at)


def _launched(table: str, reading: _Reading, frame: pd.DataFrame, launch_times: LaunchTimes) -> npt.NDArray[np.int64]:
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


def _read_title(reading: _Reading, frame: pd.DataFrame) -> list["pd.Series[str]"]:
    """Read name, series, provider and metadata; return the texts that make up the row's content."""
    for name in (c.NAME, c.SERIES_ID, c.PROVIDER):
        frame[name] = reading.texts[name].where(reading.texts[name] != "", None).astype("str")
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
    frame[c.FIELDS] = _mappings(values, len(frame))
    return texts


def _mappings(values: Mapping[str, Sequence[Any]], n: int) -> "pd.Series[Any]":
    names = list(values)
    rows = zip(*values.values(), strict=True) if names else ((),) * n
    return pd.Series(
        [{name: value for name, value in zip(names, row, strict=True) if value is not None} for row in rows],
        dtype=object,
        index=pd.RangeIndex(n),
    )


def _duplicates(
    reading: _Reading, frame: pd.DataFrame, key: list[str], content: Sequence["pd.Series[str]"]
) -> npt.NDArray[np.bool_]:
    """Flag rows that repeat an earlier one; a row that contradicts the first one of its key is quarantined."""
    kept = reading.account.kept.copy()
    rows = frame.loc[kept, [name for name in frame.columns if name != c.FIELDS]]
    parts = {f"{len(rows.columns) + i}": texts[kept] for i, texts in enumerate(content)}
    whole = pd.concat([rows, pd.DataFrame(parts, index=rows.index)], axis=1)
    key_group = rows.groupby(key, sort=False, dropna=False).ngroup()
    whole_group = whole.groupby(list(whole.columns), sort=False, dropna=False).ngroup()
    first = whole_group.groupby(key_group).transform("first")
    repeated = key_group.duplicated()
    duplicate, conflicting = (np.zeros(len(frame), dtype=bool) for _ in range(2))
    duplicate[kept] = repeated & (whole_group == first)
    conflicting[kept] = repeated & (whole_group != first)
    reading.keep_out(conflicting, c.TITLE_ID, "conflicting-duplicate")
    return duplicate
