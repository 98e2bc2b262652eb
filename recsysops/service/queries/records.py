"""Issues, models, and the vital signs monitoring reads."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Lock
from typing import Literal

import pandas as pd

from recsysops.columns import (
    CELL_KEY,
    CELLS,
    COMPARABLE_TITLES,
    EVERY_HOURS,
    FEED,
    LAST_NEW_AT,
    LAUNCH_AT,
    MODEL,
    N_HELD,
    NAME,
    TITLE_ID,
    TITLES,
)
from recsysops.domain.drift import HeldState
from recsysops.domain.issue import WHOLE_SERVICE, Finding, Issue, IssueEvent
from recsysops.domain.registry import MoveKind
from recsysops.domain.run import ANSWERED_BY_BASELINE, ANSWERED_BY_MODEL, ANSWERED_BY_NOBODY, Run
from recsysops.domain.verdict import Status
from recsysops.domain.views import FeedHealth, IssueFilter, IssueList, IssueView, ModelHealth, ModelsView, Vitals
from recsysops.errors import NotFoundError
from recsysops.service.calibration import NEEDED, calibrations
from recsysops.service.feeds import feed_states
from recsysops.service.ports import Store, UnitOfWork
from recsysops.service.queries.runs import step_health
from recsysops.service.queries.snapshot import Snapshot
from recsysops.service.queries.values import number, records, time
from recsysops.service.shadow import answered
from recsysops.settings import Settings

_TWO_YEARS = timedelta(days=730)
IssueSort = Literal["risk", "opened", "updated", "title"]


def issues(
    store: Store, filters: IssueFilter | None = None, *, sort: IssueSort = "risk", offset: int = 0, limit: int = 100
) -> IssueList:
    """Return one page of issues without their histories.

    Args:
        store: Where they are.
        filters: Which issues; None for all open ones.
        sort: `risk` (severity, then the time left to fix), `opened` or `updated` (latest first), or `title`.
        offset: Issues to skip.
        limit: Issues to return.
    """
    wanted = filters or IssueFilter()
    with store.read() as unit:
        known = unit.issues.list(is_open=wanted.is_open, title_id=wanted.title_id)
        found = _in_order([issue for issue in known if _passes(issue.finding, wanted)], sort)
        page = issue_views(unit, found[offset : offset + limit], {})
    return IssueList(issues=page, total=len(found), offset=offset, limit=limit)


def _passes(finding: Finding, wanted: IssueFilter) -> bool:
    text = wanted.text.strip().casefold()
    return (
        (not wanted.severities or finding.severity in wanted.severities)
        and (not wanted.classes or finding.finding_class in wanted.classes)
        and (not wanted.detectors or finding.detector in wanted.detectors)
        and (not wanted.markets or finding.market in wanted.markets)
        and any(text in said.casefold() for said in (finding.title_id, finding.why, finding.field))
    )


def _in_order(found: list[Issue], sort: IssueSort) -> tuple[Issue, ...]:
    if sort == "title":
        found.sort(key=lambda issue: (issue.finding.title_id, issue.issue_id))
    elif sort != "risk":  # the store's own order
        found.sort(key=lambda issue: issue.issue_id)
        found.sort(key=lambda issue: issue.opened_at if sort == "opened" else issue.updated_at, reverse=True)
    return tuple(found)


def issue(store: Store, issue_id: str) -> IssueView:
    """Return one issue with its history.

    Raises:
        NotFoundError: There is no such issue.
    """
    with store.read() as unit:
        found = [known for known in unit.issues.list() if known.issue_id == issue_id]
        if not found:
            raise NotFoundError("No such issue is known (issues are listed by `recsysops issues`). Check the id.")
        return issue_views(unit, tuple(found), {issue_id: unit.issues.events(issue_id)})[0]


def issue_views(
    unit: UnitOfWork, found: tuple[Issue, ...], events: dict[str, tuple[IssueEvent, ...]]
) -> tuple[IssueView, ...]:
    """Return issues with the names and launch times of their titles."""
    ids = sorted({issue.finding.title_id for issue in found})
    if not ids:
        return ()
    names = unit.versions.history(TITLES, ids)
    named = names[names[NAME].notna()]
    name_of: dict[str, str] = dict(zip(named[TITLE_ID], named[NAME], strict=True))
    cells = unit.results.load(CELLS, title_ids=ids)
    keys = cells[list(CELL_KEY)].itertuples(index=False, name=None) if len(cells) else ()
    launches: dict[tuple[str, str, str], datetime] = (
        dict(zip(keys, cells[LAUNCH_AT].dt.to_pydatetime(), strict=True)) if len(cells) else {}
    )
    return tuple(
        IssueView(
            issue=issue,
            name=WHOLE_SERVICE if issue.finding.is_of_service else name_of.get(issue.finding.title_id, ""),
            launch_at=launches.get((issue.finding.title_id, issue.finding.market, issue.finding.surface)),
            events=events.get(issue.issue_id, ()),
        )
        for issue in found
    )


def models(store: Store) -> ModelsView:
    """Return the active models and the scores of the last backtest."""
    with store.read() as unit:
        active = tuple(replace(card, scores=_known(card.scores)) for card in unit.models.active())
        scores = tuple(score for score in unit.results.scores() if math.isfinite(score.value))
    return ModelsView(active=active, scores=scores)


def _known(scores: Mapping[str, float]) -> dict[str, float]:
    """Return the scores that are numbers: what could not be computed is absent."""
    return {name: value for name, value in scores.items() if math.isfinite(value)}


def _answers(runs: Iterable[Run]) -> dict[str, int]:
    """Return by whom targets are answered, of the latest run that predicted; nothing where none of these did."""
    counts = next((run.counts for run in runs if ANSWERED_BY_NOBODY in run.counts), None)
    if counts is None:
        return {}
    names = {MODEL: ANSWERED_BY_MODEL, COMPARABLE_TITLES: ANSWERED_BY_BASELINE, "nobody": ANSWERED_BY_NOBODY}
    return {name: counts.get(key, 0) for name, key in names.items()}


class VitalsCache:
    """Keeps the vital signs of a snapshot: they change only when another run is recorded. Safe between threads."""

    def __init__(self, store: Store, settings: Settings) -> None:
        """Read from `store`, nothing yet; `settings` name the feeds."""
        self._store, self._settings = store, settings
        self._lock = Lock()
        self._kept: tuple[Snapshot, Vitals] | None = None

    def get(self, snapshot: Snapshot, now: datetime) -> Vitals:
        """Return the vital signs that go with `snapshot`, itself from a cache."""
        with self._lock:
            if self._kept is None or self._kept[0] is not snapshot:
                self._kept = snapshot, vitals(self._store, snapshot, self._settings, now)
            kept = self._kept[1]
        # A person may decide on a held batch at any time, without a run.
        with self._store.read() as unit:
            held = Counter(batch.table for batch in unit.batches.held(state=HeldState.HELD))
        return replace(kept, feeds=tuple(replace(feed, n_held=held[feed.table]) for feed in kept.feeds))


def vitals(store: Store, snapshot: Snapshot, settings: Settings, now: datetime) -> Vitals:
    """Return what monitoring wants to know, as the store stood when `snapshot` was taken.

    Args:
        store: Where it is.
        snapshot: What the last detection said.
        settings: Name the feeds, and how often each delivers.
        now: Aware UTC; feeds are told as known then.
    """
    with store.read() as unit:
        found = (issue.finding for issue in unit.issues.list(is_open=True))
        opened = Counter((finding.severity, finding.finding_class) for finding in found)
        quarantined: dict[str, int] = defaultdict(int)
        for batch in unit.batches.all():
            quarantined[batch.table] += batch.quarantined
        cards, models_now = unit.models.active(), _model_health(unit)
        feeds = feed_states(unit, settings, now)
        told = answered(unit.shadow.latest())
        held = calibrations(unit.scores.latest(since=now - _TWO_YEARS, names=NEEDED), now)
    statuses = Counter(cell.view.status for title in snapshot.titles for cell in title.cells)
    return Vitals(
        steps=step_health(snapshot.runs),
        open_issues=dict(opened),
        cells={status: statuses[status] for status in Status} if snapshot.as_of else {},
        pinball={
            (card.measure, card.horizon, predictor): value
            for card in cards
            for predictor in (MODEL, COMPARABLE_TITLES)
            if (value := _known(card.scores).get(f"{predictor}_pinball")) is not None
        },
        quarantined=dict(quarantined),
        shadow={flag: int((told == flag).sum()) for flag in (True, False)} if len(told) else {},
        answers=_answers(snapshot.runs),
        calibration=held,
        models=models_now,
        feeds=_feed_health(feeds),
    )


def _feed_health(feeds: pd.DataFrame) -> tuple[FeedHealth, ...]:
    return tuple(
        FeedHealth(
            table=row[FEED], last_new_at=time(row[LAST_NEW_AT]), every_hours=number(row[EVERY_HOURS]),
            n_held=int(row[N_HELD]),
        )
        for row in records(feeds)
    )  # fmt: skip


def _model_health(unit: UnitOfWork) -> tuple[ModelHealth, ...]:
    refused = Counter((m.measure, m.horizon) for m in unit.models.moves() if m.kind is MoveKind.REFUSED)
    since = {(known.card.measure, known.card.horizon): known.since for known in unit.models.challengers()}
    return tuple(
        ModelHealth(
            measure=card.measure, horizon=card.horizon, trained_as_of=card.trained_as_of,
            challenged_since=since.get((card.measure, card.horizon)), n_refused=refused[card.measure, card.horizon],
        )
        for card in unit.models.active()
    )  # fmt: skip
