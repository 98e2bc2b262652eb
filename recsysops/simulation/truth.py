"""The truth on record: what the recommender did with each title, and would have done without its faults.

Counted while serving, on the same members and the same noise. Not part of what the service's engineers could see.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from recsysops.columns import FIELD, HORIZON, KIND, LAUNCH_AT, MARKET, N_ACTIVE, SEVERITY, SURFACE, TITLE_ID
from recsysops.simulation._fields import (
    IS_HIDDEN,
    MATERIAL,
    REACH,
    REACH_WITHOUT_FAULTS,
    REPEAT,
    REPEATED_ACTIVE,
    REPEATED_REACH,
    TITLE,
)
from recsysops.simulation.faults import Fault
from recsysops.simulation.planning import BACK, UNANNOUNCED, Slate, launch_starts
from recsysops.simulation.world import HORIZONS, MARKETS, SURFACES, Bools, Floats, Ints, WorldConfig

MATERIAL_LOGIT = 0.4
"""A fault is material when it lowers the first day's reach by this much, about a third."""
_DAYS = max(HORIZONS)


@dataclass(frozen=True)
class Treatment:
    """What was shown in one market: first sights per title and day since launch, and who was active when."""

    new_members: Ints
    """Surface x title x day since launch: members who are shown the title for the first time."""
    seen: Bools
    """Surface x title x member."""
    active: Bools
    """Surface x day x member."""
    repeated: Ints
    """Surface x repeat x title: members shown the title when its first day was served again; 0 where it was not."""
    n_repeated: Ints
    """Surface x repeat x title: members active then; 0 where it was not repeated."""

    @classmethod
    def empty(cls, n_rows: int, n_days: int, n_members: int, n_repeats: int = 0) -> "Treatment":
        """Return a record of nothing."""
        n = len(SURFACES)
        return cls(
            np.zeros((n, n_rows, _DAYS), dtype=np.int64),
            np.zeros((n, n_rows, n_members), dtype=np.bool_),
            np.zeros((n, n_days, n_members), dtype=np.bool_),
            np.zeros((n, n_repeats, n_rows), dtype=np.int64),
            np.zeros((n, n_repeats, n_rows), dtype=np.int64),
        )

    def record(self, surface: int, day: int, active: Ints, shown: tuple[Ints, Ints, Ints]) -> None:
        """Add a day of a surface; `shown` holds title rows, members and days since launch, one entry per slot seen."""
        self.active[surface, day, active] = True
        is_young = shown[2] < _DAYS
        rows, members, age = (values[is_young] for values in shown)
        flat = rows * self.seen.shape[2] + members
        seen = self.seen[surface].reshape(-1)
        is_new = ~seen[flat]
        seen[flat[is_new]] = True
        np.add.at(self.new_members[surface].reshape(-1), rows[is_new] * _DAYS + age[is_new], 1)

    def repeat(self, surface: int, number: int, rows: Ints, shown: Ints, n_active: int) -> None:
        """Add a repeat of the first day of some titles."""
        self.repeated[surface, number, rows] = shown
        self.n_repeated[surface, number, rows] = n_active

    def n_active(self, surface: int, days: Ints, horizon: int) -> Ints:
        """Return for each first day how many members were active in the `horizon` days from it."""
        unique, where = np.unique(days, return_inverse=True)
        counts = [int(self.active[surface, day : day + horizon].any(axis=0).sum()) for day in unique]
        return np.array(counts, dtype=np.int64)[where]

    def counted(self) -> "Treatment":
        """Return the record without the members each title was shown to, which is large and no longer needed."""
        return replace(self, seen=np.zeros((0, 0, 0), dtype=np.bool_))


