"""How every source of the settings has delivered, as one table: what the detectors of feeds and the Data page read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from recsysops import columns as c
from recsysops.domain.batch import BatchReceipt, LogFile
from recsysops.domain.drift import HeldBatch, HeldState, Profile, SeenFile
from recsysops.domain.feed import usual_rows
from recsysops.service.ports import UnitOfWork
from recsysops.settings import Settings, SourceSettings

_TIMES = (c.LAST_SEEN_AT, c.LAST_NEW_AT, c.LAST_DATA_AT)
_NUMBERS = (c.EVERY_HOURS, c.LAST_ROWS, c.USUAL_ROWS)


@dataclass(frozen=True)
class _Delivery:
    """A batch, and from when on it could be known."""

    at: datetime
    rows: int


def feed_states(unit: UnitOfWork, settings: Settings, as_of: datetime) -> pd.DataFrame:
    """Return FEED_STATE as known at `as_of`: one row per source of the settings, by feed.

    A replay stands before anything was loaded: there a batch counts as loaded when its newest row speaks, if the store
    knows that, else at `as_of`.

    Args:
        unit: Where batches are.
        settings: Names the sources and how often they deliver.
        as_of: Aware UTC.

    Returns:
        Times as `datetime64[us, UTC]`; rows and hours as floats, missing where unknown.
    """
    batches = unit.batches.all()
    is_replay = bool(batches) and as_of < min(batch.loaded_at for batch in batches)
    held = unit.batches.held()
    rows = []
    for feed, source in sorted(settings.sources.items()):
        own = [batch for batch in batches if batch.table == feed]
        of_logs = unit.batches.log_files(feed)
        deliveries = _replayed(own, of_logs, as_of) if is_replay else _loaded(own, as_of)
        last_data_at = _last_data_at(of_logs, unit.batches.profiles(feed), as_of)
        seen = tuple(unit.batches.seen(feed).values())
        waiting = [
            batch
            for batch in held
            if batch.table == feed and _is_waiting(batch, max(as_of, batch.held_at) if is_replay else as_of)
        ]
        rows.append(_row(feed, source, deliveries, last_data_at, _last_seen_at(seen, deliveries, as_of), waiting))
    return _typed(pd.DataFrame(rows, columns=list(c.FEED_STATE)))


def _row(
    feed: str,
    source: SourceSettings,
    deliveries: Sequence[_Delivery],
    last_data_at: datetime | None,
    last_seen_at: datetime | None,
    waiting: Sequence[HeldBatch],
) -> tuple[object, ...]:
    oldest = min(waiting, key=lambda batch: batch.held_at, default=None)
    return (
        feed, source.every_hours, last_seen_at, deliveries[0].at if deliveries else None, last_data_at,
        len(deliveries), deliveries[0].rows if deliveries else None, usual_rows([each.rows for each in deliveries[1:]]),
        len(waiting), " ".join(drift.why for drift in oldest.drifts) if oldest else None,
    )  # fmt: skip


def _loaded(batches: Sequence[BatchReceipt], as_of: datetime) -> list[_Delivery]:
    """Return what was loaded by then, newest first."""
    return [_Delivery(batch.loaded_at, batch.rows_in) for batch in batches if batch.loaded_at <= as_of]


def _replayed(batches: Sequence[BatchReceipt], of_logs: Sequence[LogFile], as_of: datetime) -> list[_Delivery]:
    """Return what could have been loaded by then, newest first."""
    by_id = {file.batch_id: file for file in of_logs}
    found = []
    for batch in batches:
        file = by_id.get(batch.batch_id)
        if file is None or file.first_at is None or file.last_at is None:
            found.append(_Delivery(as_of, batch.rows_in))
        elif file.first_at <= as_of:
            found.append(_Delivery(min(file.last_at, as_of), batch.rows_in))
    return sorted(found, key=lambda each: each.at, reverse=True)


def _last_data_at(of_logs: Sequence[LogFile], profiles: Sequence[Profile], as_of: datetime) -> datetime | None:
    said = [file.last_at for file in of_logs] + [profile.last_at for profile in profiles]
    return max((at for at in said if at is not None and at <= as_of), default=None)


def _last_seen_at(seen: Sequence[SeenFile], deliveries: Sequence[_Delivery], as_of: datetime) -> datetime | None:
    """Return when anything was last found; what was found again after `as_of` was found at its last loading, too."""
    times = [file.seen_at for file in seen if file.seen_at <= as_of] + [each.at for each in deliveries[:1]]
    return max(times, default=None)


def _is_waiting(batch: HeldBatch, as_of: datetime) -> bool:
    """Say whether nobody had decided by then; a batch that was held anew keeps its old decisions."""
    since = [decision for decision in batch.decisions if decision.at >= batch.held_at]
    is_open = batch.state is HeldState.HELD or (bool(since) and since[0].at > as_of)
    return batch.held_at <= as_of and is_open


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    frame[c.FEED] = frame[c.FEED].astype("str")
    frame[c.HELD_WHY] = frame[c.HELD_WHY].astype("str")
    for name in _TIMES:
        frame[name] = pd.to_datetime(frame[name], utc=True).astype("datetime64[us, UTC]")
    whole = dict.fromkeys((c.N_BATCHES, c.N_HELD), "int64")
    typed: pd.DataFrame = frame.astype(dict.fromkeys(_NUMBERS, "float64") | whole)
    return typed
