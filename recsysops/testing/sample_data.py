"""A store filled with what ingests leave behind: batches, held ones, kept-out rows, changes; no files needed.

Seeded by nothing but the arguments. For tests of what reads it; results are `sample_results`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import pandas as pd

from recsysops import columns as c
from recsysops.domain.batch import BatchReceipt, QuarantinedRow
from recsysops.domain.drift import ColumnProfile, Decision, Drift, DriftKind, HeldBatch, HeldState, Profile
from recsysops.service.ports import Store, UnitOfWork
from recsysops.testing.sample_results import AS_OF

TABLES: Final = (c.TITLES, c.LAUNCHES, c.EXPECTATIONS, c.IMPRESSIONS)
CODES: Final = ("bad-time", "missing-key", "bad-number")
_RENAMED: Final = Drift(
    kind=DriftKind.COLUMN_RENAMED, column="synopsis", was="synopsis", found="long_synopsis",
    why='Column "synopsis" is gone and "long_synopsis" has the same values: it was renamed.',
)  # fmt: skip
_DROPPED: Final = Drift(
    kind=DriftKind.ROW_DROP, column="", was="4,200 rows", found="1,900 rows",
    why="1,900 rows where 4,200 are usual: 55 % fewer.",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class SampleData:
    """How much to put in, and how nasty it is."""

    n_batches: int = 12
    n_held: int = 2
    """Batches that wait for a person; each third further one was decided on before."""
    n_quarantined: int = 6
    """Rows kept out of each third batch."""
    n_changes: int = 8
    suffix: str = ""
    """Put behind every file, value and sentence."""
    as_of: datetime = AS_OF


def fill_data(store: Store, sample: SampleData | None = None) -> None:
    """Add batches, held batches, kept-out rows and changes to a store."""
    wanted = sample or SampleData()
    with store.write() as unit:
        for at in range(wanted.n_batches):
            _batch(unit, wanted, at)
        for at in range(wanted.n_held):
            unit.batches.hold(_held(wanted, at))
        for at in range(wanted.n_held // 3):
            held = _held(wanted, wanted.n_held + at)
            unit.batches.hold(held)
            decided = Decision(
                state=HeldState.DISCARDED, by=f"Ada{wanted.suffix}", reason=f"Sent too early.{wanted.suffix}",
                at=wanted.as_of,
            )  # fmt: skip
            unit.batches.decide(held.batch_id, decided)
        if wanted.n_changes and wanted.n_batches:
            unit.changes.add(_changes(wanted), "sample-0", wanted.as_of)
        unit.commit()


def _batch(unit: UnitOfWork, sample: SampleData, at: int) -> None:
    table = TABLES[at % len(TABLES)]
    n = sample.n_quarantined if at % 3 == 0 else 0
    receipt = BatchReceipt(
        batch_id=f"sample-{at}", table=table, content_hash=f"sample-hash-{at}", files=(_file(sample, table, at),),
        rows_in=4200 + at + n, accepted=4200, duplicate=at, quarantined=n,
        loaded_at=sample.as_of - timedelta(hours=6 * at), codes=_codes(n),
        as_of_label="not point-in-time" if at % 7 == 6 else "",
    )  # fmt: skip
    rows = [
        QuarantinedRow(
            file=receipt.files[0], row=10 + row, column="launch_on", code=CODES[row % len(CODES)],
            value=f"=1+1 31.02.2026{sample.suffix}", rule="A date such as 2026-02-28.",
            fix=f"Correct the date and deliver again.{sample.suffix}",
        )
        for row in range(n)
    ]  # fmt: skip
    unit.batches.add(receipt, rows)


def _codes(n: int) -> dict[str, int]:
    counts = {code: len(range(at, n, len(CODES))) for at, code in enumerate(CODES)}
    return {code: count for code, count in counts.items() if count}


def _held(sample: SampleData, at: int) -> HeldBatch:
    table = TABLES[at % 2]
    profile = Profile(rows=1900, quarantined=3, columns={"synopsis": ColumnProfile(kind="text", empty_ratio=0.1)})
    whys = [Drift(**{**vars(drift), "why": drift.why + sample.suffix}) for drift in (_RENAMED, _DROPPED)]
    return HeldBatch(
        batch_id=f"held-{at}", table=table, content_hash=f"held-hash-{at}", files=(_file(sample, table, 900 + at),),
        rows_in=1900, accepted=1897, quarantined=3, held_at=sample.as_of - timedelta(hours=at + 1),
        drifts=tuple(whys if at % 2 == 0 else whys[1:]), profile=profile,
    )  # fmt: skip


def _file(sample: SampleData, table: str, at: int) -> str:
    return f"/data/deliveries/{table}-{at:04d}{sample.suffix}.csv"


def _changes(sample: SampleData) -> pd.DataFrame:
    kinds = ("deploy", "model push", "catalogue edit")
    rows = [
        (
            sample.as_of - timedelta(hours=5 * at), kinds[at % 3], f"Release {40 - at} of the ranker.{sample.suffix}",
            "t-0000" if at % 3 == 2 else None, "de" if at % 4 == 3 else None,
        )
        for at in range(sample.n_changes)
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=list(c.CHANGE)).astype({c.TITLE_ID: "str", c.MARKET: "str"})
    return frame.assign(**{c.TS: pd.to_datetime(frame[c.TS], utc=True).astype("datetime64[us, UTC]")})
