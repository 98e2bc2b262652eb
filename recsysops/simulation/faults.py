"""Planted faults: metadata dropped or wrong in the ways catalogues go wrong, and faults no metadata shows.

Which titles, which kinds, how severe, and what the fault does to the versions the recommender reads. Not for what a
fault costs: that is measured by serving the title with and without it (`truth`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from recsysops.simulation import _fields as f
from recsysops.simulation._words import FOREIGN_SENTENCES, TOPICS
from recsysops.simulation.catalogue import Titles
from recsysops.simulation.descriptions import RATING_LABELS
from recsysops.simulation.embeddings import embed, read_embedding, written
from recsysops.simulation.planning import PAST, UPCOMING, Slate
from recsysops.simulation.world import LANGUAGES, WorldConfig, stream

INDEX_DELAY_DAYS: Final = (1, 3, 8)
"""Days a title stays out of the candidate index, by severity."""
STALE_SHARE: Final = (0.4, 0.7, 1.0)
"""Share of another text in a stale embedding, by severity."""
PLACEHOLDER_ARTWORK: Final = "https://img.example.com/placeholder.png"
PLACEHOLDER_SYNOPSIS: Final = "Coming soon."


class Kind(NamedTuple):
    """A kind of fault: the field it is in, and what it is in words."""

    name: str
    field: str
    words: str


KINDS: Final = (
    Kind("synopsis_missing", f.SYNOPSIS, "the synopsis never arrived, is a placeholder or is cut short"),
    Kind("synopsis_language", f.SYNOPSIS, "the synopsis is in another language"),
    Kind("stale_embedding", f.EMBEDDING, "the embedding was computed from another text; the rest looks right"),
    Kind("genre_missing", f.GENRES, "genres were lost"),
    Kind("genre_wrong", f.GENRES, "genres are those of another kind of title"),
    Kind("artwork_placeholder", f.ARTWORK, "the artwork is missing or a placeholder"),
    Kind("artwork_low_quality", f.ARTWORK_WIDTH, "the artwork is too small or has the wrong aspect"),
    Kind("language_wrong", f.LANGUAGE, "the original language is wrong or missing"),
    Kind("dub_missing", f.DUBS, "dubs or subtitles are not declared"),
    Kind("rating_missing", f.RATING, "the maturity rating is missing or too strict"),
    Kind("market_lost", f.MARKETS_FIELD, "a market is missing from the availability"),
    Kind("cast_missing", f.CAST, "the cast is empty, or names people in a form nobody can match"),
    Kind("not_indexed", "candidate_index", "the title reaches the candidate index days late; the metadata looks right"),
)
_KIND: Final = {kind.name: kind for kind in KINDS}
_UPCOMING_PLAN: Final = (
    ("synopsis_missing", 3), ("artwork_placeholder", 3), ("rating_missing", 3), ("market_lost", 1),
    ("synopsis_language", 3), ("genre_wrong", 3), ("dub_missing", 3), ("not_indexed", 2), ("genre_missing", 3),
    ("artwork_placeholder", 2),
    ("cast_missing", 3), ("stale_embedding", 3), ("synopsis_missing", 2), ("rating_missing", 2),
    ("artwork_low_quality", 3),
)  # fmt: skip


@dataclass(frozen=True)
class Fault:
    """One planted fault: row of the title in the slate, kind and severity 1-3."""

    row: int
    kind: Kind
    severity: int


def plant(config: WorldConfig, slate: Slate, titles: Titles) -> tuple[Fault, ...]:
    """Choose the titles that get a fault, at most one each: a share of the past ones, a fixed mix of upcoming ones."""
    rng = stream(config, 6)
    faults = []
    past = rng.permutation(np.flatnonzero((slate.role == PAST) & ~slate.cancelled))
    for row in np.sort(past[: round(config.fault_share * len(past))]):
        kind = KINDS[rng.integers(len(KINDS))]
        faults.append(Fault(int(row), kind, int(rng.integers(1, 4))))
    faults.extend(_plant_upcoming(config, slate, titles))
    return tuple(faults)


def _plant_upcoming(config: WorldConfig, slate: Slate, titles: Titles) -> Sequence[Fault]:
    """Plant in the better titles, within three weeks, that are licensed everywhere and that the kind can harm."""
    soon = (slate.launch_day >= config.n_history_days + 1) & (slate.launch_day <= config.n_history_days + 20)
    free = (slate.role == UPCOMING) & ~slate.cancelled & soon & titles.in_market.all(axis=1)
    free &= slate.planned_day == slate.launch_day
    order = np.argsort(-titles.quality, kind="stable")
    faults: list[Fault] = []
    for name, severity in _UPCOMING_PLAN[: config.n_upcoming_faults]:
        fit = free & _can_harm(name, titles)
        rows = [row for row in order if fit[row]]
        if not rows:
            continue
        row = rows[len(faults) % min(3, len(rows))]
        free[row] = False
        faults.append(Fault(int(row), _KIND[name], severity))
    return faults


def _can_harm(name: str, titles: Titles) -> np.ndarray:
    if name == "dub_missing":
        return (titles.language > 1) & titles.dubbed.all(axis=1)
    if name == "rating_missing":
        return np.maximum(titles.rating, titles.rating_de) <= 2
    return np.ones(len(titles.quality), dtype=np.bool_)


def corrupt(config: WorldConfig, versions: pd.DataFrame, faults: Sequence[Fault]) -> pd.DataFrame:
    """Return `versions` with the faults in them; what is not touched stays as it is."""
    rng, stale_rng = stream(config, 8), stream(config, 10)
    rows_of = versions.groupby(f.TITLE).indices
    pieces = []
    for fault in faults:
        edit = _EDITS.get(fault.kind.name)
        if edit is not None:
            piece = versions.iloc[rows_of[fault.row]]
            pieces.append(_renewed(edit(piece, fault.severity, rng), piece).astype(versions.dtypes))
        elif fault.kind.name == "stale_embedding":
            pieces.append(_stale_embedding(versions.iloc[rows_of[fault.row]], fault.severity, stale_rng))
    if not pieces:
        return versions
    broken = pd.concat(pieces)
    return pd.concat([versions.drop(index=broken.index), broken]).sort_index()


def _renewed(rows: pd.DataFrame, before: pd.DataFrame) -> pd.DataFrame:
    """Compute the embedding anew where the text is not what it was: the service's pipeline does."""
    if rows[f.SYNOPSIS].equals(before[f.SYNOPSIS]):
        return rows
    return rows.assign(**{f.EMBEDDING: rows[f.SYNOPSIS].map(embed, na_action="ignore")})


