"""What errors of databases mean to a user."""

import sqlite3

import psycopg
import pytest
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from recsysops.errors import StoreError
from recsysops.store.refusals import refusal


def of(kind: type[psycopg.Error], said: str = "it said so.\nDETAIL: Key (title)=(secret) exists.") -> DBAPIError:
    return OperationalError("SELECT 1", {}, kind(said))


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (of(psycopg.errors.SerializationFailure), "gave way to another transaction: it said so. Nothing was stored"),
        (of(psycopg.errors.DeadlockDetected), "run it again"),
        (of(psycopg.errors.LockNotAvailable), "The store is busy: it said so for 10 s"),
        (of(psycopg.errors.DiskFull), "disk is full"),
        (of(psycopg.errors.AdminShutdown), "connection to the store was lost"),
        (of(psycopg.OperationalError, "connection refused"), "cannot be reached: connection refused"),
        (of(psycopg.OperationalError, 'FATAL: password authentication failed for user "ada"'), "lets nobody in"),
        (of(psycopg.OperationalError, 'FATAL: database "x" does not exist'), "no such store"),
        (of(psycopg.errors.UndefinedTable), r"cannot be used: it said so. Look at its server and its rights"),
        (PoolTimeoutError(), "no connection to it became free"),
        (InterfaceError("SELECT 1", {}, sqlite3.InterfaceError("odd")), "cannot be used: odd. Look at its file"),
        (StatementError("no", "SELECT 1", {}, UnicodeEncodeError("utf-8", "\ud800", 0, 1, "no")), "lone surrogate"),
        (UnicodeEncodeError("utf-8", "\ud800", 0, 1, "no"), "lone surrogate"),
        (StatementError("no", "SELECT 1", {}, StoreError("Ours.")), r"^Ours\.$"),
        (StatementError("no such column", "SELECT 1", {}, None), "cannot be used: "),
    ],
)
def test_each_error_says_what_to_do_and_quotes_no_row(error: Exception, meaning: str) -> None:
    meant = refusal(error)

    with pytest.raises(StoreError, match=meaning):
        raise meant
    assert "secret" not in str(meant)
    assert "\n" not in str(meant)
