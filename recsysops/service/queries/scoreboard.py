"""After launch: how good predictions were, and the titles we were most wrong about."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from recsysops.columns import (
    ABSOLUTE_ERROR,
    ACTUAL,
    ALL,
    AS_OF,
    CELL_KEY,
    CRPS,
    DENOMINATOR,
    HORIZON,
    IS_SERVED,
    LAUNCH_AT,
    LEAD,
    MARKET,
    MEASURE,
    MODEL_ID,
    NAME,
    PINBALL,
    PIT,
    PREDICTOR,
    QUANTILES,
    SURFACE,
    TITLE_ID,
    TITLES,
)
from recsysops.domain.measure import Measure, transform
from recsysops.domain.scoreboard import SERVED, Miss, MissList, Scoreboard, ScoredTarget, ScoreFilter
from recsysops.errors import UsageError
from recsysops.service.history import data_label
from recsysops.service.ports import Store, UnitOfWork
from recsysops.service.queries._score_groups import BIAS, group_lines
from recsysops.service.queries._score_lines import (
    calibration,
    is_inside,
    lead_curve,
    leads_of,
    of_predictor,
    predictors_of,
    score_lines,
)
from recsysops.service.queries.values import Row, records, text

LOW, MEDIAN, HIGH = QUANTILES[1], QUANTILES[9], QUANTILES[17]
READ: Final = (
    *CELL_KEY, MEASURE, HORIZON, LEAD, AS_OF, LAUNCH_AT, PREDICTOR, MODEL_ID, IS_SERVED, ACTUAL, DENOMINATOR, PIT, CRPS,
    PINBALL, ABSOLUTE_ERROR, LOW, MEDIAN, HIGH,
)  # fmt: skip
"""Of LAUNCH_SCORE: all but most quantiles."""
_N_CELLS: Final = "n_cells"


@dataclass(frozen=True)
class _Asked:
    """What a filter comes to, on the scores there are."""

    measure: str | None
    horizon: int | None
    lead: int | None
    predictor: str
    targets: tuple[tuple[str, int], ...]
    scores: pd.DataFrame
    """READ, of this measure, horizon and time."""

    @property
    def rows(self) -> pd.DataFrame:
        """One row per cell: of the predictor asked for, at the lead asked for."""
        return of_predictor(self.scores[self.scores[LEAD] == self.lead], self.predictor)


def scoreboard(store: Store, filters: ScoreFilter, requirements: pd.DataFrame) -> Scoreboard:
    """Return how good predictions were.

    Args:
        store: Where scores are.
        filters: Which.
        requirements: REQUIREMENT, to tell launches apart whose metadata was missing.

    Raises:
        UsageError: No such lead or predictor was scored.
    """
    with store.read() as unit:
        asked = _asked(unit, filters)
        rows = asked.rows
        titles = unit.versions.history(TITLES, sorted(set(rows[TITLE_ID]))) if len(rows) else pd.DataFrame()
        label = data_label(unit)
    scores = asked.scores
    curve, is_paired = lead_curve(scores)
    at_lead = scores[scores[LEAD] == asked.lead]
    return Scoreboard(
        measure=asked.measure,
        horizon=asked.horizon,
        lead=asked.lead,
        predictor=asked.predictor,
        since=filters.since,
        until=filters.until,
        label=label,
        targets=tuple(ScoredTarget(measure=measure, horizon=horizon) for measure, horizon in asked.targets),
        leads=leads_of(scores),
        predictors=predictors_of(scores),
        n_launches=len(scores[list(CELL_KEY)].drop_duplicates()),
        first_launch_at=scores[LAUNCH_AT].min().to_pydatetime() if len(scores) else None,
        last_launch_at=scores[LAUNCH_AT].max().to_pydatetime() if len(scores) else None,
        lines=score_lines(scores),
        calibrations=tuple(
            calibration(of_predictor(at_lead, name), name, int(asked.lead or 0)) for name in predictors_of(at_lead)
        ),
        groups=group_lines(_with_bias(rows), titles, requirements) if len(rows) else (),
        curve=curve,
        is_curve_paired=is_paired,
    )


def misses(store: Store, filters: ScoreFilter, *, offset: int = 0, limit: int = 100) -> MissList:
    """Return one page of titles, the largest error of the median first; each by its worst cell.

    Args:
        store: Where scores are.
        filters: Which.
        offset: Titles to skip.
        limit: Titles to return.

    Raises:
        UsageError: No such lead or predictor was scored.
    """
    with store.read() as unit:
        asked = _asked(unit, filters)
        rows = asked.rows.sort_values([ABSOLUTE_ERROR, *CELL_KEY], ascending=[False, True, True, True], kind="stable")
        rows = rows.assign(**{_N_CELLS: rows.groupby(TITLE_ID)[TITLE_ID].transform("size")})
        worst = rows.drop_duplicates(TITLE_ID)
        page = worst.iloc[offset : offset + limit]
        names = _names(unit, page[TITLE_ID].tolist())
    return MissList(
        measure=asked.measure,
        horizon=asked.horizon,
        lead=asked.lead,
        predictor=asked.predictor,
        rows=tuple(
            _miss(row, names, inside=bool(inside))
            for row, inside in zip(records(page), is_inside(page, 0.8), strict=True)
        ),
        total=len(worst),
        offset=offset,
        limit=limit,
    )


def _asked(unit: UnitOfWork, filters: ScoreFilter) -> _Asked:
    order = [measure.value for measure in Measure]
    targets = sorted(unit.scores.targets(), key=lambda target: (order.index(target[0]), target[1]))
    fitting = [
        (measure, horizon)
        for measure, horizon in targets
        if filters.measure in {None, measure} and filters.horizon in {None, horizon}
    ]
    measure, horizon = fitting[0] if fitting else (filters.measure, filters.horizon)
    scores = unit.scores.latest(
        measure=measure, horizon=horizon, since=filters.since, until=filters.until, names=READ
    )  # fmt: skip
    scores = scores[scores[ACTUAL].notna()] if fitting else scores[:0]
    predictor = filters.predictor or next(iter(predictors_of(scores)), SERVED)
    _refuse_unknown(scores, predictor, filters.lead)
    lead = filters.lead or _most(of_predictor(scores, predictor))
    return _Asked(measure, horizon, lead, predictor, tuple(targets), scores)


def _refuse_unknown(scores: pd.DataFrame, predictor: str, lead: int | None) -> None:
    """Raise where something is asked for that nothing was scored of; before anything was, everything is fine."""
    known = predictors_of(scores)
    if known and predictor not in known:
        raise UsageError(f'There is no score of "{predictor}" (there are: {", ".join(known)}). Ask for one of these.')
    leads = leads_of(scores)
    if lead is not None and leads and lead not in leads:
        has = ", ".join(map(str, leads))
        raise UsageError(f"There is no score at a lead of {lead} days (there are: {has}). Ask for one of these.")


def _most(rows: pd.DataFrame) -> int | None:
    """Return the lead with most launches, of equal ones the shortest."""
    counts = rows[LEAD].value_counts()
    return min((int(lead) for lead, n in counts.items() if n == counts.max()), default=None)  # type: ignore[call-overload]


def _with_bias(rows: pd.DataFrame) -> pd.DataFrame:
    n = rows[DENOMINATOR].to_numpy(dtype=np.float64)
    measure = str(rows[MEASURE].iloc[0])
    return rows.assign(**{BIAS: transform(measure, rows[ACTUAL], n) - transform(measure, rows[MEDIAN], n)})


def _names(unit: UnitOfWork, title_ids: list[str]) -> dict[str, str]:
    if not title_ids:
        return {}
    titles = unit.versions.history(TITLES, title_ids)
    general = titles[(titles[MARKET] == ALL) & titles[NAME].notna()]
    return dict(zip(general[TITLE_ID], general[NAME], strict=True))


def _miss(row: Row, names: dict[str, str], *, inside: bool) -> Miss:
    return Miss(
        title_id=row[TITLE_ID],
        name=names.get(row[TITLE_ID], ""),
        market=row[MARKET],
        surface=row[SURFACE],
        measure=row[MEASURE],
        horizon=int(row[HORIZON]),
        lead=int(row[LEAD]),
        launch_at=row[LAUNCH_AT].to_pydatetime(),
        as_of=row[AS_OF].to_pydatetime(),
        predictor=row[PREDICTOR],
        model_id=text(row[MODEL_ID]),
        actual=float(row[ACTUAL]),
        median=float(row[MEDIAN]),
        low=float(row[LOW]),
        high=float(row[HIGH]),
        absolute_error=float(row[ABSOLUTE_ERROR]),
        is_covered=inside,
        n_cells=int(row[_N_CELLS]),
    )
