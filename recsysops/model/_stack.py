"""The stack: what the recommender and comparable titles say, taken directly, beside the boosted model. Never negative.

A weight says how far the answer moves from the model towards another opinion; the weights come from predictions of
launches that nobody had seen, and are shrunk towards the model where these are few.

Source:
    Breiman, "Stacked regressions", Machine Learning, 1996 (non-negative weights from out-of-sample predictions).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, Final

import numpy as np

from recsysops.model._asof import Floats, Ints
from recsysops.model._shadow import NEAR

SHADOW: Final = "shadow"
COMPARABLES: Final = "comparables"
OPINIONS: Final = (SHADOW, COMPARABLES)
_MIN_ROWS: Final = 100
"""With fewer launches predicted out of sample, the model answers alone."""
_MIN_LINE: Final = 30
"""With fewer launches the recommender was asked about, what it said cannot be put on the scale of outcomes."""
_PRIOR_ROWS: Final = 100.0
"""Launches' worth of weight on the model alone."""


@dataclass(frozen=True)
class Line:
    """What the recommender said, on the scale of outcomes: a line that never falls, level beyond what was seen."""

    intercept: float
    slope: float
    low: float
    high: float

    @classmethod
    def fit(cls, said: Floats, y: Floats) -> "Line | None":
        """Fit by least squares; None where too few launches were asked about, or it says nothing of the outcome."""
        fine = np.isfinite(said)
        x, target = said[fine], y[fine]
        if len(x) < _MIN_LINE or x.std() <= 0:
            return None
        slope = float(np.cov(x, target, bias=True)[0, 1] / x.var())
        if slope <= 0:
            return None
        return cls(float(target.mean() - slope * x.mean()), slope, float(x.min()), float(x.max()))

    def __call__(self, said: Floats) -> Floats:
        """Return the outcome that is expected; missing where nothing was said."""
        return np.asarray(self.intercept + self.slope * np.clip(said, self.low, self.high), dtype=np.float64)


@dataclass(frozen=True)
class Stack:
    """How opinions are joined; a weight is a share of the way from the model to an opinion."""

    weights: Mapping[str, float] = field(default_factory=dict)
    """By opinion, in [0, 1], together at most 1; the rest is the model's."""
    line: Line | None = None
    comparables: str = ""
    """Column of the comparable titles' mean, as a deviation from the level of market and surface."""
    n: int = 0
    """Launches the weights rest on."""
    reason: str = ""
    """Why the model answers alone, where it does."""

    def added(self, model: Floats, columns: Mapping[str, Floats]) -> dict[str, Floats]:
        """Return what each opinion adds to the model's answer, 0 where it has nothing to say; shape (n,) each."""
        said = opinions(columns, self.line, self.comparables)
        # In one order, whatever the mapping's: the same stack gives the same answer, bit for bit.
        weights = {name: self.weights[name] for name in OPINIONS if self.weights.get(name, 0.0) > 0}
        return {name: weight * np.nan_to_num(said[name] - model) for name, weight in weights.items()}

    def level(self, model: Floats, columns: Mapping[str, Floats]) -> Floats:
        """Return the stacked answer."""
        return np.asarray(sum(self.added(model, columns).values(), model), dtype=np.float64)

    def scores(self) -> dict[str, float]:
        """Return the weights for the model's card."""
        shares = {f"stack_{name}": self.weights.get(name, 0.0) for name in OPINIONS}
        return {"stack_model": 1.0 - sum(shares.values()), **shares, "stack_launches": float(self.n)}

    def to_json(self) -> str:
        """Return it as JSON; numbers survive exactly."""
        line = None if self.line is None else vars(self.line)
        return json.dumps(vars(self) | {"weights": dict(self.weights), "line": line}, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "Stack":
        """Undo `to_json`."""
        entries: dict[str, Any] = json.loads(text)
        line = entries.pop("line")
        return cls(**entries, line=None if line is None else Line(**line))


def opinions(columns: Mapping[str, Floats], line: Line | None, comparables: str) -> dict[str, Floats]:
    """Return what each opinion says of each row on the scale of outcomes; missing where it says nothing."""
    nothing = np.full(len(columns["|level"]), np.nan)
    return {
        SHADOW: nothing if line is None else line(columns.get(NEAR, nothing)),
        COMPARABLES: columns["|level"] + columns.get(comparables, nothing),
    }


def fit_stack(model: Floats, said: Mapping[str, Floats], y: Floats, line: Line | None, comparables: str) -> Stack:
    """Choose the weights.

    Args:
        model: Out-of-sample answers of the model, shape (n,).
        said: Out-of-sample opinions, shape (n,) each; missing where there is none.
        y: Outcomes.
        line: Of all launches, for those to come.
        comparables: Column of the comparable titles' mean.
    """
    names = [name for name in OPINIONS if name in said and np.isfinite(said[name]).any()]
    alone = Stack({}, line, comparables, len(y))
    if len(y) < _MIN_ROWS:
        few = f"{len(y)} launches predicted out of sample are fewer than the {_MIN_ROWS} that weights need"
        return Stack({}, line, comparables, len(y), few)
    if not names:
        return alone
    differences = np.column_stack([np.nan_to_num(said[name] - model) for name in names])
    found = non_negative(differences, y - model, _PRIOR_ROWS)
    weights = {name: float(weight) for name, weight in zip(names, found, strict=True) if weight > 0}
    reason = "" if weights else "on past launches no other opinion made the model's answers better"
    return Stack(weights, line, comparables, len(y), reason)


def non_negative(x: Floats, y: Floats, prior_rows: float) -> Floats:
    """Return non-negative least squares weights that sum to at most 1, shrunk as by so many rows at weight 0.

    Every set of columns is tried: there are few.

    Args:
        x: Shape (n, few).
        y: Shape (n,).
        prior_rows: How strongly weights are shrunk.
    """
    n, k = x.shape
    gram, moment = x.T @ x, x.T @ y
    gram = gram + np.diag(np.diag(gram)) * prior_rows / n
    best, least = np.zeros(k), 0.0
    sets = [np.array(chosen) for size in range(1, k + 1) for chosen in combinations(range(k), size)]
    for solution in (found for chosen in sets for found in _solutions(gram, moment, chosen)):
        loss = float(solution @ gram @ solution - 2 * moment @ solution)
        if loss < least and solution.min() >= 0 and solution.sum() <= 1 + 1e-12:
            best, least = solution, loss
    return best


def _solutions(gram: Floats, moment: Floats, chosen: Ints) -> list[Floats]:
    """Return the best weights of some columns: free, and summing to 1."""
    part, size = gram[np.ix_(chosen, chosen)], len(chosen)
    bordered = np.ones((size + 1, size + 1))
    bordered[:size, :size], bordered[size, size] = part, 0.0
    found = []
    for matrix, goal in ((part, moment[chosen]), (bordered, np.append(moment[chosen], 1.0))):
        solution = np.zeros(len(gram))
        solution[chosen] = np.linalg.lstsq(matrix, goal, rcond=None)[0][:size]
        found.append(solution)
    return found
