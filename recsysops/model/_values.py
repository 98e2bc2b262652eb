"""What a metadata value is: cleaned, and the kind of its field. Not for encoding: see `_recipe`."""

import math
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Final

import numpy as np

Value = float | str | tuple[str, ...] | None
"""A clean value; None is missing."""


class Kind(StrEnum):
    """How a field is read."""

    NUMBER = "number"
    DATE = "date"
    CATEGORY = "category"
    LIST = "list"
    TEXT = "text"


SENTENCE_WORDS: Final = 6
"""A text field is one whose values have at least this many words in the median."""
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ].*)?")
_NUMBER: Final = re.compile(r"[+-]?\d{1,15}(?:\.\d+)?")


def clean(value: object) -> Value:
    """Return a metadata value as number, text or tuple of texts; empty, NaN and infinite ones are missing."""
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, (bool, int, float, np.integer, np.floating, np.bool_)):
        number = float(value)
        return number if math.isfinite(number) else None
    if isinstance(value, (list, tuple, set, frozenset, np.ndarray)):
        texts = sorted({text for item in value if (text := item.strip() if isinstance(item, str) else _text(item))})
        return tuple(texts) or None
    if isinstance(value, (datetime, date)):
        return None if value != value else value.isoformat()
    return None


def clean_fields(fields: object, ignored: frozenset[str]) -> dict[str, Value]:
    """Return the clean values of a field mapping without the ignored and the missing ones."""
    if not isinstance(fields, Mapping):
        return {}
    values = {str(name): clean(value) for name, value in fields.items() if name not in ignored}
    return {name: value for name, value in values.items() if value is not None}


def kind_of(values: Iterable[Value], *, is_text: bool) -> Kind:
    """Return the kind of a field from its values; what most of them agree on wins, text when the settings say so."""
    found = [value for value in values if value is not None]
    if is_text:
        return Kind.TEXT
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
    """Return the categorical values a field holds: of a list all, of anything else its text."""
    if value is None:
        return ()
    return value if isinstance(value, tuple) else (value if isinstance(value, str) else f"{value:g}",)


def as_text(value: Value) -> str:
    """Return a value as running text, empty where it is missing."""
    return " ".join(as_values(value))


def _text(item: object) -> str:
    value = clean(item) if not isinstance(item, (list, tuple, set, frozenset, np.ndarray)) else None
    return as_text(value)


def _most(answers: Iterable[bool]) -> bool:
    said = list(answers)
    return bool(said) and sum(said) >= 0.9 * len(said)
