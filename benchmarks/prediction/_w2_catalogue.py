"""World W2's catalogue: MovieTweetings' titles, which of them launch and when, what was known when, and planted faults.

A title launches on the day of its first rating; those that are not drawn have been there all along. Metadata arrive in
versions; faults go into the versions that the recommender reads.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from recsysops.columns import FIELD, KIND, LAUNCH_AT, NAME, OBSERVED_AT, TITLE_ID
from recsysops.contract.recommender import FieldValue

LISTS = ("genres", "cast", "director", "keywords", "production_companies")
READ = ("year",)
"""Read by the recommender besides the lists."""
OTHERS = ("runtime", "overview")
"""In the catalogue, and of no concern to the recommender."""
FIELDS = (*LISTS, *READ, *OTHERS)
LATE = ("cast", "director", "keywords", "overview", "production_companies")
"""Fields that may arrive after the first version."""
LATE_SHARE = 0.3
COMPOUND_SHARE = 0.1
"""Faulty titles with two faults."""
DAY = pd.Timedelta(days=1)


@dataclass(frozen=True)
class Plan:
    """Which titles there are."""

    catalogue: pd.DataFrame
    """One row per version: TITLE_ID, OBSERVED_AT, LAUNCH_AT, NAME and FIELDS as texts."""
    launches: pd.DataFrame
    """TITLE_ID, LAUNCH_AT, OBSERVED_AT."""
    faults: pd.DataFrame
    """TITLE_ID, FIELD, KIND; one row per fault."""
    healthy: Mapping[str, dict[str, FieldValue]]
    """Of each faulty title the metadata without faults."""


def make_plan(data: Path, seed: int, days: tuple[pd.Timestamp, pd.Timestamp], n_launches: int) -> Plan:
    """Draw the launches of a world and write their metadata.

    Args:
        data: Folder of MovieTweetings.
        seed: Of the world.
        days: First day of the logs, and the day after the last.
        n_launches: How many titles launch in between; titles with metadata of TMDB come first, others fill up.
    """
    rng = np.random.default_rng([seed, 1])
    titles = pd.read_csv(data / "titles.csv.gz", dtype="str").rename(columns={"title": NAME})
    events = pd.read_csv(data / "events.csv.gz", dtype={TITLE_ID: "str"})
    first = pd.to_datetime(events.groupby(TITLE_ID)["ts"].min(), unit="s", utc=True).dt.floor("D")
    titles = titles[[TITLE_ID, NAME, *FIELDS, "tmdb_id"]]
    titles = titles.assign(**{LAUNCH_AT: titles[TITLE_ID].map(first).astype("datetime64[us, UTC]")})
    long_ago = days[0] - 365 * DAY
    is_there = (titles[LAUNCH_AT] < days[1]).to_numpy()
    is_new = is_there & (titles[LAUNCH_AT] >= days[0]).to_numpy()
    share = n_launches / max(int(is_new.sum()), 1)
    # What launched just before the logs begin fills the page of new titles, in the same proportion.
    is_recent = (
        is_there & ~is_new & (titles[LAUNCH_AT] >= days[0] - 14 * DAY).to_numpy() & (rng.random(len(titles)) < share)
    )
    shuffled = titles[is_new].sample(frac=1.0, random_state=rng)
    chosen = shuffled.sort_values("tmdb_id", key=lambda ids: ids.isna(), kind="stable").head(n_launches)
    new = chosen.sort_values([LAUNCH_AT, TITLE_ID]).drop(columns="tmdb_id").reset_index(drop=True)
    old = titles[~titles[TITLE_ID].isin(new[TITLE_ID])].drop(columns="tmdb_id").assign(**{OBSERVED_AT: long_ago})
    old[LAUNCH_AT] = old[LAUNCH_AT].where(is_recent[old.index], long_ago)
    told, faults = _faulty(new, rng)
    sound = new[new[TITLE_ID].isin(faults[TITLE_ID])]
    healthy = {
        title: {name: row[name] for name in FIELDS if isinstance(row[name], str)}
        for title, row in zip(sound[TITLE_ID], sound.to_dict("records"), strict=True)
    }
    versions = _versions(told, rng)
    catalogue = pd.concat([old, versions], ignore_index=True)
    launches = catalogue.sort_values(OBSERVED_AT, kind="stable").drop_duplicates(TITLE_ID)
    return Plan(catalogue, launches[[TITLE_ID, LAUNCH_AT, OBSERVED_AT]], faults, healthy)


def main_genre(value: object) -> str:
    """Return the first genre; empty where there is none."""
    return value.partition("|")[0] if isinstance(value, str) else ""


def _versions(told: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Return the first version of each title, and of some a second one with what was missing in the first."""
    known = told[LAUNCH_AT] - pd.to_timedelta(rng.uniform(16, 45, len(told)), unit="D").round("s")
    first = told.assign(**{OBSERVED_AT: known.astype("datetime64[us, UTC]")})
    late = np.flatnonzero(rng.random(len(told)) < LATE_SHARE)
    arrival = told[LAUNCH_AT] - pd.to_timedelta(rng.uniform(0.5, 14, len(told)), unit="D").round("s")
    second = first.iloc[late].assign(**{OBSERVED_AT: arrival.iloc[late].astype("datetime64[us, UTC]")})
    lacks = rng.random((len(late), len(LATE))) < 0.5
    for at, name in enumerate(LATE):
        first.loc[first.index[late[lacks[:, at]]], name] = None
    return pd.concat([first, second], ignore_index=True)


