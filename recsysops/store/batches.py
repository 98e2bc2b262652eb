"""Batches, their accounts, quarantine, and the register of log files."""

from collections.abc import Sequence
from typing import cast

from sqlalchemy import insert, or_, select, update
from sqlalchemy.orm import Session

from recsysops.domain.batch import BatchReceipt, LogFile, QuarantinedRow
from recsysops.store.tables_input import BatchRow, LogFileRow, QuarantinedRowRow


class SqlBatches:
    """See `BatchRepository`."""

    def __init__(self, session: Session) -> None:
        """Work in the transaction of `session`."""
        self._session = session

    def find(self, table: str, content_hash: str) -> BatchReceipt | None:
        """Return the batch already loaded with this content, if any."""
        wanted = select(BatchRow).where(BatchRow.table_name == table, BatchRow.content_hash == content_hash)
        row = self._session.scalars(wanted).one_or_none()
        return None if row is None else _receipt(row)

    def add(self, receipt: BatchReceipt, quarantined: Sequence[QuarantinedRow]) -> None:
        """Record a batch and its quarantined rows (samples, for logs)."""
        values = dict(vars(receipt))
        self._session.add(BatchRow(table_name=values.pop("table"), **values | {"files": list(receipt.files)}))
        self._session.flush()
        if quarantined:
            rows = [{"batch_id": receipt.batch_id, **vars(row)} for row in quarantined]
            for row in rows:
                row["column_name"] = row.pop("column")
            self._session.execute(insert(QuarantinedRowRow), rows)

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
            wanted = wanted.where(kept_out.batch_id == batch_id)
        return tuple((row.batch_id, _quarantined(row)) for row in self._session.scalars(wanted))

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
