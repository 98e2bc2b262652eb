"""What a metadata value is: cleaned, and the kind of its field. Not for encoding: see `_recipe`."""

import math
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Final, TypeGuard, cast

import numpy as np

Value = float | str | tuple[str, ...] | tuple[float, ...] | None
"""A clean value; None is missing. A tuple of numbers is an embedding, in its own order."""


class Kind(StrEnum):
    """How a field is read."""

    NUMBER = "number"
    DATE = "date"
    CATEGORY = "category"
    LIST = "list"
    TEXT = "text"
    VECTOR = "vector"


SENTENCE_WORDS: Final = 6
"""A text field is one whose values have at least this many words in the median."""
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ].*)?")
_NUMBER: Final = re.compile(r"[+-]?\d{1,15}(?:\.\d+)?")
_DECIMAL: Final = re.compile(r"[+-]?(?:\d{1,15}\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?")
_LEAST_VECTOR: Final = 4
"""A list of fewer numbers is no embedding."""
_SHORT_TEXT: Final = 2 * _LEAST_VECTOR
_LONG: Final = 40
"""Texts of so many characters hardly come again, and are clean at once unless they may be an embedding."""
_NUMERIC: Final = "[(+-.0123456789"
"""An embedding given as text begins with one of these."""
_MOST_KNOWN: Final = 500_000
_SEPARATORS: Final = re.compile(r"[\s,;|]+")


def clean(value: object, *, is_embedding: bool = False) -> Value:
    """Return a metadata value as number, text, tuple of texts or embedding; empty, NaN and infinite ones are missing.

    Args:
        value: As it was delivered.
        is_embedding: Whether the field is known to hold embeddings; else a list of numbers is one if any has decimals.
    """
    if isinstance(value, str):
        text = value.strip()
        return _vector_in(text, is_embedding=is_embedding) or text or None
    if isinstance(value, (bool, int, float, np.integer, np.floating, np.bool_)):
        number = float(value)
        return number if math.isfinite(number) else None
    if isinstance(value, (list, tuple, set, frozenset, np.ndarray)):
        if numbers := _vector(value, is_embedding=is_embedding):
            return numbers
        texts = sorted({text for item in value if (text := item.strip() if isinstance(item, str) else _text(item))})
        return tuple(texts) or None
    if isinstance(value, (datetime, date)):
        return None if value != value else value.isoformat()
    return None


def clean_fields(fields: object, ignored: frozenset[str], embeddings: frozenset[str] = frozenset()) -> dict[str, Value]:
    """Return the clean values of a field mapping without the ignored and the missing ones; see `clean`."""
    if not isinstance(fields, Mapping):
        return {}
    values = {
        str(name): clean(value, is_embedding=name in embeddings)
        for name, value in fields.items()
        if name not in ignored
    }
    return {name: value for name, value in values.items() if value is not None}


class Cleaner:
    """Cleans many field mappings of the same fields; of texts and lists of texts met before it knows the result."""

    def __init__(self, ignored: frozenset[str], embeddings: frozenset[str]) -> None:
        """Leave out the `ignored` fields, read `embeddings` as embeddings; see `clean_fields`."""
        self._ignored, self._embeddings = ignored, embeddings
        self._known: dict[bool, dict[str | tuple[object, ...], Value]] = {False: {}, True: {}}

    def fields(self, fields: object) -> dict[str, Value]:
        """Do what `clean_fields` does."""
        found: dict[str, Value] = {}
        if not isinstance(fields, Mapping):
            return found
        for name, value in fields.items():
            if value is None or name in self._ignored:
                continue
            cleaned = self._clean(value, is_embedding=name in self._embeddings)
            if cleaned is not None:
                found[str(name)] = cleaned
        return found

    def _clean(self, value: object, *, is_embedding: bool) -> Value:
        if type(value) is str and (len(value) < _LONG or value[0] in _NUMERIC):
            key: str | tuple[object, ...] = value
        elif type(value) is list and value and type(value[0]) is str:
            key = tuple(value)
        else:
            return clean(value, is_embedding=is_embedding)
        known = self._known[is_embedding]
        try:
            return known[key]
        except (KeyError, TypeError):  # a list may hold what has no hash
            cleaned = clean(value, is_embedding=is_embedding)
        if len(known) >= _MOST_KNOWN:
            known.clear()
        # Only texts: other values may be equal to each other and yet be read differently.
        if type(key) is str or all(type(item) is str for item in key):
            known[key] = cleaned
        return cleaned


