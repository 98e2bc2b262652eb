"""Finds feeds that come late, short, not at all or unchanged, and batches that wait for a decision.

What is computed from a feed that has stopped looks like what is computed from one that runs. The limits stand in the
suite `feeds`; table checks say which feed breaks which, this detector says what that means and what can still be called
ok.

Source: Saberian & Basilico, "RecSysOps: Best Practices for Operating a Large-Scale Recommender System", 2022.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import numpy as np
import pandas as pd
from pydantic import Field

from recsysops import columns as c
from recsysops.contract.detector import Detection, Detector, Params, Rule, Tables
from recsysops.domain.finding import finding_key
from recsysops.domain.severity import FindingClass, Severity
from recsysops_detectors._common import CELL_COLUMNS, findings_frame, stamp
from recsysops_detectors._feed_freshness_examples import EXAMPLES
from recsysops_detectors._feed_freshness_verdicts import verdicts
from recsysops_detectors._feed_freshness_words import RULE_TITLES, sentence

NAME: Final = "feed_freshness"
_ONE_OF: Final = (c.ABSENT, c.FROZEN, c.LATE)
"""Worst first: of these only the first that is true of a feed is told."""


class FeedFreshnessParams(Params):
    """Settings of `feed_freshness`; what is late or short stands in the suite `feeds`."""

    ignore_feeds: tuple[str, ...] = ()
    """Feeds that are not judged at all."""
    unknown_after: Annotated[float, Field(ge=1, le=1000)] = 7
    """Deliveries' time (every_hours) without anything new after which nothing that rests on a feed can be called ok."""
    rests_on: tuple[str, ...] = (c.TITLES, c.LAUNCHES, c.EXPECTATIONS, c.IMPRESSIONS, c.INTERACTIONS)
    """Feeds on which the answers rest."""


def needs(_: FeedFreshnessParams) -> Mapping[str, tuple[str, ...]]:
    """Return the tables and columns that are read."""
    return {c.CELLS: CELL_COLUMNS, c.FEEDS: c.FEED_STATE, c.RULES: c.RULE_STATE, c.RULE_FAILURES: c.RULE_FAILURE}


def detect(tables: Tables, params: FeedFreshnessParams, *, as_of: datetime) -> Detection:
    """Flag feeds that break a rule of the suite `feeds`.

    Args:
        tables: `cells`, `feeds` (one row per source), `rules` and `rule_failures` (title `all`, field the feed).
        params: Limits, see `FeedFreshnessParams`.
        as_of: Aware UTC time the run stands at.

    Returns:
        One finding per feed and rule, as bad as the rule says; of absent, frozen and late the worst alone. Verdicts: of
        every cell whether what it rests on is fresh enough, then one of the service per rule.
    """
    feeds = tables[c.FEEDS]
    feeds = feeds[~feeds[c.FEED].isin(list(params.ignore_feeds))].drop_duplicates(c.FEED).reset_index(drop=True)
    rules = tables[c.RULES][tables[c.RULES][c.KIND].isin(c.FEED_KINDS)].reset_index(drop=True)
    broken = _broken(tables[c.RULE_FAILURES], rules, feeds)
    findings = findings_frame([_finding(row, as_of) for row in broken.to_dict("records")])
    found = {
        str(kind): int((part != Severity.INFO.value).sum())
        for kind, part in findings.groupby(c.RULE, sort=False)[c.SEVERITY]
    }
    return Detection(findings, verdicts(tables[c.CELLS], feeds, rules, found, params, as_of))


def _broken(failures: pd.DataFrame, rules: pd.DataFrame, feeds: pd.DataFrame) -> pd.DataFrame:
    """Return one row per feed and rule it breaks, with all that is known of both."""
    per_check = rules[[c.CHECK, c.KIND, c.SEVERITY, c.REMEDY, c.OWNER]].drop_duplicates(c.CHECK)
    of_service = failures[(failures[list(c.CELL_KEY)] == c.ALL).all(axis=1)]
    said = of_service.merge(per_check, on=c.CHECK).merge(feeds, left_on=c.FIELD, right_on=c.FEED)
    said = said[said[c.SEVERITY].isin([severity.value for severity in Severity])]
    rank = said[c.KIND].map({kind: at for at, kind in enumerate(c.FEED_KINDS)})
    said = said.assign(rank=rank).sort_values([c.FEED, "rank", c.CHECK]).drop_duplicates([c.FEED, c.KIND])
    is_one = said[c.KIND].isin(_ONE_OF)
    is_milder = is_one & said[is_one].duplicated(c.FEED).reindex(said.index, fill_value=False)
    return said[~is_milder].reset_index(drop=True)


def _finding(row: Mapping[Any, Any], as_of: datetime) -> dict[str, object]:
    kind, feed = str(row[c.KIND]), str(row[c.FEED])
    why, numbers = sentence(row, as_of)
    remedy = row[c.REMEDY] if isinstance(row[c.REMEDY], str) and row[c.REMEDY] else "Look at the source of the feed"
    owner = f"For {row[c.OWNER]}: " if isinstance(row[c.OWNER], str) and row[c.OWNER] else ""
    return {
        c.FINDING_KEY: finding_key(NAME, kind, c.ALL, c.ALL, c.ALL, feed),
        c.DETECTOR: NAME, c.RULE: kind, c.TITLE_ID: c.ALL, c.MARKET: c.ALL, c.SURFACE: c.ALL,
        c.FIELD: feed, c.MEASURE: "", c.SEVERITY: row[c.SEVERITY], c.CLASS: FindingClass.SYSTEM.value,
        c.WHY: why, c.REMEDY: f"{owner}{remedy.rstrip('.')}.",
        c.WORTH: np.nan, c.WORTH_LOW: np.nan, c.WORTH_HIGH: np.nan, c.WORTH_UNIT: "",
        c.LATEST_SAFE_FIX_AT: pd.NaT, c.SCORE: float(len(_ONE_OF) - row["rank"]),
        c.EVIDENCE: {"feed": feed, "rule": row[c.CHECK], "as_of": stamp(as_of.astimezone(UTC)), **numbers},
    }  # fmt: skip


DETECTOR: Final = Detector(
    name=NAME,
    summary="Feeds that are late, short, absent or frozen, and batches that wait for a decision.",
    params=FeedFreshnessParams,
    detect=detect,
    needs=needs,
    rules=tuple(
        Rule(name=kind, title=title, finding_class=FindingClass.SYSTEM.value, meaning=meaning)
        for kind, (title, meaning) in RULE_TITLES.items()
    ),
    examples=EXAMPLES,
    source='Saberian & Basilico, "RecSysOps: Best Practices for Operating a Large-Scale Recommender System", 2022',
    scope="service",
    stricter={"ignore_feeds": ((), ("impressions",)), "unknown_after": (7, 3)},
)
