"""Profiles, drifts and held batches as JSON values and rows, and back. Knows no session."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from recsysops.domain.drift import ColumnProfile, Decision, Drift, DriftKind, HeldBatch, HeldState, Profile, SeenFile
from recsysops.errors import NotFoundError, UsageError
from recsysops.store.frames import EPOCH, micros
from recsysops.store.tables_held import HeldBatchRow, HeldDecisionRow, SeenFileRow


def profile_json(profile: Profile) -> dict[str, object]:
    """Return a profile as JSON; times in microseconds since 1970 UTC."""
    return {
        "rows": profile.rows,
        "quarantined": profile.quarantined,
        "columns": {name: vars(column) for name, column in profile.columns.items()},
        "first_at": None if profile.first_at is None else micros(profile.first_at),
        "last_at": None if profile.last_at is None else micros(profile.last_at),
        "file": profile.file,
    }


def profile_from(value: Mapping[str, Any]) -> Profile:
    """Undo `profile_json`."""
    columns = {
        name: ColumnProfile(**(column | {"values": tuple(column["values"])}))
        for name, column in value["columns"].items()
    }
    return Profile(
        rows=value["rows"], quarantined=value["quarantined"], columns=columns, first_at=_time(value["first_at"]),
        last_at=_time(value["last_at"]), file=value["file"],
    )  # fmt: skip


def held_values(held: HeldBatch) -> dict[str, Any]:
    """Return a held batch as a row of its table, without its decisions."""
    values = {name: value for name, value in vars(held).items() if name not in {"table", "decisions"}}
    return values | {
        "table_name": held.table,
        "files": list(held.files),
        "drifts": [vars(drift) for drift in held.drifts],
        "profile": profile_json(held.profile),
    }


def held_from(row: HeldBatchRow, decisions: Sequence[HeldDecisionRow]) -> HeldBatch:
    """Return a held batch with its decisions, oldest first."""
    drifts: list[Any] = list(row.drifts)
    return HeldBatch(
        batch_id=row.batch_id, table=row.table_name, content_hash=row.content_hash, files=tuple(row.files),
        rows_in=row.rows_in, accepted=row.accepted, quarantined=row.quarantined, held_at=row.held_at,
        drifts=tuple(Drift(**(drift | {"kind": DriftKind(drift["kind"])})) for drift in drifts),
        profile=profile_from(row.profile), state=HeldState(row.state),
        decisions=tuple(
            Decision(state=HeldState(each.state), by=each.decided_by, reason=each.reason, at=each.at)
            for each in decisions
        ),
    )  # fmt: skip


def check_decision(batch_id: str, state: HeldState | None) -> None:
    """Refuse a decision on a batch that was never held (state None) or whose story has ended.

    Raises:
        NotFoundError: No batch with this id was ever held.
        UsageError: It was published or discarded already.
    """
    if state is None:
        raise NotFoundError(f'No batch is held as "{batch_id}". List the held ones first.')
    if state in {HeldState.PUBLISHED, HeldState.DISCARDED}:
        raise UsageError(f'Batch "{batch_id}" was {state} already (expected a held one). Nothing is left to decide.')


def seen_values(file: SeenFile) -> dict[str, Any]:
    """Return a seen file as a row of its table."""
    values = dict(vars(file))
    return {"table_name": values.pop("table"), **values}


def seen_from(row: SeenFileRow) -> SeenFile:
    """Undo `seen_values`."""
    return SeenFile(
        table=row.table_name, path=row.path, size=row.size, mtime_ns=row.mtime_ns, content_hash=row.content_hash,
        seen_at=row.seen_at,
    )  # fmt: skip


def _time(stored: int | None) -> datetime | None:
    return None if stored is None else EPOCH + timedelta(microseconds=stored)
