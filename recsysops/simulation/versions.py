"""How metadata arrives over time: several versions per title, sparse first, filled as the launch nears.

Natural missingness belongs here (it differs by provider and field and does little harm); faults do not.
"""

import re
from typing import Final

import numpy as np
import pandas as pd

from recsysops.columns import MARKET, OBSERVED_AT
from recsysops.simulation import _fields as f
from recsysops.simulation.catalogue import Titles
from recsysops.simulation.embeddings import embed
from recsysops.simulation.planning import BACK, Slate, announced_at, launch_starts
from recsysops.simulation.world import Ints, WorldConfig, stream

_LEADS: Final = ((35.0, 60.0), (24.0, 34.0), (12.0, 23.0), (4.0, 11.0), (0.4, 3.0))
"""Days before launch at which the versions of a title are observed, from and to."""
_ARTWORK: Final = (f.ARTWORK, f.ARTWORK_DE, f.ARTWORK_WIDTH, f.ARTWORK_HEIGHT, f.ARTWORK_QUALITY)
_ARRIVAL: Final[dict[tuple[str, ...], tuple[float, ...]]] = {
    (f.GENRES,): (0.70, 0.25, 0.05, 0.0, 0.0),
    (f.RATING, f.RATING_DE): (0.50, 0.30, 0.20, 0.0, 0.0),
    (f.CAST, f.DIRECTOR): (0.60, 0.30, 0.10, 0.0, 0.0),
    (f.SYNOPSIS, f.EMBEDDING): (0.35, 0.42, 0.20, 0.03, 0.0),
    (f.TAGS,): (0.10, 0.50, 0.30, 0.10, 0.0),
    _ARTWORK: (0.0, 0.45, 0.42, 0.13, 0.0),
    (f.TRAILER,): (0.0, 0.20, 0.45, 0.25, 0.10),
    (f.DUBS, f.DUBS_DE): (0.0, 0.30, 0.50, 0.20, 0.0),
    (f.SUBTITLES, f.SUBTITLES_DE): (0.0, 0.30, 0.40, 0.30, 0.0),
    (f.RUNTIME,): (0.50, 0.30, 0.20, 0.0, 0.0),
}
"""Share of titles whose field arrives with each version; what is not named here is there from the first."""
_DRAFT_SHARE: Final = 0.15
"""Share of titles whose first synopsis is a draft."""
_SENTENCE_END: Final = re.compile(r"(?<=[.]) ")
_NEVER: Final = {
    f.TRAILER: 0.12,
    f.TAGS: 0.06,
    f.DIRECTOR: 0.05,
    f.RUNTIME: 0.03,
    f.CAST: 0.02,
    f.AVAILABLE_UNTIL: 0.05,
}
"""Mean share of titles whose field never arrives; the worst provider forgets about three times as often as the best."""


def make_versions(config: WorldConfig, slate: Slate, titles: Titles, described: pd.DataFrame) -> pd.DataFrame:
    """Return every version of every title's metadata, by title and time.

    Columns: `TITLE` (row in the slate), `OBSERVED_AT` (aware UTC) and the described fields, NaN where not known.
    """
    rng = stream(config, 5)
    n, n_versions = len(described), len(_LEADS)
    has_version = np.ones((n, n_versions), dtype=np.bool_)
    has_version[:, -1] = rng.random(n) < 0.5
    has_version[slate.role == BACK, 1:] = False
    title, version = np.nonzero(has_version)
    frame = described.iloc[title].reset_index(drop=True)
    for fields, arrival in _arrivals(rng, slate, titles, has_version).items():
        missing = version < arrival[title]
        frame[list(fields)] = frame[list(fields)].mask(np.repeat(missing[:, None], len(fields), axis=1))
    _show_drafts(config, slate, frame, title)
    observed_at = _observed_at(config, rng, slate)[title, version]
    frame.insert(0, OBSERVED_AT, pd.DatetimeIndex(observed_at).tz_localize("UTC"))
    frame.insert(0, f.TITLE, title)
    _show_planned_dates(config, slate, frame)
    return frame


