"""One story per title: metadata, launches, plans, issues, predictions, and what was deployed or edited around it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from recsysops.columns import ALL, EXPECTATIONS, KIND, LAUNCHES, MARKET, PLANNED, TITLE_ID, TITLES, TS, WHAT
from recsysops.domain.issue import IssueEventKind
from recsysops.domain.measure import HORIZONS
from recsysops.domain.text import plain
from recsysops.domain.timeline import Timeline, TimelineEntry, TimelineKind, TimelinePlace
from recsysops.domain.title_view import LaunchEvent
from recsysops.service.ports import Store, UnitOfWork
from recsysops.service.queries._told_moves import RUNS_COMPARED, move_entries, prediction_times
from recsysops.service.queries._told_versions import launch_entries, metadata_entries, plan_entries
from recsysops.service.queries.launches import launch_events
from recsysops.service.queries.snapshot import Snapshot
from recsysops.service.queries.title import unknown_title
from recsysops.service.queries.values import cut, records, text

CHANGES_READ = 1000
SENTENCE = 600
"""Characters of a sentence that are shown."""
_ISSUE = {
    IssueEventKind.OPENED: "Issue opened",
    IssueEventKind.REOPENED: "Issue opened again",
    IssueEventKind.WORSENED: "Issue got worse",
    IssueEventKind.EASED: "Issue eased",
    IssueEventKind.RESOLVED: "Issue resolved",
}
"""What is told of an issue; that its numbers were brought up to date is not."""
_ORDER = [*TimelineKind]


def timeline(
    store: Store,
    snapshot: Snapshot,
    title_id: str,
    *,
    now: datetime,
    kinds: Sequence[TimelineKind] = (),
    page: tuple[int, int] = (0, 50),
) -> Timeline:
    """Return one page of what happened around a title, newest first.

    Args:
        store: Where it is.
        snapshot: What the last detection said; its runs tell which predictions to compare.
        title_id: The title.
        now: Aware UTC; what is said to be known later is left out.
        kinds: What to tell of; empty for everything.
        page: Entries to skip and entries to return.

    Raises:
        NotFoundError: Nothing at all is known under this id.
    """
    until = max(now, snapshot.as_of or now)
    times = prediction_times(snapshot.runs)
    with store.read() as unit:
        found, is_cut = _everything(unit, title_id, until, times[:RUNS_COMPARED])
    if not found and all(known.title_id != title_id for known in snapshot.titles):
        raise unknown_title(title_id)
    entries = sorted(_merged(found), key=_newest_first)
    shown = [entry for entry in entries if not kinds or entry.kind in kinds]
    offset, limit = page
    return Timeline(
        title_id=title_id,
        entries=tuple(shown[offset : offset + limit]),
        counts={kind.value: sum(entry.kind is kind for entry in entries) for kind in TimelineKind},
        is_cut=is_cut or len(times) > RUNS_COMPARED,
        total=len(shown),
        offset=offset,
        limit=limit,
    )


def _everything(
    unit: UnitOfWork, title_id: str, until: datetime, times: Sequence[datetime]
) -> tuple[list[TimelineEntry], bool]:
    launches = launch_events(unit.versions.history(LAUNCHES, [title_id]), until)
    entries = [
        *metadata_entries(unit.versions.history(TITLES, [title_id])),
        *launch_entries(launches),
        *plan_entries(unit.versions.history(EXPECTATIONS, [title_id])),
        *_issue_entries(unit, title_id),
        *move_entries(unit, title_id, times),
    ]
    known = [entry for entry in entries if entry.at <= until]
    if not known:
        return [], False
    changes = list(_change_entries(unit, title_id, min(entry.at for entry in known), _end(launches, until), launches))
    return [*known, *changes], len(changes) >= CHANGES_READ


def _end(launches: Sequence[LaunchEvent], until: datetime) -> datetime:
    """Return when the story ends: what is deployed after the last horizon of a launch no longer changes it."""
    planned = [event.launch_at for event in launches if event.launch_status == PLANNED]
    return min(until, max(planned) + timedelta(days=max(HORIZONS))) if planned else until


def _issue_entries(unit: UnitOfWork, title_id: str) -> Iterator[TimelineEntry]:
    for issue in unit.issues.list(title_id=title_id):
        place = TimelinePlace(market=issue.finding.market, surface=issue.finding.surface)
        for event in unit.issues.events(issue.issue_id):
            if event.kind in _ISSUE:
                ending = f": {event.resolution}" if event.resolution else ""
                yield TimelineEntry(
                    at=event.at,
                    known_at=None,
                    kind=TimelineKind.ISSUE,
                    what=f"{_ISSUE[event.kind]}{ending}",
                    after=plain(event.why, SENTENCE),
                    places=(place,),
                    severity=event.severity,
                )


def _change_entries(
    unit: UnitOfWork, title_id: str, since: datetime, until: datetime, launches: Sequence[LaunchEvent]
) -> Iterator[TimelineEntry]:
    markets = {event.market for event in launches}
    for row in records(unit.changes.list(title_id=title_id, since=since, until=until, limit=CHANGES_READ)):
        is_own, market = bool(text(row[TITLE_ID])), text(row[MARKET])
        if is_own or not market or not markets or market in markets:
            yield TimelineEntry(
                at=row[TS].to_pydatetime(),
                known_at=None,
                kind=TimelineKind.CHANGE,
                what=cut(row[KIND]),
                after=plain(text(row[WHAT]), SENTENCE),
                places=(TimelinePlace(market=market, surface=ALL),) if market else (),
                is_service_wide=not is_own,
            )


def _merged(entries: Iterable[TimelineEntry]) -> Iterator[TimelineEntry]:
    """Join what happened alike in several places into one entry."""
    alike: dict[TimelineEntry, set[tuple[str, str]]] = {}
    for entry in entries:
        places = alike.setdefault(replace(entry, places=()), set())
        places.update((place.market, place.surface) for place in entry.places)
    for entry, places in alike.items():
        yield replace(entry, places=tuple(TimelinePlace(market=m, surface=s) for m, s in sorted(places)))


def _newest_first(entry: TimelineEntry) -> tuple[float, int, str, str, str, list[tuple[str, str]]]:
    where = [(place.market, place.surface) for place in entry.places]
    return -entry.at.timestamp(), _ORDER.index(entry.kind), entry.what, entry.before, entry.after, where
