"""Issues, models, and the vital signs monitoring reads."""

import math
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from threading import Lock

from recsysops.columns import CELL_KEY, CELLS, COMPARABLE_TITLES, LAUNCH_AT, MODEL, NAME, TITLE_ID, TITLES
from recsysops.domain.issue import Issue, IssueEvent
from recsysops.domain.verdict import Status
from recsysops.domain.views import IssueList, IssueView, ModelsView, Vitals
from recsysops.errors import NotFoundError
from recsysops.service.ports import Store, UnitOfWork
from recsysops.service.queries.runs import step_health
from recsysops.service.queries.snapshot import Snapshot


def issues(
    store: Store, *, is_open: bool | None = True, title_id: str | None = None, offset: int = 0, limit: int = 100
) -> IssueList:
    """Return one page of issues, worst first, without their histories.

    Args:
        store: Where they are.
        is_open: Only open ones, only ended ones, or None for both.
        title_id: Only those of this title.
        offset: Issues to skip.
        limit: Issues to return.
    """
    with store.read() as unit:
        found = unit.issues.list(is_open=is_open, title_id=title_id)
        page = issue_views(unit, found[offset : offset + limit], {})
    return IssueList(issues=page, total=len(found), offset=offset, limit=limit)


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
            name=name_of.get(issue.finding.title_id, ""),
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


class VitalsCache:
    """Keeps the vital signs of a snapshot: they change only when another run is recorded. Safe between threads."""

    def __init__(self, store: Store) -> None:
        """Read from `store`, nothing yet."""
        self._store = store
        self._lock = Lock()
        self._kept: tuple[Snapshot, Vitals] | None = None

    def get(self, snapshot: Snapshot) -> Vitals:
        """Return the vital signs that go with `snapshot`, itself from a cache."""
        with self._lock:
            if self._kept is None or self._kept[0] is not snapshot:
                self._kept = snapshot, vitals(self._store, snapshot)
            return self._kept[1]


def vitals(store: Store, snapshot: Snapshot) -> Vitals:
    """Return what monitoring wants to know, as the store stands now."""
    with store.read() as unit:
        found = (issue.finding for issue in unit.issues.list(is_open=True))
        opened = Counter((finding.severity, finding.finding_class) for finding in found)
        quarantined: dict[str, int] = defaultdict(int)
        for batch in unit.batches.all():
            quarantined[batch.table] += batch.quarantined
        cards = unit.models.active()
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
    )
