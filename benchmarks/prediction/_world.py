"""What the benchmark is run on: histories with the time each thing was known, and how the origin rolls through them.

A label of horizon h is usable h days after its launch: KNOWN_AT says when, and a world that claims less is refused.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np
import pandas as pd

from recsysops.columns import (
    CELL_KEY,
    DENOMINATOR,
    HORIZON,
    IS_PARTIAL,
    KNOWN_AT,
    LAUNCH_AT,
    MEASURE,
    NUMERATOR,
    TARGET_KEY,
    VALUE,
)  # fmt: skip
from recsysops.domain.history import History
from recsysops.domain.measure import transform
from recsysops.settings import ModelSettings

WEEK = pd.Timedelta(days=7)
Tell = Callable[[str, float], None]
"""Called with what is being done and how much of it is done, 0 to 1."""


@dataclass(frozen=True, kw_only=True)
class World:
    """One world; `w1.world(seed, small=...)` and the loaders of `_worlds` return it."""

    name: str
    seed: int
    history: History
    """Titles, launches, outcomes and what the recommender said, each row with the time it was known at."""
    measure: str
    horizons: tuple[int, ...]
    settings: ModelSettings
    """Of our own model; the peers take `ignore_fields` and `text_fields` from it."""
    first_origin: datetime | None = None
    """Weeks are counted from here; None: from the Monday before the first launch."""
    warm_up: int = 40
    """Outcomes of a horizon that are known before the first launch is predicted."""
    refit_weeks: int = 1
    """How often every predictor is fitted anew; between, it answers with fresh features."""
    ceiling: Mapping[int, float] | None = None
    """Highest R2 anybody could reach before launch, by horizon: 1 - share of what nobody can know by then. None where
    nobody knows."""
    hindsight: Mapping[int, float] | None = None
    """The same for who is told of what only shows once a title has launched."""
    planted: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(CELL_KEY)))
    """CELL_KEY of cells with planted faults or missing fields."""
    is_seeded: bool = True
    """False where all seeds share the same data, so that only the predictors' own seed differs."""


def labels(world: World, horizon: int) -> pd.DataFrame:
    """Return one row per cell with a complete outcome: CELL_KEY, LAUNCH_AT, KNOWN_AT, DENOMINATOR, `y`, `week`.

    `y` is on the transformed scale; `week` is the origin at or before the launch. Ordered by launch and cell.

    Raises:
        ValueError: An outcome is said to be known before its horizon is over.
    """
    frame = world.history.outcomes
    frame = frame[(frame[MEASURE] == world.measure) & (frame[HORIZON] == horizon) & frame[LAUNCH_AT].notna()]
    value, denominator = frame[VALUE].to_numpy(dtype=float), frame[DENOMINATOR].to_numpy(dtype=float)
    fine = np.isfinite(value) & (value >= 0) & (value <= 1) & (denominator > 0)
    fine &= ~frame[IS_PARTIAL].to_numpy(dtype=bool)
    frame = frame[fine].sort_values([LAUNCH_AT, *TARGET_KEY, KNOWN_AT], kind="stable")
    frame = frame.drop_duplicates(list(TARGET_KEY), keep="last", ignore_index=True)
    early = frame[KNOWN_AT] < frame[LAUNCH_AT] + pd.Timedelta(days=horizon)
    if early.any():
        raise ValueError(f"{early.sum()} outcomes over {horizon} days are known before these days are over.")
    frame = frame[[*CELL_KEY, LAUNCH_AT, KNOWN_AT, DENOMINATOR, VALUE]]
    y = transform(world.measure, frame[VALUE], frame[DENOMINATOR])
    return frame.drop(columns=VALUE).assign(y=y, week=week_of(world, frame[LAUNCH_AT]))


def week_of(world: World, launch: pd.Series) -> pd.Series:
    """Return the weekly origin at or before each launch."""
    if world.first_origin is not None:
        anchor = pd.Timestamp(world.first_origin)
    else:
        first = world.history.outcomes[LAUNCH_AT].min().normalize()
        anchor = first - pd.Timedelta(days=first.weekday())
    return (anchor + ((launch - anchor) // WEEK) * WEEK).astype("datetime64[us, UTC]")


def origins(world: World, known: pd.DataFrame) -> list[pd.Timestamp]:
    """Return the origins at which launches are predicted: all weeks that have some, once enough is known."""
    if len(known) < world.warm_up:
        return []
    enough = known[KNOWN_AT].sort_values().iloc[world.warm_up - 1]
    first = enough if world.first_origin is None else max(enough, pd.Timestamp(world.first_origin))
    return [pd.Timestamp(week) for week in sorted(known["week"].unique()) if week >= first]


def fit_origins(world: World, all_origins: list[pd.Timestamp]) -> dict[pd.Timestamp, pd.Timestamp]:
    """Return for each origin the one at which everybody was fitted last."""
    fitted: dict[pd.Timestamp, pd.Timestamp] = {}
    last: pd.Timestamp | None = None
    for origin in all_origins:
        if last is None or origin - last >= world.refit_weeks * WEEK:
            last = origin
        fitted[origin] = last
    return fitted


def shuffled(world: World) -> World:
    """Return the world with the outcomes of its cells exchanged among each other: nothing can be learned from it.

    All horizons of a cell move together, within market and surface; times stay where they are.
    """
    outcomes = world.history.outcomes.reset_index(drop=True)
    rng = np.random.default_rng(20_000 + world.seed)
    cells = outcomes[list(CELL_KEY)].drop_duplicates().sort_values(list(CELL_KEY), ignore_index=True)
    complete = outcomes[~outcomes[IS_PARTIAL].astype(bool)].groupby(list(CELL_KEY)).size()
    # Only cells with equally many outcomes trade places, or a partial one would lend its holes.
    cells["n"] = complete.reindex(pd.MultiIndex.from_frame(cells)).fillna(0).to_numpy()
    giver = cells.groupby([*CELL_KEY[1:], "n"])[CELL_KEY[0]].transform(lambda part: rng.permutation(part.to_numpy()))
    given = outcomes.merge(cells.assign(giver=giver).drop(columns="n"), on=list(CELL_KEY), how="left")
    lent = outcomes[[*TARGET_KEY, VALUE, NUMERATOR, DENOMINATOR, IS_PARTIAL]]
    lent = lent.drop_duplicates(list(TARGET_KEY), keep="last").rename(columns={CELL_KEY[0]: "giver"})
    keys = ["giver", *TARGET_KEY[1:]]
    moved = given.drop(columns=[VALUE, NUMERATOR, DENOMINATOR, IS_PARTIAL]).merge(lent, on=keys, how="inner")
    history = replace(world.history, outcomes=moved[list(outcomes.columns)])
    return replace(world, name=f"{world.name}, labels shuffled", history=history, ceiling=None)
