"""The fake store's memory of what the recommender said, written apart from the SQL it stands for."""

from collections.abc import Sequence
from datetime import datetime

import pandas as pd

from recsysops import columns as c
from recsysops.store.frames import micros, plain_columns, typed_frame
from recsysops.testing._fake_frames import FrameState


class FakeShadow:
    """See `ShadowRepository`."""

    def __init__(self, state: FrameState) -> None:
        """Work on `state`."""
        self._state = state

    def save(self, frame: pd.DataFrame, run_id: str, as_of: datetime) -> None:  # noqa: ARG002 - told to nobody
        """Replace what was said at `as_of`."""
        at = micros(as_of)
        kept = {key: row for key, row in self._state.shadow.items() if key[0] != at}
        stamped = frame.assign(**{c.AS_OF: pd.Series(as_of, index=frame.index, dtype="datetime64[us, UTC]")})
        self._state.shadow = kept | self._rows(stamped)
        self._state.shadow_changes += 1

    def add(self, frame: pd.DataFrame, run_id: str) -> None:  # noqa: ARG002 - as above
        """Add rows at their own AS_OF; a row of the same cell at that time is replaced."""
        self._state.shadow = self._state.shadow | self._rows(frame)
        self._state.shadow_changes += 1

    def all(self, title_ids: Sequence[str] | None = None) -> pd.DataFrame:
        """Return SHADOW_SCORE at all times, of these titles where given, by AS_OF and cell."""
        rows = [self._state.shadow[key] for key in sorted(self._state.shadow)]
        if title_ids is not None:
            rows = [row for row in rows if row[0] in set(title_ids)]
        lists = zip(*rows, strict=True) if rows else ([] for _ in c.SHADOW_SCORE)
        return typed_frame(lists, c.SHADOW_SCORE, c.SHADOW)

    def add_relabelled(self, frame: pd.DataFrame, run_id: str) -> None:  # noqa: ARG002 - as above
        """Add RELABELLED rows at their own AS_OF; a row of the same cell, time and fields dropped is replaced."""
        rows = zip(*plain_columns(frame, c.RELABELLED, c.SHADOW), strict=True)
        at, dropped = c.RELABELLED.index(c.AS_OF), c.RELABELLED.index(c.DROPPED)
        new = {(row[at], row[0], row[1], row[2], row[dropped]): row for row in rows}
        self._state.relabelled = self._state.relabelled | new
        self._state.shadow_changes += 1

    def relabelled(self) -> pd.DataFrame:
        """Return RELABELLED at all times, by AS_OF, cell and fields dropped."""
        rows = [self._state.relabelled[key] for key in sorted(self._state.relabelled)]
        lists = zip(*rows, strict=True) if rows else ([] for _ in c.RELABELLED)
        return typed_frame(lists, c.RELABELLED, c.SHADOW)

    def latest(self) -> pd.DataFrame:
        """Return SHADOW_SCORE at the latest AS_OF, by cell."""
        everything = self.all()
        newest = everything[c.AS_OF] == everything[c.AS_OF].max()
        latest: pd.DataFrame = everything[newest].reset_index(drop=True)
        return latest

    def mark(self) -> str:
        """Return a text that changes whenever what `all` or `relabelled` returns may have changed."""
        return str(self._state.shadow_changes)

    def _rows(self, frame: pd.DataFrame) -> dict[tuple[int, str, str, str], tuple[object, ...]]:
        rows = list(zip(*plain_columns(frame, c.SHADOW_SCORE, c.SHADOW), strict=True))
        at = c.SHADOW_SCORE.index(c.AS_OF)
        return {(row[at], row[0], row[1], row[2]): row for row in rows}
