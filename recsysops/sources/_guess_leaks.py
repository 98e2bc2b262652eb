"""Fields of titles that give the outcome away, and markets and days that do not fit. Not for single columns' names."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsysops import columns as c
from recsysops.sources._guess_files import day_in
from recsysops.sources._guess_mapping import LOGS, Draft, suspect
from recsysops.sources._guess_profile import Column

_PER_SECOND: Final = {"s": 1, "ms": 1_000, "us": 1_000_000}
_ENOUGH: Final = 30
_SAME_DAY: Final = 0.99


def seconds_of(column: Column) -> npt.NDArray[np.float64]:
    """Return a column's times in seconds since 1970, dates and times without offset as UTC; NaN for what is none."""
    if column.epoch_unit:
        return np.asarray(
            pd.to_numeric(column.texts, errors="coerce").to_numpy(dtype="float64") / _PER_SECOND[column.epoch_unit]
        )
    at = pd.to_datetime(column.texts.where(column.texts != ""), errors="coerce", utc=True, format="ISO8601")
    seconds = (at - pd.Timestamp("1970-01-01", tz="UTC")).dt.total_seconds()
    return np.asarray(seconds.to_numpy(dtype="float64"))


def find_leaks(mappings: Mapping[str, Draft], launch: Column | None) -> None:
    """Suspect fields that are filled just where members acted: whoever fills them knew how it went.

    Only titles that launched while the logs ran are looked at: of those to come nothing is filled and nobody acts.

    Args:
        mappings: Table to mapping; that of the titles is added to.
        launch: The launch time among the titles' columns, where there is one.
    """
    titles = mappings.get(c.TITLES)
    log = next((mappings[table] for table in (c.INTERACTIONS, c.IMPRESSIONS) if table in mappings), None)
    if titles is None or log is None or launch is None:
        return
    key, named, ts = titles.column(c.TITLE_ID), log.column(c.TITLE_ID), log.column(c.TS)
    if key is None or named is None or ts is None:
        return
    times = seconds_of(ts)
    launched = seconds_of(launch)
    is_in = (launched >= np.nanmin(times)) & (launched <= np.nanmax(times)) if np.isfinite(times).any() else None
    if is_in is None:
        return
    ids = key.texts[is_in]
    # Of several versions or markets of a title, one with the field is enough.
    filled = titles.feed.sample.frame[is_in].map(bool).groupby(ids.to_numpy()).max()
    acted = filled.index.isin(named.counts.index)
    for name in titles.feed.columns:
        _suspect(titles, name, filled[name].to_numpy(dtype=bool), acted, log.role.table)


def _suspect(titles: Draft, name: str, filled: npt.NDArray[np.bool_], acted: npt.NDArray[np.bool_], log: str) -> None:
    if filled.sum() < _ENOUGH or (~filled).sum() < _ENOUGH:
        return
    with_it, without = float(acted[filled].mean()), float(acted[~filled].mean())
    if with_it - without < 0.3:
        return
    said = f"{with_it:.0%} of launched titles that have it are in the {log}, {without:.0%} of those that lack it"
    is_plain = without <= 0.1 * with_it
    suspect(titles, name, 0.85 if is_plain else 0.5, f"{said}: that it is filled gives the outcome away")


def day_of(mapping: Draft) -> str:
    """Return the pattern of the day in a log's file names, where each file is one UTC day; else an empty text."""
    ts = mapping.columns.get(c.TS)
    names = [file.name for file in mapping.feed.group.files]
    days = [day_in(name) for name in names]
    patterns = {pattern for _, pattern in days}
    if mapping.role.table not in LOGS or ts is None or len(patterns) != 1 or "" in patterns:
        return ""
    if len({day for day, _ in days}) < len(days):
        return ""  # several files a day: a file is not the whole delivery of one
    return patterns.pop() if all(_is_day(mapping, ts.theirs, at) for at in range(len(mapping.feed.samples))) else ""


def _is_day(mapping: Draft, ts: str, at: int) -> bool:
    sample = mapping.feed.samples[at]
    column = Column(ts, sample.frame[ts], is_list=False, is_nested=False, is_naive=False)
    start = pd.Timestamp(day_in(sample.file.name)[0], tz="UTC").timestamp()
    times = seconds_of(column)
    times = times[np.isfinite(times)]
    return len(times) > 0 and float(((times >= start) & (times < start + 86_400)).mean()) >= _SAME_DAY


def market_doubts(mappings: Mapping[str, Draft]) -> list[str]:
    """Return sentences on markets and surfaces that the launches name and the logs do not."""
    launches = mappings.get(c.LAUNCHES)
    doubts = []
    for table in (table for table in LOGS if table in mappings and launches is not None):
        for ours in (c.MARKET, c.SURFACE):
            planned, seen = launches.column(ours) if launches else None, mappings[table].column(ours)
            if planned is None:
                continue
            here = set(planned.counts.index) - {c.ALL}
            if seen is None and here:
                doubts.append(
                    f"The launches name a {ours} and the {table} do not: nothing would be counted for "
                    f"{_some(here)}. Map it, or write {ours} under defaults."
                )
            elif seen is not None and here and len(here & set(seen.counts.index)) < 0.5 * len(here):
                doubts.append(
                    f"{ours.capitalize()} {_some(here)} of the launches is hardly among those of the {table} "
                    f"({_some(set(seen.counts.index))}): both must be written alike."
                )
    return doubts


def _some(values: set[str]) -> str:
    shown = sorted(values)
    return ", ".join(f'"{value[:30]}"' for value in shown[:3]) + (", ..." if len(shown) > 3 else "")
