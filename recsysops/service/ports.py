"""What the service needs from the outside: protocols. `bootstrap` hands it the real things, tests hand it fakes."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Literal, Protocol, Self

import pandas as pd

from recsysops.domain.batch import BatchReceipt, LogFile, QuarantinedRow
from recsysops.domain.history import History, Progress
from recsysops.domain.issue import Issue, IssueChange, IssueEvent
from recsysops.domain.model import BacktestScore, ModelCard
from recsysops.domain.reading import ReadLog, ReadTable
from recsysops.domain.run import Run
from recsysops.settings import ModelSettings, Settings, SourceSettings

VersionTable = Literal["titles", "launches", "expectations"]
ResultTable = Literal["predictions", "expectations", "checks", "verdicts", "findings", "cells"]


# --- reading -----------------------------------------------------------------------------------------------------


class Reader(Protocol):
    """Turns users' files into accounted rows. Raises SourceError for a file that cannot be read as a whole."""

    def files(self, source: SourceSettings) -> tuple[Path, ...]:
        """Return the files a source names now, in a stable order; empty when there are none."""
        ...

    def content_hash(self, table: str, file: Path, source: SourceSettings) -> str:
        """Return the hash of the file's bytes and of the mapping it is read with."""
        ...

    def read_table(self, table: VersionTable, file: Path, source: SourceSettings, settings: Settings) -> ReadTable:
        """Read one file of titles, launches or expectations."""
        ...

    def check_log(self, table: str, file: Path, source: SourceSettings, content_hash: str, batch_id: str) -> ReadLog:
        """Check one file of impressions or interactions; its rows stay in the file."""
        ...


