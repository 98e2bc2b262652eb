"""What the titles of the simulated service really are: content, quality, people, languages, ratings.

The truth behind the metadata. Not what anybody can read about it: `descriptions` writes that down, `versions` lets it
arrive.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from recsysops.simulation._words import FRANCHISES, N_TOPICS, PROVIDERS
from recsysops.simulation.planning import Slate
from recsysops.simulation.world import LANGUAGES, MARKETS, SURFACES, Bools, Floats, Ints, WorldConfig, stream

CAST_SIZE: Final = 4
N_PEOPLE: Final = 200
N_RATINGS: Final = 5
"""Maturity levels: 0+, 6+, 12+, 16+, 18+."""
_PROVIDER_SHARES: Final = (0.08, 0.09, 0.09, 0.10, 0.07, 0.08, 0.09, 0.07, 0.10, 0.08, 0.09, 0.06)
_LANGUAGE_SHARES: Final = (0.62, 0.10, 0.10, 0.06, 0.05, 0.04, 0.03)


@dataclass(frozen=True)
class People:
    """Actors and directors: the content they stand for (person x topic, rows sum to 1) and how well liked they are."""

    topics: Floats
    appeal: Floats


@dataclass(frozen=True)
class Titles:
    """The truth of every title, one row each in the order of the slate; -1 means none."""

    content: Floats
    """Title x topic, rows sum to 1."""
    quality: Floats
    """How well liked, in logits of a play, mean about 0."""
    shock: Floats
    """Title x market x surface: what the world makes of it and no metadata tells, in units of the ranking score."""
    provider: Ints
    franchise: Ints
    series: Ints
    season: Ints
    cast: Ints
    """Title x `CAST_SIZE`, persons."""
    director: Ints
    language: Ints
    rating: Ints
    rating_de: Ints
    dubbed: Bools
    """Title x market: dubbed in the main language of the market."""
    subtitled: Bools
    """Title x market."""
    in_market: Bools
    """Title x market: licensed there."""


def make_people(config: WorldConfig) -> People:
    """Return the actors and directors of the world; each stands for one or two topics."""
    rng = stream(config, 1)
    topics = rng.dirichlet(np.full(N_TOPICS, 0.12), N_PEOPLE).astype(np.float32)
    return People(topics, rng.normal(0.0, 0.40, N_PEOPLE).astype(np.float32))


def provider_appeal() -> Floats:
    """Return the mean quality of each provider, best first."""
    return np.linspace(0.65, -0.75, len(PROVIDERS)).astype(np.float32)


def make_titles(config: WorldConfig, slate: Slate, people: People) -> Titles:
    """Return the truth of all titles of the slate."""
    rng = stream(config, 2)
    n = len(slate.launch_day)
    content = rng.dirichlet(np.full(N_TOPICS, 0.16), n).astype(np.float32)
    provider = rng.choice(len(PROVIDERS), n, p=_PROVIDER_SHARES)
    franchise, lift = _franchises(rng, content)
    cast = cast_like(rng, content, people, CAST_SIZE)
    director = cast_like(rng, content, people, 1)[:, 0]
    quality = (
        provider_appeal()[provider]
        + lift
        + 0.8 * people.appeal[cast].mean(axis=1)
        + 0.4 * people.appeal[director]
        + rng.normal(0.0, 0.30, n)
    )
    language = rng.choice(len(LANGUAGES), n, p=_LANGUAGE_SHARES)
    rating, rating_de = _ratings(rng, content)
    dubbed, subtitled = _audio(rng, language, provider)
    series, season = _series(rng, franchise)
    return Titles(
        content=content, quality=quality.astype(np.float32), shock=draw_shock(rng, n), provider=provider,
        franchise=franchise, series=series, season=season, cast=cast, director=director, language=language,
        rating=rating, rating_de=rating_de, dubbed=dubbed, subtitled=subtitled, in_market=_licences(rng, n),
    )  # fmt: skip


def cast_like(rng: np.random.Generator, content: Floats, people: People, size: int) -> Ints:
    """Draw `size` people for each row of `content`, likelier those who stand for such content; title x size."""
    fit = np.log(content @ people.topics.T + 0.01)
    keys = fit * 1.2 + rng.gumbel(size=fit.shape)
    best = np.argpartition(-keys, size - 1, axis=1)[:, :size]
    order = np.argsort(-np.take_along_axis(keys, best, axis=1), axis=1, kind="stable")
    return np.asarray(np.take_along_axis(best, order, axis=1), dtype=np.int64)


def _franchises(rng: np.random.Generator, content: Floats) -> tuple[Ints, Floats]:
    """Put a quarter of the titles into franchises, which pull `content` together in place and lift quality."""
    n = len(content)
    topics = rng.dirichlet(np.full(N_TOPICS, 0.12), len(FRANCHISES)).astype(np.float32)
    appeal = rng.normal(0.45, 0.35, len(FRANCHISES))
    franchise = np.where(rng.random(n) < 0.25, rng.integers(len(FRANCHISES), size=n), -1)
    member = franchise >= 0
    content[member] = 0.4 * content[member] + 0.6 * topics[franchise[member]]
    return franchise, np.where(member, appeal[franchise], 0.0).astype(np.float32)


def _series(rng: np.random.Generator, franchise: Ints) -> tuple[Ints, Ints]:
    """Make seasons: most titles of a franchise and a few others belong to a series, numbered as they come."""
    n = len(franchise)
    own = rng.integers(1000, 1000 + max(n // 12, 1), size=n)
    spin_off = franchise * 8 + rng.integers(0, 8, n)
    is_season = rng.random(n) < np.where(franchise >= 0, 0.7, 0.2)
    series = np.where(is_season, np.where(franchise >= 0, spin_off, own), -1)
    season = np.ones(n, dtype=np.int64)
    for key in np.unique(series[series >= 0]):
        rows = np.flatnonzero(series == key)
        season[rows] = np.arange(1, len(rows) + 1)
    return series, season


def _ratings(rng: np.random.Generator, content: Floats) -> tuple[Ints, Ints]:
    """Rate titles by their content: family titles low, crime and horror high; Germany rates some a level apart."""
    age = np.array([10, 9, 13, 14, 9, 9.5, 9, 16, 6, 1, 1, 13, 6, 6, 10, 9], dtype=np.float64)
    years = content @ age + rng.normal(0.0, 2.0, len(content))
    rating = np.digitize(years, [3.5, 7.0, 11.0, 15.0])
    shift = rng.choice([-1, 0, 1], len(content), p=[0.2, 0.68, 0.12])
    return rating, np.asarray(np.clip(rating + shift, 0, N_RATINGS - 1))


def _audio(rng: np.random.Generator, language: Ints, provider: Ints) -> tuple[Bools, Bools]:
    """Dub and subtitle titles per market; better providers deliver more, English is dubbed most."""
    n = len(language)
    care = 1.0 - 0.035 * provider
    dubbed = np.empty((n, len(MARKETS)), dtype=np.bool_)
    subtitled = np.empty((n, len(MARKETS)), dtype=np.bool_)
    for m, market in enumerate(MARKETS):
        own = language == LANGUAGES.index(market.language)
        chance = np.where(language == 0, 0.92, 0.72) * care
        dubbed[:, m] = own | (rng.random(n) < chance)
        subtitled[:, m] = own | (rng.random(n) < 0.95)
    return dubbed, subtitled


def _licences(rng: np.random.Generator, n: int) -> Bools:
    where = rng.choice(3, n, p=[0.85, 0.10, 0.05])
    return np.stack([where != 2, where != 1], axis=1)


def draw_shock(rng: np.random.Generator, n: int) -> Floats:
    """Draw what the world makes of titles, title x market x surface."""
    shared = rng.normal(0.0, 0.13, (n, 1, 1))
    by_market = rng.normal(0.0, 0.09, (n, len(MARKETS), 1))
    by_cell = rng.normal(0.0, 0.06, (n, len(MARKETS), len(SURFACES)))
    return (shared + by_market + by_cell).astype(np.float32)
