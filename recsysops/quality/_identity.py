"""Rules on which title is which: one title under two ids, two ids that look alike, one id for two titles."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any, Final

import numpy as np
import pandas as pd

from recsysops.columns import NAME, PROVIDER, SERIES_ID, TITLE_ID
from recsysops.domain.text import plain
from recsysops.quality._catalogue import Bools, Catalogue
from recsysops.quality._prepared import COLUMN, Prepared
from recsysops.quality._relations import IN_SET
from recsysops.quality._suite_file import SuiteRule
from recsysops.quality.missing import SHOWN

_BETWEEN: Final = "\x1f"
UNIQUE: Final = "expect_column_values_to_be_unique"
_NOT_WORD: Final = re.compile(r"[\W_]+")
_ALIKE: Final = 0.5
"""Names of this similarity (0 to 1) and above are one name, corrected."""
_HIDDEN: Final = re.compile("[\u200b-\u200f\u2060\ufeff\u00ad]")

Identify = Callable[[SuiteRule, Catalogue, Bools, pd.DataFrame], Prepared]


def same_title(rule: SuiteRule, catalogue: Catalogue, here: Bools, _: pd.DataFrame) -> Prepared:
    """Two ids must not stand for one title: its `fields`, those that some title has, are not all alike and filled.

    The first field must be filled; others that are empty in both count as alike. Texts are compared as letters and
    digits, without case, accents as they are.
    """
    names = [name for name in rule.looks_at if catalogue.has(name)]
    rows = _first_rows(catalogue, here & catalogue.column(names[0]).rows_filled)
    first, *others = (_keys(catalogue, name) for name in names)
    keys = [first[row] for row in rows]
    is_shared = pd.Series(keys, dtype="object").duplicated(keep=False)
    for at in np.flatnonzero(is_shared).tolist():  # a name of one's own is nobody's twin, whatever the rest says
        keys[at] = _BETWEEN.join([keys[at], *(key[rows[at]] for key in others)])
    return _unique(catalogue, here, names[0], rows, keys)


def twin_id(_: SuiteRule, catalogue: Catalogue, here: Bools, __: pd.DataFrame) -> Prepared:
    """Two ids must not differ in case, space, hidden characters or spelling of the same characters alone."""
    rows = _first_rows(catalogue, here)
    ids = catalogue.rows[TITLE_ID].iloc[rows]
    plain_ids = ids.str.lower().str.replace(r"\s+", "", regex=True)
    keys = [key if key.isascii() else _folded(title) for title, key in zip(ids, plain_ids, strict=True)]
    return _unique(catalogue, here, TITLE_ID, rows, keys)


def reused_id(_: SuiteRule, catalogue: Catalogue, here: Bools, earlier: pd.DataFrame) -> Prepared:
    """An id must stay with its title: name, and series and provider where known, must not all become others.

    Args:
        catalogue: As known now.
        here: Which cells are looked at.
        earlier: TITLE_ID, NAME, SERIES_ID, PROVIDER of the general rows of all versions but the last, newest first.
    """
    now = {str(row[0]): row[1:] for row in _identities(catalogue.rows)}
    was: dict[str, str] = {}
    for title, *identity in _identities(earlier):
        if title in now and title not in was and _is_other(now[title], identity):
            was[str(title)] = f"was {plain(str(identity[0]), SHOWN)}"
    return _of_titles(catalogue, here & catalogue.rows[TITLE_ID].isin(list(now)).to_numpy(), NAME, was)


def _first_rows(catalogue: Catalogue, wanted: Bools) -> list[int]:
    """Return the first of the wanted rows of each title."""
    titles = catalogue.rows[TITLE_ID][wanted]
    positions = np.flatnonzero(wanted)[~titles.duplicated().to_numpy()]
    return [int(row) for row in positions]


def _unique(catalogue: Catalogue, here: Bools, field: str, rows: Sequence[int], keys: Sequence[str]) -> Prepared:
    """Return the rule that no two titles share a key; Great Expectations sees a number for each different key."""
    titles = catalogue.rows[TITLE_ID].iloc[list(rows)].to_numpy(dtype=object)
    grouped = [f"{catalogue.group(title)}{_BETWEEN}{key}" for title, key in zip(titles, keys, strict=True)]
    codes = pd.factorize(np.asarray(grouped, dtype=object))[0]
    broken = np.bincount(codes)[codes] > 1 if len(codes) else np.zeros(0, dtype=np.bool_)
    together: dict[int, list[str]] = defaultdict(list)
    for at in np.flatnonzero(broken):
        together[int(codes[at])].append(titles[at])
    twins = {title: _others(title, each) for each in together.values() for title in each}
    judged = here & catalogue.rows[TITLE_ID].isin(list(titles)).to_numpy()
    prepared = _of_titles(catalogue, judged, field, twins)
    return Prepared(
        expectation=UNIQUE, kwargs={}, columns={COLUMN: codes.astype(np.float64)}, broken=broken, judged=judged,
        cells=prepared.cells, found=prepared.found, details=prepared.details,
    )  # fmt: skip


def _of_titles(catalogue: Catalogue, judged: Bools, field: str, details: Mapping[str, str]) -> Prepared:
    """Return the rule that a title must not be named in `details`."""
    titles = catalogue.rows[TITLE_ID].to_numpy(dtype=object)
    is_named = catalogue.rows[TITLE_ID].isin(list(details)).to_numpy()
    cells = np.flatnonzero(judged & is_named)
    seen = ["other" if named else "same" for named in is_named[judged]]
    return Prepared(
        expectation=IN_SET, kwargs={"value_set": ["same"]}, columns={COLUMN: seen}, broken=is_named[judged],
        judged=judged, cells=cells, details=[details[titles[row]] for row in cells],
        found=[plain(titles[row], SHOWN) if field == TITLE_ID else catalogue.value(field, int(row)) for row in cells],
    )  # fmt: skip


def _others(title: str, together: Sequence[str]) -> str:
    others = sorted(other for other in together if other != title)
    more = f" and {len(others) - 1} more" if len(others) > 1 else ""
    return f"also {ascii(others[0]) if not others[0].isascii() else repr(plain(others[0], SHOWN))}{more}"


def _keys(catalogue: Catalogue, field: str) -> Sequence[str]:
    column = catalogue.column(field)
    keys = [_words(value) if column.is_filled[at] else "" for at, value in enumerate(column.found.each)]
    keys.append("")
    return [keys[at] for at in column.found.codes]


def _words(value: Any) -> str:  # noqa: ANN401 - a cell may hold anything
    text = str(int(value)) if isinstance(value, (float, np.floating)) and float(value).is_integer() else str(value)
    return _NOT_WORD.sub(" ", unicodedata.normalize("NFKC", text).casefold()).strip()


def _folded(title: str) -> str:
    return "".join(_HIDDEN.sub("", unicodedata.normalize("NFKC", title)).casefold().split())


def _identities(frame: pd.DataFrame) -> Sequence[tuple[Any, ...]]:
    """Return title id, name, series and provider of each row that has a name; absent ones as empty texts."""
    columns = [
        frame[name] if name in frame else pd.Series("", index=frame.index) for name in (NAME, SERIES_ID, PROVIDER)
    ]
    rows = zip(frame[TITLE_ID], *(column.astype("object").where(column.notna(), "") for column in columns), strict=True)
    return [row for row in rows if isinstance(row[1], str) and row[1].strip()]


def _is_other(now: Sequence[Any], was: Sequence[Any]) -> bool:
    """Return whether nothing of who a title is stayed."""
    names = [_words(each[0]) for each in (now, was)]
    if SequenceMatcher(a=names[0], b=names[1]).ratio() >= _ALIKE:
        return False
    known = [(new, old) for new, old in zip(now[1:], was[1:], strict=True) if new and old]
    return bool(known) and all(new != old for new, old in known)


IDENTITIES: Final[Mapping[str, Identify]] = {"same_title": same_title, "twin_id": twin_id, "reused_id": reused_id}
