"""Gathers what a model may learn from."""

from recsysops.domain.batch import NOT_POINT_IN_TIME
from recsysops.domain.history import History
from recsysops.service.context import Context
from recsysops.service.ports import UnitOfWork


def read_history(context: Context, unit: UnitOfWork) -> History:
    """Return every version of titles and launches, and every outcome, with the label they carry."""
    batches = tuple(batch.batch_id for batch in unit.batches.all())
    if batches not in context.histories:
        context.histories.clear()
        context.histories[batches] = History(
            titles=unit.versions.history("titles"),
            launches=unit.versions.history("launches"),
            outcomes=unit.treatment.outcomes(context.settings.treatment.measures, context.settings.treatment.horizons),
            label=data_label(unit),
        )
    return context.histories[batches]


def data_label(unit: UnitOfWork) -> str:
    """Return `not point-in-time` where any batch rests on assumed times, else an empty text."""
    return NOT_POINT_IN_TIME if any(batch.as_of_label for batch in unit.batches.all()) else ""
