"""A catalogue of 20 fields to judge: made from a seed, with the faults real ones have."""

from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
import pandas as pd

from recsysops import columns as c

AS_OF: Final = datetime(2026, 3, 2, tzinfo=UTC)
_WORDS: Final = np.array([f"{a}{b}" for a in ("sea", "night", "star", "road", "gold") for b in "abcdefghijklmnopqrst"])
_GENRES: Final = np.array(["drama", "comedy", "crime", "family", "documentary", "thriller", "romance", "horror"])
_LANGUAGES: Final = np.array(["en", "de", "fr", "es", "it", "ja", "ko", "pt-BR"])
_RATINGS: Final = np.array(["0+", "6+", "12+", "16+", "18+"])


def catalogue(n: int, seed: int = 1) -> pd.DataFrame:
    """Return n titles x 20 fields: 5 long and short texts, 6 closed lists, 5 numbers, 2 links, 2 dates; 2 % empty."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({
        "name": [f"{first} {second} {number}" for number, (first, second) in enumerate(rng.choice(_WORDS, (n, 2)))],
        "synopsis": [" ".join(words) for words in rng.choice(_WORDS, (n, 30))],
        "tagline": [" ".join(words) for words in rng.choice(_WORDS, (n, 6))],
        "cast": ["|".join(words) for words in rng.choice(_WORDS, (n, 4))],
        "director": rng.choice(_WORDS, n),
        "genres": rng.choice(_GENRES, n),
        "original_language": rng.choice(_LANGUAGES, n),
        "dub_languages": rng.choice(_LANGUAGES, n),
        "subtitle_languages": rng.choice(_LANGUAGES, n),
        "country": rng.choice(["US", "DE", "FR", "JP"], n),
        "maturity_rating": rng.choice(_RATINGS, n),
        "runtime_minutes": rng.normal(100, 20, n).clip(20, 240).round(),
        "production_year": rng.integers(1990, 2026, n).astype(float),
        "episodes": rng.integers(1, 20, n).astype(float),
        "artwork_width": rng.choice([1280.0, 1920.0, 2560.0], n),
        "artwork_height": rng.choice([720.0, 1080.0, 1440.0], n),
        "artwork_url": [f"https://images.example/{number}.jpg" for number in range(n)],
        "trailer_url": [f"https://videos.example/{number}.mp4" for number in range(n)],
        "available_from": _dates(rng, n, -200, 0),
        "available_until": _dates(rng, n, 200, 2000),
    })  # fmt: skip
    for field in frame:
        frame.loc[rng.random(n) < 0.02, field] = None
    frame.loc[frame["artwork_width"].isna() | frame["artwork_height"].isna(), ["artwork_width", "artwork_height"]] = (
        None
    )
    frame.loc[rng.random(n) < 0.01, "original_language"] = "English"
    frame.loc[rng.random(n) < 0.01, "runtime_minutes"] *= 60
    return frame


def cells(n: int, seed: int = 1) -> pd.DataFrame:
    """Return the launch of each title, within four weeks: CELL."""
    rng = np.random.default_rng(seed)
    launch = pd.to_datetime([AS_OF + timedelta(days=float(days)) for days in rng.uniform(0.5, 28, n)], utc=True)
    frame = pd.DataFrame({
        c.TITLE_ID: [f"title-{number:06d}" for number in range(n)], c.MARKET: c.ALL, c.SURFACE: c.ALL,
        c.LAUNCH_AT: launch.astype("datetime64[us, UTC]"), c.PREVIOUS_LAUNCH_AT: pd.NaT, c.LAUNCH_STATUS: c.PLANNED,
        c.NAME: None, c.SERIES_ID: None, c.PROVIDER: rng.choice(["north", "south", "east"], n),
    })  # fmt: skip
    frame[c.PREVIOUS_LAUNCH_AT] = pd.Series(pd.NaT, index=frame.index, dtype="datetime64[us, UTC]")
    return frame.astype(dict.fromkeys(set(c.CELL) - {c.LAUNCH_AT, c.PREVIOUS_LAUNCH_AT}, "str"))[list(c.CELL)]


def requirements(fields: list[str]) -> pd.DataFrame:
    """Return REQUIREMENT: every field is required, of four owners."""
    rows = [
        (field, c.ALL, c.ALL, 5.0 + at % 10, 2.0 + at % 4, f"desk {at % 4}", "critical")
        for at, field in enumerate(fields)
    ]
    return pd.DataFrame(rows, columns=list(c.REQUIREMENT))


def _dates(rng: np.random.Generator, n: int, first: int, last: int) -> list[str]:
    return [f"{AS_OF + timedelta(days=int(days)):%Y-%m-%d}" for days in rng.integers(first, last, n)]
