"""The fake store's launch scores. Plain pandas, written apart from the SQL it stands for."""

from collections.abc import Sequence
from datetime import datetime

import pandas as pd

from recsysops import columns as c
from recsysops.domain.measure import LEADS
from recsysops.store.frames import LAUNCH_SCORES, SCORE_KEY, empty_frame, plain_columns, typed_frame
from recsysops.testing._fake_frames import FrameState


class FakeScores:
    """See `ScoreRepository`."""

    def __init__(self, state: FrameState) -> None:
        """Work on `state`."""
        self._state = state

    def oldest_prediction(self) -> datetime | None:
        """Return the time the oldest stored predictions stand at."""
        return min((at for table, at in self._state.results if table == c.PREDICTIONS), default=None)

    def standing(self, launches: pd.DataFrame) -> pd.DataFrame:
        """Return, of each launch, the last prediction made so many days before it, per lead, predictor and model."""
        kept = sorted((at, frame) for (table, at), frame in self._state.results.items() if table == c.PREDICTIONS)
        if not kept:
            return empty_frame(c.PREDICTION, c.PREDICTIONS)
        wanted = launches[[*c.CELL_KEY, c.LAUNCH_AT]].drop_duplicates()
        made = pd.concat([frame for _, frame in kept]).merge(wanted, on=[*c.CELL_KEY, c.LAUNCH_AT])
        before = (made[c.LAUNCH_AT] - made[c.AS_OF]).dt.total_seconds() / 86_400
        made = made.assign(**{c.LEAD: sum((before >= days) * step for days, step in _STEPS)})
        made = made[made[c.LEAD] > 0]
        last = made.drop_duplicates([*SCORE_KEY, c.LAUNCH_AT], keep="last")
        return last[last[c.QUANTILES[9]].notna()].astype({c.LEAD: "int64"}).reset_index(drop=True)

    def add(self, rows: pd.DataFrame) -> int:
        """Add LAUNCH_SCORE rows; return how many were new."""
        given = zip(*plain_columns(rows, c.LAUNCH_SCORE, LAUNCH_SCORES), strict=True)
        stored = [tuple(row.values()) for row in self._plain()]
        new = [row for row in dict.fromkeys(given) if row not in stored]
        frame = typed_frame(zip(*new, strict=True) if new else [[] for _ in c.LAUNCH_SCORE], c.LAUNCH_SCORE, "scores")
        self._state.launch_scores += [
            {str(name): value for name, value in row.items()} for row in frame.to_dict("records")
        ]
        return len(new)

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
        frame = self._frame()
        frame = frame.drop_duplicates(list(SCORE_KEY), keep="last").sort_index()
        frame = frame.sort_values([c.LAUNCH_AT, *SCORE_KEY[:-1]], kind="stable")
        for name, wanted in ((c.MEASURE, measure), (c.HORIZON, horizon)):
            frame = frame if wanted is None else frame[frame[name] == wanted]
        frame = frame if since is None else frame[frame[c.LAUNCH_AT] >= since]
        frame = frame if until is None else frame[frame[c.LAUNCH_AT] <= until]
        return frame[list(names)].reset_index(drop=True)

    def targets(self) -> tuple[tuple[str, int], ...]:
        """Return every measure and horizon with a score, sorted."""
        return tuple(sorted({(row[c.MEASURE], row[c.HORIZON]) for row in self._state.launch_scores}))

    def _frame(self) -> pd.DataFrame:
        if not self._state.launch_scores:
            return empty_frame(c.LAUNCH_SCORE, LAUNCH_SCORES)
        frame = pd.DataFrame(self._state.launch_scores, columns=list(c.LAUNCH_SCORE))
        lists = plain_columns(frame, c.LAUNCH_SCORE, LAUNCH_SCORES)
        return typed_frame(lists, c.LAUNCH_SCORE, LAUNCH_SCORES)

    def _plain(self) -> list[dict[str, object]]:
        lists = plain_columns(self._frame(), c.LAUNCH_SCORE, LAUNCH_SCORES)
        return [dict(zip(c.LAUNCH_SCORE, row, strict=True)) for row in zip(*lists, strict=True)]


_STEPS = tuple((days, days - after) for days, after in zip(LEADS, (*LEADS[1:], 0), strict=True))
"""Each lead, and how much longer it is than the next: what is at least so many days before adds up to its lead."""
