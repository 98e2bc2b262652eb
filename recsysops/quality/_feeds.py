"""Feeds as rules look at them: how many deliveries' time has passed, and how large the last one was."""

from datetime import datetime
from typing import Final

import numpy as np
import pandas as pd

from recsysops import columns as c
from recsysops.quality._catalogue import Bools
from recsysops.quality._masks import MASKS
from recsysops.quality._prepared import COLUMN, Prepared
from recsysops.quality._suite_file import SuiteRule

_FOUND_WITHIN: Final = 1.5
"""A feed is found where an ingest saw something of it within this many deliveries' time."""
_NEVER: Final = 1e9
"""Deliveries' time since a feed that never came."""


def measured(feeds: pd.DataFrame, as_of: datetime) -> pd.DataFrame:
    """Return the fields rules on feeds may look at, one row per feed.

    Args:
        feeds: FEED_STATE.
        as_of: Aware UTC.

    Returns:
        `cadences_since_new`: time since anything new, in deliveries' times (every_hours); missing without every_hours,
        and where nothing ever came. `cadences_since_new_while_found`: the same, of feeds an ingest still finds.
        `cadences_since_new_while_not_found`: of the others, very large where nothing ever came. `rows_ratio`: rows of
        the last batch over the usual ones. `n_held`: batches held that nobody decided on.
    """
    cadence = feeds[c.EVERY_HOURS].where(feeds[c.EVERY_HOURS] > 0)
    new, seen = (
        (pd.Timestamp(as_of) - feeds[column]).dt.total_seconds() / 3600 / cadence
        for column in (c.LAST_NEW_AT, c.LAST_SEEN_AT)
    )
    is_found = (seen <= _FOUND_WITHIN) & new.notna()
    never = pd.Series(_NEVER, index=feeds.index).where(cadence.notna())
    return pd.DataFrame({
        "cadences_since_new": new,
        "cadences_since_new_while_found": new.where(is_found),
        "cadences_since_new_while_not_found": new.fillna(never).where(~is_found),
        "rows_ratio": (feeds[c.LAST_ROWS] / feeds[c.USUAL_ROWS].where(feeds[c.USUAL_ROWS] > 0)),
        "n_held": feeds[c.N_HELD].astype("float64"),
    }).astype("float64")  # fmt: skip


def prepare(rule: SuiteRule, field: str, measures: pd.DataFrame) -> Prepared:
    """Return a rule on feeds, made ready; its cells are the positions of feeds. A missing number is not judged."""
    judged: Bools = measures[field].notna().to_numpy()
    kwargs = dict(rule.kwargs)
    seen, is_met = MASKS[rule.expectation](measures[field][judged].to_list(), kwargs)
    cells = np.flatnonzero(judged)[~is_met]
    return Prepared(
        expectation=rule.expectation, kwargs=kwargs, columns={COLUMN: seen}, broken=~is_met, judged=judged, cells=cells,
        found=[f"{measures[field].iloc[row]:.1f}" for row in cells], details=[""] * len(cells),
    )  # fmt: skip
