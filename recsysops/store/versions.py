"""Titles, launches and expectations as known over time; append-only."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal

import pandas as pd
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from recsysops import columns as c
from recsysops.store.bulk import pieces, read_frame, stored_columns
from recsysops.store.frames import VERSION_COLUMNS, VERSION_KEYS, plain_columns
from recsysops.store.once import add_once
from recsysops.store.tables_input import ExpectationVersionRow, LaunchVersionRow, TitleVersionRow

VersionTable = Literal["titles", "launches", "expectations"]

_MODELS: Final[dict[str, type[TitleVersionRow | LaunchVersionRow | ExpectationVersionRow]]] = {
    c.TITLES: TitleVersionRow,
    c.LAUNCHES: LaunchVersionRow,
    c.EXPECTATIONS: ExpectationVersionRow,
}


class SqlVersions:
    """See `VersionRepository`."""

    def __init__(self, session: Session) -> None:
        """Work in the transaction of `session`."""
        self._session = session

    def add(self, table: VersionTable, rows: pd.DataFrame, batch_id: str, loaded_at: datetime) -> int:
        """Add versions; return how many were new.

        A row equal to one already known (all but loaded_at) is not added again.
        """
        names = VERSION_COLUMNS[table]
        lists = plain_columns(rows, names, table)
        return add_once(self._session, _MODELS[table], names, lists, batch_id, loaded_at)

    def known(self, table: VersionTable, as_of: datetime | None = None) -> pd.DataFrame:
        """Return one row per key as known at `as_of`: the latest observed_at <= as_of, of these the latest loaded."""
        model = _MODELS[table]
        before = () if as_of is None else (model.observed_at <= as_of,)
        return self._latest(table, VERSION_KEYS[table], before, VERSION_COLUMNS[table])

    def history(self, table: VersionTable, title_ids: Sequence[str] | None = None) -> pd.DataFrame:
        """Return every version, by key and observed_at, with LOADED_AT as last column.

        Of each key and observed_at the latest loaded.
        """
        key, names = (*VERSION_KEYS[table], c.OBSERVED_AT), (*VERSION_COLUMNS[table], c.LOADED_AT)
        if title_ids is None:
            return self._latest(table, key, (), names)
        within = _MODELS[table].title_id.in_
        frames = [
            self._latest(table, key, (within(piece),), names) for piece in list(pieces(sorted(title_ids))) or [[""]]
        ]
        return pd.concat(frames, ignore_index=True)

    def _latest(
        self, table: VersionTable, key: Sequence[str], where: Sequence[ColumnElement[bool]], names: Sequence[str]
    ) -> pd.DataFrame:
        """Return the last row of each key, by observed_at, then loaded_at, then order of arrival."""
        model = _MODELS[table]
        place = func.row_number().over(
            partition_by=[model.__table__.c[name] for name in key],
            order_by=(model.observed_at.desc(), model.loaded_at.desc(), model.sequence.desc()),
        )
        ranked = select(model.__table__, place.label("place")).where(*where).subquery()
        wanted = (
            select(*stored_columns(ranked, names))
            .where(ranked.c.place == 1)
            .order_by(*(ranked.c[name] for name in key))
        )
        return read_frame(self._session, wanted, names, table)