def _faulty(new: pd.DataFrame, rng: np.random.Generator, share: float = 0.15) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the titles with faults planted in a share of them, and the faults."""
    told, rows = new.copy(), []
    for row in np.flatnonzero(rng.random(len(new)) < share):
        index = told.index[row]
        possible = [kind for kind, (field, _) in FAULTS.items() if isinstance(told.loc[index, field], str)]
        wanted = 2 if rng.random() < COMPOUND_SHARE else 1
        spoiled: set[str] = set()
        for kind in rng.permutation(possible):
            field, spoil = FAULTS[kind]
            if len(spoiled) == wanted or field in spoiled:
                continue
            value = spoil(str(told.loc[index, field]), new[field], rng)
            if value != told.loc[index, field]:
                told.loc[index, field] = value
                spoiled.add(field)
                rows.append((told.loc[index, TITLE_ID], field, kind))
    return told, pd.DataFrame(rows, columns=[TITLE_ID, FIELD, KIND])


def _gone(_value: str, _others: pd.Series, _rng: np.random.Generator) -> str | None:
    return None


def _of_another(value: str, others: pd.Series, rng: np.random.Generator) -> str | None:
    """Take the value of another title: a wrong one that looks right."""
    filled = others[others.notna() & (others != value)]
    return str(filled.iloc[int(rng.integers(len(filled)))]) if len(filled) else None


def _relabelled(value: str, _others: pd.Series, _rng: np.random.Generator) -> str | None:
    """Write the values as a provider with a taxonomy of its own would."""
    return "|".join(f"genre/{part.lower()}" for part in value.split("|"))


def _cut(value: str, _others: pd.Series, rng: np.random.Generator) -> str | None:
    """Keep one value of a list."""
    parts = value.split("|")
    return str(parts[int(rng.integers(len(parts)))])


def _mistyped(value: str, _others: pd.Series, rng: np.random.Generator) -> str | None:
    return str(int(float(value)) - int(rng.integers(20, 80)))


FAULTS: dict[str, tuple[str, Callable[[str, pd.Series, np.random.Generator], str | None]]] = {
    "genres_missing": ("genres", _gone),
    "genres_wrong": ("genres", _of_another),
    "genres_cut": ("genres", _cut),
    "taxonomy_drift": ("genres", _relabelled),
    "cast_missing": ("cast", _gone),
    "cast_wrong": ("cast", _of_another),
    "director_missing": ("director", _gone),
    "director_wrong": ("director", _of_another),
    "keywords_missing": ("keywords", _gone),
    "keywords_wrong": ("keywords", _of_another),
    "companies_missing": ("production_companies", _gone),
    "year_missing": ("year", _gone),
    "year_wrong": ("year", _mistyped),
}
"""Kind of fault: the field it is in, and what becomes of the value."""
