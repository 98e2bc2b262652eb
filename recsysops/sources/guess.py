"""Guesses the mapping of a user's files: which file is which table, which column which of ours. Writes nothing.

Only the first rows of a few files of each feed are looked at; a file that cannot be read is told and stops nothing.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from recsysops import columns as c
from recsysops.errors import SourceError
from recsysops.settings import ReadingSettings
from recsysops.sources._asking import Asking
from recsysops.sources._guess_columns import best
from recsysops.sources._guess_doubts import doubts_of
from recsysops.sources._guess_files import Found, Group, grouped, look, merged, of_delta, relative
from recsysops.sources._guess_joins import hints_of, joins_of
from recsysops.sources._guess_leaks import day_of, find_leaks
from recsysops.sources._guess_mapping import Draft, assume_measure, map_table
from recsysops.sources._guess_profile import Column
from recsysops.sources._guess_sample import Sample, problem_of, take_sample
from recsysops.sources._guess_tables import Feed, Role, assign
from recsysops.sources.guesses import SURE, ColumnGuess, FieldGuess, Guesses, LeftFiles, TableGuess

if TYPE_CHECKING:
    import pandas as pd

MAX_FEEDS: Final = 60
_LIMITS: Final = ReadingSettings(child_seconds=20)
_FILLED: Final = 0.95
_PER_FEED: Final = 3
_TABLES: Final = (c.TITLES, c.LAUNCHES, c.EXPECTATIONS, c.IMPRESSIONS, c.INTERACTIONS, c.CHANGES)


def guess(folder: Path, data: Sequence[str] = ()) -> Guesses:
    """Guess the sources of a service.

    Args:
        folder: Where the settings will lie; looked into when `data` names nothing.
        data: Files, folders and patterns to look into.

    Returns:
        The guesses; without tables where nothing was found.

    Raises:
        UsageError: One of `data` names nothing.
    """
    found = look(folder, data)
    feeds, left = _feeds(found, folder)
    roles, others = assign(feeds, {})
    roles, others = assign(feeds, hints_of(feeds, roles))
    joins = joins_of(roles)
    mappings: dict[str, Draft] = {
        table: map_table(roles[table], joins.get(table)) for table in _TABLES if table in roles
    }
    launch = _launch_of_titles(mappings)
    find_leaks(mappings, launch)
    if c.EXPECTATIONS in mappings:
        assume_measure(mappings[c.EXPECTATIONS], tuple(mappings))
    tables = tuple(_table(mappings[table]) for table in _TABLES if table in mappings)
    left += [LeftFiles(path=path, n_files=_count(feeds, path), reason=reason) for path, reason in others.items()]
    doubts, markets = doubts_of(mappings, tables)
    return Guesses(
        looked_in=found.looked_in,
        tables=tables,
        left=(*left, *_related(found, folder)),
        fields=_fields(mappings.get(c.TITLES), mappings.get(c.LAUNCHES), launch),
        markets=markets,
        to_check=tuple(doubts),
    )


def _feeds(found: Found, folder: Path) -> tuple[list[Feed], list[LeftFiles]]:
    """Sample every feed that was found; return them and what could not be read."""
    groups = (*grouped(found.files), *(of_delta(delta) for delta in found.deltas))
    left = [
        LeftFiles(path=relative(group.pattern, folder), n_files=len(group.files), reason="too many feeds to look at")
        for group in groups[MAX_FEEDS:]
    ]
    asking = Asking(_LIMITS)
    samples: dict[Group, tuple[Sample, ...]] = {}
    for group in groups[:MAX_FEEDS]:
        taken, problems = _samples(group, asking)
        left += [
            LeftFiles(path=relative(str(file), folder), n_files=1, reason=why, is_broken=True) for file, why in problems
        ]
        if taken:
            samples[group] = taken
    return [Feed(group, taken, relative(group.pattern, folder)) for group, taken in _merge(samples).items()], left


def _samples(group: Group, asking: Asking) -> tuple[tuple[Sample, ...], list[tuple[Path, str]]]:
    """Return samples of the first, the middle and the last file, and what is wrong with those that cannot be read."""
    taken, problems = [], []
    middle = len(group.files) // 2
    for file in dict.fromkeys((group.files[:1] + group.files[middle : middle + 1] + group.files[-1:])[:_PER_FEED]):
        try:
            taken.append(take_sample(file, asking))
        except SourceError as error:
            problems.append((file, problem_of(error)))
    return tuple(taken), problems


def _merge(samples: Mapping[Group, tuple[Sample, ...]]) -> dict[Group, tuple[Sample, ...]]:
    """Join groups of a folder whose files have the same columns."""
    alike: dict[tuple[str, str, tuple[str, ...]], list[Group]] = defaultdict(list)
    for group, taken in samples.items():
        if not group.is_delta:
            place = str(Path(group.pattern).parent)
            alike[place, group.ending, tuple(sorted(taken[0].frame.columns))].append(group)
    joined = merged(tuple(samples), tuple(alike.values()))
    made = {}
    for group in joined:
        parts = [taken for other, taken in samples.items() if set(other.files) <= set(group.files)]
        made[group] = tuple([taken[0] for taken in parts] if len(parts) > 1 else parts[0])[:_PER_FEED]
    return made


def _count(feeds: Sequence[Feed], path: str) -> int:
    return next(len(feed.group.files) for feed in feeds if feed.path == path)


def _related(found: Found, folder: Path) -> list[LeftFiles]:
    """Return files of kinds that are not read, and whether there was more than was looked at."""
    by_ending: dict[str, list[Path]] = defaultdict(list)
    for path in found.related:
        by_ending[path.suffix.lower()].append(path)
    left = [
        LeftFiles(
            path=relative(str(paths[0]), folder),
            n_files=len(paths),
            reason=f"{ending} is not read: export it as CSV, JSON Lines or Parquet",
        )
        for ending, paths in sorted(by_ending.items())
    ]
    if found.is_cut:
        left.append(
            LeftFiles(path="", n_files=0, reason="there are more files than were looked at: name some with --data")
        )
    return left


def _launch_of_titles(mappings: dict[str, Draft]) -> Column | None:
    """Return the launch date among the titles' columns; where no file holds launches, read them from there."""
    titles = mappings.get(c.TITLES)
    if titles is None:
        return None
    name, likely = best(c.LAUNCH_AT, titles.feed.columns, titles.used)
    if likely < 0.5:
        times = [each for each, column in titles.feed.columns.items() if column.time_kind and each not in titles.used]
        if c.LAUNCHES in mappings or len(times) != 1:
            return None
        name, likely = times[0], 0.5  # the only time there is: a candidate
    if c.LAUNCHES not in mappings:
        mappings[c.LAUNCHES] = _from_titles(titles, name, likely)
    if titles.observed_at and mappings[c.LAUNCHES].launches_from == name:
        titles.launches_from = name
    return titles.feed.columns[name] if likely >= SURE else None


