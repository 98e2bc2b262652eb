"""Gathers what a model may learn from."""

from dataclasses import replace
from typing import Final

import pandas as pd

from recsysops.columns import (
    AS_OF,
    IS_SERVED,
    KNOWN_AT,
    LAUNCH_AT,
    LEAD,
    PINBALL,
    PIT,
    PREDICTOR,
    TARGET_KEY,
)
from recsysops.domain.batch import NOT_POINT_IN_TIME
from recsysops.domain.history import History
from recsysops.service.context import Context
from recsysops.service.ports import UnitOfWork

_OF_SCORES: Final = (*TARGET_KEY, LEAD, AS_OF, LAUNCH_AT, PREDICTOR, IS_SERVED, PIT, PINBALL, KNOWN_AT)
"""What a model learns of predictions held against what happened."""


def read_history(context: Context, unit: UnitOfWork) -> History:
    """Return every version of titles and launches, and every outcome, with the label they carry.

    What was delivered is read again only when something more was.
    """
    # What the recommender says, and what became of predictions, comes in no batch.
    scores = unit.scores.latest(names=_OF_SCORES)
    told = int(pd.util.hash_pandas_object(scores, index=False).sum())
    delivered = tuple(batch.batch_id for batch in unit.batches.all())
    key = (*delivered, unit.shadow.mark(), f"{len(scores)}-{told}")
    if key not in context.histories:
        before = next((known for marks, known in context.histories.items() if marks[:-2] == delivered), None)
        context.histories.clear()
        if before is not None:
            context.histories[key] = replace(
                before, shadow=unit.shadow.all(), relabelled=unit.shadow.relabelled(), scores=scores
            )
            return context.histories[key]
        context.histories[key] = History(
            titles=unit.versions.history("titles"),
            launches=unit.versions.history("launches"),
            outcomes=unit.treatment.outcomes(context.settings.treatment.measures, context.settings.treatment.horizons),
            shadow=unit.shadow.all(),
            relabelled=unit.shadow.relabelled(),
            scores=scores,
            zones={name: market.time_zone for name, market in context.settings.markets.items() if market.time_zone},
            label=data_label(unit),
        )
    return context.histories[key]


def data_label(unit: UnitOfWork) -> str:
    """Return `not point-in-time` where any batch rests on assumed times, else an empty text."""
    return NOT_POINT_IN_TIME if any(batch.as_of_label for batch in unit.batches.all()) else ""
