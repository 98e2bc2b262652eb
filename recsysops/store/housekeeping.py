"""Retention: removes what is older than it need be. What may never go is decided here."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, delete, func, select
from sqlalchemy.orm import Session

from recsysops import columns as c
from recsysops.settings import RetentionSettings
from recsysops.store.bulk import pieces, stored
from recsysops.store.frames import LAUNCH_SCORES, RELABELLED_SCORES, micros
from recsysops.store.results import RESULT_MODELS
from recsysops.store.tables import Tables
from recsysops.store.tables_followed import BacktestRow, RunRow
from recsysops.store.tables_input import BatchRow, QuarantinedRowRow
from recsysops.store.tables_predicted import LaunchScoreRow, RelabelledScoreRow
from recsysops.store.tables_results import PredictionRow, ResultSetRow

BACKTESTS: Final = "backtests"
RUNS: Final = "runs"
QUARANTINE: Final = "quarantine"
_DAY: Final = timedelta(days=1) // timedelta(microseconds=1)


class SqlHousekeeping:
    """See `Housekeeping`."""

    def __init__(self, session: Session) -> None:
        """Work in the transaction of `session`."""
        self._session = session

    def prune(self, policy: RetentionSettings, now: datetime) -> Mapping[str, int]:
        """Remove what the policy no longer keeps; return rows removed by table, every table a key.

        Of results the latest of each table stay, of predictions also those whose outcome may still come, of runs the
        last followed one and those whose results are still there, of backtests the latest. Quarantined rows go, their
        counts stay with their batch. Space is used again, not given back to the file system.
        """
        results_before = now - timedelta(days=policy.results_days)
        runs_before = now - timedelta(days=policy.runs_days)
        others = {table: model for table, model in RESULT_MODELS.items() if table != c.PREDICTIONS}
        removed = {table: self._results(table, model, results_before) for table, model in others.items()}
        removed[c.PREDICTIONS] = self._predictions(results_before, now - timedelta(days=policy.unscored_days))
        removed[LAUNCH_SCORES] = self._remove(
            LaunchScoreRow, LaunchScoreRow.launch_at < now - timedelta(days=policy.scores_days)
        )
        removed[RELABELLED_SCORES] = self._remove(
            RelabelledScoreRow, RelabelledScoreRow.launch_at < now - timedelta(days=policy.relabelled_days)
        )
        removed[BACKTESTS] = self._backtests(runs_before)
        removed[RUNS] = self._runs(runs_before)
        old = select(BatchRow.batch_id).where(BatchRow.loaded_at < now - timedelta(days=policy.quarantine_days))
        removed[QUARANTINE] = self._remove(QuarantinedRowRow, QuarantinedRowRow.batch_id.in_(old))
        return removed

    def _results(self, table: str, model: Any, before: datetime) -> int:  # noqa: ANN401 - any of the result tables
        of_table = ResultSetRow.table_name == table
        latest = self._session.scalar(select(func.max(ResultSetRow.as_of)).where(of_table))
        if latest is None:
            return 0
        before = min(before, latest)
        self._remove(ResultSetRow, of_table, ResultSetRow.as_of < before)
        return self._remove(model, model.as_of < before)

    def _predictions(self, before: datetime, settled: datetime) -> int:
        """Remove old predictions, but not those whose outcome may still come: their window ends after `settled`."""
        of_table = ResultSetRow.table_name == c.PREDICTIONS
        latest = self._session.scalar(select(func.max(ResultSetRow.as_of)).where(of_table))
        if latest is None:
            return 0
        before = min(before, latest)
        row = PredictionRow
        ends = stored(row.__table__.c.launch_at) + row.horizon * _DAY
        is_settled = row.launch_at.is_(None) | (ends <= micros(settled))
        removed = self._remove(row, row.as_of < before, is_settled)
        left = select(row.as_of).where(row.as_of < before)
        self._remove(ResultSetRow, of_table, ResultSetRow.as_of < before, ResultSetRow.as_of.not_in(left))
        return removed

    def _backtests(self, before: datetime) -> int:
        latest = self._session.scalar(select(func.max(BacktestRow.sequence)))
        old = select(RunRow.run_id).where(RunRow.started_at < before)
        return self._remove(BacktestRow, BacktestRow.run_id.in_(old), BacktestRow.sequence != latest)

    def _runs(self, before: datetime) -> int:
        last = (
            select(RunRow.run_id)
            .where(RunRow.is_followed)
            .order_by(RunRow.as_of.desc(), RunRow.started_at.desc())
            .limit(1)
        )
        kept: list[Select[Any]] = [select(ResultSetRow.run_id), select(BacktestRow.run_id), last]
        spared: set[str] = set()
        for wanted in kept:
            spared.update(self._session.scalars(wanted))
        old = set(self._session.scalars(select(RunRow.run_id).where(RunRow.started_at < before)))
        return sum(self._remove(RunRow, RunRow.run_id.in_(piece)) for piece in pieces(sorted(old - spared)))

    def _remove(self, model: type[Tables], *where: ColumnElement[bool]) -> int:
        result: Any = self._session.execute(delete(model).where(*where).execution_options(synchronize_session=False))
        return int(result.rowcount)
