"""Titles unlike anything launched before: of these a prediction would be a guess, and is not made.

A title's distance is how much of what is known of it the nearest earlier titles do not share; what is missing does not
count, and neither does one field, whichever makes it look strangest: a single faulty field is a fault to be found, not
a strange title. Past titles had distances to those before them, so a conformal p-value says how strange this one is,
and of ordinary titles no more than a set share abstains. Not for the distances of single fields.

Source: Bates et al., "Testing for outliers with conformal p-values", Annals of Statistics, 2023.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from recsysops.model._asof import Floats, Ints
from recsysops.model._baseline import HANDFUL
from recsysops.model._encode import filled
from recsysops.model._features import FeatureBuilder
from recsysops.model._past import Past, Rows

_LATEST: Final = 1_000
"""Past launches of a market and surface that a title is compared with: the latest ones."""
_NAMED: Final = 3
"""Nearest titles that are named."""


@dataclass(frozen=True)
class Usual:
    """How far past launches were from those before them."""

    far: Mapping[str, Floats]
    """Distances by market and surface, ascending."""
    states: Ints
    """Number of the metadata state of each past outcome at its launch."""

    @classmethod
    def of(cls, builder: FeatureBuilder, past: Past) -> "Usual":
        """Measure the past of a builder that is no other's younger one; measured once."""
        return builder.memory.get(("usual", past.key), lambda: cls._measured(builder, past))

    @classmethod
    def _measured(cls, builder: FeatureBuilder, past: Past) -> "Usual":
        latest = {str(name): np.flatnonzero(past.place == name)[-_LATEST:] for name in past.place.unique()}
        at = np.sort(np.concatenate([*latest.values(), np.zeros(0, dtype=np.int64)])).astype(np.int64)
        rows = past.launched.take(at)
        far = distances(builder, rows, past)
        sorted_far = {name: np.sort(far[(rows.place == name) & np.isfinite(far)]) for name in latest}
        return cls(sorted_far, builder.states(past.launched))

    def p_values(self, rows: Rows, far: Floats) -> Floats:
        """Return the share of past launches, this one counted, that were at least as far; 1 where nothing says so."""
        p = np.ones(len(far))
        for name in sorted(set(rows.place) & set(self.far)):
            own, usual = np.flatnonzero((rows.place == name) & np.isfinite(far)), self.far[name]
            farther = len(usual) - np.searchsorted(usual, far[own] - 1e-9, side="left")
            p[own] = (1 + farther) / (1 + len(usual))
        return p


def distances(builder: FeatureBuilder, rows: Rows, past: Past) -> Floats:
    """Return the distance of each row to its nearest earlier titles, in [0, 1]; missing where nothing can be compared.

    It is the mean over a handful of titles; of all ways to leave out at most one heavy field, the least.
    """
    numbers, inverse = np.unique(builder.states(rows), return_inverse=True)
    has = filled(builder.recipe, [builder.known.catalogue.states[number] for number in numbers])[inverse]
    found = np.full((len(rows), has.shape[1]), np.nan)
    for at, near in enumerate(builder.comparisons(rows, past)):
        few = near.distance[:, :HANDFUL]
        enough = (near.place[:, :HANDFUL] >= 0).sum(axis=1) == HANDFUL
        fine = enough & (has[:, at] > 0)
        shared = 1 - np.where(fine[:, None], few, 1.0).mean(axis=1)
        found[:, at] = np.where(fine, np.clip(1 - shared / np.where(fine, has[:, at], 1.0), 0.0, 1.0), np.nan)
    judged = np.isfinite(found)
    return np.where(judged.any(axis=1), np.where(judged, found, np.inf).min(axis=1, initial=np.inf), np.nan)


def reasons(builder: FeatureBuilder, rows: Rows, past: Past, usual: Usual) -> list[str | None]:
    """Return why each row is not predicted: how far it is, from what, and what is usual; None where it may be."""
    share = builder.known.settings.unlike_ratio
    far = distances(builder, rows, past)
    strange = np.flatnonzero(usual.p_values(rows, far) <= share)
    said: list[str | None] = [None] * len(rows)
    near = builder.comparisons(rows, past)[0]
    for at in strange.tolist():
        states = [builder.known.catalogue.states[usual.states[place]] for place in near.place[at, :_NAMED]]
        names = ", ".join(f'"{state.name}"' for state in states)
        limit = float(np.quantile(usual.far[str(rows.place[at])], 1 - share))
        said[at] = (
            f"it is unlike anything launched here before: it shares {1 - far[at]:.0%} of what is known of it with the "
            f"nearest titles ({names}), where {1 - share:.0%} of past launches shared {1 - limit:.0%} or more"
        )
    return said
