"""The store and its unit of work: one transaction and its repositories."""

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from types import TracebackType
from typing import Self

from sqlalchemy import URL, Engine
from sqlalchemy.orm import Session

from recsysops.errors import StoreError
from recsysops.store.batches import SqlBatches
from recsysops.store.changes import SqlChanges
from recsysops.store.engine import reading_engine, write_guard_of, writing_engine
from recsysops.store.housekeeping import SqlHousekeeping
from recsysops.store.issues import SqlIssues
from recsysops.store.models import SqlModels
from recsysops.store.refusals import DatabaseErrors, refusal
from recsysops.store.results import SqlResults
from recsysops.store.runs import SqlRuns
from recsysops.store.scores import SqlScores
from recsysops.store.shadow import SqlShadow
from recsysops.store.treatment import SqlTreatment
from recsysops.store.versions import SqlVersions


class SqlUnitOfWork:
    """One transaction: rolls back on leaving unless `commit` was called."""

    batches: SqlBatches
    versions: SqlVersions
    changes: SqlChanges
    housekeeping: SqlHousekeeping
    treatment: SqlTreatment
    results: SqlResults
    issues: SqlIssues
    runs: SqlRuns
    models: SqlModels
    scores: SqlScores
    shadow: SqlShadow

    def __init__(self, engine: Engine, *, guard: Callable[[], AbstractContextManager[None]] | None) -> None:
        """Prepare a unit of work on `engine`: one that may commit has a guard, which it holds until it is left."""
        self._engine = engine
        self._guard = guard
        self._held = ExitStack()

    def __enter__(self) -> Self:
        """Begin."""
        with ExitStack() as held:
            if self._guard is not None:
                held.enter_context(self._guard())
            session = held.enter_context(Session(self._engine, expire_on_commit=False))
            try:
                session.connection()  # begins now: a writer waits here, not in the middle of its work
            except DatabaseErrors as error:
                raise refusal(error) from error
            self._held = held.pop_all()
        self._session: Session = session
        self.batches = SqlBatches(session)
        self.versions = SqlVersions(session)
        self.changes = SqlChanges(session)
        self.housekeeping = SqlHousekeeping(session)
        self.treatment = SqlTreatment(session)
        self.results = SqlResults(session)
        self.issues = SqlIssues(session)
        self.runs = SqlRuns(session)
        self.models = SqlModels(session)
        self.scores = SqlScores(session)
        self.shadow = SqlShadow(session)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Roll back what was not committed."""
        try:
            self._held.close()
        except DatabaseErrors as lost:
            if error is None:  # rolling back what is lost already is no second misfortune
                raise refusal(lost) from lost
        if isinstance(error, DatabaseErrors):
            raise refusal(error) from error

    def commit(self) -> None:
        """Make it permanent; a new transaction begins with the next use.

        Raises:
            StoreError: This unit of work only reads, or the database refuses.
        """
        if self._guard is None:
            raise StoreError("Nothing can be stored here: this unit of work only reads. Use `store.write()`.")
        try:
            self._session.commit()
        except DatabaseErrors as error:
            raise refusal(error) from error


class SqlStore:
    """A store in a SQL database."""

    def __init__(self, url: URL, *, read_only: bool = False) -> None:
        """Keep engines for the database at `url`; nothing is opened yet."""
        self.url = url
        self.reading = reading_engine(url)
        self._writing = None if read_only else writing_engine(url)

    def read(self) -> SqlUnitOfWork:
        """Return a unit of work for reading; it never blocks writers and refuses to commit."""
        return SqlUnitOfWork(self.reading, guard=None)

    def write(self) -> SqlUnitOfWork:
        """Return a unit of work that may commit.

        Raises:
            StoreError: The store was opened for reading only.
        """
        if self._writing is None:
            raise StoreError("Nothing can be stored: the store was opened for reading only. Use a writing command.")
        return SqlUnitOfWork(self._writing, guard=write_guard_of(self.url))

    def close(self) -> None:
        """Close every idle connection; the store stays usable."""
        self.reading.dispose()
        if self._writing is not None:
            self._writing.dispose()
