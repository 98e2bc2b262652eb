"""What the Data page shows: batches with their accounts, held ones, kept-out rows, feeds, changes."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

import pandas as pd

from recsysops import columns as c
from recsysops.domain.batch import BatchReceipt, QuarantinedRow
from recsysops.domain.data_view import (
    BatchList,
    BatchOrder,
    BatchRow,
    BatchView,
    ChangeList,
    ChangeRow,
    FeedList,
    FeedRow,
    HeldList,
    HeldRow,
    QuarantineLine,
    QuarantinePage,
)
from recsysops.domain.drift import HeldBatch, HeldState
from recsysops.domain.feed import feed_condition
from recsysops.errors import NotFoundError
from recsysops.service.feeds import feed_states
from recsysops.service.ports import Store, UnitOfWork
from recsysops.settings import Settings


def batches(
    store: Store,
    *,
    table: str | None = None,
    order: BatchOrder = BatchOrder.NEWEST,
    offset: int = 0,
    limit: int = 100,
) -> BatchList:
    """Return one page of published batches.

    Args:
        store: Where they are.
        table: Only those of this table.
        order: Of those that come out even, the newest stands first.
        offset: Batches to skip.
        limit: Batches to return.
    """
    with store.read() as unit:
        every = unit.batches.all()
        released = {held.batch_id: _released_by(held) for held in unit.batches.held(state=HeldState.PUBLISHED)}
    wanted = _ordered([batch for batch in every if table in {None, batch.table}], order)
    return BatchList(
        rows=tuple(_batch(batch, released.get(batch.batch_id, "")) for batch in wanted[offset : offset + limit]),
        tables=dict(sorted(Counter(batch.table for batch in every).items())),
        total=len(wanted),
        offset=offset,
        limit=limit,
    )


def _ordered(newest_first: list[BatchReceipt], order: BatchOrder) -> list[BatchReceipt]:
    match order:
        case BatchOrder.NEWEST:
            return newest_first
        case BatchOrder.OLDEST:
            return newest_first[::-1]
        case BatchOrder.ROWS:
            return sorted(newest_first, key=lambda batch: -batch.rows_in)
        case BatchOrder.QUARANTINED:
            return sorted(newest_first, key=lambda batch: -batch.quarantined)


def batch(store: Store, batch_id: str) -> BatchView:
    """Return one batch, published or held.

    Raises:
        NotFoundError: No batch has this id.
    """
    with store.read() as unit:
        published = next((known for known in unit.batches.all() if known.batch_id == batch_id), None)
        held = next((known for known in unit.batches.held() if known.batch_id == batch_id), None)
    if published is None and held is None:
        raise NotFoundError("No such batch is known (`recsysops batches` lists them). Check the id.")
    released_by = _released_by(held) if held else ""
    return BatchView(
        batch_id=batch_id,
        published=_batch(published, released_by) if published else None,
        held=held_row(held) if held else None,
    )


def held_batches(
    store: Store, *, table: str | None = None, state: HeldState | None = None, offset: int = 0, limit: int = 100
) -> HeldList:
    """Return one page of the batches ever held: those that wait for a person first, then newest first.

    Args:
        store: Where they are.
        table: Only those of this table.
        state: Only those that stand here.
        offset: Batches to skip.
        limit: Batches to return.
    """
    with store.read() as unit:
        every = unit.batches.held()
    wanted = [held for held in every if table in {None, held.table} and state in {None, held.state}]
    ordered = sorted(wanted, key=lambda held: held.state is not HeldState.HELD)
    return HeldList(
        rows=tuple(held_row(held) for held in ordered[offset : offset + limit]),
        n_undecided=sum(held.state is HeldState.HELD for held in every),
        total=len(wanted),
        offset=offset,
        limit=limit,
    )


def held_batch(store: Store, batch_id: str) -> HeldRow:
    """Return one batch that is or was held.

    Raises:
        NotFoundError: No batch with this id was ever held.
    """
    with store.read() as unit:
        found = [held for held in unit.batches.held() if held.batch_id == batch_id]
    if not found:
        raise NotFoundError("No such batch was ever held (`recsysops batches --held` lists them). Check the id.")
    return held_row(found[0])


def held_row(held: HeldBatch) -> HeldRow:
    """Return a held batch as it is shown."""
    return HeldRow(
        batch_id=held.batch_id,
        table=held.table,
        files=held.files,
        rows_in=held.rows_in,
        accepted=held.accepted,
        quarantined=held.quarantined,
        held_at=held.held_at,
        state=held.state,
        is_undecided=held.state is HeldState.HELD,
        why=" ".join(drift.why for drift in held.drifts),
        drifts=held.drifts,
        decisions=held.decisions,
    )


def quarantine(
    store: Store, *, batch_id: str | None = None, table: str | None = None, offset: int = 0, limit: int = 100
) -> QuarantinePage:
    """Return one page of kept-out rows, by batch (newest first) and row.

    Args:
        store: Where they are.
        batch_id: Only those of this batch.
        table: Only those of batches of this table.
        offset: Rows to skip.
        limit: Rows to return.

    Raises:
        NotFoundError: No such batch was published.
    """
    with store.read() as unit:
        known = {batch.batch_id: batch for batch in unit.batches.all() if batch_id in {None, batch.batch_id}}
        if batch_id is not None and not known:
            raise NotFoundError("No such batch was published (`recsysops batches` lists them). Check the id.")
        if table is not None:
            known = {each: batch for each, batch in known.items() if batch.table == table}
        found, total = _kept_out(unit, known.values(), offset, limit)
    codes: Counter[str] = Counter()
    for batch in known.values():
        codes.update(batch.codes)
    return QuarantinePage(
        rows=tuple(
            QuarantineLine(batch_id=of, table=known[of].table, loaded_at=known[of].loaded_at, row=row)
            for of, row in found
        ),
        codes=dict(codes.most_common()),
        n_kept_out=sum(batch.quarantined for batch in known.values()),
        total=total,
        offset=offset,
        limit=limit,
    )


def _kept_out(
    unit: UnitOfWork, among: Iterable[BatchReceipt], offset: int, limit: int
) -> tuple[list[tuple[str, QuarantinedRow]], int]:
    """Return one page of the kept-out rows of these batches, and how many can be listed."""
    found: list[tuple[str, QuarantinedRow]] = []
    total = 0
    for receipt in among:
        n = unit.batches.count_quarantine(receipt.batch_id) if receipt.quarantined else 0
        if offset < total + n and len(found) < limit:
            found += unit.batches.quarantine(
                receipt.batch_id, limit=limit - len(found), offset=max(offset - total, 0)
            )  # fmt: skip
        total += n
    return found, total


def feeds(store: Store, settings: Settings, *, now: datetime) -> FeedList:
    """Return every source of the settings as it delivers at `now`, worst first."""
    with store.read() as unit:
        states = feed_states(unit, settings, now)
    rows = [_feed(row, now) for row in states.to_dict("records")]
    return FeedList(as_of=now, rows=tuple(sorted(rows, key=lambda row: (row.state.rank, row.feed))))


def changes(
    store: Store,
    *,
    title_id: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    offset: int = 0,
    limit: int = 100,
) -> ChangeList:
    """Return one page of changes, latest first.

    Args:
        store: Where they are.
        title_id: Only those of this title, with those that concern all.
        since: The earliest to return.
        until: The latest to return.
        offset: Changes to skip.
        limit: Changes to return.
    """
    with store.read() as unit:
        found = unit.changes.list(title_id=title_id, since=since, until=until, limit=offset + limit + 1)
    rows = [_change(row) for row in found.to_dict("records")[offset:]]
    return ChangeList(rows=tuple(rows[:limit]), limit=limit, offset=offset, has_more=len(rows) > limit)


def _released_by(held: HeldBatch) -> str:
    let = [decision.by for decision in held.decisions if decision.state is HeldState.RELEASED]
    return let[-1] if let else ""


def _batch(batch: BatchReceipt, released_by: str) -> BatchRow:
    return BatchRow(
        batch_id=batch.batch_id,
        table=batch.table,
        files=batch.files,
        rows_in=batch.rows_in,
        accepted=batch.accepted,
        duplicate=batch.duplicate,
        quarantined=batch.quarantined,
        loaded_at=batch.loaded_at,
        label=batch.as_of_label,
        codes=batch.codes,
        released_by=released_by,
    )


def _feed(row: dict[object, object], now: datetime) -> FeedRow:
    seen, new, data = (_time(row[name]) for name in (c.LAST_SEEN_AT, c.LAST_NEW_AT, c.LAST_DATA_AT))
    every_hours, last_rows, usual = (_number(row[name]) for name in (c.EVERY_HOURS, c.LAST_ROWS, c.USUAL_ROWS))
    rows = None if last_rows is None else int(last_rows)
    state, why = feed_condition(
        as_of=now, every_hours=every_hours, last_seen_at=seen, last_new_at=new, last_rows=rows, usual=usual
    )
    return FeedRow(
        feed=str(row[c.FEED]),
        state=state,
        why=why,
        every_hours=every_hours,
        last_seen_at=seen,
        last_new_at=new,
        last_data_at=data,
        n_batches=int(str(row[c.N_BATCHES])),
        last_rows=rows,
        usual_rows=usual,
        n_held=int(str(row[c.N_HELD])),
        held_why=_text(row[c.HELD_WHY]) or "",
    )


def _change(row: dict[object, object]) -> ChangeRow:
    return ChangeRow(
        at=pd.Timestamp(str(row[c.TS])).to_pydatetime(),
        kind=str(row[c.KIND]),
        what=str(row[c.WHAT]),
        title_id=_text(row[c.TITLE_ID]),
        market=_text(row[c.MARKET]),
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, float) and value == value else None


def _time(value: object) -> datetime | None:
    return value.to_pydatetime() if isinstance(value, pd.Timestamp) else None
