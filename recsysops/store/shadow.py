"""What the recommender said when it was asked. Rows stay, as later models learn from them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import pandas as pd
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from recsysops import columns as c
from recsysops.store.bulk import insert_columns, pieces, read_frame, stored_columns
from recsysops.store.frames import empty_frame, micros, plain_columns
from recsysops.store.tables_predicted import ShadowScoreRow

_SEQUENCES_AT_ONCE: Final = 5_000


class SqlShadow:
    """See `ShadowRepository`."""

    def __init__(self, session: Session) -> None:
        """Work in the transaction of `session`."""
        self._session = session

    def save(self, frame: pd.DataFrame, run_id: str, as_of: datetime) -> None:
        """Replace what was said at `as_of`; an empty frame says that nothing was."""
        micros(as_of)  # refuses a time without a zone
        self._session.execute(delete(ShadowScoreRow).where(ShadowScoreRow.as_of == as_of))
        self._insert(
            frame.assign(**{c.AS_OF: pd.Series(as_of, index=frame.index, dtype="datetime64[us, UTC]")}), run_id
        )

    def add(self, frame: pd.DataFrame, run_id: str) -> None:
        """Add rows at their own AS_OF; a row of the same cell at that time is replaced."""
        given = _keys(plain_columns(frame, (c.AS_OF, *c.CELL_KEY), c.SHADOW))
        names = (c.AS_OF, *c.CELL_KEY)
        table = ShadowScoreRow.__table__
        stale: list[int] = []
        for at in sorted({key[0] for key in given}):
            moment = frame[c.AS_OF].iloc[next(row for row, key in enumerate(given) if key[0] == at)]
            rows = self._session.execute(
                select(table.c.sequence, *stored_columns(table, names)).where(ShadowScoreRow.as_of == moment)
            )
            wanted = set(given)
            stale += [row[0] for row in rows if tuple(row[1:]) in wanted]
        for start in range(0, len(stale), _SEQUENCES_AT_ONCE):
            piece = stale[start : start + _SEQUENCES_AT_ONCE]
            self._session.execute(delete(ShadowScoreRow).where(ShadowScoreRow.sequence.in_(piece)))
        self._insert(frame, run_id)

    def all(self, title_ids: Sequence[str] | None = None) -> pd.DataFrame:
        """Return SHADOW_SCORE at all times, of these titles where given, by AS_OF and cell."""
        order = [getattr(ShadowScoreRow, name) for name in (c.AS_OF, *c.CELL_KEY)]
        wanted = select(*stored_columns(ShadowScoreRow.__table__, c.SHADOW_SCORE)).order_by(*order)
        if title_ids is None:
            return read_frame(self._session, wanted, c.SHADOW_SCORE, c.SHADOW)
        frames = [
            read_frame(self._session, wanted.where(ShadowScoreRow.title_id.in_(piece)), c.SHADOW_SCORE, c.SHADOW)
            for piece in pieces(title_ids)
        ]
        if not frames:
            return empty_frame(c.SHADOW_SCORE, c.SHADOW)
        return pd.concat(frames).sort_values([c.AS_OF, *c.CELL_KEY], kind="stable", ignore_index=True)

    def latest(self) -> pd.DataFrame:
        """Return SHADOW_SCORE at the latest AS_OF, by cell."""
        newest = select(func.max(ShadowScoreRow.as_of)).scalar_subquery()
        order = [getattr(ShadowScoreRow, name) for name in c.CELL_KEY]
        wanted = select(*stored_columns(ShadowScoreRow.__table__, c.SHADOW_SCORE)).where(ShadowScoreRow.as_of == newest)
        return read_frame(self._session, wanted.order_by(*order), c.SHADOW_SCORE, c.SHADOW)

    def mark(self) -> str:
        """Return a text that changes whenever what `all` returns may have changed."""
        newest = (
            select(ShadowScoreRow.sequence, ShadowScoreRow.run_id).order_by(ShadowScoreRow.sequence.desc()).limit(1)
        )
        last = self._session.execute(newest).first()
        count = self._session.scalar(select(func.count()).select_from(ShadowScoreRow))
        return f"{count}" if last is None else f"{count}-{last[0]}-{last[1]}"

    def _insert(self, frame: pd.DataFrame, run_id: str) -> None:
        lists: list[list[Any]] = plain_columns(frame, c.SHADOW_SCORE, c.SHADOW)
        names = [*c.SHADOW_SCORE, ShadowScoreRow.run_id.key]
        insert_columns(self._session, ShadowScoreRow, names, [*lists, [run_id] * len(frame)])


def _keys(lists: list[list[Any]]) -> list[tuple[Any, ...]]:
    return list(zip(*lists, strict=True))