class Aggregator(Protocol):
    """Turns registered log files into treatment."""

    def aggregate(
        self, files: Sequence[LogFile], launches: pd.DataFrame, signal: str, until: datetime
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Count treatment per 24-hour day since launch, and activity per launch window.

        Args:
            files: The files of `signal` that count (none superseded).
            launches: Columns CELL_KEY and LAUNCH_AT: the windows wanted. `all` matches every market or surface.
            signal: `impressions` or `interactions`.
            until: Days and windows that end after this are left out.

        Returns:
            (TREATMENT_DAY, ACTIVITY). A cell shown to nobody on a day has a row with zeros; a window for
            which a file is gone is marked partial.
        """
        ...


# --- predicting --------------------------------------------------------------------------------------------------


class Forecaster(Protocol):
    """Predicts treatment. Knows nothing of store, detectors or expectations."""

    def train(
        self,
        history: History,
        as_of: datetime,
        measure: str,
        horizon: int,
        settings: ModelSettings,
        folder: Path,
        progress: Progress,
    ) -> ModelCard:
        """Train one model on what was known at `as_of` and write it below `folder`.

        Raises:
            ModelError: There is nothing to learn from (the sentence says what is missing).
        """
        ...

    def predict(
        self,
        history: History,
        cells: pd.DataFrame,
        as_of: datetime,
        models: Mapping[tuple[str, int], ModelCard | None],
        settings: ModelSettings,
        folder: Path,
    ) -> pd.DataFrame:
        """Predict every cell for every target (measure, horizon) in `models`: PREDICTION, model and comparable titles.

        One predictor is served per cell and target. Where the model is None, comparable titles answer alone.

        A damaged or untrusted model file costs the model's rows (abstains says why), not the run.
        """
        ...

    def comparables(
        self,
        history: History,
        cell: tuple[str, str, str],
        as_of: datetime,
        measure: str,
        horizon: int,
        settings: ModelSettings,
    ) -> pd.DataFrame:
        """Return the comparable titles of one cell, nearest first.

        Columns TITLE_ID, NAME, MARKET, SURFACE, LAUNCH_AT, `distance`, VALUE, FIELDS.
        """
        ...

    def backtest(
        self,
        history: History,
        measure: str,
        horizon: int,
        settings: ModelSettings,
        *,
        first_origin: datetime | None,
        progress: Progress,
    ) -> tuple[BacktestScore, ...]:
        """Roll the origin weekly through history and score model, comparable titles, group mean and global median."""
        ...


class TableChecks(Protocol):
    """Checks metadata tables."""

    def check(self, titles: pd.DataFrame, requirements: pd.DataFrame) -> tuple[pd.DataFrame, Mapping[str, str]]:
        """Check the metadata of cells against the requirements.

        Args:
            titles: One row per cell: CELL_KEY, PROVIDER and one column per metadata field as known.
            requirements: REQUIREMENT.

        Returns:
            CHECK_RESULT (one row per cell and required field that applies there), and suite to reason for every suite
            that failed to run; its checks have the outcome not_run.
        """
        ...


# --- storing -----------------------------------------------------------------------------------------------------


class BatchRepository(Protocol):
    """Batches, their accounts, quarantine, and the register of log files."""

    def find(self, table: str, content_hash: str) -> BatchReceipt | None:
        """Return the batch already loaded with this content, if any."""
        ...

    def add(self, receipt: BatchReceipt, quarantined: Sequence[QuarantinedRow]) -> None:
        """Record a batch and its quarantined rows (samples, for logs)."""
        ...

    def all(self) -> tuple[BatchReceipt, ...]:
        """Return every batch, newest first."""
        ...

    def quarantine(
        self, batch_id: str | None = None, *, limit: int = 1000, offset: int = 0
    ) -> tuple[tuple[str, QuarantinedRow], ...]:
        """Return (batch id, row), by batch (newest first) and row."""
        ...

    def register(self, file: LogFile) -> None:
        """Register a log file; it supersedes those of the same table with the same declared day, or the same path."""
        ...

    def log_files(self, table: str) -> tuple[LogFile, ...]:
        """Return the files of a table that count, by first row's time."""
        ...


class VersionRepository(Protocol):
    """Titles, launches and expectations as known over time; append-only."""

    def add(self, table: VersionTable, rows: pd.DataFrame, batch_id: str, loaded_at: datetime) -> int:
        """Add versions; return how many were new. A row already known (equal in all but loaded_at) is not added."""
        ...

    def known(self, table: VersionTable, as_of: datetime | None = None) -> pd.DataFrame:
        """Return one row per key as known at `as_of`: the latest observed_at <= as_of, of these the latest loaded."""
        ...

    def history(self, table: VersionTable, title_ids: Sequence[str] | None = None) -> pd.DataFrame:
        """Return every version (per key and observed_at the latest loaded), by key and observed_at; LOADED_AT last."""
        ...


class TreatmentRepository(Protocol):
    """Treatment by day and activity by window."""

    def replace(self, signal: str, days: pd.DataFrame, activity: pd.DataFrame, cells: pd.DataFrame) -> None:
        """Replace the days of the cells (columns CELL_KEY) and the activity of their windows by these."""
        ...

    def days(self, title_id: str) -> pd.DataFrame:
        """Return TREATMENT_DAY of one title."""
        ...

    def outcomes(self, measures: Sequence[str], horizons: Sequence[int]) -> pd.DataFrame:
        """Return OUTCOMES of every complete window.

        `reach` and `uptake` are new members over active members, `impression_share` is events over events.
        """
        ...


class ResultRepository(Protocol):
    """What runs computed. Results of one `as_of` replace earlier ones of the same as_of."""

    def save(self, table: ResultTable, frame: pd.DataFrame, run_id: str, as_of: datetime) -> None:
        """Replace the results of this table at `as_of`."""
        ...

    def load(
        self, table: ResultTable, as_of: datetime | None = None, *, title_ids: Sequence[str] | None = None
    ) -> pd.DataFrame:
        """Return the results at the latest as_of <= the given one (None: the latest), with AS_OF as a column.

        An empty frame with the same columns when there are none.
        """
        ...

    def save_scores(self, run_id: str, scores: Sequence[BacktestScore]) -> None:
        """Keep a backtest's scores."""
        ...

    def scores(self) -> tuple[BacktestScore, ...]:
        """Return the latest backtest's scores."""
        ...


class IssueRepository(Protocol):
    """Issues and their history; events are append-only."""

    def latest(self) -> Mapping[str, Issue]:
        """Return the latest episode of each finding key."""
        ...

    def apply(self, changes: Sequence[IssueChange]) -> None:
        """Store the changed issues and append their events."""
        ...

    def list(self, *, is_open: bool | None = None, title_id: str | None = None) -> tuple[Issue, ...]:
        """Return issues, worst severity first, then by latest safe fix time, then id."""
        ...

    def events(self, issue_id: str | None = None, *, at: datetime | None = None) -> tuple[IssueEvent, ...]:
        """Return events in the order they were appended."""
        ...


class RunRepository(Protocol):
    """Records of runs."""

    def save(self, run: Run) -> None:
        """Insert or update a run and its steps."""
        ...

    def list(self, *, limit: int = 50) -> tuple[Run, ...]:
        """Return runs, the latest started first."""
        ...

    def last_followed(self) -> Run | None:
        """Return the followed run with the greatest as_of."""
        ...


class ModelRepository(Protocol):
    """Which models exist and which one is active per measure and horizon."""

    def activate(self, card: ModelCard) -> None:
        """Add the card, if new, and make it the active one of its measure and horizon."""
        ...

    def active(self) -> tuple[ModelCard, ...]:
        """Return the active cards by measure and horizon."""
        ...


class UnitOfWork(Protocol):
    """One transaction: rolls back on leaving unless `commit` was called."""

    @property
    def batches(self) -> BatchRepository:
        """Batches, their accounts and the register of log files."""
        ...

    @property
    def versions(self) -> VersionRepository:
        """Titles, launches and expectations."""
        ...

    @property
    def treatment(self) -> TreatmentRepository:
        """Treatment and activity."""
        ...

    @property
    def results(self) -> ResultRepository:
        """What runs computed."""
        ...

    @property
    def issues(self) -> IssueRepository:
        """Issues."""
        ...

    @property
    def runs(self) -> RunRepository:
        """Records of runs."""
        ...

    @property
    def models(self) -> ModelRepository:
        """Models."""
        ...

    def __enter__(self) -> Self:
        """Begin."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Roll back what was not committed."""
        ...

    def commit(self) -> None:
        """Make it permanent; a new transaction begins with the next use."""
        ...


class Store(Protocol):
    """Where everything is kept."""

    def read(self) -> UnitOfWork:
        """Return a unit of work for reading; it never blocks writers and refuses to commit."""
        ...

    def write(self) -> UnitOfWork:
        """Return a unit of work that may commit (BEGIN IMMEDIATE on SQLite)."""
        ...
