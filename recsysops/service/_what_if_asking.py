"""Asks the recommender about a title twice: as it is and as it would be, of the same members. Stores nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
import pandas as pd

from recsysops.columns import (
    CELL_KEY,
    LAUNCH_AT,
    LAUNCH_STATUS,
    LAUNCHES,
    MARKET,
    N_MEMBERS,
    PLANNED,
    REACH_JOINT,
    REASON,
    SURFACE,
    TITLE_ID,
    TITLES,
)
from recsysops.domain.batch import LogFile
from recsysops.domain.shadow import LaunchWindow, MemberSample, windows_of
from recsysops.errors import RecSysOpsError
from recsysops.service._what_if_title import KnownTitle
from recsysops.service.context import Context
from recsysops.service.ports import ShadowSession, UnitOfWork
from recsysops.service.shadow import NOT_CONFIGURED, PAST, REPLAY, log_of, nothing, samples_of

NOT_NEEDED: Final = "Nothing was changed: there was nothing to ask."
_SCORE: Final = "score"
_CHANGED: Final = "changed_metadata"

CellPlace = tuple[str, str]
"""Market and surface."""


@dataclass(frozen=True, kw_only=True)
class Sides:
    """A title as it is and as it would be, the same cells on both sides."""

    before: KnownTitle
    after: KnownTitle
    has_fields: bool
    """Whether metadata differ."""
    has_launch: bool
    """Whether a launch differs."""


@dataclass(frozen=True, kw_only=True)
class Said:
    """What the recommender said of both sides; only cells whose two answers can be compared."""

    before: pd.DataFrame
    """SHADOW_SCORE."""
    after: pd.DataFrame
    """SHADOW_SCORE of the same cells."""
    version: str = ""
    reasons: Mapping[CellPlace, str] = field(default_factory=dict)
    """Why there is no answer, by cell left out."""

    @classmethod
    def silent(cls, places: list[CellPlace], reason: str) -> "Said":
        """Return that nothing was said, and why."""
        return cls(before=nothing(), after=nothing(), reasons=dict.fromkeys(places, reason))


@dataclass(frozen=True)
class Surroundings:
    """What else is known: read before anybody is asked, so that no transaction is open while the recommender thinks."""

    launches: pd.DataFrame
    """LAUNCH_VERSION, one row per cell."""
    titles: list[str]
    """Every title."""
    files: Sequence[LogFile]
    """Of the log that members are drawn from."""

    @classmethod
    def read(cls, context: Context, unit: UnitOfWork, at: datetime) -> "Surroundings":
        """Read it as known at `at`."""
        titles = [str(title) for title in unit.versions.known(TITLES, at)[TITLE_ID].unique()]
        return cls(unit.versions.known(LAUNCHES, at), titles, unit.batches.log_files(log_of(context)))


def ask_twice(context: Context, around: Surroundings, sides: Sides, at: datetime, stands: datetime) -> Said:
    """Ask about both sides where it can be asked; what goes wrong is told and raises nothing.

    Args:
        context: The ports.
        around: The other titles, and the logs.
        sides: What to ask about.
        at: The present.
        stands: The time predictions stand at: members are those of that run, so that their answers compare with it.
    """
    cells = sides.before.cells
    places = list(zip(cells[MARKET], cells[SURFACE], strict=True))
    if not (sides.has_fields or sides.has_launch):
        return Said.silent(places, NOT_NEEDED)
    if context.recommender is None:
        return Said.silent(places, NOT_CONFIGURED)
    limits = context.settings.shadow
    limits = limits.model_copy(update={"total_seconds": min(limits.total_seconds, limits.what_if_seconds)})
    session = context.recommender.session(limits)
    is_replay = context.clock() - at > REPLAY
    if unable := _unable(session, is_replay=is_replay):
        return Said.silent(places, unable)
    samples, failed = _samples(context, around, session, set(places), stands)
    if failed:
        return Said.silent(places, failed)
    windows = _Windows(context, around, sides, (at, stands), stands if is_replay else None)
    return _compared(session, windows.of(sides.before), windows.of(sides.after), samples)


def _unable(session: ShadowSession, *, is_replay: bool) -> str:
    """Return why it cannot be asked about changes; empty where it can."""
    if session.reason:
        return f"The recommender cannot be asked: {session.reason}"
    needed = [_SCORE, _CHANGED, *([PAST] if is_replay else [])]
    lacking = [ability for ability in needed if ability not in session.abilities]
    return f"The recommender cannot be asked about changes: it lacks the ability {lacking[0]}." if lacking else ""


def _samples(
    context: Context, around: Surroundings, session: ShadowSession, places: set[CellPlace], stands: datetime
) -> tuple[Mapping[CellPlace, MemberSample], str]:
    """Draw members; return why nobody can be asked about, where the logs cannot be read."""
    try:
        return samples_of(context, session, around.files, places, stands), ""
    except (RecSysOpsError, OSError) as error:
        return {}, f"No members could be drawn to ask about: {error}"


class _Windows:
    """The launch windows of both sides."""

    def __init__(
        self, context: Context, around: Surroundings, sides: Sides, times: tuple[datetime, datetime],
        known_at: datetime | None,
    ) -> None:  # fmt: skip
        """Take the present and the time predictions stand at; `known_at` is set where the past is asked about."""
        self._around, self._sides, self._known_at = around, sides, known_at
        self._at, self._stands = times
        self._days = context.settings.model.upcoming_days
        self._span = context.settings.shadow.window_days

    def of(self, title: KnownTitle) -> dict[CellPlace, LaunchWindow]:
        """Return the window of each cell of a side: the title alone is asked about, all others compete."""
        launches = self._moved(title)
        until = max(self._at + timedelta(days=self._days), title.cells[LAUNCH_AT].max())
        ahead = (launches[LAUNCH_STATUS] == PLANNED) & (launches[LAUNCH_AT] > self._at)
        upcoming = launches[ahead & (launches[LAUNCH_AT] <= until)]
        keys = pd.MultiIndex.from_frame(upcoming[[MARKET, SURFACE]])
        upcoming = upcoming[keys.isin(pd.MultiIndex.from_frame(title.cells[[MARKET, SURFACE]]))]
        found = {}
        for window in windows_of(upcoming, launches, self._around.titles, self._stands, self._span):
            own = window.cells[TITLE_ID] == title.title_id
            if own.any():
                found[window.market, window.surface] = self._alone(window, title, own)
        return found

    def _alone(self, window: LaunchWindow, title: KnownTitle, own: "pd.Series[bool]") -> LaunchWindow:
        others = {*window.rivals, *window.cells.loc[~own, TITLE_ID]}
        cells = window.cells[own].reset_index(drop=True)
        fields = {title.title_id: title.fields(window.market)} if self._sides.has_fields else {}
        launch: datetime = cells[LAUNCH_AT].iloc[0].to_pydatetime()
        return replace(
            window, cells=cells, rivals=tuple(sorted(others)), known_at=self._known_at, fields=fields,
            launches={title.title_id: launch} if self._sides.has_launch else {},
        )  # fmt: skip

    def _moved(self, title: KnownTitle) -> pd.DataFrame:
        """Return all launches, with those of the side in place of the title's own."""
        own = title.cells[[*CELL_KEY, LAUNCH_AT]].rename(columns={LAUNCH_AT: "_moved"})
        merged = self._around.launches.merge(own, on=list(CELL_KEY), how="left")
        return merged.assign(**{LAUNCH_AT: merged["_moved"].fillna(merged[LAUNCH_AT])}).drop(columns="_moved")


