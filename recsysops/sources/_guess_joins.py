"""Which columns name titles: the ones whose values occur in the other files. Not for any other column."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from recsysops import columns as c
from recsysops.sources._guess_profile import Column
from recsysops.sources._guess_tables import Feed, Role
from recsysops.sources._guess_words import name_score

_ENOUGH: Final = 20
"""Distinct values from which an overlap says more than a name."""


@dataclass(frozen=True)
class Join:
    """The column that names a feed's titles."""

    column: str
    confidence: float
    reason: str
    overlap: float | None
    """Share of its values that are titles; None where there is no file of titles, or this is it."""


def joins_of(roles: Mapping[str, Role]) -> dict[str, Join]:
    """Return, per table, the column that names its titles; tables without a likely one are absent."""
    titles = roles.get(c.TITLES)
    others = {table: role.feed for table, role in roles.items() if table != c.TITLES}
    if titles is None:
        return {table: join for table, feed in others.items() if (join := _by_name(feed))}
    candidates = _candidates(titles.feed)
    if not candidates:
        return {}
    values = {name: frozenset(candidates[name].counts.index) for name in candidates}
    fit = {name: _fit(candidates[name], values[name], others) for name in candidates}
    key = max(fit, key=lambda name: fit[name])
    found = {table: join for table, feed in others.items() if (join := _joined(feed, table, values[key]))}
    return {c.TITLES: _of_titles(candidates[key], titles.feed, found, others), **found}


def _candidates(feed: Feed) -> dict[str, Column]:
    """Return the columns that could name titles: of the columns of a log not the one that names members."""
    found = {name: column for name, column in feed.columns.items() if column.is_id_like}
    is_member = {name for name in found if name_score(c.MEMBER_ID, name) > name_score(c.TITLE_ID, name)}
    return {name: column for name, column in found.items() if name not in is_member}


def _overlap(column: Column, values: frozenset[str]) -> float:
    return float(column.distinct.isin(values).mean()) if column.n_distinct else 0.0


def _rated(column: Column, values: frozenset[str]) -> float:
    said = name_score(c.TITLE_ID, column.name)
    overlap = _overlap(column, values)
    return (0.1 if said < 0.3 and _is_counter(column) else 0.6) * overlap + 0.4 * said


def _fit(column: Column, values: frozenset[str], others: Mapping[str, Feed]) -> float:
    """Return how well a column of the titles' file names titles: by its name, by how few repeat, by the other files."""
    own = 0.5 * name_score(c.TITLE_ID, column.name) + 0.3 * column.uniqueness + 0.2 * column.filled
    joined = [
        max((_rated(each, values) for each in _candidates(feed).values()), default=0.0) for feed in others.values()
    ]
    return own + (sum(joined) / len(joined) if joined else 0.0)


def hints_of(feeds: Sequence[Feed], roles: Mapping[str, Role]) -> dict[str, str]:
    """Return, by path, the column of a feed without a role whose values are titles though its name does not say so."""
    titles = joins_of(roles).get(c.TITLES)
    if titles is None:
        return {}
    values = frozenset(roles[c.TITLES].feed.columns[titles.column].counts.index)
    taken = [role.feed.path for role in roles.values()]
    hints = {}
    for feed in (feed for feed in feeds if feed.path not in taken):
        shares = {
            name: _overlap(column, values)
            for name, column in _candidates(feed).items()
            if column.n_distinct >= _ENOUGH and not _is_counter(column)
        }
        name = max(shares, key=lambda each: shares[each], default="")
        if name and shares[name] >= 0.8:
            hints[feed.path] = name
    return hints


def _by_name(feed: Feed) -> Join | None:
    candidates = _candidates(feed)
    name = max(candidates, key=lambda each: name_score(c.TITLE_ID, each), default="")
    likely = name_score(c.TITLE_ID, name) if name else 0.0
    return Join(name, likely, "by its name; no file of titles to join it with", None) if likely > 0.3 else None


def _joined(feed: Feed, table: str, titles: frozenset[str]) -> Join | None:
    candidates = _candidates(feed)
    rated = {name: _rated(column, titles) for name, column in candidates.items()}
    name = max(rated, key=lambda each: rated[each], default="")
    if not name:
        return None
    column, said = candidates[name], name_score(c.TITLE_ID, name)
    overlap = _overlap(column, titles)
    likely = max(0.5 * said + 0.5 * overlap, 0.85 * said)
    if overlap >= 0.9 and column.n_distinct >= _ENOUGH and not _is_counter(column):
        likely = max(likely, 0.75)
    if likely < 0.3 or (table == c.CHANGES and overlap < 0.5 and said < 0.6):
        return None
    return Join(name, likely, f"{overlap:.0%} of its values are titles", overlap)


def _is_counter(column: Column) -> bool:
    """Say whether the values are 1, 2, 3 ...: these overlap with any other counter."""
    return column.is_all("whole") and column.high < 3 * column.n_distinct


def _of_titles(column: Column, feed: Feed, found: Mapping[str, Join], others: Mapping[str, Feed]) -> Join:
    said = name_score(c.TITLE_ID, column.name)
    shares = {table: join.overlap for table, join in found.items() if join.overlap is not None}
    unique = "unique" if column.uniqueness == 1 else f"{column.n_distinct:,} of {column.n_filled:,} differ"
    if not shares:
        return Join(column.name, max(said, 0.5 * said + 0.4 * column.uniqueness), unique, None)
    table = max(shares, key=lambda each: len(others[each].sample.frame))
    joins = f"joins {shares[table]:.0%} of {table}.{found[table].column}"
    part = "" if feed.sample.is_whole else f" (of the first {len(feed.sample.frame):,} rows)"
    likely = max(0.5 * said + 0.5 * max(shares.values()), 0.9 * said)
    return Join(column.name, likely, f"{unique}, {joins}{part}", None)
