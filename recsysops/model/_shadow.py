"""What the recommender said when it was asked: the latest answer known at a time, as numbers a model can use.

Not for asking: see `recsysops.shadow`.
"""

from typing import Final

import numpy as np
import pandas as pd

from recsysops.columns import (
    AS_OF,
    CANDIDATE_SHARE,
    CELL_KEY,
    ELIGIBLE_SHARE,
    MARGIN_P10,
    MARGIN_P50,
    MARGIN_P90,
    MODEL_VERSION,
    N_MEMBERS,
    RANK_PERCENTILE,
    REACH_ALONE,
    REACH_JOINT,
    STANDARD_ERROR,
)  # fmt: skip
from recsysops.model._asof import DAY, AsOfIndex, Floats, Ints, microseconds
from recsysops.model._past import NO_TIME, Rows, Texts, places

JOINT: Final = "|shadow_reach"
"""Logit of the reach among all titles of the launch window."""
ALONE: Final = "|shadow_alone"
COMPETITION: Final = "|shadow_competition"
"""JOINT - ALONE: 0 without competition, below it with some."""
NEAR: Final = "|shadow_near"
"""Logit of the reach alone were the scores uncertain: tells titles apart that nobody would be shown."""
RISING: Final = frozenset({JOINT, ALONE, COMPETITION, NEAR})
"""Columns in which a model may only rise; with COMPETITION among them it rises in JOINT whatever ALONE is."""
MAX_VERSIONS: Final = 12
_ANSWERS: Final = (
    REACH_JOINT, REACH_ALONE, ELIGIBLE_SHARE, CANDIDATE_SHARE, RANK_PERCENTILE, MARGIN_P10, MARGIN_P50, MARGIN_P90,
)  # fmt: skip
_PLAIN: Final = (ELIGIBLE_SHARE, CANDIDATE_SHARE, RANK_PERCENTILE, MARGIN_P10, MARGIN_P50, MARGIN_P90)
_USUAL_MEMBERS: Final = 2000.0
"""Members behind a share where that is not known."""
_MAX_AGE_DAYS: Final = 365.0
_UNCERTAIN: Final = 0.5
"""Standard deviation by which a score may be off, in standard deviations of a member's scores."""
_P10_TO_P90: Final = 2.5631
"""Standard deviations between these quantiles of a normal distribution."""
_FINE: Final = 10_000.0
"""Members a reach is as fine as that no single member has to be counted for."""


