"""What the service needs from the outside: protocols. `bootstrap` hands it the real things, tests hand it fakes."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Literal, Protocol, Self

import pandas as pd

from recsysops.columns import LAUNCH_SCORE
from recsysops.domain.batch import BatchReceipt, LogFile, QuarantinedRow
from recsysops.domain.contribution import AnswerParts
from recsysops.domain.drift import Decision, HeldBatch, HeldState, Profile, SeenFile
from recsysops.domain.history import History, Progress
from recsysops.domain.issue import Issue, IssueChange, IssueEvent
from recsysops.domain.model import BacktestScore, ModelCard
from recsysops.domain.reading import ReadLog, ReadTable
from recsysops.domain.registry import KnownModel, ModelMove
from recsysops.domain.run import Run
from recsysops.domain.shadow import LaunchWindow, MemberSample
from recsysops.domain.tuning import Tuning
from recsysops.settings import ModelSettings, RetentionSettings, Settings, ShadowSettings, SourceSettings

VersionTable = Literal["titles", "launches", "expectations"]
ReadableTable = Literal["titles", "launches", "expectations", "changes"]
ResultTable = Literal["predictions", "expectations", "checks", "verdicts", "findings", "cells"]


# --- reading -----------------------------------------------------------------------------------------------------


class Reader(Protocol):
    """Turns users' files into accounted rows. Raises SourceError for a file that cannot be read as a whole."""

    def files(self, table: str, source: SourceSettings) -> tuple[Path, ...]:
        """Return the files a source names now, in a stable order; empty when there are none.

        The rows of a database's query or of a Delta table are written to a file below the data folder first: the file
        is named by its content, so that the same rows are the same delivery.
        """
        ...

    def content_hash(self, table: str, file: Path, source: SourceSettings) -> str:
        """Return the hash of the file's bytes and of the mapping it is read with."""
        ...

    def read_table(self, table: ReadableTable, file: Path, source: SourceSettings, settings: Settings) -> ReadTable:
        """Read one file of titles, launches, expectations or changes."""
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


# --- asking the recommender ---------------------------------------------------------------------------------------


class MemberSampler(Protocol):
    """Draws members from log files."""

    def sample(
        self, files: Sequence[LogFile], places: Sequence[tuple[str, str]], until: datetime, *, n: int, active_days: int
    ) -> Mapping[tuple[str, str], MemberSample]:
        """Draw about `n` members of each market and surface from those active in the days before `until`.

        The same members are drawn from the same log whatever the order of its rows, and most of them again a day later.

        Args:
            files: The files of one log that count.
            places: Market and surface; `all` stands for every one.
            until: Aware UTC; later rows are not looked at.
            n: Members wanted of each place.
            active_days: How many days of 24 hours before `until` are looked at.

        Returns:
            Place to sample; a place where nobody was active is left out.
        """
        ...


class ShadowSession(Protocol):
    """One run's time to ask the recommender in; never raises for the recommender's faults."""

    @property
    def abilities(self) -> frozenset[str]:
        """What the recommender can answer; nothing where it cannot be asked."""
        ...

    @property
    def version(self) -> str:
        """The model that answers; empty where that is not known."""
        ...

    @property
    def reason(self) -> str:
        """Why it cannot be asked at all; empty where it can."""
        ...

    @property
    def is_over(self) -> bool:
        """Whether nothing more will be answered: no time is left, or too much went wrong."""
        ...

    def apart(self) -> Self:
        """Return a session out of the same time: what fails in one does not end the other."""
        ...

    def ask(self, window: LaunchWindow, sample: MemberSample | None) -> pd.DataFrame:
        """Ask about the titles of a window: SHADOW_SCORE, one row per cell; REASON says why numbers are missing."""
        ...


class AskableRecommender(Protocol):
    """The recommender of the settings; connected when it is first asked."""

    @property
    def name(self) -> str:
        """The adapter's name."""
        ...

    def session(self, limits: ShadowSettings) -> ShadowSession:
        """Begin to ask, within the limits of one run. Where nobody can be asked, the session says so."""
        ...


# --- predicting --------------------------------------------------------------------------------------------------


