"""What every store must do, in memory or in a database (fixture `store`)."""

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Final

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recsysops import columns as c
from recsysops.domain.batch import BatchReceipt, LogFile, QuarantinedRow
from recsysops.domain.drift import Decision, HeldState
from recsysops.domain.issue import Finding, Issue, IssueChange, IssueEvent, IssueEventKind, Resolution
from recsysops.domain.model import BacktestScore, ModelCard
from recsysops.domain.run import Run, StepReport
from recsysops.domain.severity import FindingClass, Severity
from recsysops.domain.verdict import StepOutcome
from recsysops.errors import MissingColumnError, NotFoundError, StoreError
from recsysops.service.ports import Store, UnitOfWork

T0: Final = datetime(2026, 3, 2, 12, 30, 15, 123456, tzinfo=UTC)
DAY: Final = timedelta(days=1)


# --- rows ------------------------------------------------------------------------------------------------------------


def receipt(batch_id: str = "b1", **changes: object) -> BatchReceipt:
    values = {
        "batch_id": batch_id, "table": "titles", "content_hash": f"hash of {batch_id}", "files": ("a.csv", "b.csv"),
        "rows_in": 6, "accepted": 3, "duplicate": 2, "quarantined": 1, "loaded_at": T0, "codes": {"bad-date": 1},
        "as_of_label": "not point-in-time",
    }  # fmt: skip
    return BatchReceipt(**{**values, **changes})


def quarantined(row: int = 1, file: str = "a.csv") -> QuarantinedRow:
    return QuarantinedRow(
        file=file, row=row, column="launch_at", code="bad-date", value="30 Feb", rule="A date.", fix="Give one."
    )


def log_file(batch_id: str = "b1", **changes: object) -> LogFile:
    values = {
        "batch_id": batch_id, "table": "impressions", "path": f"/logs/{batch_id}.csv", "content_hash": "h",
        "declared_day": None, "first_at": T0, "last_at": T0 + DAY, "rows": 10, "mapping": {"columns": {"ts": "time"}},
    }  # fmt: skip
    return LogFile(**{**values, **changes})


def titles(*rows: tuple[str, str, datetime, str]) -> pd.DataFrame:
    """Title, market, observed_at, synopsis."""
    return pd.DataFrame(
        {
            c.TITLE_ID: pd.Series([row[0] for row in rows], dtype="str"),
            c.MARKET: pd.Series([row[1] for row in rows], dtype="str"),
            c.OBSERVED_AT: pd.Series([row[2] for row in rows], dtype="datetime64[us, UTC]"),
            c.NAME: pd.Series([f"Name of {row[0]}" for row in rows], dtype="str"),
            c.SERIES_ID: pd.Series([None for _ in rows], dtype="str"),
            c.PROVIDER: pd.Series(["Ünïcode 片" for _ in rows], dtype="str"),
            c.FIELDS: pd.Series([{"synopsis": row[3], "genres": ["drama", "war"]} for row in rows], dtype="object"),
        }
    )


def launches(*rows: tuple[str, str, str, datetime, datetime | None, str]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=list(c.LAUNCH_VERSION))
    return frame.astype({c.OBSERVED_AT: "datetime64[us, UTC]", c.LAUNCH_AT: "datetime64[us, UTC]"})


def days(title_id: str, launch_at: datetime, n_days: int, **changes: object) -> pd.DataFrame:
    """Ten events by day and day + 1 new members."""
    frame = pd.DataFrame(
        {
            c.TITLE_ID: title_id, c.MARKET: "de", c.SURFACE: "home", c.SIGNAL: "impressions", c.LAUNCH_AT: launch_at,
            c.DAY: np.arange(n_days), c.EVENTS: 10, c.NEW_MEMBERS: np.arange(n_days) + 1, c.POSITION_P10: 1.0,
            c.POSITION_P50: 3.5, c.POSITION_P90: np.nan, c.IS_PARTIAL: False,
        }
    )  # fmt: skip
    return frame.assign(**changes).astype({c.LAUNCH_AT: "datetime64[us, UTC]"})


def activity(start_at: datetime, *horizons: int, **changes: object) -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            c.MARKET: "de", c.SURFACE: "home", c.SIGNAL: "impressions", c.START_AT: start_at, c.HORIZON: list(horizons),
            c.N_ACTIVE: 100, c.N_EVENTS: 1000, c.IS_PARTIAL: False,
        }
    )  # fmt: skip
    return frame.assign(**changes).astype({c.START_AT: "datetime64[us, UTC]"})


def cells_of(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[list(c.CELL_KEY)].drop_duplicates()


def verdicts(*title_ids: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            c.TITLE_ID: pd.Series(title_ids, dtype="str"), c.MARKET: "de", c.SURFACE: "home", c.DETECTOR: "d",
            c.RULE: "r", c.OUTCOME: "passed", c.REASON: pd.Series([None] * len(title_ids), dtype="str"),
            c.MARGIN: pd.Series([np.nan] * len(title_ids), dtype="float64"), c.DATA: "",
        }
    )  # fmt: skip


