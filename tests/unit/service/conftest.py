"""A context made of fakes: a store in memory, a forecaster and table checks that say what a test tells them to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from recsysops import columns as c
from recsysops.clock import fixed_clock
from recsysops.contract.channel import Channel, ChannelSettings, Notification, Refused, Sent
from recsysops.contract.detector import Detection, Detector, Params, Rule
from recsysops.domain.batch import BatchReceipt
from recsysops.domain.distribution import PROBABILITIES, normal_quantile
from recsysops.domain.finding import finding_key
from recsysops.domain.history import History, Progress
from recsysops.domain.measure import inverse, transform
from recsysops.domain.model import BacktestScore, ModelCard
from recsysops.errors import ModelError
from recsysops.service.context import Context
from recsysops.service.frames import empty_findings
from recsysops.settings import ModelSettings, ServiceSettings, Settings
from recsysops.testing.fake_store import FakeStore

AS_OF = datetime(2026, 3, 2, tzinfo=UTC)


def days(n: float) -> timedelta:
    return timedelta(days=n)


DAY_BEFORE = AS_OF - days(1)


class FlagParams(Params):
    severity: str = "warning"
    """Severity of what it finds."""


def detect_marked(tables: Any, params: FlagParams, *, as_of: datetime) -> Detection:
    """Flag every cell whose title's `mark` is "bad"; "broken" raises, "omitted" is left out, else: not judged."""
    cells = tables[c.CELLS]
    marks = cells.merge(tables[c.TITLES], on=list(c.CELL_KEY), how="left")["mark"]
    if (marks == "broken").any():
        raise RuntimeError("toy detector broke")
    outcome = marks.map({"bad": "failed", "good": "passed", "odd": "not_applicable"}).fillna("not_run")
    verdicts = cells[list(c.CELL_KEY)].assign(
        detector="toy",
        rule="marked",
        outcome=outcome,
        reason=marks.map(lambda mark: f"mark is {mark}"),
        margin=1.0,
        data="mark",
    )
    rows = [
        {
            c.FINDING_KEY: finding_key("toy", "marked", *key, "mark"),
            c.DETECTOR: "toy",
            c.RULE: "marked",
            **dict(zip(c.CELL_KEY, key, strict=True)),
            c.FIELD: "mark",
            c.MEASURE: "",
            c.SEVERITY: params.severity,
            c.CLASS: "setup",
            c.WHY: "The mark is bad.",
            c.REMEDY: "Mend the mark.",
            c.WORTH: float("nan"),
            c.WORTH_LOW: float("nan"),
            c.WORTH_HIGH: float("nan"),
            c.WORTH_UNIT: "",
            c.LATEST_SAFE_FIX_AT: as_of + days(1),
            c.SCORE: 1.0,
            c.EVIDENCE: {"mark": "bad"},
        }
        for key, mark in zip(zip(*(cells[column] for column in c.CELL_KEY), strict=True), marks, strict=True)
        if mark == "bad"
    ]
    findings = pd.DataFrame(rows, columns=list(c.FINDING)) if rows else empty_findings()
    return Detection(findings, verdicts.loc[marks != "omitted", list(c.VERDICT)])


TOY = Detector(
    name="toy",
    summary="Flags marks.",
    params=FlagParams,
    detect=detect_marked,
    needs=lambda params: {c.TITLES: (*c.CELL_KEY, "mark")},
    rules=(Rule(name="marked", title="Marked", finding_class="setup", meaning="Bad mark."),),
    examples=(),
    source="tests",
)


@dataclass(frozen=True)
class Used:
    detector: Any = TOY
    params: Any = field(default_factory=FlagParams)


@dataclass(frozen=True)
class SentThrough:
    """A channel in use; its messages are kept, or refused with the given reason."""

    instance: str = "fake"
    messages: list[Notification] = field(default_factory=list)
    refuses: str = ""
    settings: ChannelSettings = field(default_factory=ChannelSettings)

    @property
    def channel(self) -> Any:
        def send(text: str, notification: Notification, settings: ChannelSettings) -> Sent | Refused:
            if self.refuses == "raise":
                raise OSError("no line")
            if self.refuses:
                return Refused(self.refuses, retry=True)
            self.messages.append(notification)
            return Sent(notification.run_id)

        return Channel(name="fake", summary="", settings=ChannelSettings, render=lambda n, s: n.run_id, send=send)


