"""Past launches as they would have been without some of their fields: more to learn from where metadata is missing.

The recommender is asked about a past title with fields dropped; what its answer loses, the outcome is taken to lose.
Merely blanking a field would teach that it does not matter: the recommender reacts to what is missing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsysops.columns import AS_OF, CELL_KEY, DROPPED, MARKET, N_MEMBERS, REACH_AS_IT_WAS, REACH_JOINT, TITLE_ID
from recsysops.domain.measure import Measure
from recsysops.model._asof import Floats, Ints, microseconds
from recsysops.model._catalogue import Catalogue, Keys, State
from recsysops.model._features import FeatureBuilder
from recsysops.model._known import Known
from recsysops.model._launches import LaunchBook
from recsysops.model._past import Past, Rows
from recsysops.model._shadow import ShadowBook, logit
from recsysops.settings import ModelSettings

Mask = npt.NDArray[np.bool_]

WEIGHT: Final = 0.3
"""What such a row counts beside a real launch."""
_MOST_VIEWS: Final = 4
"""Views of one title that are learned from."""


@dataclass(frozen=True)
class Relabelled:
    """Rows made of past launches, n of them."""

    frame: pd.DataFrame
    """Features, as of real launches."""
    y: Floats
    """Outcome it would have had, on the transformed scale."""
    source: Ints
    """Position in the past of the launch it was made of."""
    asked: Ints
    """When the recommender was asked."""

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.y)

    def of(self, seen: Mask) -> "Relabelled":
        """Return the rows made of the launches that were `seen`."""
        return self.of_rows(seen[self.source])

    def of_rows(self, keep: Mask) -> "Relabelled":
        """Return some of the rows."""
        return Relabelled(self.frame[keep], self.y[keep], self.source[keep], self.asked[keep])

    def within(self, seen: Mask, at: int) -> "Relabelled":
        """Return the rows of `of` that were asked about by a time, for a past of the seen launches alone."""
        kept = self.of(seen)
        kept = Relabelled(kept.frame, kept.y, (np.cumsum(seen) - 1)[kept.source], kept.asked)
        return kept.of_rows(kept.asked <= at)


def relabelled(builder: FeatureBuilder, known: Known, rows: Rows, past: Past, measure: str) -> Relabelled | None:
    """Return what the recommender's answers about dropped fields teach; None where there are none.

    Args:
        builder: Of the real launches.
        known: What is known.
        rows: The real launches, as they are learned from.
        past: Their outcomes.
        measure: What the outcomes measure.
    """
    asked = known.relabelled
    asked = asked[asked[REACH_JOINT].notna() & asked[REACH_AS_IT_WAS].notna()]
    if asked.empty or not len(past):
        return None
    places = pd.MultiIndex.from_arrays([past.title, past.market, past.surface])
    asked = asked.assign(_at=places.get_indexer(pd.MultiIndex.from_frame(asked[list(CELL_KEY)])))
    asked = asked[asked["_at"] >= 0].sort_values([AS_OF, *CELL_KEY], kind="stable")
    asked = asked.assign(
        _dropped=pd.Series([frozenset(map(str, each)) for each in asked[DROPPED]], asked.index, object)
    )
    asked = asked.drop_duplicates([*CELL_KEY, "_dropped"], keep="last")
    asked["_view"] = asked.groupby([TITLE_ID, MARKET])["_dropped"].transform(_numbered)
    builder.make_ready(past)
    views = [
        _view(builder, known, rows.take(own["_at"].to_numpy(dtype=np.int64)), past, own)
        for number, own in asked.groupby("_view")
        if int(str(number)) < _MOST_VIEWS
    ]
    kept = asked[asked["_view"] < _MOST_VIEWS].sort_values("_view", kind="stable")
    if kept.empty:
        return None
    source = kept["_at"].to_numpy(dtype=np.int64)
    y = past.y[source] + _loss(kept, measure)
    asked_at = microseconds(kept[AS_OF])
    return Relabelled(pd.concat(views, ignore_index=True), _possible(y, measure), source, asked_at)


def _numbered(dropped: pd.Series) -> Ints:
    """Number the different sets of fields dropped of one title and market, smallest and first by name first."""
    names = sorted(set(dropped), key=lambda fields: (len(fields), sorted(fields)))
    return np.array([names.index(fields) for fields in dropped], dtype=np.int64)


def _view(builder: FeatureBuilder, known: Known, rows: Rows, past: Past, asked: pd.DataFrame) -> pd.DataFrame:
    given = _Dropped(known, asked)
    return FeatureBuilder(given, builder.recipe, builder).build(rows, past).frame


def _loss(asked: pd.DataFrame, measure: str) -> Floats:
    """Return what the recommender's answer changed by on the scale of the measure: logits of reach, else logarithms."""
    n = asked[N_MEMBERS].fillna(2000).to_numpy(dtype=np.float64)
    without, with_all = (asked[name].to_numpy(dtype=np.float64) for name in (REACH_JOINT, REACH_AS_IT_WAS))
    if Measure(measure) is Measure.REACH:
        return logit(without, n) - logit(with_all, n)
    return np.asarray(np.log(without * n + 0.5) - np.log(with_all * n + 0.5), dtype=np.float64)


def _possible(y: Floats, measure: str) -> Floats:
    return np.maximum(y, 0.0) if Measure(measure) is Measure.UPTAKE else y


class _Dropped:
    """What is known, but for the fields dropped and what the recommender said without them."""

    def __init__(self, known: Known, asked: pd.DataFrame) -> None:
        self.answers = ShadowBook(asked, known.at, is_given=True)
        self.rivals: ShadowBook = known.rivals
        self.zones: Mapping[str, str] = known.zones
        self.launches: LaunchBook = known.launches
        self.settings: ModelSettings = known.settings
        self.catalogue = _DroppedCatalogue(known.catalogue, asked)


class _DroppedCatalogue:
    """States of titles without the fields dropped, numbered after those that are stored."""

    def __init__(self, stored: Catalogue, asked: pd.DataFrame) -> None:
        self._stored = stored
        self.states = stored.states
        keys = zip(asked[TITLE_ID], asked[MARKET], strict=True)
        self._dropped: dict[tuple[str, str], frozenset[str]] = dict(zip(keys, asked["_dropped"], strict=True))
        self._numbers: dict[tuple[int, frozenset[str]], int] = {}

    def states_at(self, titles: Keys, markets: Keys, cuts: Ints) -> Ints:
        """Return the number of the state of each title in each market, without the fields dropped there."""
        whole = self._stored.states_at(titles, markets, cuts)
        keys = zip(titles, markets, whole, strict=True)
        return np.array([self._number(int(at), self._dropped[title, market]) for title, market, at in keys])

    def _number(self, whole: int, dropped: frozenset[str]) -> int:
        if (whole, dropped) not in self._numbers:
            state = self._stored.states[whole]
            fields = {name: value for name, value in state.fields.items() if name not in dropped}
            self._numbers[whole, dropped] = len(self.states)
            self.states.append(State(state.name, fields, {name: state.since[name] for name in fields}))
        return self._numbers[whole, dropped]
