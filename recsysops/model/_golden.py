"""Golden predictions: what a model answered when it was trained, so that it can be asked again, bit for bit.

The rows asked about are made from the model's own trees: each leaf, both sides of each threshold, and missing values.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np

from recsysops.model._asof import Floats
from recsysops.model._boosting import Ensemble
from recsysops.model._packing import array_bytes, array_of
from recsysops.model._shadow import NEAR
from recsysops.model._structure import Tree
from recsysops.model._training import TrainedModel

ROWS: Final = "golden_rows.npy"
EDGES: Final = "golden_edges.npy"
LEVEL: Final = "|level"
_N_ROWS: Final = 64
_N_SHOWN: Final = 8
_OPEN: Final = 24
"""Rows under way into which an edge may be packed."""
_LACKING: Final = 0.15
_NAN_IS_MISSING: Final = 8
Edge = dict[int, float]


@dataclass(frozen=True)
class Golden:
    """Rows to ask about, and what was answered."""

    rows: Floats
    """Shape (n rows, n columns of all ensembles)."""
    edges: Floats
    """Shape (n, 4): number of the ensemble, number of the row, column, value; other columns are those of `rows`."""
    answers: dict[str, Any]
    """For the manifest: hashes of the answers' bytes, and the first of them as hexadecimal floats."""

    def files(self) -> dict[str, bytes]:
        """Return what is stored beside the model."""
        return {ROWS: array_bytes(self.rows), EDGES: array_bytes(self.edges)}


def golden(model: TrainedModel, trees: Mapping[str, Sequence[Sequence[Tree]]]) -> Golden:
    """Return golden rows and answers of a model.

    Args:
        model: Any model.
        trees: By the name of each ensemble, the trees of each of its texts.
    """
    named, columns = ensembles(model), _columns(model)
    generator = np.random.default_rng(7)
    rows = generator.normal(0.0, 1.0, (_N_ROWS, len(columns)))
    thresholds = _thresholds(named, trees, columns)
    for at, known in thresholds.items():
        rows[:, at] = generator.choice(known, _N_ROWS)
    rows[generator.random(rows.shape) < _LACKING] = np.nan
    edges = _edges(named, trees)
    return Golden(rows, edges, answers(model, rows, edges))


def golden_answers(model: TrainedModel, files: Mapping[str, bytes]) -> dict[str, Any]:
    """Return what a model answers to the golden rows among its files."""
    return answers(model, array_of(files[ROWS]), array_of(files[EDGES]))


def answers(model: TrainedModel, rows: Floats, edges: Floats) -> dict[str, Any]:
    """Return hashes of what a model answers: its quantiles of the rows, its ensembles' answers to the edges."""
    named = ensembles(model)
    columns = _columns(model)
    given = {name: np.ascontiguousarray(rows[:, at]) for at, name in enumerate(columns)}
    quantiles = np.asarray(model.quantiles_of(given, np.arange(len(rows), dtype=np.int64) % 2), dtype=np.float64)
    said: dict[str, Any] = {
        "quantiles": _hash(quantiles),
        "first": [[value.hex() for value in row.tolist()] for row in quantiles[:_N_SHOWN]],
    }
    for number, (name, ensemble) in enumerate(named.items()):
        matrix = _edge_rows(edges[edges[:, 0] == number], rows, [columns.index(each) for each in ensemble.columns])
        each = [booster.predict(matrix, num_threads=1) for booster in ensemble.boosters] if len(matrix) else []
        said[name] = _hash(np.array(each, dtype=np.float64))
    return said


def ensembles(model: TrainedModel) -> dict[str, Ensemble]:
    """Return the ensembles of a model by the name of their field."""
    found = {field.name: getattr(model, field.name) for field in fields(model)}
    return {name: value for name, value in found.items() if isinstance(value, Ensemble)}


def _columns(model: TrainedModel) -> list[str]:
    """Return every column that a model reads: its ensembles' and those of the other opinions."""
    read = [column for ensemble in ensembles(model).values() for column in ensemble.columns]
    return list(dict.fromkeys([*read, LEVEL, NEAR, *filter(None, [model.stack.comparables])]))


def _thresholds(
    named: Mapping[str, Ensemble], trees: Mapping[str, Sequence[Sequence[Tree]]], columns: Sequence[str]
) -> dict[int, Floats]:
    """Return the values around which trees decide, by column of the golden rows: each threshold and what follows it."""
    found: dict[int, set[float]] = {}
    for name, ensemble in named.items():
        for tree in (tree for text in trees[name] for tree in text):
            for feature, threshold in zip(tree.feature, tree.threshold, strict=True):
                found.setdefault(columns.index(ensemble.columns[feature]), set()).add(threshold)
    return {at: np.array([v for t in sorted(known) for v in (t, np.nextafter(t, np.inf))])
            for at, known in sorted(found.items())}  # fmt: skip


def _edges(named: Mapping[str, Ensemble], trees: Mapping[str, Sequence[Sequence[Tree]]]) -> Floats:
    """Return rows that reach every leaf on both ends of its box, several trees' edges in one row where they fit."""
    parts: list[tuple[int, int, int, float]] = []
    for number, name in enumerate(named):
        rows: list[Edge] = []
        for text in trees[name]:
            for tree in text:
                _pack(rows, _edges_of(tree))
        parts += [(number, at, column, value) for at, row in enumerate(rows) for column, value in row.items()]
    return np.array(parts, dtype=np.float64).reshape(-1, 4)


def _pack(rows: list[Edge], edges: Iterator[Edge]) -> None:
    """Put each edge of one tree into a row of its own for this tree, beside edges of other trees."""
    taken: set[int] = set()
    for edge in edges:
        first = max(0, len(rows) - _OPEN)
        places = (at for at in range(first, len(rows)) if at not in taken and not edge.keys() & rows[at].keys())
        place = next(places, len(rows))
        if place == len(rows):
            rows.append({})
        rows[place].update(edge)
        taken.add(place)


def _edges_of(tree: Tree) -> Iterator[Edge]:
    """Yield values that lead to each leaf: its box's lower and upper ends, and each split's missing value."""
    waiting: list[tuple[int, Edge, Edge]] = [(0, {}, {})] if tree.feature else []
    while waiting:
        node, low, high = waiting.pop()
        if node < 0:
            above = {column: float(np.nextafter(value, np.inf)) for column, value in low.items()}
            yield above | {column: value for column, value in high.items() if column not in above}
            yield above | high
            continue
        column, threshold = tree.feature[node], tree.threshold[node]
        if tree.decision[node] >= _NAN_IS_MISSING:
            above = {each: float(np.nextafter(value, np.inf)) for each, value in low.items()}
            yield above | high | {column: np.nan}
        waiting.append((tree.left[node], low, high | {column: min(threshold, high.get(column, threshold))}))
        waiting.append((tree.right[node], low | {column: max(threshold, low.get(column, threshold))}, high))


def _edge_rows(edges: Floats, rows: Floats, columns: Sequence[int]) -> Floats:
    """Return the rows that edges describe, in the columns of their ensemble."""
    if not len(edges):
        return np.zeros((0, len(columns)))
    place = edges[:, 1].astype(np.int64)
    matrix = rows[np.arange(place.max() + 1) % len(rows)][:, columns]
    matrix[place, edges[:, 2].astype(np.int64)] = edges[:, 3]
    return np.ascontiguousarray(matrix)


def _hash(array: Floats) -> str:
    return hashlib.sha256(np.ascontiguousarray(array, dtype="<f8").tobytes()).hexdigest()
