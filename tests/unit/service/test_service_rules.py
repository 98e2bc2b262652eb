"""Suites and feeds as part of a judgement: what detectors are given, and what follows from the service's state."""

from dataclasses import replace
from datetime import timedelta

import pandas as pd
import pytest

from recsysops import columns as c
from recsysops.domain.issue import WHOLE_SERVICE
from recsysops.domain.views import BoardFilter
from recsysops.plugins import load_plugins
from recsysops.quality import GreatExpectationsChecks, SuiteChecks, read_suites
from recsysops.service import judge as judging
from recsysops.service.check import check
from recsysops.service.detect import detect
from recsysops.service.queries.board import board
from recsysops.service.queries.records import issues
from recsysops.service.queries.snapshot import take_snapshot
from recsysops.service.rules import with_rules
from recsysops.settings import Settings
from recsysops.testing.builders import frame_of

DETECTORS = {used.detector.name: used for used in load_plugins(Settings()).detectors}


class NoField:
    """Checks without requirements."""

    def check(self, titles, requirements):
        return GreatExpectationsChecks(()).check(titles, requirements)


def _context(world, *names, rules=None):
    return world.context(
        detectors=tuple(DETECTORS[name] for name in names),
        checks=NoField(),
        rules=SuiteChecks(read_suites(None), ()) if rules is None else rules,
    )


def _feeds(monkeypatch, hours):
    """Let the titles' feed, which comes daily, have said something new so many hours ago."""

    def states(unit, settings, as_of):
        at = as_of - timedelta(hours=hours)
        return frame_of(
            [{c.FEED: c.TITLES, c.EVERY_HOURS: 24.0, c.LAST_SEEN_AT: at, c.LAST_NEW_AT: at, c.N_BATCHES: 1,
              c.LAST_ROWS: 10.0, c.N_HELD: 0}], c.FEED_STATE)  # fmt: skip

    monkeypatch.setattr(judging, "feed_states", states)


def _title(world, title_id, **fields):
    at = world.context().as_of()
    world.titles((title_id, c.ALL, at - timedelta(days=30), fields))
    world.launches((title_id, "us", "home", at - timedelta(days=30), at + timedelta(days=5), c.PLANNED))


def test_a_title_that_breaks_a_rule_is_found_through_the_whole_judgement(world, monkeypatch):
    _feeds(monkeypatch, 1)
    _title(world, "bad", original_language="English")
    _title(world, "good", original_language="en")

    report = detect(_context(world, "invalid_metadata"))

    assert list(report.judgement.findings[c.TITLE_ID]) == ["bad"]
    statuses = dict(zip(report.judgement.cells[c.TITLE_ID], report.judgement.cells[c.STATUS], strict=True))
    assert statuses == {"bad": "at_risk", "good": "ok"}
    suites = {step.name: step.n for step in report.judgement.steps if step.kind == "suite"}
    assert suites["vocabularies rules"] == 1


def test_an_id_that_stood_for_another_title_is_found(world, monkeypatch):
    _feeds(monkeypatch, 1)
    _title(world, "t")
    frame = pd.DataFrame(
        [("t", c.ALL, world.context().as_of() - timedelta(days=60), "Quite Another Film", None, "somebody", {})],
        columns=list(c.TITLE_VERSION),
    )
    world._add(c.TITLES, frame)

    findings = detect(_context(world, "invalid_metadata")).judgement.findings

    assert list(findings[c.RULE]) == [c.MISTAKEN_IDENTITY]
    assert "was Quite Another Film" in findings[c.WHY].iloc[0]


def test_a_late_feed_opens_an_issue_of_the_service_keeps_it_and_ends_it(world, monkeypatch):
    world.upcoming(one="good")
    context = _context(world, "feed_freshness")

    _feeds(monkeypatch, 40)
    opened = detect(context)
    kept = detect(context, as_of=context.as_of() + timedelta(hours=1))
    _feeds(monkeypatch, 1)
    ended = detect(context, as_of=context.as_of() + timedelta(hours=2))

    assert [change.event.kind for change in opened.changes] == ["opened"]
    assert [change.event.kind for change in kept.changes] in ([], ["updated"])
    assert [(change.event.kind, change.event.resolution) for change in ended.changes] == [("resolved", "fixed")]
    assert opened.changes[0].issue.finding.is_of_service


def test_a_fresh_feed_makes_no_cell_ok_by_itself(world, monkeypatch):
    _feeds(monkeypatch, 1)
    world.upcoming(one="good")

    cells = detect(_context(world, "feed_freshness")).judgement.cells

    assert list(cells[c.STATUS]) == ["unknown"]


