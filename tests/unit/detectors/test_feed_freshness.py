"""Feeds that fail, and what can still be called ok."""

from dataclasses import replace
from datetime import timedelta

import pytest

from recsysops import columns as c
from recsysops.testing.builders import example_tables
from recsysops_detectors.feed_freshness import DETECTOR, FeedFreshnessParams

LATE, DEAD, FINE = DETECTOR.examples


def _detect(example, changes=None, **params):
    tables = example_tables(DETECTOR, example)
    tables = {name: (changes or {}).get(name, lambda frame: frame)(frame) for name, frame in tables.items()}
    return DETECTOR.detect(tables, FeedFreshnessParams(**params), as_of=example.as_of)


def _outcomes(detection, *, service):
    rows = detection.verdicts[(detection.verdicts[c.TITLE_ID] == c.ALL) == service]
    return {(row[c.TITLE_ID], row[c.RULE]): row[c.OUTCOME] for row in rows.to_dict("records")}


def test_a_late_feed_is_told_and_touches_no_cell():
    detection = _detect(LATE)

    why = dict(zip(detection.findings[c.RULE], detection.findings[c.WHY], strict=True))
    assert why == {
        c.LATE: 'Feed "titles" is late: the last new delivery was 50 hours ago (it should come every 24 hours).',
        c.SHORT: 'Feed "impressions" is short: its last batch has 400 rows where 1,020 are usual.',
    }
    assert set(_outcomes(detection, service=False).values()) == {"passed"}
    assert _outcomes(detection, service=True) == {
        (c.ALL, c.LATE): "failed", (c.ALL, c.SHORT): "failed", (c.ALL, c.ABSENT): "passed",
        (c.ALL, c.FROZEN): "passed", (c.ALL, c.HELD_BATCH): "passed",
    }  # fmt: skip


def test_a_dead_feed_makes_every_cell_unknown():
    detection = _detect(DEAD)

    why = list(detection.findings[c.WHY])
    assert any("was never delivered" in text for text in why)
    assert any("is gone: nothing new for 10 days" in text for text in why)
    assert any('1 batch waits for a decision. Column "synopsis" is gone.' in text for text in why)
    assert set(_outcomes(detection, service=False).values()) == {"not_run"}
    assert "expectations and impressions" in detection.verdicts[c.REASON].iloc[0]


def test_of_absent_frozen_and_late_the_worst_alone_is_told():
    found = _detect(DEAD).findings

    assert list(found[found[c.FIELD] == "impressions"][c.RULE]) == [c.ABSENT]


def test_a_frozen_feed_says_so():
    frozen = lambda frame: frame.replace({"feed_is_there": "feed_says_something_new"})  # noqa: E731

    why = list(_detect(DEAD, {c.RULE_FAILURES: frozen}).findings[c.WHY])

    assert any("stands still: it is found, and has said nothing new for 10 days" in text for text in why)


def test_a_longer_patience_leaves_cells_alone_but_for_a_feed_that_never_came():
    rested = ("titles", "impressions")

    assert set(_outcomes(_detect(DEAD, unknown_after=20, rests_on=rested), service=False).values()) == {"passed"}
    assert set(_outcomes(_detect(DEAD, unknown_after=20), service=False).values()) == {"not_run"}


def test_where_no_cadence_is_stated_nothing_can_be_late():
    timeless = {c.FEEDS: lambda frame: frame.assign(**{c.EVERY_HOURS: float("nan")})}

    detection = _detect(FINE, timeless)

    assert set(_outcomes(detection, service=False).values()) == {"not_applicable"}
    service = _outcomes(detection, service=True)
    assert (service[c.ALL, c.LATE], service[c.ALL, c.HELD_BATCH]) == ("not_applicable", "passed")


def test_a_rule_that_did_not_run_leaves_its_issues_open():
    broken = {c.RULES: lambda frame: frame.assign(**{c.OUTCOME: "not_run", c.DETAIL: "no such thing"})}

    assert set(_outcomes(_detect(FINE, broken), service=True).values()) == {"not_run"}


def test_an_ignored_feed_is_not_judged():
    found = _detect(LATE, ignore_feeds=("titles",)).findings

    assert list(found[c.FIELD]) == ["impressions"]


def test_it_speaks_also_when_nothing_is_upcoming():
    detection = _detect(LATE, {c.CELLS: lambda frame: frame.iloc[:0]})

    assert len(detection.findings) == 2
    assert set(detection.verdicts[c.TITLE_ID]) == {c.ALL}


def test_without_owner_or_remedy_there_is_still_something_to_do():
    bare = {c.RULES: lambda frame: frame.assign(**{c.OWNER: "data team", c.REMEDY: ""})}

    assert set(_detect(LATE, bare).findings[c.REMEDY]) == {"For data team: Look at the source of the feed."}


@pytest.mark.parametrize("hours", [50, 170])
def test_a_finding_keeps_its_key_when_time_passes(hours):
    later = replace(LATE, as_of=LATE.as_of + timedelta(hours=hours))

    assert set(_detect(later).findings[c.FINDING_KEY]) == set(_detect(LATE).findings[c.FINDING_KEY])


def test_a_short_batch_whose_size_is_unknown_is_told_without_numbers():
    sizeless = {c.FEEDS: lambda frame: frame.assign(**{c.LAST_ROWS: float("nan")})}

    assert any("far fewer rows than usual" in text for text in _detect(LATE, sizeless).findings[c.WHY])
