"""The border where database errors end: what each means to a user, and what to do. Names no value that was stored."""

import re
from typing import Final

from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from recsysops.errors import StoreError
from recsysops.store.engine import BUSY_SECONDS
from recsysops.store.frames import unstorable

DatabaseErrors: Final = (StatementError, PoolTimeoutError, UnicodeEncodeError)
"""What a database, its driver or the object mapper raises while a store is used."""

_GAVE_WAY: Final = {"40001", "40P01"}
_BUSY: Final = {"55P03"}
_FULL: Final = {"53100"}
_GONE: Final = {"57P01", "57P02", "57P03"}

# A connection that is refused has no code, only words.
_NOT_LET_IN: Final = re.compile(
    "authentication failed|role .* does not exist|no pg_hba.conf entry|no password supplied"
)
_ABSENT: Final = re.compile("database .* does not exist")


def refusal(error: Exception) -> StoreError:
    """Return what one of `DatabaseErrors` means to a user."""
    if isinstance(error, UnicodeEncodeError):
        return unstorable(str(error.object))
    if isinstance(error, PoolTimeoutError):
        return StoreError("The store is busy: no connection to it became free. Try again, or ask for less at once.")
    original = error.orig if isinstance(error, StatementError) else None
    if isinstance(original, StoreError):
        return original  # one of our column types refused a value
    if isinstance(original, UnicodeEncodeError):
        return refusal(original)
    state, found = _said(original or error)
    if isinstance(error, IntegrityError):
        return StoreError(
            f"The store refused a change: {found} (what is stored must stay consistent). Nothing was stored; report it."
        )
    if "locked" in found or "busy" in found or state in _BUSY:
        return StoreError(
            f"The store is busy: {found} for {BUSY_SECONDS} s (one process writes at a time). "
            "Try again when the other is done."
        )
    if isinstance(error, DBAPIError) and state is not None:
        return _postgres_refusal(error, state, found)
    return StoreError(
        f"The store cannot be used: {found}. Look at its file, its disk and its rights with `recsysops doctor`."
    )


def _postgres_refusal(error: DBAPIError, state: str, found: str) -> StoreError:
    if state in _GAVE_WAY:
        return StoreError(f"The store gave way to another transaction: {found}. Nothing was stored; run it again.")
    if state in _FULL:
        return StoreError(f"The store's disk is full: {found}. Nothing was stored; free space and run it again.")
    if _NOT_LET_IN.search(found):
        return StoreError(f"The store lets nobody in: {found}. Correct user and password in service.store.")
    if _ABSENT.search(found):
        return StoreError(f"There is no such store: {found}. Create the database, or correct service.store.")
    if state in _GONE or error.connection_invalidated:
        return StoreError(
            f"The connection to the store was lost: {found}. Only what was committed is stored; run it again: safe."
        )
    if not state:
        return StoreError(
            f"The store cannot be reached: {found}. See whether its server runs and whether service.store names it, "
            "then run it again."
        )
    return StoreError(f"The store cannot be used: {found}. Look at its server and its rights with `recsysops doctor`.")


def _said(error: BaseException) -> tuple[str | None, str]:
    """Return the SQLSTATE (None: not PostgreSQL; empty: it has none) and the first line of what was said."""
    # The first line alone: what follows quotes rows and statements.
    first = next(iter(str(error).strip().splitlines()), type(error).__name__)
    diagnosis = getattr(error, "diag", None)
    if diagnosis is None:
        return None, first.rstrip(".")
    return getattr(error, "sqlstate", None) or "", (diagnosis.message_primary or first).rstrip(".")
