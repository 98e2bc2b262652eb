"""The fake store's records: batches, issues, runs, models. Frozen values in plain containers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

from recsysops.domain.batch import BatchReceipt, LogFile, QuarantinedRow
from recsysops.domain.issue import Issue, IssueChange, IssueEvent
from recsysops.domain.model import ModelCard
from recsysops.domain.run import Run
from recsysops.errors import StoreError
from recsysops.store.frames import from_json, to_json

_NEVER: Final = datetime.max.replace(tzinfo=UTC)


@dataclass
class RecordState:
    """All records; the values are frozen, so that copies of the containers are copies."""

    batches: list[BatchReceipt] = field(default_factory=list)
    quarantined: list[tuple[str, QuarantinedRow]] = field(default_factory=list)
    current_files: list[LogFile] = field(default_factory=list)
    superseded_files: list[LogFile] = field(default_factory=list)
    issues: dict[str, Issue] = field(default_factory=dict)
    events: list[IssueEvent] = field(default_factory=list)
    runs: dict[str, Run] = field(default_factory=dict)
    models: dict[str, ModelCard] = field(default_factory=dict)
    active: dict[tuple[str, int], str] = field(default_factory=dict)

    def copied(self) -> "RecordState":
        """Return a copy that can be changed apart from this one."""
        return RecordState(
            batches=list(self.batches),
            quarantined=list(self.quarantined),
            current_files=list(self.current_files),
            superseded_files=list(self.superseded_files),
            issues=dict(self.issues),
            events=list(self.events),
            runs=dict(self.runs),
            models=dict(self.models),
            active=dict(self.active),
        )

    def batch_ids(self) -> set[str]:
        """Return the batches that records refer to."""
        files = [*self.current_files, *self.superseded_files]
        return {batch_id for batch_id, _ in self.quarantined} | {file.batch_id for file in files}


class FakeBatches:
    """See `BatchRepository`."""

    def __init__(self, state: RecordState) -> None:
        """Work on `state`."""
        self._state = state

    def find(self, table: str, content_hash: str) -> BatchReceipt | None:
        """Return the batch already loaded with this content, if any."""
        same = (b for b in self._state.batches if (b.table, b.content_hash) == (table, content_hash))
        return next(same, None)

    def add(self, receipt: BatchReceipt, quarantined: Sequence[QuarantinedRow]) -> None:
        """Record a batch and its quarantined rows."""
        taken = any(known.batch_id == receipt.batch_id for known in self._state.batches)
        if taken or self.find(receipt.table, receipt.content_hash) is not None:
            raise StoreError(f"The store refused a change: batch {receipt.batch_id} is there already. Find it first.")
        self._state.batches.append(receipt)
        self._state.quarantined += [(receipt.batch_id, row) for row in quarantined]

    def all(self) -> tuple[BatchReceipt, ...]:
        """Return every batch, newest first."""
        arrived = sorted(enumerate(self._state.batches), key=lambda entry: (entry[1].loaded_at, entry[0]))
        return tuple(batch for _, batch in reversed(arrived))

    def quarantine(
        self, batch_id: str | None = None, *, limit: int = 1000, offset: int = 0
    ) -> tuple[tuple[str, QuarantinedRow], ...]:
        """Return (batch id, row), by batch (newest first) and row."""
        place = {batch.batch_id: at for at, batch in enumerate(self.all())}
        wanted = [entry for entry in self._state.quarantined if batch_id in {None, entry[0]}]
        wanted.sort(key=lambda entry: (place[entry[0]], entry[1].row))
        return tuple(wanted[offset : offset + limit])

    def register(self, file: LogFile) -> None:
        """Register a log file; it supersedes files of its table with the same declared day, or the same path."""
        for other in list(self._state.current_files):
            same_day = file.declared_day is not None and other.declared_day == file.declared_day
            if other.table == file.table and (same_day or other.path == file.path):
                self._state.current_files.remove(other)
                self._state.superseded_files.append(other)
        self._state.current_files.append(replace(file, mapping=from_json(to_json(file.mapping))))

    def log_files(self, table: str) -> tuple[LogFile, ...]:
        """Return the files of a table that count, by first row's time; files without a row last."""
        files = [file for file in self._state.current_files if file.table == table]
        return tuple(sorted(files, key=lambda file: (file.first_at or _NEVER, file.path)))


