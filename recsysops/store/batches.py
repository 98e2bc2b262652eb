"""Batches, their accounts, quarantine, and the register of log files."""

from collections.abc import Mapping, Sequence
from typing import cast

from sqlalchemy import bindparam, delete, func, insert, or_, select, update
from sqlalchemy.orm import Session

from recsysops.domain.batch import BatchReceipt, LogFile, QuarantinedRow
from recsysops.domain.drift import Decision, HeldBatch, HeldState, Profile, SeenFile
from recsysops.store.bulk import pieces, wanted_text
from recsysops.store.shapes import (
    check_decision,
    held_from,
    held_values,
    profile_from,
    profile_json,
    seen_from,
    seen_values,
)
from recsysops.store.tables_held import BatchProfileRow, HeldBatchRow, HeldDecisionRow, SeenFileRow
from recsysops.store.tables_input import BatchRow, LogFileRow, QuarantinedRowRow


class SqlBatches:
    """See `BatchRepository`."""

    def __init__(self, session: Session) -> None:
        """Work in the transaction of `session`."""
        self._session = session

    def find(self, table: str, content_hash: str) -> BatchReceipt | None:
        """Return the batch already loaded with this content, if any."""
        wanted = select(BatchRow).where(
            BatchRow.table_name == table, BatchRow.content_hash == wanted_text(content_hash)
        )
        row = self._session.scalars(wanted).one_or_none()
        return None if row is None else _receipt(row)

    def add(self, receipt: BatchReceipt, quarantined: Sequence[QuarantinedRow], profile: Profile | None = None) -> None:
        """Record a batch, its quarantined rows (samples, for logs) and what it looked like."""
        values = dict(vars(receipt))
        self._session.add(BatchRow(table_name=values.pop("table"), **values | {"files": list(receipt.files)}))
        self._session.flush()
        if quarantined:
            rows = [{"batch_id": receipt.batch_id, **vars(row)} for row in quarantined]
            for row in rows:
                row["column_name"] = row.pop("column")
            self._session.execute(insert(QuarantinedRowRow), rows)
        if profile is not None:
            values = {"batch_id": receipt.batch_id, "profile": profile_json(profile)}
            self._session.execute(insert(BatchProfileRow), [values])

    def all(self) -> tuple[BatchReceipt, ...]:
        """Return every batch, newest first."""
        rows = self._session.scalars(select(BatchRow).order_by(BatchRow.loaded_at.desc(), BatchRow.sequence.desc()))
        return tuple(_receipt(row) for row in rows)

    def quarantine(
        self, batch_id: str | None = None, *, limit: int = 1000, offset: int = 0
    ) -> tuple[tuple[str, QuarantinedRow], ...]:
        """Return (batch id, row), by batch (newest first) and row."""
        kept_out = QuarantinedRowRow
        wanted = (
            select(kept_out)
            .join(BatchRow, BatchRow.batch_id == kept_out.batch_id)
            .order_by(BatchRow.loaded_at.desc(), BatchRow.sequence.desc(), kept_out.row, kept_out.sequence)
            .limit(limit)
            .offset(offset)
        )
        if batch_id is not None:
            wanted = wanted.where(kept_out.batch_id == wanted_text(batch_id))
        return tuple((row.batch_id, _quarantined(row)) for row in self._session.scalars(wanted))

    def count_quarantine(self, batch_id: str | None = None) -> int:
        """Return how many rows `quarantine` can list."""
        counted = select(func.count()).select_from(QuarantinedRowRow)
        if batch_id is not None:
            counted = counted.where(QuarantinedRowRow.batch_id == wanted_text(batch_id))
        return self._session.scalars(counted).one()

    def profiles(self, table: str, *, limit: int = 10) -> tuple[Profile, ...]:
        """Return what the batches of a table that were published last looked like, newest first."""
        wanted = (
            select(BatchProfileRow)
            .join(BatchRow, BatchRow.batch_id == BatchProfileRow.batch_id)
            .where(BatchRow.table_name == table)
            .order_by(BatchRow.loaded_at.desc(), BatchRow.sequence.desc())
            .limit(limit)
        )
        return tuple(profile_from(row.profile) for row in self._session.scalars(wanted))

    def hold(self, held: HeldBatch) -> None:
        """Record a batch that is not published; one with the same id takes its decisions over and is replaced."""
        values = held_values(held)
        if self._held_row(held.batch_id) is None:
            self._session.execute(insert(HeldBatchRow), [values])
            for decision in held.decisions:
                self._append(held.batch_id, decision)
        else:
            self._session.execute(update(HeldBatchRow).where(HeldBatchRow.batch_id == held.batch_id).values(values))
        self._session.expire_all()

    def held(self, *, table: str | None = None, state: HeldState | None = None) -> tuple[HeldBatch, ...]:
        """Return held batches, newest first; of this table and in this state, where given."""
        wanted = select(HeldBatchRow).order_by(HeldBatchRow.held_at.desc(), HeldBatchRow.sequence.desc())
        if table is not None:
            wanted = wanted.where(HeldBatchRow.table_name == table)
        if state is not None:
            wanted = wanted.where(HeldBatchRow.state == state)
        return self._with_decisions(self._session.scalars(wanted).all())

    def decide(self, batch_id: str, decision: Decision) -> HeldBatch:
        """Append a decision and move the held batch to its state.

        Raises:
            NotFoundError: No batch with this id was ever held.
            UsageError: The batch was published or discarded already.
        """
        row = self._held_row(batch_id)
        check_decision(batch_id, None if row is None else HeldState(row.state))
        self._append(batch_id, decision)
        this = HeldBatchRow.batch_id == batch_id
        self._session.execute(update(HeldBatchRow).where(this).values(state=decision.state))
        self._session.expire_all()
        return self._with_decisions(self._session.scalars(select(HeldBatchRow).where(this)).all())[0]

    def see(self, files: Sequence[SeenFile]) -> None:
        """Remember files as an ingest found them; by table and path the last one counts."""
        rows = {(file.table, file.path): seen_values(file) for file in files}
        if not rows:
            return
        table = SeenFileRow.__table__
        same = (table.c.table_name == bindparam("t"), table.c.path == bindparam("p"))
        gone = [{"t": table_name, "p": path} for table_name, path in rows]
        self._session.connection().execute(delete(SeenFileRow).where(*same), gone)
        self._session.execute(insert(SeenFileRow), list(rows.values()))
        self._session.expire_all()

    def seen(self, table: str) -> Mapping[str, SeenFile]:
        """Return the files of a table by path, as they were last found."""
        rows = self._session.scalars(select(SeenFileRow).where(SeenFileRow.table_name == table))
        return {row.path: seen_from(row) for row in rows}

    def register(self, file: LogFile) -> None:
        """Register a log file; it supersedes files of its table with the same declared day, or the same path."""
        same = [LogFileRow.path == file.path]
        if file.declared_day is not None:
            same.append(LogFileRow.declared_day == file.declared_day)
        current = (LogFileRow.table_name == file.table, LogFileRow.superseded_by.is_(None))
        self._session.execute(update(LogFileRow).where(*current, or_(*same)).values(superseded_by=file.batch_id))
        values = dict(vars(file))
        self._session.add(LogFileRow(table_name=values.pop("table"), **values))
        self._session.flush()

    def log_files(self, table: str) -> tuple[LogFile, ...]:
        """Return the files of a table that count, by first row's time; files without a row last."""
        wanted = (
            select(LogFileRow)
            .where(LogFileRow.table_name == table, LogFileRow.superseded_by.is_(None))
            .order_by(LogFileRow.first_at.is_(None), LogFileRow.first_at, LogFileRow.path)
        )
        return tuple(_log_file(row) for row in self._session.scalars(wanted))

    def _held_row(self, batch_id: str) -> HeldBatchRow | None:
        return self._session.scalars(
            select(HeldBatchRow).where(HeldBatchRow.batch_id == wanted_text(batch_id))
        ).one_or_none()

    def _append(self, batch_id: str, decision: Decision) -> None:
        said = {"state": decision.state, "decided_by": decision.by, "reason": decision.reason, "at": decision.at}
        self._session.execute(insert(HeldDecisionRow), [{"batch_id": batch_id, **said}])

    def _with_decisions(self, rows: Sequence[HeldBatchRow]) -> tuple[HeldBatch, ...]:
        decisions: dict[str, list[HeldDecisionRow]] = {row.batch_id: [] for row in rows}
        for piece in pieces(list(decisions)):
            wanted = select(HeldDecisionRow).where(HeldDecisionRow.batch_id.in_(piece))
            for each in self._session.scalars(wanted.order_by(HeldDecisionRow.sequence)):
                decisions[each.batch_id].append(each)
        return tuple(held_from(row, decisions[row.batch_id]) for row in rows)


def _receipt(row: BatchRow) -> BatchReceipt:
    return BatchReceipt(
        batch_id=row.batch_id, table=row.table_name, content_hash=row.content_hash, files=tuple(row.files),
        rows_in=row.rows_in, accepted=row.accepted, duplicate=row.duplicate, quarantined=row.quarantined,
        loaded_at=row.loaded_at, as_of_label=row.as_of_label, codes=cast("dict[str, int]", row.codes),
    )  # fmt: skip


def _quarantined(row: QuarantinedRowRow) -> QuarantinedRow:
    return QuarantinedRow(
        file=row.file, row=row.row, column=row.column_name, code=row.code, value=row.value, rule=row.rule, fix=row.fix
    )


def _log_file(row: LogFileRow) -> LogFile:
    return LogFile(
        batch_id=row.batch_id, table=row.table_name, path=row.path, content_hash=row.content_hash,
        declared_day=row.declared_day, first_at=row.first_at, last_at=row.last_at, rows=row.rows, mapping=row.mapping,
    )  # fmt: skip
