"""What a person should look at before the first ingest, in sentences. Guesses nothing itself."""

from collections.abc import Mapping, Sequence
from typing import Final

from recsysops import columns as c
from recsysops.sources._guess_leaks import market_doubts
from recsysops.sources._guess_mapping import LOGS, Draft
from recsysops.sources._guess_tables import mixed_kinds
from recsysops.sources.guesses import TableGuess

_MAX_MARKETS: Final = 40


def doubts_of(mappings: Mapping[str, Draft], tables: Sequence[TableGuess]) -> tuple[list[str], tuple[str, ...]]:
    """Return the doubts, most important first, and the markets whose time zone must be known."""
    markets = _markets(mappings.get(c.LAUNCHES))
    doubts = [*_absent(mappings, tables), *market_doubts(mappings)]
    doubts += [sentence for mapping in mappings.values() for sentence in _of_mapping(mapping)]
    if markets:
        named = ", ".join(markets[:8]) + (", ..." if len(markets) > 8 else "")
        doubts.append(
            "Launches have no time, or no offset: they are read at 00:00 UTC. "
            f"Set launch_time and time_zone for {named}."
        )
    return doubts, markets


def _absent(mappings: Mapping[str, Draft], tables: Sequence[TableGuess]) -> list[str]:
    live = {table.table for table in tables if table.is_live}
    doubts = []
    if c.TITLES not in live:
        doubts.append("No file of titles can be read yet: without metadata nothing can be checked.")
    if c.LAUNCHES not in live:
        doubts.append("No launches can be read yet: without them no title is upcoming, and nothing is judged.")
    if not live & set(LOGS):
        doubts.append(
            "No log of impressions or interactions can be read yet: treatment can be neither counted nor predicted."
        )
    elif c.IMPRESSIONS not in live:
        doubts.append("There are no impressions: interactions stand in, and the measure is uptake, not reach.")
    if c.EXPECTATIONS not in mappings:
        doubts.append("There are no expectations: titles are predicted and checked, but not compared with a plan.")
    return doubts


def _markets(launches: Draft | None) -> tuple[str, ...]:
    launch = launches.column(c.LAUNCH_AT) if launches else None
    if launches is None or launch is None or launch.time_kind not in ("date", "naive"):
        return ()
    market = launches.column(c.MARKET)
    named = sorted(str(value) for value in market.counts.index[:_MAX_MARKETS]) if market is not None else []
    return tuple(named) or (c.ALL,)


def _of_mapping(mapping: Draft) -> list[str]:
    table, doubts = mapping.role.table, []
    if mapping.observed_at and not mapping.launches_from:
        doubts.append(
            f"The {table} do not say when they were known: 60 days before launch is assumed, and results that rest "
            "on it are labelled not point-in-time. Map observed_at if there is such a column."
        )
    if mapping.defaults:
        said = ", ".join(f"{name} = {value}" for name, value in mapping.defaults.items())
        doubts.append(
            f"The {table} do not say everything: {said} is assumed for every row. Correct [sources.{table}] defaults."
        )
    kind, values = mixed_kinds(mapping.feed)
    if kind and table in LOGS:
        doubts.append(
            f'"{kind}" of the {table} holds several kinds ({", ".join(values[:5])}): every row would count. '
            "Write each kind to files of its own."
        )
    if mapping.feed.sample.n_bad:
        doubts.append(
            f'{mapping.feed.sample.n_bad:,} rows of "{mapping.feed.path}" are no rows: they would be kept out.'
        )
    joined = mapping.columns.get(c.TITLE_ID)
    if joined is not None and joined.reason.endswith("are titles") and _share(joined.reason) < 50:
        doubts.append(
            f"Only {joined.reason.replace('its values', f'{table}.{joined.theirs}')}: is this the right column?"
        )
    return doubts


def _share(reason: str) -> int:
    return int(reason.split("%", 1)[0])