def test_a_dead_feed_takes_ok_away(world, monkeypatch):
    _title(world, "good", original_language="en")
    context = _context(world, "feed_freshness", "invalid_metadata")

    _feeds(monkeypatch, 40)
    late = detect(context).judgement.cells
    _feeds(monkeypatch, 400)
    dead = detect(context).judgement.cells

    assert list(late[c.STATUS]) == ["ok"]
    assert list(dead[c.STATUS]) == ["unknown"]
    assert "Nothing new of titles" in dead[c.WHY].iloc[0]


def test_a_feed_is_judged_also_when_nothing_is_upcoming(world, monkeypatch):
    _feeds(monkeypatch, 40)

    judgement = detect(_context(world, "feed_freshness", "invalid_metadata")).judgement

    assert list(judgement.findings[c.FIELD]) == [c.TITLES]
    assert {step.name: step.outcome for step in judgement.steps if step.kind == "detector"} == {
        "feed_freshness": "ran", "invalid_metadata": "skipped",
    }  # fmt: skip


def test_the_board_the_gate_and_the_issues_name_the_service(world, monkeypatch):
    _feeds(monkeypatch, 40)
    world.upcoming(one="good")
    context = _context(world, "feed_freshness")

    detect(context)

    with context.store.read() as unit:
        snapshot = take_snapshot(unit)
    shown = board(snapshot, BoardFilter(), service="test", now=context.as_of())
    assert any('Feed "titles" is late' in notice for notice in shown.notices)
    assert any('Feed "titles" is late' in notice for notice in check(context).notices)
    assert [view.name for view in issues(context.store).issues] == [WHOLE_SERVICE]


def test_without_suites_nothing_is_ruled(world):
    world.upcoming(one="good")

    tables, reports = with_rules(world.context(), {c.CELLS: frame_of([], c.CELL)}, world.context().as_of())

    assert reports == ()
    assert [len(tables[name]) for name in (c.RULES, c.RULED, c.RULE_FAILURES)] == [0, 0, 0]


def test_rules_that_are_there_already_are_not_asked_again(world):
    tables = {c.RULES: frame_of([], c.RULE_STATE)}

    assert with_rules(world.context(), tables, world.context().as_of()) == (tables, ())


def test_when_all_of_it_breaks_every_rule_counts_as_not_run(world, monkeypatch):
    class Broken:
        def check(self, tables, as_of):
            raise RuntimeError("no memory")

    _feeds(monkeypatch, 1)
    _title(world, "good", original_language="en")

    judgement = detect(_context(world, "invalid_metadata", rules=Broken())).judgement

    assert list(judgement.cells[c.STATUS]) == ["unknown"]
    assert any(step.reason == "RuntimeError: no memory" for step in judgement.steps)


def test_one_broken_rule_is_told_and_its_suite_counts_as_failed(world, monkeypatch, tmp_path):
    _feeds(monkeypatch, 1)
    _title(world, "good", genre="drama")
    text = (
        '[[rule]]\nname = "a"\nfield = "genre"\nexpectation = "expect_nonsense"\nsays = "must be"\n'
        '[[rule]]\nname = "b"\nfield = "genre"\nexpectation = "expect_column_value_lengths_to_be_between"\n'
        'kwargs = { max_value = 3 }\nsays = "must be short"\n'
    )
    (tmp_path / "own.toml").write_text(text, encoding="utf-8")

    judgement = detect(_context(world, "invalid_metadata", rules=SuiteChecks(read_suites(tmp_path), ()))).judgement

    assert list(judgement.findings[c.RULE]) == [c.INVALID_VALUE]
    (step,) = [step for step in judgement.steps if step.name == "own rules"]
    assert (step.outcome, step.n) == ("failed", 2)
    assert step.reason.startswith("a: Great Expectations has no expectation")


@pytest.mark.parametrize("name", ["invalid_metadata", "feed_freshness"])
def test_a_detector_on_tables_without_feeds_speaks_of_titles_alone(world, name):
    world.upcoming(one="good")
    context = replace(_context(world, name), rules=None)
    cells = frame_of([], c.CELL)
    tables = {c.CELLS: cells, c.TITLES: cells, c.CHECKS: frame_of([], c.CHECK_RESULT),
              c.EXPECTATIONS: frame_of([], c.EXPECTATION)}  # fmt: skip

    judgement = judging.judge_tables(context, tables, (), context.as_of())

    assert len(judgement.findings) == 0
