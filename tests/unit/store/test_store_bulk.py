"""Large frames, other ways to name parameters, threads."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session

from recsysops import columns as c
from recsysops.store import open_store
from recsysops.store.bulk import insert_columns, pieces, read_frame, stored_columns
from recsysops.store.frames import plain_columns
from recsysops.store.tables import Tables
from recsysops.store.tables_input import ActivityRow
from recsysops.store.unit import SqlStore

T0 = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    store = open_store(f"sqlite:///{tmp_path / 'store.sqlite'}")
    yield store
    store.close()


def verdicts(n: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            c.TITLE_ID: [f"t{at}" for at in range(n)], c.MARKET: "de", c.SURFACE: "home", c.DETECTOR: "d", c.RULE: "r",
            c.OUTCOME: "passed", c.REASON: "", c.MARGIN: np.arange(n, dtype="float64"), c.DATA: "",
        }
    )  # fmt: skip


def test_more_rows_than_fit_one_statement_keep_their_order(store: SqlStore) -> None:
    frame = verdicts(45_000)
    with store.write() as work:
        work.results.save("verdicts", frame, "r1", T0)
        work.commit()

    with store.read() as work:
        every = work.results.load("verdicts")
        some = work.results.load("verdicts", title_ids=list(frame[c.TITLE_ID][:12_000]))
    pd.testing.assert_frame_equal(every[list(frame.columns)], frame)
    assert len(some) == 12_000
    assert some[c.MARGIN].dtype == "float64"


def test_values_are_cut_into_pieces_once_each() -> None:
    values = [str(at) for at in range(11_000)]

    cut = list(pieces([*values, *values]))

    assert [len(piece) for piece in cut] == [5000, 5000, 1000]
    assert [value for piece in cut for value in piece] == values
    assert list(pieces([])) == []


@pytest.mark.parametrize("paramstyle", ["qmark", "named"])
def test_rows_go_in_whether_the_driver_counts_or_names_parameters(tmp_path: Path, paramstyle: str) -> None:
    frame = pd.DataFrame(
        {
            c.MARKET: ["de", "us"], c.SURFACE: "home", c.SIGNAL: "impressions", c.START_AT: pd.Timestamp(T0),
            c.HORIZON: 7, c.N_ACTIVE: [1, 2], c.N_EVENTS: [3, 4], c.IS_PARTIAL: [True, False],
        }
    ).astype({c.START_AT: "datetime64[us, UTC]"})  # fmt: skip
    engine = create_engine(f"sqlite:///{tmp_path / 'x.sqlite'}", paramstyle=paramstyle)
    Tables.metadata.create_all(engine)

    with Session(engine) as session:
        insert_columns(session, ActivityRow, c.ACTIVITY, plain_columns(frame, c.ACTIVITY, "activity"))
        wanted = select(*stored_columns(ActivityRow.__table__, c.ACTIVITY)).order_by(ActivityRow.market)
        found = read_frame(session, wanted, c.ACTIVITY, "activity")
    engine.dispose()

    pd.testing.assert_frame_equal(found, frame)


def test_a_store_can_be_read_from_several_threads_at_once(store: SqlStore) -> None:
    with store.write() as work:
        work.results.save("verdicts", verdicts(100), "r1", T0)
        work.commit()
    found: list[int] = []

    def read() -> None:
        for _ in range(5):
            with store.read() as work:
                found.append(len(work.results.load("verdicts")))

    threads = [Thread(target=read) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [100] * 100
