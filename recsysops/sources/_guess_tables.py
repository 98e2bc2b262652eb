"""Which feed is which of our tables. Not for its columns one by one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from recsysops import columns as c
from recsysops.sources._guess_columns import best, fits, rejected, score
from recsysops.sources._guess_files import Group
from recsysops.sources._guess_profile import Column, columns_of
from recsysops.sources._guess_sample import Sample, join_samples
from recsysops.sources._guess_words import is_about

LEAST: Final = 0.35
_CLEARLY: Final = 0.6
_MANY: Final = 20
_REPEATING: Final = 0.9
_MOST_OF_A_LOG: Final = 4
"""Columns of a log, members included, that could also describe titles."""
_NO_LOGS: Final = (c.TITLES, c.LAUNCHES, c.EXPECTATIONS)
_LOG_WORDS: Final = frozenset({"impression", "impressions", "served", "shown", "view_impression", "display"})


@dataclass(frozen=True)
class Feed:
    """A group of files with what its samples hold."""

    group: Group
    samples: tuple[Sample, ...]
    path: str
    """Its pattern as the settings would name it."""

    @cached_property
    def sample(self) -> Sample:
        """Return the samples as one."""
        return join_samples(list(self.samples))

    @cached_property
    def columns(self) -> Mapping[str, Column]:
        """Return the columns, by name."""
        return columns_of(self.sample)

    @property
    def name(self) -> str:
        """Return the last two parts of the path: what people call it."""
        return "/".join(self.path.split("/")[-2:])

    def is_called(self, table: str) -> bool:
        """Say whether its file or folder is called like one of our tables."""
        return is_about(self.name, table)


@dataclass(frozen=True)
class Role:
    """A feed as one of our tables, how likely, and why."""

    feed: Feed
    table: str
    score: float
    reason: str


def roles_of(feed: Feed, hint: str = "") -> tuple[Role, ...]:
    """Return the tables a feed could be, unsorted.

    Args:
        feed: The feed.
        hint: Its column whose values are known to be titles, whatever it is called.
    """
    member, is_member = best(c.MEMBER_ID, feed.columns)
    title, is_title = best(c.TITLE_ID, feed.columns, frozenset({member} if is_member >= 0.6 else ()))
    if hint and hint != member:
        title, is_title = hint, max(is_title, 0.75)
        if is_member < 0.6 and len(ids := repeating_ids(feed, hint)) == 1:
            member, is_member = ids[0], 0.62
    found = [_changes(feed)]
    if title and is_title > 0 and is_member >= 0.6 and not _names_members(feed, member, title):
        found.append(_log(feed, (is_title + is_member) / 2))
    elif title:
        found += [_expectations(feed, is_title), _launches(feed, title, is_title), _titles(feed, title, is_title)]
    return tuple(role for role in found if role is not None and role.score >= LEAST)


def repeating_ids(feed: Feed, title: str) -> list[str]:
    """Return the columns of ids, beside that of titles, of which many differ and many repeat: as members' do.

    Only of a log: where titles repeat and each row has a time.
    """
    is_log = feed.columns[title].uniqueness < _REPEATING and any(fits(c.TS, each) for each in feed.columns.values())
    if not is_log or _n_described(feed, title) > _MOST_OF_A_LOG or any(map(feed.is_called, _NO_LOGS)):
        return []
    return [
        name
        for name, column in feed.columns.items()
        if name != title
        and column.is_id_like
        and not column.time_kind
        and column.n_distinct >= _MANY
        and column.uniqueness < _REPEATING
        and not is_about(name, "request", "duration", "count", "rating", "outcome")
        and max(score(ours, column) for ours in (c.SERIES_ID, c.MARKET, c.SURFACE, c.POSITION, c.NAME)) < _CLEARLY
    ]


def _names_members(feed: Feed, member: str, title: str) -> bool:
    """Say whether each row is a member rather than something a member did: a file of users, not a log."""
    return (
        feed.columns[member].uniqueness > 0.98
        and not any(fits(c.TS, each) for each in feed.columns.values())
        and (feed.columns[title].n_distinct < 50)
    )


def _log(feed: Feed, ids: float) -> Role | None:
    times = [column for column in feed.columns.values() if column.time_kind]
    if not times:
        return None
    shown = {
        "it has positions": 0.5 * any(score(c.POSITION, column) >= 0.6 for column in feed.columns.values()),
        "it has request ids": 0.25 * any(is_about(name, "request") for name in feed.columns),
        "of its name": 0.75 * feed.is_called(c.IMPRESSIONS),
        "its kinds are impressions": 0.75 * _has_kinds(feed),
    }
    acted = {
        "it has kinds of events": 0.4 * any(score(c.KIND, each) >= 0.6 for each in feed.columns.values()),
        "it has ratings": 0.4 * any(is_about(name, "rating") for name in feed.columns),
        "it has durations": 0.4 * any(is_about(name, "duration") for name in feed.columns),
        "of its name": 0.75 * feed.is_called(c.INTERACTIONS),
    }
    lead = sum(shown.values()) - sum(acted.values())
    table, why = (c.IMPRESSIONS, shown) if lead > 0 else (c.INTERACTIONS, acted)
    said = " and ".join(reason for reason, points in why.items() if points) or "nothing says that it is what was shown"
    sure = (ids + max(score(c.TS, column) or 0.4 for column in times)) / 2
    return Role(feed, table, sure * (0.75 + 0.25 * min(1.0, 2 * abs(lead))), f"members, titles and times; {said}")


def _has_kinds(feed: Feed) -> bool:
    """Say whether a column of kinds says that most rows were impressions."""
    kind, is_kind = best(c.KIND, feed.columns)
    if is_kind < 0.6:
        return False
    values = feed.columns[kind].counts
    return bool(values[[str(value).lower() in _LOG_WORDS for value in values.index]].sum() > 0.5 * values.sum())


def mixed_kinds(feed: Feed) -> tuple[str, tuple[str, ...]]:
    """Return the column and its values where a log holds both what was shown and what members did."""
    kind, is_kind = best(c.KIND, feed.columns)
    values = tuple(str(value) for value in feed.columns[kind].counts.index[:20]) if is_kind >= 0.6 else ()
    shown = [value for value in values if value.lower() in _LOG_WORDS]
    return (kind, values) if shown and len(shown) < len(values) else ("", ())


def _expectations(feed: Feed, is_title: float) -> Role | None:
    taken: dict[str, str] = {}
    for ours in (c.LOW, c.BEST, c.HIGH):
        name, likely = best(ours, feed.columns, frozenset(taken.values()))
        if likely >= 0.5:
            taken[ours] = name
    is_plan = len(taken) >= 2 or (taken and feed.is_called(c.EXPECTATIONS))
    if not is_plan:
        return None
    value = 0.4 * max(is_title, 0.5) + 0.55 * len(taken) / 3 + 0.1 * feed.is_called(c.EXPECTATIONS)
    return Role(feed, c.EXPECTATIONS, min(value, 1.0), f"titles with {', '.join(taken.values())}")


def _launches(feed: Feed, title: str, is_title: float) -> Role | None:
    launch, likely = best(c.LAUNCH_AT, feed.columns)
    wrong = rejected(c.LAUNCH_AT, feed.columns, frozenset())
    if not launch and wrong is not None and wrong[0].time_kind:  # dates that cannot be read: it is told so later
        launch, likely = wrong[0].name, wrong[1]
    if not launch or (likely < 0.5 and not feed.is_called(c.LAUNCHES)):
        return None
    n_described = _n_described(feed, title)
    value = (max(is_title, 0.5) + max(likely, 0.5)) / 2 - 0.12 * max(0, n_described - 1)
    value += 0.1 * feed.is_called(c.LAUNCHES) - 0.1 * (n_described > 1 and feed.is_called(c.TITLES))
    return Role(feed, c.LAUNCHES, min(value, 1.0), f'titles with launch times in "{launch}"')


def _titles(feed: Feed, title: str, is_title: float) -> Role | None:
    n_described = _n_described(feed, title)
    _, is_named = best(c.NAME, feed.columns, frozenset({title}))
    if n_described == 0:
        return None
    value = 0.45 * max(is_title, 0.5) + 0.2 * (is_named >= 0.5) + 0.07 * min(n_described, 4)
    value += 0.15 * feed.is_called(c.TITLES) + 0.1 * (feed.columns[title].uniqueness > 0.9)
    return Role(
        feed, c.TITLES, min(value, 1.0), f'one row a title in "{title}", {n_described} columns that describe it'
    )


def _n_described(feed: Feed, title: str) -> int:
    """Return how many columns describe a title: words, lists and numbers that are no times, places or statuses."""
    others = (column for name, column in feed.columns.items() if name != title)
    plain = (c.MARKET, c.SURFACE, c.LAUNCH_STATUS, c.TS, c.LAUNCH_AT, c.OBSERVED_AT, c.LOW, c.BEST, c.HIGH)
    return sum(not each.time_kind and max(score(ours, each) for ours in plain) < 0.6 for each in others)


def _changes(feed: Feed) -> Role | None:
    if best(c.MEMBER_ID, feed.columns)[1] >= 0.6 or not any(fits(c.TS, each) for each in feed.columns.values()):
        return None
    kind, is_kind = best(c.KIND, feed.columns)
    what, is_what = best(c.WHAT, feed.columns, frozenset({kind}))
    is_called = feed.is_called(c.CHANGES)
    if not (is_called and (kind or what)) and not (is_kind >= 0.6 and is_what >= 0.6):
        return None
    value = 0.3 * (is_kind >= 0.5) + 0.3 * (is_what >= 0.5) + 0.3 * is_called + 0.1
    return Role(feed, c.CHANGES, value, " and ".join(f'"{name}"' for name in (kind, what) if name) + " of what changed")


def _strange(feed: Feed) -> str:
    """Say why a feed is none of our tables."""
    names = list(feed.columns)
    sign = next((sign for sign in ";|\t" if len(names) == 1 and sign in names[0]), "")
    if sign:
        said = "tabs: name it .tsv" if sign == "\t" else f'"{sign}": write it with commas'
        return f"its cells seem to be separated by {said}"
    return f"none of our tables looks like it (columns: {', '.join(names[:8])})"


def assign(feeds: Sequence[Feed], hints: Mapping[str, str]) -> tuple[dict[str, Role], dict[str, str]]:
    """Give each table the feed that is most likely it, and each feed one table.

    Args:
        feeds: What was found.
        hints: Path of a feed to its column whose values are known to be titles.

    Returns:
        Table to role; and the path of every other feed to why it has none.
    """
    roles = sorted(
        (role for feed in feeds for role in roles_of(feed, hints.get(feed.path, ""))), key=lambda role: -role.score
    )
    taken: dict[str, Role] = {}
    for role in roles:
        if role.table not in taken and role.feed not in [other.feed for other in taken.values()]:
            taken[role.table] = role
    used = {role.feed.path for role in taken.values()}
    left: dict[str, str] = {}
    for feed in (feed for feed in feeds if feed.path not in used):
        could = next((role for role in roles if role.feed is feed), None)
        if could is None:
            left[feed.path] = _strange(feed)
        else:
            left[feed.path] = f'looks like {could.table} too, but "{taken[could.table].feed.path}" does more'
    return taken, left
