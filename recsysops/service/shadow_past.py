"""Ask the recommender about past launches, as it was before them, so that models can learn from its answers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import pandas as pd

from recsysops.columns import (
    AS_OF,
    CELL_KEY,
    LAUNCH_AT,
    LAUNCH_STATUS,
    LAUNCHES,
    LOADED_AT,
    MARKET,
    OBSERVED_AT,
    PLANNED,
    SURFACE,
    TITLE_ID,
    TITLES,
)
from recsysops.domain.batch import LogFile
from recsysops.domain.measure import LEADS
from recsysops.domain.shadow import LaunchWindow, MemberSample, chosen_leads, past_windows_of, planned_in, window_at
from recsysops.domain.verdict import StepOutcome
from recsysops.service.context import Context
from recsysops.service.ports import ShadowSession, UnitOfWork
from recsysops.service.recording import Recorder
from recsysops.service.shadow import (
    NOT_CONFIGURED,
    PAST,
    STEP,
    Answers,
    Samples,
    ShadowReport,
    answered,
    keep_without,
    log_of,
    nothing,
    nothing_said,
    reported,
    said_of,
    samples_of,
    skipped,
)
from recsysops.service.without import CHANGED, Without, ask_without, nothing_without

UNABLE: Final = "The recommender cannot be asked about the past: it lacks the ability past."
_MEMBERS_EVERY: Final = timedelta(days=7)
"""Past members are drawn anew for each such stretch: each drawing reads days of logs."""
_WINDOWS_AT_ONCE: Final = 10
"""Windows that are stored together: what was answered stays when the rest is not."""


_Group = tuple[str, str, datetime, pd.DataFrame]
"""Market, surface, when it is asked about, and the cells."""


def shadow_past(context: Context, *, as_of: datetime | None = None) -> ShadowReport:
    """Ask about launches before `as_of` that were never asked about at their lead, on record as a run of its own."""
    at = context.as_of(as_of)
    recorder = Recorder(context, STEP, at)
    return reported(recorder, shadow_past_into(context, recorder, at))


def shadow_past_into(context: Context, recorder: Recorder, as_of: datetime) -> Answers:
    """Ask about past launches as they were one lead before launch, the latest first, until the time is used up.

    What was answered is stored and not asked again; what was not is asked the next time. Then sampled titles are asked
    about without some of their metadata.
    """
    if context.recommender is None:
        return skipped(recorder, NOT_CONFIGURED)
    with recorder.step(STEP) as step:
        session = context.recommender.session(context.settings.shadow)
        if session.reason or PAST not in session.abilities:
            step.outcome = StepOutcome.SKIPPED
            step.reason = session.reason or UNABLE
            return nothing_said(session.version)
        with context.store.read() as unit:
            known = _Records.of(context, unit, as_of)
        members = _Members(context, session, known)
        frame = _past_frames(context, recorder, session, (known, members))
        without = _without(context, session, (known, members), as_of)
        keep_without(context, without, recorder.run.run_id)
        step.n = int(answered(frame).sum())
        step.reason = said_of(frame, without)
        return Answers(frame, session.version, without)


@dataclass(frozen=True)
class _Records:
    """What the store knows of the past."""

    launches: pd.DataFrame
    """LAUNCH_VERSION, every version, by cell and then by when it was known."""
    first_known: "pd.Series[pd.Timestamp]"
    """When each title was first known, by title."""
    asked: pd.DataFrame
    """SHADOW_SCORE, rows with an answer."""
    past: pd.DataFrame
    """LAUNCH_VERSION, launches that have been."""
    files: Sequence[LogFile]

    @classmethod
    def of(cls, context: Context, unit: UnitOfWork, as_of: datetime) -> "_Records":
        """Read them."""
        launches = unit.versions.known(LAUNCHES, as_of)
        past = launches[(launches[LAUNCH_STATUS] == PLANNED) & (launches[LAUNCH_AT] <= as_of)]
        titles, said = unit.versions.history(TITLES), unit.shadow.all()
        first = titles.groupby(TITLE_ID)[OBSERVED_AT].min()
        files = unit.batches.log_files(log_of(context))
        launches = unit.versions.history(LAUNCHES)
        launches = launches.sort_values([*CELL_KEY, OBSERVED_AT, LOADED_AT], kind="stable")
        return cls(launches, first, said[answered(said)], past, files)

    def window(self, group: _Group) -> LaunchWindow:
        """Return a window as it was known then."""
        market, surface, asked_at, cells = group
        then = self.launches[self.launches[OBSERVED_AT] <= asked_at]
        then = then.drop_duplicates(list(CELL_KEY), keep="last")
        titles = self.first_known.index[self.first_known <= asked_at]
        unscheduled = tuple(sorted(set(titles) - set(then[TITLE_ID]) - set(cells[TITLE_ID])))
        last: datetime = cells[LAUNCH_AT].iloc[-1].to_pydatetime()
        there = planned_in(then, market, surface)
        window = window_at((market, surface), cells, there, (last, asked_at), unscheduled)
        return replace(window, known_at=asked_at)


class _Members:
    """Draws members as they were active before a time, anew for each stretch of days."""

    def __init__(self, context: Context, session: ShadowSession, known: _Records) -> None:
        self._context, self._session, self._files = context, session, known.files
        self._places = set(zip(known.past[MARKET], known.past[SURFACE], strict=True))
        self._drawn: tuple[datetime, Samples] | None = None

    def of(self, group: _Group) -> MemberSample | None:
        """Return members to ask about a group."""
        drawn_at = _drawn_at(group[2])
        if self._drawn is None or self._drawn[0] != drawn_at:
            drawn = samples_of(self._context, self._session, self._files, self._places, drawn_at)
            self._drawn = drawn_at, drawn
        return self._drawn[1].get(group[:2])


def _past_frames(
    context: Context, recorder: Recorder, session: ShadowSession, there: tuple[_Records, _Members]
) -> pd.DataFrame:
    known, members = there
    groups = _groups(known.past, known.asked, context.settings.shadow.window_days)
    kept: list[pd.DataFrame] = []
    stored = 0
    for done, group in enumerate(groups):
        context.progress("shadow of the past", done / len(groups))
        kept.append(session.ask(known.window(group), members.of(group)))
        if len(kept) - stored == _WINDOWS_AT_ONCE:
            _keep(context, kept[stored:], recorder.run.run_id)
            stored = len(kept)
        if session.is_over:
            break
    _keep(context, kept[stored:], recorder.run.run_id)
    context.progress("shadow of the past", 1.0)
    return pd.concat(kept, ignore_index=True) if kept else nothing()


def _without(
    context: Context, session: ShadowSession, there: tuple[_Records, _Members], as_of: datetime
) -> pd.DataFrame:
    """Ask about past launches without some of their metadata, the latest first."""
    known, members = there
    if CHANGED not in session.abilities:
        return nothing_without()
    with context.store.read() as unit:
        without = Without(context, unit, known.past, as_of)
    groups = _groups(known.past, known.asked.iloc[:0], context.settings.shadow.window_days)
    wanted = (group for group in groups if without.concerns(group[3]))
    return ask_without(context, session, without, ((known.window(group), members.of(group)) for group in wanted))


def _keep(context: Context, frames: Sequence[pd.DataFrame], run_id: str) -> None:
    if not frames:
        return
    frame = pd.concat(frames, ignore_index=True)
    with context.store.write() as unit:
        unit.shadow.add(frame[answered(frame)], run_id)
        unit.commit()


def _groups(past: pd.DataFrame, known: pd.DataFrame, window_days: float) -> list[_Group]:
    """Return windows of past launches that were not asked about at their lead, the latest first."""
    past = past.reset_index(drop=True)
    leads = chosen_leads(*(list(past[column]) for column in CELL_KEY))
    groups: list[_Group] = []
    for lead in LEADS:
        own = past[leads == lead]
        groups += past_windows_of(own[~_was_asked(own, known, lead, window_days)], lead, window_days)
    return sorted(groups, key=lambda group: (group[2], group[:2]), reverse=True)


def _was_asked(past: pd.DataFrame, known: pd.DataFrame, lead: int, window_days: float) -> "pd.Series[bool]":
    """Say which launches have an answer that a model would use at their lead, and is not much older."""
    asked = past[[*CELL_KEY, LAUNCH_AT]].reset_index().merge(known[[*CELL_KEY, AS_OF]], on=list(CELL_KEY))
    before = (asked[LAUNCH_AT] - asked[AS_OF]).dt.total_seconds() / 86_400 - lead
    fits = before.between(0, window_days)
    return past.index.to_series().isin(asked.loc[fits, "index"])


def _drawn_at(at: datetime) -> datetime:
    """Return the start of the stretch a time is in: members are drawn from before it."""
    epoch = datetime(1970, 1, 1, tzinfo=at.tzinfo)
    return epoch + (at - epoch) // _MEMBERS_EVERY * _MEMBERS_EVERY
