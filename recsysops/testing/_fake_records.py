"""The fake store's records: batches, issues, runs, models. Frozen values in plain containers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, is_dataclass, replace
from datetime import UTC, datetime
from typing import Final

from recsysops.domain.batch import BatchReceipt, LogFile, QuarantinedRow
from recsysops.domain.drift import Decision, HeldBatch, HeldState, Profile, SeenFile
from recsysops.domain.issue import Issue, IssueChange, IssueEvent
from recsysops.domain.model import ModelCard
from recsysops.domain.registry import ModelMove
from recsysops.domain.run import Run
from recsysops.errors import NotFoundError, StoreError, UsageError
from recsysops.store.frames import from_json, is_storable, to_json, unstorable

_NEVER: Final = datetime.max.replace(tzinfo=UTC)


@dataclass
class RecordState:
    """All records; the values are frozen, so that copies of the containers are copies."""

    batches: list[BatchReceipt] = field(default_factory=list)
    quarantined: list[tuple[str, QuarantinedRow]] = field(default_factory=list)
    profiles: dict[str, Profile] = field(default_factory=dict)
    held: dict[str, HeldBatch] = field(default_factory=dict)
    seen: dict[tuple[str, str], SeenFile] = field(default_factory=dict)
    current_files: list[LogFile] = field(default_factory=list)
    superseded_files: list[LogFile] = field(default_factory=list)
    issues: dict[str, Issue] = field(default_factory=dict)
    events: list[IssueEvent] = field(default_factory=list)
    runs: dict[str, Run] = field(default_factory=dict)
    models: dict[str, ModelCard] = field(default_factory=dict)
    active: dict[tuple[str, int], str] = field(default_factory=dict)
    challengers: dict[tuple[str, int], tuple[str, datetime]] = field(default_factory=dict)
    moves: list[ModelMove] = field(default_factory=list)

    def copied(self) -> "RecordState":
        """Return a copy that can be changed apart from this one."""
        return RecordState(
            batches=list(self.batches),
            quarantined=list(self.quarantined),
            profiles=dict(self.profiles),
            held=dict(self.held),
            seen=dict(self.seen),
            current_files=list(self.current_files),
            superseded_files=list(self.superseded_files),
            issues=dict(self.issues),
            events=list(self.events),
            runs=dict(self.runs),
            models=dict(self.models),
            active=dict(self.active),
            challengers=dict(self.challengers),
            moves=list(self.moves),
        )

    def batch_ids(self) -> set[str]:
        """Return the batches that records refer to."""
        files = [*self.current_files, *self.superseded_files]
        return {batch_id for batch_id, _ in self.quarantined} | {file.batch_id for file in files}


def check_storable(value: object) -> None:
    """Refuse what a database would refuse: text with a NUL character or half of a character, anywhere in a record."""
    if isinstance(value, str):
        if not is_storable(value):
            raise unstorable(value)
    elif isinstance(value, Mapping):
        check_storable([*map(str, value), *value.values()])
    elif isinstance(value, (list, tuple)):
        for each in value:
            check_storable(each)
    elif is_dataclass(value):
        check_storable(list(vars(value).values()))


class FakeBatches:
    """See `BatchRepository`."""

    def __init__(self, state: RecordState) -> None:
        """Work on `state`."""
        self._state = state

    def find(self, table: str, content_hash: str) -> BatchReceipt | None:
        """Return the batch already loaded with this content, if any."""
        same = (b for b in self._state.batches if (b.table, b.content_hash) == (table, content_hash))
        return next(same, None)

    def add(self, receipt: BatchReceipt, quarantined: Sequence[QuarantinedRow], profile: Profile | None = None) -> None:
        """Record a batch, its quarantined rows and what it looked like."""
        check_storable((receipt, *quarantined))
        taken = any(known.batch_id == receipt.batch_id for known in self._state.batches)
        if taken or self.find(receipt.table, receipt.content_hash) is not None:
            raise StoreError(f"The store refused a change: batch {receipt.batch_id} is there already. Find it first.")
        self._state.batches.append(receipt)
        self._state.quarantined += [(receipt.batch_id, row) for row in quarantined]
        if profile is not None:
            self._state.profiles[receipt.batch_id] = profile

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

    def count_quarantine(self, batch_id: str | None = None) -> int:
        """Return how many rows `quarantine` can list."""
        return sum(batch_id in {None, of} for of, _ in self._state.quarantined)

    def profiles(self, table: str, *, limit: int = 10) -> tuple[Profile, ...]:
        """Return what the batches of a table that were published last looked like, newest first."""
        known = self._state.profiles
        found = [known[batch.batch_id] for batch in self.all() if batch.table == table and batch.batch_id in known]
        return tuple(found[:limit])

    def hold(self, held: HeldBatch) -> None:
        """Record a batch that is not published; one with the same id takes its decisions over and is replaced."""
        check_storable(held)
        before = self._state.held.get(held.batch_id)
        self._state.held[held.batch_id] = held if before is None else replace(held, decisions=before.decisions)

    def held(self, *, table: str | None = None, state: HeldState | None = None) -> tuple[HeldBatch, ...]:
        """Return held batches, newest first; of this table and in this state, where given."""
        arrived = sorted(enumerate(self._state.held.values()), key=lambda entry: (entry[1].held_at, entry[0]))
        return tuple(b for _, b in reversed(arrived) if table in {None, b.table} and state in {None, b.state})

    def decide(self, batch_id: str, decision: Decision) -> HeldBatch:
        """Append a decision and move the held batch to its state."""
        before = self._state.held.get(batch_id)
        if before is None:
            raise NotFoundError(f'No batch is held as "{batch_id}". List the held ones first.')
        if before.state in {HeldState.PUBLISHED, HeldState.DISCARDED}:
            raise UsageError(f'Batch "{batch_id}" was {before.state} already. Nothing is left to decide.')
        check_storable(decision)
        after = replace(before, state=decision.state, decisions=(*before.decisions, decision))
        self._state.held[batch_id] = after
        return after

    def see(self, files: Sequence[SeenFile]) -> None:
        """Remember files as an ingest found them; by table and path the last one counts."""
        check_storable(list(files))
        self._state.seen |= {(file.table, file.path): file for file in files}

    def seen(self, table: str) -> Mapping[str, SeenFile]:
        """Return the files of a table by path, as they were last found."""
        return {path: file for (of, path), file in self._state.seen.items() if of == table}

    def register(self, file: LogFile) -> None:
        """Register a log file; it supersedes files of its table with the same declared day, or the same path."""
        check_storable(file)
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
        check_storable(list(changes))
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
        check_storable(run)
        self._state.runs[run.run_id] = run

    def list(self, *, limit: int = 50, offset: int = 0, verb: str | None = None) -> tuple[Run, ...]:
        """Return runs, the latest started first; of this verb, where given."""
        wanted = (run for run in self._state.runs.values() if verb in {None, run.verb})
        ordered = sorted(wanted, key=lambda run: (run.started_at, run.run_id), reverse=True)
        return tuple(ordered[offset : offset + limit])

    def count(self, *, verb: str | None = None) -> int:
        """Return how many runs there are; of this verb, where given."""
        return sum(verb in {None, run.verb} for run in self._state.runs.values())

    def last_followed(self) -> Run | None:
        """Return the followed run with the greatest as_of, of these the latest started."""
        followed = [run for run in self._state.runs.values() if run.is_followed]
        return max(followed, key=lambda run: (run.as_of, run.started_at), default=None)
