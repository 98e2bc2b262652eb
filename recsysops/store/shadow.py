"""What the recommender said when it was asked. Rows stay, as later models learn from them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import pandas as pd
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from recsysops import columns as c
from recsysops.store.bulk import insert_columns, pieces, read_frame, stored, stored_columns
from recsysops.store.frames import empty_frame, micros, plain_columns
from recsysops.store.tables_predicted import RelabelledScoreRow, ShadowScoreRow

_SEQUENCES_AT_ONCE: Final = 5_000
_AnyRow = type[ShadowScoreRow] | type[RelabelledScoreRow]


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
        self._replace(ShadowScoreRow, (c.AS_OF, *c.CELL_KEY), frame)
        self._insert(frame, run_id)

    def add_relabelled(self, frame: pd.DataFrame, run_id: str) -> None:
        """Add RELABELLED rows at their own AS_OF; a row of the same cell, time and fields dropped is replaced."""
        self._replace(RelabelledScoreRow, (c.AS_OF, *c.CELL_KEY, c.DROPPED), frame)
        lists: list[list[Any]] = plain_columns(frame, c.RELABELLED, c.SHADOW)
        names = [*c.RELABELLED, RelabelledScoreRow.run_id.key]
        insert_columns(self._session, RelabelledScoreRow, names, [*lists, [run_id] * len(frame)])

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

    def relabelled(self) -> pd.DataFrame:
        """Return RELABELLED at all times, by AS_OF, cell and fields dropped."""
        table = RelabelledScoreRow.__table__
        order = [stored(table.c[name]) for name in (c.AS_OF, *c.CELL_KEY, c.DROPPED)]
        wanted = select(*stored_columns(table, c.RELABELLED)).order_by(*order)
        return read_frame(self._session, wanted, c.RELABELLED, c.SHADOW)

    def mark(self) -> str:
        """Return a text that changes whenever what `all` or `relabelled` returns may have changed."""
        return f"{self._mark(ShadowScoreRow)}/{self._mark(RelabelledScoreRow)}"

    def _mark(self, model: _AnyRow) -> str:
        newest = select(model.sequence, model.run_id).order_by(model.sequence.desc()).limit(1)
        last = self._session.execute(newest).first()
        count = self._session.scalar(select(func.count()).select_from(model))
        return f"{count}" if last is None else f"{count}-{last[0]}-{last[1]}"

    def _replace(self, model: _AnyRow, names: Sequence[str], frame: pd.DataFrame) -> None:
        """Remove the rows of a table that agree with a row of the frame in these columns, AS_OF being the first."""
        given = _keys(plain_columns(frame, names, c.SHADOW))
        table = model.__table__
        stale: list[int] = []
        for at in sorted({key[0] for key in given}):
            moment = frame[c.AS_OF].iloc[next(row for row, key in enumerate(given) if key[0] == at)]
            rows = self._session.execute(
                select(table.c.sequence, *stored_columns(table, names)).where(model.as_of == moment)
            )
            wanted = set(given)
            stale += [row[0] for row in rows if tuple(row[1:]) in wanted]
        for start in range(0, len(stale), _SEQUENCES_AT_ONCE):
            piece = stale[start : start + _SEQUENCES_AT_ONCE]
            self._session.execute(delete(model).where(model.sequence.in_(piece)))

    def _insert(self, frame: pd.DataFrame, run_id: str) -> None:
        lists: list[list[Any]] = plain_columns(frame, c.SHADOW_SCORE, c.SHADOW)
        names = [*c.SHADOW_SCORE, ShadowScoreRow.run_id.key]
        insert_columns(self._session, ShadowScoreRow, names, [*lists, [run_id] * len(frame)])


def _keys(lists: list[list[Any]]) -> list[tuple[Any, ...]]:
    return list(zip(*lists, strict=True))
