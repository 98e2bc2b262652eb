"""Predictions held against what happened; append-only, of each key the row added last counts."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import pandas as pd
from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.orm import Session

from recsysops import columns as c
from recsysops.domain.measure import LEADS
from recsysops.store.bulk import AnySelect, insert_columns, pieces, read_frame, stored, stored_columns
from recsysops.store.frames import LAUNCH_SCORES, SCORE_KEY, empty_frame, plain_columns
from recsysops.store.once import row_hashes
from recsysops.store.tables_predicted import LaunchScoreRow
from recsysops.store.tables_results import PredictionRow, ResultSetRow

_DAY: Final = timedelta(days=1) // timedelta(microseconds=1)
_PLACE: Final = "place"


class SqlScores:
    """See `ScoreRepository`."""

    def __init__(self, session: Session) -> None:
        """Work in the transaction of `session`."""
        self._session = session

    def oldest_prediction(self) -> datetime | None:
        """Return the time the oldest stored predictions stand at."""
        of_predictions = ResultSetRow.table_name == c.PREDICTIONS
        return self._session.scalar(select(func.min(ResultSetRow.as_of)).where(of_predictions))

    def standing(self, launches: pd.DataFrame) -> pd.DataFrame:
        """Return, of each launch, the last prediction made so many days before it, per lead, predictor and model."""
        titles = sorted(set(launches[c.TITLE_ID]))
        frames = [read_frame(self._session, _standing(piece), c.PREDICTION, c.PREDICTIONS) for piece in pieces(titles)]
        if not frames:
            return empty_frame(c.PREDICTION, c.PREDICTIONS)
        wanted = launches[[*c.CELL_KEY, c.LAUNCH_AT]].drop_duplicates()
        return pd.concat(frames, ignore_index=True).merge(wanted, on=[*c.CELL_KEY, c.LAUNCH_AT])

    def add(self, rows: pd.DataFrame) -> int:
        """Add LAUNCH_SCORE rows; return how many were new."""
        lists = plain_columns(rows, c.LAUNCH_SCORE, LAUNCH_SCORES)
        written = (*c.LAUNCH_SCORE, LaunchScoreRow.row_hash.key)
        return insert_columns(
            self._session, LaunchScoreRow, written, [*lists, row_hashes(lists)], once_by=LaunchScoreRow.row_hash.key
        )

    def latest(
        self,
        *,
        measure: str | None = None,
        horizon: int | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        names: Sequence[str] = c.LAUNCH_SCORE,
    ) -> pd.DataFrame:
        """Return of each key the row added last, of launches in [since, until], by launch and key."""
        row = LaunchScoreRow
        place = func.row_number().over(
            partition_by=[row.__table__.c[name] for name in SCORE_KEY], order_by=row.sequence.desc()
        )
        of: list[ColumnElement[bool]] = [] if measure is None else [row.measure == measure]
        of += [] if horizon is None else [row.horizon == horizon]
        ranked = select(row.__table__, place.label(_PLACE)).where(*of).subquery()
        within = [ranked.c[_PLACE] == 1]
        within += [] if since is None else [ranked.c.launch_at >= since]
        within += [] if until is None else [ranked.c.launch_at <= until]
        order = (ranked.c[name] for name in (c.LAUNCH_AT, *SCORE_KEY[:-1], row.sequence.key))
        wanted = select(*stored_columns(ranked, names)).where(*within).order_by(*order)
        return read_frame(self._session, wanted, names, LAUNCH_SCORES)

    def targets(self) -> tuple[tuple[str, int], ...]:
        """Return every measure and horizon with a score, sorted."""
        row = LaunchScoreRow
        found = select(row.measure, row.horizon).distinct().order_by(row.measure, row.horizon)
        return tuple((measure, horizon) for measure, horizon in self._session.execute(found))


def _standing(title_ids: Sequence[str]) -> AnySelect:
    row = PredictionRow
    before = stored(row.__table__.c.launch_at) - stored(row.__table__.c.as_of)
    lead = case(*((before >= lead * _DAY, lead) for lead in LEADS))
    key = (*c.TARGET_KEY, c.LAUNCH_AT, c.PREDICTOR, c.MODEL_ID)
    place = func.row_number().over(
        partition_by=[*(row.__table__.c[name] for name in key), lead], order_by=(row.as_of.desc(), row.sequence.desc())
    )
    # Every stored as_of is named, so that the index on as_of and title is used.
    stood = select(ResultSetRow.as_of).where(ResultSetRow.table_name == c.PREDICTIONS)
    columns = [column for column in row.__table__.c if column.key != c.LEAD]
    ranked = (
        select(*columns, lead.label(c.LEAD), place.label(_PLACE))
        .where(row.as_of.in_(stood), row.title_id.in_(title_ids), before >= _DAY)
        .subquery()
    )
    is_last = (ranked.c[_PLACE] == 1) & ranked.c[c.QUANTILES[len(c.QUANTILES) // 2]].is_not(None)
    return select(*stored_columns(ranked, c.PREDICTION)).where(is_last).order_by(ranked.c.sequence)
