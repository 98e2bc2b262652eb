"""With pruning, 200 daily cycles cost as much room as the retention says, not as history is long."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import func, select

from recsysops import columns as c
from recsysops.domain.batch import BatchReceipt, QuarantinedRow
from recsysops.domain.run import Run, StepReport
from recsysops.domain.verdict import StepOutcome
from recsysops.service.ports import UnitOfWork
from recsysops.settings import RetentionSettings
from recsysops.store import open_store
from recsysops.store.tables import Tables
from recsysops.store.unit import SqlStore

T0: Final = datetime(2026, 3, 2, tzinfo=UTC)
DAY: Final = timedelta(days=1)
CYCLES: Final = 200
POLICY: Final = RetentionSettings(results_days=10, runs_days=20, quarantine_days=5)
ONE_A_DAY: Final = {"batch"}
"""Accounts are kept: a row a delivery."""


@pytest.fixture(params=["postgresql", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlStore]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'store.sqlite'}"
    else:
        url = request.getfixturevalue("postgres_store_url")
    with closing(open_store(url)) as store:
        yield store


def verdicts(n: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            c.TITLE_ID: [f"t{at}" for at in range(n)], c.MARKET: "de", c.SURFACE: "home", c.DETECTOR: "d", c.RULE: "r",
            c.OUTCOME: "passed", c.REASON: "all is well " * 4, c.MARGIN: np.arange(n) * 0.5, c.DATA: "",
        }
    )  # fmt: skip


def cycle(work: UnitOfWork, at: datetime, frame: pd.DataFrame) -> None:
    run_id = f"run {at:%F}"
    steps = (StepReport(kind="step", name="predict", outcome=StepOutcome.RAN),)
    work.runs.save(Run(run_id=run_id, verb="run", as_of=at, started_at=at, is_followed=True, steps=steps))
    work.results.save("verdicts", frame, run_id, at)
    account = {"rows_in": 20, "accepted": 0, "duplicate": 0, "quarantined": 20}
    work.batches.add(
        BatchReceipt(
            batch_id=f"batch {at:%F}", table="titles", content_hash=f"{at:%F}", files=(), loaded_at=at, **account
        ),
        [QuarantinedRow(file="a", row=row, column="x", code="bad", value="v", rule="r", fix="f") for row in range(20)],
    )
    work.housekeeping.prune(POLICY, at)


def sizes(store: SqlStore) -> dict[str, int]:
    with store.reading.connect() as connection:
        counts = {
            table.name: connection.scalar(select(func.count()).select_from(table)) or 0
            for table in Tables.metadata.sorted_tables
        }
        if connection.dialect.name == "sqlite":
            counts["pages"] = connection.exec_driver_sql("PRAGMA page_count").scalar() or 0
    return counts


def test_row_counts_and_size_stay_flat_over_200_daily_cycles(store: SqlStore) -> None:
    frame, seen = verdicts(150), {}
    for day in range(CYCLES):
        with store.write() as work:
            cycle(work, T0 + day * DAY, frame)
            work.commit()
        if day in {CYCLES // 2 - 1, CYCLES - 1}:
            seen[day] = sizes(store)

    half, whole = seen.values()
    assert {name: n for name, n in whole.items() if name not in ONE_A_DAY | {"pages"}} == {
        name: n for name, n in half.items() if name not in ONE_A_DAY | {"pages"}
    }
    assert whole["verdict"] == 150 * 11
    assert whole["run"] == 21
    assert whole["quarantined_row"] == 20 * 6
    assert whole["batch"] == CYCLES
    assert whole.get("pages", 0) <= 1.1 * half.get("pages", 0)
