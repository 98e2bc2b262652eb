"""The feature recipe: which field is read how, with which vocabulary. Fitted once, stored as JSON and arrays.

It is unsupervised and a part of the model: it is learned from metadata known when the model is trained. Given a recipe,
a row's features depend on nothing after the row's own cut.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np

from recsysops.model._asof import Floats
from recsysops.model._catalogue import State
from recsysops.model._embedding import principal
from recsysops.model._text import TextModel
from recsysops.model._values import Kind, as_number, as_text, as_values, kind_of
from recsysops.settings import ModelSettings

_MAX_COLUMNS: Final = 12
"""Values of one field with a column of their own."""
_MAX_SIMILAR: Final = 64
"""Values of one field that comparable titles are found by."""
_TEXT_DIMENSIONS: Final = 12
_RARE: Final = 0.02
"""Below this share of the titles a value has no column of its own."""


@dataclass(frozen=True)
class FieldRecipe:
    """How one field is read."""

    name: str
    kind: Kind
    columns: tuple[str, ...] = ()
    """Values with a column of their own, most frequent first."""
    similar: tuple[str, ...] = ()
    """Values by which comparable titles are found."""
    weights: tuple[float, ...] = ()
    """Inverse document frequency of `similar`."""
    knots: tuple[float, ...] = ()
    """Quantiles of a number, ascending, to find comparable titles by rank."""
    center: tuple[float, ...] = ()
    """Mean of an embedding."""
    directions: tuple[tuple[float, ...], ...] = ()
    """Principal directions of an embedding, the one of most variance first; at most 32, each of length one."""

    @property
    def has_history(self) -> bool:
        """Whether earlier titles that share a value tell something: not where, as in a link, no two share one."""
        return self.kind in {Kind.CATEGORY, Kind.LIST} and bool(self.similar)


@dataclass(frozen=True)
class Recipe:
    """All fields, by name, and the model of their text."""

    fields: tuple[FieldRecipe, ...]
    text: TextModel
    markets: tuple[str, ...] = ()
    surfaces: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()
    """Versions of the recommender that answered when it was asked, by name."""

    @classmethod
    def fit(
        cls, states: Sequence[State], settings: ModelSettings, markets: Sequence[str], surfaces: Sequence[str],
        versions: Sequence[str] = (),
    ) -> "Recipe":  # fmt: skip
        """Learn kinds and vocabularies from states of metadata."""
        names = sorted({name for state in states for name in state.fields})
        fields = tuple(_field(name, states, is_text=name in settings.text_fields) for name in names)
        texts = _texts(fields, states)
        text = TextModel.fit(texts, _TEXT_DIMENSIONS, settings.seed)
        return cls(fields, text, tuple(sorted(set(markets))), tuple(sorted(set(surfaces))), tuple(versions))

    def texts(self, states: Sequence[State]) -> list[str]:
        """Return the running text of each state: all its text fields."""
        return _texts(self.fields, states)

    def to_json(self) -> str:
        """Return everything but the arrays of the text model."""
        fields = [
            {
                "name": f.name,
                "kind": f.kind.value,
                "columns": f.columns,
                "similar": f.similar,
                "weights": f.weights,
                "knots": f.knots,
            }
            | ({"center": f.center, "directions": f.directions} if f.directions else {})
            for f in self.fields
        ]
        return json.dumps(
            {
                "fields": fields,
                "words": self.text.words,
                "markets": self.markets,
                "surfaces": self.surfaces,
                "versions": self.versions,
            },
            sort_keys=True,
        )

    @classmethod
    def from_json(cls, text: str, idf: Floats, components: Floats) -> "Recipe":
        """Undo `to_json`."""
        entries: dict[str, Any] = json.loads(text)
        fields = tuple(
            FieldRecipe(
                f["name"],
                Kind(f["kind"]),
                tuple(f["columns"]),
                tuple(f["similar"]),
                tuple(f["weights"]),
                tuple(f["knots"]),
                tuple(f.get("center", ())),
                tuple(tuple(direction) for direction in f.get("directions", ())),
            )
            for f in entries["fields"]
        )
        model = TextModel(tuple(entries["words"]), idf, components)
        return cls(
            fields, model, tuple(entries["markets"]), tuple(entries["surfaces"]), tuple(entries.get("versions", ()))
        )

    @cached_property
    def fingerprint(self) -> str:
        """A hash of everything in it."""
        digest = hashlib.sha256(self.to_json().encode())
        digest.update(np.ascontiguousarray(self.text.idf).tobytes())
        digest.update(np.ascontiguousarray(self.text.components).tobytes())
        return digest.hexdigest()


def _field(name: str, states: Sequence[State], *, is_text: bool) -> FieldRecipe:
    values = [state.fields.get(name) for state in states]
    kind = kind_of(values, is_text=is_text)
    if kind is Kind.NUMBER or kind is Kind.DATE:
        numbers = np.array([as_number(value, kind) for value in values])
        finite = numbers[np.isfinite(numbers)]
        knots = np.unique(np.quantile(finite, np.linspace(0, 1, 33))) if len(finite) else np.zeros(0)
        return FieldRecipe(name, kind, knots=tuple(map(float, knots)))
    if kind is Kind.TEXT:
        return FieldRecipe(name, kind)
    if kind is Kind.VECTOR:
        center, directions = principal(values)
        return FieldRecipe(name, kind, center=center, directions=directions)
    counts = Counter(value for cell in values for value in as_values(cell))
    n = sum(value is not None for value in values)
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    columns = [value for value, count in ranked if count >= max(10, _RARE * n)][:_MAX_COLUMNS]
    shared = [(value, count) for value, count in ranked if count >= 2][:_MAX_SIMILAR]
    weights = tuple(float(np.log((1 + n) / count)) for _, count in shared)
    return FieldRecipe(name, kind, tuple(columns), tuple(value for value, _ in shared), weights)


def _texts(fields: Sequence[FieldRecipe], states: Sequence[State]) -> list[str]:
    names = [field.name for field in fields if field.kind is Kind.TEXT]
    return [" ".join(as_text(state.fields.get(name)) for name in names).strip() for state in states]
