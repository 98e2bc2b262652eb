"""What only a store in PostgreSQL does: its address, its server's settings, its locks, its failures."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.exc import IntegrityError

from recsysops.domain.drift import Decision, HeldBatch, HeldState, Profile
from recsysops.domain.issue import Finding, Issue, IssueChange, IssueEvent, IssueEventKind
from recsysops.domain.run import Run
from recsysops.domain.severity import FindingClass, Severity
from recsysops.errors import StoreError, StoreLockedError
from recsysops.settings import Settings
from recsysops.store import open_store
from recsysops.store.engine import reading_engine, store_url, writing_engine
from recsysops.store.lock import writer_lock
from recsysops.store.opening import HEAD
from recsysops.store.tables import Tables
from recsysops.store.unit import SqlStore
from recsysops.testing.postgres import UNSAFE, PostgresServer, database_name, postgres_server

T0 = datetime(2026, 3, 2, tzinfo=UTC)
NOWHERE = "postgresql://ada:geheim@127.0.0.1:1/nothing"


def a_run(run_id: str) -> Run:
    return Run(run_id=run_id, verb="run", as_of=T0, started_at=T0)


@pytest.fixture
def store(postgres_store_url: str) -> Iterator[SqlStore]:
    store = open_store(postgres_store_url)
    yield store
    store.close()


# --- its address -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+psycopg"])
def test_both_ways_to_write_the_address_mean_the_same_driver(scheme: str) -> None:
    assert store_url(f"{scheme}://ada@host/db").drivername == "postgresql+psycopg"


def test_another_driver_is_refused_without_showing_the_password() -> None:
    with pytest.raises(StoreError, match=r"service\.store") as raised:
        open_store("postgresql+asyncpg://ada:geheim@host/db?password=geheim")

    assert "geheim" not in str(raised.value)


def test_a_variable_of_the_environment_stands_in_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORE_PASSWORD", "p@ss/word")

    url = store_url("postgresql://ada:${STORE_PASSWORD}@host/db")

    assert url.password == "p@ss/word"
    assert url.host == "host"


@pytest.mark.parametrize("address", ["${WHOLE}", "postgresql://ada@host:${PORT}/db"])
def test_a_variable_may_be_the_whole_address_or_its_port(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("WHOLE", "postgresql://ada@host:7777/db")
    monkeypatch.setenv("PORT", "7777")

    assert store_url(address).port == 7777


def test_a_variable_that_is_not_set_is_named() -> None:
    with pytest.raises(StoreError, match='"NOT_SET_ANYWHERE"'):
        open_store("postgresql://ada:${NOT_SET_ANYWHERE}@host/db")


def test_the_password_is_shown_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    settings = Settings.model_validate({"service": {"store": NOWHERE}})

    with pytest.raises(StoreError, match=r"cannot be reached: .*service\.store") as raised:
        open_store(settings.store_url, read_only=True)

    shown = [
        str(raised.value),
        repr(raised.value),
        repr(store_url(NOWHERE)),
        repr(settings),
        str(settings),
        caplog.text,
    ]
    assert "geheim" not in "".join(shown)


def test_without_the_driver_the_extra_to_install_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recsysops.store.postgresql.find_spec", lambda _name: None)

    with pytest.raises(StoreError, match=r'pip install "recsysops\[postgresql\]"'):
        open_store(NOWHERE)


def test_a_database_that_does_not_exist_is_to_be_created(postgres: PostgresServer) -> None:
    with pytest.raises(StoreError, match=r"no such store: .*Create the database"):
        open_store(postgres.url("absent"))


def test_a_user_who_is_not_let_in_is_told_so(postgres: PostgresServer) -> None:
    with pytest.raises(StoreError, match=r"lets nobody in: .*service\.store"):
        open_store(postgres.url().replace("postgres@", "nobody:geheim@"))


# --- its schema ------------------------------------------------------------------------------------------------------


def test_an_empty_database_is_not_read_before_it_was_written(postgres_url: str) -> None:
    with pytest.raises(StoreError, match=f"is empty \\(expected {HEAD}\\)") as raised:
        open_store(postgres_url, read_only=True)

    assert UNSAFE not in str(raised.value)


def test_models_and_migrations_agree(postgres_store_url: str) -> None:
    engine = reading_engine(store_url(postgres_store_url))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, Tables.metadata)
    engine.dispose()

    assert differences == []


def test_all_text_is_sorted_by_code_point(postgres: PostgresServer, postgres_store_url: str) -> None:
    found = postgres.execute(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema() "
        "AND data_type = 'text' AND collation_name IS DISTINCT FROM 'C'",
        database_name(postgres_store_url),
    )

    assert found == []


@pytest.mark.parametrize("verb", ["UPDATE {0} SET at = 0", "DELETE FROM {0}", "TRUNCATE {0}"])
@pytest.mark.parametrize("table", ["issue_event", "held_decision"])
def test_history_cannot_be_rewritten(store: SqlStore, table: str, verb: str) -> None:
    with store.write() as work:
        work.issues.apply([opened()])
        work.batches.hold(held())
        work.batches.decide("b1", Decision(state=HeldState.RELEASED, by="ada", reason="fine", at=T0))
        work.commit()

    engine = writing_engine(store.url)
    with pytest.raises(IntegrityError, match="append-only"), engine.connect() as connection:
        connection.exec_driver_sql(verb.format(table))
    engine.dispose()


def opened() -> IssueChange:
    finding = Finding(
        finding_key="k", detector="d", rule="r", title_id="t", market="de", surface="home", severity=Severity.INFO,
        finding_class=FindingClass.SETUP, why="w", remedy="r", score=1.0, evidence={},
    )  # fmt: skip
    issue = Issue(issue_id="k-1", episode=1, finding=finding, opened_at=T0, updated_at=T0)
    return IssueChange(
        issue, IssueEvent(issue_id="k-1", at=T0, kind=IssueEventKind.OPENED, severity=Severity.INFO, why="w")
    )


def held() -> HeldBatch:
    return HeldBatch(
        batch_id="b1", table="titles", content_hash="h", files=("a.csv",), rows_in=1, accepted=1, quarantined=0,
        held_at=T0, drifts=(), profile=Profile(rows=1, quarantined=0, columns={}),
    )  # fmt: skip


# --- its transactions ------------------------------------------------------------------------------------------------


def test_a_reader_sees_one_moment_and_cannot_write(store: SqlStore) -> None:
    with store.read() as reader:
        before = reader.runs.list()
        with store.write() as work:
            work.runs.save(a_run("r1"))
            work.commit()
        after = reader.runs.list()

    assert before == after == ()
    with pytest.raises(StoreError, match="read-only transaction"), store.read() as reader:
        reader.runs.save(a_run("r2"))


def test_a_second_writer_waits_and_then_says_that_the_store_is_busy(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recsysops.store.engine.BUSY_SECONDS", 0.05)
    impatient = SqlStore(store.url)

    with store.write(), pytest.raises(StoreError, match="busy"), impatient.write():
        pass

    with impatient.write() as work:
        work.runs.save(a_run("r1"))
    impatient.close()


def test_a_refused_row_is_not_quoted(store: SqlStore) -> None:
    with store.write() as work:
        work.issues.apply([opened()])
        work.commit()
    again = opened()
    secret = Issue(**(vars(again.issue) | {"issue_id": "unreleased title"}))

    with pytest.raises(StoreError, match="refused a change: duplicate key") as raised, store.write() as work:
        work.issues.apply([IssueChange(secret, again.event)])

    assert "unreleased" not in str(raised.value)
    assert "(k" not in str(raised.value)


def test_a_connection_that_is_lost_within_a_transaction_says_so_and_is_made_anew(
    postgres: PostgresServer, store: SqlStore
) -> None:
    def lose_connections() -> None:
        postgres.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'recsysops'")

    with pytest.raises(StoreError, match=r"run it again"), store.write() as work:  # noqa: PT012 - may come on leaving
        work.runs.save(a_run("r1"))
        lose_connections()
        work.commit()
    lose_connections()

    with store.write() as work:
        work.runs.save(a_run("r2"))
        work.commit()
    with store.read() as work:
        assert [run.run_id for run in work.runs.list()] == ["r2"]


# --- its server ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def own_server(postgres: PostgresServer) -> Iterator[PostgresServer]:
    with postgres_server(fsync="on", full_page_writes="on", synchronous_commit="on") as server:
        yield server


def test_a_server_that_may_lose_commits_is_refused_for_writing(postgres: PostgresServer, postgres_url: str) -> None:
    unsafe = postgres.url(database_name(postgres_url), accept_unsafe=False)

    with pytest.raises(StoreError, match=r"fsync=off, full_page_writes=off, synchronous_commit=off.*unsafe_durability"):
        open_store(unsafe)
    with pytest.raises(StoreError, match="is empty"):  # what only reads can lose nothing
        open_store(unsafe, read_only=True)


def test_a_server_with_the_usual_settings_is_used_and_survives_being_started_anew(own_server: PostgresServer) -> None:
    url = own_server.url(accept_unsafe=False)
    store = open_store(url)
    with store.write() as work:
        work.runs.save(a_run("before"))
        work.commit()

    own_server.stop(signal.SIGQUIT)
    with pytest.raises(StoreError, match=r"run it again"), store.read():
        pass
    own_server.start(fsync="on", full_page_writes="on", synchronous_commit="on")

    with store.read() as work:
        assert [run.run_id for run in work.runs.list()] == ["before"]
    with store.write() as work:
        work.runs.save(a_run("after"))
        work.commit()
    store.close()


# --- its writer's lock -----------------------------------------------------------------------------------------------

HOLDER = """
import sys
from pathlib import Path
from recsysops.store.lock import writer_lock
with writer_lock(Path(sys.argv[1]), wait_seconds=0, verb="train", store_url=sys.argv[2]):
    print("held", flush=True)
    sys.stdin.read()