def kind_of(values: Iterable[Value], *, is_text: bool) -> Kind:
    """Return the kind of a field from its values; what most of them agree on wins, text when the settings say so."""
    found = [value for value in values if value is not None]
    if is_text:
        return Kind.TEXT
    if _most(is_vector(value) for value in found):
        return Kind.VECTOR
    if _most(isinstance(value, tuple) for value in found):
        return Kind.LIST
    if _most(
        isinstance(value, float) or (isinstance(value, str) and bool(_NUMBER.fullmatch(value))) for value in found
    ):
        return Kind.NUMBER
    texts = [value for value in found if isinstance(value, str)]
    if _most(bool(_DATE.fullmatch(text)) for text in texts):
        return Kind.DATE
    words = float(np.median([len(text.split()) for text in texts])) if texts else 0.0
    return Kind.TEXT if words >= SENTENCE_WORDS else Kind.CATEGORY


def as_number(value: Value, kind: Kind) -> float:
    """Return a number (a date as days since 1970), NaN where the value is none."""
    if isinstance(value, float) and kind is Kind.NUMBER:
        return value
    if not isinstance(value, str):
        return math.nan
    if kind is Kind.NUMBER:
        return float(value) if _NUMBER.fullmatch(value) else math.nan
    try:
        return float(date.fromisoformat(value[:10]).toordinal() - date(1970, 1, 1).toordinal())
    except ValueError:
        return math.nan


def as_values(value: Value) -> tuple[str, ...]:
    """Return the categorical values a field holds: of a list all, of an embedding its length, else its text."""
    if isinstance(value, str):  # by far the most, and there are many
        return (value,)
    if value is None:
        return ()
    if is_vector(value):
        return (f"{len(value)} numbers",)
    return cast(tuple[str, ...], value) if isinstance(value, tuple) else (f"{value:g}",)


def lists_of(values: Iterable[Value]) -> list[tuple[str, ...]]:
    """Return `as_values` of each; for very many of them."""
    return [
        (value,)
        if type(value) is str
        else value
        if type(value) is tuple and type(value[0]) is str
        else as_values(value)
        for value in values
    ]


def as_text(value: Value) -> str:
    """Return a value as running text, empty where it is missing."""
    return " ".join(as_values(value))


def is_vector(value: Value) -> TypeGuard[tuple[float, ...]]:
    """Return whether a clean value is an embedding."""
    return isinstance(value, tuple) and isinstance(value[0], float)


def _vector_in(text: str, *, is_embedding: bool) -> tuple[float, ...]:
    """Return the numbers a text consists of, none where it is no embedding."""
    if len(text) < _SHORT_TEXT or text[0] not in _NUMERIC:
        return ()
    return _vector(_SEPARATORS.split(text.strip("[]() ")), is_embedding=is_embedding)


def _vector(items: Iterable[object], *, is_embedding: bool) -> tuple[float, ...]:
    found = list(items)
    if len(found) < _LEAST_VECTOR or isinstance(items, (set, frozenset)):
        return ()
    numbers: list[float] = []
    for item in found:
        number = _decimal(item)
        if not math.isfinite(number):
            return ()
        numbers.append(number)
    # Whole numbers may be codes of something: only the settings can say that they are an embedding.
    has_decimals = is_embedding or any(number != round(number) for number in numbers)
    return tuple(numbers) if has_decimals else ()


def _decimal(item: object) -> float:
    if isinstance(item, (int, float, np.integer, np.floating)) and not isinstance(item, bool):
        return float(item)
    return float(item) if isinstance(item, str) and _DECIMAL.fullmatch(item.strip()) else math.nan


def _text(item: object) -> str:
    value = clean(item) if not isinstance(item, (list, tuple, set, frozenset, np.ndarray)) else None
    return as_text(value)


def _most(answers: Iterable[bool]) -> bool:
    said = list(answers)
    return bool(said) and sum(said) >= 0.9 * len(said)
