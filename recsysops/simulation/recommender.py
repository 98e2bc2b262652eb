"""The recommender of the simulated service: it reads metadata and ranks titles for members in two stages.

The candidate stage looks titles up per cluster of members; the ranker scores them for each member. Both know only what
the metadata says, what was played, and what the world makes of a title; never a title's truth.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from recsysops.columns import PROVIDER
from recsysops.simulation import _fields as f
from recsysops.simulation._words import FRANCHISES, N_TOPICS, PROVIDERS, TOPICS
from recsysops.simulation.catalogue import CAST_SIZE, N_PEOPLE, N_RATINGS, People
from recsysops.simulation.descriptions import RATING_LABELS, USUAL_ARTWORK, person_name
from recsysops.simulation.embeddings import embed, read_embedding, topics_of
from recsysops.simulation.faults import PLACEHOLDER_ARTWORK
from recsysops.simulation.members import MATURITY_LIMITS, N_GROUPS
from recsysops.simulation.world import LANGUAGES, MARKETS, Bools, Floats, Ints

NOT_SHOWN: Final = -50.0
"""Score of a title that is no candidate or not allowed for a member."""
AFFINITY_GAIN: Final = 9.5
_PARTS: Final = {f.SYNOPSIS: 0.15, f.EMBEDDING: 0.25, f.GENRES: 0.30, f.TAGS: 0.15, f.CAST: 0.15}
"""Weight of each field in the content vector; a missing one shrinks the vector instead of being made up for. The words
of a synopsis count themselves and through its embedding."""


@dataclass(frozen=True)
class Readings:
    """What the recommender reads in each version of the metadata, one row per version."""

    content: Floats
    """Version x topic: estimate of content minus the mean topic, shrunk towards 0 where fields are missing."""
    evidence: Floats
    """Share of the content fields that could be read and agree, 0-1."""
    rating: Ints
    """Version x market, maturity level; a missing one reads as the strictest."""
    language: Ints
    dubbed: Bools
    subtitled: Bools
    in_market: Bools
    bad_artwork: Floats
    """Version x market: 0 fine, 0.3 to 0.8 too small or of a wrong aspect, 1 missing or a placeholder."""
    good_artwork: Floats
    """Quality of the artwork above the usual; 0 where nobody rated it."""
    no_trailer: Floats
    provider: Ints
    franchise: Ints
    cast: Ints
    director: Ints

    def take(self, rows: Ints) -> "Readings":
        """Return the readings of some versions, in that order."""
        return Readings(**{name: values[rows] for name, values in vars(self).items()})


def joined(first: Readings, second: Readings) -> Readings:
    """Return the readings of both, one after the other."""
    return Readings(**{name: np.concatenate([values, vars(second)[name]]) for name, values in vars(first).items()})


def read(versions: pd.DataFrame, people: People) -> Readings:
    """Read every version of the metadata as the recommender does; -1 stands for what is missing or unknown."""
    cast = _people(versions[f.CAST])
    parts = {
        f.SYNOPSIS: _by_text(versions[f.SYNOPSIS], topics_of),
        f.EMBEDDING: _by_text(_embeddings(versions), read_embedding),
        f.GENRES: _by_text(versions[f.GENRES], _read_labels),
        f.TAGS: _by_text(versions[f.TAGS], _read_labels),
        f.CAST: _cast_content(cast, people),
    }
    trust = {field: np.minimum(found.sum(axis=1), 1.0) for field, found in parts.items()}
    content = sum(_PARTS[field] * (found - trust[field][:, None] / N_TOPICS) for field, found in parts.items())
    agreement = _agreement(parts[f.EMBEDDING], parts[f.GENRES])
    dubs, subtitles = _overridden(versions, f.DUBS), _overridden(versions, f.SUBTITLES)
    return Readings(
        content=np.asarray(content, dtype=np.float32),
        evidence=np.asarray(agreement * sum(_PARTS[field] * trust[field] for field in parts), dtype=np.float32),
        rating=np.stack([_codes(text, RATING_LABELS) % N_RATINGS for text in _overridden(versions, f.RATING)], axis=1),
        language=_codes(versions[f.LANGUAGE], LANGUAGES),
        dubbed=np.stack([_lists(dubs[m], market.language) for m, market in enumerate(MARKETS)], axis=1),
        subtitled=np.stack([_lists(subtitles[m], market.language) for m, market in enumerate(MARKETS)], axis=1),
        in_market=np.stack([_lists(versions[f.MARKETS_FIELD], market.code) for market in MARKETS], axis=1),
        bad_artwork=np.stack([_bad_artwork(versions, url) for url in _overridden(versions, f.ARTWORK)], axis=1),
        good_artwork=_good_artwork(versions[f.ARTWORK_QUALITY]),
        no_trailer=versions[f.TRAILER].isna().to_numpy().astype(np.float32),
        provider=_codes(versions[PROVIDER], PROVIDERS),
        franchise=_codes(versions[f.FRANCHISE], FRANCHISES),
        cast=cast,
        director=_codes(versions[f.DIRECTOR], [person_name(p) for p in range(N_PEOPLE)]),
    )


def _embeddings(versions: pd.DataFrame) -> pd.Series:
    """Return the embedding of each version: made on the spot where it is missing, none where there is no text."""
    text, given = versions[f.SYNOPSIS], versions[f.EMBEDDING]
    fresh = text.where(given.isna()).map(embed, na_action="ignore").astype("str")
    return given.where(given.notna(), fresh).where(text.notna())


def _agreement(embedding: Floats, genres: Floats) -> Floats:
    """Return how far text and genres speak of the same content, 0.5-1; 1 where one of them says nothing."""
    length = np.linalg.norm(embedding, axis=1) * np.linalg.norm(genres, axis=1)
    cosine = (embedding * genres).sum(axis=1) / np.where(length > 0.0, length, 1.0)
    return np.where(length > 0.0, 0.5 + 0.5 * np.minimum(cosine / 0.6, 1.0), 1.0).astype(np.float32)


def _overridden(versions: pd.DataFrame, field: str) -> list[pd.Series]:
    """Return a field as each market sees it: the general value, or the German one where there is one."""
    german = next(override for override, general in f.OVERRIDES.items() if general == field)
    return [versions[field], versions[german].fillna(versions[field])]


def _codes(text: pd.Series, labels: tuple[str, ...] | list[str]) -> Ints:
    return np.asarray(pd.Categorical(text, categories=list(labels)).codes, dtype=np.int64)


def _lists(text: pd.Series, code: str) -> Bools:
    return np.asarray(("|" + text.fillna("") + "|").str.contains(f"|{code}|", regex=False), dtype=np.bool_)


def _bad_artwork(versions: pd.DataFrame, url: pd.Series) -> Floats:
    width = versions[f.ARTWORK_WIDTH].fillna(0.0).to_numpy()
    aspect = width / versions[f.ARTWORK_HEIGHT].fillna(1.0).to_numpy()
    poor = 0.3 * (width < 1200) + 0.3 * (np.abs(aspect - 16 / 9) > 0.05) + 0.2 * (width < 400)
    absent = (url.isna() | (url == PLACEHOLDER_ARTWORK)).to_numpy()
    return np.where(absent, 1.0, poor).astype(np.float32)


def _good_artwork(quality: pd.Series) -> Floats:
    values = quality.to_numpy(dtype=np.float64)
    known = np.isfinite(values)
    return np.where(known, np.clip(np.where(known, values, 0.0), 0.0, 1.0) - USUAL_ARTWORK, 0.0).astype(np.float32)


def _by_text(text: pd.Series, reader: Callable[[str], Floats]) -> Floats:
    """Read each different text once; a missing one reads as nothing."""
    codes, unique = pd.factorize(text)
    found = np.zeros((len(unique) + 1, N_TOPICS), dtype=np.float32)
    for row, value in enumerate(unique):
        found[row] = reader(str(value))
    return found[codes]


def _read_labels(text: str) -> Floats:
    topics = [_LABEL_TOPIC[label] for label in text.split("|") if label in _LABEL_TOPIC]
    counts = np.bincount(np.array(topics, dtype=np.int64), minlength=N_TOPICS).astype(np.float32)
    return np.asarray(counts / np.float32(max(len(topics), 1)))


_LABEL_TOPIC: Final = {label: t for t, topic in enumerate(TOPICS) for label in (topic.genre, *topic.tags)}


def _people(text: pd.Series) -> Ints:
    """Return version x `CAST_SIZE` persons, -1 where there is none."""
    numbers = {person_name(p): p for p in range(N_PEOPLE)}
    codes, unique = pd.factorize(text)
    found = np.full((len(unique) + 1, CAST_SIZE), -1, dtype=np.int64)
    for row, value in enumerate(unique):
        for k, name in enumerate(str(value).split("|")[:CAST_SIZE]):
            found[row, k] = numbers.get(name, -1)
    return found[codes]


def _cast_content(cast: Ints, people: People) -> Floats:
    topics = np.vstack([people.topics, np.zeros((1, N_TOPICS), dtype=np.float32)])
    known = (cast >= 0).sum(axis=1, keepdims=True)
    return np.asarray(topics[cast].sum(axis=1) / np.maximum(known, 1), dtype=np.float32)


def group_penalties(readings: Readings, market: int) -> Floats:
    """Return group x version: `NOT_SHOWN` where the rating forbids it, less where the language does not fit."""
    home = MARKETS[market]
    limits = np.repeat(np.array(MATURITY_LIMITS), N_GROUPS // len(MATURITY_LIMITS))[:, None]
    bilingual = (np.arange(N_GROUPS) // 2 % 2 == 1)[:, None]
    reads = (np.arange(N_GROUPS) % 2 == 1)[:, None]
    understood = (readings.language == LANGUAGES.index(home.language)) | readings.dubbed[:, market]
    understood = understood | (bilingual & (readings.language == LANGUAGES.index(home.second_language)))
    subtitled = readings.subtitled[:, market]
    foreign = np.where(subtitled & reads, -0.5, np.where(subtitled, -1.6, -2.6))
    forbidden = readings.rating[:, market] > limits
    return (np.where(understood, 0.0, foreign) + np.where(forbidden, NOT_SHOWN, 0.0)).astype(np.float32)
