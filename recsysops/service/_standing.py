"""What judging given titles needs of the store: made ready once, and again after a run that changed it."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from threading import Lock
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsysops.columns import (
    ALL,
    AS_OF,
    CELL_KEY,
    FEED_STATE,
    FIELD,
    FIELDS,
    MARKET,
    OBSERVED_AT,
    PREDICTIONS,
    PROVIDER,
    TITLE_ID,
    TITLES,
)
from recsysops.domain.model import ModelCard
from recsysops.domain.run import Run
from recsysops.service.context import Context
from recsysops.service.feeds import feed_states
from recsysops.service.history import read_history
from recsysops.service.ports import ReadyForecast, UnitOfWork
from recsysops.service.rules import IDENTITY

LOOK_SECONDS: Final = 1.0
"""The store is asked for a newer run at most this often."""
_RUNS: Final = 5


@dataclass(frozen=True, kw_only=True)
class Standing:
    """The store's side of a judgement."""

    forecast: ReadyForecast
    feeds: pd.DataFrame
    """FEED_STATE."""
    stored: Mapping[str, npt.NDArray[np.intp]]
    """Every title that is stored, and where its general versions are in `identities`."""
    identities: pd.DataFrame
    """IDENTITY of every general version, of each title the newest first."""
    fields: tuple[str, ...]
    """Metadata fields some stored title has, or that are required or read: columns a judgement may expect."""

    def earlier(self, title_ids: Sequence[str]) -> pd.DataFrame:
        """Return EARLIER of given titles: what is stored under their ids came before what is given."""
        places = [self.stored[title_id] for title_id in title_ids if title_id in self.stored]
        return self.identities.take(np.concatenate(places) if places else []).reset_index(drop=True)


class Standings:
    """Keeps the standing until a run has been recorded or it has grown too old. Safe between threads."""

    def __init__(self, context: Context, now: Callable[[], float] = time.monotonic) -> None:
        """Read nothing yet."""
        self._context = context
        self._now = now
        self._lock = Lock()
        self._looked_at = float("-inf")
        self._runs: tuple[Run, ...] | None = None
        self._rests_on: object = None
        self._standing: Standing | None = None

    def get(self, as_of: datetime) -> Standing:
        """Return the standing to judge with at `as_of`."""
        with self._lock:
            if self._standing is None or not self._holds(self._standing, as_of) or self._is_due():
                self._standing = self._look(as_of)
            return self._standing

    def _is_due(self) -> bool:
        return self._now() - self._looked_at >= LOOK_SECONDS

    def _holds(self, standing: Standing, as_of: datetime) -> bool:
        return standing.forecast.as_of <= as_of <= standing.forecast.as_of + self._oldest()

    def _oldest(self) -> timedelta:
        return timedelta(hours=self._context.settings.model.max_prediction_age_hours)

    def _look(self, as_of: datetime) -> Standing:
        with self._context.store.read() as unit:
            runs = unit.runs.list(limit=_RUNS)
            standing = self._standing
            if standing is None or runs != self._runs or not self._holds(standing, as_of):
                at, cards = self._stands_at(unit, as_of)
                rests_on = (at, tuple(card.model_id for card in cards), tuple(b.batch_id for b in unit.batches.all()))
                if standing is None or rests_on != self._rests_on:
                    standing = self._made(unit, at, cards)
                standing = replace(standing, feeds=feed_states(unit, self._context.settings, as_of))
                self._rests_on, self._runs = rests_on, runs
            self._looked_at = self._now()
        return standing

    def _stands_at(self, unit: UnitOfWork, as_of: datetime) -> tuple[datetime, tuple[ModelCard, ...]]:
        """Return the time of the last predictions or models; where these are too old, `as_of`, to be used from then on.

        At the time of the last predictions, a stored title that is given again is predicted just the same.
        """
        active = [card for card in unit.models.active() if card.trained_as_of <= as_of]
        predictions = unit.results.load(PREDICTIONS, as_of)
        times = [card.trained_as_of for card in active]
        times += [predictions[AS_OF].max().to_pydatetime()] if len(predictions) else []
        at = max(times, default=as_of)
        return (at if at >= as_of - self._oldest() else as_of), tuple(active)

    def _made(self, unit: UnitOfWork, at: datetime, cards: tuple[ModelCard, ...]) -> Standing:
        context = self._context
        history = read_history(context, unit)
        treatment = context.settings.treatment
        by_target = {(card.measure, card.horizon): card for card in cards}
        models: dict[tuple[str, int], ModelCard | None] = {
            (m, h): by_target.get((m, h)) for m in treatment.measures for h in treatment.horizons
        }
        forecast = context.forecaster.ready(history, at, models, context.settings.model, context.artifacts_folder)
        general = history.titles[(history.titles[MARKET] == ALL) & (history.titles[OBSERVED_AT] <= at)]
        general = general.sort_values([TITLE_ID, OBSERVED_AT], ascending=[True, False], ignore_index=True)
        places = general.groupby(TITLE_ID).indices
        return Standing(
            forecast=forecast,
            feeds=pd.DataFrame(columns=list(FEED_STATE)),
            stored={str(title_id): np.asarray(at) for title_id, at in places.items()},
            identities=general[list(IDENTITY)],
            fields=_fields(history.titles, context),
        )


def _fields(titles: pd.DataFrame, context: Context) -> tuple[str, ...]:
    found = {name for fields in titles[FIELDS] for name in fields} | set(context.requirements[FIELD])
    for used in context.detectors:
        found |= set(used.detector.needs(used.params).get(TITLES, ())) - {*CELL_KEY, PROVIDER}
    return tuple(sorted(found))
