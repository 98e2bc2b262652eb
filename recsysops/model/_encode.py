"""States of metadata as numbers: columns for the model, vectors for comparable titles.

Not for anything that needs outcomes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from recsysops.model._asof import DAY, Floats, Ints
from recsysops.model._catalogue import State
from recsysops.model._embedding import projected
from recsysops.model._neighbours import Part
from recsysops.model._past import Rows
from recsysops.model._recipe import FieldRecipe, Recipe
from recsysops.model._values import Kind, as_number, as_text, as_values

_MAX_AGE_DAYS: Final = 365.0
_MOST_PARTS: Final = 3
TEXT: Final = "text"
_WEIGHTS: Final = {
    Kind.LIST: 1.0,
    Kind.CATEGORY: 0.7,
    Kind.TEXT: 1.0,
    Kind.NUMBER: 0.3,
    Kind.DATE: 0.0,
    Kind.VECTOR: 1.0,
}
"""How much a kind of field counts when comparable titles are found."""


@dataclass
class Columns:
    """Named columns of features, gathered one by one."""

    names: list[str]
    values: list[Floats]

    def add(self, name: str, values: Floats) -> None:
        """Append a column."""
        self.names.append(name)
        self.values.append(np.asarray(values, dtype=np.float64))


def encode(recipe: Recipe, states: Sequence[State]) -> Columns:
    """Return the columns that depend on the state alone, one value per state.

    Dates are in days since 1970; `relative` turns them into days from launch.
    """
    columns = Columns([], [])
    missing = np.zeros(len(states))
    for field in recipe.fields:
        values = [state.fields.get(field.name) for state in states]
        absent = np.array([value is None for value in values], dtype=np.float64)
        missing += absent
        columns.add(f"{field.name}|missing", absent)
        _add_values(columns, field, values)
    columns.add("|missing_total", missing)
    columns.add("|is_known", np.array([bool(state.fields) for state in states], dtype=np.float64))
    vectors = recipe.text.vectors(recipe.texts(states))
    has_text = np.abs(vectors).sum(axis=1) > 0
    for at in range(vectors.shape[1]):
        columns.add(f"|text_{at:02d}", np.where(has_text, vectors[:, at], np.nan))
    return columns


def relative(recipe: Recipe, columns: Columns, states: Sequence[State], inverse: Ints, rows: Rows) -> Columns:
    """Spread state columns over rows; dates become days from launch, and each field's age at the cut is added."""
    dates = {f"{field.name}|value" for field in recipe.fields if field.kind is Kind.DATE}
    result = Columns([], [])
    for name, values in zip(columns.names, columns.values, strict=True):
        spread = values[inverse]
        result.add(name, spread - np.floor(rows.launch / DAY) if name in dates else spread)
    for field in recipe.fields:
        since = np.array([float(state.since.get(field.name, np.nan)) for state in states])[inverse]
        result.add(f"{field.name}|age", np.minimum((rows.cut - since) / DAY, _MAX_AGE_DAYS))
    return result


def vectors(recipe: Recipe, states: Sequence[State]) -> Floats:
    """Return vectors whose inner product is the similarity of two titles, at most 1; a missing field is like nothing.

    Each field adds a block: values by inverse frequency, text by its directions, numbers by rank.
    """
    blocks: list[Floats] = []
    total = 0.0
    for field in recipe.fields:
        block = _block(field, [state.fields.get(field.name) for state in states])
        weight = _WEIGHTS[field.kind] if block.shape[1] else 0.0
        total += weight
        blocks.append(block * np.sqrt(weight))
    text = recipe.text.vectors(recipe.texts(states))
    if text.shape[1]:
        lengths = np.linalg.norm(text, axis=1, keepdims=True)
        blocks.append(text / np.where(lengths > 0, lengths, 1.0))
        total += _WEIGHTS[Kind.TEXT]
    joined = np.concatenate(blocks, axis=1) if blocks else np.zeros((len(states), 0))
    return np.asarray(joined / np.sqrt(max(total, 1e-12)), dtype=np.float64)


def parts(recipe: Recipe) -> list[Part]:
    """Return the parts of the vectors that count most, at most three: what titles are found alike without.

    A part is a field, or the text of all text fields.
    """
    widths = _widths(recipe)
    total = sum(weight for _, width, weight in widths if width)
    found, begin = [], 0
    for name, width, weight in widths:
        if width and weight < total:
            found.append((-weight, name, Part(name, begin, begin + width, 1 - weight / total)))
        begin += width
    return [part for weight, _, part in sorted(found, key=lambda entry: entry[:2])[:_MOST_PARTS] if weight < 0]