def result_frame(table: str) -> pd.DataFrame:
    """Two rows of any result table: one with everything filled, one with everything missing that may be."""
    full, bare = _result_rows()
    names = {
        "predictions": c.PREDICTION, "expectations": c.EXPECTATION, "checks": c.CHECK_RESULT, "verdicts": c.VERDICT,
        "findings": c.FINDING, "cells": c.BOARD_CELL,
    }[table]  # fmt: skip
    checked = {c.VALUE: "seen"} if table == "checks" else {}
    rows = [{name: (full | checked)[name] for name in names}, {name: (full | bare)[name] for name in names}]
    rows[1][c.TITLE_ID] = "t2"
    frame = pd.DataFrame(rows)
    times = {n: "datetime64[us, UTC]" for n in names if n.endswith("_at") or n == c.AS_OF}
    return frame.astype(times)


def _result_rows() -> tuple[dict[str, object], dict[str, object]]:
    text = (c.TITLE_ID, c.MARKET, c.SURFACE, c.MEASURE, c.PREDICTOR, c.DETECTOR, c.RULE, c.OUTCOME, c.CHECK, c.FIELD,
            c.LAUNCH_STATUS, c.STATUS, c.CLASS, c.WHY, c.REMEDY, c.SEVERITY, c.FINDING_KEY)  # fmt: skip
    gaps = (c.NAME, c.SERIES_ID, c.PROVIDER, c.ABSTAINS, c.LABEL, c.MODEL_ID, c.AUTHOR, c.DETAIL, c.SUITE, c.REASON,
            c.DATA, c.WORTH_UNIT, c.VALUE)  # fmt: skip
    numbers = (c.DENOMINATOR, c.LOW, c.BEST, c.HIGH, c.CONFIDENCE, c.MARGIN, c.WORTH, c.WORTH_LOW, c.WORTH_HIGH,
               c.SCORE, *c.QUANTILES)  # fmt: skip
    times = (c.LAUNCH_AT, c.PREVIOUS_LAUNCH_AT, c.OBSERVED_AT, c.LATEST_SAFE_FIX_AT)
    full: dict[str, object] = {name: f"some {name}" for name in (*text, *gaps)}
    full |= {name: 0.1 * at for at, name in enumerate(numbers)} | dict.fromkeys(times, T0) | {c.AS_OF: T0}
    full |= {c.HORIZON: 7, c.LEAD: 14, c.N_FINDINGS: 2, c.IS_SERVED: True, c.HAS_EXPECTATION: False}
    full |= {c.EVIDENCE: {"gap": 0.25, "of": ["a", "b"], "none": None}}
    bare: dict[str, object] = (
        dict.fromkeys(gaps, None) | dict.fromkeys(numbers, math.nan) | dict.fromkeys(times, pd.NaT)
    )
    return full, bare | {c.EVIDENCE: {}, c.IS_SERVED: False}


def change(key: str = "k1", kind: IssueEventKind = IssueEventKind.OPENED, **changes: object) -> IssueChange:
    finding = Finding(
        finding_key=key, detector="d", rule="r", title_id=str(changes.pop("title_id", "t1")), market="de",
        surface="home", field="synopsis", severity=Severity(changes.pop("severity", "warning")),
        finding_class=FindingClass.SETUP, why="It is missing.", remedy="Send it.", worth=None, score=1.5,
        latest_safe_fix_at=changes.pop("fix_at", None), evidence={"due_days": 7, "seen": ["a"]},
    )  # fmt: skip
    episode = int(str(changes.pop("episode", 1)))
    values = {"opened_at": T0, "updated_at": T0} | changes
    issue = Issue(issue_id=f"{key}-{episode}", episode=episode, finding=finding, **values)
    event = IssueEvent(
        issue_id=issue.issue_id, at=issue.updated_at, kind=kind, severity=finding.severity, why=finding.why,
        resolution=issue.resolution,
    )  # fmt: skip
    return IssueChange(issue, event)


def run(run_id: str = "r1", **changes: object) -> Run:
    values = {
        "run_id": run_id, "verb": "run", "as_of": T0, "started_at": T0, "finished_at": T0 + DAY, "is_followed": True,
        "inputs": ("b1", "b2"), "models": ("m1",), "counts": {"findings": 3}, "settings_hash": "abc",
        "steps": (
            StepReport(kind="step", name="predict", outcome=StepOutcome.RAN, seconds=1.25, n=7),
            StepReport(kind="detector", name="d", outcome=StepOutcome.FAILED, reason="It broke."),
        ),
    }  # fmt: skip
    return Run(**{**values, **changes})


def card(model_id: str = "m1", **changes: object) -> ModelCard:
    values = {
        "model_id": model_id, "measure": "reach", "horizon": 7, "trained_as_of": T0, "n_titles": 200, "n_rows": 800,
        "folder": f"models/{model_id}", "manifest_sha256": "f" * 64, "serves": "model", "scores": {"coverage_80": 0.81},
    }  # fmt: skip
    return ModelCard(**{**values, **changes})


# --- unit of work ----------------------------------------------------------------------------------------------------


def test_what_is_committed_is_seen_by_the_next_reader(store: Store) -> None:
    with store.write() as work:
        work.runs.save(run())
        work.commit()

    with store.read() as work:
        assert work.runs.list() == (run(),)


def test_what_is_not_committed_is_gone(store: Store) -> None:
    with store.write() as work:
        work.runs.save(run())

    with store.read() as work:
        assert work.runs.list() == ()


def test_an_error_takes_everything_since_the_last_commit_with_it(store: Store) -> None:
    with pytest.raises(KeyError), store.write() as work:  # noqa: PT012 - may come as late as on leaving
        work.runs.save(run("r1"))
        work.commit()
        work.runs.save(run("r2"))
        raise KeyError("anything")

    with store.read() as work:
        assert [r.run_id for r in work.runs.list()] == ["r1"]


