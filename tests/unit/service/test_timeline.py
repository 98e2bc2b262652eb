"""The story of one title: what is told, in which order, and what is left out."""

from datetime import timedelta

import pandas as pd
import pytest

from recsysops import columns as c
from recsysops.domain.issue import Judged, follow
from recsysops.domain.run import Run
from recsysops.domain.severity import Severity
from recsysops.domain.timeline import Timeline, TimelineEntry, TimelineKind
from recsysops.errors import NotFoundError
from recsysops.service.queries.snapshot import SnapshotCache
from recsysops.service.queries.timeline import CHANGES_READ, timeline
from recsysops.testing.fake_store import FakeStore
from recsysops.testing.sample_results import AS_OF, Sample, fill

BEGIN = AS_OF - timedelta(days=60)
LAUNCH = AS_OF + timedelta(days=5)


def days(n: float) -> timedelta:
    return timedelta(days=n)


def told(world, title_id: str = "t", **asked: object) -> Timeline:
    asked = {"now": AS_OF, "page": (0, 500)} | asked
    return timeline(world.store, SnapshotCache(world.store).get(), title_id, **asked)


def of_kind(world, kind: TimelineKind) -> list[TimelineEntry]:
    return list(told(world, kinds=[kind]).entries)


def change(at, what: str, title_id: str | None = None, market: str | None = None, kind: str = "deploy"):
    return (at, kind, what, title_id, market)


def add_changes(world, *rows) -> None:
    frame = pd.DataFrame(rows, columns=list(c.CHANGE)).astype({c.TITLE_ID: "str", c.MARKET: "str"})
    frame[c.TS] = pd.to_datetime(frame[c.TS], utc=True).astype("datetime64[us, UTC]")
    with world.store.write() as unit:
        unit.changes.add(frame, "b1", AS_OF)
        unit.commit()


@pytest.fixture
def story(world):
    world.titles(("t", c.ALL, BEGIN, {"synopsis": "Old.", "cast": ["A", "B"], "gone": "x"}))
    world.launches(("t", "us", "home", BEGIN, LAUNCH, c.PLANNED), ("t", "us", "search", BEGIN, LAUNCH, c.PLANNED))
    return world


def test_a_field_filled_changed_and_emptied_is_told_with_both_values(story):
    story.titles(("t", c.ALL, AS_OF - days(3), {"synopsis": "New.", "cast": ["A", "B"], "trailer": "t.mp4"}))

    entries = of_kind(story, TimelineKind.METADATA)

    assert [(e.what, e.before, e.after) for e in entries] == [
        ("gone emptied", "x", ""),
        ("synopsis changed", "Old.", "New."),
        ("trailer filled", "", "t.mp4"),
        ("First known", "", "5 fields filled"),
    ]
    assert {e.at for e in entries[:3]} == {AS_OF - days(3)}
    assert {e.known_at for e in entries} == {AS_OF}
    assert all(e.places == () for e in entries)


def test_a_markets_own_version_is_told_against_the_general_one(story):
    story.titles(
        ("t", "de", AS_OF - days(4), {"synopsis": "Alt.", "cast": ["A", "B"]}),
        ("t", "de", AS_OF - days(2), {"synopsis": "Neu."}),
        ("t", "fr", AS_OF - days(1), {}),
    )

    entries = [e for e in of_kind(story, TimelineKind.METADATA) if e.places]

    assert [(e.what, e.before, e.after) for e in entries] == [
        ("synopsis changed", "Alt.", "Neu."),
        ("synopsis changed", "Old.", "Alt."),
    ]
    assert {(place.market, place.surface) for e in entries for place in e.places} == {("de", c.ALL)}


def test_a_market_without_a_general_version_is_first_known_there(world):
    world.titles(("t", "de", BEGIN, {"synopsis": "Alt."}))

    (entry,) = told(world).entries

    assert (entry.what, entry.after, entry.places[0].market) == ("First known", "3 fields filled", "de")


