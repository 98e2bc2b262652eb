"""Loads a million rows into each store, against an upsert written by hand for the same rows, in the same run.

    python benchmarks/speed/bulk_load.py [--small]

All begin with the same frame and end with the rows committed. The goal is judged against upserts by hand into the very
same tables: each version once by a hash of its content, a reference to its batch, an index for reading as of any time.
For information, the same rows also go by hand into a table with nothing but the launch's own key.
"""

import argparse
import hashlib
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
from _goals import Goal, report

from recsysops import columns as c
from recsysops.domain.batch import BatchReceipt
from recsysops.store import open_store
from recsysops.testing.postgres import PostgresMissing, PostgresServer, database_name, postgres_server

T0 = datetime(2026, 3, 2, tzinfo=UTC)
ROUNDS = 3
FACTOR = 1.5
SERVER = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "autovacuum": "on",
    "shared_buffers": "512MB",
}


@dataclass(frozen=True)
class Work:
    """What a person would write."""

    table: str
    columns: str
    key: str
    update: str
    before: str


LAUNCH = ", ".join(c.LAUNCH_VERSION)
KEY = "title_id, market, surface, observed_at"
SAME = Work(
    table="launch_version",
    columns=f"{LAUNCH}, row_hash, batch_id, loaded_at",
    key="row_hash",
    update="DO UPDATE SET loaded_at = excluded.loaded_at",
    before="INSERT INTO batch (batch_id, table_name, content_hash, files, rows_in, accepted, duplicate, quarantined, "
    "loaded_at, as_of_label, codes) VALUES ('b', 'launches', 'h', '[]', 0, 0, 0, 0, 0, '', '{}')",
)
LEAN = Work(
    table="by_hand",
    columns=LAUNCH,
    key=KEY,
    update="DO UPDATE SET launch_at = excluded.launch_at, launch_status = excluded.launch_status",
    before=f"""CREATE TABLE by_hand (title_id text NOT NULL, market text NOT NULL, surface text NOT NULL,
    observed_at bigint NOT NULL, launch_at bigint, launch_status text NOT NULL, PRIMARY KEY ({KEY}))""",
)