def test_a_unit_of_work_goes_on_after_a_commit(store: Store) -> None:
    with store.write() as work:
        work.runs.save(run("r1"))
        work.commit()
        work.runs.save(run("r2"))
        work.commit()

    with store.read() as work:
        assert {r.run_id for r in work.runs.list()} == {"r1", "r2"}


def test_a_reader_refuses_to_commit(store: Store) -> None:
    with store.read() as work, pytest.raises(StoreError, match="only reads"):
        work.commit()


def test_a_reader_does_not_see_what_a_writer_has_not_committed(store: Store) -> None:
    with store.write() as writer:
        writer.runs.save(run())
        with store.read() as reader:
            before = reader.runs.list()
        writer.commit()

    with store.read() as reader:
        after = reader.runs.list()
    assert before == ()
    assert after == (run(),)


# --- text that not every store could keep --------------------------------------------------------------------------


@pytest.mark.parametrize("bad", ["a\0b", "half \ud800"], ids=["NUL", "surrogate"])
def test_text_no_store_could_keep_is_refused_whole(store: Store, bad: str) -> None:
    unfit = pd.Series([bad], dtype="object")
    refused: list[Callable[[UnitOfWork], object]] = [
        lambda work: work.batches.add(receipt(files=("fine.csv",), as_of_label=bad), []),
        lambda work: work.batches.add(receipt(), [replace(quarantined(), value=bad)]),
        lambda work: work.versions.add("titles", titles(("t", "all", T0, "x")).assign(name=unfit), "b1", T0),
        lambda work: work.results.save("verdicts", verdicts("fine").assign(reason=unfit), "r", T0),
        lambda work: work.issues.apply([change(title_id=bad)]),
        lambda work: work.runs.save(run(bad)),
        lambda work: work.models.activate(card(label=bad)),
    ]  # fmt: skip

    for attempt in refused:
        with pytest.raises(StoreError, match=r"NUL|surrogate") as raised, store.write() as work:  # noqa: PT012
            attempt(work)
            work.commit()
        assert bad not in str(raised.value)
    with store.read() as work:
        assert (work.batches.all(), work.runs.list(), work.issues.list(), work.models.active()) == ((), (), (), ())


def test_a_nul_within_json_is_kept_and_half_of_a_character_is_not(store: Store) -> None:
    with store.write() as work:
        work.versions.add("titles", titles(("t1", "all", T0, "a\0b")), "b1", T0)

        assert work.versions.known("titles")[c.FIELDS][0]["synopsis"] == "a\0b"
        with pytest.raises(StoreError, match="half of a character"):
            work.versions.add("titles", titles(("t2", "all", T0, "\ud800")), "b1", T0)


@pytest.mark.parametrize("bad", ["a\0b", "half \ud800", "' OR 1=1 --"])
def test_what_no_store_could_keep_is_found_nowhere(store: Store, bad: str) -> None:
    with store.write() as work:
        work.issues.apply([change()])
        work.results.save("verdicts", verdicts("t1"), "r1", T0)

        assert work.issues.list(title_id=bad) == ()
        assert work.issues.events(bad) == ()
        assert work.batches.find("titles", bad) is None
        assert work.batches.quarantine(bad) == ()
        assert work.batches.count_quarantine(bad) == 0
        assert work.runs.list(verb=bad) == ()
        assert work.runs.count(verb=bad) == 0
        assert len(work.results.load("verdicts", title_ids=[bad])) == 0
        assert len(work.versions.history("titles", [bad])) == 0
        assert len(work.treatment.days(bad)) == 0
        assert len(work.changes.list(title_id=bad)) == 0
        with pytest.raises(NotFoundError):
            work.batches.decide(bad, Decision(state=HeldState.RELEASED, by="a", reason="b", at=T0))


def test_text_comes_sorted_by_code_point(store: Store) -> None:
    names = ["t_1", "T1", "t1", "Ä", "a", "t-1", "Z", "ä", "片", "1"]
    with store.write() as work:
        work.versions.add("titles", titles(*((name, "all", T0, "x") for name in names)), "b1", T0)
        work.issues.apply([change(f"k{name}") for name in names])

        assert list(work.versions.known("titles")[c.TITLE_ID]) == sorted(names)
        assert [issue.issue_id for issue in work.issues.list()] == sorted(f"k{name}-1" for name in names)


# --- batches ---------------------------------------------------------------------------------------------------------


def test_a_batch_is_found_by_its_content(store: Store) -> None:
    with store.write() as work:
        work.batches.add(receipt(), [])
        work.commit()

    with store.read() as work:
        assert work.batches.find("titles", "hash of b1") == receipt()
        assert work.batches.find("launches", "hash of b1") is None
        assert work.batches.find("titles", "other") is None


def test_the_same_content_of_a_table_is_refused_twice(store: Store) -> None:
    with store.write() as work:
        work.batches.add(receipt("b1"), [])
        work.batches.add(receipt("b2", table="launches", content_hash="hash of b1"), [])
        work.commit()

    with pytest.raises(StoreError, match="refused"), store.write() as work:  # noqa: PT012 - may come as late as on leaving
        work.batches.add(receipt("b3", content_hash="hash of b1"), [])
        work.commit()
    with store.read() as work:
        assert [b.batch_id for b in work.batches.all()] == ["b2", "b1"]


