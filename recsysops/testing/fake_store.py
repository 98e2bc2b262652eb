"""A store in memory with the behaviour of the real one: for tests of the service, and of other people's parts.

Passes the same contract as the SQL store (`tests/contract/test_store_contract.py`). Not for anything that must last.
"""

from types import TracebackType
from typing import Self

from recsysops.errors import StoreError
from recsysops.testing._fake_frames import FakeChanges, FakeResults, FakeTreatment, FakeVersions, FrameState
from recsysops.testing._fake_housekeeping import FakeHousekeeping
from recsysops.testing._fake_models import FakeModels
from recsysops.testing._fake_records import FakeBatches, FakeIssues, FakeRuns, RecordState
from recsysops.testing._fake_scores import FakeScores
from recsysops.testing._fake_shadow import FakeShadow


class FakeStore:
    """Keeps everything in memory; see `recsysops.service.ports.Store`."""

    def __init__(self) -> None:
        """Begin empty."""
        self.records = RecordState()
        self.frames = FrameState()

    def read(self) -> "FakeUnitOfWork":
        """Return a unit of work that sees the store as it is now and refuses to commit."""
        return FakeUnitOfWork(self, may_commit=False)

    def write(self) -> "FakeUnitOfWork":
        """Return a unit of work that may commit."""
        return FakeUnitOfWork(self, may_commit=True)


class FakeUnitOfWork:
    """Works on a copy, which takes the place of the original on `commit` and is forgotten otherwise."""

    batches: FakeBatches
    versions: FakeVersions
    changes: FakeChanges
    housekeeping: FakeHousekeeping
    treatment: FakeTreatment
    results: FakeResults
    issues: FakeIssues
    runs: FakeRuns
    models: FakeModels
    scores: FakeScores
    shadow: FakeShadow

    def __init__(self, store: FakeStore, *, may_commit: bool) -> None:
        """Prepare a unit of work on `store`."""
        self._store = store
        self._may_commit = may_commit

    def __enter__(self) -> Self:
        """Begin."""
        self._begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Forget what was not committed."""
        self._begin()

    def commit(self) -> None:
        """Make it permanent.

        Raises:
            StoreError: This unit of work only reads, or something refers to a batch that is not there.
        """
        if not self._may_commit:
            raise StoreError("Nothing can be stored here: this unit of work only reads. Use `store.write()`.")
        known = {receipt.batch_id for receipt in self._records.batches}
        if unknown := (self._records.batch_ids() | self._frames.batch_ids()) - known:
            raise StoreError(f"The store refused a change: there is no batch {sorted(unknown)[0]}. Add the batch, too.")
        self._store.records, self._store.frames = self._records, self._frames
        self._begin()

    def _begin(self) -> None:
        self._records, self._frames = self._store.records.copied(), self._store.frames.copied()
        self.batches = FakeBatches(self._records)
        self.issues = FakeIssues(self._records)
        self.runs = FakeRuns(self._records)
        self.models = FakeModels(self._records)
        self.versions = FakeVersions(self._frames)
        self.changes = FakeChanges(self._frames)
        self.housekeeping = FakeHousekeeping(self._records, self._frames)
        self.treatment = FakeTreatment(self._frames)
        self.results = FakeResults(self._frames)
        self.scores = FakeScores(self._frames)
        self.shadow = FakeShadow(self._frames)
