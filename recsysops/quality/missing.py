"""What counts as a missing value, and why. One definition, for the verdict and for the failing rows."""

import re
from collections.abc import Collection, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsysops.domain.text import plain
from recsysops.quality._distinct import Distinct, distinct

SHOWN: Final = 80
"""Characters of a value that are kept."""
_HIDDEN: Final = "\u200b\u200c\u200d\u2060\ufeff\u00ad"
_SPACES: Final = "\t\n\x0b\x0c\r\x1c-\x1f\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
"""White space but the plain one, as a class of a regular expression."""
_INVISIBLE: Final = str.maketrans(dict.fromkeys(map(ord, _HIDDEN)))
_BRACKETS: Final = " \t[](){}<>.:;!*_\"'"
_EDGE: Final = re.escape(_BRACKETS)
_HARMLESS: Final = "[!-~]+(?: [!-~]+)*"
"""Text that `plain` leaves as it is, but for its length."""
_PLACEHOLDER_IMAGE: Final = re.compile(r"(?:^|[/_.-])placeholder\.(?:jpe?g|png|gif|webp|svg)(?:[?#].*)?$")
_TIME_FIELDS: Final = ("runtime", "duration")
"""Fields in which 0 counts as missing, by how they begin: no title has no length. Elsewhere 0 is a value (a rating)."""


def missing_reasons(values: pd.Series, field: str, placeholders: Collection[str]) -> pd.Series:
    """Say of each value of a field why it counts as missing.

    Missing are null, NaN, infinities, empty and blank texts (invisible characters are blank), lists without a filled
    item, placeholders, texts that begin with a placeholder of two or more words, pictures named placeholder, and
    lengths of 0.

    Args:
        values: Values of one field: texts, numbers, lists or missing.
        field: The field's name.
        placeholders: Texts that count as missing, compared without case, surrounding space and brackets.

    Returns:
        Same index; the reason, such as `empty` or `placeholder "TBA"`, or an empty text where there is a value.
    """
    found = distinct(values)
    reasons = reasons_of(found, field, placeholders)
    return found.spread(reasons, "empty").set_axis(values.index)


def reasons_of(found: Distinct, field: str, placeholders: Collection[str]) -> list[str]:
    """Return why each of these values counts as missing; an empty text where it does not. See `missing_reasons`."""
    known = {_normal(text) for text in placeholders} - {""}
    beginnings = tuple(f"{text} " for text in known if " " in text)
    if not found.is_text:
        return [_reason(value, field, known, beginnings) for value in found.each]
    reasons = [""] * len(found.each)
    for position in _doubtful(found.each, field, known, beginnings):
        reasons[position] = _text_reason(found.each[int(position)], field, known, beginnings)
    return reasons


def _doubtful(
    texts: Sequence[str], field: str, known: Collection[str], beginnings: Sequence[str]
) -> npt.NDArray[np.intp]:
    """Return the positions of the texts that may count as missing: all others are too long and too plain for it."""
    if field.casefold().startswith(_TIME_FIELDS):
        return np.arange(len(texts))
    begins = [re.escape(text.split()[0]) for text in beginnings]
    odd = "|".join([rf"[{_HIDDEN}{_SPACES}]|  |^[{_EDGE}]{{3}}|[{_EDGE}]{{3}}$|placeholder\.", *begins])
    column = pd.Series(texts, dtype="str")
    is_short = column.str.len() <= max((len(text) for text in known), default=0) + 4  # two at either edge
    return np.flatnonzero(is_short | column.str.contains(odd, case=False, regex=True))


def shown(value: object) -> str:
    """Return a value as text: cut, on one line, harmless; empty for null."""
    if isinstance(value, (list, tuple, np.ndarray)):
        return plain(", ".join(map(str, value[:SHOWN])), SHOWN)
    return "" if value is None or value is pd.NaT or value is pd.NA or value != value else plain(str(value), SHOWN)


def shown_of(found: Distinct) -> list[str]:
    """Return what `shown` returns of each of these values."""
    if not found.is_text:
        return [shown(value) for value in found.each]
    column = pd.Series(found.each, dtype="str")
    is_long = column.str.len() > SHOWN
    texts = column.where(~is_long, column.str.slice(0, SHOWN - 1).str.rstrip() + "…").to_list()
    for position in np.flatnonzero(~column.str.fullmatch(_HARMLESS)):
        texts[position] = shown(found.each[int(position)])
    return texts


def _reason(value: object, field: str, known: Collection[str], beginnings: Sequence[str]) -> str:
    if isinstance(value, str):
        return _text_reason(value, field, known, tuple(beginnings))
    if isinstance(value, (list, tuple, np.ndarray)):
        reasons = [_reason(item, field, known, beginnings) for item in value]
        return "" if not all(reasons) else (reasons[0] if reasons else "an empty list")
    if isinstance(value, dict):
        return "" if value else "empty"
    if value is None or value is pd.NaT or value is pd.NA or value != value:
        return "empty"
    return _number_reason(value, field)


def _number_reason(value: object, field: str) -> str:
    if isinstance(value, (int, float, np.number)) and not isinstance(value, bool):
        if isinstance(value, (float, np.floating)) and not np.isfinite(value):  # an integer may exceed every float
            return "not a finite number"
        if value <= 0 and field.casefold().startswith(_TIME_FIELDS):
            return f"a length of {shown(value)}"
    return ""


def _text_reason(value: str, field: str, known: Collection[str], beginnings: tuple[str, ...]) -> str:
    visible = value.translate(_INVISIBLE).strip()
    if not visible:
        return "empty" if not value else "blank"
    normal = _normal(visible)
    if normal in known or visible.casefold() in known or f"{normal} ".startswith(beginnings):
        return f'placeholder "{plain(visible, SHOWN // 2)}"'
    if _PLACEHOLDER_IMAGE.search(visible.casefold()):
        return f'placeholder picture "{plain(visible[-SHOWN // 2 :])}"'
    if field.casefold().startswith(_TIME_FIELDS):
        try:
            return _number_reason(float(visible), field)
        except ValueError:
            return ""
    return ""


def _normal(text: str) -> str:
    """Return a text as placeholders are compared: case, space and brackets off; `-` and `?` stay what they are."""
    folded = " ".join(text.translate(_INVISIBLE).casefold().split())
    return folded.strip(_BRACKETS) or folded
