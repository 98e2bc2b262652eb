"""Registered log files to treatment days and activity: picks the files, runs the two expressions, adds the zeros."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import numpy as np
import pandas as pd

from recsysops.columns import (
    ACTIVITY,
    CELL_KEY,
    DAY,
    EVENTS,
    HORIZON,
    IS_PARTIAL,
    LAUNCH_AT,
    MARKET,
    N_ACTIVE,
    N_EVENTS,
    NEW_MEMBERS,
    SIGNAL,
    START_AT,
    SURFACE,
    TREATMENT_DAY,
)  # fmt: skip
from recsysops.domain.batch import LogFile
from recsysops.domain.measure import HORIZONS
from recsysops.events._passes import in_passes, rows_between
from recsysops.events.coverage import DAY_US, N_DAYS, Coverage, coverage_of, microseconds
from recsysops.events.engine import DuckDBEngine, EngineLimits, duckdb_engine, is_unchanged

_CELL_AND_LAUNCH: Final = [*CELL_KEY, LAUNCH_AT]
_WINDOW: Final = [MARKET, SURFACE, START_AT]


class IbisAggregator:
    """The port `Aggregator` on the embedded engine."""

    def __init__(self, limits: EngineLimits) -> None:
        self._limits = limits

    def aggregate(
        self, files: Sequence[LogFile], launches: pd.DataFrame, signal: str, until: datetime
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Count treatment per 24-hour day since launch, and activity per launch window.

        A day counts when it ends at or before `until` and lies between the first and the last moment the files cover;
        days before the first file are left out. It is partial when anything between the launch and the day's end is
        missing, as a member first seen later may have been shown the title in the hole.

        Args:
            files: The files of `signal` that count (none superseded).
            launches: Columns CELL_KEY and LAUNCH_AT: the windows wanted. `all` matches every market or surface.
            signal: `impressions` or `interactions`.
            until: Days and windows that end after this are left out.

        Returns:
            (TREATMENT_DAY, ACTIVITY), in the order of `launches`, days ascending. A cell shown to nobody on a day has a
            row with zeros; positions are missing there and wherever the log has none.
        """
        present = [file for file in files if is_unchanged(file)]
        kept = {file.batch_id for file in present}
        coverage = coverage_of(present, [file for file in files if file.batch_id not in kept])
        wanted = launches[_CELL_AND_LAUNCH].drop_duplicates().reset_index(drop=True)
        wanted[LAUNCH_AT] = _to_microseconds(wanted[LAUNCH_AT])
        if coverage is None or wanted.empty:
            return _typed_days(wanted.iloc[:0], signal), _typed_activity(wanted.iloc[:0], signal)
        end = min(coverage.end, microseconds(until))
        days = _all_days(wanted, coverage, end)
        windows = _all_windows(wanted, coverage, end)
        counted = days[_CELL_AND_LAUNCH].drop_duplicates()
        readable = rows_between(present, counted[LAUNCH_AT])
        if readable:
            with duckdb_engine(self._limits) as engine:
                passes = in_passes(counted, readable, self._limits.rows_per_pass)
                treated = [_treatment(engine, files, launched) for launched, files in passes]
                days = days.merge(pd.concat(treated), how="left", on=[*_CELL_AND_LAUNCH, DAY])
                windows = windows.merge(_activity(engine, readable, windows), how="left", on=[*_WINDOW, HORIZON])
        return _typed_days(days, signal), _typed_activity(windows, signal)


def _treatment(engine: DuckDBEngine, files: Sequence[LogFile], launches: pd.DataFrame) -> pd.DataFrame:
    from recsysops.events.expressions import treatment_days  # loads Ibis

    return engine.compute(treatment_days(engine.events(files), engine.table("launches_wanted", launches)))


def _activity(engine: DuckDBEngine, files: Sequence[LogFile], windows: pd.DataFrame) -> pd.DataFrame:
    from recsysops.events.expressions import activity  # loads Ibis

    starts = windows[_WINDOW].drop_duplicates()
    return engine.compute(activity(engine.events(files), engine.table("windows_wanted", starts)))


def _all_days(launches: pd.DataFrame, coverage: Coverage, end: int) -> pd.DataFrame:
    """Return every day of every launch that counts, with IS_PARTIAL."""
    days = launches.loc[launches.index.repeat(N_DAYS)].reset_index(drop=True)
    days[DAY] = np.tile(np.arange(N_DAYS), len(launches))
    launched = days[LAUNCH_AT].to_numpy()
    start = launched + days[DAY].to_numpy() * DAY_US
    days[IS_PARTIAL] = coverage.has_hole(launched, start + DAY_US)
    counts = coverage.is_covered(start, start + DAY_US) & (start + DAY_US <= end)
    kept: pd.DataFrame = days[counts].reset_index(drop=True)
    return kept


def _all_windows(launches: pd.DataFrame, coverage: Coverage, end: int) -> pd.DataFrame:
    """Return every launch window and horizon that counts, with IS_PARTIAL."""
    starts = launches.rename(columns={LAUNCH_AT: START_AT})[_WINDOW].drop_duplicates()
    windows = starts.merge(pd.DataFrame({HORIZON: HORIZONS}), how="cross")
    start = windows[START_AT].to_numpy()
    stop = start + windows[HORIZON].to_numpy() * DAY_US
    windows[IS_PARTIAL] = coverage.has_hole(start, stop)
    kept: pd.DataFrame = windows[coverage.is_covered(start, stop) & (stop <= end)].reset_index(drop=True)
    return kept


def _to_microseconds(times: "pd.Series[pd.Timestamp]") -> "pd.Series[int]":
    return times.dt.tz_convert("UTC").astype("datetime64[us, UTC]").astype("int64")


def _typed_days(days: pd.DataFrame, signal: str) -> pd.DataFrame:
    frame = days.reindex(columns=list(TREATMENT_DAY))
    frame[SIGNAL] = signal
    whole = dict.fromkeys((DAY, EVENTS, NEW_MEMBERS), "int64")
    return _typed(frame, LAUNCH_AT, whole)


def _typed_activity(windows: pd.DataFrame, signal: str) -> pd.DataFrame:
    frame = windows.reindex(columns=list(ACTIVITY))
    frame[SIGNAL] = signal
    return _typed(frame, START_AT, dict.fromkeys((HORIZON, N_ACTIVE, N_EVENTS), "int64"))


def _typed(frame: pd.DataFrame, time: str, whole: dict[str, str]) -> pd.DataFrame:
    for name in whole:
        frame[name] = frame[name].fillna(0)
    frame[time] = pd.to_datetime(frame[time].astype("int64"), unit="us", utc=True).astype("datetime64[us, UTC]")
    positions = {name: "float64" for name in frame.columns if name.startswith("position_")}
    typed: pd.DataFrame = frame.astype({**whole, **positions, IS_PARTIAL: "bool"})
    return typed
