"""What was judged of given titles, put together for whoever asked. Judges nothing."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd

from recsysops.columns import (
    ABSTAINS,
    CELL_KEY,
    DENOMINATOR,
    HORIZON,
    IS_SERVED,
    LABEL,
    MEASURE,
    MODEL,
    MODEL_ID,
    PREDICTOR,
    TARGET_KEY,
    TITLE_ID,
)
from recsysops.domain.check_view import CheckedCell, CheckReport, GivenAnswer, GivenVerdict, ServedPrediction
from recsysops.domain.given import GivenTitle, GivenTitles
from recsysops.service._standing import Standing
from recsysops.service.check import checked_cells, failed_steps
from recsysops.service.frames import to_findings
from recsysops.service.judge import Judgement
from recsysops.service.queries.values import Row, number, records, text

LOW: Final = "q10"
MEDIAN: Final = "q50"
HIGH: Final = "q90"
_SHOWN: Final = (
    *CELL_KEY, MEASURE, HORIZON, IS_SERVED, PREDICTOR, MODEL_ID, LABEL, ABSTAINS, DENOMINATOR, LOW, MEDIAN, HIGH,
)  # fmt: skip


def verdicts_by_title(
    titles: Sequence[GivenTitle], judgement: Judgement, predictions: pd.DataFrame, standing: Standing
) -> dict[str, GivenVerdict]:
    """Return what is said of each given title, by id.

    Args:
        titles: Any of them may be missing from the judgement: such a title is left out.
        judgement: Of their cells.
        predictions: PREDICTION of the same cells.
        standing: Says which ids are stored.
    """
    cells: dict[str, list[CheckedCell]] = {}
    for cell in checked_cells(judgement.cells, to_findings(judgement.findings)):
        cells.setdefault(cell.title_id, []).append(cell)
    served = _served(predictions)
    return {
        title.title_id: GivenVerdict(
            title_id=title.title_id,
            name=title.name,
            is_known=title.title_id in standing.stored,
            status=cells[title.title_id][0].cell.status,
            cells=tuple(cells[title.title_id]),
            predictions=tuple(served.get(title.title_id, ())),
        )
        for title in titles
        if title.title_id in cells
    }


def answer_to(
    asked: GivenTitles, verdicts: Mapping[str, GivenVerdict], judgement: Judgement, standing: Standing
) -> GivenAnswer:
    """Return the answer to one request, its titles in the order given."""
    own = tuple(verdicts[title.title_id] for title in asked.titles)
    report = CheckReport(
        as_of=judgement.as_of,
        fail_on=asked.fail_on,
        allow_unknown=asked.allow_unknown,
        cells=tuple(cell for verdict in own for cell in verdict.cells),
    )
    return GivenAnswer(
        exit_code=report.exit_code,
        n_failed=len(report.failed),
        n_unknown=report.n_unknown,
        as_of=judgement.as_of,
        history_as_of=standing.forecast.as_of,
        models=standing.forecast.model_ids,
        fail_on=asked.fail_on,
        allow_unknown=asked.allow_unknown,
        titles=own,
        notices=failed_steps(judgement),
    )


def _served(predictions: pd.DataFrame) -> dict[str, list[ServedPrediction]]:
    """Return, by title, what is served for every target; where nothing is, why the model abstains."""
    if predictions.empty:
        return {}
    frame = predictions[list(_SHOWN)]
    rank = np.where(frame[IS_SERVED], 0, np.where(frame[PREDICTOR] == MODEL, 1, 2))
    first = frame.assign(_rank=rank).sort_values([*TARGET_KEY, "_rank"]).drop_duplicates(list(TARGET_KEY))
    found: dict[str, list[ServedPrediction]] = {}
    for row in records(first):
        found.setdefault(row[TITLE_ID], []).append(_prediction(row))
    return found


def _prediction(row: Row) -> ServedPrediction:
    is_served = bool(row[IS_SERVED])
    _, market, surface = (row[column] for column in CELL_KEY)
    return ServedPrediction(
        market=market,
        surface=surface,
        measure=row[MEASURE],
        horizon=int(row[HORIZON]),
        median=number(row[MEDIAN]),
        low=number(row[LOW]),
        high=number(row[HIGH]),
        denominator=number(row[DENOMINATOR]),
        predictor=text(row[PREDICTOR]) if is_served else "",
        model_id=text(row[MODEL_ID]) if is_served else "",
        label=text(row[LABEL]) if is_served else "",
        abstains="" if is_served else text(row[ABSTAINS]),
    )
