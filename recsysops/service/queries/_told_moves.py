"""Predictions that moved much between two runs, told as what they were and what they are."""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from recsysops.columns import (
    DENOMINATOR,
    HORIZON,
    IS_SERVED,
    MARKET,
    MEASURE,
    MODEL_ID,
    PREDICTIONS,
    PREDICTOR,
    QUANTILES,
    SURFACE,
)
from recsysops.domain.gap import DEFAULT_TOLERANCE
from recsysops.domain.measure import transform
from recsysops.domain.run import Run
from recsysops.domain.timeline import TimelineEntry, TimelineKind, TimelinePlace
from recsysops.service.ports import UnitOfWork
from recsysops.service.queries._told_versions import percent
from recsysops.service.queries.values import load_at, number, records, text

RUNS_COMPARED = 30
"""Predictions of so many runs are compared, the latest ones."""
PREDICTING = ("run", "predict")
_NAMES = {
    "reach": "Predicted reach",
    "impression_share": "Predicted share of impressions",
    "uptake": "Predicted uptake",
}

Target = tuple[str, str, str, int]


@dataclass(frozen=True)
class _Point:
    """What was served for one target in one run."""

    median: float
    y: float
    """On the transformed scale."""
    source: str
    """Who predicted, and by which model."""


@dataclass(frozen=True)
class _Move:
    target: Target
    before: _Point
    after: _Point

    @property
    def size(self) -> float:
        return abs(self.after.y - self.before.y)


def prediction_times(runs: Sequence[Run]) -> list[datetime]:
    """Return the times that predictions were made for, latest first."""
    return sorted({run.as_of for run in runs if run.verb in PREDICTING and not run.has_failed}, reverse=True)


def move_entries(unit: UnitOfWork, title_id: str, times: Sequence[datetime]) -> Iterator[TimelineEntry]:
    """Yield where medians moved by more than a quarter between two runs: one entry per run, measure and direction.

    Args:
        unit: Where the predictions are.
        title_id: The title.
        times: The runs to compare, latest first.
    """
    later: dict[Target, _Point] = {}
    later_at: datetime | None = None
    for at in times:
        points = _points(unit, title_id, at)
        if not points:
            continue
        if later_at is not None:
            yield from _told(later_at, points, later)
        later_at, later = at, points


def _points(unit: UnitOfWork, title_id: str, at: datetime) -> dict[Target, _Point]:
    points = {}
    for row in records(load_at(unit, PREDICTIONS, at, (title_id,))):
        median, denominator = number(row[QUANTILES[9]]), number(row[DENOMINATOR])
        if row[IS_SERVED] and median is not None and denominator:
            y = float(transform(row[MEASURE], median, denominator))
            target = (row[MARKET], row[SURFACE], row[MEASURE], int(row[HORIZON]))
            points[target] = _Point(median, y, f"{row[PREDICTOR]} {text(row[MODEL_ID])}")
    return points


def _told(at: datetime, before: dict[Target, _Point], after: dict[Target, _Point]) -> Iterator[TimelineEntry]:
    moves: dict[tuple[str, bool], list[_Move]] = defaultdict(list)
    for target in sorted(before.keys() & after.keys()):
        move = _Move(target, before[target], after[target])
        if move.size > DEFAULT_TOLERANCE and math.isfinite(move.size):
            moves[target[2], move.after.y > move.before.y].append(move)
    for (measure, is_up), group in moves.items():
        yield _entry(at, measure, group, is_up=is_up)


def _entry(at: datetime, measure: str, group: Sequence[_Move], *, is_up: bool) -> TimelineEntry:
    largest = max(group, key=lambda move: move.size)
    market, surface, _, days = largest.target
    where = " · ".join(part for part in (market, surface) if part != "all") or "everywhere"
    facts = [f"{days} day{'' if days == 1 else 's'}", where]
    if len(group) > 1:
        facts.append(f"the largest of {len(group)} moves")
    if largest.before.source != largest.after.source:
        facts.append("by another model")
    return TimelineEntry(
        at=at,
        known_at=None,
        kind=TimelineKind.PREDICTION,
        what=f"{_NAMES.get(measure, measure)} {'rose' if is_up else 'fell'} ({', '.join(facts)})",
        before=percent(largest.before.median),
        after=percent(largest.after.median),
        places=tuple(
            TimelinePlace(market=market, surface=surface)
            for market, surface in sorted({(move.target[0], move.target[1]) for move in group})
        ),
    )
