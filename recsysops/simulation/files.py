"""The files of the simulated service: catalogue, launch plan and expectations as CSV, logs as Parquet, one per UTC day.

Written as a user's system would write them, with a few dirty rows. Not for reading: that is the job of `sources`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from recsysops.columns import (
    BEST,
    HIGH,
    KIND,
    LAUNCH_AT,
    LOW,
    MARKET,
    MEMBER_ID,
    OBSERVED_AT,
    POSITION,
    STATUS,
    SURFACE,
    TS,
)
from recsysops.simulation._fields import ITEM_ID, RUNTIME
from recsysops.simulation.report import DirtyRow
from recsysops.simulation.serving import KINDS, part_path
from recsysops.simulation.world import MARKETS, SURFACES, WorldConfig

Dirt = Sequence[tuple[int, dict[str, str], str]]
"""Rows to repeat from a table (by number), what to change in each, and why it is dirty."""
CATALOGUE_DIRT: Final[Dirt] = (
    (5, {}, "exact duplicate of an earlier row"),
    (17, {}, "exact duplicate of an earlier row"),
    (40, {ITEM_ID: ""}, "no item_id"),
    (60, {OBSERVED_AT: "2025-13-45T00:00:00Z"}, "impossible date in observed_at"),
)
PLAN_DIRT: Final[Dirt] = (
    (8, {}, "exact duplicate of an earlier row"),
    (20, {LAUNCH_AT: "2026-02-30T09:00:00-05:00"}, "impossible date in launch_at"),
    (33, {STATUS: "perhaps"}, "unknown status"),
    (51, {LAUNCH_AT: ""}, "no launch_at"),
)
EXPECTATION_DIRT: Final[Dirt] = (
    (3, {}, "exact duplicate of an earlier row"),
    (12, {BEST: "NaN"}, "best is not a number"),
    (30, {HIGH: "inf"}, "high is infinite"),
    (45, {LOW: "0.9", HIGH: "0.1"}, "low is above high"),
)


@dataclass(frozen=True)
class LogNames:
    """Names behind the row numbers of the log parts."""

    members: tuple[list[str], ...]
    """Pseudonyms per market."""
    titles: list[str]


@dataclass(frozen=True)
class LogCounts:
    """Counts of the log files written."""

    n_impressions: int
    n_interactions: int
    min_active: int


def write_csv(path: Path, table: pd.DataFrame, dirt: Dirt) -> tuple[DirtyRow, ...]:
    """Write a table with its dirty rows at the end, and return those; times as ISO text in UTC."""
    text = table.copy()
    for column in text.select_dtypes("datetimetz"):
        text[column] = text[column].dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    rows = [text.iloc[[number % len(text)]].astype("object").assign(**changes) for number, changes, _ in dirt]
    pd.concat([text.astype("object"), *rows]).to_csv(path, index=False, lineterminator="\n", encoding="utf-8")
    return tuple(DirtyRow(path.name, len(text) + 2 + k, words) for k, (_, _, words) in enumerate(dirt))


def whole_numbers(table: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Return the table with whole-number columns that can be missing, so that 104 is not written as 104.0."""
    return table.astype(dict.fromkeys((RUNTIME, *columns), "Int64"))


def write_logs(config: WorldConfig, names: LogNames, parts: Path, folder: Path, dates: Sequence[int]) -> LogCounts:
    """Write the log files of some UTC dates, given as numbers of days since the first; parts are removed."""
    n_impressions = n_interactions = 0
    min_active = len(names.members[0])
    for date in dates:
        name = (config.first_date + timedelta(days=date)).isoformat()
        seen = [_take_part(part_path(parts, "impressions", m, date)) for m in range(len(MARKETS))]
        _write(folder / "impressions" / f"impressions-{name}.parquet", _impressions(seen, names))
        done = [_take_part(part_path(parts, "interactions", m, date)) for m in range(len(MARKETS))]
        _write(folder / "interactions" / f"interactions-{name}.parquet", _interactions(done, names))
        n_impressions += sum(len(rows) for rows in seen)
        n_interactions += sum(len(rows) for rows in done)
        min_active = min([min_active, *(_n_active(rows, s) for rows in seen for s in range(len(SURFACES)))])
    return LogCounts(n_impressions, n_interactions, min_active)


def _n_active(rows: np.ndarray, surface: int) -> int:
    return int(np.count_nonzero(np.bincount(rows["member"][rows["surface"] == surface])))


def _take_part(path: Path) -> np.ndarray:
    rows: np.ndarray = np.load(path)
    path.unlink()
    return rows[np.argsort(rows["ts"], kind="stable")]


def _impressions(by_market: Sequence[np.ndarray], names: LogNames) -> pa.Table:
    columns = _shared(by_market, names)
    position = pa.array(np.concatenate([rows["position"] for rows in by_market]).astype(np.int16))
    return pa.table({**columns, POSITION: position})


def _interactions(by_market: Sequence[np.ndarray], names: LogNames) -> pa.Table:
    columns = _shared(by_market, names)
    return pa.table({**columns, KIND: _text(np.concatenate([rows["kind"] for rows in by_market]), KINDS)})


def _shared(by_market: Sequence[np.ndarray], names: LogNames) -> dict[str, pa.Array]:
    """Return the columns both logs have; text is dictionary-encoded from row numbers."""
    offsets = np.cumsum([0, *(len(members) for members in names.members)])
    member = np.concatenate([rows["member"] + offsets[m] for m, rows in enumerate(by_market)])
    market = np.repeat(np.arange(len(by_market)), [len(rows) for rows in by_market])
    ts = np.concatenate([rows["ts"] for rows in by_market])
    return {
        TS: pa.array(ts, type=pa.timestamp("us", tz="UTC")),
        MEMBER_ID: _text(member, [name for members in names.members for name in members]),
        ITEM_ID: _text(np.concatenate([rows["title"] for rows in by_market]), names.titles),
        MARKET: _text(market, [m.code for m in MARKETS]),
        SURFACE: _text(np.concatenate([rows["surface"] for rows in by_market]), SURFACES),
    }


def _text(codes: np.ndarray, labels: Sequence[str]) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), pa.array(labels, type=pa.string()))


def _write(path: Path, table: pa.Table) -> None:
    pq.write_table(table, path, compression="zstd", compression_level=1, use_dictionary=True)
