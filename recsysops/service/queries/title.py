"""Everything known about one title, and its comparable titles."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

import pandas as pd

from recsysops.columns import (
    ALL,
    CELL_KEY,
    CHECKS,
    DATA,
    DAY,
    DETECTOR,
    EVENTS,
    FIELDS,
    IS_PARTIAL,
    LAUNCH_AT,
    LAUNCHES,
    MARGIN,
    MARKET,
    NAME,
    NEW_MEMBERS,
    OBSERVED_AT,
    OUTCOME,
    PROVIDER,
    REASON,
    RULE,
    SERIES_ID,
    SIGNAL,
    SURFACE,
    TITLE_ID,
    TITLES,
    VALUE,
)
from recsysops.domain.title_view import (
    Comparables,
    ComparableTitle,
    FieldRow,
    TitleView,
    TreatmentDay,
    Verdict,
)
from recsysops.domain.verdict import CheckOutcome
from recsysops.domain.views import BoardFilter, IssueView
from recsysops.errors import NotFoundError, RecSysOpsError
from recsysops.service.ports import Store, UnitOfWork
from recsysops.service.queries.board import board_rows
from recsysops.service.queries.launches import launch_events
from recsysops.service.queries.metadata import Requirements, field_rows
from recsysops.service.queries.order import by_cell, by_finding
from recsysops.service.queries.records import issue_views
from recsysops.service.queries.runs import run_notices, service_notices
from recsysops.service.queries.snapshot import JudgedTitle, Snapshot
from recsysops.service.queries.targets import targets
from recsysops.service.queries.values import cut, load_at, number, records, text, time

Target = tuple[tuple[str, str, str], str, int]
FindComparables = Callable[[tuple[str, str, str], datetime, str, int], pd.DataFrame]
"""Takes cell, as_of, measure and horizon; see `Forecaster.comparables`."""
_OUTCOME_ORDER = [CheckOutcome.FAILED, CheckOutcome.NOT_RUN, CheckOutcome.PASSED, CheckOutcome.NOT_APPLICABLE]


def title(store: Store, snapshot: Snapshot, title_id: str, *, requirements: pd.DataFrame, now: datetime) -> TitleView:
    """Return everything known about a title, as of the last detection.

    Args:
        store: Where it is.
        snapshot: What the last detection said.
        title_id: The title.
        requirements: REQUIREMENT.
        now: Aware UTC; stands in for the time of a detection before the first, and tells how old the answer is.

    Raises:
        NotFoundError: Nothing at all is known under this id.
    """
    judged = next((known for known in snapshot.titles if known.title_id == title_id), None)
    with store.read() as unit:
        as_of = snapshot.as_of or now
        versions = _known(unit.versions.history(TITLES, [title_id]), as_of)
        launches = launch_events(unit.versions.history(LAUNCHES, [title_id]), as_of)
        if not len(versions) and not launches and judged is None:
            raise unknown_title(title_id)
        facts = _facts(versions)
        view = TitleView(
            title_id=title_id,
            name=facts[NAME],
            provider=facts[PROVIDER],
            series_id=facts[SERIES_ID],
            as_of=snapshot.as_of,
            label=snapshot.label,
            launches=launches,
            fields=_all_fields(versions),
            issues=_issues(unit, title_id),
            treatment=_treatment(unit.treatment.days(title_id)),
            notices=(*run_notices(snapshot.runs, snapshot.as_of, now), *service_notices(snapshot.service)),
        )
        return view if judged is None else _judged(unit, view, judged, snapshot, requirements)


def unknown_title(title_id: str) -> NotFoundError:
    """Return the error for an id that nothing is known under."""
    return NotFoundError(f'Title "{cut(title_id)}" is not known (titles are read by `recsysops ingest`). Check the id.')


def _judged(
    unit: UnitOfWork, view: TitleView, judged: JudgedTitle, snapshot: Snapshot, requirements: pd.DataFrame
) -> TitleView:
    """Return the view with what the last detection said of an upcoming title."""
    as_of = snapshot.as_of
    if as_of is None:
        return view
    row = next(iter(board_rows(snapshot, BoardFilter(title_ids=(view.title_id,)))), None)
    return replace(
        view,
        name=view.name or judged.name,
        provider=view.provider or judged.provider,
        status=row.status if row else None,
        summary=row,
        cells=tuple(sorted((cell.view for cell in judged.cells), key=by_cell)),
        findings=tuple(sorted((f for cell in judged.cells for f in cell.findings), key=by_finding)),
        metadata=_metadata(unit, judged, requirements, as_of),
        targets=targets(unit, view.title_id, as_of),
        verdicts=_verdicts(unit, view.title_id, as_of),
    )


def comparables(
    store: Store, snapshot: Snapshot, target: Target, *, find: FindComparables | None, now: datetime
) -> Comparables:
    """Return the comparable titles of one cell, measure and horizon.

    What goes wrong costs this section alone: `problem` says so in a sentence.

    Args:
        store: Where the title is.
        snapshot: What the last detection said.
        target: Cell, measure and horizon.
        find: Finds them; None where there is no predictor.
        now: Aware UTC; stands in for the time of a detection before the first.
    """
    cell, measure, horizon = target
    as_of = snapshot.as_of or now
    with store.read() as unit:
        own = _fields_in(_known(unit.versions.history(TITLES, [cell[0]]), as_of), cell[1])
    found, problem = _find(find, target, as_of)
    return Comparables(
        title_id=cell[0],
        market=cell[1],
        surface=cell[2],
        measure=measure,
        horizon=horizon,
        fields=own,
        titles=found,
        problem=problem or ("" if found else "No past launch is known that could be compared with this title."),
    )


def _find(find: FindComparables | None, target: Target, as_of: datetime) -> tuple[tuple[ComparableTitle, ...], str]:
    if find is None:
        return (), "Comparable titles need a predictor, and this service has none."
    cell, measure, horizon = target
    try:
        frame = find(cell, as_of, measure, horizon)
        return tuple(_comparable(row) for row in records(frame)), ""
    except RecSysOpsError as error:
        return (), str(error)
    except Exception as error:  # noqa: BLE001  # a bug in finding them must not take the page away
        return (), f"Comparable titles could not be found ({type(error).__name__}). The rest of the page stands."


def _comparable(row: Mapping[str, object]) -> ComparableTitle:
    values = row[FIELDS]
    return ComparableTitle(
        title_id=text(row[TITLE_ID]),
        name=text(row[NAME]),
        market=text(row[MARKET]),
        surface=text(row[SURFACE]),
        launch_at=time(row[LAUNCH_AT]),
        distance=number(row["distance"]),
        value=number(row[VALUE]),
        fields={name: cut(value) for name, value in values.items()} if isinstance(values, Mapping) else {},
    )


def _known(history: pd.DataFrame, as_of: datetime) -> pd.DataFrame:
    """Return the title's version as known at `as_of` per market, the general one first."""
    known = history[history[OBSERVED_AT] <= as_of] if len(history) else history
    latest = known.sort_values(OBSERVED_AT, kind="stable").drop_duplicates(MARKET, keep="last") if len(known) else known
    return latest.sort_values(MARKET, key=lambda market: market != ALL, kind="stable") if len(latest) else latest


