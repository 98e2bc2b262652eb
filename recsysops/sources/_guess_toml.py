"""Guesses as settings: sure ones as entries with their reason, unsure ones as comments. Not for guessing."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Final

from recsysops import columns as c
from recsysops.domain.text import plain
from recsysops.sources.guesses import ColumnGuess, FieldGuess, Guesses, TableGuess

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_ZONES: Final = {
    "AT": "Europe/Vienna", "AU": "Australia/Sydney", "BE": "Europe/Brussels", "BR": "America/Sao_Paulo",
    "CA": "America/Toronto", "CH": "Europe/Zurich", "DE": "Europe/Berlin", "DK": "Europe/Copenhagen",
    "ES": "Europe/Madrid", "FI": "Europe/Helsinki", "FR": "Europe/Paris", "GB": "Europe/London", "IE": "Europe/Dublin",
    "IN": "Asia/Kolkata", "IT": "Europe/Rome", "JP": "Asia/Tokyo", "KR": "Asia/Seoul", "MX": "America/Mexico_City",
    "NL": "Europe/Amsterdam", "NO": "Europe/Oslo", "PL": "Europe/Warsaw", "PT": "Europe/Lisbon",
    "SE": "Europe/Stockholm", "UK": "Europe/London", "US": "America/New_York",
}  # fmt: skip
"""The zone of a market's largest city: a proposal, written as a comment."""
_WEIGHTY: Final = re.compile(
    r"synopsis|overview|description|beschreibung|inhaltsangabe|plot|genre|rating|fsk|certif|artwork|image|poster|bild|"
    r"language|sprache",
    re.IGNORECASE,
)


def text(value: str) -> str:
    """Return a text as TOML writes it."""
    made = json.dumps(value.encode("utf-8", "replace").decode("utf-8"), ensure_ascii=False)
    return "".join(char if char.isprintable() else f"\\U{ord(char):08x}" for char in made)


def note(words: str, limit: int = 160) -> str:
    """Return words fit for a comment: on one line, without controls."""
    return plain(words.encode("utf-8", "replace").decode("utf-8"), limit)


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else text(name)


def _value(value: str | float) -> str:
    return text(value) if isinstance(value, str) else f"{value:g}"


def markets(guesses: Guesses) -> str:
    """Return the sections of the markets: how a date without time, or a time without offset, is read."""
    lines = [
        "# How a date without time, or a time without offset, is read. Without these such rows are kept out.",
        "[markets.all]",
        'launch_time = "00:00"',
        'time_zone = "UTC"',
    ]
    for market in (market for market in guesses.markets if market != c.ALL):
        zone = _ZONES.get(market.upper()[:2] if len(market) in (2, 5) else "", "<your zone, such as Europe/Berlin>")
        lines += ["", f"# [markets.{_key(market)}]", '# launch_time = "00:00"', f"# time_zone = {text(zone)}"]
    return "\n".join(lines) + "\n"


def source(guess: TableGuess) -> str:
    """Return the section of one source; all of it as a comment where something needed was not found."""
    lines = [f"# {guess.table}: {note(guess.reason)} ({guess.confidence:.0%} sure, from {guess.n_rows:,} rows)."]
    body = [f"[sources.{guess.table}]", *_entries(guess), *_subsections(guess)]
    if guess.is_live:
        return "\n".join([*lines, *body]) + "\n"
    lines.append("# It cannot be read yet: fill in what is missing, then take the # away.")
    return "\n".join([*lines, *(line if line.startswith("#") else f"# {line}".rstrip() for line in body)]) + "\n"


