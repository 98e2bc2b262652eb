"""What runs computed: predictions, expectations, checks, verdicts, findings, cells, and backtests' scores."""

import math
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Literal

import pandas as pd
from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from recsysops import columns as c
from recsysops.domain.model import BacktestScore
from recsysops.store.bulk import insert_columns, pieces, read_frame, stored_columns
from recsysops.store.frames import RESULT_COLUMNS, empty_frame, micros, plain_columns
from recsysops.store.tables_followed import BacktestRow, BacktestScoreRow
from recsysops.store.tables_results import (
    CellRow,
    CheckResultRow,
    ExpectationRow,
    FindingRow,
    PredictionRow,
    ResultSetRow,
    VerdictRow,
)

ResultTable = Literal["predictions", "expectations", "checks", "verdicts", "findings", "cells"]

_Model = type[PredictionRow | ExpectationRow | CheckResultRow | VerdictRow | FindingRow | CellRow]
RESULT_MODELS: Final[dict[str, _Model]] = {
    c.PREDICTIONS: PredictionRow,
    c.EXPECTATIONS: ExpectationRow,
    c.CHECKS: CheckResultRow,
    "verdicts": VerdictRow,
    "findings": FindingRow,
    c.CELLS: CellRow,
}


class SqlResults:
    """See `ResultRepository`."""

    def __init__(self, session: Session) -> None:
        """Work in the transaction of `session`."""
        self._session = session

    def save(self, table: ResultTable, frame: pd.DataFrame, run_id: str, as_of: datetime) -> None:
        """Replace the results of this table at `as_of`; an empty frame is a result, too."""
        model = RESULT_MODELS[table]
        names = [name for name in RESULT_COLUMNS[table] if name != c.AS_OF]
        lists = plain_columns(frame, names, table)
        of_set = (ResultSetRow.table_name == table, ResultSetRow.as_of == as_of)
        self._session.execute(delete(model).where(model.as_of == as_of))
        self._session.execute(delete(ResultSetRow).where(*of_set))
        self._session.execute(insert(ResultSetRow).values(table_name=table, as_of=as_of, run_id=run_id))
        rest: list[list[Any]] = [[run_id] * len(frame), [micros(as_of)] * len(frame)]
        insert_columns(self._session, model, [*names, model.run_id.key, c.AS_OF], [*lists, *rest])

    def load(
        self, table: ResultTable, as_of: datetime | None = None, *, title_ids: Sequence[str] | None = None
    ) -> pd.DataFrame:
        """Return the results at the latest as_of <= the given one (None: the latest), with AS_OF as a column.

        An empty frame when there are none. Rows come in the order they were saved in, also those of some titles (up to
        five thousand; beyond, by pieces of that many).
        """
        model, names = RESULT_MODELS[table], RESULT_COLUMNS[table]
        latest = select(func.max(ResultSetRow.as_of)).where(ResultSetRow.table_name == table)
        if as_of is not None:
            latest = latest.where(ResultSetRow.as_of <= as_of)
        at = self._session.scalar(latest)
        if at is None:
            return empty_frame(names, table)
        wanted = select(*stored_columns(model.__table__, names)).where(model.as_of == at).order_by(model.sequence)
        if title_ids is None:
            return read_frame(self._session, wanted, names, table)
        frames = [
            read_frame(self._session, wanted.where(model.title_id.in_(piece)), names, table)
            for piece in list(pieces(title_ids)) or [[""]]
        ]
        return pd.concat(frames, ignore_index=True)

    def save_scores(self, run_id: str, scores: Sequence[BacktestScore]) -> None:
        """Keep a backtest's scores; those of the same run are replaced."""
        self._session.execute(delete(BacktestRow).where(BacktestRow.run_id == run_id))
        backtest = BacktestRow(run_id=run_id)
        self._session.add(backtest)
        self._session.flush()
        rows = [
            {"backtest": backtest.sequence, "position": at, **vars(score), "value": _finite(score.value)}
            for at, score in enumerate(scores)
        ]
        if rows:
            self._session.execute(insert(BacktestScoreRow), rows)

    def scores(self) -> tuple[BacktestScore, ...]:
        """Return the latest backtest's scores."""
        latest = select(func.max(BacktestRow.sequence)).scalar_subquery()
        wanted = select(BacktestScoreRow).where(BacktestScoreRow.backtest == latest).order_by(BacktestScoreRow.position)
        return tuple(
            BacktestScore(
                measure=row.measure, horizon=row.horizon, lead=row.lead, predictor=row.predictor, metric=row.metric,
                value=math.nan if row.value is None else row.value, low=row.low, high=row.high, n=row.n,
            )
            for row in self._session.scalars(wanted)
        )  # fmt: skip


def _finite(value: float) -> float | None:
    return None if math.isnan(value) else value
