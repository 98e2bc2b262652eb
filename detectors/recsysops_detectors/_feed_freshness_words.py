"""What is wrong with a feed, in a sentence with its numbers; and what each rule means."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import pandas as pd

from recsysops import columns as c
from recsysops_detectors._common import count, stamp

RULE_TITLES: Final[Mapping[str, tuple[str, str]]] = {
    c.ABSENT: ("Feed absent", "A feed was never delivered, or has stopped and is no longer found."),
    c.FROZEN: ("Feed frozen", "A feed is found and has said nothing new for several deliveries' time."),
    c.LATE: ("Feed late", "A feed should have said something new by now."),
    c.SHORT: ("Feed short", "The last batch of a feed has far fewer rows than is usual."),
    c.HELD_BATCH: ("Batch held", "A batch looks so unlike those before it that a person must let it through."),
}
"""Rule to its title and meaning."""
_HOURS_SHOWN: Final = 96
"""Longer times are told in days."""


def sentence(row: Mapping[Any, Any], as_of: datetime) -> tuple[str, dict[str, object]]:
    """Return one sentence on a broken rule, and every number it quotes.

    Args:
        row: RULE_FAILURE, what is known of its rule, and FEED_STATE.
        as_of: Aware UTC.
    """
    kind, feed = row[c.KIND], f'Feed "{row[c.FEED]}"'
    hours, since = _hours(row[c.LAST_NEW_AT], as_of)
    every = f"it should come every {row[c.EVERY_HOURS]:g} hours" if pd.notna(row[c.EVERY_HOURS]) else "no time is set"
    numbers: dict[str, object] = {"every_hours": _number(row[c.EVERY_HOURS]), **since}
    if kind == c.HELD_BATCH:
        waiting = "1 batch waits" if row[c.N_HELD] == 1 else f"{count(row[c.N_HELD])} batches wait"
        why = f" {row[c.HELD_WHY]}" if isinstance(row[c.HELD_WHY], str) else ""
        return f"{feed}: {waiting} for a decision.{why}", {"n_held": _number(row[c.N_HELD]), "held_why": why.strip()}
    if kind == c.SHORT:
        return _short(feed, row)
    if kind == c.ABSENT and not hours:
        return f"{feed} was never delivered ({every}).", numbers
    said = {
        c.ABSENT: f"is gone: nothing new for {hours}, and no ingest finds it",
        c.FROZEN: f"stands still: it is found, and has said nothing new for {hours}",
        c.LATE: f"is late: the last new delivery was {hours} ago",
    }[kind]
    return f"{feed} {said} ({every}).", numbers


def _short(feed: str, row: Mapping[Any, Any]) -> tuple[str, dict[str, object]]:
    rows, usual = _number(row[c.LAST_ROWS]), _number(row[c.USUAL_ROWS])
    if rows is None or usual is None:
        return f"{feed} is short: its last batch has far fewer rows than usual.", {"last_rows": rows}
    said = f"{feed} is short: its last batch has {count(rows)} rows where {count(usual)} are usual."
    return said, {"last_rows": rows, "usual_rows": usual}


def _hours(at: pd.Timestamp, as_of: datetime) -> tuple[str, dict[str, object]]:
    """Return how long ago that was, in words (empty for never) and as numbers."""
    if pd.isna(at):
        return "", {"last_new_at": None}
    hours = (pd.Timestamp(as_of) - at).total_seconds() / 3600
    words = f"{count(hours)} hours" if hours < _HOURS_SHOWN else f"{count(hours / 24)} days"
    return words, {"last_new_at": stamp(at), "hours_since_new": hours, "days_since_new": hours / 24}


def _number(value: float) -> float | None:
    return None if pd.isna(value) or abs(float(value)) == float("inf") else float(value)
