"""Required metadata of upcoming titles against its due dates, for a title's page and as lists to send to providers."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import pandas as pd

from recsysops.columns import (
    ALL,
    DAYS_TO_FIX,
    DETAIL,
    DUE_DAYS,
    FIELD,
    MARKET,
    OUTCOME,
    OWNER,
    SURFACE,
    TITLE_ID,
    VALUE,
)
from recsysops.domain.title_view import FieldRow
from recsysops.domain.verdict import CheckOutcome
from recsysops.domain.views import FieldState, MissingFieldFilter, MissingFieldRow, MissingFields
from recsysops.service.queries.snapshot import JudgedTitle, Snapshot
from recsysops.service.queries.values import Row, cut, number, records, text

MissingFieldSort = Literal["due", "provider", "title", "field"]
_STATE_RANK = {FieldState.OVERDUE: 0, FieldState.MISSING: 1, FieldState.NOT_CHECKED: 2, FieldState.FILLED: 3}


@dataclass(frozen=True)
class _Requirement:
    due_days: float
    days_to_fix: float | None
    owner: str


class Requirements:
    """What is required where, looked up place by place; the precedence is that of `applicable_requirements`."""

    def __init__(self, frame: pd.DataFrame) -> None:
        """Read REQUIREMENT."""
        self._rows: dict[tuple[str, str, str], _Requirement] = {}
        by_owner = sorted(records(frame), key=lambda row: text(row[OWNER]), reverse=True)
        for row in sorted(by_owner, key=lambda row: (row[DUE_DAYS], row[DAYS_TO_FIX])):  # the last of a place holds
            key = (row[FIELD], text(row[MARKET]) or ALL, text(row[SURFACE]) or ALL)
            self._rows[key] = _Requirement(row[DUE_DAYS], number(row[DAYS_TO_FIX]), text(row[OWNER]))

    def of(self, field: str, market: str, surface: str) -> _Requirement | None:
        """Return the requirement that holds for a field in a cell; None where it is not required (any more)."""
        keys = ((field, market, surface), (field, market, ALL), (field, ALL, surface), (field, ALL, ALL))
        return next((self._rows[key] for key in keys if key in self._rows), None)


def field_rows(
    title: JudgedTitle, checks: Iterable[Row], requirements: Requirements, as_of: datetime
) -> tuple[FieldRow, ...]:
    """Return the required fields of a title, overdue first, then by due date.

    Args:
        title: An upcoming title.
        checks: CHECK_RESULT of that title.
        requirements: What is required where.
        as_of: The time the checks stand at.

    Returns:
        One row per field and state; markets and surfaces where it stands alike are joined.
    """
    launches = {(cell.view.market, cell.view.surface): cell.view.launch_at for cell in title.cells}
    by_cell: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for check in checks:
        if (check[MARKET], check[SURFACE]) in launches and check[OUTCOME] != CheckOutcome.NOT_APPLICABLE:
            by_cell[check[FIELD], check[MARKET], check[SURFACE]].append(check)
    joined: dict[tuple[object, ...], list[FieldRow]] = defaultdict(list)
    for (field, market, surface), rows in by_cell.items():
        requirement = requirements.of(field, market, surface)
        row = _field_row(rows, requirement, launches[market, surface], as_of)
        joined[row.field, row.state, row.value, row.reason, row.due_at, row.owner].append(row)
    return tuple(sorted((_join(rows) for rows in joined.values()), key=_by_urgency))


def missing_fields(
    snapshot: Snapshot,
    requirements: pd.DataFrame,
    filters: MissingFieldFilter | None = None,
    *,
    sort: MissingFieldSort = "due",
    offset: int = 0,
    limit: int | None = None,
) -> MissingFields:
    """Return one page of the required fields that upcoming titles lack.

    Args:
        snapshot: What the last detection said.
        requirements: REQUIREMENT.
        filters: Which of them; None for all.
        sort: `due` (soonest first), `provider`, `title` or `field`; then by due date.
        offset: Rows to skip.
        limit: Rows to return; None for all.
    """
    if snapshot.as_of is None or not len(snapshot.checks):
        return MissingFields(as_of=snapshot.as_of, providers={}, rows=())
    read = Requirements(requirements)
    failed = snapshot.checks[snapshot.checks[OUTCOME] == CheckOutcome.FAILED.value]
    checks: dict[str, list[Row]] = defaultdict(list)
    for row in records(failed):
        checks[row[TITLE_ID]].append(row)
    rows = [
        _missing(title, field)
        for title in snapshot.titles
        for field in field_rows(title, checks.get(title.title_id, ()), read, snapshot.as_of)
    ]
    providers = Counter(row.provider for row in rows)
    shown = [row for row in rows if _passes(row, filters or MissingFieldFilter())]
    shown.sort(key=lambda row: (row.due_at is None, row.due_at or row.launch_at, row.title_id, row.field))
    if sort != "due":
        shown.sort(key=lambda row: {"provider": row.provider, "title": row.title_id, "field": row.field}[sort])
    return MissingFields(
        as_of=snapshot.as_of,
        providers=dict(sorted(providers.items())),
        rows=tuple(shown[offset:] if limit is None else shown[offset : offset + limit]),
        total=len(shown),
        offset=offset,
        limit=limit or 0,
    )


def _passes(row: MissingFieldRow, wanted: MissingFieldFilter) -> bool:
    return (
        wanted.provider in {None, row.provider}
        and wanted.owner in {None, row.owner}
        and (not wanted.states or row.state in wanted.states)
        and (not wanted.fields or row.field in wanted.fields)
    )


def _field_row(rows: list[Row], requirement: _Requirement | None, launch_at: datetime, as_of: datetime) -> FieldRow:
    failed = [row for row in rows if row[OUTCOME] == CheckOutcome.FAILED]
    not_run = [row for row in rows if row[OUTCOME] == CheckOutcome.NOT_RUN]
    due_at = launch_at - timedelta(days=requirement.due_days) if requirement else None
    fix_days = requirement.days_to_fix if requirement else None
    state = FieldState.FILLED
    if failed:
        state = FieldState.OVERDUE if due_at is not None and due_at <= as_of else FieldState.MISSING
    elif not_run:
        state = FieldState.NOT_CHECKED
    shown = (failed or not_run or rows)[0]
    return FieldRow(
        field=shown[FIELD],
        markets=(shown[MARKET],),
        surfaces=(shown[SURFACE],),
        value=cut(shown[VALUE]),
        state=state,
        reason=text(shown[DETAIL]) if state is not FieldState.FILLED else "",
        due_at=due_at,
        days_to_due=(due_at - as_of) / timedelta(days=1) if due_at else None,
        latest_safe_fix_at=launch_at - timedelta(days=fix_days) if fix_days is not None else None,
        owner=requirement.owner if requirement else "",
    )


def _join(rows: list[FieldRow]) -> FieldRow:
    first = rows[0]
    return FieldRow(
        field=first.field,
        markets=tuple(sorted({market for row in rows for market in row.markets})),
        surfaces=tuple(sorted({surface for row in rows for surface in row.surfaces})),
        value=first.value,
        state=first.state,
        reason=first.reason,
        due_at=first.due_at,
        days_to_due=first.days_to_due,
        latest_safe_fix_at=min((row.latest_safe_fix_at for row in rows if row.latest_safe_fix_at), default=None),
        owner=first.owner,
    )


def _by_urgency(row: FieldRow) -> tuple[int, bool, float, str, tuple[str, ...]]:
    due = row.days_to_due
    return _STATE_RANK[row.state], due is None, due or 0.0, row.field, row.markets


def _missing(title: JudgedTitle, field: FieldRow) -> MissingFieldRow:
    views = (cell.view for cell in title.cells)
    places = [view for view in views if view.market in field.markets and view.surface in field.surfaces]
    return MissingFieldRow(
        title_id=title.title_id,
        name=title.name,
        provider=title.provider,
        field=field.field,
        markets=field.markets,
        surfaces=field.surfaces,
        value=field.value,
        reason=field.reason,
        owner=field.owner,
        state=field.state,
        launch_at=min(place.launch_at for place in places),
        due_at=field.due_at,
        latest_safe_fix_at=field.latest_safe_fix_at,
    )
