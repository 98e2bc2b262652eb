"""Migrations up, down and up again with 100,000 rows on both stores, and killed in the middle."""

import hashlib
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pandas as pd
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect

from recsysops import columns as c
from recsysops.domain.batch import BatchReceipt
from recsysops.domain.drift import HeldBatch, Profile, SeenFile
from recsysops.domain.issue import Finding, Issue, IssueChange, IssueEvent, IssueEventKind
from recsysops.domain.run import Run
from recsysops.domain.severity import FindingClass, Severity
from recsysops.store import open_store
from recsysops.store.backup import table_rows
from recsysops.store.engine import reading_engine, store_url
from recsysops.store.opening import HEAD, REVISION_TABLE, migrate, revision_of
from recsysops.store.tables import Tables

T0: Final = datetime(2026, 3, 2, tzinfo=UTC)
ROWS: Final = 100_000
REVISIONS: Final = ("base", "0001", "0002", "0003", "0004")
NEW_SINCE_0001: Final = {
    "batch_profile", "held_batch", "held_decision", "seen_file", "change",
    "shadow_score", "relabelled_score", "challenger", "model_move", "model_recipe", "launch_score",
}  # fmt: skip


def test_every_revision_is_walked_here() -> None:
    assert REVISIONS[-1] == HEAD


@pytest.fixture(params=["postgresql", "sqlite"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'store.sqlite'}"
    else:
        yield request.getfixturevalue("postgres_url")


def fill(url: str, rows: int) -> None:
    with closing(open_store(url)) as store, store.write() as work:
        account = {"rows_in": rows, "accepted": rows, "duplicate": 0, "quarantined": 0}
        work.batches.add(
            BatchReceipt(batch_id="b", table="launches", content_hash="h", files=("a",), loaded_at=T0, **account),
            [],
            Profile(rows=rows, quarantined=0, columns={}),
        )
        work.versions.add("launches", launches(rows), "b", T0)
        work.runs.save(Run(run_id="r", verb="run", as_of=T0, started_at=T0))
        work.issues.apply([opened()])
        work.batches.see([SeenFile(table="titles", path="/a", size=1, mtime_ns=1, content_hash="h", seen_at=T0)])
        work.batches.hold(
            HeldBatch(
                batch_id="x", table="titles", content_hash="h", files=(), rows_in=1, accepted=1, quarantined=0,
                held_at=T0, drifts=(), profile=Profile(rows=1, quarantined=0, columns={}),
            )
        )  # fmt: skip
        work.commit()


def launches(n: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            c.TITLE_ID: pd.Series([f"t{at}" for at in range(n)], dtype="str"), c.MARKET: "de", c.SURFACE: "home",
            c.OBSERVED_AT: pd.Series([T0] * n, dtype="datetime64[us, UTC]"),
            c.LAUNCH_AT: pd.Series([T0] * n, dtype="datetime64[us, UTC]"), c.LAUNCH_STATUS: "planned",
        }
    )  # fmt: skip


def opened() -> IssueChange:
    finding = Finding(
        finding_key="k", detector="d", rule="r", title_id="t", market="de", surface="home", severity=Severity.INFO,
        finding_class=FindingClass.SETUP, why="w", remedy="r", score=1.0, evidence={},
    )  # fmt: skip
    issue = Issue(issue_id="k-1", episode=1, finding=finding, opened_at=T0, updated_at=T0)
    event = IssueEvent(issue_id="k-1", at=T0, kind=IssueEventKind.OPENED, severity=Severity.INFO, why="w")
    return IssueChange(issue, event)


def state(url: str) -> tuple[str | None, dict[str, object]]:
    """Return the revision and, of every table that is there, its shape and a hash of its rows."""
    engine = reading_engine(store_url(url))
    with engine.connect() as connection:
        looking = inspect(connection)
        found: dict[str, object] = {}
        for name in sorted(set(looking.get_table_names()) - {REVISION_TABLE}):
            rows = hashlib.sha256()
            for row in table_rows(connection, Tables.metadata.tables[name]):
                rows.update(repr(row).encode())
            shape = (
                [(column["name"], str(column["type"]), column["nullable"]) for column in looking.get_columns(name)],
                looking.get_pk_constraint(name), looking.get_foreign_keys(name),
                sorted(map(str, looking.get_indexes(name))), sorted(map(str, looking.get_unique_constraints(name))),
                sorted(map(str, looking.get_check_constraints(name))),
            )  # fmt: skip
            found[name] = (rows.hexdigest(), re.sub(r" at 0x[0-9a-f]+", "", repr(shape)))
        revision = revision_of(connection)
    engine.dispose()
    return revision, found


def test_up_down_and_up_again_keeps_100_000_rows_and_every_shape(url: str) -> None:
    fill(url, ROWS)
    full = state(url)

    migrate(url, "0001")
    down = state(url)
    migrate(url)
    again = state(url)
    migrate(url, "base")
    nothing = state(url)
    migrate(url)
    anew = state(url)

    assert down == ("0001", {name: told for name, told in full[1].items() if name not in NEW_SINCE_0001})
    assert again[0] == HEAD
    assert {n: v for n, v in again[1].items() if n not in NEW_SINCE_0001} == down[1]
    assert shapes(again) == shapes(anew) == shapes(full)
    assert nothing == (None, {})


def shapes(found: tuple[str | None, dict[str, object]]) -> dict[str, object]:
    return {name: told[1] for name, told in found[1].items()}  # type: ignore[index]


def test_after_all_migrations_the_schema_is_that_of_the_models(url: str) -> None:
    for revision in REVISIONS[1:]:
        migrate(url, revision)

    engine = reading_engine(store_url(url))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, Tables.metadata)
    engine.dispose()
    assert differences == []


MIGRATION = """
import sys
from sqlalchemy import Engine, event
from recsysops.store.opening import migrate
left = int(sys.argv[3])
@event.listens_for(Engine, "after_cursor_execute")
def stop(connection, cursor, statement, parameters, context, many):
    global left
    changes = statement.lstrip().upper().startswith(("CREATE", "DROP", "INSERT", "UPDATE", "ALTER"))
    left -= changes
    if changes and left == 0:
        print("there", flush=True)
        sys.stdin.read()
migrate(sys.argv[1], sys.argv[2])
print("done", flush=True)
"""


@pytest.mark.parametrize(("start", "end"), [("0001", "0002"), ("0002", "0001"), ("0002", "0003"), ("0003", "0002")])
@pytest.mark.parametrize("at", [1, 4])
def test_a_killed_migration_leaves_the_revision_it_came_from_whole(url: str, start: str, end: str, at: int) -> None:
    fill(url, 100)
    migrate(url, start)
    before = state(url)

    child = subprocess.Popen(
        [sys.executable, "-c", MIGRATION, url, end, str(at)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with child:
        assert child.stdout is not None
        reached = child.stdout.readline()
        child.send_signal(signal.SIGKILL)
        child.wait(timeout=60)

    assert reached == "there\n"
    assert state(url) == before
    migrate(url, end)
    assert state(url)[0] == end
