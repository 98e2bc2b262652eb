"""Draws members from registered log files, by hash within strata of how often they came. Keeps nothing of them."""

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

import numpy as np
import pandas as pd

from recsysops.columns import MARKET, MEMBER_ID, SURFACE
from recsysops.domain.batch import LogFile
from recsysops.domain.shadow import Ints, MemberSample, allocate
from recsysops.events._wanted import spread
from recsysops.events.coverage import DAY_US, files_between, is_unchanged, microseconds
from recsysops.events.engine import Engine, EngineLimits, open_engine
from recsysops.events.names import ACTIVE_DAYS, CELL, DIGEST, FROM_DAY, LOG_MARKET, LOG_SURFACE, MEMBERS, PHASE, TO_DAY

_ROWS_PER_MEMBER_DAY: Final = 4
"""As for activity: a pass groups by member and day."""
_SCOPE: Final = [CELL, LOG_MARKET, LOG_SURFACE, PHASE, FROM_DAY, TO_DAY]
_SPARE: Final = 1.5
"""A stratum may be asked for more than its share where others have fewer members than theirs."""


class IbisMemberSampler:
    """The port `MemberSampler`, on the engine that the limits name."""

    def __init__(self, limits: EngineLimits, seed: int = 1) -> None:
        self._limits, self._seed = limits, seed

    def sample(
        self, files: Sequence[LogFile], places: Sequence[tuple[str, str]], until: datetime, *, n: int, active_days: int
    ) -> Mapping[tuple[str, str], MemberSample]:
        """Draw about `n` members of each market and surface from those active in the days before `until`.

        A member's stratum is the number of days, of 24 hours before `until`, with a row of theirs. The members of a
        stratum are those with the smallest keyed hashes.

        Args:
            files: The files of one log that count.
            places: Market and surface; `all` stands for every one.
            until: Aware UTC; later rows are not looked at.
            n: Members wanted of each place.
            active_days: How many days are looked at.

        Returns:
            Place to sample; a place where nobody was active is left out.

        Raises:
            EngineError: The engine cannot be started, or cannot read a file as it was checked.
        """
        end = microseconds(until)
        wanted = list(dict.fromkeys(places))
        present = [file for file in files if is_unchanged(file)]
        near = files_between(present, end - active_days * DAY_US, end)
        if not near or not wanted:
            return {}
        with open_engine(self._limits) as engine:
            found = self._drawn(engine, near, _scopes(wanted, end, active_days), n)
        of_place = dict(tuple(found.groupby(CELL)))
        return {
            place: _sample(of_place[number], n, self._seed) for number, place in enumerate(wanted) if number in of_place
        }

    def _drawn(self, engine: Engine, files: Sequence[LogFile], scopes: pd.DataFrame, n: int) -> pd.DataFrame:
        """Return candidates for the sample, CELL, ACTIVE_DAYS, MEMBER_ID, DIGEST, and MEMBERS of their stratum."""
        from recsysops.events.expressions import drawn, member_days, places  # loads Ibis

        lent = engine.lend("sample_scopes", spread(scopes, engine.compute(places(engine.events(files))))[_SCOPE])
        rows = sum(file.rows for file in files)
        limit = _ROWS_PER_MEMBER_DAY * self._limits.rows_per_pass
        parts = 1 if self._limits.spark_master else max(1, -(-rows // limit))
        each = math.ceil(n * _SPARE) + 1
        found = [
            engine.compute(drawn(member_days(engine.events(files, part, parts), lent), f"{self._seed}", each))
            for part in range(parts)
        ]
        candidates = pd.concat(found, ignore_index=True)
        sizes = pd.concat([part.drop_duplicates([CELL, ACTIVE_DAYS]) for part in found])
        total = sizes.groupby([CELL, ACTIVE_DAYS], as_index=False)[MEMBERS].sum()
        return candidates.drop(columns=MEMBERS).merge(total, on=[CELL, ACTIVE_DAYS])


def _scopes(places: Sequence[tuple[str, str]], end: int, active_days: int) -> pd.DataFrame:
    phase, last = end % DAY_US, end // DAY_US
    return pd.DataFrame(
        {
            CELL: np.arange(len(places)),
            MARKET: [market for market, _ in places],
            SURFACE: [surface for _, surface in places],
            PHASE: phase,
            FROM_DAY: last - active_days,
            TO_DAY: last,
        }
    )


def _sample(found: pd.DataFrame, n: int, seed: int) -> MemberSample:
    """Take of each stratum as many members as are wanted, in an order that knows no stratum."""
    strata = found.groupby(ACTIVE_DAYS)[MEMBERS].first()
    days = strata.index.to_numpy(dtype=np.int64)
    sizes: Ints = strata.to_numpy(dtype=np.int64)
    taken = dict(zip(days, allocate(sizes, days, n), strict=True))
    ordered = found.sort_values([DIGEST, MEMBER_ID], kind="stable")
    place = ordered.groupby(ACTIVE_DAYS).cumcount()
    chosen = ordered[place < ordered[ACTIVE_DAYS].map(taken)]
    mixed = chosen.iloc[list(_mixed(len(chosen), seed))]
    mass = (sizes * days).astype(np.float64)
    return MemberSample(
        members=tuple(mixed[MEMBER_ID]),
        stratum=np.searchsorted(days, mixed[ACTIVE_DAYS].to_numpy(dtype=np.int64)),
        shares=mass / mass.sum(),
        sizes=sizes,
    )


def _mixed(n: int, seed: int) -> Iterator[int]:
    """Yield positions in a random order: by digest alone, members of large strata would come first."""
    yield from np.random.default_rng([seed, n]).permutation(n).tolist()
