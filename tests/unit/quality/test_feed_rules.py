"""Rules of suites on feeds."""

from datetime import UTC, datetime, timedelta

import pandas as pd

from recsysops import columns as c
from recsysops.quality import SuiteChecks, read_suites
from recsysops.testing.builders import frame_of

AS_OF = datetime(2026, 3, 2, tzinfo=UTC)


def _feed(name, new=None, seen=None, every=24.0, rows=100.0, usual=None, held=0):
    ago = [
        None if hours is None else AS_OF - timedelta(hours=hours) for hours in (seen if seen is not None else new, new)
    ]
    return {
        c.FEED: name, c.EVERY_HOURS: every, c.LAST_SEEN_AT: ago[0], c.LAST_NEW_AT: ago[1], c.N_BATCHES: 1,
        c.LAST_ROWS: rows, c.USUAL_ROWS: usual, c.N_HELD: held,
    }  # fmt: skip


def _broken(*feeds, tables=None):
    nothing = {c.CELLS: frame_of([], c.CELL), c.TITLES: frame_of([], (*c.CELL_KEY, c.PROVIDER))}
    known = {**nothing, c.FEEDS: frame_of(feeds, c.FEED_STATE)} if tables is None else {**nothing, **tables}
    found, failed = SuiteChecks(read_suites(None), ()).check(known, AS_OF)

    assert failed == {}
    kinds = dict(zip(found[c.RULES][c.CHECK], found[c.RULES][c.KIND], strict=True))
    rows = found[c.RULE_FAILURES]
    assert (rows[list(c.CELL_KEY)] == c.ALL).all(axis=None)
    return {(row[c.FIELD], kinds[row[c.CHECK]]) for row in rows.to_dict("records")}, found


def test_a_feed_in_time_and_whole_breaks_nothing():
    assert _broken(_feed("titles", new=30, usual=110))[0] == set()


def test_a_feed_is_late_after_one_and_a_half_of_its_time():
    assert _broken(_feed("titles", new=37))[0] == {("titles", c.LATE)}
    assert _broken(_feed("titles", new=36))[0] == set()


def test_a_feed_that_is_found_and_says_nothing_new_is_frozen():
    assert _broken(_feed("titles", new=100, seen=1))[0] == {("titles", c.LATE), ("titles", c.FROZEN)}


def test_a_feed_that_is_no_longer_found_is_absent():
    assert _broken(_feed("titles", new=100))[0] == {("titles", c.LATE), ("titles", c.ABSENT)}


def test_a_feed_that_never_came_is_absent_where_it_was_to_come():
    assert _broken(_feed("titles", rows=None), _feed("changes", rows=None, every=None))[0] == {("titles", c.ABSENT)}


def test_a_batch_far_smaller_than_usual_is_short():
    assert _broken(_feed("titles", new=1, rows=69.0, usual=100.0))[0] == {("titles", c.SHORT)}
    assert _broken(_feed("titles", new=1, rows=70.0, usual=100.0))[0] == set()


def test_a_held_batch_is_found_whatever_the_cadence():
    assert _broken(_feed("titles", new=1, every=None, held=2))[0] == {("titles", c.HELD_BATCH)}


def test_where_nothing_is_known_of_feeds_their_rules_do_not_apply():
    found = _broken(tables={})[1]

    feeds = found[c.RULES][found[c.RULES][c.SUITE] == "feeds"]
    assert set(feeds[c.OUTCOME]) == {"not_applicable"}
    assert isinstance(found[c.RULED], pd.DataFrame)
