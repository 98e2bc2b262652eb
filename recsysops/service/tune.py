"""Search for better model settings on past launches. Writes nothing: the answer is a suggestion."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import product

from recsysops.domain.tuning import Tuning
from recsysops.errors import UsageError
from recsysops.service.context import Context
from recsysops.service.history import read_history

MAX_TRIALS = 200


@dataclass(frozen=True)
class TuneReport:
    """What was tried, and what to write into [model]."""

    tuning: Tuning
    suggestion: Mapping[str, float]
    """Settings that beat the bundled ones on later launches; empty where none did."""
    label: str
    """`not point-in-time` where it rests on assumed times."""


def tune(
    context: Context, *, as_of: datetime | None = None, n_trials: int = 12, measures: tuple[str, ...] = (),
    horizons: tuple[int, ...] = (),
) -> TuneReport:  # fmt: skip
    """Try `n_trials` settings on what was known at `as_of`.

    Raises:
        UsageError: The number of trials is out of range.
        ModelError: There is too little history to try anything on.
    """
    if not 1 <= n_trials <= MAX_TRIALS:
        raise UsageError(f"{n_trials} trials cannot be made (expected 1 to {MAX_TRIALS}). Choose another number.")
    at = context.as_of(as_of)
    treatment = context.settings.treatment
    targets = tuple(product(measures or treatment.measures, horizons or treatment.horizons))
    with context.store.read() as unit:
        history = read_history(context, unit).until(at)
    tuning = context.forecaster.tune(history, at, targets, context.settings.model, n_trials, context.progress)
    return TuneReport(tuning, tuning.best if tuning.is_better else {}, history.label)