class FakeIssues:
    """See `IssueRepository`."""

    def __init__(self, state: RecordState) -> None:
        """Work on `state`."""
        self._state = state

    def latest(self) -> Mapping[str, Issue]:
        """Return the latest episode of each finding key."""
        ordered = sorted(self._state.issues.values(), key=lambda issue: issue.episode)
        return {issue.finding.finding_key: issue for issue in ordered}

    def apply(self, changes: Sequence[IssueChange]) -> None:
        """Store the changed issues and append their events."""
        for change in changes:
            issue = change.issue
            episode = (issue.finding.finding_key, issue.episode)
            for other in self._state.issues.values():
                if (other.finding.finding_key, other.episode) == episode and other.issue_id != issue.issue_id:
                    raise StoreError(f"The store refused a change: episode {episode} is there already. Use its id.")
            if change.event.issue_id not in {*self._state.issues, issue.issue_id}:
                raise StoreError(
                    f"The store refused a change: there is no issue {change.event.issue_id}. Open it first."
                )
            finding = replace(issue.finding, evidence=from_json(to_json(issue.finding.evidence)))
            self._state.issues[issue.issue_id] = replace(issue, finding=finding)
            self._state.events.append(change.event)

    def list(self, *, is_open: bool | None = None, title_id: str | None = None) -> tuple[Issue, ...]:
        """Return issues, worst severity first, then by latest safe fix time (none last), then id."""
        wanted = [
            issue
            for issue in self._state.issues.values()
            if is_open in {None, issue.is_open} and title_id in {None, issue.finding.title_id}
        ]
        return tuple(sorted(wanted, key=_urgency))

    def events(self, issue_id: str | None = None, *, at: datetime | None = None) -> tuple[IssueEvent, ...]:
        """Return events in the order they were appended; only those of an issue, or of the run at `at`."""
        return tuple(e for e in self._state.events if issue_id in {None, e.issue_id} and at in {None, e.at})


def _urgency(issue: Issue) -> tuple[int, datetime, str]:
    return (issue.finding.severity.rank, issue.finding.latest_safe_fix_at or _NEVER, issue.issue_id)


class FakeRuns:
    """See `RunRepository`."""

    def __init__(self, state: RecordState) -> None:
        """Work on `state`."""
        self._state = state

    def save(self, run: Run) -> None:
        """Insert or update a run and its steps."""
        self._state.runs[run.run_id] = run

    def list(self, *, limit: int = 50) -> tuple[Run, ...]:
        """Return runs, the latest started first."""
        ordered = sorted(self._state.runs.values(), key=lambda run: (run.started_at, run.run_id), reverse=True)
        return tuple(ordered[:limit])

    def last_followed(self) -> Run | None:
        """Return the followed run with the greatest as_of, of these the latest started."""
        followed = [run for run in self._state.runs.values() if run.is_followed]
        return max(followed, key=lambda run: (run.as_of, run.started_at), default=None)


class FakeModels:
    """See `ModelRepository`."""

    def __init__(self, state: RecordState) -> None:
        """Work on `state`."""
        self._state = state

    def activate(self, card: ModelCard) -> None:
        """Add the card, if new, and make it the active one of its measure and horizon."""
        known = self._state.models.setdefault(card.model_id, card)
        if (known.measure, known.horizon) != (card.measure, card.horizon):
            raise StoreError(f"The store refused a change: model {card.model_id} is of another measure or horizon.")
        self._state.active[card.measure, card.horizon] = card.model_id

    def active(self) -> tuple[ModelCard, ...]:
        """Return the active cards by measure and horizon."""
        return tuple(self._state.models[model_id] for _, model_id in sorted(self._state.active.items()))
