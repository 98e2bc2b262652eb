"""Two models on the launches both predicted: who is better, and is it sure. Pure; no store.

The metric was chosen before anybody looked: CRPS, smaller is better, averaged over leads and cells of a title.
Titles of one launch week share their luck, so weeks, not titles, are what the interval counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsysops.columns import ACTUAL, AS_OF, CRPS, KNOWN_AT, LAUNCH_AT, LEAD, MARKET, QUANTILES, TARGET_KEY, TITLE_ID
from recsysops.domain.distribution import normal_quantile

MIN_WEEKS: Final = 5
"""With fewer launch weeks nobody knows how much weeks differ."""
LEVEL: Final = 0.05
"""Chance, over all looks together, to prefer one of two models that are equally good."""
_GAIN: Final = "gain"
_WEEK: Final = "week"
_FIRST: Final = "covered_first"
_SECOND: Final = "covered_second"
_LOW, _HIGH = QUANTILES[1], QUANTILES[-2]
"""Ends of the 80 % interval."""


@dataclass(frozen=True, kw_only=True)
class Contest:
    """How the second of two models did against the first."""

    n: int
    weeks: int
    gain: float = float("nan")
    """Mean CRPS of the first minus that of the second: above 0 where the second is better."""
    low: float = float("nan")
    high: float = float("nan")
    coverage_first: float = float("nan")
    """Share of outcomes inside the 80 % interval."""
    coverage_second: float = float("nan")
    worst_market: str = ""
    """The market in which the second is surely worse, if any: of several the worst."""


def pair(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """Return one row per title that both predicted at the same times, in the order in which outcomes were known.

    Args:
        first: LAUNCH_SCORE of one model, or of one predictor.
        second: Of the other.

    Returns:
        TITLE_ID, MARKET (of its first cell), KNOWN_AT, `week`, `gain`, `covered_first`, `covered_second`.
    """
    key = [*TARGET_KEY, LEAD, AS_OF]
    wanted = [*key, LAUNCH_AT, KNOWN_AT, ACTUAL, CRPS, _LOW, _HIGH]
    both = first[wanted].merge(second[wanted], on=[*key, LAUNCH_AT], suffixes=("", "_2"))
    both = both[both[CRPS].notna() & both[f"{CRPS}_2"].notna() & both[ACTUAL].notna()]
    rows = pd.DataFrame(
        {
            TITLE_ID: both[TITLE_ID], MARKET: both[MARKET], KNOWN_AT: both[KNOWN_AT],
            _WEEK: (both[LAUNCH_AT] - pd.Timestamp("1970-01-05", tz="UTC")) // pd.Timedelta(days=7),
            _GAIN: both[CRPS] - both[f"{CRPS}_2"],
            _FIRST: _covered(both, ""), _SECOND: _covered(both, "_2"),
        }
    )  # fmt: skip
    kinds = {MARKET: "first", KNOWN_AT: "max", _WEEK: "min", _GAIN: "mean", _FIRST: "mean", _SECOND: "mean"}
    titles = rows.sort_values([TITLE_ID, MARKET], kind="stable").groupby(TITLE_ID, as_index=False).agg(kinds)
    return titles.sort_values([KNOWN_AT, TITLE_ID], kind="stable", ignore_index=True)


def contest(pairs: pd.DataFrame, level: float = LEVEL / 2) -> Contest:
    """Return how the second model did on these titles.

    Args:
        pairs: As `pair` returns them.
        level: Of each end of the interval.
    """
    n, weeks = len(pairs), pairs[_WEEK].nunique()
    if not n:
        return Contest(n=0, weeks=0)
    gain, low, high = _interval(pairs[_GAIN].to_numpy(), pairs[_WEEK].to_numpy(), level)
    return Contest(
        n=n, weeks=weeks, gain=gain, low=low, high=high, coverage_first=float(pairs[_FIRST].mean()),
        coverage_second=float(pairs[_SECOND].mean()), worst_market=_worst(pairs),
    )  # fmt: skip


def looks(pairs: pd.DataFrame, n: int) -> Sequence[tuple[int, float]]:
    """Return (titles, level) of each look that may be taken by now: at n titles, twice as many, and so on.

    Looking after each launch would promote anything in the end. So there are few looks, each at the first titles whose
    outcomes were known, and the levels, halved each time, add up to LEVEL.
    """
    week = pairs[_WEEK].to_numpy()
    fresh = np.flatnonzero(~pd.Series(week).duplicated().to_numpy())
    if len(fresh) <= MIN_WEEKS:
        return ()
    size, level, found = max(n, int(fresh[MIN_WEEKS])), LEVEL / 2, []
    while size <= len(pairs):
        found.append((size, level))
        size, level = 2 * size, level / 2
    return found


def t_quantile(level: float, freedom: int) -> float:
    """Return the upper quantile of Student's distribution: exceeded with this probability; for 4 and more degrees."""
    z = -float(normal_quantile(np.array([level]))[0])
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return float(z + sum(term / freedom**power for power, term in enumerate(terms, start=1)))


def _interval(gain: npt.NDArray[np.float64], week: npt.NDArray[np.int64], level: float) -> tuple[float, float, float]:
    """Return the mean and the ends of its interval, weeks as clusters; ends are missing with too few of them."""
    mean = float(gain.mean())
    _, place = np.unique(week, return_inverse=True)
    n_weeks = int(place.max()) + 1
    if n_weeks < MIN_WEEKS:
        return mean, float("nan"), float("nan")
    sums = np.bincount(place, weights=gain - mean)
    error = float(np.sqrt(n_weeks / (n_weeks - 1) * (sums**2).sum())) / len(gain)
    reach = t_quantile(level, n_weeks - 1) * error
    return mean, mean - reach, mean + reach


def _worst(pairs: pd.DataFrame) -> str:
    found = {}
    for market, rows in pairs.groupby(MARKET):
        mean, _, high = _interval(rows[_GAIN].to_numpy(), rows[_WEEK].to_numpy(), LEVEL / 2)
        if high < 0:
            found[str(market)] = mean
    return min(found, key=lambda market: found[market], default="")


def _covered(rows: pd.DataFrame, which: str) -> pd.Series:
    return ((rows[ACTUAL] >= rows[f"{_LOW}{which}"]) & (rows[ACTUAL] <= rows[f"{_HIGH}{which}"])).astype(float)
