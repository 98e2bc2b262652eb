"""How well each column of a file fits each of ours: by name, and by what its cells look like. Decides nothing."""

from collections.abc import Callable, Mapping
from typing import Final

from recsysops import columns as c
from recsysops.domain.measure import HORIZONS, Measure
from recsysops.sources._guess_profile import Column
from recsysops.sources._guess_words import name_score

UNITS: Final = frozenset({"share", "members", "impressions"})
_MAX_PLACES: Final = 400
_MAX_POSITION: Final = 1_000_000


def _is_time(column: Column) -> bool:
    return column.time_kind in ("aware", "naive", "date", "epoch")


def _is_place(column: Column) -> bool:
    is_short = column.n_distinct <= _MAX_PLACES and float(column.distinct.str.len().max() or 0) <= 40
    return is_short and not (column.time_kind or column.is_list or column.is_nested or column.separator)


def _is_position(column: Column) -> bool:
    return column.is_all("whole") and column.low >= 1 and column.high <= _MAX_POSITION


def _holds(*words: str) -> Callable[[Column], bool]:
    known = frozenset(words)
    return lambda column: column.n_distinct > 0 and _share_of(column, known) >= 0.9


def _share_of(column: Column, known: frozenset[str]) -> float:
    is_known = column.distinct.str.lower().isin(list(known)).to_numpy(dtype=bool)
    return float(column.counts.to_numpy()[is_known].sum()) / max(column.n_filled, 1)


def _is_horizon(column: Column) -> bool:
    return column.is_all("number") and set(column.numbers) <= set(HORIZONS)


def _is_amount(column: Column) -> bool:
    return column.is_all("number") and not column.epoch_unit and column.low >= 0


def _is_confidence(column: Column) -> bool:
    return column.is_all("number") and column.low > 0 and column.high < 1


def _is_words(column: Column) -> bool:
    return (column.is_text or column.is_all("token")) and not (column.is_list or column.is_nested or column.time_kind)


def _is_name(column: Column) -> bool:
    return _is_words(column) and not column.is_all("whole") and not column.is_all("url") and column.n_distinct > 1


SHAPES: Final[Mapping[str, tuple[Callable[[Column], bool], str]]] = {
    c.TITLE_ID: (lambda column: column.is_id_like, "ids"),
    c.MEMBER_ID: (lambda column: column.is_id_like, "ids"),
    c.SERIES_ID: (lambda column: column.is_id_like, "ids"),
    c.TS: (_is_time, "times"),
    c.LAUNCH_AT: (_is_time, "times"),
    c.OBSERVED_AT: (_is_time, "times"),
    c.MARKET: (_is_place, "few, short values"),
    c.SURFACE: (_is_place, "few, short values"),
    c.POSITION: (_is_position, "whole numbers from 1"),
    c.NAME: (_is_name, "words"),
    c.PROVIDER: (_is_words, "words"),
    c.LOW: (_is_amount, "numbers of at least 0"),
    c.BEST: (_is_amount, "numbers of at least 0"),
    c.HIGH: (_is_amount, "numbers of at least 0"),
    c.MEASURE: (_holds(*map(str, Measure)), "measures"),
    c.UNIT: (_holds(*UNITS), "units"),
    c.HORIZON: (_is_horizon, "1, 7 or 28 (days)"),
    c.CONFIDENCE: (_is_confidence, "numbers between 0 and 1"),
    c.AUTHOR: (_is_words, "words"),
    c.LAUNCH_STATUS: (_holds(c.PLANNED, c.CANCELLED), "planned or cancelled"),
    c.KIND: (_is_words, "words"),
    c.WHAT: (_is_words, "words"),
}
"""Our column to the test a column of theirs must pass to be read as it, and what the test looks for in words."""


def fits(ours: str, column: Column) -> bool:
    """Say whether a column's cells could be read as one of ours."""
    return column.n_distinct > 0 and SHAPES[ours][0](column)


def score(ours: str, column: Column) -> float:
    """Return how likely a column is one of ours, 0 to 1: nothing where its cells cannot be read as it."""
    said = name_score(ours, column.name)
    return said if said and fits(ours, column) else 0.0


def best(ours: str, columns: Mapping[str, Column], without: frozenset[str] = frozenset()) -> tuple[str, float]:
    """Return the most likely column and how likely it is; an empty name where there is none."""
    scores = {name: score(ours, column) for name, column in columns.items() if name not in without}
    name = max(scores, key=lambda each: scores[each], default="")
    return (name, scores[name]) if name and scores[name] > 0 else ("", 0.0)


def rejected(ours: str, columns: Mapping[str, Column], without: frozenset[str]) -> tuple[Column, float] | None:
    """Return the column that is called like one of ours and cannot be read as it."""
    called = {name: name_score(ours, name) for name in columns if name not in without and not fits(ours, columns[name])}
    name = max(called, key=lambda each: called[each], default="")
    return (columns[name], called[name]) if name and called[name] >= 0.6 else None
