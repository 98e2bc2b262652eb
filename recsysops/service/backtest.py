"""Roll the origin through history and score what would have been predicted."""

from dataclasses import dataclass
from datetime import datetime
from itertools import product

from recsysops.domain.model import BacktestScore
from recsysops.domain.run import Run
from recsysops.domain.verdict import StepOutcome
from recsysops.errors import ModelError
from recsysops.service.context import Context
from recsysops.service.history import read_history
from recsysops.service.recording import Recorder


@dataclass(frozen=True)
class BacktestReport:
    """How well each predictor would have done."""

    run: Run
    scores: tuple[BacktestScore, ...]
    refused: tuple[str, ...]
    """Why a measure and horizon could not be scored."""
    label: str
    """`not point-in-time` where it rests on assumed times."""


def backtest(
    context: Context,
    *,
    as_of: datetime | None = None,
    first_origin: datetime | None = None,
    measures: tuple[str, ...] = (),
    horizons: tuple[int, ...] = (),
) -> BacktestReport:
    """Score model, comparable titles, group mean and global median over weekly origins up to `as_of`."""
    at = context.as_of(as_of)
    recorder = Recorder(context, "backtest", at)
    treatment = context.settings.treatment
    scores: list[BacktestScore] = []
    refused: list[str] = []
    with recorder.step("backtest") as step:
        with context.store.read() as unit:
            history = read_history(context, unit).until(at)
        for measure, horizon in product(measures or treatment.measures, horizons or treatment.horizons):
            try:
                scores += context.forecaster.backtest(
                    history,
                    measure,
                    horizon,
                    context.settings.model,
                    first_origin=first_origin,
                    progress=context.progress,
                )
            except ModelError as error:
                refused.append(str(error))
        step.n = len(scores)
        step.reason = " ".join(refused)
        step.outcome = StepOutcome.RAN if scores else StepOutcome.SKIPPED
        with context.store.write() as unit:
            unit.results.save_scores(recorder.run.run_id, scores)
            unit.commit()
    return BacktestReport(recorder.finish(), tuple(scores), tuple(refused), history.label)