"""


def start_holder(folder: str, url: str) -> "subprocess.Popen[str]":
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, folder, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    return holder


def test_a_writer_with_another_data_folder_is_told_who_holds_the_store(tmp_path_factory, postgres_url: str) -> None:
    there, here = str(tmp_path_factory.mktemp("there")), tmp_path_factory.mktemp("here")
    told: list[str] = []

    with start_holder(there, postgres_url) as holder:
        with (
            pytest.raises(StoreLockedError, match=f"`recsysops train` .process {holder.pid} on .*since 20"),
            writer_lock(
                here,
                wait_seconds=0.3,
                verb="ingest",
                store_url=postgres_url,
                progress=lambda *said: told.append(said[0]),
            ),
        ):
            pass
        holder.send_signal(signal.SIGKILL)
        holder.wait(timeout=30)

    start = time.monotonic()
    with writer_lock(here, wait_seconds=20, verb="ingest", store_url=postgres_url):
        waited = time.monotonic() - start
    assert waited < 10
    assert told
    assert "recsysops train" in told[0]


def test_the_lock_of_one_database_is_not_that_of_another(
    tmp_path_factory, postgres: PostgresServer, postgres_url
) -> None:
    here, there = tmp_path_factory.mktemp("here"), tmp_path_factory.mktemp("there")

    with (
        writer_lock(here, wait_seconds=0, verb="ingest", store_url=postgres_url),
        writer_lock(there, wait_seconds=0, verb="ingest", store_url=postgres.url()),
    ):
        assert list(here.iterdir())


def test_a_holder_nobody_knows_is_another_process(tmp_path, postgres_url: str) -> None:
    from recsysops.store.locking import lock_at_store

    lock = lock_at_store(postgres_url, tmp_path, "train")
    with lock as waited_for:
        holder = waited_for.holder()

    assert holder == "another process"


def test_a_lock_at_a_server_that_cannot_be_reached_says_so(tmp_path) -> None:
    with (
        pytest.raises(StoreError, match="cannot be reached"),
        writer_lock(tmp_path, wait_seconds=0, verb="ingest", store_url=NOWHERE),
    ):
        pass
