"""What the content teams expect of a launch: low, best and high, as people write them down.

Built from what a title would do without its faults, plus human error; intervals said to hold 80 % hold about 68 %.
"""

from typing import Final

import numpy as np
import pandas as pd

from recsysops.columns import (
    AUTHOR,
    BEST,
    CONFIDENCE,
    HIGH,
    HORIZON,
    LAUNCH_AT,
    LOW,
    MARKET,
    MEASURE,
    N_ACTIVE,
    OBSERVED_AT,
    SURFACE,
    UNIT,
)  # fmt: skip
from recsysops.simulation._fields import ITEM_ID, REACH, REACH_WITHOUT_FAULTS, TITLE
from recsysops.simulation.planning import Slate
from recsysops.simulation.truth import logit
from recsysops.simulation.world import MARKETS, SURFACES, WorldConfig, stream

HUMAN_ERROR: Final = 0.42
"""Standard deviation of the teams' error, in logits of reach."""
_HALF_WIDTH: Final = 0.9945 * HUMAN_ERROR
"""Half of an interval that holds 68 % of a normal error, where it is said to hold 80 %."""
_SHARE_WITHOUT: Final = 0.10
_SHARE_IN_MEMBERS: Final = 0.15
_LEAN: Final = (0.06, -0.04)
"""How much the team of each market hopes for too much, in logits."""
COLUMNS: Final = (ITEM_ID, MARKET, SURFACE, MEASURE, HORIZON, LOW, BEST, HIGH, CONFIDENCE, UNIT, AUTHOR, OBSERVED_AT)


def make_expectations(config: WorldConfig, slate: Slate, treatment: pd.DataFrame) -> pd.DataFrame:
    """Return the expectations known at `as_of`, columns `COLUMNS`: shares in (0, 1), or members for some titles."""
    rng = stream(config, 9)
    n = len(slate.role)
    has = rng.random(n) >= _SHARE_WITHOUT
    in_members = rng.random(n) < _SHARE_IN_MEMBERS
    days_before = rng.uniform(20.0, 30.0, n)
    cells = {name: k for k, name in enumerate((m.code, s) for m in MARKETS for s in SURFACES)}
    error = 0.85 * rng.standard_normal((n, 1)) + np.sqrt(1 - 0.85**2) * rng.standard_normal((n, len(cells)))
    table = treatment[has[treatment[TITLE]]].reset_index(drop=True)
    title = table[TITLE].to_numpy()
    cell = np.array([cells[key] for key in zip(table[MARKET], table[SURFACE], strict=True)])
    lean = np.array(_LEAN)[cell // len(SURFACES)]
    healthy = logit(table[REACH_WITHOUT_FAULTS].to_numpy(), table[N_ACTIVE].to_numpy())
    best = healthy + lean + HUMAN_ERROR * error[title, cell]
    width = _HALF_WIDTH * np.exp(0.15 * rng.standard_normal(n))[title]
    scale = _scale(table, in_members[title])
    observed_at = table[LAUNCH_AT] - pd.to_timedelta((days_before[title] * 86400).astype(np.int64), unit="s")
    result = pd.DataFrame({
        ITEM_ID: [slate.item_id[row] for row in title], MARKET: table[MARKET], SURFACE: table[SURFACE], MEASURE: REACH,
        HORIZON: table[HORIZON], LOW: _written(best - width, scale), BEST: _written(best, scale),
        HIGH: _written(best + width, scale), CONFIDENCE: 0.8, UNIT: np.where(in_members[title], "members", "share"),
        AUTHOR: "content-team-" + table[MARKET].str.lower(), OBSERVED_AT: observed_at,
    })  # fmt: skip
    result = result[result[OBSERVED_AT] <= config.as_of]
    order = [OBSERVED_AT, ITEM_ID, MARKET, SURFACE, HORIZON]
    return result.sort_values(order, kind="stable", ignore_index=True)[list(COLUMNS)]


def _scale(table: pd.DataFrame, in_members: np.ndarray) -> np.ndarray:
    """Return what a share is multiplied by: 1, or the usual number of active members for those written as members."""
    usual = table.groupby([MARKET, SURFACE, HORIZON])[N_ACTIVE].transform("mean").round().to_numpy()
    return np.where(in_members, usual, 1.0)


def _written(value: np.ndarray, scale: np.ndarray) -> np.ndarray:
    share = 1.0 / (1.0 + np.exp(-value))
    return np.asarray(np.where(scale > 1.0, np.maximum(np.round(share * scale), 1.0), np.round(share, 5)))