def test_launches_alike_in_several_places_are_one_entry(story):
    later = LAUNCH + days(2)
    story.launches(
        ("t", "us", "home", AS_OF - days(9), later, c.PLANNED),
        ("t", "us", "search", AS_OF - days(9), later, c.PLANNED),
        ("t", "us", "home", AS_OF - days(2), later, c.CANCELLED),
    )

    entries = of_kind(story, TimelineKind.LAUNCH)

    assert [(e.what, e.before, e.after, len(e.places)) for e in entries] == [
        ("Launch cancelled", "2026-03-09 00:00 UTC", "", 1),
        ("Launch moved", "2026-03-07 00:00 UTC", "2026-03-09 00:00 UTC", 2),
        ("Launch announced", "", "2026-03-07 00:00 UTC", 2),
    ]


def test_plans_are_told_when_added_and_when_they_change(story):
    key = ("t", "us", "home", "reach", 7)
    story.plans(
        (*key, BEGIN, 0.08, 0.12, 0.2, 0.8, "share", "content team"),
        (*key, BEGIN + days(1), 0.08, 0.12, 0.2, 0.8, "share", "someone else"),
        (*key, BEGIN + days(2), 900.0, 1200.0, 2000.0, 0.8, "members", None),
        (*key[:3], "uptake", 1, BEGIN, 0.001, 0.002, 0.0123, 0.8, "share", None),
    )

    entries = of_kind(story, TimelineKind.PLAN)

    assert [(e.what, e.before, e.after) for e in entries] == [
        ("Reach over 7 days: plan changed", "12 % (8 % to 20 %)", "1,200 (900 to 2,000) members"),
        ("Reach over 7 days: plan added by content team", "", "12 % (8 % to 20 %)"),
        ("Uptake over 1 day: plan added", "", "0.2 % (0.1 % to 1.2 %)"),
    ]


def test_issues_are_told_as_they_open_worsen_and_end():
    store = FakeStore()
    fill(store, Sample(n_titles=4, n_predicted=0))
    with store.write() as unit:
        open_now = {key: issue for key, issue in unit.issues.latest().items() if issue.finding.title_id == "t-0003"}
        ended = Judged(cells=dict.fromkeys([("t-0003", m, s) for m in ("de", "us") for s in ("home", "search")],
                                           "launched"), silent=frozenset())  # fmt: skip
        unit.issues.apply(follow(open_now, (), ended, AS_OF + days(3)))
        unit.commit()

    found = timeline(
        store, SnapshotCache(store).get(), "t-0003", now=AS_OF + days(9), kinds=[TimelineKind.ISSUE], page=(0, 50)
    )

    whats = [entry.what for entry in found.entries]
    assert whats[0] == "Issue resolved: launched"
    assert whats[-1] == "Issue opened"
    assert all(entry.severity in {Severity.CRITICAL, Severity.WARNING, Severity.INFO} for entry in found.entries)
    assert "Trailer is missing" in found.entries[-1].after
    assert len(found.entries[-1].places) > 1


def test_changes_of_the_title_and_of_the_service_are_told_within_the_titles_time(story):
    add_changes(
        story,
        change(BEGIN - days(1), "before anything was known"),
        change(AS_OF - days(5), "ranker 12"),
        change(AS_OF - days(4), "only elsewhere", market="jp"),
        change(AS_OF - days(3), "artwork swapped", title_id="t", market="jp", kind="catalogue edit"),
        change(AS_OF - days(2), "of another title", title_id="u"),
        change(AS_OF - days(1), "ranker 13 in the us", market="us"),
    )

    entries = of_kind(story, TimelineKind.CHANGE)

    assert [(e.what, e.after, e.is_service_wide) for e in entries] == [
        ("deploy", "ranker 13 in the us", True),
        ("catalogue edit", "artwork swapped", False),
        ("deploy", "ranker 12", True),
    ]
    assert entries[1].places[0].market == "jp"


def test_what_is_deployed_long_after_the_launch_is_not_told(world):
    world.titles(("t", c.ALL, BEGIN, {"synopsis": "Old."}))
    world.launches(("t", "us", "home", BEGIN, BEGIN + days(10), c.PLANNED))
    add_changes(world, change(BEGIN + days(37), "in time"), change(BEGIN + days(39), "too late"))

    assert [entry.after for entry in of_kind(world, TimelineKind.CHANGE)] == ["in time"]


