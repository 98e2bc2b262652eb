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
from recsysops.model._values import Kind, as_number, as_text, lists_of

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


def encode(recipe: Recipe, states: Sequence[State], text: Floats | None = None) -> Columns:
    """Return the columns that depend on the state alone, one value per state.

    Dates are in days since 1970; `relative` turns them into days from launch.

    Args:
        recipe: How fields are read.
        states: What stands in them.
        text: What `texts` returns of the same states, where that is known already.
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
    text = texts(recipe, states) if text is None else text
    has_text = np.abs(text).sum(axis=1) > 0
    for at in range(text.shape[1]):
        columns.add(f"|text_{at:02d}", np.where(has_text, text[:, at], np.nan))
    return columns


def texts(recipe: Recipe, states: Sequence[State]) -> Floats:
    """Return the directions of the running text of each state, zero where it has none that is known."""
    return recipe.text.vectors(recipe.texts(states))


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


def vectors(recipe: Recipe, states: Sequence[State], text: Floats | None = None) -> Floats:
    """Return vectors whose inner product is the similarity of two titles, at most 1; a missing field is like nothing.

    Each field adds a block: values by inverse frequency, text by its directions, numbers by rank.

    Args:
        recipe: How fields are read.
        states: What stands in them.
        text: What `texts` returns of the same states, where that is known already.
    """
    text = texts(recipe, states) if text is None else text
    widths = _widths(recipe)
    total = np.sqrt(max(sum(weight for _, width, weight in widths if width), 1e-12))
    joined = np.zeros((len(states), sum(width for _, width, _ in widths)))
    begin = 0
    for field, (name, width, weight) in zip((*recipe.fields, None), widths, strict=True):
        block = joined[:, begin : begin + width]
        begin += width
        if width and field is None:
            lengths = np.linalg.norm(text, axis=1, keepdims=True)
            block[:] = text / np.where(lengths > 0, lengths, 1.0) / total
        elif width and field is not None:
            _fill(block, field, [state.fields.get(name) for state in states], float(np.sqrt(weight) / total))
    return joined


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
    lists = lists_of(cells)  # type: ignore[arg-type]
    if field.kind is Kind.LIST:
        columns.add(f"{field.name}|count", np.array([float(len(items)) for items in lists]))
    rows, places = _places(field.columns, lists)
    hot = np.zeros((len(field.columns), len(lists)))
    hot[places, rows] = 1.0
    for value, own in zip(field.columns, hot, strict=True):
        columns.add(f"{field.name}|is|{value}", own)


def _places(vocabulary: Sequence[str], lists: Sequence[Sequence[str]]) -> tuple[Ints, Ints]:
    """Return row and place in the vocabulary of every value that stands in it."""
    place = {value: at for at, value in enumerate(vocabulary)}
    found = [place.get(value, -1) for items in lists for value in items]
    columns = np.array(found, dtype=np.int64)
    rows = np.repeat(np.arange(len(lists)), np.fromiter(map(len, lists), dtype=np.int64, count=len(lists)))
    return rows[columns >= 0], columns[columns >= 0]


def _fill(block: Floats, field: FieldRecipe, values: Sequence[object], factor: float) -> None:
    """Write what one field adds to the vectors, times `factor`, into their part of it, which is zero."""
    if field.kind is Kind.NUMBER:
        number = np.array([as_number(value, field.kind) for value in values])  # type: ignore[arg-type]
        rank = np.interp(number, field.knots, np.linspace(0, np.pi / 2, len(field.knots)))
        both = np.column_stack([np.cos(rank), np.sin(rank)]) * factor
        block[:] = np.where(np.isfinite(number)[:, None], both, 0.0)
        return
    if field.kind is Kind.VECTOR:
        part = np.nan_to_num(projected(values, field.center, field.directions))  # type: ignore[arg-type]
        lengths = np.linalg.norm(part, axis=1, keepdims=True)
        block[:] = part / np.where(lengths > 0, lengths, 1.0) * factor
        return
    rows, columns = _places(field.similar, lists_of(values))  # type: ignore[arg-type]
    weights = np.asarray(field.weights)[columns]
    lengths = np.sqrt(np.bincount(rows, weights * weights, len(values)))
    block[rows, columns] = weights / lengths[rows] * factor
