"""Opening, migrating, protecting and killing a SQLite store."""

import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from recsysops.domain.issue import Finding, Issue, IssueChange, IssueEvent, IssueEventKind
from recsysops.domain.run import Run
from recsysops.domain.severity import FindingClass, Severity
from recsysops.errors import StoreError
from recsysops.service import ports
from recsysops.store import open_store
from recsysops.store.engine import store_url, writing_engine
from recsysops.store.opening import HEAD, migrate, migrations
from recsysops.store.tables import Tables
from recsysops.store.unit import SqlStore
from recsysops.testing.fake_store import FakeStore

T0 = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "store.sqlite"


@pytest.fixture
def url(path: Path) -> str:
    return f"sqlite:///{path}"


@pytest.fixture
def store(url: str) -> Iterator[SqlStore]:
    store = open_store(url)
    yield store
    store.close()


def a_run(run_id: str) -> Run:
    return Run(run_id=run_id, verb="run", as_of=T0, started_at=T0)


def schema(path: Path) -> set[tuple[str, str, str]]:
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT type, name, coalesce(sql, '') FROM sqlite_master").fetchall()
    return {(kind, name, sql) for kind, name, sql in rows if name != "alembic_version" and "autoindex" not in name}


def rows(path: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()


def test_both_stores_are_stores(store: SqlStore) -> None:
    stores: list[ports.Store] = [store, FakeStore()]  # checked by mypy; the lines below when run

    for each in stores:
        with each.read() as work:
            assert all(hasattr(work, name) for name in ports.UnitOfWork.__annotations__)


def test_a_new_store_is_for_its_owner_only(store: SqlStore, path: Path) -> None:
    with store.write() as work:
        work.runs.save(a_run("r1"))
        modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}

    assert set(modes) == {"store.sqlite", "store.sqlite-wal", "store.sqlite-shm", "store.sqlite-guard"}
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_store_open_to_others_is_closed_to_them(store: SqlStore, path: Path, url: str) -> None:
    path.chmod(0o644)

    open_store(url).close()

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_every_writing_connection_is_durable_and_checks_references(store: SqlStore, url: str) -> None:
    engine = writing_engine(store_url(url))
    with engine.connect() as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    engine.dispose()

    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 10_000}


def test_a_writer_holds_the_write_lock_from_its_beginning(store: SqlStore, path: Path) -> None:
    with store.write(), closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as other:
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        readable = other.execute("SELECT count(*) FROM run").fetchone()

    assert readable == (0,)