def test_batches_come_newest_first(store: Store) -> None:
    with store.write() as work:
        for batch_id, loaded_at in (("old", T0), ("newest", T0 + 2 * DAY), ("new", T0 + DAY)):
            work.batches.add(receipt(batch_id, loaded_at=loaded_at), [])

        assert [b.batch_id for b in work.batches.all()] == ["newest", "new", "old"]


def test_quarantined_rows_come_by_batch_and_row_in_pages(store: Store) -> None:
    with store.write() as work:
        work.batches.add(receipt("old"), [quarantined(2), quarantined(1)])
        work.batches.add(receipt("new", loaded_at=T0 + DAY), [quarantined(5)])
        work.commit()

    with store.read() as work:
        assert [(b, q.row) for b, q in work.batches.quarantine()] == [("new", 5), ("old", 1), ("old", 2)]
        assert work.batches.quarantine("old", limit=1, offset=1) == (("old", quarantined(2)),)
        assert (work.batches.count_quarantine(), work.batches.count_quarantine("old")) == (3, 2)


@pytest.mark.parametrize("add", ["version", "log file"])
def test_nothing_is_kept_that_belongs_to_no_batch(store: Store, add: str) -> None:
    with pytest.raises(StoreError, match="refused"), store.write() as work:  # noqa: PT012 - may come as late as on leaving
        if add == "version":
            work.versions.add("titles", titles(("t1", "all", T0, "x")), "no such batch", T0)
        else:
            work.batches.register(log_file("no such batch"))
        work.commit()


def test_log_files_come_by_their_first_row_and_whole(store: Store) -> None:
    late, early = log_file("b1", first_at=T0 + DAY), log_file("b2", first_at=T0, declared_day=date(2026, 3, 2))
    empty = log_file("b3", first_at=None, last_at=None, rows=0)
    with store.write() as work:
        for batch_id, file in (("b1", late), ("b3", empty), ("b2", early)):
            work.batches.add(receipt(batch_id), [])
            work.batches.register(file)
        work.commit()

    with store.read() as work:
        assert work.batches.log_files("impressions") == (early, late, empty)
        assert work.batches.log_files("interactions") == ()


@pytest.mark.parametrize(
    ("second", "is_superseded"),
    [
        (log_file("b2", declared_day=date(2026, 3, 2)), True),
        (log_file("b2", path="/logs/b1.csv"), True),
        (log_file("b2", declared_day=date(2026, 3, 3)), False),
        (log_file("b2", declared_day=None), False),
        (log_file("b2", table="interactions", path="/logs/b1.csv", declared_day=date(2026, 3, 2)), False),
    ],
    ids=["same day", "same path", "other day", "no day", "other table"],
)
def test_a_log_file_supersedes_the_same_day_or_path(store: Store, second: LogFile, *, is_superseded: bool) -> None:
    first = log_file("b1", declared_day=date(2026, 3, 2))
    with store.write() as work:
        for file in (first, second):
            work.batches.add(receipt(file.batch_id), [])
            work.batches.register(file)
        work.commit()

    with store.read() as work:
        assert (first not in work.batches.log_files("impressions")) is is_superseded
        assert second in work.batches.log_files(second.table)


def test_files_without_a_declared_day_do_not_supersede_each_other(store: Store) -> None:
    with store.write() as work:
        work.batches.add(receipt("b1"), [])
        work.batches.register(log_file("b1", path="/1"))
        work.batches.register(log_file("b1", path="/2"))

        assert [file.path for file in work.batches.log_files("impressions")] == ["/1", "/2"]


# --- versions --------------------------------------------------------------------------------------------------------


def test_a_version_comes_back_as_it_went_in(store: Store) -> None:
    rows = titles(("t1", "all", T0, "A synopsis"))
    with store.write() as work:
        work.batches.add(receipt(), [])
        added = work.versions.add("titles", rows, "b1", T0)
        work.commit()

    with store.read() as work:
        known = work.versions.known("titles")
    assert added == 1
    pd.testing.assert_frame_equal(known, rows)


def test_the_latest_observation_that_is_not_later_than_as_of_is_known(store: Store) -> None:
    rows = titles(("t1", "all", T0, "first"), ("t1", "all", T0 + 2 * DAY, "second"), ("t1", "de", T0, "other key"))
    with store.write() as work:
        work.versions.add("titles", rows, "b1", T0 + 9 * DAY)

        def synopses(as_of: datetime | None) -> list[str]:
            return [fields["synopsis"] for fields in work.versions.known("titles", as_of)[c.FIELDS]]

        assert synopses(T0 - timedelta(microseconds=1)) == []
        assert synopses(T0 + DAY) == ["first", "other key"]
        assert synopses(T0 + 2 * DAY) == ["second", "other key"]
        assert synopses(None) == ["second", "other key"]


def test_of_two_versions_observed_at_once_the_later_loaded_is_known(store: Store) -> None:
    with store.write() as work:
        work.versions.add("titles", titles(("t1", "all", T0, "corrected")), "b2", T0 + 2 * DAY)
        work.versions.add("titles", titles(("t1", "all", T0, "wrong")), "b1", T0 + DAY)

        assert work.versions.known("titles")[c.FIELDS][0]["synopsis"] == "corrected"
        assert list(work.versions.history("titles")[c.LOADED_AT]) == [pd.Timestamp(T0 + 2 * DAY)]