def _entries(guess: TableGuess) -> Iterator[str]:
    yield f"path = {text(guess.path)}"
    if guess.format == "delta":
        yield 'format = "delta"'
    for name, value in (
        ("observed_at", guess.observed_at), ("launches_from", guess.launches_from), ("epoch_unit", guess.epoch_unit),
        ("day", guess.day),
    ):  # fmt: skip
        if value:
            yield f"{name} = {text(value)}"
    sure = [each for each in guess.ignore if each.is_sure]
    if sure:
        yield "ignore = ["
        yield from (f"    {text(each.theirs)},  # {note(each.reason)}" for each in sure)
        yield "]"
    for each in (each for each in guess.ignore if not each.is_sure):
        yield f"# perhaps ignore {note(text(each.theirs), 80)}: {note(each.reason)}"


def _subsections(guess: TableGuess) -> Iterator[str]:
    same = [each.theirs for each in guess.columns if each.ours == each.theirs and each.is_sure]
    named = [each for each in guess.columns if each.ours != each.theirs and not _is_launch_date(guess, each)]
    if same:
        yield f"# called as we call them: {', '.join(same)}"
    if named or guess.missing:
        yield f"[sources.{guess.table}.columns]"
        yield from (_column(each) for each in named)
        yield from _missing(guess)
    if guess.lists:
        yield f"[sources.{guess.table}.lists]"
        yield from (f"{_key(each.theirs)} = {text(each.ours)}" for each in guess.lists)
    if guess.defaults:
        yield f"[sources.{guess.table}.defaults]"
        yield from (
            f"{_key(name)} = {_value(value)}  # assumed for every row" for name, value in guess.defaults.items()
        )


def _is_launch_date(guess: TableGuess, column: ColumnGuess) -> bool:
    return column.ours == c.LAUNCH_AT and column.theirs == guess.launches_from


def _column(guess: ColumnGuess) -> str:
    entry = f"{guess.ours} = {text(guess.theirs)}  # {guess.confidence:.0%}: {note(guess.reason)}"
    return entry if guess.is_sure else f"# {entry}"


def _missing(guess: TableGuess) -> Iterator[str]:
    listed = {each.ours for each in guess.columns if each.ours != each.theirs}
    for sentence in guess.missing:
        ours, _, why = sentence.partition(": ")
        yield f"# missing {ours}: {note(why)}"
        candidates = guess.candidates.get(ours, ())
        if ours not in listed:
            said = f"  # or {', '.join(note(text(each), 60) for each in candidates[1:])}" if len(candidates) > 1 else ""
            yield f"# {ours} = {text(candidates[0]) if candidates else text('<your column>')}{said}"


def model(guesses: Guesses) -> str:
    """Return the section of the model: fields it had better not use, as comments."""
    titles = guesses.table(c.TITLES)
    unsure = [each for each in titles.ignore if not each.is_sure] if titles else []
    lines = ["# [model]"]
    if unsure:
        lines.append("# That these are filled may tell of fame that came later; the model need not use them.")
    names = ", ".join(note(text(each.theirs), 80) for each in unsure) or '"revenue"'
    return "\n".join([*lines, f"# ignore_fields = [{names}]"]) + "\n"


def treatment(guesses: Guesses) -> str:
    """Return the section of treatment: what the logs that were found allow."""
    live = {guess.table for guess in guesses.tables if guess.is_live}
    measures = ["reach", "impression_share"] if c.IMPRESSIONS in live else ["uptake"] if c.INTERACTIONS in live else []
    said = ", ".join(text(each) for each in measures)
    return f"[treatment]\nmeasures = [{said}]\n# horizons = [1, 7, 28]                        # days after launch\n"


def requirements(fields: Iterable[FieldGuess]) -> str:
    """Return one [[require]] per field: live where nearly every title has it, else as a comment."""
    parts = []
    for field in fields:
        severity = "critical" if _WEIGHTY.search(field.field) else "warning"
        lines = [
            f"# {field.filled:.1%} of the titles have it.",
            "[[require]]",
            f"field = {text(field.field)}",
            "due_days = 14",
            "days_to_fix = 3",
            'owner = ""',
            f"max_severity = {text(severity)}",
        ]
        parts.append("\n".join(lines if field.is_required else [lines[0], *(f"# {line}" for line in lines[1:])]))
    return "\n\n".join(parts) + "\n"