def _stale_embedding(rows: pd.DataFrame, severity: int, rng: np.random.Generator) -> pd.DataFrame:
    """Mix the embedding of another text into that of the title's own."""
    share = np.float32(STALE_SHARE[severity - 1])
    other = rng.dirichlet(np.full(len(TOPICS), 0.16)).astype(np.float32)

    def stale(text: str) -> str:
        return written((1 - share) * read_embedding(text) + share * other)

    return rows.assign(**{f.EMBEDDING: rows[f.EMBEDDING].map(stale, na_action="ignore")}).astype(rows.dtypes)


def _synopsis_missing(rows: pd.DataFrame, severity: int, _: np.random.Generator) -> pd.DataFrame:
    if severity == 3:
        return rows.assign(**{f.SYNOPSIS: None})
    cut = rows[f.SYNOPSIS].str.split().str[:20].str.join(" ") + " ..."
    placeholder = rows[f.SYNOPSIS].where(rows[f.SYNOPSIS].isna(), PLACEHOLDER_SYNOPSIS)
    return rows.assign(**{f.SYNOPSIS: cut if severity == 1 else placeholder})


def _synopsis_language(rows: pd.DataFrame, severity: int, rng: np.random.Generator) -> pd.DataFrame:
    foreign = list(rng.permutation(np.array(FOREIGN_SENTENCES[:4])))

    def translated(text: str) -> str:
        own = text.split(". ")
        return ". ".join(own[: round(len(own) * (3 - severity) / 3)] + foreign)

    return rows.assign(**{f.SYNOPSIS: rows[f.SYNOPSIS].map(translated, na_action="ignore")})


def _genre_missing(rows: pd.DataFrame, severity: int, _: np.random.Generator) -> pd.DataFrame:
    if severity == 3:
        return rows.assign(**{f.GENRES: None})
    parts = rows[f.GENRES].str.split("|")
    kept = (parts.str[1:] if severity == 2 else parts.str[:1]).str.join("|")
    return rows.assign(**{f.GENRES: kept.mask(kept == "")})


def _genre_wrong(rows: pd.DataFrame, severity: int, rng: np.random.Generator) -> pd.DataFrame:
    others = [TOPICS[t].genre for t in rng.permutation(len(TOPICS))]

    def wrong(text: str) -> str:
        own = text.split("|")
        new = [genre for genre in others if genre not in own][:severity]
        return "|".join(new + (own[1:] if severity == 1 else []))

    return rows.assign(**{f.GENRES: rows[f.GENRES].map(wrong, na_action="ignore")})