def test_the_same_version_is_added_once(store: Store) -> None:
    rows = titles(("t1", "all", T0, "x"), ("t2", "all", T0, "y"), ("t1", "all", T0, "x"))
    with store.write() as work:
        first = work.versions.add("titles", rows, "b1", T0)
        again = work.versions.add("titles", rows, "b2", T0 + DAY)
        more = work.versions.add("titles", titles(("t1", "all", T0, "x"), ("t1", "all", T0, "z")), "b3", T0 + DAY)

        assert (first, again, more) == (2, 0, 1)
        assert len(work.versions.history("titles")) == 2


def test_history_holds_every_observation_by_key_and_time(store: Store) -> None:
    rows = launches(
        ("t2", "de", "home", T0, T0 + 9 * DAY, "planned"),
        ("t1", "de", "home", T0 + DAY, None, "cancelled"),
        ("t1", "de", "home", T0, T0 + 8 * DAY, "planned"),
    )
    with store.write() as work:
        work.versions.add("launches", rows, "b1", T0 + 2 * DAY)

        every, some, none = (work.versions.history("launches", ids) for ids in (None, ["t1", "t1", "t9"], []))
    assert tuple(every.columns) == (*c.LAUNCH_VERSION, c.LOADED_AT)
    assert list(every[c.LAUNCH_STATUS]) == ["planned", "cancelled", "planned"]
    assert list(every[c.TITLE_ID]) == ["t1", "t1", "t2"]
    pd.testing.assert_frame_equal(some, every[:2])
    pd.testing.assert_frame_equal(none, every[:0])


def test_expectations_are_known_per_measure_and_horizon(store: Store) -> None:
    rows = pd.DataFrame(
        [
            ("t1", "de", "home", m, h, T0, 0.1, 0.2, np.nan, 0.8, "share", None)
            for m in ("reach", "uptake")
            for h in (1, 7)
        ],
        columns=list(c.EXPECTATION_VERSION),
    ).astype({c.OBSERVED_AT: "datetime64[us, UTC]", c.AUTHOR: "str"})
    with store.write() as work:
        work.versions.add("expectations", rows, "b1", T0)

        pd.testing.assert_frame_equal(work.versions.known("expectations", T0), rows, check_dtype=True)


@pytest.mark.parametrize("table", ["titles", "launches", "expectations"])
def test_nothing_known_has_the_same_columns_and_dtypes(store: Store, table: str) -> None:
    with store.read() as work:
        known, history = work.versions.known(table), work.versions.history(table)

    assert len(known) == len(history) == 0
    assert str(known[c.OBSERVED_AT].dtype) == "datetime64[us, UTC]"
    assert list(history.columns) == [*known.columns, c.LOADED_AT]
    assert known[c.TITLE_ID].dtype == "str"


def test_a_time_without_a_zone_is_refused(store: Store) -> None:
    naive = T0.replace(tzinfo=None)
    rows = titles(("t1", "all", T0, "x")).assign(**{c.OBSERVED_AT: naive})

    with pytest.raises(StoreError, match="zone"), store.write() as work:
        work.versions.add("titles", rows, "b1", T0)
    with pytest.raises(StoreError, match="zone"), store.write() as work:
        work.versions.add("titles", titles(("t1", "all", T0, "x")), "b1", naive)
    with pytest.raises(StoreError, match="zone"), store.write() as work:
        work.results.save("verdicts", verdicts("t1"), "r1", naive)


def test_a_frame_without_a_needed_column_is_refused(store: Store) -> None:
    with store.write() as work, pytest.raises(MissingColumnError, match='"observed_at"'):
        work.versions.add("titles", titles().drop(columns=c.OBSERVED_AT), "b1", T0)


observations = st.lists(
    st.tuples(
        st.sampled_from(["t1", "t2"]), st.sampled_from(["all", "de"]), st.integers(0, 3), st.sampled_from("abc"),
        st.integers(0, 2),
    ),
    max_size=12,
)  # fmt: skip


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(given_rows=observations, as_of=st.integers(-1, 4))
def test_what_is_known_is_what_a_plain_search_finds(
    store: Store, given_rows: list[tuple[str, str, int, str, int]], as_of: int
) -> None:
    # One store for all examples is enough, as nothing is committed.
    best: dict[tuple[str, str], tuple[int, int, int, str]] = {}
    first_loaded: dict[tuple[str, str, int, str], tuple[int, int]] = {}
    for at, (title_id, market, observed, text, loaded) in enumerate(given_rows):
        first_loaded.setdefault((title_id, market, observed, text), (loaded, at))
    for (title_id, market, observed, text), (loaded, at) in first_loaded.items():
        if observed <= as_of:
            best[title_id, market] = max(best.get((title_id, market), (-1, -1, -1, "")), (observed, loaded, at, text))

    with store.write() as work:
        for title_id, market, observed, text, loaded in given_rows:
            work.versions.add("titles", titles((title_id, market, T0 + observed * DAY, text)), "b1", T0 + loaded * DAY)
        known = work.versions.known("titles", T0 + as_of * DAY)

    found = {(t, m): f["synopsis"] for t, m, f in known[[c.TITLE_ID, c.MARKET, c.FIELDS]].itertuples(index=False)}
    assert found == {key: value[3] for key, value in best.items()}


# --- treatment -------------------------------------------------------------------------------------------------------