def filled(recipe: Recipe, states: Sequence[State]) -> Floats:
    """Return which share of what counts in a comparison each title has a value for, in [0, 1].

    Returns:
        Shape (n states, 1 + parts): by everything, then by everything but each of `parts`.
    """
    widths = [(name, weight) for name, width, weight in _widths(recipe) if width]
    total = sum(weight for _, weight in widths)
    has = {name: np.array([state.fields.get(name) is not None for state in states], dtype=bool) for name, _ in widths}
    has[TEXT] = np.array([bool(text) for text in recipe.texts(states)], dtype=bool)
    whole = sum((weight * has[name] for name, weight in widths), np.zeros(len(states)))
    left_out = [(name, dict(widths)[name]) for name in (part.name for part in parts(recipe))]
    without = [(whole - weight * has[name]) / (total - weight) for name, weight in left_out]
    return np.column_stack([whole / max(total, 1e-12), *without])


def _widths(recipe: Recipe) -> list[tuple[str, int, float]]:
    """Return name, columns in the vectors and weight of each field, then of the text."""
    fields = [(field.name, _width(field), _WEIGHTS[field.kind]) for field in recipe.fields]
    return [*fields, (TEXT, len(recipe.text.components), _WEIGHTS[Kind.TEXT])]


def _width(field: FieldRecipe) -> int:
    if field.kind is Kind.NUMBER:
        return 2 if len(field.knots) > 1 else 0
    return len(field.directions) if field.kind is Kind.VECTOR else len(field.similar) if field.has_history else 0


def _add_values(columns: Columns, field: FieldRecipe, values: Sequence[object]) -> None:
    cells = list(values)
    if field.kind in {Kind.NUMBER, Kind.DATE}:
        columns.add(f"{field.name}|value", np.array([as_number(value, field.kind) for value in cells]))  # type: ignore[arg-type]
        return
    if field.kind is Kind.TEXT:
        columns.add(f"{field.name}|length", np.array([float(len(as_text(value))) for value in cells]))  # type: ignore[arg-type]
        return
    if field.kind is Kind.VECTOR:
        for at, part in enumerate(projected(cells, field.center, field.directions).T):  # type: ignore[arg-type]
            columns.add(f"{field.name}|direction_{at}", part)
        return
    lists = [as_values(value) for value in cells]  # type: ignore[arg-type]
    if field.kind is Kind.LIST:
        columns.add(f"{field.name}|count", np.array([float(len(items)) for items in lists]))
    for at, hot in enumerate(_hot(field.columns, lists).T):
        columns.add(f"{field.name}|is|{field.columns[at]}", hot)


def _hot(vocabulary: Sequence[str], lists: Sequence[Sequence[str]]) -> Floats:
    place = {value: at for at, value in enumerate(vocabulary)}
    hot = np.zeros((len(lists), len(vocabulary)))
    pairs = [(row, place[value]) for row, items in enumerate(lists) for value in items if value in place]
    if pairs:
        rows, columns = np.array(pairs).T
        hot[rows, columns] = 1.0
    return hot


def _block(field: FieldRecipe, values: Sequence[object]) -> Floats:
    if field.kind is Kind.NUMBER and len(field.knots) > 1:
        number = np.array([as_number(value, field.kind) for value in values])  # type: ignore[arg-type]
        rank = np.interp(number, field.knots, np.linspace(0, np.pi / 2, len(field.knots)))
        block = np.column_stack([np.cos(rank), np.sin(rank)])
        return np.where(np.isfinite(number)[:, None], block, 0.0)
    if field.kind is Kind.VECTOR:
        part = np.nan_to_num(projected(values, field.center, field.directions))  # type: ignore[arg-type]
        lengths = np.linalg.norm(part, axis=1, keepdims=True)
        return np.asarray(part / np.where(lengths > 0, lengths, 1.0), dtype=np.float64)
    if not field.has_history or not field.similar:
        return np.zeros((len(values), 0))
    hot = _hot(field.similar, [as_values(value) for value in values]) * np.asarray(field.weights)  # type: ignore[arg-type]
    lengths = np.linalg.norm(hot, axis=1, keepdims=True)
    return np.asarray(hot / np.where(lengths > 0, lengths, 1.0), dtype=np.float64)