class ReadyForecast(Protocol):
    """Predicts titles that are stored nowhere; everything that depends on the store alone was made ready before."""

    @property
    def as_of(self) -> datetime:
        """The time it stands at: nothing known later enters."""
        ...

    @property
    def model_ids(self) -> tuple[str, ...]:
        """The models that answer."""
        ...

    def predict(self, cells: pd.DataFrame, titles: pd.DataFrame, shadow: pd.DataFrame | None = None) -> pd.DataFrame:
        """Predict cells of given titles, each as if it were asked for alone. One call at a time.

        Args:
            cells: CELL_KEY, LAUNCH_AT, LAUNCH_STATUS.
            titles: TITLE_VERSION, the metadata to go by, whatever is stored of these titles; a value that is stored
                alike is as old as it is there, any other is new.
            shadow: SHADOW_SCORE, what the recommender said of these titles with this metadata, whatever is stored;
                without rows, as if it had never answered. None: what is stored of a title holds for it.

        Returns:
            PREDICTION, as `Forecaster.predict` of a stored title with the same metadata.
        """
        ...


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

    def why_refused(self, card: ModelCard, folder: Path) -> str:
        """Return why the files of a model cannot be trusted, one sentence; empty where they can."""
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

    def ready(
        self,
        history: History,
        as_of: datetime,
        models: Mapping[tuple[str, int], ModelCard | None],
        settings: ModelSettings,
        folder: Path,
    ) -> ReadyForecast:
        """Make everything ready to predict titles that are stored nowhere; arguments as of `predict`. Slow."""
        ...

    def contributions(
        self,
        history: History,
        cell: pd.DataFrame,
        as_of: datetime,
        card: ModelCard,
        settings: ModelSettings,
        folder: Path,
    ) -> AnswerParts:
        """Take a model's answer for one cell apart, as `predict` made it; slow, so for one that someone looks at.

        Args:
            history: As of `predict`.
            cell: One row: CELL_KEY, LAUNCH_AT, LAUNCH_STATUS.
            as_of: The time the prediction stands at.
            card: The model that predicted.
            settings: As of `predict`.
            folder: As of `predict`.

        Raises:
            ModelError: The model's files are damaged or gone.
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

    def tune(
        self,
        history: History,
        as_of: datetime,
        targets: Sequence[tuple[str, int]],
        settings: ModelSettings,
        n_trials: int,
        progress: Progress,
    ) -> Tuning:
        """Try `n_trials` settings on the launches known at `as_of`, over all targets (measure, horizon) together.

        Raises:
            ModelError: No target has enough launches to try anything on.
        """
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


class RuleChecks(Protocol):
    """Judges titles and feeds by the rules of suites."""

    def check(
        self, tables: Mapping[str, pd.DataFrame], as_of: datetime
    ) -> tuple[dict[str, pd.DataFrame], Mapping[str, str]]:
        """Judge what is upcoming, and the feeds.

        Args:
            tables: CELLS, TITLES (one row per cell: CELL_KEY, PROVIDER, fields), and where they are known FEEDS and
                EARLIER, and GROUPS.
            as_of: Aware UTC.

        Returns:
            RULES (RULE_STATE), RULED (RULED_CELL) and RULE_FAILURES (RULE_FAILURE); and suite to reason for every suite
            with a rule that did not run, which spoils no other.
        """
        ...


# --- storing -----------------------------------------------------------------------------------------------------


class BatchRepository(Protocol):
    """Batches, their accounts, quarantine, and the register of log files."""

    def find(self, table: str, content_hash: str) -> BatchReceipt | None:
        """Return the batch already loaded with this content, if any."""
        ...

    def add(self, receipt: BatchReceipt, quarantined: Sequence[QuarantinedRow], profile: Profile | None = None) -> None:
        """Record a batch, its quarantined rows (samples, for logs) and what it looked like."""
        ...

    def all(self) -> tuple[BatchReceipt, ...]:
        """Return every batch, newest first."""
        ...

    def quarantine(
        self, batch_id: str | None = None, *, limit: int = 1000, offset: int = 0
    ) -> tuple[tuple[str, QuarantinedRow], ...]:
        """Return (batch id, row), by batch (newest first) and row."""
        ...

    def count_quarantine(self, batch_id: str | None = None) -> int:
        """Return how many rows `quarantine` can list."""
        ...

    def profiles(self, table: str, *, limit: int = 10) -> tuple[Profile, ...]:
        """Return what the batches of a table that were published last looked like, newest first."""
        ...

    def hold(self, held: HeldBatch) -> None:
        """Record a batch that is not published; one with the same id takes its decisions over and is replaced."""
        ...

    def held(self, *, table: str | None = None, state: HeldState | None = None) -> tuple[HeldBatch, ...]:
        """Return held batches, newest first; of this table and in this state, where given."""
        ...

    def decide(self, batch_id: str, decision: Decision) -> HeldBatch:
        """Append a decision and move the held batch to its state.

        Raises:
            NotFoundError: No batch with this id was ever held.
            UsageError: The batch was published or discarded already.
        """
        ...

    def see(self, files: Sequence[SeenFile]) -> None:
        """Remember files as an ingest found them; by table and path the last one counts."""
        ...

    def seen(self, table: str) -> Mapping[str, SeenFile]:
        """Return the files of a table by path, as they were last found."""
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


class ChangeRepository(Protocol):
    """What was deployed, pushed or edited; append-only."""

    def add(self, rows: pd.DataFrame, batch_id: str, loaded_at: datetime) -> int:
        """Add CHANGE rows; return how many were new. A row already known (equal in all columns) is not added."""
        ...

    def list(
        self,
        *,
        title_id: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 1000,
    ) -> pd.DataFrame:
        """Return CHANGE, latest first, with since <= ts <= until; of one title with those that concern all."""
        ...


class Housekeeping(Protocol):
    """Removes what is older than it need be."""

    def prune(self, policy: RetentionSettings, now: datetime) -> Mapping[str, int]:
        """Remove what the policy no longer keeps; return rows removed by table, every table a key.

        Never removed: the latest results of each kind, predictions of windows that have not ended (and for
        `unscored_days` after), open issues and their events, batches, versions, treatment, the last followed run,
        models and the files that count.
        """
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

    def list(self, *, limit: int = 50, offset: int = 0, verb: str | None = None) -> tuple[Run, ...]:
        """Return runs, the latest started first; of this verb, where given."""
        ...

    def count(self, *, verb: str | None = None) -> int:
        """Return how many runs there are; of this verb, where given."""
        ...

    def last_followed(self) -> Run | None:
        """Return the followed run with the greatest as_of."""
        ...


class ModelRepository(Protocol):
    """Which models exist, which one is active and which challenges it per measure and horizon, and how that came."""

    def add(self, card: ModelCard) -> None:
        """Add the card, if new; nothing points at it yet."""
        ...

    def activate(self, card: ModelCard) -> None:
        """Add the card, if new, and make it the active one of its measure and horizon; it challenges no more."""
        ...

    def challenge(self, card: ModelCard, since: datetime) -> None:
        """Add the card, if new, and let it, and no other, predict beside the active one, since then."""
        ...

    def withdraw(self, measure: str, horizon: int) -> None:
        """Let no challenger predict this measure and horizon any more."""
        ...

    def active(self) -> tuple[ModelCard, ...]:
        """Return the active cards by measure and horizon."""
        ...

    def challengers(self) -> tuple[KnownModel, ...]:
        """Return the challengers by measure and horizon."""
        ...

    def all(self) -> tuple[KnownModel, ...]:
        """Return every model, the latest trained first, then by id."""
        ...

    def find(self, model_id: str) -> KnownModel | None:
        """Return the model with this id, if any."""
        ...

    def record(self, move: ModelMove) -> None:
        """Append what happened to a model."""
        ...

    def moves(self, *, model_id: str | None = None) -> tuple[ModelMove, ...]:
        """Return what happened, in the order it did; to this model, where given."""
        ...


class ScoreRepository(Protocol):
    """Predictions held against what happened; append-only, of each key the row added last counts.

    The key: target, lead, predictor and model id.
    """

    def oldest_prediction(self) -> datetime | None:
        """Return the time the oldest stored predictions stand at; None where there are none."""
        ...

    def standing(self, launches: pd.DataFrame) -> pd.DataFrame:
        """Return what had been predicted of launches, so many days before them.

        A prediction counts for the longest lead that is not longer than the days it was made before launch: one made 10
        days before counts for 7. Of each target, lead, predictor and model the last counts; where that abstains, none.
        One made for another launch time, or less than a day before, counts for nothing.

        Args:
            launches: CELL_KEY and LAUNCH_AT.

        Returns:
            PREDICTION, the lead the one it counts for.
        """
        ...

    def add(self, rows: pd.DataFrame) -> int:
        """Add LAUNCH_SCORE rows; return how many were new. A row already known (equal in all columns) is not added."""
        ...

    def latest(
        self,
        *,
        measure: str | None = None,
        horizon: int | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        names: Sequence[str] = LAUNCH_SCORE,
    ) -> pd.DataFrame:
        """Return of each key the row added last, of launches in [since, until], by launch and key.

        A row whose ACTUAL is missing takes the one before it back.

        Args:
            measure: Only this one.
            horizon: Only this one.
            since: Earliest launch.
            until: Latest launch.
            names: Columns of LAUNCH_SCORE to return.
        """
        ...

    def targets(self) -> tuple[tuple[str, int], ...]:
        """Return every measure and horizon with a score, sorted."""
        ...


class ShadowRepository(Protocol):
    """What the recommender said when it was asked; kept, as models learn from it."""

    def save(self, frame: pd.DataFrame, run_id: str, as_of: datetime) -> None:
        """Replace what was said at `as_of` by SHADOW_SCORE rows."""
        ...

    def add(self, frame: pd.DataFrame, run_id: str) -> None:
        """Add SHADOW_SCORE rows at their own AS_OF; a row of the same cell at that time is replaced."""
        ...

    def all(self, title_ids: Sequence[str] | None = None) -> pd.DataFrame:
        """Return SHADOW_SCORE at all times, of these titles where given, by AS_OF and cell."""
        ...

    def latest(self) -> pd.DataFrame:
        """Return SHADOW_SCORE at the latest AS_OF, by cell."""
        ...

    def add_relabelled(self, frame: pd.DataFrame, run_id: str) -> None:
        """Add RELABELLED rows at their own AS_OF; a row of the same cell, time and fields dropped is replaced."""
        ...

    def relabelled(self) -> pd.DataFrame:
        """Return RELABELLED at all times, by AS_OF, cell and fields dropped."""
        ...

    def mark(self) -> str:
        """Return a text that changes whenever what `all` or `relabelled` returns may have changed."""
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
    def changes(self) -> ChangeRepository:
        """Deploys, model pushes, catalogue edits."""
        ...

    @property
    def housekeeping(self) -> Housekeeping:
        """Retention."""
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

    @property
    def shadow(self) -> ShadowRepository:
        """What the recommender said when it was asked."""
        ...

    @property
    def scores(self) -> ScoreRepository:
        """Predictions held against what happened."""
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
