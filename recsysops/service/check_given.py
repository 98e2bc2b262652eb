"""Judges titles whose metadata is stored nowhere, as `check` judges stored ones. Writes nothing.

Requests may be judged together: what one is told does not depend on the others.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import pandas as pd

from recsysops.columns import (
    CELLS,
    CHECKS,
    EARLIER,
    EXPECTATIONS,
    FEEDS,
    GROUP,
    GROUPS,
    PREDICTIONS,
    REQUIREMENTS,
    TITLE_ID,
    TITLES,
)
from recsysops.domain.check_view import GivenAnswer
from recsysops.domain.given import GivenTitle, GivenTitles
from recsysops.domain.run import StepReport
from recsysops.errors import UsageError
from recsysops.service._given_answer import answer_to, verdicts_by_title
from recsysops.service._given_tables import given_cells, given_plans, given_versions
from recsysops.service._standing import Standing, Standings
from recsysops.service.cells import cell_metadata
from recsysops.service.context import Context
from recsysops.service.expectations import as_shares
from recsysops.service.judge import judge_tables, suite_reports
from recsysops.service.rules import with_rules
from recsysops.service.sharing import Sharing

MAX_TOGETHER: Final = 200
"""Titles of different requests that are judged together."""
MAX_WAITING: Final = 5_000
"""Titles that may wait for their judgement."""


@dataclass(frozen=True)
class Judged:
    """An answer, and what its call took."""

    answer: GivenAnswer
    seconds: Mapping[str, float]
    """Of the whole call, by part of the work, in the order of the work."""
    n_shared: int
    """Requests judged in the same call."""
    verdicts: pd.DataFrame = field(repr=False)
    """VERDICT: what every rule said of the cells of the call."""


class GivenCheck:
    """Judges given titles, one call at a time; keeps what depends on the store alone between calls."""

    def __init__(self, context: Context) -> None:
        """Judge with these ports; nothing is read before the first call."""
        self._context = context
        self.standings = Standings(context)
        """What stands ready; large, so whoever else predicts given titles shares it."""

    def judge(self, requests: Sequence[GivenTitles], as_of: datetime | None = None) -> tuple[Judged, ...]:
        """Judge all titles of all requests together.

        Args:
            requests: No two of them hold the same title.
            as_of: The time to stand at.

        Raises:
            UsageError: A launch is not ahead.
        """
        seconds: dict[str, float] = {}
        at = self._context.as_of(as_of)
        for request in requests:
            _refuse_past(request.titles, at)
        with _timed(seconds, "ready"):
            standing = self.standings.get(at)
        tables, suites = self._tables(requests, standing, at, seconds)
        judged: list[Judged] = []
        for group in [requests] if not self._judges_jointly() else [[request] for request in requests]:
            own = [title for request in group for title in request.titles]
            with _timed(seconds, "detect"):
                judgement = judge_tables(self._context, _of(tables, own), suites, at)
            with _timed(seconds, "answer"):
                verdicts = verdicts_by_title(own, judgement, tables[PREDICTIONS], standing)
                answers = [answer_to(request, verdicts, judgement, standing) for request in group]
            judged += [Judged(answer, seconds, len(requests), judgement.verdicts) for answer in answers]
        return tuple(judged)

    def _tables(
        self, requests: Sequence[GivenTitles], standing: Standing, at: datetime, seconds: dict[str, float]
    ) -> tuple[dict[str, pd.DataFrame], tuple[StepReport, ...]]:
        requirements = self._context.requirements
        titles = [title for request in requests for title in request.titles]
        with _timed(seconds, "features"):
            cells, versions = given_cells(titles), given_versions(titles, at)
            metadata = cell_metadata(cells, versions)
            # A field that only other titles have is empty here, as it is for a stored title that lacks it.
            metadata = metadata.reindex(columns=list(dict.fromkeys([*metadata.columns, *standing.fields])))
        with _timed(seconds, "predict"):
            predictions = standing.forecast.predict(cells, versions)
            expectations = as_shares(given_plans(titles, at), cells, predictions)
        with _timed(seconds, "checks"):
            checks, failed = self._context.checks.check(metadata, requirements)
        tables = {
            FEEDS: standing.feeds,
            EARLIER: standing.earlier([title.title_id for title in titles]),
            GROUPS: _groups(requests),
            CELLS: cells,
            TITLES: metadata,
            PREDICTIONS: predictions,
            EXPECTATIONS: expectations,
            CHECKS: checks,
            REQUIREMENTS: requirements,
        }
        with _timed(seconds, "rules"):
            tables, of_rules = with_rules(self._context, tables, at)
        return tables, (*suite_reports(checks, failed), *of_rules)

    def _judges_jointly(self) -> bool:
        return any(used.detector.judges_jointly for used in self._context.detectors)


class SharedCheck:
    """Judges given titles; requests that come at the same time share one judgement. Safe between threads."""

    def __init__(self, judge: Callable[[Sequence[GivenTitles]], Sequence[Judged]]) -> None:
        """Judge with `GivenCheck.judge`, or what stands for it; starts nothing."""
        self._sharing = Sharing(
            judge, fitting=_fitting, size=lambda request: len(request.titles), max_waiting=MAX_WAITING
        )

    def submit(self, request: GivenTitles) -> "Future[Judged]":
        """Return what will hold the answer.

        Raises:
            BusyError: Too many titles wait already.
        """
        return self._sharing.submit(request)


def _fitting(waiting: Sequence[GivenTitles]) -> int:
    """Return how many requests, from the first, are judged together: no title twice, and not too many of them."""
    seen: set[str] = set()
    for n, request in enumerate(waiting):
        ids = {title.title_id for title in request.titles}
        if n and (seen & ids or len(seen) + len(ids) > MAX_TOGETHER):
            return n
        seen |= ids
    return len(waiting)


def _groups(requests: Sequence[GivenTitles]) -> pd.DataFrame:
    """Return GROUPS: titles of one request may be compared with each other, and with no others."""
    rows = [(title.title_id, str(number)) for number, request in enumerate(requests) for title in request.titles]
    return pd.DataFrame(rows, columns=[TITLE_ID, GROUP], dtype="str")


def _refuse_past(titles: Sequence[GivenTitle], at: datetime) -> None:
    for title in titles:
        past = [launch.launch_at for launch in title.launches if launch.launch_at <= at]
        if past:
            raise UsageError(
                f'Title "{title.title_id}" launches at {min(past):%Y-%m-%d %H:%M} UTC, which is not after '
                f"{at:%Y-%m-%d %H:%M} UTC, the time the judgement stands at. Leave the launch out, or correct it."
            )


def _of(tables: Mapping[str, pd.DataFrame], titles: Sequence[GivenTitle]) -> dict[str, pd.DataFrame]:
    """Return the rows that are about these titles, and whole tables that are about no title."""
    ids = {title.title_id for title in titles}
    if len(ids) == tables[CELLS][TITLE_ID].nunique():
        return dict(tables)
    return {
        name: frame[frame[TITLE_ID].isin(ids)].reset_index(drop=True) if TITLE_ID in frame else frame
        for name, frame in tables.items()
    }


@contextmanager
def _timed(seconds: dict[str, float], part: str) -> Iterator[None]:
    began = time.perf_counter()
    try:
        yield
    finally:
        seconds[part] = seconds.get(part, 0.0) + time.perf_counter() - began