@dataclass
class FakeForecaster:
    """Predicts the medians it is told, by title; refuses targets it is told to."""

    medians: Mapping[str, float] = field(default_factory=dict)
    refuses: Sequence[str] = ()
    asked: list[Any] = field(default_factory=list)
    made_ready: list[datetime] = field(default_factory=list)
    untrusted: dict[str, str] = field(default_factory=dict)

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
        if measure in self.refuses:
            raise ModelError(f"No past launch has {measure}.")
        return ModelCard(
            model_id=f"{measure}-{horizon}-{as_of:%Y%m%d}",
            measure=measure,
            horizon=horizon,
            trained_as_of=as_of,
            n_titles=1,
            n_rows=1,
            folder="x",
            manifest_sha256="0" * 64,
            serves="model",
        )

    def predict(
        self,
        history: History,
        cells: pd.DataFrame,
        as_of: datetime,
        models: Mapping[tuple[str, int], ModelCard | None],
        settings: ModelSettings,
        folder: Path,
    ) -> pd.DataFrame:
        self.asked.append(models)
        rows = []
        for key, launch_at in zip(zip(*(cells[k] for k in c.CELL_KEY), strict=True), cells[c.LAUNCH_AT], strict=True):
            for (measure, horizon), card in models.items():
                median = self.medians.get(key[0], 0.1)
                y = transform(measure, [median], [1000.0]) + 0.3 * normal_quantile(PROBABILITIES)
                rows.append(
                    (
                        *key,
                        measure,
                        horizon,
                        7,
                        as_of,
                        launch_at,
                        "model" if card else c.COMPARABLE_TITLES,
                        True,
                        None,
                        "",
                        1000.0,
                        card.model_id if card else None,
                        *inverse(measure, y, [1000.0]),
                    )
                )
        return pd.DataFrame(rows, columns=list(c.PREDICTION))

    def ready(
        self,
        history: History,
        as_of: datetime,
        models: Mapping[tuple[str, int], ModelCard | None],
        settings: ModelSettings,
        folder: Path,
    ) -> "FakeReady":
        self.made_ready.append(as_of)
        return FakeReady(self, history, as_of, models, settings, folder)

    def why_refused(self, card: ModelCard, folder: Path) -> str:
        return self.untrusted.get(card.model_id, "")

    def comparables(self, *args: Any) -> pd.DataFrame:
        return pd.DataFrame()

    def backtest(self, history: History, measure: str, horizon: int, settings: ModelSettings, **_: Any) -> Any:
        if measure in self.refuses:
            raise ModelError(f"No past launch has {measure}.")
        return (
            BacktestScore(
                measure=measure,
                horizon=horizon,
                lead=7,
                predictor="model",
                metric="mae",
                value=float(len(history.outcomes)),
                low=None,
                high=None,
                n=1,
            ),
        )


class FakeChecks:
    """Checks nothing, or reports suites as failed."""

    def __init__(self, failed: Mapping[str, str] | None = None) -> None:
        self.failed = failed or {}

    def check(self, titles: pd.DataFrame, requirements: pd.DataFrame) -> tuple[pd.DataFrame, Mapping[str, str]]:
        return pd.DataFrame(columns=list(c.CHECK_RESULT)), self.failed


@dataclass
class FakeReady:
    """Predicts given titles as its forecaster predicts stored ones."""

    forecaster: FakeForecaster
    history: History
    as_of: datetime
    models: Mapping[tuple[str, int], ModelCard | None]
    settings: ModelSettings
    folder: Path

    @property
    def model_ids(self) -> tuple[str, ...]:
        return tuple(card.model_id for card in self.models.values() if card is not None)

    def predict(self, cells: pd.DataFrame, titles: pd.DataFrame) -> pd.DataFrame:
        return self.forecaster.predict(self.history, cells, self.as_of, self.models, self.settings, self.folder)


def receipt(batch_id: str = "b1", table: str = "titles", **changes: Any) -> BatchReceipt:
    values: dict[str, Any] = {
        "batch_id": batch_id,
        "table": table,
        "content_hash": batch_id,
        "files": ("f.csv",),
        "rows_in": 0,
        "accepted": 0,
        "duplicate": 0,
        "quarantined": 0,
        "loaded_at": AS_OF,
    }
    return BatchReceipt(**{**values, **changes})


class World:
    """Fills a fake store and makes contexts on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = FakeStore()
        with self.store.write() as unit:
            unit.batches.add(receipt(), ())
            unit.commit()

    def titles(self, *rows: tuple[str, str, datetime, Mapping[str, object]]) -> None:
        frame = pd.DataFrame(
            [(t, m, at, f"Name of {t}", None, "provider", dict(fields)) for t, m, at, fields in rows],
            columns=list(c.TITLE_VERSION),
        )
        self._add(c.TITLES, frame)

    def launches(self, *rows: tuple[str, str, str, datetime, datetime, str]) -> None:
        self._add(c.LAUNCHES, pd.DataFrame(rows, columns=list(c.LAUNCH_VERSION)))

    def plans(self, *rows: tuple[Any, ...]) -> None:
        self._add(c.EXPECTATIONS, pd.DataFrame(rows, columns=list(c.EXPECTATION_VERSION)))

    def upcoming(self, **marks: str | None) -> None:
        """Add titles that launch in 5 days on us/home, each with its mark."""
        for title_id, mark in marks.items():
            self.titles((title_id, c.ALL, AS_OF - days(30), {} if mark is None else {"mark": mark}))
            self.launches((title_id, "us", "home", AS_OF - days(30), AS_OF + days(5), c.PLANNED))

    def remark(self, title_id: str, mark: str, at: datetime = DAY_BEFORE) -> None:
        self.titles((title_id, c.ALL, at, {"mark": mark}))

    def context(self, **changes: Any) -> Context:
        settings = Settings(service=ServiceSettings(name="test"), folder=self.folder)
        values: dict[str, Any] = {
            "settings": settings,
            "clock": fixed_clock(AS_OF),
            "store": self.store,
            "reader": None,
            "aggregator": None,
            "forecaster": FakeForecaster(),
            "checks": FakeChecks(),
            "requirements": pd.DataFrame(columns=list(c.REQUIREMENT)),
            "detectors": (Used(),),
            "channels": (),
        }
        return Context(**{**values, **changes})

    def _add(self, table: Any, frame: pd.DataFrame) -> None:
        with self.store.write() as unit:
            unit.versions.add(table, frame, "b1", AS_OF)
            unit.commit()


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture(scope="session")
def world_of() -> type[World]:
    return World


@pytest.fixture
def channel() -> type[SentThrough]:
    return SentThrough
