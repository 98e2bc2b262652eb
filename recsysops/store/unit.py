"""The store and its unit of work: one transaction, its repositories, and the border where database errors end."""

from types import TracebackType
from typing import Self

from sqlalchemy import URL, Engine
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError
from sqlalchemy.orm import Session

from recsysops.errors import StoreError
from recsysops.store.batches import SqlBatches
from recsysops.store.engine import BUSY_SECONDS, reading_engine, writing_engine
from recsysops.store.issues import SqlIssues
from recsysops.store.results import SqlResults
from recsysops.store.runs import SqlModels, SqlRuns
from recsysops.store.treatment import SqlTreatment
from recsysops.store.versions import SqlVersions


def refusal(error: StatementError) -> StoreError:
    """Return what a database error means to a user; it names no value that was being stored."""
    if isinstance(error.orig, StoreError):
        return error.orig  # one of our column types refused a value
    found = str(error.orig).strip().rstrip(".")
    if isinstance(error, IntegrityError):
        return StoreError(
            f"The store refused a change: {found} (what is stored must stay consistent). Nothing was stored; report it."
        )
    if "locked" in found or "busy" in found:
        return StoreError(
            f"The store is busy: {found} for {BUSY_SECONDS} s (one process writes at a time). "
            "Try again when the other is done."
        )
    return StoreError(
        f"The store cannot be used: {found}. Look at its file, its disk and its rights with `recsysops doctor`."
    )


class SqlUnitOfWork:
    """One transaction: rolls back on leaving unless `commit` was called."""

    batches: SqlBatches
    versions: SqlVersions
    treatment: SqlTreatment
    results: SqlResults
    issues: SqlIssues
    runs: SqlRuns
    models: SqlModels

    def __init__(self, engine: Engine, *, may_commit: bool) -> None:
        """Prepare a unit of work on `engine`."""
        self._engine = engine
        self._may_commit = may_commit

    def __enter__(self) -> Self:
        """Begin."""
        session = Session(self._engine, expire_on_commit=False)
        try:
            session.connection()  # begins now: a writer waits here, not in the middle of its work
        except DBAPIError as error:
            session.close()
            raise refusal(error) from error
        self._session: Session = session
        self.batches = SqlBatches(session)
        self.versions = SqlVersions(session)
        self.treatment = SqlTreatment(session)
        self.results = SqlResults(session)
        self.issues = SqlIssues(session)
        self.runs = SqlRuns(session)
        self.models = SqlModels(session)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Roll back what was not committed."""
        self._session.close()
        if isinstance(error, StatementError):
            raise refusal(error) from error

    def commit(self) -> None:
        """Make it permanent; a new transaction begins with the next use.

        Raises:
            StoreError: This unit of work only reads, or the database refuses.
        """
        if not self._may_commit:
            raise StoreError("Nothing can be stored here: this unit of work only reads. Use `store.write()`.")
        try:
            self._session.commit()
        except StatementError as error:
            raise refusal(error) from error


class SqlStore:
    """A store in a SQL database."""

    def __init__(self, url: URL, *, read_only: bool = False) -> None:
        """Keep engines for the database at `url`; nothing is opened yet."""
        self._reading = reading_engine(url)
        self._writing = None if read_only else writing_engine(url)

    def read(self) -> SqlUnitOfWork:
        """Return a unit of work for reading; it never blocks writers and refuses to commit."""
        return SqlUnitOfWork(self._reading, may_commit=False)

    def write(self) -> SqlUnitOfWork:
        """Return a unit of work that may commit.

        Raises:
            StoreError: The store was opened for reading only.
        """
        if self._writing is None:
            raise StoreError("Nothing can be stored: the store was opened for reading only. Use a writing command.")
        return SqlUnitOfWork(self._writing, may_commit=True)

    def close(self) -> None:
        """Close every idle connection; the store stays usable."""
        self._reading.dispose()
        if self._writing is not None:
            self._writing.dispose()