def test_reach_is_new_members_over_active_members_and_share_is_events_over_events(store: Store) -> None:
    with store.write() as work:
        work.treatment.replace("impressions", days("t1", T0, 28), activity(T0, 1, 7), cells_of(days("t1", T0, 1)))

        outcomes = work.treatment.outcomes(["reach", "impression_share", "uptake"], [1, 7, 28])

    assert tuple(outcomes.columns) == c.OUTCOMES
    found = outcomes.set_index([c.MEASURE, c.HORIZON])
    assert list(found.index) == [("impression_share", 1), ("impression_share", 7), ("reach", 1), ("reach", 7)]
    assert list(found[c.VALUE]) == pytest.approx([0.01, 0.07, 0.01, 0.28])
    assert list(found[c.NUMERATOR]) == [10, 70, 1, 28]
    assert list(found[c.DENOMINATOR]) == [1000, 1000, 100, 100]
    assert list(found[c.KNOWN_AT]) == [T0 + DAY, T0 + 7 * DAY, T0 + DAY, T0 + 7 * DAY]
    assert list(found[c.LAUNCH_AT]) == [T0] * 4
    assert not found[c.IS_PARTIAL].any()


def test_uptake_is_counted_from_interactions(store: Store) -> None:
    rows, window = days("t1", T0, 1, signal="interactions"), activity(T0, 1, signal="interactions", n_active=4)
    with store.write() as work:
        work.treatment.replace("interactions", rows, window, cells_of(rows))

        outcomes = work.treatment.outcomes(["reach", "uptake"], [1])
    assert list(outcomes[c.MEASURE]) == ["uptake"]
    assert list(outcomes[c.VALUE]) == [0.25]


@pytest.mark.parametrize(
    "window",
    [
        activity(T0, 1, n_active=0),
        activity(T0 + DAY, 1),
        activity(T0, 1, market="at"),
        activity(T0, 1, surface="all"),
        activity(T0, 1, signal="interactions"),
        activity(T0, 1)[:0],
    ],
    ids=["nobody active", "other start", "other market", "other surface", "other signal", "incomplete"],
)
def test_a_window_without_its_own_activity_has_no_outcome(store: Store, window: pd.DataFrame) -> None:
    with store.write() as work:
        work.treatment.replace("impressions", days("t1", T0, 1), window, cells_of(days("t1", T0, 1)))

        outcomes = work.treatment.outcomes(["reach"], [1])
    assert len(outcomes) == 0
    assert str(outcomes[c.KNOWN_AT].dtype) == "datetime64[us, UTC]"


@pytest.mark.parametrize(
    ("rows", "window"),
    [
        (days("t1", T0, 7, is_partial=[False] * 6 + [True]), activity(T0, 7)),
        (days("t1", T0, 7), activity(T0, 7, is_partial=True)),
        (days("t1", T0, 7)[1:], activity(T0, 7)),
    ],
    ids=["a partial day", "partial activity", "a missing day"],
)
def test_an_outcome_that_rests_on_part_of_the_logs_is_partial(
    store: Store, rows: pd.DataFrame, window: pd.DataFrame
) -> None:
    with store.write() as work:
        work.treatment.replace("impressions", rows, window, cells_of(rows))

        assert list(work.treatment.outcomes(["reach"], [7])[c.IS_PARTIAL]) == [True]


def test_a_partial_day_after_the_horizon_does_not_matter(store: Store) -> None:
    rows = days("t1", T0, 7, is_partial=[False] * 6 + [True])
    with store.write() as work:
        work.treatment.replace("impressions", rows, activity(T0, 1), cells_of(rows))

        assert list(work.treatment.outcomes(["reach"], [1])[c.IS_PARTIAL]) == [False]


def test_replacing_touches_only_the_cells_it_names(store: Store) -> None:
    with store.write() as work:
        for title_id in ("t1", "t2"):
            rows = days(title_id, T0, 7)
            work.treatment.replace("impressions", rows, activity(T0, 1, 7), cells_of(rows))
        moved = days("t1", T0 + DAY, 2)
        work.treatment.replace("impressions", moved, activity(T0 + DAY, 1), cells_of(moved))

        pd.testing.assert_frame_equal(work.treatment.days("t1"), moved)
        pd.testing.assert_frame_equal(work.treatment.days("t2"), days("t2", T0, 7))
        outcomes = work.treatment.outcomes(["reach"], [1, 7])
    assert list(zip(outcomes[c.TITLE_ID], outcomes[c.HORIZON], strict=True)) == [("t1", 1), ("t2", 1), ("t2", 7)]


def test_a_window_that_is_no_longer_complete_loses_its_outcome(store: Store) -> None:
    rows = days("t1", T0, 7)
    with store.write() as work:
        work.treatment.replace("impressions", rows, activity(T0, 1, 7), cells_of(rows))
        work.treatment.replace("impressions", rows[:1], activity(T0, 1), cells_of(rows))

        assert list(work.treatment.outcomes(["reach"], [1, 7])[c.HORIZON]) == [1]


def test_cells_with_launch_times_name_windows_that_have_no_day_any_more(store: Store) -> None:
    rows = days("t1", T0, 1)
    other = days("t2", T0, 1)
    with store.write() as work:
        work.treatment.replace("impressions", other, activity(T0, 1), cells_of(other))
        wanted = rows[[*c.CELL_KEY, c.LAUNCH_AT]]
        work.treatment.replace("impressions", rows[:0], activity(T0, 1)[:0], wanted)

        assert len(work.treatment.outcomes(["reach"], [1])) == 0


