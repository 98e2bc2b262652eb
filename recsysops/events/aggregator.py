"""Registered log files to treatment days and activity: picks the files, has them counted, adds the zeros."""

from collections.abc import Sequence
from datetime import datetime

import pandas as pd

from recsysops.columns import (
    ACTIVITY,
    DAY,
    EVENTS,
    HORIZON,
    IS_PARTIAL,
    LAUNCH_AT,
    N_ACTIVE,
    N_EVENTS,
    NEW_MEMBERS,
    SIGNAL,
    START_AT,
    TREATMENT_DAY,
)  # fmt: skip
from recsysops.domain.batch import LogFile
from recsysops.events._counting import Counting, Strangers
from recsysops.events._remembering import Remembering
from recsysops.events._wanted import LAUNCH, all_days, all_windows, cells_of, scopes_of, starts_of
from recsysops.events.coverage import coverage_of, is_unchanged, microseconds
from recsysops.events.engine import Engine, EngineLimits, open_engine
from recsysops.events.names import CELL, WINDOW


class IbisAggregator:
    """The port `Aggregator`, on the engine that the limits name."""

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

        Raises:
            EngineError: The engine cannot be started, or cannot read a file as it was checked.
        """
        present = [file for file in files if is_unchanged(file)]
        kept = {file.batch_id for file in present}
        coverage = coverage_of(present, [file for file in files if file.batch_id not in kept])
        wanted = launches[LAUNCH].drop_duplicates().reset_index(drop=True)
        wanted[LAUNCH_AT] = _to_microseconds(wanted[LAUNCH_AT])
        if coverage is None or wanted.empty:
            return _typed_days(wanted.iloc[:0], signal), _typed_activity(wanted.iloc[:0], signal)
        end = min(coverage.end, microseconds(until))
        days = all_days(wanted, coverage, end)
        windows = all_windows(wanted, coverage, end)
        if present and len(days):
            with open_engine(self._limits) as engine:
                days, windows = self._counted(engine, present, (days, windows), (signal, end))
        return _typed_days(days, signal), _typed_activity(windows, signal)

    def _counted(
        self,
        engine: Engine,
        files: Sequence[LogFile],
        wanted: tuple[pd.DataFrame, pd.DataFrame],
        context: tuple[str, int],
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Add the counts to the days and windows wanted."""
        days, windows = wanted
        signal, end = context
        counting, strangers = Counting(engine, files, self._limits), Strangers(engine)
        cells, scopes = cells_of(days), scopes_of(windows, end)
        if self._limits.keeps_state and not self._limits.spark_master:
            remembering = Remembering(engine, counting, self._limits.folder / "state" / signal, files, end)
            counted, gaps = remembering.counted(cells, scopes)
        else:
            counted = counting.treatment(cells, strangers)
            gaps = counting.gaps(scopes, strangers) if len(scopes) else None
        days = days.merge(cells[[*LAUNCH, CELL]], on=LAUNCH).merge(counted, how="left", on=[CELL, DAY])
        if gaps is None:
            return days, windows
        return days, windows.merge(_active(engine, gaps, starts_of(windows, scopes)), how="left", on=[WINDOW, HORIZON])


def _active(engine: Engine, gaps: pd.DataFrame, starts: pd.DataFrame) -> pd.DataFrame:
    from recsysops.events.expressions import activity  # loads Ibis

    lent = engine.lend("activity_by_gap", gaps.astype("int64")), engine.lend("windows_wanted", starts.astype("int64"))
    return engine.compute(activity(*lent))


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
