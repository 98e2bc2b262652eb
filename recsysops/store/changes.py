"""What was deployed, pushed or edited; append-only."""

from datetime import datetime

import pandas as pd
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from recsysops import columns as c
from recsysops.store.bulk import read_frame, stored_columns, wanted_text
from recsysops.store.frames import plain_columns
from recsysops.store.once import add_once
from recsysops.store.tables_held import ChangeRow


class SqlChanges:
    """See `ChangeRepository`."""

    def __init__(self, session: Session) -> None:
        """Work in the transaction of `session`."""
        self._session = session

    def add(self, rows: pd.DataFrame, batch_id: str, loaded_at: datetime) -> int:
        """Add CHANGE rows; return how many were new."""
        lists = plain_columns(rows, c.CHANGE, c.CHANGES)
        return add_once(self._session, ChangeRow, c.CHANGE, lists, batch_id, loaded_at)

    def list(
        self,
        *,
        title_id: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 1000,
    ) -> pd.DataFrame:
        """Return CHANGE, latest first, of these the last added first."""
        wanted = select(*stored_columns(ChangeRow.__table__, c.CHANGE))
        if title_id is not None:
            wanted = wanted.where(or_(ChangeRow.title_id == wanted_text(title_id), ChangeRow.title_id.is_(None)))
        if since is not None:
            wanted = wanted.where(ChangeRow.ts >= since)
        if until is not None:
            wanted = wanted.where(ChangeRow.ts <= until)
        wanted = wanted.order_by(ChangeRow.ts.desc(), ChangeRow.sequence.desc()).limit(limit)
        return read_frame(self._session, wanted, c.CHANGE, c.CHANGES)
