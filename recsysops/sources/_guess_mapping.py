"""One table's columns: which of theirs is which of ours, what to assume, what to leave out. Not for choosing files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from recsysops import columns as c
from recsysops.domain.measure import Measure
from recsysops.sources._guess_columns import SHAPES, fits, rejected, score
from recsysops.sources._guess_joins import Join
from recsysops.sources._guess_profile import Column
from recsysops.sources._guess_tables import Feed, Role, repeating_ids
from recsysops.sources._guess_words import name_score, outcome_reason, words_of
from recsysops.sources.guesses import SURE, ColumnGuess

ASSUMED: Final = "assume:launch-60d"
_LEAST: Final = 0.3
_WANTED: Final[Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    c.TITLES: ((c.TITLE_ID, c.OBSERVED_AT), (c.MARKET, c.NAME, c.SERIES_ID, c.PROVIDER)),
    c.LAUNCHES: ((c.TITLE_ID, c.LAUNCH_AT, c.OBSERVED_AT), (c.MARKET, c.SURFACE, c.LAUNCH_STATUS)),
    c.EXPECTATIONS: (
        (c.TITLE_ID, c.MEASURE, c.HORIZON, c.OBSERVED_AT, c.LOW, c.BEST, c.HIGH, c.UNIT),
        (c.MARKET, c.SURFACE, c.CONFIDENCE, c.AUTHOR),
    ),
    c.IMPRESSIONS: ((c.TITLE_ID, c.MEMBER_ID, c.TS), (c.MARKET, c.SURFACE, c.POSITION)),
    c.INTERACTIONS: ((c.TITLE_ID, c.MEMBER_ID, c.TS), (c.MARKET, c.SURFACE)),
    c.CHANGES: ((c.TS, c.KIND, c.WHAT), (c.TITLE_ID, c.MARKET)),
}
"""Needed and optional columns of each table."""
LOGS: Final = (c.IMPRESSIONS, c.INTERACTIONS)
_NEEDS_A_NAME: Final = (c.MARKET, c.SURFACE, c.NAME, c.SERIES_ID, c.PROVIDER, c.POSITION, c.AUTHOR, c.CONFIDENCE)


@dataclass
class Draft:
    """What is known of one source so far."""

    role: Role
    columns: dict[str, ColumnGuess] = field(default_factory=dict)
    defaults: dict[str, str | float] = field(default_factory=dict)
    lists: list[ColumnGuess] = field(default_factory=list)
    ignore: dict[str, ColumnGuess] = field(default_factory=dict)
    observed_at: str = ""
    launches_from: str = ""
    missing: dict[str, str] = field(default_factory=dict)
    """Needed column to why nothing was found."""
    candidates: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def feed(self) -> Feed:
        """Return the feed it maps."""
        return self.role.feed

    def column(self, ours: str) -> Column | None:
        """Return the column mapped to one of ours, where that is sure."""
        guess = self.columns.get(ours)
        return self.feed.columns[guess.theirs] if guess and guess.is_sure else None

    @property
    def used(self) -> frozenset[str]:
        """Return their columns that are ours."""
        return frozenset(guess.theirs for guess in self.columns.values() if guess.is_sure)


def map_table(role: Role, join: Join | None) -> Draft:
    """Map the columns of a feed to those of its table."""
    made = Draft(role)
    needed, optional = _WANTED[role.table]
    if join is not None:
        made.columns[c.TITLE_ID] = ColumnGuess(
            ours=c.TITLE_ID, theirs=join.column, confidence=join.confidence, reason=join.reason
        )
    for ours, theirs, likely in _pairs((*needed, *optional), made):
        if ours not in made.columns and theirs not in {guess.theirs for guess in made.columns.values()}:
            reason = _reason(ours, made.feed.columns[theirs])
            made.columns[ours] = ColumnGuess(ours=ours, theirs=theirs, confidence=likely, reason=reason)
    _only_time(made, needed)
    _only_member(made)
    _check_times(made)
    if role.table == c.TITLES:
        _settle_titles(made)
    if role.table == c.EXPECTATIONS:
        _settle_expectations(made)
    if c.OBSERVED_AT in needed and made.column(c.OBSERVED_AT) is None:
        made.observed_at = ASSUMED
    _leave_out(made, (*needed, *optional))
    _miss(made, needed)
    return made


def _pairs(wanted: Sequence[str], made: Draft) -> list[tuple[str, str, float]]:
    """Return (ours, theirs, likely), likeliest first."""
    pairs = [
        (ours, name, score(ours, column))
        for ours in wanted
        if ours != c.TITLE_ID
        for name, column in made.feed.columns.items()
    ]
    least = {ours: SURE - 0.05 if ours in _NEEDS_A_NAME else _LEAST for ours in wanted}
    order = {ours: at for at, ours in enumerate(wanted)}
    return sorted((pair for pair in pairs if pair[2] >= least[pair[0]]), key=lambda pair: (-pair[2], order[pair[0]]))


def _reason(ours: str, column: Column) -> str:
    said = "the same name" if column.name == ours else "by its name"
    kinds = {
        "aware": "times with offset",
        "naive": "times without offset",
        "date": "dates",
        "epoch": "numbers since 1970",
    }
    looks = kinds.get(column.time_kind) if ours in (c.TS, c.LAUNCH_AT, c.OBSERVED_AT) else SHAPES[ours][1]
    more = f", {column.n_distinct:,} differ" if ours in (c.MEMBER_ID, c.MARKET, c.SURFACE) else ""
    return f"{said}, {looks}{more}"


def _only_time(made: Draft, needed: Sequence[str]) -> None:
    """Take the only column of times of a file for the time that is needed, whatever it is called."""
    ours = next((name for name in (c.TS, c.LAUNCH_AT) if name in needed), "")
    times = [name for name, column in made.feed.columns.items() if ours and fits(ours, column)]
    others = {guess.theirs for name, guess in made.columns.items() if name != ours}
    free = [name for name in times if name not in others]
    if len(free) == 1 and (ours not in made.columns or not made.columns[ours].is_sure):
        made.columns[ours] = ColumnGuess(
            ours=ours, theirs=free[0], confidence=0.65, reason="the only column of times that is nothing else"
        )


def _only_member(made: Draft) -> None:
    """Take the only other ids of a log that repeat for its members, whatever they are called."""
    title, said = made.columns.get(c.TITLE_ID), made.columns.get(c.MEMBER_ID)
    if made.role.table not in LOGS or title is None or (said is not None and said.is_sure):
        return
    ids = repeating_ids(made.feed, title.theirs)
    if len(ids) == 1:
        made.columns[c.MEMBER_ID] = ColumnGuess(
            ours=c.MEMBER_ID, theirs=ids[0], confidence=0.62, reason="the only other ids, and they repeat"
        )


def _check_times(made: Draft) -> None:
    """Take back what is called a time and could not be read as one; a log's times need an offset."""
    ts = made.columns.get(c.TS)
    if ts is not None and made.feed.columns[ts.theirs].time_kind in ("naive", "date") and made.role.table in LOGS:
        del made.columns[c.TS]
        made.missing[c.TS] = f'the times of "{ts.theirs}" have no offset, and those of logs need one: write them with Z'
        made.candidates[c.TS] = (ts.theirs,)
    observed = made.columns.get(c.OBSERVED_AT)
    if observed is not None and observed.theirs != c.OBSERVED_AT and made.feed.columns[observed.theirs].is_constant:
        made.columns[c.OBSERVED_AT] = ColumnGuess(
            ours=c.OBSERVED_AT, theirs=observed.theirs, confidence=0.4, reason="every row has the same: one export"
        )