def test_replacing_nothing_changes_nothing(store: Store) -> None:
    rows = days("t1", T0, 1)
    with store.write() as work:
        work.treatment.replace("impressions", rows, activity(T0, 1), cells_of(rows))
        work.treatment.replace("impressions", rows[:0], activity(T0, 1)[:0], cells_of(rows[:0]))
        work.treatment.replace("interactions", rows[:0], activity(T0, 1)[:0], cells_of(rows))

        pd.testing.assert_frame_equal(work.treatment.days("t1"), rows)
        assert len(work.treatment.outcomes(["reach"], [1])) == 1


def test_a_day_of_a_cell_is_there_once(store: Store) -> None:
    twice = pd.concat([days("t1", T0, 1), days("t1", T0, 1)])

    with pytest.raises(StoreError, match="refused"), store.write() as work:
        work.treatment.replace("impressions", twice, activity(T0, 1), cells_of(twice))


def test_a_title_without_treatment_has_no_days(store: Store) -> None:
    with store.read() as work:
        found = work.treatment.days("t1")
        none = work.treatment.outcomes([], [1])

    assert tuple(found.columns) == c.TREATMENT_DAY
    assert found[c.EVENTS].dtype == "int64"
    assert tuple(none.columns) == c.OUTCOMES


# --- results ---------------------------------------------------------------------------------------------------------

RESULT_TABLES: Final = ("predictions", "expectations", "checks", "verdicts", "findings", "cells")


@pytest.mark.parametrize("table", RESULT_TABLES)
def test_results_come_back_as_they_went_in(store: Store, table: str) -> None:
    frame = result_frame(table)
    with store.write() as work:
        work.results.save(table, frame, "r1", T0)
        work.commit()

    with store.read() as work:
        loaded = work.results.load(table)
    assert (loaded[c.AS_OF] == T0).all()
    pd.testing.assert_frame_equal(loaded[list(frame.columns)], frame, check_dtype=False)


@pytest.mark.parametrize("table", RESULT_TABLES)
def test_empty_results_have_the_columns_and_dtypes_of_full_ones(store: Store, table: str) -> None:
    with store.write() as work:
        never = work.results.load(table)
        work.results.save(table, result_frame(table), "r1", T0)
        full = work.results.load(table)
        work.results.save(table, result_frame(table)[:0], "r1", T0 + DAY)
        empty = work.results.load(table)
        nobody = work.results.load(table, T0, title_ids=[])

    assert len(never) == len(empty) == len(nobody) == 0
    assert dict(never.dtypes) == dict(full.dtypes) == dict(empty.dtypes) == dict(nobody.dtypes)
    assert str(full[c.AS_OF].dtype) == "datetime64[us, UTC]"


def test_the_results_at_or_before_as_of_are_loaded(store: Store) -> None:
    with store.write() as work:
        work.results.save("verdicts", verdicts("late"), "r2", T0 + 2 * DAY)
        work.results.save("verdicts", verdicts("early", "too"), "r1", T0)

        def loaded(as_of: datetime | None) -> list[str]:
            return list(work.results.load("verdicts", as_of)[c.TITLE_ID])

        assert loaded(T0 - DAY) == []
        assert loaded(T0 + DAY) == ["early", "too"]
        assert loaded(T0 + 2 * DAY) == ["late"]
        assert loaded(None) == ["late"]


def test_results_of_the_same_as_of_are_replaced(store: Store) -> None:
    with store.write() as work:
        work.results.save("verdicts", verdicts("a", "b"), "r1", T0)
        work.results.save("verdicts", verdicts("c"), "r2", T0)
        work.results.save("checks", result_frame("checks"), "r2", T0)

        assert list(work.results.load("verdicts")[c.TITLE_ID]) == ["c"]


def test_results_of_some_titles_can_be_loaded(store: Store) -> None:
    with store.write() as work:
        work.results.save("verdicts", verdicts("a", "b", "c", "a"), "r1", T0)

        assert list(work.results.load("verdicts", title_ids=["c", "a", "z"])[c.TITLE_ID]) == ["a", "c", "a"]


def test_a_cell_is_judged_once_per_run(store: Store) -> None:
    twice = pd.concat([result_frame("cells"), result_frame("cells")])

    with pytest.raises(StoreError, match="refused"), store.write() as work:
        work.results.save("cells", twice, "r1", T0)


def test_the_scores_of_the_latest_backtest_are_kept_in_order(store: Store) -> None:
    score = BacktestScore(
        measure="reach", horizon=7, lead=0, predictor="model", metric="mae", value=0.3, low=0.2, high=None, n=90
    )
    with store.write() as work:
        none = work.results.scores()
        work.results.save_scores("r1", [score])
        work.results.save_scores("r2", [score, replace(score, metric="pinball"), replace(score, value=math.nan)])
        kept = work.results.scores()
        work.results.save_scores("r3", [])
        emptied = work.results.scores()

    assert none == emptied == ()
    assert kept[:2] == (score, replace(score, metric="pinball"))
    assert math.isnan(kept[2].value)


# --- issues ----------------------------------------------------------------------------------------------------------


def test_an_issue_and_its_event_come_back_as_they_went_in(store: Store) -> None:
    opened = change(fix_at=T0 + DAY)
    with store.write() as work:
        work.issues.apply([opened])
        work.commit()

    with store.read() as work:
        assert work.issues.list() == (opened.issue,)
        assert work.issues.latest() == {"k1": opened.issue}
        assert work.issues.events() == (opened.event,)


