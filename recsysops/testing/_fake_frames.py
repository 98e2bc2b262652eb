"""The fake store's frames: versions, treatment, results. Plain pandas, written apart from the SQL it stands for."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

import pandas as pd

from recsysops import columns as c
from recsysops.domain.measure import Measure
from recsysops.domain.model import BacktestScore
from recsysops.errors import StoreError
from recsysops.store.frames import (
    RESULT_COLUMNS,
    VERSION_COLUMNS,
    VERSION_KEYS,
    empty_frame,
    is_storable,
    micros,
    plain_columns,
    typed_frame,
)

VersionTable = Literal["titles", "launches", "expectations"]
ResultTable = Literal["predictions", "expectations", "checks", "verdicts", "findings", "cells"]


@dataclass(frozen=True)
class _Version:
    row: tuple[Any, ...]
    """Stored values, in the order of VERSION_COLUMNS."""
    batch_id: str
    loaded_at: datetime


@dataclass
class FrameState:
    """All frames; none is ever changed in place."""

    versions: dict[str, list[_Version]] = field(default_factory=dict)
    days: pd.DataFrame = field(default_factory=lambda: empty_frame(c.TREATMENT_DAY, "treatment_day"))
    activity: pd.DataFrame = field(default_factory=lambda: empty_frame(c.ACTIVITY, "activity"))
    results: dict[tuple[str, datetime], pd.DataFrame] = field(default_factory=dict)
    runs: dict[tuple[str, datetime], str] = field(default_factory=dict)
    """Which run made which results."""
    scores: dict[str, tuple[BacktestScore, ...]] = field(default_factory=dict)
    """Of backtests by run, the latest last."""
    changes: list[_Version] = field(default_factory=list)
    launch_scores: list[dict[str, Any]] = field(default_factory=list)
    """Rows of LAUNCH_SCORE in the order they were added."""
    shadow: dict[tuple[int, str, str, str], tuple[Any, ...]] = field(default_factory=dict)
    """Stored values of SHADOW_SCORE by AS_OF and cell."""
    relabelled: dict[tuple[int, str, str, str, str], tuple[Any, ...]] = field(default_factory=dict)
    """Stored values of RELABELLED by AS_OF, cell and fields dropped."""
    shadow_changes: int = 0

    def copied(self) -> "FrameState":
        """Return a copy that can be changed apart from this one."""
        versions = {table: list(kept) for table, kept in self.versions.items()}
        results, runs, scores = dict(self.results), dict(self.runs), dict(self.scores)
        return FrameState(
            versions, self.days, self.activity, results, runs, scores, list(self.changes), list(self.launch_scores),
            dict(self.shadow), dict(self.relabelled), self.shadow_changes,
        )  # fmt: skip

    def batch_ids(self) -> set[str]:
        """Return the batches that versions and changes refer to."""
        return {version.batch_id for kept in (*self.versions.values(), self.changes) for version in kept}


class FakeVersions:
    """See `VersionRepository`."""

    def __init__(self, state: FrameState) -> None:
        """Work on `state`."""
        self._state = state

    def add(self, table: VersionTable, rows: pd.DataFrame, batch_id: str, loaded_at: datetime) -> int:
        """Add versions; return how many were new."""
        kept = self._state.versions.setdefault(table, [])
        return _add_once(kept, plain_columns(rows, VERSION_COLUMNS[table], table), batch_id, loaded_at)

    def known(self, table: VersionTable, as_of: datetime | None = None) -> pd.DataFrame:
        """Return one row per key as known at `as_of`."""
        frame = self._frame(table)
        if as_of is not None:
            frame = frame[frame[c.OBSERVED_AT] <= as_of]
        return _last(frame, VERSION_KEYS[table])[list(VERSION_COLUMNS[table])]

    def history(self, table: VersionTable, title_ids: Sequence[str] | None = None) -> pd.DataFrame:
        """Return every version, by key and observed_at, with LOADED_AT as last column."""
        frame = self._frame(table)
        if title_ids is not None:
            frame = frame[frame[c.TITLE_ID].isin([title_id for title_id in title_ids if is_storable(title_id)])]
        return _last(frame, (*VERSION_KEYS[table], c.OBSERVED_AT))

    def _frame(self, table: str) -> pd.DataFrame:
        kept, names = self._state.versions.get(table, []), VERSION_COLUMNS[table]
        lists = zip(*(version.row for version in kept), strict=True) if kept else ([] for _ in names)
        loaded = pd.Series([version.loaded_at for version in kept], dtype="datetime64[us, UTC]")
        return typed_frame(lists, names, table).assign(**{c.LOADED_AT: loaded})


def _add_once(kept: list[_Version], lists: list[list[Any]], batch_id: str, loaded_at: datetime) -> int:
    micros(loaded_at)  # refuses a time without a zone
    seen = {version.row for version in kept}
    given = dict.fromkeys(zip(*lists, strict=True))
    new = [_Version(row, batch_id, loaded_at) for row in given if row not in seen]
    kept += new
    return len(new)


def _last(frame: pd.DataFrame, key: Sequence[str]) -> pd.DataFrame:
    ordered = frame.sort_values([c.OBSERVED_AT, c.LOADED_AT], kind="stable")
    return ordered.drop_duplicates(list(key), keep="last").sort_values(list(key)).reset_index(drop=True)


class FakeChanges:
    """See `ChangeRepository`."""

    def __init__(self, state: FrameState) -> None:
        """Work on `state`."""
        self._state = state

    def add(self, rows: pd.DataFrame, batch_id: str, loaded_at: datetime) -> int:
        """Add CHANGE rows; return how many were new."""
        return _add_once(self._state.changes, plain_columns(rows, c.CHANGE, c.CHANGES), batch_id, loaded_at)

    def list(
        self,
        *,
        title_id: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 1000,
    ) -> pd.DataFrame:
        """Return CHANGE, latest first, of these the last added first."""
        lists = list(zip(*(each.row for each in self._state.changes), strict=True)) or [() for _ in c.CHANGE]
        frame = typed_frame(lists, c.CHANGE, c.CHANGES)[::-1].sort_values(c.TS, ascending=False, kind="stable")
        if title_id is not None:
            of_title = frame[c.TITLE_ID].isin([title_id] if is_storable(title_id) else [])
            frame = frame[of_title | frame[c.TITLE_ID].isna()]
        frame = frame if since is None else frame[frame[c.TS] >= since]
        frame = frame if until is None else frame[frame[c.TS] <= until]
        return frame.head(limit).reset_index(drop=True)


class FakeTreatment:
    """See `TreatmentRepository`."""

    def __init__(self, state: FrameState) -> None:
        """Work on `state`."""
        self._state = state

    def replace(self, signal: str, days: pd.DataFrame, activity: pd.DataFrame, cells: pd.DataFrame) -> None:
        """Replace the days of the cells (columns CELL_KEY) and the activity of their windows by these."""
        days, activity = _own(days, c.TREATMENT_DAY, "treatment_day"), _own(activity, c.ACTIVITY, "activity")
        window = [c.MARKET, c.SURFACE, c.START_AT]
        parts = [days.rename(columns={c.LAUNCH_AT: c.START_AT})[window], activity[window]]
        if c.LAUNCH_AT in cells.columns:
            parts.append(_own(cells, (c.MARKET, c.SURFACE, c.LAUNCH_AT), "cells").set_axis(window, axis="columns"))
        before, windows = self._state.days, pd.concat(parts)
        stay = (before[c.SIGNAL] != signal) | ~_is_in(before, cells, c.CELL_KEY)
        self._state.days = pd.concat([before[stay], days], ignore_index=True)
        active = self._state.activity
        stay = (active[c.SIGNAL] != signal) | ~_is_in(active, windows, window)
        self._state.activity = pd.concat([active[stay], activity], ignore_index=True)
        for frame, key in ((self._state.days, (*c.CELL_KEY, c.SIGNAL, c.DAY)), (self._state.activity, c.ACTIVITY[:5])):
            if frame.duplicated(list(key)).any():
                raise StoreError("The store refused a change: a day or window is there twice. Give each one once.")

    def days(self, title_id: str) -> pd.DataFrame:
        """Return TREATMENT_DAY of one title, by market, surface, signal and day."""
        frame = self._state.days[self._state.days[c.TITLE_ID].isin([title_id] if is_storable(title_id) else [])]
        return frame.sort_values([c.MARKET, c.SURFACE, c.SIGNAL, c.DAY]).reset_index(drop=True)

    def outcomes(self, measures: Sequence[str], horizons: Sequence[int]) -> pd.DataFrame:
        """Return OUTCOMES of every complete window."""
        rows = [
            row
            for (_, window), days in self._windows(horizons)
            for measure in measures
            if (row := _outcome(Measure(measure), window, days)) is not None
        ]
        if not rows:
            return empty_frame(c.OUTCOMES, "outcomes")
        frame = _own(pd.DataFrame(rows, columns=list(c.OUTCOMES)), c.OUTCOMES, "outcomes")
        return frame.sort_values(list(c.TARGET_KEY)).reset_index(drop=True)

    def _windows(self, horizons: Sequence[int]) -> list[tuple[tuple[Any, pd.Series], pd.DataFrame]]:
        """Return (cell, window) with the days of the cell that fall into the window."""
        found = []
        for cell, days in self._state.days.groupby([*c.CELL_KEY, c.SIGNAL, c.LAUNCH_AT]):
            _, market, surface, signal, launch_at = cell
            active = self._state.activity
            same = active[[c.MARKET, c.SURFACE, c.SIGNAL]] == [market, surface, signal]
            mask = same.all(axis="columns") & (active[c.START_AT] == launch_at) & active[c.HORIZON].isin(list(horizons))
            for _, window in active[mask].iterrows():
                within = days[days[c.DAY] < window[c.HORIZON]]
                found += [((cell, window), within)] if len(within) else []
        return found


def _outcome(measure: Measure, window: "pd.Series[Any]", days: pd.DataFrame) -> tuple[Any, ...] | None:
    is_share = measure is Measure.IMPRESSION_SHARE
    denominator = float(window[c.N_EVENTS if is_share else c.N_ACTIVE])
    if window[c.SIGNAL] != measure.signal or denominator <= 0:
        return None
    numerator = float(days[c.EVENTS if is_share else c.NEW_MEMBERS].sum())
    horizon, launch_at = int(window[c.HORIZON]), window[c.START_AT]
    is_partial = bool(window[c.IS_PARTIAL] or days[c.IS_PARTIAL].any() or len(days) < horizon)
    cell = tuple(days.iloc[0][list(c.CELL_KEY)])
    known_at = launch_at + pd.Timedelta(days=horizon)
    return (
        *cell,
        str(measure),
        horizon,
        launch_at,
        known_at,
        numerator / denominator,
        numerator,
        denominator,
        is_partial,
    )


def _own(frame: pd.DataFrame, names: Sequence[str], table: str) -> pd.DataFrame:
    """Return what a store would give back for `frame`: a copy, typed."""
    return typed_frame(plain_columns(frame, names, table), names, table)


def _is_in(frame: pd.DataFrame, others: pd.DataFrame, key: Sequence[str]) -> "pd.Series[bool]":
    wanted = set(others[list(key)].itertuples(index=False, name=None))
    found = [row in wanted for row in frame[list(key)].itertuples(index=False, name=None)]
    return pd.Series(found, index=frame.index, dtype="bool")


class FakeResults:
    """See `ResultRepository`."""

    def __init__(self, state: FrameState) -> None:
        """Work on `state`."""
        self._state = state

    def save(self, table: ResultTable, frame: pd.DataFrame, run_id: str, as_of: datetime) -> None:
        """Replace the results of this table at `as_of`."""
        micros(as_of)  # refuses a time without a zone
        at = pd.Series([as_of] * len(frame), index=frame.index, dtype="datetime64[us, UTC]")
        kept = _own(frame.assign(**{c.AS_OF: at}), RESULT_COLUMNS[table], table)
        if table == c.CELLS and kept.duplicated(list(c.CELL_KEY)).any():
            raise StoreError("The store refused a change: a cell is there twice. Give each one once.")
        self._state.results[table, as_of.astimezone(UTC)] = kept
        self._state.runs[table, as_of.astimezone(UTC)] = run_id

    def load(
        self, table: ResultTable, as_of: datetime | None = None, *, title_ids: Sequence[str] | None = None
    ) -> pd.DataFrame:
        """Return the results at the latest as_of <= the given one (None: the latest), with AS_OF as a column."""
        if as_of is not None:
            micros(as_of)
        times = [at for name, at in self._state.results if name == table and (as_of is None or at <= as_of)]
        if not times:
            return empty_frame(RESULT_COLUMNS[table], table)
        frame = self._state.results[table, max(times)]
        if title_ids is not None:
            frame = frame[frame[c.TITLE_ID].isin([title_id for title_id in title_ids if is_storable(title_id)])]
        return frame.reset_index(drop=True)

    def save_scores(self, run_id: str, scores: Sequence[BacktestScore]) -> None:
        """Keep a backtest's scores."""
        self._state.scores.pop(run_id, None)
        self._state.scores[run_id] = tuple(scores)

    def scores(self) -> tuple[BacktestScore, ...]:
        """Return the latest backtest's scores."""
        return next(reversed(self._state.scores.values()), ())
