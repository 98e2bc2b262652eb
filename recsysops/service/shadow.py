"""Ask the recommender what it would do with upcoming cells, or would have done with past ones."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

import pandas as pd

from recsysops.columns import (
    CANDIDATE_SHARE,
    ELIGIBLE_SHARE,
    IMPRESSIONS,
    INTERACTIONS,
    LAUNCH_AT,
    LAUNCHES,
    REACH_JOINT,
    REASON,
    SHADOW_SCORE,
    TITLE_ID,
    TITLES,
)
from recsysops.domain.batch import LogFile
from recsysops.domain.run import Run, StepReport
from recsysops.domain.shadow import LaunchWindow, MemberSample, windows_of
from recsysops.domain.verdict import StepOutcome
from recsysops.service.cells import upcoming_cells
from recsysops.service.context import Context
from recsysops.service.ports import ShadowSession, UnitOfWork
from recsysops.service.recording import Recorder
from recsysops.service.without import CHANGED, Without, ask_without, is_learnable, nothing_without

STEP: Final = "shadow"
NOT_CONFIGURED: Final = "The settings have no [recommender]: nobody can be asked."
REPLAY: Final = timedelta(days=1)
"""A run that stands further back than this asks a recommender about its past."""
_SOON: Final = timedelta(days=7)
"""Launches so near are asked about without some metadata: once each where runs are no rarer."""
_NUMBERS: Final = [ELIGIBLE_SHARE, CANDIDATE_SHARE, REACH_JOINT]
_N_REASONS: Final = 3
_NEEDS_MEMBERS: Final = frozenset({"score", "candidates"})
PAST: Final = "past"

Samples = Mapping[tuple[str, str], MemberSample]


@dataclass(frozen=True)
class ShadowReport:
    """What the recommender was asked, and what it did not answer."""

    run: Run
    n_cells: int
    """Cells asked about."""
    n_answered: int
    """Of these, cells with a number."""
    reasons: Mapping[str, int] = field(default_factory=dict)
    """Why numbers are missing, to cells."""
    version: str = ""
    """The recommender's model."""
    n_without: int = 0
    """Answers about a launch without some of its metadata."""


@dataclass(frozen=True)
class Answers:
    """What one run of asking brought."""

    frame: pd.DataFrame
    """SHADOW_SCORE."""
    version: str
    """The recommender's model."""
    without: pd.DataFrame
    """RELABELLED."""


def shadow(context: Context, *, as_of: datetime | None = None) -> ShadowReport:
    """Ask about every cell that launches within `model.upcoming_days`, on record as a run of its own."""
    at = context.as_of(as_of)
    recorder = Recorder(context, STEP, at)
    return reported(recorder, shadow_into(context, recorder, at))


def reported(recorder: Recorder, answers: Answers) -> ShadowReport:
    """End the record of a run that did nothing but ask."""
    frame = answers.frame
    n_answered, n_without = int(answered(frame).sum()), int(is_learnable(answers.without).sum())
    run = recorder.finish(counts={"asked": len(frame), "unanswered": len(frame) - n_answered})
    return ShadowReport(run, len(frame), n_answered, dict(reasons_of(frame)), answers.version, n_without)


def shadow_into(context: Context, recorder: Recorder, as_of: datetime) -> Answers:
    """Do the work of `shadow` as a step of another run.

    What the recommender does wrong is told in the step's reason and fails nothing.
    """
    if context.recommender is None:
        return skipped(recorder, NOT_CONFIGURED)
    with recorder.step(STEP) as step:
        session = context.recommender.session(context.settings.shadow)
        is_replay = context.clock() - as_of > REPLAY
        if is_replay and not session.reason and PAST not in session.abilities:
            # What it said then, if it was asked, is worth more than what it would say of then now.
            step.outcome, step.reason = StepOutcome.SKIPPED, "The run stands in the past, of which it cannot be asked."
            return nothing_said(session.version)
        with context.store.read() as unit:
            windows = _upcoming(context, unit, as_of)
            files = unit.batches.log_files(log_of(context))
        windows = [replace(window, known_at=as_of) for window in windows] if is_replay else windows
        samples = samples_of(context, session, files, {(w.market, w.surface) for w in windows}, as_of)
        frame = _asked(context, session, windows, samples)
        with context.store.write() as write:
            write.shadow.save(frame, recorder.run.run_id, as_of)
            write.commit()
        without = _without(context, session, windows, samples, as_of)
        keep_without(context, without, recorder.run.run_id)
        step.n = int(answered(frame).sum())
        step.reason = said_of(frame, without)
        if len(frame) and not step.n:
            step.outcome = StepOutcome.SKIPPED
        return Answers(frame, session.version, without)


