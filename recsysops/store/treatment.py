"""Treatment by day, activity by window, and the outcomes that follow from both."""

from collections.abc import Sequence
from typing import Any, Final

import pandas as pd
from sqlalchemy import (
    CTE,
    BigInteger,
    Double,
    and_,
    bindparam,
    case,
    cast,
    delete,
    func,
    literal,
    select,
    union_all,
)
from sqlalchemy.orm import Session

from recsysops import columns as c
from recsysops.domain.measure import Measure
from recsysops.store.bulk import AnySelect, insert_columns, read_frame, stored, stored_columns, wanted_text
from recsysops.store.frames import empty_frame, plain_columns
from recsysops.store.tables_input import ActivityRow, TreatmentDayRow

_DAY: Final = 86_400_000_000
"""Microseconds."""


class SqlTreatment:
    """See `TreatmentRepository`."""

    def __init__(self, session: Session) -> None:
        """Work in the transaction of `session`."""
        self._session = session

    def replace(self, signal: str, days: pd.DataFrame, activity: pd.DataFrame, cells: pd.DataFrame) -> None:
        """Replace the days of the cells (columns CELL_KEY) and the activity of their windows by these.

        The windows are those of the launch times in `days`, in `activity` and, where it has that column, in `cells`.
        """
        self._forget_days(signal, cells)
        self._forget_activity(signal, windows(days, activity, cells))
        for model, names, frame, table in (
            (TreatmentDayRow, c.TREATMENT_DAY, days, "treatment_day"),
            (ActivityRow, c.ACTIVITY, activity, "activity"),
        ):
            insert_columns(self._session, model, names, plain_columns(frame, names, table))

    def days(self, title_id: str) -> pd.DataFrame:
        """Return TREATMENT_DAY of one title, by market, surface, signal and day."""
        table = TreatmentDayRow
        wanted = (
            select(*stored_columns(table.__table__, c.TREATMENT_DAY))
            .where(table.title_id == wanted_text(title_id))
            .order_by(table.market, table.surface, table.signal, table.day)
        )
        return read_frame(self._session, wanted, c.TREATMENT_DAY, "treatment_day")

    def outcomes(self, measures: Sequence[str], horizons: Sequence[int]) -> pd.DataFrame:
        """Return OUTCOMES of every complete window.

        `reach` and `uptake` are new members over active members, `impression_share` events over events. By title,
        market, surface, measure and horizon. A window that lacks a day of treatment is partial, too.
        """
        if not measures:
            return empty_frame(c.OUTCOMES, "outcomes")
        sums = _sums([Measure(measure).signal for measure in measures], horizons).cte("sums")
        parts = [_outcomes_of(Measure(measure), sums) for measure in measures]
        every = union_all(*parts).subquery()
        wanted = select(*every.c).order_by(*(every.c[name] for name in c.TARGET_KEY))
        return read_frame(self._session, wanted, c.OUTCOMES, "outcomes")

    def _forget_days(self, signal: str, cells: pd.DataFrame) -> None:
        gone = [dict(zip(("t", "m", "s"), cell, strict=True)) for cell in _distinct(cells, c.CELL_KEY)]
        table = TreatmentDayRow.__table__
        statement = delete(TreatmentDayRow).where(
            table.c.title_id == bindparam("t"), table.c.market == bindparam("m"), table.c.surface == bindparam("s"),
            table.c.signal == signal,
        )  # fmt: skip
        if gone:
            self._session.connection().execute(statement, gone)

    def _forget_activity(self, signal: str, gone: Sequence[tuple[Any, ...]]) -> None:
        table = ActivityRow.__table__
        statement = delete(ActivityRow).where(
            table.c.market == bindparam("m"), table.c.surface == bindparam("s"),
            stored(table.c.start_at) == bindparam("at"), table.c.signal == signal,
        )  # fmt: skip
        if gone:
            self._session.connection().execute(
                statement, [dict(zip(("m", "s", "at"), key, strict=True)) for key in gone]
            )


def windows(days: pd.DataFrame, activity: pd.DataFrame, cells: pd.DataFrame) -> list[tuple[Any, ...]]:
    """Return (market, surface, start in microseconds) of the windows that frames of treatment speak of."""
    found = dict.fromkeys(_distinct(days, (c.MARKET, c.SURFACE, c.LAUNCH_AT)))
    found |= dict.fromkeys(_distinct(activity, (c.MARKET, c.SURFACE, c.START_AT)))
    if c.LAUNCH_AT in cells.columns:
        found |= dict.fromkeys(_distinct(cells, (c.MARKET, c.SURFACE, c.LAUNCH_AT)))
    return list(found)


def _distinct(frame: pd.DataFrame, names: Sequence[str]) -> list[tuple[Any, ...]]:
    lists = plain_columns(frame, names, "treatment")
    return list(dict.fromkeys(zip(*lists, strict=True)))


def _sums(signals: Sequence[str], horizons: Sequence[int]) -> AnySelect:
    """Select treatment summed over each complete window, with the window's activity."""
    day, window = TreatmentDayRow, ActivityRow
    key = (
        day.title_id,
        day.market,
        day.surface,
        day.signal,
        window.horizon,
        day.launch_at,
        window.n_active,
        window.n_events,
    )
    n_partial = func.sum(case((day.is_partial, 1), else_=0))
    is_whole = and_(n_partial == 0, func.count() == window.horizon, ~window.is_partial)
    same_window = and_(
        window.market == day.market, window.surface == day.surface, window.signal == day.signal,
        window.start_at == day.launch_at,
    )  # fmt: skip
    return (
        select(
            *key, func.sum(day.events).label(c.EVENTS), func.sum(day.new_members).label(c.NEW_MEMBERS),
            (~is_whole).label(c.IS_PARTIAL),
        )
        .join(window, same_window)
        .where(day.day < window.horizon, day.signal.in_(signals), window.horizon.in_(horizons))
        .group_by(*key, window.is_partial)
    )  # fmt: skip


def _outcomes_of(measure: Measure, sums: CTE) -> AnySelect:
    """Select the OUTCOMES of one measure."""
    is_share = measure is Measure.IMPRESSION_SHARE
    numerator = cast(sums.c[c.EVENTS if is_share else c.NEW_MEMBERS], Double)
    denominator = cast(sums.c[c.N_EVENTS if is_share else c.N_ACTIVE], Double)
    launch_at = stored(sums.c[c.LAUNCH_AT])
    return select(
        sums.c[c.TITLE_ID], sums.c[c.MARKET], sums.c[c.SURFACE], literal(str(measure)).label(c.MEASURE),
        sums.c[c.HORIZON], launch_at.label(c.LAUNCH_AT),
        (launch_at + sums.c[c.HORIZON] * literal(_DAY, BigInteger)).label(c.KNOWN_AT),
        (numerator / denominator).label(c.VALUE), numerator.label(c.NUMERATOR), denominator.label(c.DENOMINATOR),
        sums.c[c.IS_PARTIAL],
    ).where(sums.c[c.SIGNAL] == measure.signal, denominator > 0)  # fmt: skip