def treatment_table(
    config: WorldConfig, slate: Slate, by_market: Sequence[Treatment], faults: Sequence[Fault], in_market: Bools
) -> pd.DataFrame:
    """Return the true reach of every launched title, with and without its faults.

    One row per title x market x surface x horizon whose days were all simulated; both reaches are shares in [0, 1]
    of the members active in the window. Titles never announced are not in it.
    """
    n = len(slate.role)
    shadow = np.arange(n)
    shadow[[fault.row for fault in faults]] = n + np.arange(len(faults))
    is_known = (slate.role != BACK) & (slate.role != UNANNOUNCED) & ~slate.cancelled
    parts = []
    for m, treatment in enumerate(by_market):
        for s, surface in enumerate(SURFACES):
            for horizon in HORIZONS:
                end = slate.launch_day + horizon
                is_past = slate.launch_day < config.n_history_days
                rows = np.flatnonzero(is_known & in_market[:, m] & (~is_past | (end <= config.n_history_days)))
                total = treatment.new_members[s, :, :horizon].sum(axis=1)
                n_active = treatment.n_active(s, slate.launch_day[rows], horizon)
                parts.append(pd.DataFrame({
                    TITLE: rows, TITLE_ID: [slate.item_id[row] for row in rows], MARKET: MARKETS[m].code,
                    SURFACE: surface, HORIZON: horizon, N_ACTIVE: n_active,
                    LAUNCH_AT: launch_starts(config, slate.launch_day[rows], m),
                    REACH: total[rows] / n_active, REACH_WITHOUT_FAULTS: total[shadow[rows]] / n_active,
                }))  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def repeats_table(
    config: WorldConfig, slate: Slate, by_market: Sequence[Treatment], faults: Sequence[Fault], in_market: Bools
) -> pd.DataFrame:
    """Return first-day reach beside that of each repeat of the first day, for past launches.

    One row per title x market x surface x repeat. A title that was not shown at all on its first day has no repeats of
    its own: they are 0 as well.
    """
    table = treatment_table(config, slate, by_market, faults, in_market)
    is_past = slate.launch_day[table[TITLE]] < config.n_history_days
    table = table[(table[HORIZON] == 1) & is_past].drop(columns=HORIZON).reset_index(drop=True)
    table[IS_HIDDEN] = table[TITLE].isin([fault.row for fault in faults if fault.kind.name == "not_indexed"])
    market = table[MARKET].map({market.code: m for m, market in enumerate(MARKETS)}).to_numpy()
    surface = table[SURFACE].map({name: s for s, name in enumerate(SURFACES)}).to_numpy()
    shown, active = (
        np.stack([getattr(treatment, name) for treatment in by_market])[market, surface, :, table[TITLE]]
        for name in ("repeated", "n_repeated")
    )
    parts = []
    for number in range(config.n_repeats):
        n_active = np.where(active[:, number] > 0, active[:, number], table[N_ACTIVE])
        reach = shown[:, number] / n_active
        part = table.assign(**{REPEATED_REACH: reach, REPEATED_ACTIVE: n_active})
        parts.append(part.assign(**{REPEAT: number}))
    return pd.concat(parts, ignore_index=True)


def logit(share: Floats, n_active: Ints) -> Floats:
    """Return the logit of a share of `n_active` members, finite at 0 and 1 by half a member on each side."""
    count = np.asarray(share, dtype=np.float64) * n_active
    return np.asarray(np.log((count + 0.5) / (n_active - count + 0.5)))


def fault_table(faults: Sequence[Fault], treatment: pd.DataFrame) -> pd.DataFrame:
    """Return every planted fault per market and surface, with whether it is material there."""
    planted = pd.DataFrame({
        TITLE: [fault.row for fault in faults],
        FIELD: [fault.kind.field for fault in faults],
        KIND: [fault.kind.name for fault in faults],
        SEVERITY: [fault.severity for fault in faults],
    })  # fmt: skip
    first = treatment[treatment[HORIZON] == 1].merge(planted, on=TITLE)
    n_active = first[N_ACTIVE].to_numpy()
    drop = logit(first[REACH_WITHOUT_FAULTS].to_numpy(), n_active) - logit(first[REACH].to_numpy(), n_active)
    first[MATERIAL] = drop >= MATERIAL_LOGIT
    return first[[TITLE_ID, MARKET, SURFACE, FIELD, KIND, SEVERITY, MATERIAL]]