def _artwork_placeholder(rows: pd.DataFrame, severity: int, _: np.random.Generator) -> pd.DataFrame:
    if severity == 1:
        return rows.assign(**{f.ARTWORK_DE: PLACEHOLDER_ARTWORK})
    if severity == 2:
        placeholder = rows[f.ARTWORK].where(rows[f.ARTWORK].isna(), PLACEHOLDER_ARTWORK)
        poor = rows[f.ARTWORK_QUALITY].where(rows[f.ARTWORK_QUALITY].isna(), 0.05)
        shown = {f.ARTWORK: placeholder, f.ARTWORK_QUALITY: poor}
        return rows.assign(**shown).assign(**{f.ARTWORK_DE: None})
    lost = (f.ARTWORK, f.ARTWORK_DE, f.ARTWORK_WIDTH, f.ARTWORK_HEIGHT, f.ARTWORK_QUALITY)
    return rows.assign(**dict.fromkeys(lost))


def _artwork_low_quality(rows: pd.DataFrame, severity: int, _: np.random.Generator) -> pd.DataFrame:
    width, height = ((1000, 562), (1000, 1000), (320, 480))[severity - 1]
    quality = (rows[f.ARTWORK_QUALITY] * (0.8, 0.65, 0.4)[severity - 1]).round(2)
    return rows.assign(**{
        f.ARTWORK_WIDTH: rows[f.ARTWORK_WIDTH].where(rows[f.ARTWORK_WIDTH].isna(), width),
        f.ARTWORK_HEIGHT: rows[f.ARTWORK_HEIGHT].where(rows[f.ARTWORK_HEIGHT].isna(), height),
        f.ARTWORK_QUALITY: quality,
    })  # fmt: skip


def _language_wrong(rows: pd.DataFrame, severity: int, _: np.random.Generator) -> pd.DataFrame:
    if severity == 1:
        return rows.assign(**{f.LANGUAGE: None})
    wrong = LANGUAGES[-1] if rows[f.LANGUAGE].iloc[0] != LANGUAGES[-1] else LANGUAGES[-2]
    lost = {f.DUBS: None, f.DUBS_DE: None} if severity == 3 else {}
    return rows.assign(**{f.LANGUAGE: wrong, **lost})


def _dub_missing(rows: pd.DataFrame, severity: int, _: np.random.Generator) -> pd.DataFrame:
    lost = ((f.SUBTITLES, f.SUBTITLES_DE), (f.DUBS, f.DUBS_DE), (f.SUBTITLES, f.SUBTITLES_DE, f.DUBS, f.DUBS_DE))
    return rows.assign(**dict.fromkeys(lost[severity - 1]))


def _rating_missing(rows: pd.DataFrame, severity: int, _: np.random.Generator) -> pd.DataFrame:
    if severity == 1:
        return rows.assign(**{f.RATING_DE: RATING_LABELS[-1]})
    if severity == 2:
        return rows.assign(
            **{f.RATING: rows[f.RATING].where(rows[f.RATING].isna(), RATING_LABELS[-1]), f.RATING_DE: None}
        )
    return rows.assign(**{f.RATING: None, f.RATING_DE: None})


def _market_lost(rows: pd.DataFrame, severity: int, _: np.random.Generator) -> pd.DataFrame:
    return rows.assign(**{f.MARKETS_FIELD: ("US", "DE", None)[severity - 1]})


def _cast_missing(rows: pd.DataFrame, severity: int, _: np.random.Generator) -> pd.DataFrame:
    if severity == 1:
        return rows.assign(**{f.DIRECTOR: None})
    if severity == 3:
        return rows.assign(**{f.CAST: None, f.DIRECTOR: None})
    unknown = rows[f.CAST].str.replace(r"(\w)\w+ (\w+)", r"\1. \2", regex=True)
    return rows.assign(**{f.CAST: unknown})


_EDITS: Final[dict[str, Callable[[pd.DataFrame, int, np.random.Generator], pd.DataFrame]]] = {
    "synopsis_missing": _synopsis_missing,
    "synopsis_language": _synopsis_language,
    "genre_missing": _genre_missing,
    "genre_wrong": _genre_wrong,
    "artwork_placeholder": _artwork_placeholder,
    "artwork_low_quality": _artwork_low_quality,
    "language_wrong": _language_wrong,
    "dub_missing": _dub_missing,
    "rating_missing": _rating_missing,
    "market_lost": _market_lost,
    "cast_missing": _cast_missing,
}
