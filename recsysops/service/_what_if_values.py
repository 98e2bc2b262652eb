"""Reads new metadata values as `ingest` would have read them, and says which of them no past launch had."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import Any, Final

from recsysops.columns import FIELD, FIELDS, NAME, OBSERVED_AT, PROVIDER, SERIES_ID, TITLE_ID, TITLES
from recsysops.domain.given import FieldValue
from recsysops.domain.history import History
from recsysops.domain.what_if import FieldKind
from recsysops.errors import UsageError
from recsysops.service.context import Context
from recsysops.service.queries.values import cut

OWN: Final = (NAME, PROVIDER, SERIES_ID)
"""Columns of a title that count as fields here; always text."""
_LOOKED_AT: Final = 2_000
"""Versions, the latest, that say which fields there are and of which kind."""
_COMMA: Final = ","
_NUMBER: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_FEW: Final = 0.5
"""A text field whose values are more varied than this (share of different ones) is free text: all of it is new."""
_NAMED: Final = 5


@dataclass(frozen=True)
class FieldRules:
    """How the texts of one field are read."""

    kind: FieldKind
    separator: str = ""

    def read(self, field: str, value: FieldValue, known: Iterable[str] = ()) -> Any:  # noqa: ANN401 - any metadata
        """Return a value as it would be stored; None where it is missing.

        Args:
            field: Its name, for the error.
            value: As it was given.
            known: Elements known of a list field: a text that is one of them is not divided at its commas.

        Raises:
            UsageError: The field holds something else.
        """
        if value is None or value == [] or (isinstance(value, str) and not value.strip()):
            return None
        if self.kind is FieldKind.LIST:
            return self._elements(value, known)
        if self.kind is FieldKind.NUMBER:
            return _number(field, value)
        return _text(field, value)

    def shown(self, value: object) -> str:
        """Return a stored value as it would be typed."""
        if value is None:
            return ""
        if isinstance(value, (list, tuple)):
            return self.separator.join(str(part) for part in value)
        return str(value)

    def _elements(self, value: FieldValue, known: Iterable[str]) -> list[str] | None:
        if isinstance(value, list):
            parts = [_plain(part) for part in value if part is not None]
        else:
            text = _plain(value)
            separator = self.separator if self.separator in text else _COMMA
            parts = [text] if text.strip() in set(known) else text.split(separator)
        return [part.strip() for part in parts if part.strip()] or None


class KnownFields:
    """The fields there are, by what is stored and what the settings say."""

    def __init__(self, context: Context, history: History, at: datetime) -> None:
        """Look at the latest versions known at `at`."""
        source = context.settings.sources.get(TITLES)
        self._lists: Mapping[str, str] = {} if source is None else source.lists
        self._theirs: Mapping[str, str] = {} if source is None else source.columns
        self._titles = history.titles[history.titles[OBSERVED_AT] <= at]
        self._launched = frozenset(history.outcomes[TITLE_ID])
        latest = self._titles.sort_values(OBSERVED_AT, kind="stable").tail(_LOOKED_AT)
        kinds: dict[str, set[FieldKind]] = {name: set() for name in sorted(set(context.requirements[FIELD]))}
        for fields in latest[FIELDS]:
            for name, value in fields.items():
                kinds.setdefault(name, set()).update(_kinds_of(value))
        self._kinds = kinds

    @property
    def names(self) -> tuple[str, ...]:
        """Every field, by name."""
        return tuple(sorted({*self._kinds, *OWN}))

    def rules(self, field: str) -> FieldRules:
        """Return how a field is read."""
        if field in OWN:
            return FieldRules(FieldKind.TEXT)
        separator = self._lists.get(field, self._lists.get(self._theirs.get(field, field), ""))
        found = self._kinds.get(field, set())
        if separator or FieldKind.LIST in found:
            return FieldRules(FieldKind.LIST, separator or _COMMA)
        return FieldRules(FieldKind.NUMBER if found == {FieldKind.NUMBER} else FieldKind.TEXT)

    def read(self, asked: Mapping[str, FieldValue], own: Iterable[str]) -> dict[str, Any]:
        """Return new values as they would be stored, None for those that would be missing.

        Args:
            asked: By field.
            own: Fields the title has itself, known or not.

        Raises:
            UsageError: There is no such field, or a value is not what it holds.
        """
        names = sorted({*self.names, *own})
        for field in asked:
            if field not in names:
                raise _unknown(field, names)
        return {
            field: self.rules(field).read(field, value, self._elements(field) if _COMMA in str(value) else ())
            for field, value in asked.items()
        }

    def never_seen(self, field: str, value: object) -> str:
        """Return in a sentence what of a new value no past launch had; empty where nothing is new, or all would be."""
        launched = self._titles[self._titles[TITLE_ID].isin(self._launched)]
        seen = [_stored(row, field) for row in launched[[FIELDS, *OWN]].to_dict("records")]
        filled = [each for each in seen if each is not None]
        if value is None:
            return "" if len(filled) < len(seen) else f'No past launch lacked "{field}": what that does is a guess.'
        if isinstance(value, (int, float)):
            numbers = [float(each) for each in filled if isinstance(each, (int, float))]
            inside = bool(numbers) and min(numbers) <= value <= max(numbers)
            return "" if inside else f'No past launch had a "{field}" as {_side(value, numbers)} as {value:g}.'
        known = _elements_of(filled)
        # A title has many versions with one text: what counts is how often several titles share one.
        pairs = zip(launched[TITLE_ID], map(_fixed, seen), strict=True)
        n_shared = len({pair for pair in pairs if pair[1] is not None})
        if isinstance(value, str) and len(known) > _FEW * n_shared and n_shared > _NAMED:
            return ""
        return _new_ones(field, [value] if isinstance(value, str) else [*_elements_of([value])], known)

    def _elements(self, field: str) -> frozenset[str]:
        return _elements_of(fields.get(field) for fields in self._titles[FIELDS])


def _kinds_of(value: object) -> set[FieldKind]:
    if value is None:
        return set()
    if isinstance(value, (list, tuple)):
        return {FieldKind.LIST}
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return {FieldKind.NUMBER if is_number else FieldKind.TEXT}


def _elements_of(values: Iterable[object]) -> frozenset[str]:
    """Return the texts among values, those of lists one by one."""
    found: set[str] = set()
    for value in values:
        found.update(map(str, value) if isinstance(value, (list, tuple)) else [value] if isinstance(value, str) else [])
    return frozenset(found)


def _fixed(value: object) -> object:
    return tuple(map(str, value)) if isinstance(value, (list, tuple)) else value


def _stored(row: Mapping[Any, Any], field: str) -> Any:  # noqa: ANN401 - any metadata
    value = row[field] if field in OWN else row[FIELDS].get(field)
    return None if value is None or value != value else value


def _new_ones(field: str, parts: Sequence[str], known: frozenset[str]) -> str:
    alike = {each.casefold(): each for each in sorted(known, reverse=True)}
    new = [
        f'"{cut(part)}" (there is "{cut(alike[part.casefold()])}")' if part.casefold() in alike else f'"{cut(part)}"'
        for part in parts
        if part not in known
    ]
    if not new:
        return ""
    more = f" and {len(new) - _NAMED} more" if len(new) > _NAMED else ""
    return f'No past launch had {", ".join(new[:_NAMED])}{more} as "{field}": the model learned nothing about it.'


def _side(value: float, numbers: Sequence[float]) -> str:
    return "large" if numbers and value > max(numbers) else "small"


def _number(field: str, value: FieldValue) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    text = value.strip() if isinstance(value, str) else ""
    if not _NUMBER.fullmatch(text) or not abs(float(text)) < 1e15:
        raise UsageError(f'Field "{field}" holds numbers: "{cut(value)}" is none. Give a number, or nothing.')
    return int(text) if re.fullmatch(r"[+-]?\d+", text, re.ASCII) else float(text)


def _text(field: str, value: FieldValue) -> str:
    if isinstance(value, list):
        if all(isinstance(part, (int, float)) and not isinstance(part, bool) for part in value):
            return " ".join(_plain(part) for part in value)  # an embedding
        raise UsageError(f'Field "{field}" holds one text, no list: it was given {len(value)} values. Give one.')
    return _plain(value).strip()


def _plain(value: FieldValue) -> str:
    """Return a scalar as a file would have it."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def _unknown(field: str, names: Sequence[str]) -> UsageError:
    near = get_close_matches(field, names, n=3) or list(names[:10])
    told = ", ".join(f'"{cut(name)}"' for name in near) + (", ..." if len(names) > len(near) else "")
    return UsageError(f'There is no metadata field "{cut(field)}" (there are: {told}). Check its name.')