def _from_titles(titles: Draft, name: str, likely: float) -> Draft:
    """Map launches that are a column of the titles' file."""
    role = Role(titles.feed, c.LAUNCHES, titles.role.score, f'no file of launches; "{name}" of the titles says when')
    launches = Draft(role, observed_at=titles.observed_at, launches_from=name if likely >= SURE else "")
    kept = (c.TITLE_ID, c.OBSERVED_AT, c.MARKET)
    launches.columns = {ours: guess for ours, guess in titles.columns.items() if ours in kept}
    reason = f"{titles.feed.columns[name].filled:.0%} of the titles have one"
    launches.columns[c.LAUNCH_AT] = ColumnGuess(ours=c.LAUNCH_AT, theirs=name, confidence=likely, reason=reason)
    if likely < SURE:
        launches.missing[c.LAUNCH_AT] = f'perhaps "{name}": {reason}'
        launches.candidates[c.LAUNCH_AT] = (name,)
    return launches


def _table(mapping: Draft) -> TableGuess:
    feed = mapping.feed
    return TableGuess(
        table=mapping.role.table,
        path=feed.path,
        format="delta" if feed.group.is_delta else feed.sample.kind,
        n_files=len(feed.group.files),
        n_rows=len(feed.sample.frame),
        is_whole=feed.sample.is_whole and len(feed.samples) == len(feed.group.files),
        confidence=round(mapping.role.score, 2),
        reason=mapping.role.reason,
        columns=tuple(mapping.columns.values()),
        defaults=mapping.defaults,
        lists=tuple(guess for guess in mapping.lists if not _is_ignored(mapping, guess.theirs)),
        ignore=tuple(mapping.ignore.values()),
        observed_at=mapping.observed_at,
        day=day_of(mapping),
        epoch_unit=_epoch_unit(mapping),
        launches_from=mapping.launches_from,
        missing=tuple(f"{ours}: {why}" for ours, why in mapping.missing.items()),
        candidates=mapping.candidates,
    )


def _is_ignored(mapping: Draft, name: str) -> bool:
    return name in mapping.ignore and mapping.ignore[name].is_sure


def _epoch_unit(mapping: Draft) -> str:
    times = [column for ours in (c.TS, c.LAUNCH_AT, c.OBSERVED_AT) if (column := mapping.column(ours)) is not None]
    if mapping.launches_from:
        times.append(mapping.feed.columns[mapping.launches_from])
    return next((column.epoch_unit for column in times if column.time_kind == "epoch"), "")


def _fields(titles: Draft | None, launches: Draft | None, launch: Column | None) -> tuple[FieldGuess, ...]:
    """Return the metadata fields, in the file's order, with the share of launching titles that have them.

    A title has a field where any of its versions or markets has it.
    """
    key = titles.column(c.TITLE_ID) if titles else None
    if titles is None or key is None:
        return ()
    ignored = {guess.theirs for guess in titles.ignore.values() if guess.is_sure} | ({launch.name} if launch else set())
    names = [name for name in titles.feed.columns if name not in titles.used and name not in ignored]
    launching = key.texts[_is_launching(titles, launches, launch, key)]
    if not names or launching.empty:
        return ()
    filled = titles.feed.sample.frame.loc[launching.index, names].map(bool).groupby(launching.to_numpy()).max().mean()
    return tuple(
        FieldGuess(field=name, filled=round(float(filled[name]), 4), is_required=float(filled[name]) > _FILLED)
        for name in names
    )


def _is_launching(titles: Draft, launches: Draft | None, launch: Column | None, key: Column) -> "pd.Series[bool]":
    """Flag rows of titles that launch: in a catalogue of everything the others were never meant to be complete."""
    named = launches.column(c.TITLE_ID) if launches else None
    if launches is not None and launches.feed is titles.feed and launch is not None:
        is_launching = launch.texts != ""
    elif named is not None:
        is_launching = key.texts.isin(named.counts.index)
    else:
        is_launching = key.texts != ""
    return is_launching & (key.texts != "")