def test_a_changed_issue_replaces_what_it_was_and_keeps_its_history(store: Store) -> None:
    opened = change()
    ended = change(
        kind=IssueEventKind.RESOLVED, updated_at=T0 + DAY, resolved_at=T0 + DAY, resolution=Resolution.FIXED,
        severity="critical",
    )  # fmt: skip
    with store.write() as work:
        work.issues.apply([opened])
        work.issues.latest()
        work.issues.apply([ended])

        assert work.issues.list() == (ended.issue,)
        assert work.issues.events("k1-1") == (opened.event, ended.event)
        assert work.issues.events(at=T0 + DAY) == (ended.event,)
        assert work.issues.events("k2-1") == ()


def test_the_latest_episode_of_a_key_is_the_one_that_counts(store: Store) -> None:
    ended = change(resolved_at=T0 + DAY, resolution=Resolution.LAUNCHED)
    reopened = change(kind=IssueEventKind.REOPENED, episode=2)
    with store.write() as work:
        work.issues.apply([reopened, ended])

        assert work.issues.latest() == {"k1": reopened.issue}
        assert work.issues.list(is_open=True) == (reopened.issue,)
        assert work.issues.list(is_open=False) == (ended.issue,)


def test_issues_come_worst_first_then_by_time_left_then_by_id(store: Store) -> None:
    changes = [
        change("a", severity="info"),
        change("b", severity="critical", fix_at=None),
        change("c", severity="critical", fix_at=T0 + DAY),
        change("e", severity="critical", fix_at=T0, title_id="t2"),
        change("d", severity="critical", fix_at=T0),
        change("f", severity="warning"),
    ]
    with store.write() as work:
        work.issues.apply(changes)

        assert [i.issue_id for i in work.issues.list()] == ["d-1", "e-1", "c-1", "b-1", "f-1", "a-1"]
        assert [i.issue_id for i in work.issues.list(title_id="t2", is_open=True)] == ["e-1"]


def test_one_episode_of_a_key_is_one_issue(store: Store) -> None:
    first = change()
    other = replace(first, issue=replace(first.issue, issue_id="other"))

    with pytest.raises(StoreError, match="refused"), store.write() as work:  # noqa: PT012 - may come as late as on leaving
        work.issues.apply([first])
        work.issues.apply([other])


def test_an_event_belongs_to_an_issue(store: Store) -> None:
    stray = change()

    with pytest.raises(StoreError, match="refused"), store.write() as work:
        work.issues.apply([replace(stray, event=replace(stray.event, issue_id="nobody"))])


def test_no_changes_change_nothing(store: Store) -> None:
    with store.write() as work:
        work.issues.apply([])

        assert work.issues.list() == ()
        assert work.issues.latest() == {}


# --- runs and models -------------------------------------------------------------------------------------------------


def test_a_run_is_updated_with_its_steps(store: Store) -> None:
    begun = run(finished_at=None, steps=(run().steps[1],), counts={})
    with store.write() as work:
        work.runs.save(begun)
        first = work.runs.list()
        work.runs.save(run())

        assert first == (begun,)
        assert work.runs.list() == (run(),)
        work.runs.save(replace(run(), steps=()))
        assert work.runs.list()[0].steps == ()


def test_runs_come_latest_started_first(store: Store) -> None:
    with store.write() as work:
        for run_id, started_at in (("r1", T0), ("r3", T0 + 2 * DAY), ("r2", T0 + DAY)):
            work.runs.save(run(run_id, started_at=started_at))

        assert [r.run_id for r in work.runs.list(limit=2)] == ["r3", "r2"]


def test_runs_come_in_pages_and_by_verb(store: Store) -> None:
    with store.write() as work:
        for at, verb in enumerate(("run", "train", "run", "run")):
            work.runs.save(run(f"r{at}", verb=verb, started_at=T0 + at * DAY))

        assert [r.run_id for r in work.runs.list(verb="run", limit=2, offset=1)] == ["r2", "r0"]
        assert (work.runs.count(), work.runs.count(verb="run"), work.runs.count(verb="none")) == (4, 3, 0)


def test_the_last_followed_run_is_the_one_with_the_greatest_as_of(store: Store) -> None:
    with store.write() as work:
        none = work.runs.last_followed()
        work.runs.save(run("replay", as_of=T0 - DAY, started_at=T0 + 9 * DAY))
        work.runs.save(run("last", as_of=T0))
        work.runs.save(run("not followed", as_of=T0 + DAY, is_followed=False))

        assert none is None
        assert work.runs.last_followed() == run("last", as_of=T0)


def test_one_model_is_active_per_measure_and_horizon(store: Store) -> None:
    with store.write() as work:
        for each in (card("m1"), card("m2"), card("m3", horizon=1), card("m4", measure="impression_share")):
            work.models.activate(each)
        work.commit()
        work.models.activate(card("m1"))
        work.commit()

    with store.read() as work:
        assert work.models.active() == (card("m4", measure="impression_share"), card("m3", horizon=1), card("m1"))


def test_a_model_cannot_become_active_for_what_it_does_not_predict(store: Store) -> None:
    with pytest.raises(StoreError, match="refused"), store.write() as work:  # noqa: PT012 - may come as late as on leaving
        work.models.activate(card("m1"))
        work.models.activate(card("m1", horizon=28))
        work.commit()
