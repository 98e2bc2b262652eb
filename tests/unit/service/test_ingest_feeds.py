"""How sources deliver: the frame detectors read, the word for it, and the Data page's list."""

from datetime import UTC, datetime, timedelta

import pytest

from recsysops import columns as c
from recsysops.domain.batch import BatchReceipt, LogFile
from recsysops.domain.data_view import FeedCondition
from recsysops.domain.drift import Decision, Drift, DriftKind, HeldBatch, HeldState, Profile, SeenFile
from recsysops.domain.feed import feed_condition, usual_rows
from recsysops.service.feeds import feed_states
from recsysops.service.queries import data
from recsysops.settings import Settings
from recsysops.testing.fake_store import FakeStore

NOW = datetime(2026, 6, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
SETTINGS = Settings.model_validate({
    "sources": {
        "titles": {"path": "titles.csv", "every_hours": 24},
        "impressions": {"path": "log/*.parquet", "every_hours": 24},
        "launches": {"path": "launches.csv"},
    },
    "treatment": {"measures": ()},
})  # fmt: skip


def publish(store: FakeStore, table: str, hours_ago: float, rows: int = 100) -> BatchReceipt:
    at = NOW - hours_ago * HOUR
    name = f"{table}-{hours_ago}"
    receipt = BatchReceipt(
        batch_id=name, table=table, content_hash=name, files=(f"/in/{name}",), rows_in=rows, accepted=rows, duplicate=0,
        quarantined=0, loaded_at=at,
    )  # fmt: skip
    profile = Profile(rows=rows, quarantined=0, columns={}, first_at=at - 24 * HOUR, last_at=at - HOUR)
    with store.write() as unit:
        unit.batches.add(receipt, (), profile)
        if table == "impressions":
            unit.batches.register(LogFile(
                batch_id=name, table=table, path=f"/in/{name}", content_hash=name, declared_day=None,
                first_at=at - 24 * HOUR, last_at=at - HOUR, rows=rows,
            ))  # fmt: skip
        unit.batches.see([
            SeenFile(table=table, path=f"/in/{name}", size=1, mtime_ns=1, content_hash=name, seen_at=at)
        ])  # fmt: skip
        unit.commit()
    return receipt


def hold(store: FakeStore, table: str, hours_ago: float, why: str) -> None:
    drift = Drift(kind=DriftKind.ROW_DROP, column="", was="100 rows", found="1 rows", why=why)
    held = HeldBatch(
        batch_id=f"{table}-held-{hours_ago}", table=table, content_hash=f"h{hours_ago}", files=("/in/x",), rows_in=1,
        accepted=1, quarantined=0, held_at=NOW - hours_ago * HOUR, drifts=(drift,),
        profile=Profile(rows=1, quarantined=0, columns={}),
    )  # fmt: skip
    with store.write() as unit:
        unit.batches.hold(held)
        unit.commit()


def states(store: FakeStore, as_of: datetime = NOW) -> dict[str, dict[str, object]]:
    with store.read() as unit:
        frame = feed_states(unit, SETTINGS, as_of)
    assert list(frame.columns) == list(c.FEED_STATE)
    assert list(frame[c.FEED]) == ["impressions", "launches", "titles"]
    return {row[c.FEED]: row for row in frame.to_dict("records")}


def test_a_source_that_never_delivered_has_a_row_of_its_own():
    row = states(FakeStore())["titles"]

    assert (row[c.N_BATCHES], row[c.N_HELD], row[c.EVERY_HOURS]) == (0, 0, 24.0)
    assert all(row[name] is not row[name] or str(row[name]) == "NaT" for name in (c.LAST_SEEN_AT, c.LAST_NEW_AT))


def test_the_state_of_a_source_is_what_was_loaded_by_then():
    store = FakeStore()
    for hours_ago, rows in ((96, 90), (72, 100), (48, 110), (24, 50), (1, 105)):
        publish(store, "titles", hours_ago, rows)

    now, yesterday = states(store)["titles"], states(store, NOW - 20 * HOUR)["titles"]

    assert (now[c.N_BATCHES], now[c.LAST_ROWS], now[c.LAST_NEW_AT]) == (5, 105.0, NOW - HOUR)
    assert (yesterday[c.N_BATCHES], yesterday[c.LAST_ROWS], yesterday[c.USUAL_ROWS]) == (4, 50.0, 100.0)
    assert yesterday[c.LAST_NEW_AT] == yesterday[c.LAST_SEEN_AT] == NOW - 24 * HOUR
    assert (now[c.LAST_DATA_AT], yesterday[c.LAST_DATA_AT]) == (NOW - 2 * HOUR, NOW - 25 * HOUR)


def test_a_replay_before_everything_was_loaded_goes_by_what_the_rows_say():
    store = FakeStore()
    for hours_ago in (1, 25, 49):
        publish(store, "impressions", hours_ago)
    publish(store, "titles", 0.5)

    replay = states(store, NOW - 60 * HOUR)

    assert replay["impressions"][c.N_BATCHES] == 1
    assert replay["impressions"][c.LAST_NEW_AT] == NOW - 60 * HOUR
    assert (replay["titles"][c.N_BATCHES], replay["titles"][c.LAST_NEW_AT]) == (1, NOW - 60 * HOUR)


def test_held_batches_are_counted_until_someone_decides():
    store = FakeStore()
    publish(store, "titles", 100)
    hold(store, "titles", 30, "First.")
    hold(store, "titles", 10, "Second.")

    before = states(store)["titles"]
    with store.write() as unit:
        unit.batches.decide(
            "titles-held-30", Decision(state=HeldState.DISCARDED, by="Ann", reason="x", at=NOW - 2 * HOUR)
        )
        unit.commit()
    after, earlier = states(store)["titles"], states(store, NOW - 20 * HOUR)["titles"]

    assert (before[c.N_HELD], before[c.HELD_WHY]) == (2, "First.")
    assert (after[c.N_HELD], after[c.HELD_WHY]) == (1, "Second.")
    assert (earlier[c.N_HELD], earlier[c.HELD_WHY]) == (1, "First.")


@pytest.mark.parametrize(
    ("new", "seen", "every", "rows", "state"),
    [
        (10, 1, 24, 100, FeedCondition.FRESH),
        (37, 1, 24, 100, FeedCondition.LATE),
        (80, 1, 24, 100, FeedCondition.FROZEN),
        (80, 80, 24, 100, FeedCondition.ABSENT),
        (80, None, 24, 100, FeedCondition.ABSENT),
        (None, 1, 24, None, FeedCondition.ABSENT),
        (10, 1, 24, 69, FeedCondition.SHORT),
        (400, 1, None, 69, FeedCondition.SHORT),
        (400, 1, None, 100, FeedCondition.UNKNOWN),
    ],
)
def test_a_source_has_the_worst_state_that_is_true_of_it(new, seen, every, rows, state):
    ago = [None if hours is None else NOW - hours * HOUR for hours in (seen, new)]

    found, why = feed_condition(
        as_of=NOW, every_hours=every, last_seen_at=ago[0], last_new_at=ago[1], last_rows=rows, usual=100.0
    )

    assert found is state
    assert why.endswith(".")


@pytest.mark.parametrize(
    ("sizes", "usual"),
    [
        ([100, 110], None),
        ([100, 110, 90], 100.0),
        ([5, 500, 7, 6], None),
        ([0, 0, 0], None),
        ([100] * 10 + [900], 100.0),
    ],
)
def test_usual_rows_need_a_history_that_is_steady(sizes, usual):
    assert usual_rows(sizes) == usual


def test_the_list_of_feeds_is_worst_first():
    store = FakeStore()
    publish(store, "launches", 1000)
    publish(store, "titles", 2)
    hold(store, "titles", 1, "Too few.")

    view = data.feeds(store, SETTINGS, now=NOW)

    assert [(row.feed, row.state) for row in view.rows] == [
        ("impressions", FeedCondition.ABSENT), ("launches", FeedCondition.UNKNOWN), ("titles", FeedCondition.FRESH),
    ]  # fmt: skip
    assert (view.rows[0].last_new_at, view.rows[0].held_why, view.rows[0].last_rows) == (None, "", None)
    assert (view.rows[2].n_held, view.rows[2].held_why, view.rows[2].last_rows) == (1, "Too few.", 100)
    assert view.rows[2].last_new_at == NOW - 2 * HOUR
