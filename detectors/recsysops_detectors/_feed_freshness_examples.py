"""Worked examples of `feed_freshness`, as literal rows."""

from datetime import UTC, datetime, timedelta
from typing import Final

from recsysops import columns as c
from recsysops.contract.detector import Example
from recsysops.domain.severity import Severity
from recsysops.domain.verdict import CheckOutcome

_AS_OF: Final = datetime(2026, 3, 2, 6, tzinfo=UTC)


def _cell(title_id: str) -> dict[str, object]:
    return {
        c.TITLE_ID: title_id, c.MARKET: "DE", c.SURFACE: "home", c.LAUNCH_AT: datetime(2026, 3, 8, tzinfo=UTC),
        c.LAUNCH_STATUS: c.PLANNED,
    }  # fmt: skip


def _feed(feed: str, hours: float | None, **changes: object) -> dict[str, object]:
    """Return a daily feed that said something new so many hours ago; never, without a number."""
    at = None if hours is None else _AS_OF - timedelta(hours=hours)
    return {
        c.FEED: feed, c.EVERY_HOURS: 24.0, c.LAST_SEEN_AT: at, c.LAST_NEW_AT: at, c.LAST_DATA_AT: at,
        c.N_BATCHES: 0 if hours is None else 12, c.LAST_ROWS: None if hours is None else 1000.0,
        c.USUAL_ROWS: None if hours is None else 1020.0, c.N_HELD: 0, c.HELD_WHY: None,
    } | changes  # fmt: skip


def _rule(check: str, kind: str, severity: Severity, remedy: str) -> dict[str, object]:
    return {
        c.CHECK: check, c.SUITE: "feeds", c.KIND: kind, c.FIELD: "cadences_since_new", c.MARKET: c.ALL,
        c.SURFACE: c.ALL, c.OUTCOME: CheckOutcome.PASSED.value, c.DETAIL: "", c.SEVERITY: severity.value,
        c.WHY: "must come in time", c.REMEDY: remedy, c.OWNER: "", c.DAYS_TO_FIX: 1.0,
    }  # fmt: skip


def _failure(check: str, feed: str, value: str) -> dict[str, object]:
    everywhere = dict.fromkeys(c.CELL_KEY, c.ALL)
    return {**everywhere, c.CHECK: check, c.FIELD: feed, c.VALUE: value, c.DETAIL: ""}


_RULES: Final = [
    _rule("feed_is_there", c.ABSENT, Severity.CRITICAL, "Ask who delivers it whether it still runs"),
    _rule("feed_says_something_new", c.FROZEN, Severity.CRITICAL, "Ask why the same content comes again"),
    _rule("feed_is_in_time", c.LATE, Severity.WARNING, "Ask who delivers it when it comes"),
    _rule("feed_is_whole", c.SHORT, Severity.WARNING, "Ask whether a part is missing"),
    _rule("no_batch_is_held", c.HELD_BATCH, Severity.CRITICAL, "Release the batch if it is right"),
]

EXAMPLES: Final = (
    Example(
        name="Late titles and short impressions: told, and no cell is touched",
        tables={
            c.CELLS: [_cell("night-train"), _cell("harbour")],
            c.FEEDS: [_feed("titles", 50), _feed("impressions", 6, **{c.LAST_ROWS: 400.0})],
            c.RULES: _RULES,
            c.RULE_FAILURES: [
                _failure("feed_is_in_time", "titles", "2.1"), _failure("feed_is_whole", "impressions", "0.4"),
            ],
        },
        flagged=frozenset({c.ALL}),
        as_of=_AS_OF,
    ),
    Example(
        name="Impressions that stopped ten days ago, plans that never came, and a batch that is held: nothing is ok",
        tables={
            c.CELLS: [_cell("night-train")],
            c.FEEDS: [
                _feed("titles", 6, **{c.N_HELD: 1, c.HELD_WHY: 'Column "synopsis" is gone.'}),
                _feed("impressions", 240),
                _feed("expectations", None),
            ],
            c.RULES: _RULES,
            c.RULE_FAILURES: [
                _failure("no_batch_is_held", "titles", "1.0"),
                _failure("feed_is_there", "impressions", "10.0"), _failure("feed_is_in_time", "impressions", "10.0"),
                _failure("feed_is_there", "expectations", "1000000000.0"),
            ],
        },
        flagged=frozenset({c.ALL}),
        as_of=_AS_OF,
    ),
    Example(
        name="Everything came in time",
        tables={
            c.CELLS: [_cell("sand-castle")],
            c.FEEDS: [_feed("titles", 6), _feed("impressions", 20)],
            c.RULES: _RULES,
            c.RULE_FAILURES: [],
        },
        flagged=frozenset(),
        as_of=_AS_OF,
    ),
)  # fmt: skip
