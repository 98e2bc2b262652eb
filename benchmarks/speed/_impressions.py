"""Impressions for measuring: a year's catalogue, members who come back, half of what is shown in its first 28 days."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pandas as pd

from recsysops import columns as c
from recsysops.domain.batch import LogFile

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
MARKETS = ("DE", "US", "FR", "BR")
SURFACES = ("home", "search", "detail")
LAUNCHES_PER_DAY = 6
_TYPES = {c.TS: "TIMESTAMP WITH TIME ZONE", c.POSITION: "INTEGER"}
_COLUMNS = (c.TS, c.MEMBER_ID, c.TITLE_ID, c.MARKET, c.SURFACE, c.POSITION)
_DAY = """
COPY (
    WITH shown AS (
        SELECT i, i // 12 AS visit,
            (((hash(i // 12, {day}, 2) % 1000000) / 1000000.0) ** 1.5 * {members})::BIGINT AS member
        FROM range({rows}) AS numbers(i)
    )
    SELECT
        to_timestamp({start} + hash(visit, {day}, 1) % 86000 + i % 12)::TIMESTAMPTZ AS ts,
        'member-' || lpad(member::VARCHAR, 8, '0') AS member_id,
        CASE WHEN hash(i, {day}, 3) % 2 = 0
            THEN 'new-' || ({day} - ((hash(i, {day}, 4) % 1000 / 1000.0) ** 1.5 * 28)::INT) || '-'
                || hash(i, {day}, 5) % 6
            ELSE 'old-' || ((hash(i, {day}, 6) % 1000 / 1000.0) ** 3 * 2000)::INT END AS title_id,
        ['DE', 'US', 'FR', 'BR'][(hash(member) % 4)::INT + 1] AS market,
        ['home', 'search', 'detail'][(((hash(visit, {day}, 8) % 100) / 100.0) ** 2 * 3)::INT % 3 + 1] AS surface,
        (1 + i % 12 + ((hash(i, {day}, 9) % 1000) / 1000.0) ** 2 * 30)::INT AS position
    FROM shown ORDER BY ts
) TO '{path}' (FORMAT parquet, COMPRESSION zstd)
"""


def write_days(folder: Path, days: range, rows: int, members: int = 1_000_000) -> list[LogFile]:
    """Write a file per day, where it is not there yet, and return them as registered: the same rows each time."""
    folder.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(
        config={"threads": 2, "memory_limit": "1500MB", "temp_directory": str(folder / "spill")}
    ) as link:
        link.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
        return [_day(link, folder, day, rows, members) for day in days]


def _day(link: duckdb.DuckDBPyConnection, folder: Path, day: int, rows: int, members: int) -> LogFile:
    path, begin = folder / f"{rows}-{day:03d}.parquet", FIRST + timedelta(days=day)
    if not path.is_file():
        draft = path.with_suffix(".draft")
        link.execute(_DAY.format(day=day, rows=rows, members=members, start=int(begin.timestamp()), path=draft))
        draft.rename(path)
    facts = path.stat()
    view = {
        "format": "parquet",
        "columns": {name: name for name in _COLUMNS},
        "types": dict.fromkeys(_COLUMNS, "VARCHAR") | _TYPES,
        "is_plain": True,
    }
    return LogFile(
        batch_id=path.stem,
        table=c.IMPRESSIONS,
        path=str(path.absolute()),
        content_hash=path.stem,
        declared_day=begin.date(),
        first_at=begin,
        last_at=begin + timedelta(seconds=86_399),
        rows=rows,
        mapping={"size": facts.st_size, "mtime_ns": facts.st_mtime_ns, "sha256": path.stem, **view},
    )


def launches(days: range) -> pd.DataFrame:
    """Return the launches of these days at midnight UTC, in every market and surface."""
    rows = [
        (f"new-{day}-{number}", market, surface, FIRST + timedelta(days=day))
        for day in days
        for number in range(LAUNCHES_PER_DAY)
        for market in MARKETS
        for surface in SURFACES
    ]
    frame = pd.DataFrame(rows, columns=[*c.CELL_KEY, c.LAUNCH_AT])
    return frame.astype({c.LAUNCH_AT: "datetime64[us, UTC]"})
