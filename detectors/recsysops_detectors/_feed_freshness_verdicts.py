"""What can be said of cells while feeds are as they are, and of the service as a whole."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, Protocol

import numpy as np
import pandas as pd

from recsysops import columns as c
from recsysops.domain.verdict import CheckOutcome
from recsysops_detectors._common import count, listed, verdicts_frame

_DETECTOR: Final = "feed_freshness"

Said = tuple[str, str, float, str]
"""Outcome, reason, margin and data."""


class Limits(Protocol):
    """Parameters that say when nothing can be called ok."""

    @property
    def unknown_after(self) -> float:
        """Deliveries' time without anything new."""
        ...

    @property
    def rests_on(self) -> tuple[str, ...]:
        """Feeds the answers rest on."""
        ...


def verdicts(
    cells: pd.DataFrame,
    feeds: pd.DataFrame,
    rules: pd.DataFrame,
    found: Mapping[str, int],
    limits: Limits,
    as_of: datetime,
) -> pd.DataFrame:
    """Return VERDICT: every cell and rule in the order of the cells, then the service and each rule.

    Args:
        cells: Columns CELL_COLUMNS.
        feeds: FEED_STATE of those that count.
        rules: RULE_STATE of the rules on feeds.
        found: Rule to the number of its findings of weight.
        limits: When nothing can be called ok.
        as_of: Aware UTC.
    """
    of_cell = _of_cell(feeds, limits, as_of)
    said = pd.DataFrame([of_cell] * len(cells), columns=[c.OUTCOME, c.REASON, c.MARGIN, c.DATA])
    of_cells = verdicts_frame(cells, _DETECTOR, [(kind, said) for kind in c.FEED_KINDS])
    rows = [
        (c.ALL, c.ALL, c.ALL, _DETECTOR, kind, *_of_service(kind, feeds, rules, found.get(kind, 0)))
        for kind in c.FEED_KINDS
    ]
    of_service = pd.DataFrame(rows, columns=list(c.VERDICT)).astype(of_cells.dtypes.to_dict())
    return pd.concat([of_cells, of_service], ignore_index=True)


def _of_cell(feeds: pd.DataFrame, limits: Limits, as_of: datetime) -> Said:
    """Say of every cell whether what it rests on is fresh enough: all rest on the same feeds."""
    own = feeds[feeds[c.FEED].isin(list(limits.rests_on))]
    timed = own[own[c.EVERY_HOURS] > 0]
    if not len(timed):
        return CheckOutcome.NOT_APPLICABLE.value, "The settings do not say how often any feed comes.", np.nan, ""
    passed = (pd.Timestamp(as_of) - timed[c.LAST_NEW_AT]).dt.total_seconds() / 3600 / timed[c.EVERY_HOURS]
    data = f"feeds: {', '.join(sorted(timed[c.FEED]))}"
    is_stale = ~(passed <= limits.unknown_after)  # never delivered is stale
    margin = limits.unknown_after - float(passed.max()) if passed.notna().all() else np.nan
    if is_stale.any():
        names = listed(sorted(timed[c.FEED][is_stale]))
        reason = f"Nothing new of {names} for so long that nothing that rests on it can be called ok."
        return CheckOutcome.NOT_RUN.value, reason, np.nan, data
    return CheckOutcome.PASSED.value, "The feeds it rests on are fresh enough.", margin, data


def _of_service(kind: str, feeds: pd.DataFrame, rules: pd.DataFrame, n_found: int) -> Said:
    own = rules[rules[c.KIND] == kind]
    data = f"{count(len(feeds))} feeds"
    if n_found:
        return CheckOutcome.FAILED.value, f"{count(n_found)} of {data}.", -float(n_found), data
    broken = _reasons(own)
    if broken:
        return CheckOutcome.NOT_RUN.value, f"Rule did not run: {broken[0]}", np.nan, data
    is_timed = bool((feeds[c.EVERY_HOURS] > 0).any())
    if not len(feeds) or not len(own) or (kind in {c.ABSENT, c.FROZEN, c.LATE} and not is_timed):
        return CheckOutcome.NOT_APPLICABLE.value, "There is no feed or no rule for it.", np.nan, data
    return CheckOutcome.PASSED.value, "Nothing found.", np.nan, data


def _reasons(rules: pd.DataFrame) -> Sequence[str]:
    broken = rules[rules[c.OUTCOME] == CheckOutcome.NOT_RUN.value]
    return [f"{check}: {detail}" for check, detail in zip(broken[c.CHECK], broken[c.DETAIL].fillna(""), strict=True)]
