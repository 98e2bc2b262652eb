"""What-ifs over a sample store: the service's own code, with a forecast that follows from what is filled."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast

import numpy as np
import pandas as pd

from recsysops import columns as c
from recsysops.clock import Clock
from recsysops.domain.distribution import PROBABILITIES, normal_quantile
from recsysops.domain.measure import HORIZONS, inverse
from recsysops.service.context import Context
from recsysops.service.ports import AskableRecommender, Forecaster, MemberSampler, Reader, Store
from recsysops.service.what_if import WhatIfs
from recsysops.settings import Settings

UNLIKE: Final = "unlike anything"
"""A value with which the forecast abstains."""
_MODEL_ID: Final = "sample-model"
_N: Final = 1000.0


@dataclass
class SampleForecast:
    """Raises reach with what is filled, with what the recommender said, and towards the end of a week."""

    as_of: datetime
    model_ids: tuple[str, ...] = (_MODEL_ID,)

    def predict(self, cells: pd.DataFrame, titles: pd.DataFrame, shadow: pd.DataFrame | None = None) -> pd.DataFrame:
        """Return PREDICTION of reach; the 28 days are answered by comparable titles."""
        rows = []
        for cell in cells.to_dict("records"):
            level, reason = self._level(cell, titles, shadow)
            for horizon in HORIZONS:
                y = level + 0.2 * np.log(horizon) + 0.4 * normal_quantile(PROBABILITIES)
                quantiles = inverse("reach", y, [_N]) if reason is None else np.full(len(PROBABILITIES), np.nan)
                by = c.MODEL if horizon < max(HORIZONS) else c.COMPARABLE_TITLES
                rows.append((
                    *(cell[key] for key in c.CELL_KEY), "reach", horizon, 7, self.as_of, cell[c.LAUNCH_AT], by,
                    reason is None, reason, "", _N, _MODEL_ID if by == c.MODEL else None, *quantiles,
                ))  # fmt: skip
        return pd.DataFrame(rows, columns=list(c.PREDICTION))

    def _level(
        self, cell: Mapping[Any, Any], titles: pd.DataFrame, shadow: pd.DataFrame | None
    ) -> tuple[float, str | None]:
        own = titles[(titles[c.TITLE_ID] == cell[c.TITLE_ID]) & titles[c.MARKET].isin([c.ALL, cell[c.MARKET]])]
        fields: dict[str, object] = {}
        for each in own[c.FIELDS]:
            fields |= each
        filled = sum(value is not None for value in fields.values())
        level = -3.0 + 0.3 * filled + 0.1 * cell[c.LAUNCH_AT].day_of_week
        if shadow is not None and len(shadow):
            keys = [shadow[key] == cell[key] for key in c.CELL_KEY]
            level += float(shadow.loc[np.logical_and.reduce(keys), c.REACH_JOINT].sum())
        return level, "it is unlike anything launched here before" if UNLIKE in fields.values() else None


@dataclass
class SampleForecaster:
    """Makes the sample's forecast ready; does nothing else."""

    model_ids: tuple[str, ...] = (_MODEL_ID,)

    def ready(self, history: object, as_of: datetime, *_: object) -> SampleForecast:  # noqa: ARG002 - as the port has it
        """Return it."""
        return SampleForecast(as_of, self.model_ids)


def sample_what_if(
    store: Store,
    clock: Clock,
    settings: Settings,
    *,
    forecaster: SampleForecaster | None = None,
    recommender: AskableRecommender | None = None,
    sampler: MemberSampler | None = None,
) -> WhatIfs:
    """Return what answers what-ifs about the titles of a store."""
    return WhatIfs(
        Context(
            settings=settings,
            clock=clock,
            store=store,
            reader=cast(Reader, None),
            aggregator=cast(Any, None),
            forecaster=cast(Forecaster, forecaster or SampleForecaster()),
            checks=cast(Any, None),
            requirements=pd.DataFrame(columns=list(c.REQUIREMENT)),
            detectors=(),
            channels=(),
            recommender=recommender,
            sampler=sampler,
        )
    )