def _settle_titles(made: Draft) -> None:
    """Decide whether a market is one, or only a field; find lists and what must not be read."""
    market, key = made.column(c.MARKET), made.column(c.TITLE_ID)
    if market is not None and key is not None and market.name != c.MARKET:
        per_title = market.texts[market.texts != ""].groupby(key.texts).nunique()
        if not len(per_title) or per_title.max() < 2:
            del made.columns[c.MARKET]  # one value a title: where it was made, not where it launches
    for name, column in made.feed.columns.items():
        if name in made.used:
            continue
        if column.is_nested:
            _ignore(made, name, 0.9, "its cells are structures, not values")
        elif (reason := outcome_reason(name)) and column.is_all("number"):
            _ignore(made, name, 0.9, f"it {reason}: known only after launch, it would give the outcome away")
        elif column.separator:
            guess = ColumnGuess(ours=column.separator, theirs=name, confidence=0.9, reason="several values in a cell")
            made.lists.append(guess)


def _settle_expectations(made: Draft) -> None:
    """Give plans the measure, horizon and unit their file takes for granted."""
    values = [column for ours in (c.LOW, c.BEST, c.HIGH) if (column := made.column(ours)) is not None]
    if not values:
        return
    words = {word for column in values for word in words_of(column.name)} | set(words_of(made.feed.name))
    highest = max(column.high for column in values)
    measure = next((str(each) for each in Measure if str(each).split("_")[0] in words), "")
    horizon = next((days for days in (28, 7, 1) if words & {str(days), f"d{days}"}), 7)
    for ours, value in ((c.MEASURE, measure), (c.HORIZON, horizon), (c.UNIT, "share" if highest <= 1 else "members")):
        is_refused = rejected(ours, made.feed.columns, made.used) is not None
        if made.column(ours) is None and not is_refused and value:
            made.defaults[ours] = value