def _compared(
    session: ShadowSession,
    before: Mapping[CellPlace, LaunchWindow],
    after: Mapping[CellPlace, LaunchWindow],
    samples: Mapping[CellPlace, MemberSample],
) -> Said:
    """Ask about each cell twice in a row, and keep what can be compared."""
    kept: list[tuple[pd.DataFrame, pd.DataFrame]] = []
    reasons: dict[CellPlace, str] = {}
    for place, window in before.items():
        sample = samples.get(place)
        pair = session.ask(window, sample), session.ask(after[place], sample)
        if why := _why_not(pair, sample):
            reasons[place] = why
        else:
            kept.append(pair)
    first, second = (
        pd.concat([pair[side] for pair in kept], ignore_index=True) if kept else nothing() for side in (0, 1)
    )
    return Said(before=first, after=second, version=session.version, reasons=reasons)


def _why_not(pair: tuple[pd.DataFrame, pd.DataFrame], sample: MemberSample | None) -> str:
    """Return why two answers cannot be compared; empty where they can: both are about every member of the sample."""
    n = 0 if sample is None else len(sample.members)
    for frame in pair:
        row: Any = frame.iloc[0]
        if n and np.isfinite(row[REACH_JOINT]) and int(row[N_MEMBERS]) == n:
            continue
        said = row[REASON] if isinstance(row[REASON], str) else "it answered for some of the members only."
        return f"The recommender's answer cannot be used: {said}"
    return ""