class ShadowBook:
    """Answers of the recommender by cell and time; rows without any number are no answers."""

    def __init__(self, frame: pd.DataFrame, at: int, *, is_given: bool = False) -> None:
        """Keep the answers of SHADOW_SCORE known at `at`, in microseconds; those that are given hold at any time."""
        numbers = {name: frame[name].to_numpy(dtype=np.float64) for name in (*_ANSWERS, N_MEMBERS, STANDARD_ERROR)}
        asked = microseconds(frame[AS_OF])
        said = np.isfinite(np.array([numbers[name] for name in _ANSWERS])).any(axis=0) & (asked > NO_TIME)
        keep = np.flatnonzero(said & (is_given | (asked <= at)))
        title, market, surface = (frame[name].to_numpy(dtype=object)[keep] for name in CELL_KEY)
        cells = _cells(title, places(market, surface))
        self._cells = cells.unique()
        self._asked = asked[keep]
        self._numbers = {name: values[keep] for name, values in numbers.items()}
        self._version = frame[MODEL_VERSION].to_numpy(dtype=object)[keep]
        groups = self._cells.get_indexer(cells).astype(np.int64)
        self._index = AsOfIndex.of(groups, np.zeros_like(self._asked) if is_given else self._asked, len(self._cells))

    def __len__(self) -> int:
        """Return the number of answers."""
        return len(self._asked)

    def versions(self, at: int) -> tuple[str, ...]:
        """Return the versions of the recommender that answered up to a time, the latest few of them, by name."""
        known = pd.Series(self._asked, index=pd.Index(self._version, dtype=object))
        known = known[(known <= at).to_numpy() & known.index.notna() & (known.index != "")]
        # Of two that answered at one time, the name decides: the order of the rows does not count.
        last = known.groupby(level=0).max().sort_index().sort_values(kind="stable")
        return tuple(sorted(map(str, last.index[-MAX_VERSIONS:])))

    def latest(self, title: Texts, place: "pd.Index[str]", cut: Ints) -> Ints:
        """Return the position of the latest answer about each title at each place by each cut, -1 for none."""
        if not len(self._asked):
            return np.full(len(cut), -1, dtype=np.int64)
        return self._index.latest(self._cells.get_indexer(_cells(title, place)).astype(np.int64), cut)

    def asked(self, title: Texts, place: "pd.Index[str]", cut: Ints) -> Ints:
        """Return when the recommender answered last about each title at each place by each cut; NO_TIME for never."""
        at = self.latest(title, place, cut)
        return np.where(at >= 0, self._asked[at], NO_TIME) if len(self._asked) else np.full(len(cut), NO_TIME)

    def reach(self, at: Ints) -> Floats:
        """Return the joint reach of answers, a share; 0 where there is none."""
        return np.nan_to_num(self._take(REACH_JOINT, at))

    def columns(self, rows: Rows, versions: tuple[str, ...]) -> dict[str, Floats]:
        """Return the features of each row; all are missing where the recommender never answered."""
        at = self.latest(rows.title, rows.place, rows.cut)
        n = np.nan_to_num(self._take(N_MEMBERS, at), nan=_USUAL_MEMBERS)
        joint, alone = self._take(REACH_JOINT, at), self._take(REACH_ALONE, at)
        found = {JOINT: logit(joint, n), ALONE: logit(alone, n)}
        found[COMPETITION] = found[JOINT] - found[ALONE]
        found |= {f"|shadow_{name}": self._take(name, at) for name in _PLAIN}
        found[NEAR] = logit(self._near(at), np.full(len(at), _FINE))
        smooth = (joint * n + 0.5) / (n + 1)
        found["|shadow_error"] = self._take(STANDARD_ERROR, at) / (smooth * (1 - smooth))
        asked = self._asked[at] if len(self._asked) else at
        age = np.clip((rows.cut - asked) / DAY, 0.0, _MAX_AGE_DAYS)
        found["|shadow_age"] = np.where(at >= 0, age, np.nan)
        ahead = np.clip((rows.launch - asked) / DAY, 0.0, _MAX_AGE_DAYS)
        found["|shadow_days_ahead"] = np.where(at >= 0, ahead, np.nan)
        version = self._version[at] if len(self._version) else np.full(len(at), "", dtype=object)
        is_known = np.isin(version.astype(str), versions) & (at >= 0)
        for name in versions:
            found[f"|shadow_version|is|{name}"] = np.where(is_known, (version == name).astype(np.float64), np.nan)
        return found

    def _near(self, at: Ints) -> Floats:
        """Return the reach alone, a share, if each score were off by a normal error; missing without margins.

        A page is made many times a day, of scores that vary: a title that just fails to be shown is shown now and then.
        """
        from scipy.special import ndtr

        eligible = self._take(ELIGIBLE_SHARE, at)
        low, middle, high = (self._take(name, at) for name in (MARGIN_P10, MARGIN_P50, MARGIN_P90))
        shown = eligible * ndtr(middle / np.hypot((high - low) / _P10_TO_P90, _UNCERTAIN))
        return np.where(eligible == 0, 0.0, shown)

    def _take(self, name: str, at: Ints) -> Floats:
        if not len(self._asked):
            return np.full(len(at), np.nan)
        return np.where(at >= 0, self._numbers[name][at], np.nan)


def logit(share: Floats, n: Floats) -> Floats:
    """Return the logit of shares of `n`, half a unit added so that it is finite; a missing share stays missing."""
    share = np.clip(share, 0.0, 1.0)
    return np.asarray(np.log((share * n + 0.5) / ((1 - share) * n + 0.5)), dtype=np.float64)


def _cells(title: Texts, place: "pd.Index[str]") -> "pd.Index[str]":
    return pd.Index([f"{t}\x00{p}" for t, p in zip(title, place, strict=True)], dtype=object)