def answered(frame: pd.DataFrame) -> "pd.Series[bool]":
    """Say of which cells anything is known (SHADOW_SCORE)."""
    return frame[_NUMBERS].notna().any(axis=1)


def reasons_of(frame: pd.DataFrame) -> Counter[str]:
    """Count why cells have no number, or rest on fewer members than were asked about."""
    return Counter(frame[REASON].dropna())


def said_of(frame: pd.DataFrame, without: pd.DataFrame) -> str:
    """Say in words how many cells were not answered and why; empty where all were, and fully."""
    missing = len(frame) - int(answered(frame).sum())
    first = f"{missing} of {len(frame)} cells were not answered." if missing else "Every cell was answered."
    reasons = reasons_of(frame)
    said = [f"{first} {_told(reasons)}"] if reasons else []
    lacking = without[~is_learnable(without)]
    if len(lacking):
        said.append(f"{len(lacking)} questions without some metadata were not answered. {_told(reasons_of(lacking))}")
    return " ".join(said)


def _told(reasons: Counter[str]) -> str:
    told = "; ".join(f"{n} x {reason.removesuffix('.')}" for reason, n in reasons.most_common(_N_REASONS))
    return f"{told}{'; ...' if len(reasons) > _N_REASONS else ''}."


def skipped(recorder: Recorder, reason: str) -> Answers:
    """Record that nobody was asked, and why."""
    recorder.add(StepReport(kind="step", name=STEP, outcome=StepOutcome.SKIPPED, reason=reason))
    return nothing_said("")


def nothing_said(version: str) -> Answers:
    """Return that nobody was asked."""
    return Answers(nothing(), version, nothing_without())


def nothing() -> pd.DataFrame:
    """Return SHADOW_SCORE without rows."""
    return pd.DataFrame(columns=list(SHADOW_SCORE))


def log_of(context: Context) -> str:
    """Return the log whose members a day's reach is a share of."""
    sources = context.settings.sources
    return INTERACTIONS if INTERACTIONS in sources and IMPRESSIONS not in sources else IMPRESSIONS


def _upcoming(context: Context, unit: UnitOfWork, as_of: datetime) -> list[LaunchWindow]:
    cells = upcoming_cells(unit, as_of, context.settings.model.upcoming_days)
    launches = unit.versions.known(LAUNCHES, as_of)
    titles = list(unit.versions.known(TITLES, as_of)[TITLE_ID].unique())
    return list(windows_of(cells, launches, titles, as_of, context.settings.shadow.window_days))


def samples_of(
    context: Context,
    session: ShadowSession,
    files: Sequence[LogFile],
    places: set[tuple[str, str]],
    until: datetime,
) -> Samples:
    """Draw members of places; nobody for a recommender that is asked about titles alone."""
    if context.sampler is None or not (_NEEDS_MEMBERS & session.abilities):
        return {}
    wanted = context.settings.shadow
    return context.sampler.sample(files, sorted(places), until, n=wanted.members, active_days=wanted.active_days)


def keep_without(context: Context, without: pd.DataFrame, run_id: str) -> None:
    """Store the answers about launches without some of their metadata that can be learned from."""
    kept = without[is_learnable(without)]
    if len(kept):
        with context.store.write() as unit:
            unit.shadow.add_relabelled(kept, run_id)
            unit.commit()


def _without(
    context: Context, session: ShadowSession, windows: Sequence[LaunchWindow], samples: Samples, as_of: datetime
) -> pd.DataFrame:
    """Ask about launches of the next days without some of their metadata, once all else is asked."""
    if CHANGED not in session.abilities or not windows:
        return nothing_without()
    cells = pd.concat([window.cells for window in windows], ignore_index=True)
    with context.store.read() as unit:
        without = Without(context, unit, cells[cells[LAUNCH_AT] <= as_of + _SOON], as_of)
    wanted = (window for window in windows if without.concerns(window.cells))
    questions = ((window, samples.get((window.market, window.surface))) for window in wanted)
    return ask_without(context, session, without, questions)


def _asked(context: Context, session: ShadowSession, windows: Sequence[LaunchWindow], samples: Samples) -> pd.DataFrame:
    """Ask about windows, the soonest first: where time runs out, the launches furthest away wait."""
    frames = []
    for done, window in enumerate(windows):
        context.progress("shadow", done / len(windows))
        frames.append(session.ask(window, samples.get((window.market, window.surface))))
    context.progress("shadow", 1.0)
    return pd.concat(frames, ignore_index=True) if frames else nothing()