def _arrivals(
    rng: np.random.Generator, slate: Slate, titles: Titles, has_version: np.ndarray
) -> dict[tuple[str, ...], Ints]:
    """Return for each group of fields the version with which it arrives, per title; 9 means never."""
    n = len(has_version)
    is_back = slate.role == BACK
    late = rng.random(n) < 0.03 * titles.provider
    arrivals: dict[tuple[str, ...], Ints] = {}
    for fields, shares in _ARRIVAL.items():
        drawn = rng.choice(len(shares), n, p=shares) + (late & (shares[3] > 0.0))
        drawn = np.minimum(drawn, len(shares) - 1)
        drawn = np.where((drawn == len(shares) - 1) & ~has_version[:, -1], len(shares) - 2, drawn)
        arrivals[fields] = np.where(is_back, 0, drawn)
    for field, share in _NEVER.items():
        chance = share * (0.5 + titles.provider / 11.0)
        arrivals[(field,)] = np.where(rng.random(n) < chance, 9, 0)
    return arrivals


def _show_drafts(config: WorldConfig, slate: Slate, frame: pd.DataFrame, title: Ints) -> None:
    """Let the synopsis of some titles arrive as a draft of two sentences; its embedding is renewed a version late."""
    is_draft = (stream(config, 11).random(len(slate.role)) < _DRAFT_SHARE) & (slate.role != BACK)
    rows = np.flatnonzero(is_draft[title] & frame[f.SYNOPSIS].notna().to_numpy())
    number = pd.Series(rows).groupby(title[rows]).cumcount().to_numpy()
    first, second = rows[number == 0], rows[number == 1]
    drafts = frame[f.SYNOPSIS].iloc[first].str.split(_SENTENCE_END).str[:2].str.join(" ")
    frame.loc[first, f.SYNOPSIS] = drafts
    of_draft = pd.Series([embed(text) for text in drafts], index=title[first], dtype="str")
    frame.loc[first, f.EMBEDDING] = of_draft.to_numpy()
    frame.loc[second, f.EMBEDDING] = of_draft.loc[title[second]].to_numpy()


def _observed_at(config: WorldConfig, rng: np.random.Generator, slate: Slate) -> np.ndarray:
    """Return when each version of each title is observed, title x version, UTC without zone, whole minutes."""
    launch = launch_starts(config, np.minimum(slate.launch_day, slate.planned_day), 1).tz_localize(None).to_numpy()
    low, high = np.array(_LEADS).T
    lead = rng.uniform(low, high, (len(launch), len(_LEADS)))
    minutes = (lead * 1440.0).astype(np.int64)
    return np.asarray(launch[:, None] - minutes.astype("timedelta64[m]"), dtype="datetime64[us]")


def _show_planned_dates(config: WorldConfig, slate: Slate, frame: pd.DataFrame) -> None:
    """Show the first planned date of a moved title in the versions before the move was announced."""
    moved = np.flatnonzero(slate.planned_day != slate.launch_day)
    announced = pd.Series(announced_at(config, slate, moved), index=moved).reindex(frame[f.TITLE])
    is_early = (frame[OBSERVED_AT].array < announced.array) & announced.notna().to_numpy()
    planned = [config.date_of(int(slate.planned_day[row])).isoformat() for row in frame.loc[is_early, f.TITLE]]
    frame.loc[is_early, f.AVAILABLE_FROM] = planned


def catalogue_rows(slate: Slate, versions: pd.DataFrame, rows: Ints, until: pd.Timestamp) -> pd.DataFrame:
    """Return the catalogue as the service exports it: general rows, and German override rows where something differs.

    Only the titles in `rows`, only what was observed until `until`. Columns: `CATALOGUE`; no market: the general row.
    """
    known = versions[versions[f.TITLE].isin(rows) & (versions[OBSERVED_AT] <= until)].copy()
    known[f.ITEM_ID] = [slate.item_id[row] for row in known[f.TITLE]]
    general = known.assign(**{MARKET: None})
    override = known[[f.TITLE, f.ITEM_ID, OBSERVED_AT, *f.OVERRIDES]]
    text = override[list(f.OVERRIDES)].fillna("").agg("\x1f".join, axis=1)
    is_new = (text != text.groupby(override[f.TITLE]).shift(fill_value="\x1f" * (len(f.OVERRIDES) - 1))).to_numpy()
    override = override[is_new].rename(columns=f.OVERRIDES).assign(**{MARKET: "DE"})
    both = pd.concat([general[list(f.CATALOGUE)], override.reindex(columns=list(f.CATALOGUE))], ignore_index=True)
    return both.sort_values([OBSERVED_AT, f.ITEM_ID, MARKET], kind="stable", ignore_index=True)