def test_a_busy_store_says_so(store: SqlStore, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recsysops.store.engine.BUSY_SECONDS", 0)
    impatient = SqlStore(store_url(f"sqlite:///{path}"))

    with store.write(), pytest.raises(StoreError, match="busy"), impatient.write():
        pass

    impatient.close()


def test_a_reader_cannot_write(store: SqlStore) -> None:
    with pytest.raises(StoreError, match="readonly"), store.read() as work:
        work.runs.save(a_run("r1"))


def test_a_store_opened_for_reading_does_not_write(store: SqlStore, url: str) -> None:
    with store.write() as work:
        work.runs.save(a_run("r1"))
        work.commit()

    reader = open_store(url, read_only=True)

    with pytest.raises(StoreError, match="reading only"):
        reader.write()
    with reader.read() as work:
        assert [run.run_id for run in work.runs.list()] == ["r1"]
    reader.close()


def test_reading_a_store_that_is_not_there_says_how_to_make_one(path: Path, url: str) -> None:
    with pytest.raises(StoreError, match="recsysops ingest"):
        open_store(url, read_only=True)

    assert not path.exists()


def test_reading_a_store_of_another_revision_says_how_to_bring_it_up_to_date(store: SqlStore, url: str) -> None:
    migrate(url, "base")

    with pytest.raises(StoreError, match=f"empty \\(expected {HEAD}\\)"):
        open_store(url, read_only=True)

    open_store(url).close()
    open_store(url, read_only=True).close()


def test_a_store_of_a_newer_version_is_refused_and_left_alone(store: SqlStore, path: Path, url: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(StoreError, match="newer"):
        open_store(url)
    with pytest.raises(StoreError, match="of revision 9999"):
        open_store(url, read_only=True)

    assert rows(path, "SELECT version_num FROM alembic_version") == [("9999",)]


@pytest.mark.parametrize("read_only", [True, False])
def test_a_file_that_is_no_store_is_refused(path: Path, url: str, read_only: bool) -> None:
    path.parent.mkdir()
    path.write_bytes(b"This is no database. " * 100)

    with pytest.raises(StoreError, match="not a database"):
        open_store(url, read_only=read_only)


@pytest.mark.parametrize("bad", ["nonsense", "sqlite://", "sqlite:///:memory:", "mysql://user:secret@host/name"])
def test_an_address_that_is_no_sqlite_file_is_refused_without_its_password(bad: str) -> None:
    with pytest.raises(StoreError, match=r"service\.store") as raised:
        open_store(bad)

    assert "secret" not in str(raised.value)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(StoreError, match=r"service\.data"):
        open_store(f"sqlite:///{tmp_path / 'file' / 'store.sqlite'}")


# --- migrations ------------------------------------------------------------------------------------------------------


def test_up_down_up_leaves_the_same_schema(store: SqlStore, path: Path, url: str) -> None:
    first = schema(path)

    migrate(url, "base")
    nothing = schema(path)
    migrate(url)

    assert len(first) > 40
    assert nothing == set()
    assert schema(path) == first


def test_migrating_a_store_that_is_up_to_date_changes_nothing(store: SqlStore, path: Path, url: str) -> None:
    before = schema(path)

    migrate(url)

    assert schema(path) == before


def test_the_newest_migration_is_the_one_the_store_expects(url: str, store: SqlStore) -> None:
    engine = writing_engine(store_url(url))
    with engine.connect() as connection:
        heads = ScriptDirectory.from_config(migrations(connection)).get_heads()
    engine.dispose()

    assert heads == [HEAD]


def test_models_and_migrations_agree(store: SqlStore, url: str) -> None:
    engine = writing_engine(store_url(url))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, Tables.metadata)
    engine.dispose()

    assert differences == []


def test_models_and_migrations_make_the_same_tables_word_by_word(store: SqlStore, path: Path, tmp_path: Path) -> None:
    # Autogenerate does not compare CHECK constraints, deferred references or conditions of indexes.
    engine = create_engine(f"sqlite:///{tmp_path / 'models.sqlite'}")
    Tables.metadata.create_all(engine)
    engine.dispose()

    def words(found: set[tuple[str, str, str]]) -> set[tuple[str, str, tuple[str, ...]]]:
        split = ((k, n, s.replace("(", " ( ").replace(")", " ) ").replace(",", " ").split()) for k, n, s in found)
        return {(kind, name, tuple(sorted(sql))) for kind, name, sql in split if kind != "trigger"}

    assert words(schema(path)) == words(schema(tmp_path / "models.sqlite"))


def test_a_migration_that_would_cut_rows_loose_is_undone(store: SqlStore, path: Path, url: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO run_step VALUES ('nobody', 0, 'step', 'x', 'ran', '', 0.0, 0)")

    with pytest.raises(StoreError, match="1 rows would lose"):
        migrate(url)


def test_a_database_that_holds_something_else_is_left_alone(path: Path, url: str) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE batch (theirs)")

    with pytest.raises(StoreError, match="table batch already exists"):
        open_store(url)

    assert schema(path) == {("table", "batch", "CREATE TABLE batch (theirs)")}


def test_opening_a_store_that_is_up_to_date_does_not_load_the_migrations(store: SqlStore, url: str) -> None:
    code = (
        "import sys\nfrom recsysops.store import open_store\nopen_store(sys.argv[1])\nprint('alembic' in sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", code, url], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"


def test_importing_the_store_does_not_load_the_database_library() -> None:
    code = "import sys\nimport recsysops.store, recsysops.store.lock\nprint('sqlalchemy' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"


# --- what the database itself refuses --------------------------------------------------------------------------------


def test_the_database_refuses_a_batch_that_does_not_add_up(store: SqlStore, path: Path) -> None:
    insert = "INSERT INTO batch VALUES (NULL, 'b{0}', 'titles', 'h{0}', '[]', 6, {1}, {2}, {3}, 0, '', '{{}}')"

    with closing(sqlite3.connect(path)) as connection:
        connection.execute(insert.format(1, 3, 2, 1))
        with pytest.raises(sqlite3.IntegrityError, match="ck_batch_adds_up"):
            connection.execute(insert.format(2, 3, 2, 2))
        with pytest.raises(sqlite3.IntegrityError, match="ck_batch_not_negative"):
            connection.execute(insert.format(3, 7, -1, 0))


@pytest.mark.parametrize("sql", ["UPDATE issue_event SET why = 'rewritten'", "DELETE FROM issue_event"])
def test_the_history_of_issues_cannot_be_rewritten(store: SqlStore, path: Path, sql: str) -> None:
    finding = Finding(
        finding_key="k", detector="d", rule="r", title_id="t", market="de", surface="home", severity=Severity.INFO,
        finding_class=FindingClass.SETUP, why="w", remedy="r", score=1.0, evidence={},
    )  # fmt: skip
    issue = Issue(issue_id="k-1", episode=1, finding=finding, opened_at=T0, updated_at=T0)
    event = IssueEvent(issue_id="k-1", at=T0, kind=IssueEventKind.OPENED, severity=Severity.INFO, why="w")
    with store.write() as work:
        work.issues.apply([IssueChange(issue, event)])
        work.commit()

    with closing(sqlite3.connect(path)) as connection, pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute(sql)


# --- death -----------------------------------------------------------------------------------------------------------

WRITER = """
import sys
import numpy as np, pandas as pd
from datetime import UTC, datetime
from recsysops import columns as c
from recsysops.domain.run import Run
from recsysops.store import open_store, sqlite
T0 = datetime(2026, 3, 2, tzinfo=UTC)
sqlite._CACHE = "cache_size=-2000"  # so that part of the transaction reaches the disk before it ends
store = open_store(sys.argv[1])
with store.write() as work:
    n = 60_000
    frame = pd.DataFrame({{name: pd.Series(["x" * 50] * n, dtype="str") for name in c.VERDICT}}).assign(margin=np.nan)
    work.results.save("verdicts", frame, "killed", T0)
    work.runs.save(Run(run_id="killed", verb="run", as_of=T0, started_at=T0))
    print("written", flush=True)
    sys.stdin.read()
    work.commit()
""".replace("{{", "{").replace("}}", "}")


def test_a_killed_writer_leaves_a_whole_store_and_nothing_of_its_own(store: SqlStore, path: Path, url: str) -> None:
    with store.write() as work:
        work.runs.save(a_run("before"))
        work.commit()
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "written\n"
        spilled = path.with_name("store.sqlite-wal").stat().st_size
        writer.send_signal(signal.SIGKILL)
        writer.wait(timeout=30)
    store.close()

    again = open_store(url)
    with again.write() as work:
        found = work.runs.list(), work.results.load("verdicts")
        work.runs.save(a_run("after"))
        work.commit()
    again.close()

    assert writer.returncode == -signal.SIGKILL
    assert spilled > 1_000_000  # part of the transaction had reached the disk
    assert [run.run_id for run in found[0]] == ["before"]
    assert len(found[1]) == 0
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]
    assert rows(path, "PRAGMA foreign_key_check") == []
    assert rows(path, "SELECT run_id FROM run ORDER BY 1") == [("after",), ("before",)]
