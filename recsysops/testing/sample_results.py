"""A store filled as one detection leaves it, without files, models or detectors: for tests of what reads it.

Seeded by nothing but the arguments. Not a simulation: see `recsysops.simulation`.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any, Final

import pandas as pd

from recsysops import columns as c
from recsysops.domain.batch import BatchReceipt
from recsysops.domain.issue import Judged, follow
from recsysops.domain.model import BacktestScore, ModelCard
from recsysops.domain.run import Run, StepReport
from recsysops.domain.verdict import StepOutcome
from recsysops.service.board import board_cells
from recsysops.service.frames import to_findings
from recsysops.service.ports import Store, UnitOfWork
from recsysops.testing._sample_judgement import FIELDS, SECOND, fields_of, sample_judgement
from recsysops.testing._sample_targets import sample_targets

AS_OF: Final = datetime(2026, 3, 2, tzinfo=UTC)
MARKETS: Final = ("de", "us")
SURFACES: Final = ("home", "search")
PROVIDERS: Final = ("Northlight Pictures", "Harbour Street", "Studio Aurora", "Kestrel & Sons")
_FIRST: Final = (
    "The Quiet",
    "A Winter's",
    "Beyond the",
    "Last",
    "Our Second",
    "Paper",
    "Iron",
    "Midnight",
    "Salt",
    "Glass",
)


@dataclass(frozen=True, kw_only=True)
class Sample:
    """How much to put in, and how nasty it is."""

    n_titles: int = 80
    n_predicted: int = 80
    """Titles with predictions, from the first."""
    suffix: str = ""
    """Put behind every name, provider and sentence."""
    as_of: datetime = AS_OF


def requirements() -> pd.DataFrame:
    """Return REQUIREMENT of the sample: four fields, everywhere; the rating earlier in one market."""
    rows = [(field, c.ALL, c.ALL, 7.0 + 3 * i, 2.0 + i, f"team-{field}", "critical") for i, field in enumerate(FIELDS)]
    rows.append(("maturity_rating", "de", c.ALL, 21.0, 10.0, "team-legal", "critical"))
    return pd.DataFrame(rows, columns=list(c.REQUIREMENT))


def fill(store: Store, sample: Sample | None = None) -> None:
    """Fill an empty store as ingest, train, predict and detect would."""
    wanted = sample or Sample()
    titles, launches = _titles(wanted), _launches(wanted)
    cells = _cells(titles, launches, wanted)
    expectations, predictions = sample_targets(cells, wanted.n_predicted, wanted.as_of)
    findings, verdicts, checks = sample_judgement(cells, wanted.as_of, wanted.suffix)
    with store.write() as unit:
        _inputs(unit, wanted, titles, launches)
        results = {
            c.PREDICTIONS: predictions,
            c.EXPECTATIONS: expectations,
            c.CHECKS: checks,
            "verdicts": verdicts,
            "findings": findings,
            c.CELLS: board_cells(cells, verdicts, findings, expectations),
        }
        for run in _runs(wanted.as_of):
            unit.runs.save(run)
        for table, frame in results.items():
            unit.results.save(table, frame, "run-1", wanted.as_of)  # type: ignore[arg-type]
        unit.issues.apply(follow({}, to_findings(findings), Judged(cells={}, silent=frozenset()), wanted.as_of))
        unit.models.activate(_card(wanted.as_of))
        unit.results.save_scores("backtest-1", _scores())
        unit.commit()


def _times(values: list[datetime]) -> "pd.Series[Any]":
    return pd.Series(pd.to_datetime(values, utc=True)).astype("datetime64[us, UTC]")


def _name(index: int, sample: Sample) -> str:
    number = f" {index // 100 + 1}" if index >= 100 else ""
    return f"{_FIRST[index % 10]} {SECOND[index // 10 % 10]}{number}{sample.suffix}"


def _titles(sample: Sample) -> pd.DataFrame:
    known = sample.as_of - timedelta(days=60)
    end = sample.suffix
    rows = [
        (f"t-{i:04d}", c.ALL, known, _name(i, sample), None, PROVIDERS[i % 4] + end, fields_of(i, end))
        for i in range(sample.n_titles)
    ]
    frame = pd.DataFrame(rows, columns=list(c.TITLE_VERSION)).astype({c.SERIES_ID: "str"})
    return frame.assign(**{c.OBSERVED_AT: _times([known] * len(rows))})


def _launches(sample: Sample) -> pd.DataFrame:
    """Title 1 moved, title 2 is cancelled on one surface; one more, `gone`, is cancelled everywhere."""
    announced = sample.as_of - timedelta(days=60)
    rows: list[tuple[object, ...]] = []
    for i, market, surface in product(range(sample.n_titles), MARKETS, SURFACES):
        key = (f"t-{i:04d}", market, surface)
        at = sample.as_of + timedelta(days=1 + (i * 7) % 27, hours=8)
        rows.append((*key, announced, at - timedelta(days=3 if i == 1 else 0), c.PLANNED))
        if i == 1:
            rows.append((*key, announced + timedelta(days=30), at, c.PLANNED))
        if i == 2 and surface == "search":
            rows.append((*key, announced + timedelta(days=40), at, c.CANCELLED))
    if sample.n_titles:
        rows.append(("gone", "de", "home", announced, sample.as_of + timedelta(days=9), c.CANCELLED))
    frame = pd.DataFrame(rows, columns=list(c.LAUNCH_VERSION))
    return frame.assign(**{name: _times(frame[name].tolist()) for name in (c.OBSERVED_AT, c.LAUNCH_AT)})


def _cells(titles: pd.DataFrame, launches: pd.DataFrame, sample: Sample) -> pd.DataFrame:
    key = list(c.CELL_KEY)
    before = launches.groupby(key)[c.LAUNCH_AT].shift()
    moved = before.where(before != launches[c.LAUNCH_AT])
    latest = launches.assign(**{c.PREVIOUS_LAUNCH_AT: moved}).drop_duplicates(key, keep="last")
    planned = latest[(latest[c.LAUNCH_STATUS] == c.PLANNED) & (latest[c.LAUNCH_AT] > sample.as_of)]
    cells = planned.merge(titles[[c.TITLE_ID, c.NAME, c.SERIES_ID, c.PROVIDER]], on=c.TITLE_ID)
    return cells.sort_values([c.LAUNCH_AT, *key])[list(c.CELL)].reset_index(drop=True)


def _inputs(unit: UnitOfWork, sample: Sample, titles: pd.DataFrame, launches: pd.DataFrame) -> None:
    for table, frame in (("titles", titles), ("launches", launches)):
        receipt = BatchReceipt(
            batch_id=f"b-{table}", table=table, content_hash=f"hash-{table}", files=(f"{table}.csv",),
            rows_in=len(frame) + 2, accepted=len(frame), duplicate=0, quarantined=2, codes={"bad-time": 2},
            loaded_at=sample.as_of,
        )  # fmt: skip
        unit.batches.add(receipt, [])
        unit.versions.add(table, frame, receipt.batch_id, sample.as_of)  # type: ignore[arg-type]


def _runs(as_of: datetime) -> tuple[Run, ...]:
    def run(verb: str, minute: int, *names: str) -> Run:
        start = as_of + timedelta(minutes=minute)
        steps = tuple(StepReport(kind="step", name=name, outcome=StepOutcome.RAN, seconds=2.0, n=10) for name in names)
        return Run(
            run_id=f"{verb}-1", verb=verb, as_of=as_of, started_at=start, finished_at=start + timedelta(seconds=20),
            is_followed=verb == "run", steps=steps,
        )  # fmt: skip

    return (run("ingest", 0, "ingest"), run("train", 1, "train"), run("run", 2, "predict", "detect"))


def _card(as_of: datetime) -> ModelCard:
    return ModelCard(
        model_id="m-1", measure="reach", horizon=7, trained_as_of=as_of, n_titles=900, n_rows=14400,
        folder="models/m-1", manifest_sha256="0" * 64, serves="model",
        scores={"model_pinball": 0.1, "comparable_titles_pinball": 0.14},
    )  # fmt: skip


def _scores() -> tuple[BacktestScore, ...]:
    return tuple(
        BacktestScore(
            measure="reach", horizon=7, lead=0, predictor=predictor, metric="pinball", value=value, low=None,
            high=None, n=400,
        )
        for predictor, value in (("model", 0.1), ("comparable_titles", 0.14))
    )  # fmt: skip