def launches(n: int) -> pd.DataFrame:
    """Return n launches: five markets and two surfaces a title, in no particular order."""
    at = np.random.default_rng(7).permutation(n)
    observed = np.datetime64("2026-01-01", "us") + (at % 90) * np.timedelta64(1, "D")
    return pd.DataFrame(
        {
            c.TITLE_ID: pd.Series("title-" + pd.Series(at // 10).astype(str), dtype="str"),
            c.MARKET: pd.Series(np.array(["de", "us", "fr", "jp", "br"])[at % 5], dtype="str"),
            c.SURFACE: pd.Series(np.array(["home", "search"])[at // 5 % 2], dtype="str"),
            c.OBSERVED_AT: pd.Series(observed).dt.tz_localize("UTC"),
            c.LAUNCH_AT: pd.Series(observed + np.timedelta64(60, "D")).dt.tz_localize("UTC"),
            c.LAUNCH_STATUS: pd.Series(["planned"] * n, dtype="str"),
        }
    )


def ours(url: str, frame: pd.DataFrame) -> None:
    receipt = BatchReceipt(
        batch_id="b", table="launches", content_hash="h", files=(), rows_in=len(frame), accepted=len(frame),
        duplicate=0, quarantined=0, loaded_at=T0,
    )  # fmt: skip
    with closing(open_store(url)) as store, store.write() as work:
        work.batches.add(receipt, [])
        added = work.versions.add("launches", frame, "b", T0)
        work.commit()
    if added != len(frame):
        raise RuntimeError(f"{added} rows of {len(frame)} went in")


def plain_rows(frame: pd.DataFrame) -> Iterator[tuple[object, ...]]:
    times = {name: frame[name].astype("int64") for name in (c.OBSERVED_AT, c.LAUNCH_AT)}
    stored = frame.assign(**times)
    return zip(*(stored[name].tolist() for name in c.LAUNCH_VERSION), strict=True)


def versions(frame: pd.DataFrame) -> Iterator[tuple[object, ...]]:
    for row in plain_rows(frame):
        yield (*row, hashlib.blake2b(repr(row).encode(), digest_size=16).hexdigest(), "b", 0)


def by_hand_sqlite(path: Path, rows: Iterator[tuple[object, ...]], work: Work) -> None:
    with closing(sqlite3.connect(path)) as connection:
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute(work.before)
        places = ", ".join("?" * (work.columns.count(",") + 1))
        connection.executemany(
            f"INSERT INTO {work.table} ({work.columns}) VALUES ({places}) ON CONFLICT ({work.key}) {work.update}", rows
        )
        connection.commit()


def by_hand_postgresql(conninfo: str, rows: Iterator[tuple[object, ...]], work: Work) -> None:
    import psycopg

    with psycopg.connect(conninfo) as connection:
        connection.execute(work.before)
        shape = f"SELECT {work.columns} FROM {work.table} WITH NO DATA"
        connection.execute(f"CREATE TEMPORARY TABLE incoming ON COMMIT DROP AS {shape}")
        with connection.cursor() as cursor, cursor.copy(f"COPY incoming ({work.columns}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        connection.execute(
            f"INSERT INTO {work.table} ({work.columns}) SELECT {work.columns} FROM incoming "
            f"ON CONFLICT ({work.key}) {work.update}"
        )


def seconds(work: Callable[[], None]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def compared(store: str, times: list[tuple[float, float, float]], n: int) -> list[Goal]:
    """Turn the seconds of each round (ours, by hand into the same table, into a lean one) into a goal and a figure."""
    ours_, same, lean = (statistics.median(column) for column in zip(*times, strict=True))
    ratio = statistics.median(a / b for a, b, _ in times)
    leaner = statistics.median(a / b for a, _, b in times)
    return [
        Goal(
            goal=f"bulk load, {n:,} rows, {store}",
            figure=f"{ours_:.1f} s against {same:.1f} s by hand: {ratio:.2f}x",
            target=f"within {FACTOR}x of hand-written upserts into the same tables",
            ok=ratio <= FACTOR,
            n=len(times),
        ),
        Goal(
            goal=f"the same, {store}, against a table with nothing but its key",
            figure=f"{ours_:.1f} s against {lean:.1f} s by hand: {leaner:.2f}x",
            target=f"within {FACTOR}x, by the strictest reading",
            ok=leaner <= FACTOR,
            n=len(times),
        ),
    ]


def on_sqlite(folder: Path, frame: pd.DataFrame) -> tuple[float, float, float]:
    """Return the seconds of one round."""
    for name in ("ours", "same"):
        open_store(f"sqlite:///{folder / name}").close()
    return (
        seconds(lambda: ours(f"sqlite:///{folder / 'ours'}", frame)),
        seconds(lambda: by_hand_sqlite(folder / "same", versions(frame), SAME)),
        seconds(lambda: by_hand_sqlite(folder / "lean", plain_rows(frame), LEAN)),
    )


def on_postgresql(server: PostgresServer, frame: pd.DataFrame) -> tuple[float, float, float]:
    """Return the seconds of one round."""
    urls = [server.make_database() for _ in range(3)]
    for url in urls[:2]:
        open_store(url).close()
    hands = [f"host={server.folder} user=postgres dbname={database_name(url)}" for url in urls]
    taken = (
        seconds(lambda: ours(urls[0], frame)),
        seconds(lambda: by_hand_postgresql(hands[1], versions(frame), SAME)),
        seconds(lambda: by_hand_postgresql(hands[2], plain_rows(frame), LEAN)),
    )
    for url in urls:
        server.drop_database(url)
    return taken


def measure(n: int = 1_000_000) -> list[Goal]:
    """Measure both stores; one that is not here is left out, and said so."""
    frame, times = launches(n), []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as name:
            times.append(on_sqlite(Path(name), frame))
    goals = compared("SQLite", times, n)
    try:
        with postgres_server(**SERVER) as server:
            times = [on_postgresql(server, frame) for _ in range(ROUNDS)]
    except PostgresMissing as missing:
        print(f"PostgreSQL left out: {missing}")
        return goals
    return [*goals, *compared("PostgreSQL", times, n)]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="20,000 rows: whether it runs, not how fast")
    sys.exit(report("bulk_load", measure(20_000) if parser.parse_args().small else measure()))
