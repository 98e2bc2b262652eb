"""What every store must do with profiles, held batches, seen files, changes and retention (fixture `store`)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
import pandas as pd
import pytest

from recsysops import columns as c
from recsysops.domain.batch import BatchReceipt, QuarantinedRow
from recsysops.domain.drift import (
    ColumnProfile,
    Decision,
    Drift,
    DriftKind,
    HeldBatch,
    HeldState,
    Profile,
    SeenFile,
)
from recsysops.domain.model import BacktestScore
from recsysops.domain.run import Run, StepReport
from recsysops.domain.verdict import StepOutcome
from recsysops.errors import NotFoundError, StoreError, UsageError
from recsysops.service.ports import Store, UnitOfWork
from recsysops.settings import RetentionSettings

T0: Final = datetime(2026, 3, 2, 12, 30, 15, 123456, tzinfo=UTC)
DAY: Final = timedelta(days=1)
RESULTS: Final = ("predictions", "expectations", "checks", "verdicts", "findings", "cells")


def receipt(batch_id: str = "b1", **changes: object) -> BatchReceipt:
    values = {
        "batch_id": batch_id, "table": "titles", "content_hash": f"hash of {batch_id}", "files": ("a.csv",),
        "rows_in": 1, "accepted": 0, "duplicate": 0, "quarantined": 1, "loaded_at": T0,
    }  # fmt: skip
    return BatchReceipt(**{**values, **changes})


def profile(rows: int = 5, **changes: object) -> Profile:
    columns = {
        "Länge": ColumnProfile(kind="number", empty_ratio=0.25, typical=1.5, values=("90", "120")),
        "none": ColumnProfile(kind="empty", empty_ratio=1.0),
    }
    return Profile(**{"rows": rows, "quarantined": 1, "columns": columns, "first_at": T0, "last_at": None, **changes})


def held_batch(batch_id: str = "b1", **changes: object) -> HeldBatch:
    drift = Drift(kind=DriftKind.UNIT_JUMP, column="runtime", was="90", found="5400", why="60 times as long.")
    values = {
        "batch_id": batch_id, "table": "titles", "content_hash": "h", "files": ("a.csv", "b.csv"), "rows_in": 9,
        "accepted": 8, "quarantined": 1, "held_at": T0, "profile": profile(),
        "drifts": (drift, replace(drift, kind=DriftKind.ROW_DROP, column="")),
    }  # fmt: skip
    return HeldBatch(**{**values, **changes})


def decision(state: HeldState, at: datetime = T0) -> Decision:
    return Decision(state=state, by="ada", reason="Seconds are right now.", at=at)


def seen_file(path: str = "/in/a.csv", **changes: object) -> SeenFile:
    values = {"table": "titles", "path": path, "size": 3, "mtime_ns": 2**62, "content_hash": "h", "seen_at": T0}
    return SeenFile(**{**values, **changes})


def changes_frame(*rows: tuple[datetime, str, str | None]) -> pd.DataFrame:
    """Time, what, title."""
    return pd.DataFrame(
        {
            c.TS: pd.Series([row[0] for row in rows], dtype="datetime64[us, UTC]"),
            c.KIND: pd.Series(["deploy" for _ in rows], dtype="str"),
            c.WHAT: pd.Series([row[1] for row in rows], dtype="str"),
            c.TITLE_ID: pd.Series([row[2] for row in rows], dtype="str"),
            c.MARKET: pd.Series([None for _ in rows], dtype="str"),
        }
    )


def verdicts(*title_ids: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            c.TITLE_ID: pd.Series(title_ids, dtype="str"), c.MARKET: "de", c.SURFACE: "home", c.DETECTOR: "d",
            c.RULE: "r", c.OUTCOME: "passed", c.REASON: "", c.MARGIN: np.full(len(title_ids), 0.5), c.DATA: "",
        }
    )  # fmt: skip


def run(run_id: str, **changes: object) -> Run:
    steps = (StepReport(kind="step", name="predict", outcome=StepOutcome.RAN),)
    values = {"run_id": run_id, "verb": "run", "as_of": T0, "started_at": T0, "is_followed": True, "steps": steps}
    return Run(**{**values, **changes})


# --- profiles --------------------------------------------------------------------------------------------------------


def test_profiles_of_a_table_come_back_newest_first(store: Store) -> None:
    with store.write() as work:
        for at in range(4):
            work.batches.add(receipt(f"b{at}", loaded_at=T0 + at * DAY), [], profile(at))
        work.batches.add(receipt("none", loaded_at=T0 + 9 * DAY), [])
        work.batches.add(receipt("other", table="launches", loaded_at=T0 + 9 * DAY), [], profile(99, first_at=None))
        work.commit()

    with store.read() as work:
        assert work.batches.profiles("titles", limit=3) == (profile(3), profile(2), profile(1))
        assert work.batches.profiles("launches") == (profile(99, first_at=None),)
        assert work.batches.profiles("changes") == ()


# --- held batches ----------------------------------------------------------------------------------------------------


def test_a_held_batch_comes_back_as_it_went_in(store: Store) -> None:
    held = held_batch(decisions=(decision(HeldState.HELD), decision(HeldState.HELD, T0 + DAY)))
    with store.write() as work:
        work.batches.hold(held)
        work.commit()

    with store.read() as work:
        assert work.batches.held() == (held,)


def test_held_batches_come_newest_first_by_table_and_state(store: Store) -> None:
    with store.write() as work:
        work.batches.hold(held_batch("old"))
        work.batches.hold(held_batch("new", held_at=T0 + DAY))
        work.batches.hold(held_batch("at once", held_at=T0 + DAY))
        work.batches.hold(held_batch("launches", table="launches"))
        work.batches.decide("new", decision(HeldState.RELEASED))

        def ids(**wanted: object) -> list[str]:
            return [held.batch_id for held in work.batches.held(**wanted)]

        assert ids() == ["at once", "new", "launches", "old"]
        assert ids(table="titles") == ["at once", "new", "old"]
        assert ids(state=HeldState.HELD) == ["at once", "launches", "old"]
        assert ids(table="titles", state=HeldState.RELEASED) == ["new"]


def test_a_decision_moves_a_held_batch_and_stays(store: Store) -> None:
    first, second = decision(HeldState.RELEASED), decision(HeldState.PUBLISHED, T0 + DAY)
    with store.write() as work:
        work.batches.hold(held_batch())
        after = work.batches.decide("b1", first)
        work.batches.decide("b1", second)
        work.commit()

    assert after == held_batch(state=HeldState.RELEASED, decisions=(first,))
    with store.read() as work:
        assert work.batches.held() == (held_batch(state=HeldState.PUBLISHED, decisions=(first, second)),)


@pytest.mark.parametrize("ended", [HeldState.PUBLISHED, HeldState.DISCARDED])
def test_nothing_is_decided_once_the_story_of_a_held_batch_has_ended(store: Store, ended: HeldState) -> None:
    with store.write() as work:
        work.batches.hold(held_batch())
        work.batches.decide("b1", decision(ended))

        with pytest.raises(UsageError, match=f"{ended} already"):
            work.batches.decide("b1", decision(HeldState.RELEASED))
        assert len(work.batches.held()[0].decisions) == 1


def test_nothing_can_be_decided_on_a_batch_that_was_never_held(store: Store) -> None:
    with store.write() as work, pytest.raises(NotFoundError, match="nobody"):
        work.batches.decide("nobody", decision(HeldState.RELEASED))


def test_a_batch_held_again_is_replaced_and_keeps_its_decisions(store: Store) -> None:
    again = held_batch(rows_in=7, accepted=7, quarantined=0, drifts=(), held_at=T0 + DAY, profile=profile(7))
    with store.write() as work:
        work.batches.hold(held_batch())
        work.batches.decide("b1", decision(HeldState.RELEASED))
        work.batches.hold(again)
        work.commit()

    with store.read() as work:
        assert work.batches.held() == (replace(again, decisions=(decision(HeldState.RELEASED),)),)


# --- seen files ------------------------------------------------------------------------------------------------------


def test_of_a_file_seen_twice_the_last_time_counts(store: Store) -> None:
    first, other = seen_file(), seen_file("/in/b.csv")
    later, twice = replace(first, size=9, seen_at=T0 + DAY), seen_file("/in/c.csv")
    with store.write() as work:
        work.batches.see([first, other])
        work.batches.see([later, replace(twice, size=1), twice, replace(first, table="launches")])
        work.batches.see([])
        work.commit()

    with store.read() as work:
        assert work.batches.seen("titles") == {"/in/a.csv": later, "/in/b.csv": other, "/in/c.csv": twice}
        assert work.batches.seen("launches") == {"/in/a.csv": replace(first, table="launches")}
        assert work.batches.seen("changes") == {}


# --- changes ---------------------------------------------------------------------------------------------------------


def test_changes_come_back_as_they_went_in_latest_first(store: Store) -> None:
    rows = changes_frame((T0, "first", "t1"), (T0 + DAY, "last", None), (T0, "first, said later", "t1"))
    with store.write() as work:
        work.batches.add(receipt(table="changes"), [])
        n = work.changes.add(rows, "b1", T0)
        work.commit()

    with store.read() as work:
        found = work.changes.list()
    assert n == 3
    pd.testing.assert_frame_equal(found, rows.iloc[[1, 2, 0]].reset_index(drop=True))


def test_the_same_change_is_added_once(store: Store) -> None:
    rows = changes_frame((T0, "first", "t1"), (T0, "first", None), (T0, "first", "t1"))
    with store.write() as work:
        first = work.changes.add(rows, "b1", T0)
        again = work.changes.add(changes_frame((T0, "first", None), (T0, "more", None)), "b2", T0 + DAY)

        assert (first, again) == (2, 1)
        assert len(work.changes.list()) == 3


def test_changes_of_a_title_come_with_those_that_concern_all_within_a_time(store: Store) -> None:
    rows = [(T0 + at * DAY, f"{at} {title}", title) for at in range(3) for title in ("t1", "t2", None)]
    with store.write() as work:
        work.changes.add(changes_frame(*rows), "b1", T0)

        def what(**wanted: object) -> list[str]:
            return list(work.changes.list(**wanted)[c.WHAT])

        assert what(title_id="t1", since=T0 + DAY) == ["2 None", "2 t1", "1 None", "1 t1"]
        assert what(title_id="t1", until=T0) == ["0 None", "0 t1"]
        assert what(title_id="nobody", since=T0 + DAY, until=T0 + DAY) == ["1 None"]
        assert what(limit=2) == ["2 None", "2 t2"]


def test_without_changes_there_is_a_frame_of_the_right_types(store: Store) -> None:
    with store.read() as work:
        found = work.changes.list(title_id="t1")

    assert tuple(found.columns) == c.CHANGE
    assert str(found[c.TS].dtype) == "datetime64[us, UTC]"


def test_a_change_belongs_to_a_batch(store: Store) -> None:
    with pytest.raises(StoreError, match="refused"), store.write() as work:  # noqa: PT012 - may come as late as on leaving
        work.changes.add(changes_frame((T0, "x", None)), "no such batch", T0)
        work.commit()


# --- retention -------------------------------------------------------------------------------------------------------

POLICY: Final = RetentionSettings(results_days=10, runs_days=20, quarantine_days=5)
NOTHING: Final = dict.fromkeys((*RESULTS, "launch_scores", "relabelled_scores", "backtests", "runs", "quarantine"), 0)


def cycle(work: UnitOfWork, at: datetime, n: int = 2) -> None:
    """What one followed run leaves behind at `at`."""
    run_id = f"run {at:%F}"
    work.runs.save(run(run_id, as_of=at, started_at=at))
    work.results.save("verdicts", verdicts(*(f"t{each}" for each in range(n))), run_id, at)
    row = QuarantinedRow(file="a.csv", row=1, column="x", code="bad", value="", rule="", fix="")
    work.batches.add(receipt(f"batch {at:%F}", loaded_at=at), [row])


def test_an_empty_store_has_nothing_to_prune(store: Store) -> None:
    with store.write() as work:
        assert work.housekeeping.prune(POLICY, T0) == NOTHING


def test_what_is_older_than_the_policy_goes_and_what_is_younger_stays(store: Store) -> None:
    with store.write() as work:
        for at in range(31):
            cycle(work, T0 + at * DAY)
        removed = work.housekeeping.prune(POLICY, T0 + 30 * DAY)
        again = work.housekeeping.prune(POLICY, T0 + 30 * DAY)
        work.commit()

    assert removed == NOTHING | {"verdicts": 40, "runs": 10, "quarantine": 25}
    assert again == NOTHING
    with store.read() as work:
        assert len(work.results.load("verdicts", T0 + 20 * DAY)) == 2
        assert len(work.results.load("verdicts", T0 + 19 * DAY)) == 0
        assert [r.started_at for r in work.runs.list(limit=99)] == [T0 + at * DAY for at in range(30, 9, -1)]
        assert len(work.batches.all()) == 31
        assert {batch for batch, _ in work.batches.quarantine()} == {
            f"batch {T0 + at * DAY:%F}" for at in range(25, 31)
        }


def test_the_latest_results_of_each_kind_and_their_run_stay_however_old(store: Store) -> None:
    with store.write() as work:
        cycle(work, T0)
        work.runs.save(run("checked", as_of=T0 - DAY, started_at=T0 - DAY, is_followed=False))
        work.results.save("checks", pd.DataFrame(columns=list(c.CHECK_RESULT)), "checked", T0 - DAY)
        work.runs.save(run("of nothing", started_at=T0 + DAY, is_followed=False))

        removed = work.housekeeping.prune(POLICY, T0 + 1000 * DAY)

        assert removed == NOTHING | {"runs": 1, "quarantine": 1}
        assert len(work.results.load("verdicts")) == 2
        assert {r.run_id for r in work.runs.list()} == {f"run {T0:%F}", "checked"}


def test_the_last_followed_run_stays_however_old(store: Store) -> None:
    with store.write() as work:
        work.runs.save(run("followed"))
        work.runs.save(run("before", as_of=T0 - DAY, started_at=T0 + DAY))
        work.runs.save(run("not followed", as_of=T0 + DAY, is_followed=False))

        work.housekeeping.prune(POLICY, T0 + 1000 * DAY)

        assert work.runs.list() == (run("followed"),)


def test_backtests_go_with_their_runs_but_for_the_latest(store: Store) -> None:
    score = BacktestScore(
        measure="reach", horizon=7, lead=0, predictor="model", metric="mae", value=0.3, low=0.2, high=None, n=90
    )
    with store.write() as work:
        for at in range(3):
            work.runs.save(run(f"r{at}", verb="backtest", is_followed=False))
            work.results.save_scores(f"r{at}", [replace(score, n=at)])

        removed = work.housekeeping.prune(POLICY, T0 + 1000 * DAY)

        assert removed == NOTHING | {"backtests": 2, "runs": 2}
        assert work.results.scores() == (replace(score, n=2),)
        assert [r.run_id for r in work.runs.list()] == ["r2"]
