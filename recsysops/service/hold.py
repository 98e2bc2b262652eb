"""What is known of one table's deliveries while it is ingested, and what becomes of each: known, held, let through.

Decides; what is decided is stored by those who publish.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

from recsysops.domain.batch import BatchReceipt
from recsysops.domain.comparison import Circumstances, drifts, new_columns
from recsysops.domain.drift import Decision, Drift, HeldBatch, HeldState, Profile, SeenFile
from recsysops.service.ports import UnitOfWork
from recsysops.settings import SourceSettings

INGEST: Final = "ingest"
"""Who decides where a later delivery takes a held one's place."""
_N_PROFILES: Final = 60
_UNDECIDED: Final = frozenset({HeldState.HELD, HeldState.RELEASED})


class Standing(StrEnum):
    """What is to be done with a delivery."""

    NEW = "new"
    """Read it, and publish or hold it."""
    LET_THROUGH = "let through"
    """Read it, and publish it whatever it looks like."""
    WAITING = "waiting"
    """It is held, and nobody has decided."""
    REFUSED = "refused"
    """A person refused it, or a later delivery took its place."""


@dataclass
class Intake:
    """The deliveries of one table."""

    table: str
    source: SourceSettings
    mapping: str
    """Fingerprint of the settings its files are read with."""
    now: datetime
    """The present, for what speaks of the future."""
    seen: Mapping[str, SeenFile]
    held: dict[str, HeldBatch]
    """By content hash."""
    before: Sequence[Profile]
    """What the batches published by earlier ingests looked like, newest first."""
    beside: list[Profile] = field(default_factory=list)
    """What this ingest published, newest first."""
    found: dict[str, SeenFile] = field(default_factory=dict)
    """Files found now that are not as they were last found, by path."""

    @classmethod
    def of(cls, unit: UnitOfWork, table: str, source: SourceSettings, mapping: str, now: datetime) -> "Intake":
        """Read what is known of a table."""
        return cls(
            table=table,
            source=source,
            mapping=mapping,
            now=now,
            seen=unit.batches.seen(table),
            held={held.content_hash: held for held in unit.batches.held(table=table)},
            before=unit.batches.profiles(table, limit=_N_PROFILES),
        )

    def known_content(self, file: Path) -> str | None:
        """Return the content hash of a file that lies there as it was last found, read the same way; None else."""
        known = self.seen.get(str(file.absolute()))
        if known is None or facts_of(file) != (known.size, known.mtime_ns):
            return None
        content_hash, _, mapping = known.content_hash.partition(".")
        return content_hash if mapping == self.mapping else None

    def saw(self, file: Path, facts: tuple[int, int] | None, content_hash: str, at: datetime) -> None:
        """Remember a file as it was before it was hashed; one that could not be looked at is not remembered."""
        path = str(file.absolute())
        if facts is not None:
            self.found[path] = SeenFile(
                table=self.table, path=path, size=facts[0], mtime_ns=facts[1],
                content_hash=f"{content_hash}.{self.mapping}", seen_at=at,
            )  # fmt: skip

    def to_remember(self, files: Sequence[Path], at: datetime) -> list[SeenFile]:
        """Return what must be stored of this look: changed files, and of the others one, as a sign that it was made."""
        unchanged = (self.seen[str(file.absolute())] for file in files if str(file.absolute()) in self.seen)
        sign = None if self.found else next(unchanged, None)
        return [*self.found.values(), *([] if sign is None else [replace(sign, seen_at=at)])]

    def standing(self, content_hash: str, *, is_unchanged: bool) -> Standing:
        """Say what is to be done with content that is not loaded yet."""
        held = self.held.get(content_hash)
        if held is None or held.state is HeldState.PUBLISHED:
            return Standing.NEW
        if held.state is HeldState.DISCARDED:
            # What gave way to a later delivery may be delivered again; what a person refused stays refused.
            return Standing.NEW if held.decisions[-1].by == INGEST and not is_unchanged else Standing.REFUSED
        is_free = held.state is HeldState.RELEASED or not self.source.gates.is_on
        return Standing.LET_THROUGH if is_free else Standing.WAITING

    def judge(self, profile: Profile | None, at: Circumstances) -> tuple[Drift, ...]:
        """Return why a delivery must be held; empty where it may be published."""
        if profile is None or not self.source.gates.is_on:
            return ()
        return drifts(profile, self.before, self.beside, self.source.gates, at)

    def new_columns(self, profile: Profile | None) -> tuple[str, ...]:
        """Return the columns that no earlier delivery had."""
        return () if profile is None else new_columns(profile, (*self.beside, *self.before))

    def described(self, profile: Profile | None, file: Path) -> Profile | None:
        """Return a profile with the place of its file, without the columns that must not be read."""
        if profile is None:
            return None
        read = {name: column for name, column in profile.columns.items() if name not in self.source.ignore}
        return replace(profile, columns=read, file=str(file.absolute()))

    def displaced(self, file: Path, batch_id: str, *, by_day: bool = True) -> list[HeldBatch]:
        """Return the undecided batches whose place a delivery takes: they lay at its path, or are of its day."""
        path, day = str(file.absolute()), self._day(file) if by_day else None
        return [
            held
            for held in self.held.values()
            if held.state in _UNDECIDED
            and held.batch_id != batch_id
            and (path in held.files or (day is not None and any(self._day(Path(name)) == day for name in held.files)))
        ]

    def decide(self, unit: UnitOfWork, held: HeldBatch, state: HeldState, reason: str, at: datetime) -> None:
        """Record what the ingest decided."""
        decision = Decision(state=state, by=INGEST, reason=reason, at=at)
        self.held[held.content_hash] = unit.batches.decide(held.batch_id, decision)

    def settle(self, unit: UnitOfWork, receipt: BatchReceipt, file: Path) -> None:
        """Close what a published batch ends: its own being held, and held ones whose place it takes."""
        own = self.held.get(receipt.content_hash)
        if own is not None and own.state in _UNDECIDED:
            let = next((each for each in reversed(own.decisions) if each.state is HeldState.RELEASED), None)
            reason = f"Released by {let.by}." if let else "Gates are off for this source."
            self.decide(unit, own, HeldState.PUBLISHED, reason, receipt.loaded_at)
        self.give_way(unit, self.displaced(file, receipt.batch_id), receipt.batch_id, receipt.loaded_at)

    def give_way(self, unit: UnitOfWork, displaced: Sequence[HeldBatch], batch_id: str, at: datetime) -> None:
        """Discard held batches whose place a later delivery took."""
        for held in displaced:
            reason = f"A later delivery took its place: {batch_id}."
            self.decide(unit, held, HeldState.DISCARDED, reason, at)

    def hold(self, unit: UnitOfWork, receipt: BatchReceipt, found: Sequence[Drift], profile: Profile) -> HeldBatch:
        """Record a delivery that is not published; held ones whose place it takes give way."""
        held = HeldBatch(
            batch_id=receipt.batch_id, table=self.table, content_hash=receipt.content_hash,
            files=tuple(str(Path(name).absolute()) for name in receipt.files), rows_in=receipt.rows_in,
            accepted=receipt.accepted, quarantined=receipt.quarantined, held_at=receipt.loaded_at,
            drifts=tuple(found), profile=profile,
        )  # fmt: skip
        unit.batches.hold(held)
        self.held[held.content_hash] = held
        displaced = self.displaced(Path(receipt.files[0]), held.batch_id)
        self.give_way(unit, displaced, held.batch_id, receipt.loaded_at)
        return held

    def _day(self, file: Path) -> str | None:
        found = re.search(self.source.day, file.name) if self.source.day else None
        return found["day"] if found else None


def facts_of(file: Path) -> tuple[int, int] | None:
    """Return size and time of change (ns) of a file; None where it cannot be looked at."""
    try:
        facts = file.stat()
    except OSError:
        return None
    return facts.st_size, facts.st_mtime_ns
