from datetime import UTC, datetime

import pandas as pd

from recsysops.columns import KNOWN_AT, OBSERVED_AT, TITLE_ID
from recsysops.domain.history import History

AT = pd.Timestamp("2026-03-02", tz="UTC")
TIMES = [AT - pd.Timedelta("1us"), AT, AT + pd.Timedelta("1us")]


def test_what_became_known_after_a_time_is_not_known_at_it() -> None:
    versions = pd.DataFrame({TITLE_ID: ["before", "then", "after"], OBSERVED_AT: TIMES})
    outcomes = pd.DataFrame({TITLE_ID: ["before", "then", "after"], KNOWN_AT: TIMES})
    history = History(titles=versions, launches=versions, outcomes=outcomes, label="not point-in-time")

    known = history.until(datetime(2026, 3, 2, tzinfo=UTC))

    for frame in (known.titles, known.launches, known.outcomes):
        assert list(frame[TITLE_ID]) == ["before", "then"]
    assert known.label == "not point-in-time"
    assert len(history.titles) == 3