def _facts(versions: pd.DataFrame) -> dict[str, str]:
    """Return name, provider and series: the first version that has one, the general one before a market's."""
    rows = records(versions)
    columns = (NAME, PROVIDER, SERIES_ID)
    return {column: next((text(row[column]) for row in rows if text(row[column])), "") for column in columns}


def _all_fields(versions: pd.DataFrame) -> dict[str, str]:
    fields = {}
    for row in records(versions):
        for name, value in row[FIELDS].items():
            fields[name if row[MARKET] == ALL else f"{name} ({row[MARKET]})"] = cut(value)
    return fields


def _fields_in(versions: pd.DataFrame, market: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    for row in records(versions):
        if row[MARKET] in {ALL, market}:
            fields |= {name: cut(value) for name, value in row[FIELDS].items()}
    return fields


def _metadata(
    unit: UnitOfWork, judged: JudgedTitle, requirements: pd.DataFrame, as_of: datetime
) -> tuple[FieldRow, ...]:
    checks = records(load_at(unit, CHECKS, as_of, (judged.title_id,)))
    return field_rows(judged, checks, Requirements(requirements), as_of)


def _verdicts(unit: UnitOfWork, title_id: str, as_of: datetime) -> tuple[Verdict, ...]:
    verdicts = [
        Verdict(
            market=row[MARKET],
            surface=row[SURFACE],
            detector=row[DETECTOR],
            rule=row[RULE],
            outcome=CheckOutcome(row[OUTCOME]),
            reason=text(row[REASON]),
            margin=number(row[MARGIN]),
            data=text(row[DATA]),
        )
        for row in records(load_at(unit, "verdicts", as_of, (title_id,)))
    ]
    return tuple(
        sorted(verdicts, key=lambda v: (_OUTCOME_ORDER.index(v.outcome), v.detector, v.rule, v.market, v.surface))
    )


def _issues(unit: UnitOfWork, title_id: str) -> tuple[IssueView, ...]:
    found = unit.issues.list(title_id=title_id)
    order = tuple(sorted(found, key=lambda issue: not issue.is_open))
    return issue_views(unit, order, {issue.issue_id: unit.issues.events(issue.issue_id) for issue in order})


def _treatment(days: pd.DataFrame) -> tuple[TreatmentDay, ...]:
    order = days.sort_values([*CELL_KEY, SIGNAL, DAY]) if len(days) else days
    return tuple(
        TreatmentDay(
            market=row[MARKET],
            surface=row[SURFACE],
            signal=row[SIGNAL],
            day=int(row[DAY]),
            events=int(row[EVENTS]),
            new_members=int(row[NEW_MEMBERS]),
            is_partial=bool(row[IS_PARTIAL]),
        )
        for row in records(order)
    )