def test_more_changes_than_are_read_are_said_to_be_cut(story):
    add_changes(story, *(change(AS_OF - timedelta(minutes=at), f"push {at}") for at in range(CHANGES_READ + 5)))

    found = told(story, kinds=[TimelineKind.CHANGE], page=(0, 5))

    assert found.is_cut
    assert found.total == CHANGES_READ
    assert found.entries[0].after == "push 0"


def predict_at(world, at, median: float, model_id: str = "m-1", title_id: str = "t") -> None:
    rows = []
    for surface in ("home", "search"):
        target = (title_id, "us", surface, "reach", 7)
        rows.append((*target, 7, at, LAUNCH, "model", True, None, "", 1000.0, model_id, *([median] * 19)))
        rows.append((*target, 7, at, LAUNCH, "comparable_titles", False, None, "", 1000.0, None, *([0.9] * 19)))
    frame = pd.DataFrame(rows, columns=list(c.PREDICTION))
    with world.store.write() as unit:
        unit.runs.save(Run(run_id=f"r{at}", verb="run", as_of=at, started_at=at, finished_at=at))
        unit.results.save("predictions", frame, f"r{at}", at)
        unit.commit()


def test_a_prediction_that_moved_much_between_two_runs_is_told_once(story):
    for at, median in enumerate((0.10, 0.11, 0.05, 0.052)):
        predict_at(story, AS_OF - days(4 - at), median)
    predict_at(story, AS_OF, 0.2, model_id="m-2")

    entries = of_kind(story, TimelineKind.PREDICTION)

    assert [(e.at, e.what, e.before, e.after) for e in entries] == [
        (AS_OF, "Predicted reach rose (7 days, us · home, the largest of 2 moves, by another model)", "5.2 %", "20 %"),
        (AS_OF - days(2), "Predicted reach fell (7 days, us · home, the largest of 2 moves)", "11 %", "5 %"),
    ]
    assert [len(entry.places) for entry in entries] == [2, 2]


def test_a_run_without_the_title_between_two_is_passed_over(story):
    predict_at(story, AS_OF - days(2), 0.1)
    predict_at(story, AS_OF - days(1), 0.1, title_id="u")
    predict_at(story, AS_OF, 0.3)

    (entry,) = of_kind(story, TimelineKind.PREDICTION)

    assert (entry.before, entry.after) == ("10 %", "30 %")


def test_the_newest_stands_first_and_pages_are_cut_from_one_stable_order(story):
    story.titles(*(("t", c.ALL, BEGIN + days(at), {"synopsis": f"Take {at}."}) for at in range(1, 20)))
    add_changes(story, *(change(BEGIN + days(at), f"push {at}") for at in range(1, 20)))

    whole = told(story)
    pages = [told(story, page=(offset, 7)) for offset in range(0, whole.total, 7)]

    assert [entry.at for entry in whole.entries] == sorted((entry.at for entry in whole.entries), reverse=True)
    assert tuple(entry for page in pages for entry in page.entries) == whole.entries
    assert {page.total for page in pages} == {len(whole.entries)} == {sum(whole.counts.values())}
    assert set(whole.counts) == {kind.value for kind in TimelineKind}


def test_what_is_known_only_later_is_left_out(story):
    story.titles(("t", c.ALL, AS_OF + days(1), {"synopsis": "Tomorrow."}))

    assert all("Tomorrow" not in entry.after for entry in told(story).entries)
    assert any("Tomorrow" in entry.after for entry in told(story, now=AS_OF + days(2)).entries)


def test_long_and_hostile_text_is_cut_and_stays_on_one_line(story):
    story.titles(("t", c.ALL, AS_OF - days(1), {"synopsis": "x\n" * 5000, "n" * 900: "v"}))
    add_changes(story, change(AS_OF - days(1), "a\x1b[31m\u202e" + "b" * 5000))

    for entry in told(story).entries:
        assert len(entry.what) < 250
        assert len(entry.after) <= 600
        assert "\n" not in entry.after
        assert "\u202e" not in entry.after


def test_a_title_nobody_knows_is_an_error_and_one_without_a_story_is_not(story):
    with pytest.raises(NotFoundError, match="is not known"):
        told(story, "nobody")
    assert told(story, kinds=[TimelineKind.PLAN]).entries == ()
