"""What the last detection said of every upcoming title: read once per run, then filtered, not read again.

Not for a title's details: see `title`.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, partial
from threading import Lock
from typing import TypeVar

import pandas as pd

from recsysops.columns import (
    AS_OF,
    CELLS,
    CHECKS,
    HAS_EXPECTATION,
    LAUNCH_AT,
    LAUNCH_STATUS,
    LAUNCHES,
    NAME,
    PLANNED,
    PREVIOUS_LAUNCH_AT,
    PROVIDER,
    STATUS,
    TITLE_ID,
    WHY,
)
from recsysops.domain.issue import Finding
from recsysops.domain.run import Run
from recsysops.domain.verdict import Status
from recsysops.domain.views import CellView
from recsysops.service.frames import to_findings
from recsysops.service.history import data_label
from recsysops.service.ports import Store, UnitOfWork
from recsysops.service.queries.order import by_finding
from recsysops.service.queries.values import Row, cell_of, load_at, records, text, time

Cell = tuple[str, str, str]
DETECTING = ("run", "detect")
RUNS_READ = 200
MAX_DERIVED = 24
"""Views kept of one snapshot, such as the board of one market."""
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class JudgedCell:
    """A cell with its findings."""

    view: CellView
    findings: tuple[Finding, ...]
    """Worst first."""


@dataclass(frozen=True, kw_only=True)
class JudgedTitle:
    """An upcoming title and its cells."""

    title_id: str
    name: str
    provider: str
    cells: tuple[JudgedCell, ...]
    has_cancelled: bool
    """Whether another launch of it, in some market or on some surface, is cancelled."""


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """Everything upcoming, as the last detection left it."""

    as_of: datetime | None
    label: str
    runs: tuple[Run, ...]
    """The latest started first."""
    titles: tuple[JudgedTitle, ...]
    """By title id."""
    cancelled: tuple[str, ...]
    """Titles whose every launch still ahead is cancelled."""
    service: tuple[Finding, ...] = ()
    """What was found of the service as a whole, worst first."""
    read_checks: Callable[[], pd.DataFrame] = field(repr=False, compare=False)
    """Reads CHECK_RESULT of the same run: by far the longest table, and few ask for it."""
    _derived: dict[object, object] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def checks(self) -> pd.DataFrame:
        """CHECK_RESULT of the same run."""
        return self.read_checks()

    def derived(self, key: object, make: Callable[[], T]) -> T:
        """Return what was made of this snapshot under `key`, made now if it was not: the snapshot never changes.

        Safe between threads: at worst the same is made twice.
        """
        kept = self._derived
        if key not in kept:
            if len(kept) >= MAX_DERIVED:
                kept.clear()
            kept[key] = make()
        return kept[key]  # type: ignore[return-value]  # the key names what was kept


class SnapshotCache:
    """Keeps the snapshot until another run has been recorded. Safe between threads."""

    def __init__(self, store: Store) -> None:
        """Read from `store`, nothing yet."""
        self._store = store
        self._lock = Lock()
        self._runs: tuple[Run, ...] | None = None
        self._snapshot: Snapshot | None = None

    def get(self) -> Snapshot:
        """Return the snapshot as the store stands now."""
        with self._lock, self._store.read() as unit:
            runs = unit.runs.list(limit=RUNS_READ)
            if self._snapshot is None or runs != self._runs:
                self._snapshot = take_snapshot(unit, runs, self._store)
                self._runs = runs
            return self._snapshot


def take_snapshot(unit: UnitOfWork, runs: tuple[Run, ...] | None = None, store: Store | None = None) -> Snapshot:
    """Read the results of the last detection; empty, with `as_of` None, before the first.

    Args:
        unit: Where they are.
        runs: The latest runs, where they are known already.
        store: Where the checks are read when someone asks for them; None reads them now.
    """
    known_runs = unit.runs.list(limit=RUNS_READ) if runs is None else runs
    as_of = last_detection(unit, known_runs)
    if as_of is None:
        return Snapshot(
            as_of=None, label=data_label(unit), runs=known_runs, titles=(), cancelled=(), read_checks=pd.DataFrame,
        )  # fmt: skip
    cancelled, whole = _cancelled(unit, as_of)
    findings = to_findings(load_at(unit, "findings", as_of))
    titles = _titles(unit, as_of, cancelled, findings)
    return Snapshot(
        as_of=as_of,
        label=data_label(unit),
        runs=known_runs,
        titles=titles,
        cancelled=tuple(sorted(whole - {title.title_id for title in titles})),
        service=tuple(sorted((finding for finding in findings if finding.is_of_service), key=by_finding)),
        read_checks=_checks_of(store, as_of) if store else partial(_same, load_at(unit, CHECKS, as_of)),
    )


def _checks_of(store: Store, as_of: datetime) -> Callable[[], pd.DataFrame]:
    def read() -> pd.DataFrame:
        with store.read() as unit:
            return load_at(unit, CHECKS, as_of)

    return read


def _same(frame: pd.DataFrame) -> pd.DataFrame:
    return frame


def last_detection(unit: UnitOfWork, runs: tuple[Run, ...]) -> datetime | None:
    """Return the time the last detection stands at: one that found nothing upcoming counts as well."""
    frame = unit.results.load(CELLS)
    stood = [frame[AS_OF].iloc[0].to_pydatetime()] if len(frame) else []
    stood += [run.as_of for run in runs if run.verb in DETECTING and run.finished_at and not run.has_failed]
    return max(stood, default=None)


def _titles(
    unit: UnitOfWork, as_of: datetime, cancelled: set[str], found: Sequence[Finding]
) -> tuple[JudgedTitle, ...]:
    cells: dict[str, list[Row]] = defaultdict(list)
    for row in records(load_at(unit, CELLS, as_of)):
        cells[row[TITLE_ID]].append(row)
    findings: dict[Cell, list[Finding]] = defaultdict(list)
    for finding in found:
        findings[finding.title_id, finding.market, finding.surface].append(finding)
    return tuple(
        JudgedTitle(
            title_id=title_id,
            name=next((text(row[NAME]) for row in rows if text(row[NAME])), ""),
            provider=next((text(row[PROVIDER]) for row in rows if text(row[PROVIDER])), ""),
            cells=tuple(judged_cell(row, findings.get(cell_of(row), [])) for row in rows),
            has_cancelled=title_id in cancelled,
        )
        for title_id, rows in sorted(cells.items())
    )


def judged_cell(row: Row, findings: Sequence[Finding]) -> JudgedCell:
    """Return a row of BOARD_CELL with its findings, worst first."""
    found = sorted(findings, key=by_finding)
    _, market, surface = cell_of(row)
    return JudgedCell(
        findings=tuple(found),
        view=CellView(
            market=market,
            surface=surface,
            launch_at=row[LAUNCH_AT].to_pydatetime(),
            previous_launch_at=time(row[PREVIOUS_LAUNCH_AT]),
            launch_status=text(row[LAUNCH_STATUS]),
            status=Status(row[STATUS]),
            severity=found[0].severity if found else None,
            why=text(row[WHY]),
            n_findings=len(found),
            has_expectation=bool(row[HAS_EXPECTATION]),
        ),
    )


def _cancelled(unit: UnitOfWork, as_of: datetime) -> tuple[set[str], set[str]]:
    """Return the titles with a cancelled launch ahead, and of these the ones with no planned launch known at all."""
    launches = unit.versions.known(LAUNCHES, as_of)
    if not len(launches):
        return set(), set()
    is_cancelled = launches[LAUNCH_STATUS] != PLANNED
    some = set(launches.loc[is_cancelled & (launches[LAUNCH_AT] > as_of), TITLE_ID])
    return some, some - set(launches.loc[~is_cancelled, TITLE_ID])
