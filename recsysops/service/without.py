"""Ask the recommender again about some launches without part of their metadata: models learn what missing costs."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import chain
from typing import Any, Final

import pandas as pd

from recsysops.columns import (
    ALL,
    CELL_KEY,
    DROPPED,
    FIELD,
    FIELDS,
    LAUNCH_AT,
    MARKET,
    NAME,
    OBSERVED_AT,
    PROVIDER,
    REACH_AS_IT_WAS,
    REACH_JOINT,
    RELABELLED,
    SERIES_ID,
    TITLE_ID,
    TITLES,
)
from recsysops.domain.dropping import FIELDS_EACH, Dealer, fields_that_matter, is_sampled, is_there
from recsysops.domain.shadow import LaunchWindow, MemberSample
from recsysops.service.context import Context
from recsysops.service.ports import ShadowSession, UnitOfWork

CHANGED: Final = "changed_metadata"
"""The ability of a recommender that can be asked so."""
_OWN: Final = (NAME, PROVIDER, SERIES_ID)
_LOOKED_AT: Final = 2_000
"""Titles from which it is told which fields matter."""

Question = tuple[LaunchWindow, MemberSample | None]


class Without:
    """What is still to be asked about launches without some of their metadata, and with what."""

    def __init__(self, context: Context, unit: UnitOfWork, cells: pd.DataFrame, as_of: datetime) -> None:
        """Choose among cells (CELL_KEY and LAUNCH_AT): those of sampled titles that were not asked about so before.

        Launches so old that what is said of them would not be kept are left out.
        """
        settings = context.settings
        said = unit.shadow.relabelled()
        young = cells[cells[LAUNCH_AT] >= as_of - timedelta(days=settings.retention.relabelled_days)]
        sampled = young[is_sampled(list(young[TITLE_ID]), settings.shadow.dropped_share)]
        wanted = pd.MultiIndex.from_frame(sampled[list(CELL_KEY)])
        self._wanted = set(wanted[~wanted.isin(pd.MultiIndex.from_frame(said[list(CELL_KEY)]))])
        titles = sorted({title for title, _, _ in self._wanted})
        source = settings.sources.get(TITLES)
        self._metadata = _Metadata(unit.versions.history(TITLES, titles), {} if source is None else source.columns)
        markets = {title: market for title, market, _ in sorted(self._wanted)}
        looked_at = [self._metadata.at(title, markets[title], as_of) for title in titles[:_LOOKED_AT]]
        ignored = {*settings.model.ignore_fields, NAME}
        fields = fields_that_matter([each for each in looked_at if each], set(context.requirements[FIELD]), ignored)
        self._dealer = Dealer(fields, Counter(chain.from_iterable(said[DROPPED])))

    def concerns(self, cells: pd.DataFrame) -> bool:
        """Return whether anything is to be asked about these cells."""
        return any(cell in self._wanted for cell in _keys(cells))

    def ask(self, session: ShadowSession, question: Question) -> pd.DataFrame:
        """Ask about the chosen cells of a window as they were, and without each of a few fields.

        Returns:
            RELABELLED, one row per cell and field; reach is missing where it was not answered.
        """
        window, sample = question
        chosen = window.cells[[cell in self._wanted for cell in _keys(window.cells)]]
        whole = {title: self._metadata.at(title, window.market, window.as_of) for title in chosen[TITLE_ID]}
        dropped = {title: self._dealer.of(title, fields) for title, fields in whole.items()}
        chosen = chosen[[bool(dropped[title]) for title in chosen[TITLE_ID]]]
        if chosen.empty:
            return nothing_without()
        others = set(window.cells[TITLE_ID]) - set(chosen[TITLE_ID])
        asked = replace(window, cells=chosen, rivals=tuple(sorted({*window.rivals, *others})))
        as_it_was = self._said(session, (asked, sample), whole, {})
        if as_it_was[REACH_JOINT].isna().all():
            as_it_was[DROPPED], as_it_was[REACH_AS_IT_WAS] = [[] for _ in as_it_was.index], float("nan")
            return as_it_was[list(RELABELLED)]
        frames = []
        for turn in range(FIELDS_EACH):
            now = {title: fields[turn] for title, fields in dropped.items() if len(fields) > turn}
            if now:
                said = self._said(session, (asked, sample), whole, now)
                said[DROPPED] = [[now[title]] if title in now else [] for title in said[TITLE_ID]]
                said[REACH_AS_IT_WAS] = as_it_was[REACH_JOINT].to_numpy()
                frames.append(said[said[TITLE_ID].isin(list(now))])
        return pd.concat(frames, ignore_index=True)[list(RELABELLED)]

    def _said(
        self,
        session: ShadowSession,
        question: Question,
        whole: Mapping[str, Mapping[str, Any]],
        dropped: Mapping[str, str],
    ) -> pd.DataFrame:
        window, sample = question
        # As it was is asked with the metadata spelt out, too: what is compared differs by the field alone.
        fields = {
            title: self._metadata.in_their_words(whole[title], without=dropped.get(title, ""))
            for title in window.cells[TITLE_ID]
        }
        return session.ask(replace(window, fields=fields), sample)


def ask_without(
    context: Context, session: ShadowSession, without: Without, questions: Iterator[Question]
) -> pd.DataFrame:
    """Ask until enough is asked in one run or time is up; return RELABELLED."""
    frames, left = [nothing_without()], context.settings.shadow.dropped_limit
    session = session.apart()  # whom questions about old or changed titles fail may well answer others
    for question in questions:
        if left <= 0 or session.is_over:
            break
        frames.append(without.ask(session, question))
        left -= len(frames[-1])
    return pd.concat([frame for frame in frames if len(frame)] or frames, ignore_index=True)


def is_learnable(frame: pd.DataFrame) -> "pd.Series[bool]":
    """Say which rows (RELABELLED) say what the missing metadata cost."""
    return frame[REACH_JOINT].notna() & frame[REACH_AS_IT_WAS].notna()


def nothing_without() -> pd.DataFrame:
    """Return RELABELLED without rows."""
    return pd.DataFrame(columns=list(RELABELLED))


class _Metadata:
    """Versions of metadata by title, oldest first, and how their owner calls the columns."""

    def __init__(self, history: pd.DataFrame, columns: Mapping[str, str]) -> None:
        self._words = {ours: columns.get(ours, ours) for ours in _OWN}
        rows = history.sort_values(OBSERVED_AT, kind="stable")
        self._versions = {str(title): own.to_dict("records") for title, own in rows.groupby(TITLE_ID, sort=False)}

    def at(self, title: str, market: str, at: datetime) -> dict[str, Any]:
        """Return what was there by then, the market's own values over those for all markets."""
        latest = {row[MARKET]: row for row in self._versions.get(title, ()) if row[OBSERVED_AT] <= at}
        found: dict[str, Any] = {}
        for place in dict.fromkeys((ALL, market)):
            row = latest.get(place, {})
            values = dict(row.get(FIELDS) or {}) | {name: row.get(name) for name in _OWN}
            found |= {name: value for name, value in values.items() if is_there(value)}
        return found

    def in_their_words(self, fields: Mapping[str, Any], *, without: str) -> dict[str, Any]:
        """Return metadata under the names of its owner's catalogue, but for one field."""
        return {self._words.get(name, name): value for name, value in fields.items() if name != without}


def _keys(cells: pd.DataFrame) -> Iterator[tuple[str, ...]]:
    return zip(*(cells[name] for name in CELL_KEY), strict=True)
