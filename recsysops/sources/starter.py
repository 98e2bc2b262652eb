"""The settings and requirements that `recsysops init` writes: commented, and guessed where files were found.

Not for reading them back.
"""

from typing import Final

from recsysops.columns import CHANGES, EXPECTATIONS, IMPRESSIONS, INTERACTIONS, LAUNCHES, TITLES
from recsysops.sources import _guess_toml as toml
from recsysops.sources.guesses import Guesses

_SETTINGS: Final = """\
# RecSysOps settings. Lines that begin with # are examples or defaults; paths are relative to this file.
# docs/data-formats.md describes every table, column and code.

[service]
name = {name}
# data = ".recsysops"               # folder for store, models, lock and API key
# as_of = "2026-03-02T00:00:00Z"    # stand at this time instead of the present, for replays

# How a date without time, or a time without offset, is read. Without these such rows are kept out.
[markets.all]
launch_time = "00:00"
time_zone = "UTC"

# [markets.DE]
# launch_time = "09:00"
# time_zone = "Europe/Berlin"

# One section per table: where its files are and what its columns are called there (ours = "yours").
[sources.titles]
path = "data/titles*.csv"
# columns = {{ title_id = "item_id", name = "item_name" }}
# lists = {{ genres = "|", cast = "|" }}       # fields that hold several values, and the separator
# ignore = ["revenue"]                         # columns never to be read, for example because they leak the outcome
# observed_at = "assume:launch-60d"            # if your file does not say when it knew; results are then labelled

[sources.launches]
path = "data/launches*.csv"
# columns = {{ title_id = "item_id", launch_at = "release_date", market = "country" }}
# defaults = {{ surface = "all" }}
# launches_from = "release_date"               # if launches are a column of the titles' file: path is that file

# Plans of the launch team. Without them titles are predicted but not compared with a plan.
# [sources.expectations]
# path = "data/expectations*.csv"
# defaults = {{ measure = "reach", horizon = 7, unit = "share", confidence = 0.8 }}

[sources.impressions]
path = "data/impressions/*.parquet"
# columns = {{ title_id = "item_id", member_id = "user_id", ts = "served_at", market = "country" }}
# day = "(?P<day>\\\\d{{4}}-\\\\d{{2}}-\\\\d{{2}})"  # finds the UTC day in the name of a daily file
# epoch_unit = "ms"                            # if times are numbers: s, ms or us

# If you have no impressions, plays or ratings can stand in as `uptake`:
# [sources.interactions]
# path = "data/plays/*.parquet"

[treatment]
measures = ["reach", "impression_share"]       # or ["uptake"]
# horizons = [1, 7, 28]                        # days after launch

# [model]
# ignore_fields = ["revenue"]                  # fields the model must not use
# threads = 2

[metadata]
requirements = "metadata.toml"                 # what must be there by when, and whose it is
# placeholders = ["tba", "n/a"]                # texts that count as missing

# [detectors.expectation_gap]
# enabled = true

[channels.console]
type = "console"
"""

_REQUIREMENTS: Final = """\
# Required metadata, one [[require]] per field.
# field         as the titles have it, after the mapping in recsysops.toml
# market        where it is required; "all" (the default) for every market
# surface       likewise; the entry that names market and surface overrules the general one
# due_days      days before launch by which it must be there
# days_to_fix   days its owner usually needs: the latest safe time for a fix is launch minus this
# owner         who fixes it
# max_severity  the worst a finding about it may be: critical (the default), warning or info

[[require]]
field = "synopsis"
market = "all"
surface = "all"
due_days = 14
days_to_fix = 5
owner = "metadata desk"
max_severity = "critical"

[[require]]
field = "genres"
due_days = 21
days_to_fix = 3
owner = "metadata desk"

[[require]]
field = "maturity_rating"
due_days = 10
days_to_fix = 7
owner = "compliance"

[[require]]
field = "artwork_url"
due_days = 7
days_to_fix = 4
owner = "artwork team"

[[require]]
field = "trailer_url"
due_days = 5
days_to_fix = 3
owner = "marketing"
max_severity = "warning"
"""


_GUESSED: Final = """\
# RecSysOps settings, guessed by `recsysops init` from the first rows of the files in {looked_in}.
# An entry stands where the guess is sure enough, a comment where it is not; the reason stands behind it.
# Check them, then run `recsysops ingest`. docs/data-formats.md describes every table, column and code.

[service]
name = {name}
# data = ".recsysops"               # folder for store, models, lock and API key
# as_of = "2026-03-02T00:00:00Z"    # stand at this time instead of the present, for replays

{markets}
{sources}
{treatment}
{model}
[metadata]
requirements = "metadata.toml"                 # what must be there by when, and whose it is
# placeholders = ["tba", "n/a"]                # texts that count as missing

# [detectors.expectation_gap]
# enabled = true

[channels.console]
type = "console"
"""

_ABSENT: Final = {
    TITLES: 'path = "data/titles*.csv"',
    LAUNCHES: 'path = "data/launches*.csv"',
    EXPECTATIONS: 'path = "data/expectations*.csv"',
    IMPRESSIONS: 'path = "data/impressions/*.parquet"',
    INTERACTIONS: 'path = "data/plays/*.parquet"',
    CHANGES: 'path = "data/changes.jsonl"',
}

_GUESSED_REQUIREMENTS: Final = """\
# Required metadata, one [[require]] per field, guessed: what more than 95 % of the titles that launch have.
# due_days are days before launch by which it must be there, days_to_fix those its owner usually needs: both are
# assumed here. market and surface ("all") say where it is required; max_severity is the worst a finding may be.

"""


def starter_settings(name: str, guesses: Guesses | None = None) -> str:
    """Return a commented recsysops.toml for the service `name`, with what was guessed from its files."""
    if guesses is None or not guesses.tables:
        return _SETTINGS.format(name=toml.text(name))
    return _GUESSED.format(
        name=toml.text(name),
        looked_in=toml.note(", ".join(guesses.looked_in)),
        markets=toml.markets(guesses),
        sources="\n".join(_source(table, guesses) for table in _ABSENT),
        treatment=toml.treatment(guesses),
        model=toml.model(guesses),
    )


def _source(table: str, guesses: Guesses) -> str:
    guess = guesses.table(table)
    if guess is not None:
        return toml.source(guess)
    return f"# {table}: no file was recognised.\n# [sources.{table}]\n# {_ABSENT[table]}\n"


def starter_requirements(guesses: Guesses | None = None) -> str:
    """Return a commented metadata.toml, with the fields of the titles where any were found."""
    if guesses is None or not guesses.fields:
        return _REQUIREMENTS
    return _GUESSED_REQUIREMENTS + toml.requirements(guesses.fields)
