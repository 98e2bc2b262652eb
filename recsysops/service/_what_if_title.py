"""A title as it is and as it would be: its metadata and the launches that are ahead. Reads; predicts nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import pandas as pd

from recsysops.columns import (
    ALL,
    CELL_KEY,
    FIELDS,
    LAUNCH_AT,
    LAUNCH_STATUS,
    LAUNCHES,
    MARKET,
    NAME,
    OBSERVED_AT,
    PLANNED,
    PROVIDER,
    SERIES_ID,
    SURFACE,
    TITLE_ID,
    TITLE_VERSION,
    TITLES,
)
from recsysops.domain.what_if import LaunchTime, moment_of
from recsysops.errors import UsageError
from recsysops.service._what_if_values import OWN
from recsysops.service.ports import UnitOfWork
from recsysops.service.queries.title import unknown_title
from recsysops.service.queries.values import cut, text
from recsysops.settings import Settings

UTC_ZONE: Final = "UTC"


@dataclass(frozen=True)
class KnownTitle:
    """A title, as it is known or as it would be."""

    title_id: str
    versions: pd.DataFrame
    """TITLE_VERSION, one row per market that has one, `all` for the general one."""
    cells: pd.DataFrame
    """CELL_KEY, LAUNCH_AT and LAUNCH_STATUS of launches that are ahead, by market and surface."""

    @property
    def name(self) -> str:
        """Its name; empty where none is known."""
        return next((text(name) for name in self.versions[NAME] if text(name)), "")

    @property
    def markets(self) -> tuple[str, ...]:
        """Markets where it is still to launch."""
        return tuple(dict.fromkeys(self.cells[MARKET]))

    @property
    def own_fields(self) -> frozenset[str]:
        """Fields that stand in any of its versions."""
        return frozenset(name for fields in self.versions[FIELDS] for name in fields)

    def fields(self, market: str) -> dict[str, Any]:
        """Return the metadata that holds in a market: the general values, then the market's own over them."""
        found: dict[str, Any] = {}
        for wanted in dict.fromkeys((ALL, market)):
            for row in self.versions[self.versions[MARKET] == wanted].to_dict("records"):
                found |= {name: row[name] for name in OWN if isinstance(row[name], str)} | dict(row[FIELDS])
        return found

    def with_fields(self, values: Mapping[str, Any]) -> "KnownTitle":
        """Return it with other values, in every market: also where a market has its own."""
        versions = self.versions.copy()
        has_general = (versions[MARKET] == ALL).any()
        for name in set(values) & set(OWN):
            column = versions[name].astype(object)
            stands = column.notna() | (versions[MARKET] == ALL) | (not has_general)
            versions[name] = column.where(~stands, values[name])
        own = {name: value for name, value in values.items() if name not in OWN}
        fields = [
            {**old, **{n: v for n, v in own.items() if market == ALL or not has_general or n in old}}
            for old, market in zip(versions[FIELDS], versions[MARKET], strict=True)
        ]
        versions[FIELDS] = pd.Series(fields, index=versions.index, dtype=object)
        return replace(self, versions=versions)

    def with_launch(self, launch: LaunchTime, settings: Settings, at: datetime) -> "KnownTitle":
        """Return it with another launch time in every cell.

        Raises:
            UsageError: The launch is not after `at`.
        """
        planned = zip(self.cells[MARKET], self.cells[LAUNCH_AT], strict=True)
        moments = [moment_of(launch, old.to_pydatetime(), zone_of(settings, market)) for market, old in planned]
        if min(moments) <= at:
            raise UsageError(
                f"A launch at {min(moments):%Y-%m-%d %H:%M} UTC is not ahead: it is {at:%Y-%m-%d %H:%M} UTC. "
                "Give a later one."
            )
        times = pd.DatetimeIndex(moments).as_unit("us")
        return replace(self, cells=self.cells.assign(**{LAUNCH_AT: times}))


def zone_of(settings: Settings, market: str) -> str:
    """Return the time zone of a market's clocks."""
    return settings.market(market).time_zone or UTC_ZONE


def read_title(unit: UnitOfWork, title_id: str, at: datetime) -> KnownTitle:
    """Return a title as known at `at`, with the launches that are ahead.

    Raises:
        NotFoundError: Nothing at all is known under this id.
    """
    versions = unit.versions.history(TITLES, [title_id])
    launches = unit.versions.history(LAUNCHES, [title_id])
    versions = _last(versions, at, [MARKET])
    launches = _last(launches, at, [MARKET, SURFACE])
    if versions.empty and launches.empty:
        raise unknown_title(title_id)
    ahead = (launches[LAUNCH_STATUS] == PLANNED) & (launches[LAUNCH_AT] > at)
    cells = launches.loc[ahead, [*CELL_KEY, LAUNCH_AT, LAUNCH_STATUS]]
    if versions.empty:
        versions = _nothing_known(title_id, at)
    return KnownTitle(title_id, versions, cells.sort_values([MARKET, SURFACE], ignore_index=True))


def expect_ahead(unit: UnitOfWork, title: KnownTitle, at: datetime, market: str | None) -> KnownTitle:
    """Return the title in the market asked about, in all of them for None.

    Raises:
        UsageError: Nothing of it is still to launch there.
    """
    if title.cells.empty:
        raise UsageError(why_not_ahead(unit, title.title_id, at))
    if market is None:
        return title
    there = title.cells[title.cells[MARKET] == market]
    if there.empty:
        named = ", ".join(title.markets)
        raise UsageError(
            f'Title "{cut(title.title_id)}" is not to launch in market "{cut(market)}" (but in: {named}). '
            "Name one of these."
        )
    return replace(title, cells=there.reset_index(drop=True))


def why_not_ahead(unit: UnitOfWork, title_id: str, at: datetime) -> str:
    """Return in a sentence why nothing of a title is ahead."""
    launches = _last(unit.versions.history(LAUNCHES, [title_id]), at, [MARKET, SURFACE])
    past = launches.loc[launches[LAUNCH_STATUS] == PLANNED, LAUNCH_AT]
    if len(past):
        return (
            f'Title "{cut(title_id)}" launched at {past.max():%Y-%m-%d %H:%M} UTC: what it would have done with other '
            "metadata is not asked any more. Choose a title that is still to launch."
        )
    return f'No launch of title "{cut(title_id)}" is planned: there is nothing to predict. Ingest its launch.'


def _last(history: pd.DataFrame, at: datetime, key: Sequence[str]) -> pd.DataFrame:
    """Return of each key the version known at `at`; the general one first."""
    known = history[history[OBSERVED_AT] <= at].sort_values(OBSERVED_AT, kind="stable")
    known = known.drop_duplicates(list(key), keep="last")
    order = known[MARKET].ne(ALL)
    return known.assign(_order=order).sort_values(["_order", *key]).drop(columns="_order").reset_index(drop=True)


def _nothing_known(title_id: str, at: datetime) -> pd.DataFrame:
    row = {TITLE_ID: title_id, MARKET: ALL, OBSERVED_AT: at, NAME: None, SERIES_ID: None, PROVIDER: None, FIELDS: {}}
    return pd.DataFrame([row], columns=list(TITLE_VERSION))