def assume_measure(made: Draft, tables: Sequence[str]) -> None:
    """Give plans that name no measure the one that the logs allow."""
    if c.MEASURE in made.missing and rejected(c.MEASURE, made.feed.columns, made.used) is None:
        del made.missing[c.MEASURE]
        made.defaults[c.MEASURE] = str(Measure.REACH if c.IMPRESSIONS in tables else Measure.UPTAKE)


def _ignore(made: Draft, name: str, likely: float, reason: str) -> None:
    made.ignore[name] = ColumnGuess(ours="ignore", theirs=name, confidence=likely, reason=reason)


def suspect(made: Draft, name: str, likely: float, reason: str) -> None:
    """Add a column that should not be read, where nothing was said of it yet."""
    if name not in made.used and name not in made.ignore:
        _ignore(made, name, likely, reason)


def _leave_out(made: Draft, wanted: Sequence[str]) -> None:
    """Leave out columns that are called exactly as ours and cannot be read as these."""
    for ours in wanted:
        column = made.feed.columns.get(ours)
        if column is not None and ours not in made.used and column.n_distinct and not fits(ours, column):
            example = str(column.counts.index[0])[:40]
            _ignore(made, ours, 0.9, f'called as ours, but not {SHAPES[ours][1]} (such as "{example}")')


def _miss(made: Draft, needed: Sequence[str]) -> None:
    for ours in needed:
        if made.column(ours) is not None or ours in made.defaults or ours in made.missing:
            continue
        if ours == c.OBSERVED_AT and made.observed_at:
            continue
        unsure, wrong = made.columns.get(ours), rejected(ours, made.feed.columns, made.used)
        if unsure is not None:
            made.missing[ours] = f'perhaps "{unsure.theirs}": {unsure.reason}'
            made.candidates[ours] = (unsure.theirs,)
        elif wrong is not None:
            example = str(wrong[0].counts.index[0])[:40] if wrong[0].n_distinct else "nothing"
            made.missing[ours] = f'"{wrong[0].name}" holds no {SHAPES[ours][1]} (such as "{example}")'
            made.candidates[ours] = (wrong[0].name,)
        else:
            made.missing[ours] = f"no column of {SHAPES[ours][1]} is called like it"
            made.candidates[ours] = _possible(ours, made)


def _possible(ours: str, made: Draft) -> tuple[str, ...]:
    """Return the columns whose cells could be read as one of ours, likeliest name first."""
    free = [name for name, column in made.feed.columns.items() if name not in made.used and fits(ours, column)]
    return tuple(sorted(free, key=lambda name: -name_score(ours, name))[:5])
