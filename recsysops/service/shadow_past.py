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
    OBSERVED_AT,
    PLANNED,
    TITLE_ID,
    TITLES,
)
from recsysops.domain.batch import LogFile
from recsysops.domain.measure import LEADS
from recsysops.domain.shadow import LaunchWindow, chosen_leads, past_windows_of, planned_in, window_at
from recsysops.domain.verdict import StepOutcome
from recsysops.service.context import Context
from recsysops.service.ports import ShadowSession, UnitOfWork
from recsysops.service.recording import Recorder
from recsysops.service.shadow import (
    NOT_CONFIGURED,
    PAST,
    STEP,
    Samples,
    ShadowReport,
    answered,
    log_of,
    nothing,
    reported,
    said_of,
    samples_of,
    skipped,
)

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
    return reported(recorder, *shadow_past_into(context, recorder, at))


def shadow_past_into(context: Context, recorder: Recorder, as_of: datetime) -> tuple[pd.DataFrame, str]:
    """Ask about past launches as they were one lead before launch, the latest first, until the time is used up.

    What was answered is stored and not asked again; what was not is asked the next time.
    """
    if context.recommender is None:
        return skipped(recorder, NOT_CONFIGURED)
    with recorder.step(STEP) as step:
        session = context.recommender.session(context.settings.shadow)
        if session.reason or PAST not in session.abilities:
            step.outcome = StepOutcome.SKIPPED
            step.reason = session.reason or UNABLE
            return nothing(), session.version
        frame = _past_frames(context, recorder, session, as_of)
        step.n = int(answered(frame).sum())
        step.reason = said_of(frame)
        return frame, session.version


@dataclass(frozen=True)
class _Records:
    """What the store knows of the past."""

    launches: pd.DataFrame
    """LAUNCH_VERSION, every version, by cell and then by when it was known."""
    first_known: "pd.Series[pd.Timestamp]"
    """When each title was first known, by title."""
    asked: pd.DataFrame
    """SHADOW_SCORE, rows with an answer."""
    files: Sequence[LogFile]

    @classmethod
    def of(cls, context: Context, unit: UnitOfWork) -> "_Records":
        """Read them."""
        titles, said = unit.versions.history(TITLES), unit.shadow.all()
        first = titles.groupby(TITLE_ID)[OBSERVED_AT].min()
        files = unit.batches.log_files(log_of(context))
        launches = unit.versions.history(LAUNCHES)
        launches = launches.sort_values([*CELL_KEY, OBSERVED_AT, LOADED_AT], kind="stable")
        return cls(launches, first, said[answered(said)], files)

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


def _past_frames(context: Context, recorder: Recorder, session: ShadowSession, as_of: datetime) -> pd.DataFrame:
    with context.store.read() as unit:
        known = _Records.of(context, unit)
        launches = unit.versions.known(LAUNCHES, as_of)
    past = launches[(launches[LAUNCH_STATUS] == PLANNED) & (launches[LAUNCH_AT] <= as_of)]
    groups = _groups(past, known.asked, context.settings.shadow.window_days)
    places = {group[:2] for group in groups}
    kept: list[pd.DataFrame] = []
    stored = 0
    samples: tuple[datetime, Samples] | None = None
    for done, group in enumerate(groups):
        context.progress("shadow of the past", done / len(groups))
        drawn_at = _drawn_at(group[2])
        if samples is None or samples[0] != drawn_at:
            samples = drawn_at, samples_of(context, session, known.files, places, drawn_at)
        kept.append(session.ask(known.window(group), samples[1].get(group[:2])))
        if len(kept) - stored == _WINDOWS_AT_ONCE:
            _keep(context, kept[stored:], recorder.run.run_id)
            stored = len(kept)
        if session.is_over:
            break
    _keep(context, kept[stored:], recorder.run.run_id)
    context.progress("shadow of the past", 1.0)
    return pd.concat(kept, ignore_index=True) if kept else nothing()


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
